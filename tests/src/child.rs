use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::eventually;

/// A process of ours. Killed when dropped; its output is kept in a file and
/// shown when the test fails.
pub struct Child {
    process: std::process::Child,
    log: PathBuf,
}

impl Child {
    /// Starts it with its output appended to `log`.
    pub fn spawn(command: &mut Command, log: &Path) -> Self {
        let output = File::options()
            .create(true)
            .append(true)
            .open(log)
            .expect("the log is in the test's own directory");
        let errors = output.try_clone().expect("a file can be shared");
        let process = command
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        Self {
            process,
            log: log.to_owned(),
        }
    }

    /// Sends a signal, if it still runs.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.process);
        // It may have ended by itself: then there is nothing to signal.
        let _ = kill_process(pid, signal);
    }

    /// SIGKILL, and waits until it is gone.
    pub fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// SIGTERM, and waits until it ends by itself.
    pub fn stop(&mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        eventually("the process ends after SIGTERM", || self.exited())
    }

    /// The exit status, once it has ended.
    pub fn exited(&mut self) -> Option<ExitStatus> {
        self.process
            .try_wait()
            .expect("our own child can be waited for")
    }

    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Everything it has printed.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("---- {}\n{}", self.log.display(), self.log());
        }
    }
}
