//! Whether git's own files are as they were.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::repository::Repository;

/// Identity, size and time of a file; none if there is none.
type Mark = Option<(u64, u64, i64, i64)>;

/// The marks of every file that a checkout, commit, add, fetch, or change of
/// the configuration touches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    head: String,
    marks: [Mark; 5],
}

impl Stamp {
    pub fn of(repository: &Repository) -> Self {
        let Repository {
            git_dir,
            common_dir,
            ..
        } = repository;
        let head = fs::read_to_string(git_dir.join("HEAD")).unwrap_or_default();
        let reference = head.strip_prefix("ref:").map(str::trim);
        Self {
            marks: [
                mark(&git_dir.join("index")),
                reference.and_then(|name| mark(&common_dir.join(name))),
                mark(&common_dir.join("packed-refs")),
                mark(&common_dir.join("reftable/tables.list")),
                mark(&common_dir.join("config")),
            ],
            head,
        }
    }
}

fn mark(path: &Path) -> Mark {
    let file = fs::metadata(path).ok()?;
    Some((file.ino(), file.size(), file.mtime(), file.mtime_nsec()))
}
