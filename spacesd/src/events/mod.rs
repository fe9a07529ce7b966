//! The event log: what happened, in order, with durable cursors. Its rows are
//! written by the cache in the same transaction as what they tell of, so that
//! no subscriber ever misses a change or hears of one that was rolled back.

pub(crate) mod log;
mod tail;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use spaces_api::Receipt;
use spaces_api::model::{Event, EventKind};
use tokio::sync::{oneshot, watch};

use crate::cache::{Cache, CacheError};
pub(crate) use tail::Tail;

/// Events that are kept; older ones go, whichever bound is reached first.
pub const KEPT_EVENTS: u64 = 100_000;
/// How long events are kept.
pub const KEPT_DAYS: i64 = 7;

/// Reads the log and adds to it. Cheap to clone.
#[derive(Clone)]
pub struct Events {
    cache: Cache,
}

/// Why a subscription cannot go on from a cursor.
#[derive(Debug, thiserror::Error)]
pub enum SinceError {
    /// Events after it are gone: too old, or of a cache that has since been rebuilt.
    #[error(
        "events after cursor {cursor} are no longer kept; the oldest cursor to resume from is {oldest}"
    )]
    CursorExpired { cursor: u64, oldest: u64 },
    #[error(transparent)]
    Cache(#[from] CacheError),
}

impl Events {
    pub(crate) fn new(cache: Cache) -> Self {
        Self { cache }
    }

    /// Events after `cursor`, oldest first, at most `limit`. Recent ones come
    /// from memory and are shared between subscribers.
    ///
    /// # Errors
    /// [`SinceError::CursorExpired`] when the log does not reach back that far.
    pub fn since(&self, cursor: u64, limit: usize) -> Result<Vec<Arc<Event>>, SinceError> {
        let tail = self.cache.tail();
        if let Some(events) = tail.since(cursor, limit) {
            return Ok(events);
        }
        let (bounds, events) = self.cache.read(|db| {
            let bounds = log::bounds(db)?;
            Ok((bounds, log::since(db, cursor, limit)?))
        })?;
        if cursor < bounds.oldest_cursor || cursor > bounds.newest {
            return Err(SinceError::CursorExpired {
                cursor,
                oldest: bounds.oldest_cursor,
            });
        }
        Ok(events.into_iter().map(Arc::new).collect())
    }

    /// The cursor of the newest event: a subscription from it gets only new ones.
    pub fn latest(&self) -> u64 {
        self.cache.tail().latest()
    }

    /// Changes whenever there are new events; its value is the newest cursor.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.cache.tail().watch()
    }

    /// Adds an event that is not the hub's doing (`hub` state changes). Resolved
    /// once it is in the log.
    pub fn record(&self, what: EventKind) -> oneshot::Receiver<()> {
        self.cache.record(what)
    }

    /// Adds receipts with the outbox's change numbers, of which the highest is
    /// remembered in the same transaction: [`Events::last_receipt_change`].
    /// Receipts at or below it are left out, so that repeating is harmless.
    pub fn record_receipts(&self, receipts: Vec<(u64, Receipt)>) -> oneshot::Receiver<()> {
        self.cache.record_receipts(receipts)
    }

    /// The outbox change up to which receipts are in the log; 0 in a new cache.
    pub fn last_receipt_change(&self) -> u64 {
        self.cache.last_receipt_change()
    }
}
