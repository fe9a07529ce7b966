//! Where an edit is: the repository around a directory, and paths relative to it.

use std::path::{Component, Path, PathBuf};
use std::process::{Command, Stdio};

/// Paths as claims name them: relative to the root of the repository around
/// `cwd` (or to `cwd` where there is none). Paths outside stay out.
pub fn relative_paths(cwd: &Path, paths: &[String]) -> Vec<String> {
    let root = root(cwd).unwrap_or_else(|| cwd.to_owned());
    paths
        .iter()
        .filter_map(|path| relative(&root, cwd, Path::new(path)))
        .collect()
}

/// The directory with `.git` (a directory, or a file in a linked worktree) at or above `cwd`.
pub fn root(cwd: &Path) -> Option<PathBuf> {
    cwd.ancestors()
        .find(|dir| dir.join(".git").exists())
        .map(Path::to_owned)
}

/// The commit and branch that git says of the repository around `cwd`. No
/// branch with a detached head. Used from git's own hooks, where git is at hand.
pub fn head(cwd: &Path) -> Option<(String, Option<String>)> {
    let output = Command::new("git")
        .args(["rev-parse", "HEAD", "--abbrev-ref", "HEAD"])
        .current_dir(cwd)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let mut lines = text.lines();
    let commit = lines.next().filter(|_| output.status.success())?.to_owned();
    let branch = lines.next().filter(|name| *name != "HEAD");
    Some((commit, branch.map(str::to_owned)))
}

fn relative(root: &Path, cwd: &Path, path: &Path) -> Option<String> {
    let absolute = plain(&cwd.join(path));
    let inside = absolute
        .strip_prefix(root)
        .ok()
        .map(Path::to_owned)
        .or_else(|| through_links(root, &absolute))?;
    let text = inside.to_str()?.to_owned();
    (!text.is_empty()).then_some(text)
}

/// The same where a symbolic link stands between (`/tmp` on macOS). The file
/// itself need not exist yet.
fn through_links(root: &Path, path: &Path) -> Option<PathBuf> {
    let existing = path.ancestors().find(|part| part.exists())?;
    let rest = path.strip_prefix(existing).ok()?;
    let real = existing.canonicalize().ok()?;
    let real = if rest.as_os_str().is_empty() {
        real
    } else {
        real.join(rest)
    };
    real.strip_prefix(root.canonicalize().ok()?)
        .ok()
        .map(Path::to_owned)
}

/// Without `.` and `..`, by the text alone.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::relative_paths;

    fn relative(cwd: &Path, path: &str) -> Vec<String> {
        relative_paths(cwd, &[path.to_owned()])
    }

    #[test]
    fn paths_are_relative_to_the_repository() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let sub = root.join("crates/a");
        std::fs::create_dir_all(&sub).unwrap();
        std::fs::create_dir(root.join(".git")).unwrap();
        assert_eq!(relative(&sub, "src/x.rs"), ["crates/a/src/x.rs"]);
        assert_eq!(relative(&sub, "../b/./y.rs"), ["crates/b/y.rs"]);
        let absolute = root.join("z.rs");
        assert_eq!(relative(&sub, absolute.to_str().unwrap()), ["z.rs"]);
        assert!(relative(&sub, "/etc/passwd").is_empty());
    }

    #[test]
    fn a_link_to_the_repository_is_seen_through() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("repo");
        std::fs::create_dir_all(root.join(".git")).unwrap();
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&root, &link).unwrap();
        let through = link.join("new/x.rs");
        assert_eq!(relative(&root, through.to_str().unwrap()), ["new/x.rs"]);
    }

    #[test]
    fn without_git_the_directory_is_the_root() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(relative(dir.path(), "a/b.txt"), ["a/b.txt"]);
    }
}
