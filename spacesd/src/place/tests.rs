//! Real repositories, made by git in temporary directories.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::{Lineage, Places, Remembered, lock};

fn git(directory: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args([
            "-c",
            "user.name=t",
            "-c",
            "user.email=t@t",
            "-c",
            "protocol.file.allow=always",
        ])
        .args(arguments)
        .current_dir(directory)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "git {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn commit(directory: &Path, file: &str) -> String {
    std::fs::write(directory.join(file), file).unwrap();
    git(directory, &["add", "-A"]);
    git(directory, &["commit", "-qm", file]);
    git(directory, &["rev-parse", "HEAD"])
}

fn repository() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    git(dir.path(), &["init", "-q", "-b", "main"]);
    dir
}

#[test]
fn a_plain_directory_is_known_by_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let plain = dir.path().join("notes");
    std::fs::create_dir(&plain).unwrap();
    let context = Places::default().context(&plain);
    assert_eq!(context.repo.as_deref(), Some("notes"));
    assert_eq!((context.branch, context.commit), (None, None));
    let absent = Places::default().context(&dir.path().join("absent"));
    assert_eq!(absent.repo.as_deref(), Some("absent"));
}

#[test]
fn a_repository_is_named_by_its_remote_else_by_its_first_commit() {
    let dir = repository();
    let places = Places::default();
    let name = |places: &Places| places.context(dir.path()).repo;
    let directory = dir.path().file_name().unwrap().to_str();
    assert_eq!(name(&places).as_deref(), directory);
    let first = commit(dir.path(), "a");
    commit(dir.path(), "b");
    assert_eq!(name(&places), Some(format!("root:{first}")));
    git(dir.path(), &["remote", "add", "local", "/srv/app.git"]);
    assert_eq!(name(&places), Some(format!("root:{first}")));
    git(
        dir.path(),
        &["remote", "add", "fork", "git@github.com:bob/app.git"],
    );
    assert_eq!(name(&places).as_deref(), Some("github.com/bob/app"));
    git(
        dir.path(),
        &["remote", "add", "origin", "https://github.com/acme/app.git"],
    );
    assert_eq!(name(&places).as_deref(), Some("github.com/acme/app"));
}

#[test]
fn branch_commit_and_changed_paths_follow_the_working_tree() {
    let dir = repository();
    let places = Places::default();
    let first = commit(dir.path(), "a");
    let context = places.context(dir.path());
    assert_eq!(context.branch.as_deref(), Some("main"));
    assert_eq!(context.commit.as_deref(), Some(first.as_str()));
    assert!(context.paths.is_empty());

    git(dir.path(), &["switch", "-qc", "topic"]);
    let second = commit(dir.path(), "committed file");
    std::fs::write(dir.path().join("a"), "changed").unwrap();
    std::fs::create_dir(dir.path().join("new")).unwrap();
    std::fs::write(dir.path().join("new/ünï"), "x").unwrap();
    let context = places.context(dir.path());
    assert_eq!(context.branch.as_deref(), Some("topic"));
    assert_eq!(context.commit.as_deref(), Some(second.as_str()));
    assert_eq!(context.paths, ["a", "new", "committed file"]);
    // The same from a directory below.
    let below = Places::default().context(&dir.path().join("new"));
    assert_eq!(below, context);

    git(dir.path(), &["checkout", "-q", "--detach", &first]);
    let context = places.context(dir.path());
    assert_eq!(context.branch, None);
    assert_eq!(context.commit.as_deref(), Some(first.as_str()));
}

#[test]
fn worktrees_submodules_and_bare_repositories_are_read() {
    let dir = repository();
    commit(dir.path(), "a");
    git(
        dir.path(),
        &["remote", "add", "origin", "https://github.com/acme/app"],
    );
    let outside = tempfile::tempdir().unwrap();
    let tree = outside.path().join("tree");
    git(
        dir.path(),
        &[
            "worktree",
            "add",
            "-q",
            "-b",
            "side",
            tree.to_str().unwrap(),
        ],
    );
    let places = Places::default();
    let context = places.context(&tree);
    assert_eq!(context.repo.as_deref(), Some("github.com/acme/app"));
    assert_eq!(context.branch.as_deref(), Some("side"));
    let next = commit(&tree, "b");
    assert_eq!(places.context(&tree).commit, Some(next));

    let inner = repository();
    let inner_first = commit(inner.path(), "x");
    git(
        dir.path(),
        &[
            "submodule",
            "add",
            "-q",
            inner.path().to_str().unwrap(),
            "vendor",
        ],
    );
    let context = places.context(&dir.path().join("vendor"));
    assert_eq!(context.repo, Some(format!("root:{inner_first}")));

    let bare = outside.path().join("bare.git");
    git(
        outside.path(),
        &[
            "clone",
            "-q",
            "--bare",
            inner.path().to_str().unwrap(),
            "bare.git",
        ],
    );
    let context = places.context(&bare);
    assert_eq!(context.repo, Some(format!("root:{inner_first}")));
    assert_eq!(context.branch.as_deref(), Some("main"));
    assert_eq!(context.commit, Some(inner_first));
}

#[test]
fn what_is_remembered_is_given_at_once_until_git_has_changed_something() {
    let dir = repository();
    commit(dir.path(), "a");
    let places = Places::default();
    assert_eq!(places.known(dir.path()), None);
    let context = places.context(dir.path());
    let known = places.known(dir.path()).unwrap();
    assert!(known.fresh && known.place_fresh);
    assert_eq!(known.context, context);
    commit(dir.path(), "b");
    let known = places.known(dir.path()).unwrap();
    assert!(!known.fresh && !known.place_fresh);
    // A repository that is gone is no repository any more.
    std::fs::remove_dir_all(dir.path().join(".git")).unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while places.context(dir.path()).commit.is_some() {
        assert!(
            Instant::now() < deadline,
            "the repository is still remembered"
        );
    }
}

#[test]
fn commits_are_told_apart_by_their_place_in_the_history() {
    let dir = repository();
    let base = commit(dir.path(), "base");
    let here = commit(dir.path(), "here");
    git(dir.path(), &["switch", "-qc", "ahead"]);
    commit(dir.path(), "between");
    let ahead = commit(dir.path(), "ahead");
    git(dir.path(), &["switch", "-qc", "aside", &base]);
    let aside = commit(dir.path(), "aside");
    git(dir.path(), &["switch", "-q", "main"]);

    let places = Places::default();
    assert_eq!(
        places.context(dir.path()).commit.as_deref(),
        Some(here.as_str())
    );
    let absent = "0123456789012345678901234567890123456789".to_owned();
    let commits = [
        base.clone(),
        here.clone(),
        ahead.clone(),
        aside.clone(),
        absent.clone(),
        "--all".to_owned(),
    ];
    let before = places.known_lineages(&here, &commits);
    assert_eq!(before.of.len(), 1);
    assert_eq!(before.unasked.len(), 4, "all that could be commits");
    let found = places.lineages(dir.path(), &commits).of;
    assert_eq!(found.get(&base), Some(&Lineage::Ancestor));
    assert_eq!(found.get(&here), Some(&Lineage::Same));
    assert_eq!(found.get(&ahead), Some(&Lineage::Descendant));
    assert_eq!(found.get(&aside), Some(&Lineage::Diverged));
    assert_eq!(found.len(), 4);
    let after = places.known_lineages(&here, &commits);
    assert_eq!(after.of, found);
    assert!(
        after.unasked.is_empty(),
        "nor is the absent one asked about"
    );
}

#[test]
fn of_several_who_ask_at_once_one_asks_git() {
    let dir = tempfile::tempdir().unwrap();
    let places = Places::default();
    let turn = Arc::default();
    let reading = lock(&turn);
    lock(&places.reading).insert(dir.path().to_owned(), Arc::clone(&turn));
    let others: Vec<_> = (0..2)
        .map(|_| {
            let (places, directory) = (places.clone(), dir.path().to_owned());
            std::thread::spawn(move || places.context(&directory).repo)
        })
        .collect();
    // The test's, the map's, and one for each who waits.
    while Arc::strong_count(&turn) < 4 {
        std::thread::yield_now();
    }
    let mut read = Remembered::read(dir.path(), None);
    read.context.repo = Some("read by the first".to_owned());
    places.remember(dir.path(), read);
    drop(reading);
    for other in others {
        let repo = other.join().unwrap();
        assert_eq!(repo.as_deref(), Some("read by the first"));
    }
    places.context(&dir.path().join("another"));
    assert!(
        lock(&places.reading).keys().eq([dir.path()]),
        "whose turn is not over"
    );
}
