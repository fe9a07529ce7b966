//! The command line that a tool's settings call, and how it is known as ours.

use crate::hook::{Event, Tool};
use crate::settings::quoted;

/// The command line of one hook.
pub fn line(program: &str, event: Event, tool: Tool) -> String {
    let call = format!(
        "{} hook {} --tool {}",
        quoted(program),
        event.as_str(),
        tool.as_str()
    );
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

#[cfg(test)]
mod tests {
    use super::{is_ours, line};
    use crate::hook::{Event, Tool};

    #[test]
    fn ours_is_known_whatever_the_path() {
        for program in [
            "spacesctl",
            "/opt/bin/spacesctl",
            "/Users/a b/bin/spacesctl",
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
}
