//! The newest events in memory, so that a thousand subscribers cost one read.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use spaces_api::model::Event;
use tokio::sync::watch;

/// Events held; at most 8,000 characters of content each.
const HELD: usize = 512;

pub(crate) struct Tail {
    events: Mutex<VecDeque<Arc<Event>>>,
    latest: watch::Sender<u64>,
}

impl Tail {
    pub fn new(latest: u64) -> Self {
        Self {
            events: Mutex::default(),
            latest: watch::Sender::new(latest),
        }
    }

    /// Adds committed events and wakes the subscribers.
    pub fn publish(&self, recorded: Vec<Arc<Event>>) {
        let Some(newest) = recorded.last().map(|event| event.cursor) else {
            return;
        };
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.extend(recorded);
        let excess = events.len().saturating_sub(HELD);
        events.drain(..excess);
        drop(events);
        self.latest.send_replace(newest);
    }

    /// Begins anew, after the cache was rebuilt: the log stands at `latest`.
    pub fn reset(&self, latest: u64) {
        self.events
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        self.latest.send_replace(latest);
    }

    /// Events after `cursor`, if memory reaches back that far.
    pub fn since(&self, cursor: u64, limit: usize) -> Option<Vec<Arc<Event>>> {
        if cursor == self.latest() {
            return Some(Vec::new());
        }
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        let first = events.front()?.cursor;
        // Cursors are consecutive, so the place of an event is known.
        let skip = usize::try_from(cursor.checked_add(1)?.checked_sub(first)?).ok()?;
        if skip > events.len() {
            return None;
        }
        Some(events.iter().skip(skip).take(limit).cloned().collect())
    }

    pub fn latest(&self) -> u64 {
        *self.latest.borrow()
    }

    pub fn watch(&self) -> watch::Receiver<u64> {
        self.latest.subscribe()
    }
}
