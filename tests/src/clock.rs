use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// Where Debian has it; `lib64` and the like elsewhere.
const LIBRARIES: [&str; 3] = ["/usr/lib", "/usr/lib64", "/usr/local/lib"];
const LIBRARY: &str = "faketime/libfaketimeMT.so.1";

/// The clock of one process, which the test sets while that process runs: a
/// library that is loaded before libc answers what time it is. Only the time of
/// day is touched; durations go on as they do when somebody sets a real clock.
pub struct Clock {
    directory: TempDir,
}

impl Clock {
    /// A clock that shows the true time.
    pub fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let clock = Self { directory };
        clock.set_off_by(0);
        clock
    }

    /// From now on the clock is off by so many seconds: ahead, or behind if
    /// negative.
    pub fn set_off_by(&self, seconds: i64) {
        // Renamed into place: the library never reads half of it.
        let new = self.directory.path().join("new");
        fs::write(&new, format!("{seconds:+}\n")).expect("the test's own file");
        fs::rename(&new, self.file()).expect("the test's own file");
    }

    pub(crate) fn rule(&self, command: &mut Command) {
        command
            .env("LD_PRELOAD", library())
            .env("FAKETIME_TIMESTAMP_FILE", self.file())
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .env("FAKETIME_DONT_RESET", "1");
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("clock")
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

fn library() -> PathBuf {
    let within = |directory: &str| {
        let direct = [Path::new(directory).join(LIBRARY)];
        let by_architecture = fs::read_dir(directory).into_iter().flatten().flatten();
        direct
            .into_iter()
            .chain(by_architecture.map(|entry| entry.path().join(LIBRARY)))
            .find(|path| path.is_file())
    };
    LIBRARIES
        .into_iter()
        .find_map(within)
        .expect("libfaketime is needed to set a process's clock: scripts/setup --test installs it")
}
