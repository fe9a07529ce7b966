//! Reading connections: a few, made when first needed, the last used first, so
//! that a quiet daemon has one.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::Connection;

use super::CacheError;
use super::store::Store;

/// Connections at most: more than the cores of a small machine gain nothing,
/// and each may hold a page cache and its prepared statements.
const MAX_READERS: usize = 4;

/// How long a read waits for a connection.
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) struct Pool {
    store: Store,
    readers: Mutex<Readers>,
    returned: Condvar,
    /// Raised when the file was replaced: older connections read a deleted file.
    epoch: AtomicU64,
    /// While the file is replaced.
    shut: AtomicBool,
}

#[derive(Default)]
struct Readers {
    idle: Vec<(u64, Connection)>,
    open: usize,
    /// Reads that wait for a connection.
    waiting: usize,
}

impl Pool {
    pub fn new(store: Store) -> Self {
        Self {
            store,
            readers: Mutex::default(),
            returned: Condvar::new(),
            epoch: AtomicU64::new(0),
            shut: AtomicBool::new(false),
        }
    }

    /// A connection for one read; goes back when dropped.
    pub fn take(self: &Arc<Self>) -> Result<Reader, CacheError> {
        let mut readers = self.lock();
        loop {
            if self.shut.load(Ordering::Acquire) {
                return Err(CacheError::Renewed);
            }
            let epoch = self.epoch();
            while let Some((of, connection)) = readers.idle.pop() {
                if of == epoch {
                    return Ok(Reader {
                        pool: Arc::clone(self),
                        epoch,
                        connection: Some(connection),
                    });
                }
                readers.open -= 1;
            }
            if readers.open < MAX_READERS {
                readers.open += 1;
                drop(readers);
                let mut reader = Reader {
                    pool: Arc::clone(self),
                    epoch,
                    connection: None,
                };
                reader.connection = Some(self.store.reader()?);
                // Opened while the file was replaced, it may be the new one's.
                if self.shut.load(Ordering::Acquire) || self.epoch() != epoch {
                    return Err(CacheError::Renewed);
                }
                return Ok(reader);
            }
            readers.waiting += 1;
            let (guard, timeout) = self
                .returned
                .wait_timeout(readers, PATIENCE)
                .unwrap_or_else(PoisonError::into_inner);
            readers = guard;
            readers.waiting -= 1;
            if timeout.timed_out() && readers.idle.is_empty() {
                return Err(CacheError::Busy);
            }
        }
    }

    /// Which file connections are opened on now.
    pub fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Lets go of every connection to the file, which is to be replaced, and hands
    /// none out until [`Pool::reopen`].
    pub fn shut(&self) {
        self.shut.store(true, Ordering::Release);
        self.let_go();
    }

    /// Hands out connections to the new file.
    pub fn reopen(&self) {
        self.let_go();
        self.shut.store(false, Ordering::Release);
    }

    /// Lets go of every connection; those that are lent go when they come back.
    pub fn let_go(&self) {
        let mut readers = self.lock();
        self.epoch.fetch_add(1, Ordering::AcqRel);
        readers.open -= readers.idle.len();
        readers.idle.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Readers> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A borrowed connection.
pub(super) struct Reader {
    pool: Arc<Pool>,
    epoch: u64,
    /// None only if opening it failed.
    connection: Option<Connection>,
}

impl Reader {
    /// Runs `query` in a read transaction.
    pub fn run<T>(
        self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        self.begin()?.run(query)
    }

    /// Which file it reads; see [`Pool::epoch`].
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Begins a read transaction, which ends when what is given back is dropped.
    pub fn begin(self) -> rusqlite::Result<Moment> {
        self.connection().prepare_cached("BEGIN")?.execute([])?;
        Ok(Moment(self))
    }

    fn connection(&self) -> &Connection {
        self.connection
            .as_ref()
            .expect("a reader is handed out only with its connection")
    }
}

/// A connection in a read transaction: all that is read by it is of one moment.
pub(super) struct Moment(Reader);

impl Moment {
    /// Which file it reads; see [`Pool::epoch`].
    pub fn epoch(&self) -> u64 {
        self.0.epoch
    }

    /// Reads.
    pub fn run<T>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        query(self.0.connection())
    }
}

impl Drop for Moment {
    fn drop(&mut self) {
        // Nothing was written: ending the transaction any way is the same. A
        // connection in which it does not end is not used again.
        if let Ok(mut end) = self.0.connection().prepare_cached("ROLLBACK") {
            let _ = end.execute([]);
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut readers = self.pool.lock();
        match self.connection.take() {
            Some(connection) if connection.is_autocommit() && self.epoch == self.pool.epoch() => {
                readers.idle.push((self.epoch, connection));
            }
            _ => readers.open -= 1,
        }
        let waited_for = readers.waiting > 0;
        drop(readers);
        // Telling nobody is a system call too.
        if waited_for {
            self.pool.returned.notify_one();
        }
    }
}
