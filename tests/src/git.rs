use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Runs git in a directory, with an author and no configuration of the user's.
///
/// # Panics
/// If it fails.
pub fn git(directory: &Path, words: &[&str]) {
    let done = Command::new("git")
        .args(["-c", "user.name=T", "-c", "user.email=t@example.com"])
        .args(words)
        .current_dir(directory)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .stdin(Stdio::null())
        .output()
        .expect("git runs");
    let error = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "git {words:?}: {error}");
}

/// A new clone of `github.com/acme/app` on `main`, with one commit.
pub fn repository(home: &Path) -> PathBuf {
    repository_of(home, "app", "main")
}

/// The same of `github.com/acme/NAME` on a branch.
pub fn repository_of(home: &Path, name: &str, branch: &str) -> PathBuf {
    let dir = home.join(name);
    fs::create_dir_all(dir.join("src")).expect("the home is ours");
    git(&dir, &["init", "-q", "-b", branch]);
    let origin = format!("https://github.com/acme/{name}.git");
    git(&dir, &["remote", "add", "origin", &origin]);
    fs::write(dir.join("src/a.rs"), "fn a() {}\n").expect("the home is ours");
    git(&dir, &["add", "."]);
    git(&dir, &["commit", "-qm", "first"]);
    dir
}
