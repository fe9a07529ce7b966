//! What one hook call leaves for the next one of the same session: a small file
//! per session. It is a convenience: lost or damaged, it begins anew.
//!
//! The files are beside the socket: a runtime directory is in memory, where a
//! file is made in 10 us and not in up to 500 as on a disk, and gone with the
//! machine's processes, as the sessions are.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use spaces_api::Timestamp;
use spaces_api::model::SessionState;
use spaces_client::Paths;

/// Most paths remembered for a session.
const MAX_PATHS: usize = 200;
/// A session that has not been heard of for so long is forgotten.
const FORGET_AFTER: Duration = Duration::from_secs(7 * 24 * 3600);
/// How often such sessions are looked for.
const TIDY_AFTER: Duration = Duration::from_secs(24 * 3600);
/// A file as old as the last look.
const TIDIED: &str = "tidied";

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// The session's id in Spaces.
    pub session: String,
    /// Where it works.
    pub cwd: Option<PathBuf>,
    /// When its last start was told.
    pub begun_at: Timestamp,
    /// The processes above the hook at that time: the agent's is among them.
    pub above: Vec<u32>,
    /// The daemon was told of the session, or will be by the spool.
    pub started: bool,
    /// The state last told to the daemon.
    pub state: Option<SessionState>,
    /// Paths it has edited, relative to the repository, oldest first.
    pub paths: Vec<String>,
    /// Paths that the daemon has not been told.
    pub untold: bool,
    /// When the daemon was last told of paths.
    pub told_at: Timestamp,
    /// When news were last asked for after an edit.
    pub news_at: Timestamp,
    /// The agent's last message, for tools whose `stop` does not carry it.
    pub message: Option<String>,
    /// Claims that it has been warned of.
    pub warned: Vec<String>,
}

impl Memory {
    /// What is remembered of a session; empty where nothing is.
    pub fn load(dir: &Path, session: &str) -> Self {
        read(&file(dir, session))
            .filter(|memory| memory.session == session)
            .unwrap_or_else(|| Self {
                session: session.to_owned(),
                ..Self::default()
            })
    }

    /// The sessions that work in `place` or below it and were heard of within a day.
    pub fn working_in(dir: &Path, place: &Path) -> Vec<Self> {
        let recent = Duration::from_secs(24 * 3600);
        files(dir)
            .filter(|(_, age)| *age < recent)
            .filter_map(|(path, _)| read(&path))
            .filter(|memory| {
                let cwd = memory.cwd.as_deref().map(real);
                cwd.is_some_and(|cwd| cwd.starts_with(real(place)))
            })
            .collect()
    }

    /// The sessions whose agent is this process, the last begun first.
    pub fn of_process(dir: &Path, pid: u32) -> Vec<Self> {
        let mut sessions: Vec<_> = files(dir)
            .filter(|(_, age)| *age < FORGET_AFTER)
            .filter_map(|(path, _)| read(&path))
            .filter(|memory| memory.above.contains(&pid))
            .collect();
        sessions.sort_by_key(|memory| std::cmp::Reverse(memory.begun_at));
        sessions
    }

    /// Adds edited paths; the oldest make room.
    pub fn add_paths(&mut self, paths: &[String]) {
        for path in paths {
            if !self.paths.contains(path) {
                self.paths.push(path.clone());
                self.untold = true;
            }
        }
        let surplus = self.paths.len().saturating_sub(MAX_PATHS);
        self.paths.drain(..surplus);
    }

    /// Leaves it for the next call; replaced as a whole, never half written.
    ///
    /// # Errors
    /// The directory can't be written.
    pub fn save(&self, dir: &Path) -> io::Result<()> {
        let path = file(dir, &self.session);
        super::failures::private_dir(dir)?;
        let fresh = path.with_extension(format!("{}.new", std::process::id()));
        let written = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&fresh)
            .and_then(|mut file| file.write_all(&serde_json::to_vec(self)?))
            .and_then(|()| fs::rename(&fresh, path));
        if written.is_err() {
            // Nothing is gained by a half-written file beside the error.
            let _ = fs::remove_file(&fresh);
        }
        written
    }

    /// Forgets a session that has ended.
    pub fn forget(dir: &Path, session: &str) {
        // Not there is as good as forgotten; anything else is tried again by `tidy`.
        let _ = fs::remove_file(file(dir, session));
    }
}

/// The directory of the memories: beside the socket, or in the state directory
/// where the socket's is not this user's alone, such as `/tmp`.
pub fn directory(paths: &Paths) -> PathBuf {
    // There already, but before the first daemon.
    let _ = fs::DirBuilder::new().mode(0o700).create(paths.socket_dir());
    if paths.socket_dir_is_private() {
        // Named after it, as its lock is: whose it is shows wherever that is.
        paths.socket.with_added_extension("hook-sessions")
    } else {
        paths.state_dir.join("hook-sessions")
    }
}

/// Forgets sessions that have not been heard of for a week. Looks for them once
/// a day: there may be hundreds, and an agent waits.
pub fn tidy(dir: &Path) {
    let marker = dir.join(TIDIED);
    let last = marker.metadata().and_then(|facts| facts.modified());
    if last.is_ok_and(|last| last.elapsed().is_ok_and(|age| age < TIDY_AFTER)) {
        return;
    }
    // Not there before the first session, when there is nothing to tidy.
    let _ = fs::write(&marker, "");
    for (path, age) in files(dir) {
        if age > FORGET_AFTER {
            // Tried again at the next session start.
            let _ = fs::remove_file(path);
        }
    }
}

fn file(dir: &Path, session: &str) -> PathBuf {
    let hash = Sha256::digest(session.as_bytes());
    let name: String = hash[..12]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    dir.join(format!("{name}.json"))
}

/// Files of sessions with the time since they were written.
fn files(dir: &Path) -> impl Iterator<Item = (PathBuf, Duration)> {
    let now = SystemTime::now();
    fs::read_dir(dir)
        .into_iter()
        .flatten()
        .filter_map(move |entry| {
            let entry = entry.ok()?;
            if entry.file_name() == TIDIED {
                return None;
            }
            let written = entry.metadata().ok()?.modified().ok()?;
            Some((
                entry.path(),
                now.duration_since(written).unwrap_or_default(),
            ))
        })
}

fn read(path: &Path) -> Option<Memory> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::Path;
    use std::time::SystemTime;

    use spaces_client::Paths;

    use super::{FORGET_AFTER, MAX_PATHS, Memory, TIDIED, TIDY_AFTER, directory, tidy};

    #[test]
    fn they_are_beside_the_socket_where_that_is_the_users_alone() {
        let dir = tempfile::tempdir().unwrap();
        let with_socket_in = |name: &str| {
            directory(&Paths {
                config_file: dir.path().join("config.toml"),
                state_dir: dir.path().join("state"),
                cache_dir: dir.path().join("cache"),
                socket: dir.path().join(name).join("d.sock"),
            })
        };
        let in_state = dir.path().join("state/hook-sessions");

        assert_eq!(
            with_socket_in("new"),
            dir.path().join("new/d.sock.hook-sessions")
        );
        let new = fs::metadata(dir.path().join("new")).unwrap();
        assert_eq!(new.permissions().mode() & 0o777, 0o700);

        let shared = dir.path().join("shared");
        fs::create_dir(&shared).unwrap();
        fs::set_permissions(&shared, fs::Permissions::from_mode(0o1777)).unwrap();
        assert_eq!(with_socket_in("shared"), in_state);

        symlink(dir.path().join("new"), dir.path().join("link")).unwrap();
        assert_eq!(with_socket_in("link"), in_state);
        assert_eq!(with_socket_in("no/parent"), in_state);
    }

    #[test]
    fn it_is_there_for_the_next_call_and_gone_after_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let mut memory = Memory::load(dir.path(), "s1");
        memory.message = Some("m".into());
        memory.save(dir.path()).unwrap();
        assert_eq!(Memory::load(dir.path(), "s1"), memory);
        assert_eq!(Memory::load(dir.path(), "s2").message, None);
        Memory::forget(dir.path(), "s1");
        assert_eq!(Memory::load(dir.path(), "s1").message, None);
    }

    #[test]
    fn the_forgotten_are_looked_for_once_a_day() {
        let dir = tempfile::tempdir().unwrap();
        let age = |name: &Path, age| {
            let file = std::fs::File::options().write(true).open(name).unwrap();
            file.set_modified(SystemTime::now() - age).unwrap();
        };
        let (old, fresh) = (
            super::file(dir.path(), "old"),
            super::file(dir.path(), "fresh"),
        );
        let forgotten = || {
            Memory::load(dir.path(), "old").save(dir.path()).unwrap();
            age(&old, FORGET_AFTER * 2);
        };
        Memory::load(dir.path(), "fresh").save(dir.path()).unwrap();
        forgotten();
        tidy(dir.path());
        assert!(!old.exists() && fresh.exists());
        forgotten();
        tidy(dir.path());
        assert!(old.exists(), "looked for a moment ago");
        age(&dir.path().join(TIDIED), TIDY_AFTER * 2);
        tidy(dir.path());
        assert!(!old.exists() && fresh.exists());
    }

    #[test]
    fn a_damaged_file_begins_anew() {
        let dir = tempfile::tempdir().unwrap();
        Memory::load(dir.path(), "s1").save(dir.path()).unwrap();
        std::fs::write(super::file(dir.path(), "s1"), "{\"paths\": 3").unwrap();
        assert_eq!(Memory::load(dir.path(), "s1").session, "s1");
    }

    #[test]
    fn paths_are_kept_once_and_within_bounds() {
        let mut memory = Memory::default();
        let many: Vec<_> = (0..MAX_PATHS + 5).map(|n| format!("p{n}")).collect();
        memory.add_paths(&many);
        memory.add_paths(&["p7".into()]);
        assert_eq!(memory.paths.len(), MAX_PATHS);
        assert_eq!(memory.paths.last().unwrap(), &format!("p{}", MAX_PATHS + 4));
    }

    #[test]
    fn the_last_begun_session_of_an_agents_process_is_found() {
        let dir = tempfile::tempdir().unwrap();
        for (id, begun, above) in [
            ("s1", 2, vec![7, 3]),
            ("s2", 3, vec![9, 7]),
            ("s3", 4, vec![8]),
        ] {
            let mut memory = Memory::load(dir.path(), id);
            memory.begun_at = spaces_api::Timestamp::from_micros(begun);
            memory.above = above;
            memory.save(dir.path()).unwrap();
        }
        let found = Memory::of_process(dir.path(), 7);
        let ids: Vec<_> = found.iter().map(|memory| memory.session.as_str()).collect();
        assert_eq!(ids, ["s2", "s1"]);
    }

    #[test]
    fn sessions_are_found_by_where_they_work() {
        let dir = tempfile::tempdir().unwrap();
        let work = dir.path().join("repo/sub");
        std::fs::create_dir_all(&work).unwrap();
        let mut memory = Memory::load(dir.path(), "s1");
        memory.cwd = Some(work);
        memory.save(dir.path()).unwrap();
        assert_eq!(
            Memory::working_in(dir.path(), &dir.path().join("repo")).len(),
            1
        );
        assert_eq!(
            Memory::working_in(dir.path(), &dir.path().join("other")).len(),
            0
        );
    }
}
