//! Where the hub's rows go: into the cache, in the order in which they come.

use std::sync::Arc;

use tokio::sync::{oneshot, watch};

use crate::cache::Cache;
use crate::live_sessions::LiveSessions;
use crate::row::{Batch, Identity};
use crate::uplink::Sink;

/// The cache as the uplink sees it.
pub struct CacheSink {
    pub cache: Cache,
    pub sessions: Arc<LiveSessions>,
}

impl Sink for CacheSink {
    fn last_seq(&self) -> u64 {
        self.cache.last_seq()
    }

    fn apply(&self, batch: Batch) -> oneshot::Receiver<()> {
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
