//! The file `outbox.db`: its schema and the statements on it. Knows neither
//! threads nor what is kept in memory.
//!
//! Order is the order of `id`, never of a clock. Every change of an item takes
//! the next number of `change`, so that an event log can read what it missed.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OptionalExtension, params};
use spaces_api::{Receipt, ReceiptState, Timestamp};
use uuid::Uuid;

use super::log::Log;
use super::stored_item::{COLUMNS, State, StoredItem, read_item};
use super::{OpenError, ReceiptChange};

/// The file's name in the state directory.
pub(super) const FILE: &str = "outbox.db";

const SCHEMA_VERSION: i64 = 1;

/// Marks made after the last fsync may be lost with the power, while the event
/// log kept their numbers: each opening goes on so far beyond what it finds.
const NUMBERS_SKIPPED: i64 = 1 << 20;

/// How long to wait for a daemon that is just ending to let go of the file.
const LOCK_PATIENCE: Duration = Duration::from_secs(3);

const SCHEMA: &str = "
    CREATE TABLE item (
        id INTEGER PRIMARY KEY,
        client_key BLOB NOT NULL UNIQUE,
        state INTEGER NOT NULL,
        change INTEGER NOT NULL UNIQUE,
        queued_at INTEGER NOT NULL,
        settled_at INTEGER,
        message_id INTEGER,
        attempts INTEGER NOT NULL DEFAULT 0,
        reason TEXT,
        method TEXT NOT NULL,
        target TEXT NOT NULL,
        digest BLOB NOT NULL,
        bytes INTEGER NOT NULL,
        call TEXT
    ) STRICT;
    CREATE INDEX rejected ON item (id) WHERE state = 2;
    CREATE TABLE mark (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
";

/// A number that the store remembers beside the items.
#[derive(Clone, Copy, Debug)]
pub(super) enum Mark {
    /// The numbering never falls below this, whatever is removed.
    Numbered,
    /// No item with a lower id is queued.
    QueuedFrom,
    /// Items up to this id may have reached the hub.
    TriedThrough,
}

impl Mark {
    const fn name(self) -> &'static str {
        match self {
            Self::Numbered => "numbered",
            Self::QueuedFrom => "queued_from",
            Self::TriedThrough => "tried_through",
        }
    }
}

/// Result of a statement on the store.
pub(super) type Stored<T> = rusqlite::Result<T>;

/// The open file.
pub(super) struct Store {
    pub connection: Connection,
    pub path: PathBuf,
    pub log: Log,
    next_id: i64,
    next_change: i64,
    durable: bool,
    /// Why it cannot be written, as the opening found.
    pub fault: Option<rusqlite::Error>,
    /// The file behind it was set aside: nothing may be written to it.
    pub abandoned: bool,
    /// The file behind it was deleted: it is in this connection alone.
    pub deleted: bool,
}

impl Store {
    /// Opens or makes the file. A damaged one is an error that
    /// [`is_damage`] knows.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        make_private(path).map_err(|source| OpenError::Io {
            path: path.to_owned(),
            source,
        })?;
        Self::open_database(path).map_err(|source| OpenError::sqlite(path, source))
    }

    fn open_database(path: &Path) -> Result<Self, Refusal> {
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(LOCK_PATIENCE)?;
        // A file that is going to be set aside stays as it was found.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        // No statement is prepared anew for what is bound to it.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        // One process has the file: no shared memory beside it, and a second
        // daemon is refused here if its own lock did not stop it.
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "wal_autocheckpoint", 0)?;
        // In KiB. Waiting writes are in memory besides; settled ones are looked up
        // now and then, and the system keeps what is read of the file.
        connection.pragma_update(None, "cache_size", -2048)?;
        connection.set_prepared_statement_cache_capacity(32);
        prepare_schema(&connection)?;
        let log = Log::watch(path, &mut connection)?;
        let mut store = Self {
            connection,
            path: path.to_owned(),
            log,
            next_id: 1,
            next_change: 1,
            durable: true,
            fault: None,
            abandoned: false,
            deleted: false,
        };
        store.number_on()?;
        match store.keep_numbering() {
            // What is queued can be read: it is not to wait for room on the disk.
            Err(error) if !is_damage(&error) => store.fault = Some(error),
            kept => kept?,
        }
        Ok(store)
    }

    /// Goes on with numbers that were never given before, though the items that
    /// had them may be gone.
    fn number_on(&mut self) -> Stored<()> {
        let (id, change): (i64, i64) = self.connection.query_row(
            "SELECT coalesce(max(id), 0), coalesce(max(change), 0) FROM item",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        self.next_id = id.max(self.mark(Mark::QueuedFrom)?.unwrap_or(0));
        // A new file begins above all that a lost one may have given.
        let numbered = self
            .mark(Mark::Numbered)?
            .unwrap_or_else(|| Timestamp::now().as_micros());
        self.next_change = change.max(numbered) + NUMBERS_SKIPPED;
        Ok(())
    }

    /// Goes on above the numbers that another store has given.
    pub fn number_beyond(&mut self, other: &Self) {
        self.next_id = self.next_id.max(other.next_id);
        self.next_change = self.next_change.max(other.next_change);
    }

    /// Goes on above this number of a change.
    pub fn number_beyond_change(&mut self, change: i64) {
        self.next_change = self.next_change.max(change);
    }

    /// Remembers how far the numbering is.
    pub fn keep_numbering(&self) -> Stored<()> {
        self.set_mark(Mark::Numbered, self.next_change)
    }

    /// The last id given.
    pub fn last_id(&self) -> i64 {
        self.next_id
    }

    /// The id for the next item of the queue.
    pub fn take_id(&mut self) -> i64 {
        self.next_id += 1;
        self.next_id
    }

    /// The number for the next change.
    pub fn take_change(&mut self) -> i64 {
        self.next_change += 1;
        self.next_change
    }

    /// Begins a transaction, with or without an fsync at its end.
    pub fn begin(&mut self, durable: bool) -> Stored<()> {
        if self.abandoned {
            return Err(rusqlite::Error::SqliteFailure(
                rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CANTOPEN),
                Some("the damaged file was set aside and no new one could be begun".into()),
            ));
        }
        if durable && self.is_gone() {
            // As good as damaged: what is written to it ends with this process.
            return Err(rusqlite::Error::SqliteFailure(
                rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_NOTADB),
                Some("its file was deleted".into()),
            ));
        }
        if self.durable != durable {
            let level = if durable { "FULL" } else { "NORMAL" };
            self.connection.pragma_update(None, "synchronous", level)?;
            self.durable = durable;
        }
        self.connection
            .prepare_cached("BEGIN IMMEDIATE")?
            .execute([])?;
        Ok(())
    }

    /// Whether somebody has deleted the file, which is still open here.
    pub fn is_gone(&self) -> bool {
        fs::symlink_metadata(&self.path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
    }

    /// Ends the transaction; after an error nothing of it remains.
    pub fn commit(&mut self) -> Stored<()> {
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        Ok(())
    }

    /// Takes the transaction back, if SQLite has not done so by itself.
    pub fn roll_back(&mut self) {
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            tracing::warn!(%error, "the outbox could not take a transaction back");
        }
    }

    /// Moves the log into the file, so that the log starts again from its
    /// beginning.
    pub fn checkpoint(&mut self) -> Stored<()> {
        self.connection
            .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
        self.log.moved();
        Ok(())
    }

    /// The same before the end, and leaves the log empty.
    pub fn empty_log(&self) -> Stored<()> {
        self.connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
    }

    /// The item of this key.
    pub fn find(&self, key: Uuid) -> Stored<Option<StoredItem>> {
        self.connection
            .prepare_cached(&format!("SELECT {COLUMNS} FROM item WHERE client_key = ?"))?
            .query_row([key.as_bytes()], read_item)
            .optional()
    }

    /// Writes a new item.
    pub fn insert(&self, item: &StoredItem, change: i64) -> Stored<()> {
        self.connection
            .prepare_cached(
                "INSERT INTO item (id, client_key, state, change, queued_at, settled_at, message_id,
                                   attempts, reason, method, target, digest, bytes, call)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
            )?
            .execute(params![
                item.id,
                item.receipt.client_key.as_bytes(),
                item.state as i64,
                change,
                item.receipt.queued_at.as_micros(),
                item.receipt.sent_at.map(Timestamp::as_micros),
                item.receipt.message_id.map(u64::cast_signed),
                item.attempts,
                item.receipt.reason,
                item.method,
                item.target,
                item.digest,
                item.bytes.cast_signed(),
                item.call,
            ])?;
        Ok(())
    }

    /// Writes how a queued item ended. False if it is not queued any more.
    pub fn settle(&self, id: i64, receipt: &Receipt, attempts: u32, change: i64) -> Stored<bool> {
        let state = match receipt.state {
            ReceiptState::Rejected => State::Rejected,
            ReceiptState::Sent | ReceiptState::Queued => State::Sent,
        };
        let settled_at = receipt.sent_at.unwrap_or_else(Timestamp::now);
        let changed = self
            .connection
            .prepare_cached(
                "UPDATE item SET state = ?2, change = ?3, settled_at = ?4, reason = ?5, attempts = ?6,
                        message_id = coalesce(?7, message_id),
                        call = CASE WHEN ?2 = 2 THEN call END
                 WHERE id = ?1 AND state = 0",
            )?
            .execute(params![
                id,
                state as i64,
                change,
                settled_at.as_micros(),
                receipt.reason,
                attempts,
                receipt.message_id.map(u64::cast_signed),
            ])?;
        Ok(changed == 1)
    }

    /// Writes the hub's id of what an item made. False if nothing changed.
    pub fn set_message_id(&self, key: Uuid, message_id: u64, change: i64) -> Stored<bool> {
        let changed = self
            .connection
            .prepare_cached(
                "UPDATE item SET message_id = ?2, change = ?3
                 WHERE client_key = ?1 AND message_id IS NOT ?2",
            )?
            .execute(params![key.as_bytes(), message_id.cast_signed(), change])?;
        Ok(changed == 1)
    }

    /// Puts a rejected item at the end of the queue again.
    pub fn requeue(&self, id: i64, new_id: i64, queued_at: Timestamp, change: i64) -> Stored<()> {
        self.connection
            .prepare_cached(
                "UPDATE item SET id = ?2, state = 0, change = ?3, queued_at = ?4, settled_at = NULL,
                        reason = NULL, attempts = 0
                 WHERE id = ?1",
            )?
            .execute(params![id, new_id, change, queued_at.as_micros()])?;
        Ok(())
    }

    /// Takes an item out; its receipt stays, with this reason.
    pub fn drop_item(&self, id: i64, reason: &str, change: i64) -> Stored<()> {
        self.connection
            .prepare_cached(
                "UPDATE item SET state = 3, change = ?2, reason = ?3, call = NULL,
                        settled_at = coalesce(settled_at, ?4)
                 WHERE id = ?1",
            )?
            .execute(params![id, change, reason, Timestamp::now().as_micros()])?;
        Ok(())
    }

    /// Every queued item, in order.
    pub fn queued(&self) -> Stored<Vec<StoredItem>> {
        let from = self.mark(Mark::QueuedFrom)?.unwrap_or(0);
        self.connection
            .prepare(&format!(
                "SELECT {COLUMNS} FROM item WHERE id >= ? AND state = 0 ORDER BY id"
            ))?
            .query_map([from], read_item)?
            .collect()
    }

    /// The rejected items, oldest first.
    pub fn rejected(&self, limit: usize) -> Stored<Vec<StoredItem>> {
        self.connection
            .prepare_cached(&format!(
                "SELECT {COLUMNS} FROM item WHERE state = 2 ORDER BY id LIMIT ?"
            ))?
            .query_map([i64::try_from(limit).unwrap_or(i64::MAX)], read_item)?
            .collect()
    }

    /// How many items are rejected.
    pub fn count_rejected(&self) -> Stored<u64> {
        self.connection
            .query_row("SELECT count(*) FROM item WHERE state = 2", [], |row| {
                row.get::<_, i64>(0)
            })
            .map(i64::cast_unsigned)
    }

    /// Changes with a higher number, in the order in which they were made.
    pub fn changes_since(&self, change: i64, limit: usize) -> Stored<Vec<ReceiptChange>> {
        self.connection
            .prepare_cached(&format!(
                "SELECT {COLUMNS}, change FROM item WHERE change > ? ORDER BY change LIMIT ?"
            ))?
            .query_map(
                params![change, i64::try_from(limit).unwrap_or(i64::MAX)],
                |row| {
                    Ok(ReceiptChange {
                        change_seq: row.get::<_, i64>("change")?.cast_unsigned(),
                        receipt: read_item(row)?.receipt,
                    })
                },
            )?
            .collect()
    }

    /// Of the first `batch` items of the file, removes those that ended before
    /// `before`. True if there may be more.
    pub fn prune(&self, before: Timestamp, batch: usize) -> Stored<bool> {
        self.keep_numbering()?;
        let removed = self
            .connection
            .prepare_cached(
                "DELETE FROM item WHERE id IN (
                     SELECT id FROM (
                         SELECT id, state, settled_at FROM item ORDER BY id LIMIT ?2
                     ) WHERE state <> 0 AND settled_at < ?1
                 )",
            )?
            .execute(params![
                before.as_micros(),
                i64::try_from(batch).unwrap_or(i64::MAX)
            ])?;
        Ok(removed == batch)
    }

    /// Removes the oldest rejected items beyond the newest `keep`.
    pub fn prune_rejected(&self, keep: u64) -> Stored<u64> {
        let removed = self
            .connection
            .prepare_cached(
                "DELETE FROM item WHERE id IN (
                     SELECT id FROM item WHERE state = 2 ORDER BY id DESC LIMIT -1 OFFSET ?
                 )",
            )?
            .execute([keep.cast_signed()])?;
        Ok(removed as u64)
    }

    /// A remembered number.
    pub fn mark(&self, mark: Mark) -> Stored<Option<i64>> {
        self.connection
            .prepare_cached("SELECT value FROM mark WHERE name = ?")?
            .query_row([mark.name()], |row| row.get(0))
            .optional()
    }

    /// Remembers a number.
    pub fn set_mark(&self, mark: Mark, value: i64) -> Stored<()> {
        self.connection
            .prepare_cached(
                "INSERT INTO mark (name, value) VALUES (?1, ?2)
                 ON CONFLICT (name) DO UPDATE SET value = ?2",
            )?
            .execute(params![mark.name(), value])?;
        Ok(())
    }
}

/// Why a database was not opened.
pub(super) enum Refusal {
    Sqlite(rusqlite::Error),
    /// Made by a later version.
    Newer(i64),
    /// Its own check found this.
    Damaged(String),
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

fn prepare_schema(connection: &Connection) -> Result<(), Refusal> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    match version {
        0 => {
            let transaction = connection.unchecked_transaction()?;
            transaction.execute_batch(SCHEMA)?;
            transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
            transaction.commit()?;
            Ok(())
        }
        SCHEMA_VERSION => {
            let verdict: String =
                connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
            if verdict == "ok" {
                Ok(())
            } else {
                Err(Refusal::Damaged(verdict))
            }
        }
        newer => Err(Refusal::Newer(newer)),
    }
}

/// Makes the file readable by its owner alone, before SQLite writes to it; the
/// log beside it takes over the permissions.
fn make_private(path: &Path) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)?;
    match OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
    {
        Ok(file) => {
            file.sync_all()?;
            File::open(directory)?.sync_all()
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            fs::metadata(path).map(|_| ())
        }
        Err(error) => Err(error),
    }
}

/// Is the file itself broken, so that no retry can help?
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    )
}
