//! Running git: without prompts, hooks or locks, with a deadline and a bound on
//! what is read.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// A repository that takes longer is treated as one that says nothing.
const DEADLINE: Duration = Duration::from_secs(5);

/// Output that is read; more is cut off.
const MOST_OUTPUT: u64 = 1024 * 1024;

/// What git said.
pub(super) struct Said {
    pub success: bool,
    /// Cut at [`MOST_OUTPUT`] bytes.
    pub text: String,
}

/// Runs git in `directory`; none if there is no git, or it took too long.
pub(super) fn run(directory: &Path, arguments: &[&str]) -> Option<Said> {
    run_with_input(directory, arguments, "")
}

/// As [`run`], with text for its standard input.
pub(super) fn run_with_input(directory: &Path, arguments: &[&str], input: &str) -> Option<Said> {
    let mut command = Command::new("git");
    // Variables that a git hook sets would point to its own repository.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("GIT_") {
            command.env_remove(name);
        }
    }
    let mut child = command
        .args(["-c", "core.fsmonitor=false", "-c", "core.quotePath=false"])
        .args(arguments)
        .current_dir(directory)
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_NO_LAZY_FETCH", "1")
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut stdin = child.stdin.take()?;
    let stdout = child.stdout.take()?;
    let (sender, output) = mpsc::channel();
    let input = input.to_owned();
    let reading = thread::Builder::new()
        .name("git".to_owned())
        .spawn(move || {
            // Git may end before it has read everything.
            let _ = stdin.write_all(input.as_bytes());
            drop(stdin);
            let mut bytes = Vec::new();
            let read = stdout.take(MOST_OUTPUT).read_to_end(&mut bytes);
            let _ = sender.send(read.map(|_| bytes));
        });
    let bytes = match reading.map(|_| output.recv_timeout(DEADLINE)) {
        Ok(Ok(Ok(bytes))) => Some(bytes),
        _ => None,
    };
    // After its output was read to the end, git has nothing left to do; after a
    // cut or a deadline it is ended.
    let cut = bytes
        .as_ref()
        .is_none_or(|bytes| bytes.len() as u64 >= MOST_OUTPUT);
    if cut {
        let _ = child.kill();
    }
    let status = child.wait().ok()?;
    Some(Said {
        success: status.success(),
        text: String::from_utf8_lossy(&bytes?).into_owned(),
    })
}
