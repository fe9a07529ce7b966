//! Whole processes: from the order to start one to its end.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use spaces_tests::{Cli, binary};

/// Runs it to its end, its output thrown away.
///
/// # Panics
/// If it fails.
pub fn run_time(mut command: Command) -> Duration {
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let begun = Instant::now();
    let status = command.status().expect("the program starts");
    let took = begun.elapsed();
    assert!(status.success(), "{command:?} ended with {status}");
    took
}

/// `/bin/true` with the environment of this user: what any process costs.
pub fn nothing(cli: &Cli) -> Command {
    let mut command = cli.command("/bin/true".as_ref());
    command.stdin(Stdio::null());
    command
}

/// `spacesctl` with these arguments and nothing on its standard input.
pub fn spacesctl(cli: &Cli, arguments: &[&str]) -> Command {
    let mut command = cli.command(&binary("spacesctl"));
    command.args(arguments).stdin(Stdio::null());
    command
}

/// A program that does nothing but this: it sends the requests to the daemon and
/// reads the answers. What is left of a command of ours without the command.
pub fn bare(cli: &Cli, socket: &Path, requests: &[Vec<u8>]) -> Command {
    let mut command = cli.command(&binary("bare"));
    let lines = requests
        .iter()
        .map(|line| OsStr::from_bytes(line.trim_ascii_end()));
    command.arg(socket).args(lines).stdin(Stdio::null());
    command
}
