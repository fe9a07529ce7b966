//! The command line that a tool's settings call, and how it is known as ours.

use anyhow::{Context, Result};

use super::target::Scope;
use crate::hook::{Event, Tool};

/// How the program is called: by its path in a user's own settings (agent tools
/// started from a desktop have a short PATH), by name in a project's, which may
/// be shared with people who have it elsewhere or not at all.
///
/// # Errors
/// The path of this program can't be told.
pub fn program(scope: Scope) -> Result<String> {
    match scope {
        Scope::Project => Ok("spacesctl".to_owned()),
        Scope::User => {
            let path = std::env::current_exe().context("cannot tell where spacesctl is")?;
            let path = path
                .to_str()
                .context("the path of spacesctl is not UTF-8")?;
            Ok(quoted(path))
        }
    }
}

/// The command line of one hook.
pub fn line(program: &str, event: Event, tool: Tool) -> String {
    let call = format!("{program} hook {} --tool {}", event.as_str(), tool.as_str());
    if program == "spacesctl" {
        // Quiet where it is not installed.
        return format!("command -v spacesctl >/dev/null 2>&1 && {call} || true");
    }
    call
}

/// Whether a command line is one of [`line`], of this or an earlier version.
pub fn is_ours(command: &str, tool: Tool) -> bool {
    let Some((program, rest)) = command.rsplit_once(" hook ") else {
        return false;
    };
    let mut words = rest.split_whitespace();
    program.trim_end_matches(['\'', '"']).ends_with("spacesctl")
        && words.next().is_some()
        && words.next() == Some("--tool")
        && words.next() == Some(tool.as_str())
}

/// As one word for a POSIX shell.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::{is_ours, line, quoted};
    use crate::hook::{Event, Tool};

    #[test]
    fn ours_is_known_whatever_the_path() {
        for program in [
            "spacesctl",
            "/opt/bin/spacesctl",
            "'/Users/a b/bin/spacesctl'",
        ] {
            let command = line(program, Event::Stop, Tool::Codex);
            assert!(is_ours(&command, Tool::Codex), "{command}");
            assert!(!is_ours(&command, Tool::Gemini), "{command}");
        }
        for foreign in [
            "my-spacesctl-wrapper hook",
            "echo spacesctl hook",
            "other hook stop --tool codex",
            "",
        ] {
            assert!(!is_ours(foreign, Tool::Codex), "{foreign}");
        }
    }

    #[test]
    fn a_path_with_spaces_stays_one_word() {
        assert_eq!(quoted("/a/b"), "/a/b");
        assert_eq!(quoted("/a b/it's"), r"'/a b/it'\''s'");
    }
}
