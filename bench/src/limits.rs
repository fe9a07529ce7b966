//! What the system lets a process have.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Open files that the largest measure needs, and some.
const ENOUGH_FILES: u64 = 16_384;

/// Raises this program's limit of open files as far as it may.
///
/// # Panics
/// Where that is not far enough.
pub fn allow_many_files() {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|files| files >= ENOUGH_FILES) {
        return;
    }
    limit.current = Some(ENOUGH_FILES);
    setrlimit(Resource::Nofile, limit).expect("16,384 open files are allowed (ulimit -Hn)");
}
