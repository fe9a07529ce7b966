//! Where the hub's rows go: into the cache, in the order in which they come. On
//! their way they tell the outbox what its writes have made.

use std::sync::Arc;

use tokio::sync::{oneshot, watch};

use crate::cache::Cache;
use crate::live_sessions::LiveSessions;
use crate::outbox::Outbox;
use crate::row::{Batch, Change, Identity, MessageRow, Row};
use crate::uplink::Sink;

/// The cache as the uplink sees it.
pub struct CacheSink {
    pub cache: Cache,
    pub outbox: Outbox,
    pub sessions: Arc<LiveSessions>,
}

impl Sink for CacheSink {
    fn last_seq(&self) -> u64 {
        self.cache.last_seq()
    }

    fn apply(&self, batch: Batch) -> oneshot::Receiver<()> {
        // Before the cache has it, and so before the outcome of the call is told:
        // the id goes to the disk with the mark that the write was sent.
        let me = self.cache.me();
        let own = batch.changes.iter().filter_map(message);
        let own = own.filter(|row| Some(row.author) == me);
        self.outbox
            .shown(own.filter_map(|row| Some((row.client_key?, row.id))));
        self.cache.apply(batch)
    }

    fn belongs_to(&self, hub: &str, me: Identity) -> oneshot::Receiver<()> {
        self.cache.bind(hub, Some(me))
    }

    fn rebuilds(&self) -> watch::Receiver<u64> {
        self.cache.rebuilds()
    }

    fn open_sessions(&self) -> Vec<String> {
        self.sessions.alive()
    }
}

/// The message that a change brings.
fn message(change: &Change) -> Option<&MessageRow> {
    match change {
        Change::Put(Row::Message(row)) => Some(row),
        Change::Put(Row::Delivery(delivery)) => delivery.message.as_ref(),
        _ => None,
    }
}
