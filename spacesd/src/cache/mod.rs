//! The local read model: what the hub has shown, in a SQLite file that every
//! read is answered from. The file is disposable: damage or a new schema
//! version means that it is deleted and filled again by the next sync.
//!
//! One thread writes ([`writer`]); readers have connections of their own
//! ([`pool`]) and see whole transactions only. The queries, one file per family,
//! are in [`query`]; [`overlay`] adds what still waits in the outbox.

mod apply;
mod names;
pub mod overlay;
mod pool;
pub mod query;
mod state;
mod store;
mod writer;

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use rusqlite::Connection;
use spaces_api::model::{CacheStatus, EventKind};
use spaces_api::{Receipt, Timestamp};
use tokio::sync::{oneshot, watch};

use crate::events::{Events, Tail};
use crate::row::{Batch, Identity};
pub use query::Resolved;
pub use query::message::{MessagePage, PageQuery};
pub use query::past::Gap;
pub use store::StoreError;

/// An open cache, and what its opener should know.
pub struct Opened {
    pub cache: Cache,
    /// Why an earlier cache was thrown away, for the log and `doctor`.
    pub warning: Option<String>,
}

/// Why no cache could be opened; the disk or its permissions are at fault.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot use the cache {path}: {source}; check that the directory can be written and has room, or set another with SPACES_CACHE_DIR"
)]
pub struct OpenError {
    pub path: std::path::PathBuf,
    pub source: StoreError,
}

/// See [`Cache::messages_version`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MessagesVersion {
    /// Which file: see [`pool::Pool::epoch`].
    epoch: u64,
    changes: i64,
}

/// Why a read or a local change did not happen.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// Every reading connection was in use for two seconds.
    #[error("the cache serves as many reads as it may; try again")]
    Busy,
    /// The file was damaged, or held what the hub does not; a new one is being
    /// begun, and the next sync fills it.
    #[error("it is being made anew and is filled again from the hub")]
    Renewed,
    #[error("the cache could not be read: {0}")]
    Sql(#[from] rusqlite::Error),
}

/// How much history is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub max_messages: u64,
    /// Messages older than this go, open notes excepted; for ever if none.
    pub max_age_days: Option<u32>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_messages: 2_000_000,
            max_age_days: None,
        }
    }
}

/// The local read model. Cheap to clone.
#[derive(Clone)]
pub struct Cache {
    shared: Arc<Shared>,
    jobs: mpsc::Sender<writer::Job>,
    /// The transaction of all reads, in what [`Cache::moment`] gives.
    moment: Option<Arc<Mutex<pool::Moment>>>,
}

/// What the writer and the readers share.
struct Shared {
    store: store::Store,
    pool: Arc<pool::Pool>,
    state: state::State,
    tail: Tail,
}

impl Cache {
    /// Opens the cache of `dir`, or begins a new one, and starts its writer.
    ///
    /// # Errors
    /// When the file can be neither used nor made anew.
    pub fn open(dir: &Path) -> Result<Opened, OpenError> {
        let failed = |source: StoreError| OpenError {
            path: dir.join("cache.db"),
            source,
        };
        let store = store::Store::in_dir(dir).map_err(|error| failed(error.into()))?;
        let (db, warning) = match store.open_existing() {
            Ok(db) => (db, None),
            Err(store::Unusable::Disk(error)) => return Err(failed(error.into())),
            Err(reason) => {
                let warning = match &reason {
                    store::Unusable::Absent => None,
                    why => Some(format!(
                        "the cache {} was begun anew: {why}; it fills at the next sync",
                        store.path().display()
                    )),
                };
                (store.create().map_err(failed)?, warning)
            }
        };
        let state = state::State::load(&db).map_err(|error| failed(error.into()))?;
        let newest = crate::events::log::bounds(&db)
            .map_err(|error| failed(error.into()))?
            .newest;
        let shared = Arc::new(Shared {
            pool: Arc::new(pool::Pool::new(store.clone())),
            store,
            state,
            tail: Tail::new(newest),
        });
        let jobs = writer::start(db, Arc::clone(&shared)).map_err(failed)?;
        Ok(Opened {
            cache: Self {
                shared,
                jobs,
                moment: None,
            },
            warning,
        })
    }

    /// Says whose cache this is to be. A cache of another hub or another
    /// identity is emptied first. `hub` must stay the same over restarts (no
    /// ephemeral port in it); without `me` the identity is left as it is.
    /// Resolved once on disk.
    pub fn bind(&self, hub: &str, me: Option<Identity>) -> oneshot::Receiver<()> {
        let (done, wait) = oneshot::channel();
        self.send(writer::Job::Bind {
            hub: hub.to_owned(),
            me,
            done,
        });
        wait
    }

    /// Applies changes in one transaction with the events they make. The first
    /// batch with a `synced_to` (0 for a hub without messages) ends the first
    /// sync: what came before is history, what comes after is news. Resolved
    /// once committed; an error means that the cache was begun anew meanwhile
    /// (see [`Cache::rebuilds`]) and the batch was not applied. While the disk
    /// is full it stays unresolved, and is tried again until there is room.
    pub fn apply(&self, batch: Batch) -> oneshot::Receiver<()> {
        let (done, wait) = oneshot::channel();
        self.send(writer::Job::Apply { batch, done });
        wait
    }

    /// Every message up to this `seq` has been applied; 0 before the first sync.
    pub fn last_seq(&self) -> u64 {
        self.shared.state.last_seq()
    }

    /// Forgets all that was synced. What is applied or bound after this is of the
    /// new cache; until [`Cache::rebuilds`] tells of it, reads see the old one.
    pub fn begin_anew(&self, why: &str) {
        self.send(writer::Job::Useless {
            epoch: self.shared.pool.epoch(),
            why: why.to_owned(),
        });
    }

    /// True once a first sync was completed; stays so over restarts.
    pub fn ready(&self) -> bool {
        self.shared.state.ready()
    }

    /// The hub that this cache belongs to, as given to [`Cache::bind`].
    pub fn hub(&self) -> Option<String> {
        self.shared.state.hub()
    }

    /// The identity that this cache belongs to, once known.
    pub fn me(&self) -> Option<Identity> {
        self.shared.state.me()
    }

    /// Changes when the cache was begun anew while the daemon ran: what was
    /// synced is gone, so the uplink has to sync from [`Cache::last_seq`] again.
    pub fn rebuilds(&self) -> watch::Receiver<u64> {
        self.shared.state.rebuilds()
    }

    /// Changes whenever something that a digest of activity shows has changed.
    pub fn digest_generation(&self) -> watch::Receiver<u64> {
        self.shared.state.digest_generation()
    }

    /// Changes whenever a channel, server, user or membership has changed. What was
    /// read after it was is of it or newer.
    pub fn name_generation(&self) -> u64 {
        self.shared.state.name_generation()
    }

    /// Size and state, for `daemon.status`.
    pub fn status(&self) -> CacheStatus {
        CacheStatus {
            ready: self.ready(),
            messages: self.shared.state.messages(),
            last_seq: self.last_seq(),
            bytes: self.shared.store.bytes(),
            schema: store::SCHEMA,
        }
    }

    /// A standing fault of the file (a full or read-only disk), in words.
    pub fn fault(&self) -> Option<String> {
        self.shared.state.fault()
    }

    /// Notes that the cache equalled the hub at this moment. Written to disk
    /// from time to time.
    pub fn note_live(&self, at: Timestamp) {
        self.shared.state.note_live(at);
    }

    /// The last moment at which the cache was known to equal the hub; the epoch
    /// if it never was.
    pub fn as_of(&self) -> Timestamp {
        self.shared.state.as_of()
    }

    /// Changes how much history is kept; what is beyond goes in small steps.
    pub fn set_limits(&self, limits: Limits) {
        self.send(writer::Job::Limits(limits));
    }

    /// Marks inbox items as read, all of them if `ids` is empty. Resolved with
    /// how many were unread.
    pub fn ack_inbox(&self, ids: Vec<u64>) -> oneshot::Receiver<u64> {
        let (done, wait) = oneshot::channel();
        self.send(writer::Job::AckInbox { ids, done });
        wait
    }

    /// Remembers that a digest has shown these inbox items as unread.
    pub fn mark_shown(&self, ids: Vec<u64>) -> oneshot::Receiver<()> {
        let (done, wait) = oneshot::channel();
        self.send(writer::Job::MarkShown { ids, done });
        wait
    }

    /// Moves a read mark forward on this machine at once; the hub learns of it
    /// through the outbox.
    pub fn mark_read(&self, channel_id: u64, seq: u64) -> oneshot::Receiver<()> {
        let (done, wait) = oneshot::channel();
        self.send(writer::Job::MarkRead {
            channel_id,
            seq,
            done,
        });
        wait
    }

    /// The event log.
    pub fn events(&self) -> Events {
        Events::new(self.clone())
    }

    /// Writes what is still waiting and ends the writer. Blocks until done.
    pub fn close(&self) {
        self.shared.state.begin_closing();
        let (done, wait) = oneshot::channel();
        self.send(writer::Job::Close { done });
        let _ = wait.blocking_recv();
    }

    pub(crate) fn record(&self, what: EventKind) -> oneshot::Receiver<()> {
        let (done, wait) = oneshot::channel();
        self.send(writer::Job::Record {
            what: Box::new(what),
            done,
        });
        wait
    }

    pub(crate) fn record_receipts(&self, receipts: Vec<(u64, Receipt)>) -> oneshot::Receiver<()> {
        let (done, wait) = oneshot::channel();
        self.send(writer::Job::Receipts { receipts, done });
        wait
    }

    pub(crate) fn last_receipt_change(&self) -> u64 {
        self.shared.state.last_receipt_change()
    }

    pub(crate) fn tail(&self) -> &Tail {
        &self.shared.tail
    }

    /// The cache as it is now: the reads of what is given back are one
    /// transaction, and agree with each other whatever is applied meanwhile. It
    /// holds one of few reading connections, so it is not to be kept.
    pub(crate) fn moment(&self) -> Result<Self, CacheError> {
        let reader = self.reader()?;
        let moment = self.checked(reader.epoch(), reader.begin())?;
        Ok(Self {
            moment: Some(Arc::new(Mutex::new(moment))),
            ..self.clone()
        })
    }

    /// Stands for all that messages read as: where it is the same as before, so are
    /// they.
    pub(crate) fn messages_version(&self) -> Result<MessagesVersion, CacheError> {
        let Some(moment) = &self.moment else {
            return self.moment()?.messages_version();
        };
        let moment = moment.lock().unwrap_or_else(PoisonError::into_inner);
        let epoch = moment.epoch();
        let changes = self.checked(epoch, moment.run(state::message_changes))?;
        Ok(MessagesVersion { epoch, changes })
    }

    /// Runs a read in a transaction, so that all its statements see the same
    /// state.
    pub(crate) fn read<T>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, CacheError> {
        if let Some(moment) = &self.moment {
            let moment = moment.lock().unwrap_or_else(PoisonError::into_inner);
            return self.checked(moment.epoch(), moment.run(query));
        }
        let reader = self.reader()?;
        self.checked(reader.epoch(), reader.run(query))
    }

    fn reader(&self) -> Result<pool::Reader, CacheError> {
        let epoch = self.shared.pool.epoch();
        match self.shared.pool.take() {
            Err(CacheError::Sql(error)) => self.checked(epoch, Err(error)),
            taken => taken,
        }
    }

    /// Has a file made anew that is damaged, or was deleted.
    fn checked<T>(&self, epoch: u64, result: rusqlite::Result<T>) -> Result<T, CacheError> {
        result.map_err(|error| {
            // What is put away under a reader gives errors of any kind.
            if self.shared.pool.epoch() != epoch {
                return CacheError::Renewed;
            }
            let why = match store::is_damage(&error) {
                true => error.to_string(),
                false if self.shared.store.is_gone() => "its file was deleted".to_owned(),
                false => return CacheError::Sql(error),
            };
            self.send(writer::Job::Useless { epoch, why });
            CacheError::Renewed
        })
    }

    fn send(&self, job: writer::Job) {
        // The writer ends only with `close`; what comes later has nowhere to go,
        // and its waiter sees the channel closed.
        let _ = self.jobs.send(job);
    }
}
