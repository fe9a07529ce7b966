//! What belongs to one hub: who we are there, what is queued for it, what is
//! cached of it. A daemon has one hub at a time. Where the settings name another
//! than at the last start, all of it is set aside below `hubs/`, in the state and
//! in the cache directory, and what was set aside for the new one is taken back:
//! what was written for one hub is never sent to another, nor its token, and who
//! comes back is who they were.
//!
//! `hub.current` says whose the files are. It changes between setting aside and
//! taking back, so that a crash at any place is mended by the next start.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use spaces_api::model::HubMode;
use spaces_api::spool::is_request;
use spaces_client::Paths;
use spaces_domain::invite::canonical_address;
use uuid::Uuid;

use crate::config::Hub;

const CURRENT: &str = "hub.current";
const ASIDE: &str = "hubs";
const SPOOL: &str = "spool";
/// The address of a hub that the daemon starts itself.
const LOCAL: &str = "local";
/// Names of directories are cut to so many characters of the hub's.
const NAME_CHARS: usize = 80;

/// That the daemon has another hub than at its last start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The hub of the last start: `local` or an address, and the database.
    pub from: String,
    /// Where in the state directory all that is its own is now.
    pub aside: PathBuf,
    /// Whether there was something of the new one to take back.
    pub known: bool,
}

impl Change {
    /// What to tell of it: nothing to one who comes back.
    pub fn notice(&self, state_dir: &Path) -> Option<String> {
        let Self { from, aside, known } = self;
        if *known {
            return None;
        }
        let (aside, state) = (aside.display(), state_dir.display());
        let mut notice = format!(
            "this is another hub than before ({from}): who you are there and what is queued for \
             it is kept in {aside} until the settings name it again"
        );
        if !from.starts_with(LOCAL) {
            notice += &format!(
                "; if it is the same at another address, `spacesctl down`, \
                 `cp -a {aside}/. {state}`, `spacesctl up`"
            );
        }
        Some(notice)
    }
}

/// Has the state and cache directories hold what belongs to this hub. Nothing
/// may have the files open.
///
/// # Errors
/// Where files cannot be read or moved. To go on would send what is written for
/// one hub to another.
pub fn settle(paths: &Paths, hub: &Hub) -> io::Result<Option<Change>> {
    let now = name(hub);
    let current = paths.state_dir.join(CURRENT);
    let last = match fs::read_to_string(&current) {
        Ok(text) => text.trim().to_owned(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(at("read", &current, &error)),
    };
    let roots = [&paths.state_dir, &paths.cache_dir];
    // What no file names was there before there was one: it is this hub's.
    let left = Some(&last).filter(|last| !last.is_empty() && **last != now);
    if let Some(last) = left {
        for root in roots {
            let aside = aside(root, last);
            make_room(root, &aside)?;
            carry(root, &aside)?;
        }
    }
    if last != now
        && let Err(error) = write(&current, &now)
    {
        let error = at("write", &current, &error);
        if left.is_some() {
            return Err(error);
        }
        // A full disk keeps no daemon from its start: the next one writes it.
        tracing::warn!(%error, "whose the files are is not noted yet");
    }
    let mut known = false;
    for root in roots {
        known |= carry(&aside(root, &now), root)?;
    }
    Ok(left.map(|from| Change {
        from: from.clone(),
        aside: aside(&paths.state_dir, from),
        known,
    }))
}

/// The hub, as `hub.current` has it. The forms of one address are one hub.
fn name(hub: &Hub) -> String {
    let place = match (hub.mode, &hub.uri) {
        (HubMode::Remote, Some(uri)) => canonical_address(uri),
        _ => LOCAL.to_owned(),
    };
    format!("{place} {}", hub.database)
}

/// Where what belongs to this hub is while the daemon has another.
fn aside(root: &Path, name: &str) -> PathBuf {
    let readable: String = name
        .chars()
        .map(|c| match c {
            '.' | '-' | '_' => c,
            c if c.is_alphanumeric() => c,
            _ => '-',
        })
        .take(NAME_CHARS)
        .collect();
    let digest = Sha256::digest(name.as_bytes());
    let [a, b, c, d, ..] = digest[..] else {
        unreachable!("a digest has 32 bytes");
    };
    root.join(ASIDE)
        .join(format!("{readable}-{a:02x}{b:02x}{c:02x}{d:02x}"))
}

/// Renames what would keep files of the hub where the next one's must be: copies
/// that somebody left among what was set aside. Nothing is written over.
fn make_room(from: &Path, to: &Path) -> io::Result<()> {
    for file in belongings(from)? {
        let taken = to.join(file);
        if !taken.exists() {
            continue;
        }
        let mut name = taken.clone().into_os_string();
        name.push(format!(".{}", Uuid::now_v7().simple()));
        fs::rename(&taken, &name).map_err(|error| at("rename", &taken, &error))?;
    }
    Ok(())
}

/// Moves all that belongs to a hub from one directory into another; whether there
/// was anything. What is in both stays in both.
fn carry(from: &Path, to: &Path) -> io::Result<bool> {
    let belongings = belongings(from)?;
    for file in &belongings {
        let (old, new) = (from.join(file), to.join(file));
        if new.exists() {
            tracing::warn!(kept = %new.display(), left = %old.display(), "a file of the hub is there twice");
            continue;
        }
        let directory = new.parent().unwrap_or(to);
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .map_err(|error| at("make", directory, &error))?;
        fs::rename(&old, &new).map_err(|error| at("move", &old, &error))?;
    }
    if !belongings.is_empty() {
        for directory in [from, to] {
            File::open(directory)?.sync_all()?;
        }
    }
    Ok(!belongings.is_empty())
}

/// The files that belong to a hub, as paths inside `root`.
fn belongings(root: &Path) -> io::Result<Vec<PathBuf>> {
    let is_ours = |name: &str| {
        name == "token" || name.starts_with("outbox.db") || name.starts_with("cache.db")
    };
    let mut files = names(root)?;
    files.retain(|name| name.to_str().is_some_and(is_ours));
    let mut spooled = names(&root.join(SPOOL))?;
    spooled.retain(|name| name.to_str().is_some_and(is_request));
    files.extend(spooled.iter().map(|name| Path::new(SPOOL).join(name)));
    Ok(files)
}

/// The names in a directory; none where there is no such directory.
fn names(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(at("read", directory, &error)),
    };
    entries
        .map(|entry| Ok(PathBuf::from(entry?.file_name())))
        .collect()
}

/// Replaces the file in one step that survives a crash.
fn write(file: &Path, name: &str) -> io::Result<()> {
    let new = file.with_extension("new");
    let mut written = File::create(&new)?;
    writeln!(written, "{name}")?;
    written.sync_all()?;
    fs::rename(&new, file)?;
    File::open(file.parent().unwrap_or(Path::new(".")))?.sync_all()
}

fn at(what: &str, path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(
        error.kind(),
        format!("cannot {what} {}: {error}", path.display()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Machine {
        paths: Paths,
        _directory: tempfile::TempDir,
    }

    impl Machine {
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let root = directory.path();
            let paths = Paths {
                config_file: root.join("config.toml"),
                state_dir: root.join("state"),
                cache_dir: root.join("cache"),
                socket: root.join("socket"),
            };
            fs::create_dir_all(paths.spool_dir().join("failed")).unwrap();
            fs::create_dir(&paths.cache_dir).unwrap();
            Self {
                paths,
                _directory: directory,
            }
        }

        fn settle(&self, hub: &Hub) -> Option<Change> {
            settle(&self.paths, hub).unwrap()
        }

        /// What a daemon leaves that had this hub.
        fn write(&self, what: &str) {
            for file in self.files() {
                fs::write(file, what).unwrap();
            }
        }

        fn files(&self) -> Vec<PathBuf> {
            let Self { paths, .. } = self;
            let key = uuid::Uuid::from_u128(7);
            let spooled = spaces_api::spool::file_name(spaces_api::Timestamp::from_micros(7), key);
            vec![
                paths.token_file(),
                paths.outbox_db(),
                paths.state_dir.join("outbox.db-wal"),
                paths.cache_db(),
                paths.spool_dir().join(spooled),
            ]
        }

        /// What the files hold, if all of them hold one thing.
        fn read(&self) -> Option<String> {
            let read = |file: &PathBuf| fs::read_to_string(file).ok();
            let all: Vec<_> = self.files().iter().map(read).collect();
            assert!(all.windows(2).all(|pair| pair[0] == pair[1]), "{all:?}");
            all[0].clone()
        }
    }

    fn local() -> Hub {
        Hub {
            database: "spaces".into(),
            ..crate::config::Config::default().hub
        }
    }

    fn remote(uri: &str) -> Hub {
        Hub {
            mode: HubMode::Remote,
            uri: Some(uri.into()),
            ..local()
        }
    }

    #[test]
    fn each_hub_finds_its_own_again() {
        let machine = Machine::new();
        assert_eq!(machine.settle(&local()), None);
        machine.write("alone");
        assert_eq!(machine.settle(&local()), None);
        assert_eq!(machine.read().as_deref(), Some("alone"));

        let team = remote("https://hub.example.org");
        let change = machine.settle(&team).unwrap();
        assert_eq!(change.from, "local spaces");
        assert!(!change.known);
        assert!(change.aside.join("token").is_file());
        assert_eq!(machine.read(), None);
        machine.write("the team's");

        // The same hub, written otherwise.
        assert_eq!(machine.settle(&remote("wss://Hub.Example.org/")), None);
        assert_eq!(machine.read().as_deref(), Some("the team's"));

        assert!(machine.settle(&local()).unwrap().known);
        assert_eq!(machine.read().as_deref(), Some("alone"));
        let another_database = Hub {
            database: "trials".into(),
            ..local()
        };
        assert!(!machine.settle(&another_database).unwrap().known);
        assert_eq!(machine.read(), None);
        assert!(machine.settle(&team).unwrap().known);
        assert_eq!(machine.read().as_deref(), Some("the team's"));
    }

    #[test]
    fn what_is_there_before_the_first_record_stays() {
        let machine = Machine::new();
        machine.write("of an earlier version");
        assert_eq!(machine.settle(&remote("http://hub.lan:3300")), None);
        assert_eq!(machine.read().as_deref(), Some("of an earlier version"));
    }

    #[test]
    fn the_first_record_may_wait_but_no_change_goes_unrecorded() {
        let machine = Machine::new();
        let current = machine.paths.state_dir.join(CURRENT);
        // As good as a full disk: it cannot be written.
        let in_the_way = current.with_extension("new");
        fs::create_dir(&in_the_way).unwrap();
        machine.write("alone");
        assert_eq!(machine.settle(&local()), None);
        assert!(!current.exists());

        fs::remove_dir(&in_the_way).unwrap();
        assert_eq!(machine.settle(&local()), None);
        fs::create_dir(&in_the_way).unwrap();
        let team = remote("http://hub.lan:3300");
        let refused = settle(&machine.paths, &team).unwrap_err().to_string();
        assert!(refused.contains("hub.current"), "{refused}");
        assert_eq!(machine.read(), None, "nothing for the new one to find");
        machine.settle(&local());
        assert_eq!(machine.read().as_deref(), Some("alone"));
    }

    #[test]
    fn a_change_that_a_crash_broke_off_is_finished() {
        let team = remote("http://hub.lan:3300");
        // So many files were moved, out or back, when it crashed.
        for moved in 0..=5 {
            for back in [false, true] {
                let machine = Machine::new();
                let paths = &machine.paths;
                machine.settle(&local());
                machine.write("alone");
                machine.settle(&team);
                if back {
                    // Recorded as the local one again, not all of it taken back.
                    write(&paths.state_dir.join(CURRENT), "local spaces").unwrap();
                } else {
                    // Recorded as the local one still, not all of it set aside.
                    fs::remove_file(paths.state_dir.join(CURRENT)).unwrap();
                    machine.settle(&local());
                }
                for file in machine.files().iter().take(moved) {
                    let root = [&paths.state_dir, &paths.cache_dir]
                        .into_iter()
                        .find(|root| file.starts_with(root))
                        .unwrap();
                    let inside = file.strip_prefix(root).unwrap();
                    let set_aside = aside(root, "local spaces").join(inside);
                    let (from, to) = match back {
                        true => (&set_aside, file),
                        false => (file, &set_aside),
                    };
                    fs::rename(from, to).unwrap();
                }
                machine.settle(&local());
                assert_eq!(machine.read().as_deref(), Some("alone"));
                machine.settle(&team);
                assert_eq!(machine.read(), None);
            }
        }
    }

    #[test]
    fn nothing_is_written_over() {
        let machine = Machine::new();
        machine.settle(&local());
        machine.write("alone");
        machine.settle(&remote("http://hub.lan:3300"));
        machine.write("the team's");
        // As one does who copies files by hand.
        let paths = &machine.paths;
        write(&paths.state_dir.join(CURRENT), "local spaces").unwrap();
        machine.settle(&local());
        assert_eq!(machine.read().as_deref(), Some("the team's"));
        let set_aside = aside(&paths.state_dir, "local spaces");
        assert_eq!(
            fs::read_to_string(set_aside.join("token")).unwrap(),
            "alone"
        );

        // None of it is left for the next hub all the same.
        machine.settle(&remote("http://other.lan:3300"));
        assert_eq!(machine.read(), None);
        let of_both: Vec<_> = fs::read_dir(set_aside)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| {
                path.file_name()
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .starts_with("token")
            })
            .map(|path| fs::read_to_string(path).unwrap())
            .collect();
        assert_eq!(of_both.len(), 2, "{of_both:?}");
    }
}
