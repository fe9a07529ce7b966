//! The durable queue of writes that the hub has not confirmed.
//!
//! A write is acknowledged once it is on disk and stays until the hub has
//! committed or refused it. One thread writes the file and commits whatever
//! waits in one transaction, so that many posters share one fsync.
//!
//! The mark that an item was sent is written without an fsync of its own; the
//! next post's fsync covers it. After a power failure such an item is `queued`
//! again and is sent again under the same key, which the hub answers without
//! doing it twice: a receipt may claim less than what happened, never more.

mod content;
mod damage;
mod error;
mod log;
mod memory;
mod order;
mod pace;
pub mod sender;
mod sending;
mod store;
mod stored_item;
mod writer;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use spaces_api::model::{OutboxItem, OutboxStatus};
use spaces_api::{Receipt, Timestamp};
use tokio::sync::{broadcast, oneshot, watch};
use uuid::Uuid;

use crate::operation::Call;
pub use error::{ItemError, OpenError, SubmitError};
use memory::Memory;
pub use pace::Pace;
pub use sending::End;
use stored_item::{State, StoredItem};
use writer::{Command, Inbox, MarkOf};

/// The largest single call, in bytes of JSON. A request is not larger either.
pub const MAX_ITEM_BYTES: u64 = 1024 * 1024;

/// How many changes a slow listener may be behind before it has to read them
/// with [`Outbox::changes_since`].
const CHANGES_HELD: usize = 4096;

/// How much the outbox may hold, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most queued items.
    pub max_items: u64,
    /// Most bytes of queued items.
    pub max_bytes: u64,
    /// An item that was not sent for so long is rejected as `expired`.
    pub max_age: Duration,
    /// How long the receipt of a sent, rejected or dropped item is known.
    pub keep_sent: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        Self {
            max_items: 100_000,
            max_bytes: 256 * 1024 * 1024,
            max_age: 30 * DAY,
            keep_sent: 30 * DAY,
        }
    }
}

/// A write for the outbox.
#[derive(Clone, Debug)]
pub struct Entry {
    pub call: Call,
    /// The method that made it.
    pub method: &'static str,
    /// Where it goes, in words: `#agent-logs`.
    pub target: String,
}

/// A queued write, for overlays of local reads and for the sender.
#[derive(Clone, Debug)]
pub struct Pending {
    /// Its place: a later write has a higher one.
    pub order: i64,
    pub call: Arc<Call>,
    pub method: Cow<'static, str>,
    pub target: Arc<str>,
    pub queued_at: Timestamp,
    /// Of the call as JSON.
    pub bytes: u64,
}

/// A receipt as it is since a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptChange {
    /// Grows with each change of any receipt; has gaps.
    pub change_seq: u64,
    pub receipt: Receipt,
}

/// What [`Outbox::open`] gives.
pub struct Opened {
    pub outbox: Outbox,
    /// A damaged file was set aside: which, and what could be read of it.
    pub warning: Option<String>,
}

/// The outbox; clones share it. It ends, with its marks on disk, when the last
/// clone is dropped or by [`Outbox::close`].
#[derive(Clone)]
pub struct Outbox {
    shared: Arc<Shared>,
    inbox: Inbox,
}

/// What the writer thread and all clones have in common.
struct Shared {
    memory: Mutex<Memory>,
    changes: broadcast::Sender<ReceiptChange>,
    /// Counts the items that were queued.
    arrivals: watch::Sender<u64>,
    /// Counts the items that left the queue.
    departures: watch::Sender<u64>,
}

impl Shared {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        // No panic leaves the memory half changed: each change is one call.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Outbox {
    /// Opens `outbox.db` in this directory, which must exist, or makes it. Reads
    /// what is queued into memory.
    ///
    /// # Errors
    /// If the directory cannot be written, another process has the file, or a
    /// later version made it. A damaged file is no error: it is set aside.
    pub fn open(state_dir: &Path, limits: Limits) -> Result<Opened, OpenError> {
        let path = state_dir.join(store::FILE);
        let (store, notice) = damage::open_or_set_aside(&path)?;
        let (changes, _) = broadcast::channel(CHANGES_HELD);
        let mut memory = Memory::new(limits);
        memory.notice.clone_from(&notice);
        let shared = Arc::new(Shared {
            memory: Mutex::new(memory),
            changes,
            arrivals: watch::Sender::new(0),
            departures: watch::Sender::new(0),
        });
        let inbox = writer::start(store, Arc::clone(&shared))
            .map_err(|source| OpenError::Io { path, source })?;
        Ok(Opened {
            outbox: Self { shared, inbox },
            warning: notice,
        })
    }

    /// Accepts these writes, all or none, in this order. When it returns they
    /// are on disk. A key that is known with the same content gives the receipt
    /// there is.
    ///
    /// # Errors
    /// Nothing was accepted; see [`SubmitError`].
    pub async fn submit(&self, entries: Vec<Entry>) -> Result<Vec<Receipt>, SubmitError> {
        let items = entries
            .into_iter()
            .map(writer::NewItem::prepare)
            .collect::<Result<Vec<_>, _>>()?;
        self.ask(|reply| Command::Submit { items, reply })
            .await
            .unwrap_or(Err(SubmitError::Closed))
    }

    /// Waits until the item is sent or rejected, at most for `limit`; then the
    /// receipt as it is. None if the key is not known.
    pub async fn settled(&self, key: Uuid, limit: Duration) -> Option<Receipt> {
        let watched = self.shared.memory().watch(key);
        match watched {
            Some((receipt, None)) => Some(receipt),
            Some((_, Some(heard))) => match tokio::time::timeout(limit, heard).await {
                Ok(Ok(receipt)) => Some(receipt),
                // Out of time, or taken out of the queue another way.
                _ => self.receipt(key).await,
            },
            None => self.receipt(key).await,
        }
    }

    /// The receipt of a write, if it is known.
    pub async fn receipt(&self, key: Uuid) -> Option<Receipt> {
        let present = self
            .shared
            .memory()
            .live(key)
            .map(|live| live.receipt.clone());
        match present {
            Some(receipt) => Some(receipt),
            None => self.stored(key).await.map(|item| item.receipt),
        }
    }

    /// The item of this key, unless it is sent or dropped.
    pub async fn item(&self, key: Uuid) -> Option<OutboxItem> {
        let queued = self.shared.memory().listed_one(key);
        match queued {
            Some(item) => Some(item),
            None => self
                .stored(key)
                .await
                .filter(|item| item.state == State::Rejected)
                .map(StoredItem::shown),
        }
    }

    /// Rejected items and, unless only those are asked for, queued ones; each
    /// oldest first, at most `limit` in all.
    pub async fn list(&self, rejected_only: bool, limit: usize) -> Vec<OutboxItem> {
        let mut items: Vec<OutboxItem> = self
            .read(move |store| store.rejected(limit))
            .await
            .unwrap_or_default()
            .into_iter()
            .map(StoredItem::shown)
            .collect();
        if !rejected_only {
            items.extend(self.shared.memory().listed(limit - items.len().min(limit)));
        }
        items
    }

    /// Queues a rejected item again, as the last one.
    ///
    /// # Errors
    /// If it is not known, not rejected, or cannot be accepted now.
    pub async fn retry(&self, key: Uuid) -> Result<Receipt, ItemError> {
        self.ask(|reply| Command::Retry { key, reply })
            .await
            .unwrap_or(Err(ItemError::Store(SubmitError::Closed)))
    }

    /// Takes out a rejected item, or a queued one that cannot have reached the
    /// hub. The receipt stays known as rejected.
    ///
    /// # Errors
    /// If it is not known, or sent, or may have reached the hub.
    pub async fn discard(&self, key: Uuid) -> Result<Receipt, ItemError> {
        self.ask(|reply| Command::Discard { key, reply })
            .await
            .unwrap_or(Err(ItemError::Store(SubmitError::Closed)))
    }

    /// Waits until nothing is queued, at most for `limit`; how many still are.
    pub async fn flush(&self, limit: Duration) -> u64 {
        let mut departures = self.shared.departures.subscribe();
        let emptied = async {
            while self.shared.memory().queued() > 0 {
                if departures.changed().await.is_err() {
                    break;
                }
            }
        };
        // Out of time is an answer too: the number says it.
        let _ = tokio::time::timeout(limit, emptied).await;
        self.shared.memory().queued()
    }

    /// How the outbox is. Does not touch the disk.
    pub fn status(&self) -> OutboxStatus {
        self.shared.memory().status()
    }

    /// The queued writes, in order. Cheap while the queue is unchanged.
    pub fn pending(&self) -> Arc<Vec<Pending>> {
        self.shared.memory().snapshot()
    }

    /// Changes of receipts from now on, each after it is written to the file.
    pub fn changes(&self) -> broadcast::Receiver<ReceiptChange> {
        self.shared.changes.subscribe()
    }

    /// Up to `limit` changes after this one, in order: for a listener that was
    /// away. A receipt that changed more than once is there once, as it is.
    pub async fn changes_since(&self, change_seq: u64, limit: usize) -> Vec<ReceiptChange> {
        let change = i64::try_from(change_seq).unwrap_or(i64::MAX);
        self.read(move |store| store.changes_since(change, limit))
            .await
            .unwrap_or_default()
    }

    /// The hub has shown messages of this user, by the keys with which they were
    /// written: receipts learn their ids. Those of others are passed over.
    pub fn shown(&self, messages: impl Iterator<Item = (Uuid, u64)>) {
        let mut memory = self.shared.memory();
        if !memory.awaits_messages() {
            return;
        }
        for (key, id) in messages {
            if memory.shown(key, id) {
                self.inbox
                    .send(Command::Mark(MarkOf::MessageId { key, id }));
            }
        }
    }

    /// Whether this write was sent and its message has not been shown.
    pub fn looks_out_for(&self, key: Uuid) -> bool {
        self.shared.memory().looks_out_for(key)
    }

    /// Changes from now on have higher numbers than this one, which a listener has
    /// from an earlier file: that may be lost, and the clock may have been set back.
    pub fn number_beyond(&self, change_seq: u64) {
        let change = i64::try_from(change_seq).unwrap_or(0);
        self.inbox.send(Command::NumberBeyond(change));
    }

    /// Takes other limits from now on. What is queued stays.
    pub fn set_limits(&self, limits: Limits) {
        self.shared.memory().limits = limits;
    }

    /// Writes what is not yet on disk and ends the writer. Later submissions are
    /// refused.
    pub async fn close(&self) {
        // No answer means that the writer has ended, which is what was asked.
        let _ = self.ask(|reply| Command::Close { reply }).await;
    }

    async fn stored(&self, key: Uuid) -> Option<StoredItem> {
        self.read(move |store| store.find(key)).await.flatten()
    }

    /// Reads in the writer's thread, after what was sent to it before. None if
    /// the file cannot be read; the status says why.
    async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&store::Store) -> store::Stored<T> + Send + 'static,
    ) -> Option<T> {
        self.ask(|reply| {
            Command::Read(Box::new(move |store| {
                // A caller that has gone away needs no answer.
                query(store).map(|found| drop(reply.send(found)))
            }))
        })
        .await
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.inbox.send(command(reply));
        answer.await.ok()
    }
}
