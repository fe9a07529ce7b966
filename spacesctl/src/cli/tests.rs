use std::ffi::OsString;

use clap::{CommandFactory, FromArgMatches, Parser};

use super::{Cli, Hot, command, explained, hot};

/// Every command that does something, with the words that lead to it.
fn leaves() -> Vec<(String, clap::Command)> {
    fn gather(command: &clap::Command, path: &str, leaves: &mut Vec<(String, clap::Command)>) {
        let mut is_leaf = true;
        for inner in command
            .get_subcommands()
            .filter(|inner| !inner.is_hide_set())
        {
            is_leaf = false;
            gather(inner, &format!("{path} {}", inner.get_name()), leaves);
        }
        if is_leaf {
            leaves.push((path.to_owned(), command.clone()));
        }
    }
    let mut leaves = Vec::new();
    gather(&command(), "spacesctl", &mut leaves);
    leaves
}

fn examples(command: &clap::Command) -> Vec<String> {
    let text = command
        .get_after_help()
        .or_else(|| command.get_after_long_help())
        .map(ToString::to_string)
        .unwrap_or_default();
    let heading = text.starts_with("Examples:\n") || text.starts_with("Example:\n");
    let lines = text
        .lines()
        .skip(1)
        .take_while(|line| line.starts_with("  "));
    match heading {
        true => lines.map(|line| line.trim().to_owned()).collect(),
        false => Vec::new(),
    }
}

/// The words of the calls of spacesctl in a line of shell: without what comes
/// through a pipe or a file, and without the remark beside it.
fn calls(line: &str) -> Vec<Vec<String>> {
    let code = line.split("   ").next().unwrap_or_default();
    let calls = code.split("spacesctl ").skip(1).filter_map(|rest| {
        let ends = [" | ", " && ", " < ", " > ", " >> ", ")"];
        let end = ends.iter().filter_map(|end| rest.find(end)).min();
        let words = shlex::split(&rest[..end.unwrap_or(rest.len())])?;
        Some([vec!["spacesctl".to_owned()], words].concat())
    });
    calls.collect()
}

#[test]
fn the_command_line_is_consistent() {
    command().debug_assert();
    Hot::command().debug_assert();
}

#[test]
fn every_command_says_what_it_is_and_every_argument_too() {
    for (path, command) in leaves() {
        let about = command.get_about().map(ToString::to_string);
        let about = about.unwrap_or_else(|| panic!("`{path}` says nothing of itself"));
        assert!(
            about.chars().count() <= 80 && !about.ends_with('.'),
            "`{path}` has no short description: {about}"
        );
        for argument in command.get_arguments() {
            assert!(
                argument.get_help().is_some() || argument.is_hide_set(),
                "`{path}` does not say what {} is",
                argument.get_id()
            );
        }
    }
}

#[test]
fn every_command_has_examples_of_itself_that_are_right() {
    let mut wrong = Vec::new();
    for (path, command) in leaves() {
        let lines = examples(&command);
        let words = &path["spacesctl ".len()..];
        assert!(
            lines
                .iter()
                .any(|line| line.contains(&format!("spacesctl {words}"))),
            "`{path}` has no example of itself in its help: {lines:?}"
        );
        for line in &lines {
            for call in calls(line) {
                let parsed = super::command().try_get_matches_from(&call);
                // `hook` reads its own words.
                let parsed = parsed.map(|matches| Cli::from_arg_matches(&matches).map(drop));
                if let Err(error) | Ok(Err(error)) = parsed {
                    wrong.push(format!("`{path}`: `{line}`: {error}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_hot_command_means_the_same_as_in_the_whole_command_line() {
    let lines: [&[&str]; 7] = [
        &["post", "agent-logs", "tests", "are", "green"],
        &[
            "post", "#general", "-", "--wait", "sent", "--json", "--kind", "summary", "--path", "a",
        ],
        &["post", "1", "x", "--socket", "/run/x.sock"],
        &["status", "--prompt"],
        &["status", "--json"],
        &["activity"],
        &["activity", "--limit", "3"],
    ];
    for line in lines {
        let words: Vec<_> = std::iter::once(&"spacesctl")
            .chain(line)
            .map(OsString::from)
            .collect();
        let hot = hot(&words).unwrap_or_else(|| panic!("{line:?} is not hot"));
        let whole = Cli::try_parse_from(&words).unwrap();
        assert_eq!(format!("{hot:?}"), format!("{whole:?}"));
    }
    for line in [
        &["post"][..],
        &["post", "--help"],
        &["post", "a", "b", "--wiat", "sent"],
        &["read", "a"],
        &["--json", "status"],
        &[],
    ] {
        let words: Vec<_> = std::iter::once(&"spacesctl")
            .chain(line)
            .map(OsString::from)
            .collect();
        assert!(
            hot(&words).is_none(),
            "{line:?} is for the whole command line"
        );
    }
}

#[test]
fn who_names_a_command_that_a_group_has_not_is_told_those_it_has() {
    let told = |line: &str| {
        let words: Vec<_> = line.split(' ').map(OsString::from).collect();
        let error = Cli::try_parse_from(&words).expect_err("there is no such command");
        explained(error, &words).to_string()
    };
    let dm = told("spacesctl --json dm @alice hello");
    let tip = "tip: the commands of `spacesctl dm`: send, list, conversations";
    assert!(dm.contains(tip), "{dm}");
    let similar = told("spacesctl dm sent @alice hello");
    assert!(similar.contains("'send'"), "{similar}");
    assert!(!similar.contains("the commands of"), "{similar}");
    let top = told("spacesctl xyzzy");
    assert!(!top.contains("the commands of"), "{top}");
}
