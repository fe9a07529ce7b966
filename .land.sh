set -e
git rebase main 2>&1 | tail -1
cargo fmt -p spacesd -- --check
cargo clippy -p spacesd --all-targets -- -D warnings 2>&1 | grep -E "^(error|warning)" -A10 && exit 1
cargo test -p spacesd --lib -- cache events place activity 2>&1 | grep -E "FAILED|panicked|test result"
git -C /work/main merge --ff-only cache 2>&1 | tail -1
