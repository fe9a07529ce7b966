use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::{Disk, Installation, PATIENCE, binary};

/// What runs longer hangs: it is killed, and the test fails.
const HANG: Duration = PATIENCE.saturating_mul(5);

/// `spacesctl` with directories of its own: as a user of one machine.
#[derive(Clone)]
pub struct Cli {
    program: PathBuf,
    home: PathBuf,
    directory: PathBuf,
    disk: Option<Arc<Disk>>,
    authorities: Option<PathBuf>,
}

/// What a finished `spacesctl` left.
pub struct Finished {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Cli {
    pub(crate) fn new(home: &Path, disk: Option<Arc<Disk>>) -> Self {
        Self {
            program: binary("spacesctl"),
            home: home.to_owned(),
            directory: home.to_owned(),
            disk,
            authorities: None,
        }
    }

    /// The working directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The same user, in another working directory.
    #[must_use]
    pub fn within(&self, directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
            ..self.clone()
        }
    }

    /// The same user, with the programs of this installation.
    #[must_use]
    pub fn of(&self, installation: &Installation) -> Self {
        Self {
            program: installation.spacesctl(),
            ..self.clone()
        }
    }

    /// The same user, who trusts the certificates that an authority of this file
    /// has signed, and no others.
    #[must_use]
    pub fn trusting(&self, authorities: &Path) -> Self {
        Self {
            authorities: Some(authorities.to_owned()),
            ..self.clone()
        }
    }

    /// This user's home directory.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// A command with this user's environment and nothing of the developer's.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = match &self.disk {
            None => Command::new(program),
            Some(disk) => {
                let mut inside = Command::new("nsenter");
                inside.args(disk.way_in(&self.directory)).arg(program);
                inside
            }
        };
        let path = std::env::var_os("PATH").unwrap_or_default();
        command
            .env_clear()
            .env("PATH", path)
            .env("HOME", &self.home)
            .env("XDG_CONFIG_HOME", self.home.join("config"))
            .env("XDG_STATE_HOME", self.home.join("state"))
            .env("XDG_CACHE_HOME", self.home.join("cache"))
            .env("XDG_RUNTIME_DIR", self.home.join("run"))
            .env("SPACES_HUB_BIN", binary("spaces-hub"))
            .env("RUST_BACKTRACE", "1")
            .current_dir(&self.directory);
        if let Some(authorities) = &self.authorities {
            command.env("SSL_CERT_FILE", authorities);
        }
        command
    }

    /// Runs it to its end.
    pub fn run(&self, arguments: &[&str]) -> Finished {
        self.run_with_input(arguments, "")
    }

    /// Runs it to its end with this on its standard input.
    ///
    /// # Panics
    /// If it does not end by itself.
    pub fn run_with_input(&self, arguments: &[&str], input: &str) -> Finished {
        let mut process = self
            .command(&self.program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("spacesctl starts");
        let mut stdin = process.stdin.take().expect("it is piped");
        // A program that does not read its input closes the pipe: not a fault.
        let input = input.to_owned();
        let writer = std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
        let pid = Pid::from_child(&process);
        let (ended, end) = mpsc::channel();
        std::thread::spawn(move || ended.send(process.wait_with_output()));
        let Ok(output) = end.recv_timeout(HANG) else {
            let _ = kill_process(pid, Signal::KILL);
            panic!("spacesctl {arguments:?} did not end within {HANG:?}");
        };
        let output = output.expect("spacesctl can be waited for");
        writer.join().expect("the writer does not panic");
        Finished {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Runs it and takes its standard output as JSON.
    ///
    /// # Panics
    /// If it fails or prints anything but JSON.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let done = self.run(arguments);
        assert_eq!(
            done.code, 0,
            "spacesctl {arguments:?} failed: {}{}",
            done.err, done.out
        );
        serde_json::from_str(&done.out)
            .unwrap_or_else(|error| panic!("spacesctl {arguments:?}: {error} in {}", done.out))
    }
}
