//! Small facts of the cache that are asked for too often to be read from disk.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

use rusqlite::types::{FromSql, ToSql};
use rusqlite::{Connection, OptionalExtension, params};
use spaces_api::Timestamp;
use tokio::sync::watch;

use crate::row::Identity;

/// Kept in memory, and under the same names in the table `meta`.
pub(super) struct State {
    last_seq: AtomicU64,
    ready: AtomicBool,
    messages: AtomicU64,
    as_of: AtomicI64,
    last_receipt_change: AtomicU64,
    hub: RwLock<Option<String>>,
    me: RwLock<Option<Identity>>,
    fault: RwLock<Option<String>>,
    closing: AtomicBool,
    rebuilds: watch::Sender<u64>,
    digest_generation: watch::Sender<u64>,
    name_generation: AtomicU64,
}

/// What a transaction leaves behind, to be shown once it is committed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    pub last_seq: u64,
    pub ready: bool,
    pub messages: u64,
    pub last_receipt_change: u64,
    /// Grows with each transaction after which some message may read differently.
    pub message_changes: u64,
}

/// What else a transaction has changed, for those who remember it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Changed {
    /// Something that a digest shows.
    pub digest: bool,
    /// What a name stands for, or what somebody may do there.
    pub names: bool,
}

impl State {
    pub fn load(db: &Connection) -> rusqlite::Result<Self> {
        let facts = Facts::load(db)?;
        let state = Self {
            last_seq: AtomicU64::new(facts.last_seq),
            ready: AtomicBool::new(facts.ready),
            messages: AtomicU64::new(facts.messages),
            as_of: AtomicI64::new(get(db, "as_of")?.unwrap_or(0)),
            last_receipt_change: AtomicU64::new(facts.last_receipt_change),
            hub: RwLock::new(get(db, "hub")?),
            me: RwLock::new(load_me(db)?),
            fault: RwLock::default(),
            closing: AtomicBool::new(false),
            rebuilds: watch::Sender::new(0),
            digest_generation: watch::Sender::new(0),
            name_generation: AtomicU64::new(0),
        };
        Ok(state)
    }

    /// Shows what a committed transaction has changed.
    pub fn publish(&self, facts: &Facts, changed: Changed) {
        self.last_seq.store(facts.last_seq, Ordering::Release);
        self.ready.store(facts.ready, Ordering::Release);
        self.messages.store(facts.messages, Ordering::Relaxed);
        self.last_receipt_change
            .store(facts.last_receipt_change, Ordering::Release);
        if changed.names {
            self.name_generation.fetch_add(1, Ordering::Release);
        }
        if changed.digest {
            self.digest_generation
                .send_modify(|generation| *generation += 1);
        }
    }

    pub fn note_rebuilt(&self) {
        self.as_of.store(0, Ordering::Relaxed);
        self.rebuilds.send_modify(|count| *count += 1);
    }

    pub fn last_seq(&self) -> u64 {
        self.last_seq.load(Ordering::Acquire)
    }

    pub fn ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }

    pub fn messages(&self) -> u64 {
        self.messages.load(Ordering::Relaxed)
    }

    pub fn last_receipt_change(&self) -> u64 {
        self.last_receipt_change.load(Ordering::Acquire)
    }

    pub fn note_live(&self, at: Timestamp) {
        self.as_of.store(at.as_micros(), Ordering::Relaxed);
    }

    pub fn as_of(&self) -> Timestamp {
        Timestamp::from_micros(self.as_of.load(Ordering::Relaxed))
    }

    pub fn hub(&self) -> Option<String> {
        self.hub
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub fn set_hub(&self, hub: String) {
        *self.hub.write().unwrap_or_else(PoisonError::into_inner) = Some(hub);
    }

    pub fn me(&self) -> Option<Identity> {
        *self.me.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn set_me(&self, me: Option<Identity>) {
        *self.me.write().unwrap_or_else(PoisonError::into_inner) = me;
        self.name_generation.fetch_add(1, Ordering::Release);
    }

    pub fn fault(&self) -> Option<String> {
        self.fault
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub fn set_fault(&self, fault: Option<String>) {
        *self.fault.write().unwrap_or_else(PoisonError::into_inner) = fault;
    }

    pub fn begin_closing(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }

    pub fn closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }

    pub fn rebuilds(&self) -> watch::Receiver<u64> {
        self.rebuilds.subscribe()
    }

    pub fn name_generation(&self) -> u64 {
        self.name_generation.load(Ordering::Acquire)
    }

    pub fn digest_generation(&self) -> watch::Receiver<u64> {
        self.digest_generation.subscribe()
    }
}

impl Facts {
    pub fn load(db: &Connection) -> rusqlite::Result<Self> {
        let number = |key| -> rusqlite::Result<u64> {
            Ok(get::<i64>(db, key)?.unwrap_or(0).cast_unsigned())
        };
        Ok(Self {
            last_seq: number("last_seq")?,
            ready: number("ready")? != 0,
            messages: number("messages")?,
            last_receipt_change: number("last_receipt_change")?,
            message_changes: number(MESSAGE_CHANGES)?,
        })
    }

    /// Writes what is not as it was `before`.
    pub fn store(&self, before: &Self, db: &Connection) -> rusqlite::Result<()> {
        for ((key, value), (_, before)) in self.named().into_iter().zip(before.named()) {
            if value != before {
                set(db, key, value.cast_signed())?;
            }
        }
        Ok(())
    }

    fn named(&self) -> [(&'static str, u64); 5] {
        [
            ("last_seq", self.last_seq),
            ("ready", u64::from(self.ready)),
            ("messages", self.messages),
            ("last_receipt_change", self.last_receipt_change),
            (MESSAGE_CHANGES, self.message_changes),
        ]
    }
}

const MESSAGE_CHANGES: &str = "message_changes";

/// [`Facts::message_changes`] alone.
pub(super) fn message_changes(db: &Connection) -> rusqlite::Result<i64> {
    Ok(get(db, MESSAGE_CHANGES)?.unwrap_or(0))
}

/// Reads a value of the table `meta`.
pub(super) fn get<T: FromSql>(db: &Connection, key: &str) -> rusqlite::Result<Option<T>> {
    db.prepare_cached("SELECT value FROM meta WHERE key = ?1")?
        .query_row([key], |row| row.get(0))
        .optional()
}

/// Writes a value of the table `meta`.
pub(super) fn set(db: &Connection, key: &str, value: impl ToSql) -> rusqlite::Result<()> {
    db.prepare_cached("INSERT OR REPLACE INTO meta(key, value) VALUES (?1, ?2)")?
        .execute(params![key, value])?;
    Ok(())
}

/// The identity behind the number in `meta`.
fn load_me(db: &Connection) -> rusqlite::Result<Option<Identity>> {
    match get::<i64>(db, "me")? {
        Some(user) => super::query::user::identity(db, user).map(Some),
        None => Ok(None),
    }
}
