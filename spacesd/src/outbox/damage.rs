//! A damaged `outbox.db`: set aside, never deleted, and a new one begun with
//! what can still be read of it. One that somebody deleted is read from where it
//! is still open.

use std::collections::{BTreeMap, HashSet};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};
use spaces_api::Timestamp;

use super::error::OpenError;
use super::store::{Mark, Store, Stored, is_damage};
use super::stored_item::{State, StoredItem, read_item};

/// An open file and what it says is to be done.
pub(super) struct Loaded {
    pub store: Store,
    pub queued: Vec<StoredItem>,
    pub rejected: u64,
    /// Items up to this one may have reached the hub.
    pub tried_through: i64,
}

/// Opens the file and reads the queue. If it is damaged, sets it aside first;
/// the text says so.
pub(super) fn open_or_set_aside(path: &Path) -> Result<(Loaded, Option<String>), OpenError> {
    match load(path) {
        Err(OpenError::Damaged { what, .. }) => {
            let notice = begin_anew(path, &what, None, &[])?;
            // What was salvaged may have reached the hub, for all that is known.
            let mut loaded = load(path)?;
            loaded.tried_through = i64::MAX;
            Ok((loaded, Some(notice)))
        }
        other => Ok((other?, None)),
    }
}

/// Sets aside the file of an open store and goes on with a new one, in which
/// `queued` is as given and the rest is what can be read. After an error the
/// store takes nothing more, and this may be tried again.
pub(super) fn replace(
    store: &mut Store,
    what: &str,
    queued: &[StoredItem],
) -> Result<String, OpenError> {
    store.abandoned = true;
    // Also where an earlier try has begun the new file.
    store.deleted |= store.is_gone();
    let path = store.path.clone();
    let open = store.deleted.then_some(&store.connection);
    let notice = begin_anew(&path, what, open, queued)?;
    let mut anew = Store::open(&path)?;
    anew.number_beyond(store);
    *store = anew;
    Ok(notice)
}

fn load(path: &Path) -> Result<Loaded, OpenError> {
    let store = Store::open(path)?;
    let read = |store: &Store| -> Stored<_> {
        Ok((
            store.queued()?,
            store.count_rejected()?,
            store.mark(Mark::TriedThrough)?.unwrap_or(0),
        ))
    };
    match read(&store) {
        Ok((queued, rejected, tried_through)) => Ok(Loaded {
            store,
            queued,
            rejected,
            tried_through,
        }),
        Err(error) if is_damage(&error) || error.sqlite_error().is_none() => {
            Err(OpenError::Damaged {
                path: path.to_owned(),
                what: error.to_string(),
            })
        }
        Err(source) => Err(OpenError::Sqlite {
            path: path.to_owned(),
            source,
        }),
    }
}

/// `deleted` is where a file that is not there any more is still open: it is read
/// there, whatever stands in its place.
fn begin_anew(
    path: &Path,
    what: &str,
    deleted: Option<&Connection>,
    known: &[StoredItem],
) -> Result<String, OpenError> {
    let failed = |source: io::Error| OpenError::Io {
        path: path.to_owned(),
        source,
    };
    let aside = set_aside(path).map_err(failed)?;
    let (fate, salvage) = match deleted {
        Some(connection) => ("was begun anew".to_owned(), Salvage::of(connection)),
        None => {
            let fate = format!("was set aside as {}", aside.display());
            (fate, salvage(&aside))
        }
    };
    let mut items = salvage.items;
    for item in known {
        items.retain(|_, other| other.receipt.client_key != item.receipt.client_key);
        items.insert(item.id, item.clone());
    }
    let queued = items
        .values()
        .filter(|item| item.state == State::Queued)
        .count();
    let total = items.len();
    let mut store = Store::open(path)?;
    // The same key twice can only be damage; the first is as good as the second.
    let mut keys = HashSet::new();
    items.retain(|_, item| keys.insert(item.receipt.client_key));
    write_all(&mut store, items.into_values()).map_err(|source| OpenError::Sqlite {
        path: path.to_owned(),
        source,
    })?;
    let extent = if salvage.whole {
        "all rows were read"
    } else {
        "some rows may be lost"
    };
    let notice = format!(
        "the outbox was damaged ({what}) and {fate}; \
         {total} items were taken over, {queued} of them queued; {extent}",
    );
    tracing::error!("{notice}");
    Ok(notice)
}

fn write_all(store: &mut Store, items: impl Iterator<Item = StoredItem>) -> Stored<()> {
    store.begin(true)?;
    for item in items {
        let change = store.take_change();
        store.insert(&item, change)?;
    }
    store.commit()
}

/// Renames what is there of the file and its log, so that no byte of it is changed.
fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let time = Timestamp::now().as_micros() / 1_000_000;
    let mut aside = with_suffix(path, &format!(".damaged-{time}"));
    let mut again = 1;
    while aside.exists() {
        again += 1;
        aside = with_suffix(path, &format!(".damaged-{time}-{again}"));
    }
    for suffix in ["-wal", ""] {
        match fs::rename(with_suffix(path, suffix), with_suffix(&aside, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(aside)
}

struct Salvage {
    items: BTreeMap<i64, StoredItem>,
    whole: bool,
}

impl Salvage {
    /// What can be read there.
    fn of(connection: &Connection) -> Self {
        let mut items = BTreeMap::new();
        let read = read_rows(connection, &mut items);
        let whole = read.map_err(warn_not_whole).is_ok();
        Self { items, whole }
    }

    fn nothing() -> Self {
        Self {
            items: BTreeMap::new(),
            whole: false,
        }
    }
}

fn warn_not_whole(error: rusqlite::Error) {
    tracing::warn!(%error, "the damaged outbox could not be read whole");
}

/// Reads what can be read, in a copy: reading may write to the log.
fn salvage(aside: &Path) -> Salvage {
    let copy = with_suffix(aside, ".reading");
    let copy_log = with_suffix(&copy, "-wal");
    let salvage = match copy_both(aside, &copy, &copy_log) {
        Ok(()) => Connection::open_with_flags(&copy, OpenFlags::SQLITE_OPEN_READ_WRITE)
            .map(|connection| Salvage::of(&connection))
            .map_err(warn_not_whole)
            .ok(),
        Err(error) => {
            tracing::warn!(%error, "the damaged outbox could not be copied");
            None
        }
    };
    for leftover in [copy.clone(), copy_log, with_suffix(&copy, "-shm")] {
        // Absent or not, it is not needed.
        let _ = fs::remove_file(leftover);
    }
    salvage.unwrap_or_else(Salvage::nothing)
}

fn copy_both(aside: &Path, copy: &Path, copy_log: &Path) -> io::Result<()> {
    fs::copy(aside, copy)?;
    let log = with_suffix(aside, "-wal");
    if log.exists() {
        fs::copy(log, copy_log)?;
    }
    Ok(())
}

/// From the front as far as it goes, then from the back.
fn read_rows(connection: &Connection, items: &mut BTreeMap<i64, StoredItem>) -> Stored<()> {
    // A broken index must not hide rows that the table still has.
    let mut collect = |direction: &str| -> Stored<()> {
        let mut statement = connection.prepare(&format!(
            "SELECT * FROM item NOT INDEXED ORDER BY id {direction}"
        ))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            if let Ok(item) = read_item(row) {
                items.insert(item.id, item);
            }
        }
        Ok(())
    };
    let forward = collect("ASC");
    if forward.is_err() {
        // The first error tells what is wrong; this one adds rows.
        let _ = collect("DESC");
    }
    forward
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}
