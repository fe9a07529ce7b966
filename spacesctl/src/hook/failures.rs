//! The failure log: hooks never block and never fail loudly, so each time one
//! could not do its work it is counted here, and `spacesctl doctor` shows it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use spaces_api::Timestamp;

/// The file in the state directory.
pub const FILE: &str = "hook-failures.jsonl";

/// At this size the log is put aside (one former log is kept).
const MAX_BYTES: u64 = 256 * 1024;

/// Longest detail, in characters.
const MAX_DETAIL: usize = 300;

/// One hook call that could not do all of its work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    pub at: Timestamp,
    pub event: String,
    pub tool: String,
    /// An error kind of the API, or `bad_input`, `bad_arguments`, `out_of_time`,
    /// `spool`, `fault`.
    pub reason: String,
    /// What happened, without any text of peers or of the session.
    pub detail: String,
    pub outcome: Kept,
}

/// What became of what the hook wanted to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kept {
    /// The write waits in the spool; nothing is lost.
    Spooled,
    /// A read or a sign of life was left out; there was nothing to keep.
    Skipped,
    /// The write could not be kept anywhere.
    Lost,
}

impl Failure {
    /// A failure now.
    pub fn now(event: &str, tool: &str, reason: &str, detail: &str, outcome: Kept) -> Self {
        Self {
            at: Timestamp::now(),
            event: event.to_owned(),
            tool: tool.to_owned(),
            reason: reason.to_owned(),
            detail: crate::peers::inline(detail, MAX_DETAIL),
            outcome,
        }
    }
}

/// Appends one failure: a single write, so that hooks at the same time do not mix.
///
/// # Errors
/// The state directory or the file can't be written.
pub fn append(state_dir: &Path, failure: &Failure) -> io::Result<()> {
    private_dir(state_dir)?;
    let path = state_dir.join(FILE);
    if fs::metadata(&path).is_ok_and(|facts| facts.len() >= MAX_BYTES) {
        fs::rename(&path, former(state_dir))?;
    }
    let mut file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)?;
    let mut line = Vec::new();
    if is_cut(&mut file) {
        line.push(b'\n');
    }
    serde_json::to_writer(&mut line, failure)?;
    line.push(b'\n');
    file.write_all(&line)
}

/// Whether the last line has no end: a full disk may have cut it.
fn is_cut(log: &mut File) -> bool {
    let mut last = [0];
    log.seek(SeekFrom::End(-1)).is_ok() && log.read_exact(&mut last).is_ok() && last != *b"\n"
}

/// The failures since a moment, oldest first. A damaged line is passed over:
/// a full disk may have cut it.
///
/// # Errors
/// The log is there and can't be read.
pub fn since(state_dir: &Path, moment: Timestamp) -> io::Result<Vec<Failure>> {
    let mut failures = Vec::new();
    for path in [former(state_dir), state_dir.join(FILE)] {
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        let lines = BufReader::new(file).split(b'\n');
        for line in lines {
            if let Ok(failure) = serde_json::from_slice::<Failure>(&line?)
                && failure.at >= moment
            {
                failures.push(failure);
            }
        }
    }
    Ok(failures)
}

/// Makes a directory that is its owner's alone, unless it is there.
///
/// # Errors
/// It can't be made.
pub(super) fn private_dir(dir: &Path) -> io::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
}

fn former(state_dir: &Path) -> PathBuf {
    state_dir.join("hook-failures.old.jsonl")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use spaces_api::Timestamp;

    use super::{FILE, Failure, Kept, MAX_BYTES, append, former, since};

    fn failure(detail: &str) -> Failure {
        Failure::now("stop", "codex", "timeout", detail, Kept::Spooled)
    }

    #[test]
    fn what_is_appended_is_read_back_and_private() {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("new");
        append(&state, &failure("first")).unwrap();
        append(&state, &failure("second")).unwrap();
        let details: Vec<_> = since(&state, Timestamp::default())
            .unwrap()
            .into_iter()
            .map(|failure| failure.detail)
            .collect();
        assert_eq!(details, ["first", "second"]);
        let mode = state.join(FILE).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn only_what_is_recent_is_told() {
        let dir = tempfile::tempdir().unwrap();
        append(dir.path(), &failure("x")).unwrap();
        let later = Timestamp::from_micros(Timestamp::now().as_micros() + 60_000_000);
        assert_eq!(since(dir.path(), later).unwrap(), []);
    }

    #[test]
    fn a_cut_line_hides_no_other() {
        let dir = tempfile::tempdir().unwrap();
        for cut in ["{\"at\": \n\u{0}\n", "{\"at\": 12"] {
            std::fs::write(dir.path().join(FILE), cut).unwrap();
            append(dir.path(), &failure("x")).unwrap();
            assert_eq!(since(dir.path(), Timestamp::default()).unwrap().len(), 1);
        }
    }

    #[test]
    fn the_log_stays_small_and_keeps_the_newest() {
        let dir = tempfile::tempdir().unwrap();
        let detail = "d".repeat(300);
        let count = 4 * MAX_BYTES as usize / 400;
        for _ in 0..count {
            append(dir.path(), &failure(&detail)).unwrap();
        }
        append(dir.path(), &failure("newest")).unwrap();
        let size = |path: std::path::PathBuf| path.metadata().unwrap().len();
        assert!(size(dir.path().join(FILE)) <= MAX_BYTES + 1024);
        assert!(size(former(dir.path())) <= MAX_BYTES + 1024);
        let told = since(dir.path(), Timestamp::default()).unwrap();
        assert_eq!(told.last().unwrap().detail, "newest");
    }

    #[test]
    fn no_log_means_no_failures() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(since(dir.path(), Timestamp::default()).unwrap(), []);
    }
}
