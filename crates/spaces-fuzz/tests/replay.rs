//! Every input that was ever found to matter, again.

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use spaces_fuzz::{CHECKS, Check};

fn corpus(name: &str) -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(name);
    let mut files: Vec<_> = fs::read_dir(&directory)
        .unwrap_or_else(|error| panic!("{}: {error}", directory.display()))
        .map(|entry| entry.expect("a directory can be read").path())
        .collect();
    files.sort();
    files
}

fn replay(name: &str, check: Check) {
    let files = corpus(name);
    assert!(
        files.len() >= 5,
        "{name} has a corpus of {} only",
        files.len()
    );
    for file in files {
        let input = fs::read(&file).expect("a file of the corpus can be read");
        if catch_unwind(|| check(&input)).is_err() {
            panic!("{name} does not hold for {}: see above", file.display());
        }
    }
}

#[test]
fn what_was_found_once_holds() {
    for (name, check) in CHECKS {
        replay(name, *check);
    }
}

#[test]
fn every_corpus_has_its_check_and_its_target() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let named = |directory: &str| -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(fuzz.join(directory))
            .expect("the directory is there")
            .map(|entry| entry.expect("a directory can be read").path())
            .map(|path| {
                path.file_stem()
                    .expect("a name")
                    .to_string_lossy()
                    .into_owned()
            })
            .collect();
        names.sort();
        names
    };
    let checks: Vec<_> = CHECKS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(named("corpus"), checks);
    assert_eq!(named("fuzz_targets"), checks);
}
