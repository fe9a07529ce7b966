//! The file: opening it, telling a good one from a damaged one, starting anew.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use spaces_api::Timestamp;

/// Version of `schema.sql`; a file of another version is thrown away.
pub(super) const SCHEMA: u32 = 3;

/// "Spac": tells our file from any other SQLite database.
const APPLICATION_ID: i32 = 0x5370_6163;

/// Prepared statements kept per connection; more than there are distinct ones.
const STATEMENTS: usize = 160;

/// Page cache per connection in KiB: small, so that memory does not follow the
/// size of the history. The operating system caches the file itself.
const WRITER_CACHE_KIB: i64 = 4096;
const READER_CACHE_KIB: i64 = 1024;

/// The database files of the cache in `dir`.
#[derive(Clone, Debug)]
pub(super) struct Store {
    path: PathBuf,
}

impl Store {
    pub fn in_dir(dir: &Path) -> io::Result<Self> {
        make_dir(dir)?;
        Ok(Self {
            path: dir.join("cache.db"),
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// True where somebody has deleted the file. What has it open reads on.
    pub fn is_gone(&self) -> bool {
        std::fs::symlink_metadata(&self.path)
            .is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
    }

    /// Bytes on disk, with the write-ahead log.
    pub fn bytes(&self) -> u64 {
        ["", "-wal"]
            .iter()
            .filter_map(|suffix| std::fs::metadata(self.with_suffix(suffix)).ok())
            .map(|file| file.len())
            .sum()
    }

    /// Opens what is there; says why when it cannot be used.
    pub fn open_existing(&self) -> Result<Connection, Unusable> {
        if !self.path.exists() {
            return Err(Unusable::Absent);
        }
        let connection = self.connect(WRITER_CACHE_KIB)?;
        let application: i32 =
            connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
        let schema: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if application != APPLICATION_ID || schema != SCHEMA {
            return Err(Unusable::OtherSchema(schema));
        }
        // Touches each table's root page: finds a file that was cut short, at a
        // cost that does not grow with the history.
        let tables: Vec<String> = connection
            .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'")?
            .query_map([], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for table in tables {
            connection
                .query_row(
                    &format!("SELECT 1 FROM \"{table}\" LIMIT 1"),
                    [],
                    |_| Ok(()),
                )
                .optional()?;
        }
        connection
            .query_row(
                "SELECT rowid FROM message ORDER BY rowid DESC LIMIT 1",
                [],
                |_| Ok(()),
            )
            .optional()?;
        Ok(connection)
    }

    /// Deletes what is there and makes an empty cache.
    pub fn create(&self) -> Result<Connection, StoreError> {
        // Whoever deleted the file may have deleted its directory.
        if let Some(dir) = self.path.parent() {
            make_dir(dir)?;
        }
        for suffix in ["", "-wal", "-shm", "-journal"] {
            match std::fs::remove_file(self.with_suffix(suffix)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        let connection = self.connect(WRITER_CACHE_KIB)?;
        let first_cursor = Timestamp::now().as_micros();
        connection.execute_batch("BEGIN IMMEDIATE")?;
        connection.execute_batch(include_str!("schema.sql"))?;
        connection.execute(
            "INSERT INTO meta(key, value) VALUES ('first_cursor', ?1)",
            [first_cursor],
        )?;
        connection.pragma_update(None, "application_id", APPLICATION_ID)?;
        connection.pragma_update(None, "user_version", SCHEMA)?;
        connection.execute_batch("COMMIT")?;
        Ok(connection)
    }

    /// A connection that can only read.
    pub fn reader(&self) -> rusqlite::Result<Connection> {
        let connection = self.open(OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        self.tune(&connection, READER_CACHE_KIB)?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(connection)
    }

    fn connect(&self, cache_kib: i64) -> rusqlite::Result<Connection> {
        let connection =
            self.open(OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.pragma_update(None, "journal_size_limit", 16 * 1024 * 1024)?;
        self.tune(&connection, cache_kib)?;
        Ok(connection)
    }

    /// For this process alone: then its connections agree on locks in memory, and
    /// a read asks the system for none.
    fn open(&self, flags: OpenFlags) -> rusqlite::Result<Connection> {
        let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Connection::open_with_flags_and_vfs(&self.path, flags, c"unix-excl")
    }

    fn tune(&self, connection: &Connection, cache_kib: i64) -> rusqlite::Result<()> {
        connection.busy_timeout(std::time::Duration::from_secs(5))?;
        connection.pragma_update(None, "cache_size", -cache_kib)?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        // Else a statement whose plan may depend on what is bound to it is
        // prepared anew each time that something else is: a third of a digest.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        Ok(())
    }

    fn with_suffix(&self, suffix: &str) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(suffix);
        name.into()
    }
}

fn make_dir(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

/// Why a file cannot be used as it is.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unusable {
    #[error("there is none yet")]
    Absent,
    #[error("it has schema version {0}, this program uses {SCHEMA}")]
    OtherSchema(u32),
    #[error("it is damaged: {0}")]
    Damaged(rusqlite::Error),
    /// The file may be good: a full disk, a missing permission.
    #[error("it cannot be used: {0}")]
    Disk(rusqlite::Error),
}

impl From<rusqlite::Error> for Unusable {
    fn from(error: rusqlite::Error) -> Self {
        match is_damage(&error) || is_strange(&error) {
            true => Self::Damaged(error),
            false => Self::Disk(error),
        }
    }
}

/// Why an empty cache could not be made.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Sql(#[from] rusqlite::Error),
}

/// A database that lacks what our schema has, or holds something else there.
fn is_strange(error: &rusqlite::Error) -> bool {
    error
        .sqlite_error_code()
        .is_none_or(|code| code == rusqlite::ErrorCode::Unknown)
}

/// True where the file itself is at fault, and only a new one helps.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase)
    )
}
