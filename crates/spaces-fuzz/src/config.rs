//! The configuration file, as the daemon and as the hooks read it.

use std::collections::HashMap;
use std::path::Path;

use spacesd::config::{Config, Problems, Source, load};
use tempfile::TempDir;

thread_local! {
    static DIRECTORY: TempDir = tempfile::tempdir().expect("a temporary directory");
}

/// The text of the file; then perhaps the value of an environment variable.
pub fn check(input: &[u8]) {
    let mut parts = input.splitn(2, |byte| *byte == 0xff);
    let text = parts.next().unwrap_or_default();
    let environment = parts.next().map(String::from_utf8_lossy);
    DIRECTORY.with(|directory| {
        let file = directory.path().join("config.toml");
        std::fs::write(&file, text).expect("the directory is ours");
        match read(&file, environment.as_deref()) {
            Ok(config) => {
                is_read_back(&file, &config);
                if environment.is_none() {
                    hooks_agree(&file, &config);
                }
            }
            Err(problems) => are_explained(&file, text, &problems),
        }
    });
}

fn read(file: &Path, level: Option<&str>) -> Result<Config, Problems> {
    let level = level.map(|level| ("SPACES_LOG_LEVEL".to_owned(), level.to_owned()));
    load(&Source {
        file: file.to_owned(),
        must_exist: true,
        environment: HashMap::from_iter(level),
        flags: Vec::new(),
    })
}

/// What was understood can be written down and is understood again.
fn is_read_back(file: &Path, config: &Config) {
    let text = toml::to_string(config).expect("settings can be written");
    std::fs::write(file, &text).expect("the directory is ours");
    assert_eq!(read(file, None).as_ref(), Ok(config), "{text}");
}

/// A file that the daemon takes is no fault to a hook, and means the same.
fn hooks_agree(file: &Path, config: &Config) {
    let hooks = spacesctl::hook::config::load(file).expect("the daemon understood it");
    assert_eq!(hooks.agent_log, config.agent_log);
    assert_eq!(hooks.hooks.deny_claimed, config.hooks.deny_claimed);
}

/// Each problem has a place that there is, and is told in one line that can be
/// shown on a terminal.
fn are_explained(file: &Path, text: &[u8], problems: &Problems) {
    assert!(!problems.0.is_empty(), "refused without a reason");
    let lines = text.iter().filter(|byte| **byte == b'\n').count() + 1;
    let prefix = file.display().to_string();
    for problem in &problems.0 {
        assert!(!problem.message.is_empty());
        assert!(
            !problem.message.contains(char::is_control),
            "{:?}",
            problem.message
        );
        if problem.place == "SPACES_LOG_LEVEL" || problem.place == prefix {
            continue;
        }
        let place = problem
            .place
            .strip_prefix(&prefix)
            .and_then(|place| place.strip_prefix(':'))
            .unwrap_or_else(|| panic!("{} is no place", problem.place));
        let (line, column) = place.split_once(':').expect("line and column");
        let line: usize = line.parse().expect("a number");
        assert!((1..=lines).contains(&line), "{}", problem.place);
        assert!(column.parse::<usize>().is_ok_and(|column| column >= 1));
    }
}
