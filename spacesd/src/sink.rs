//! Where the hub's rows go: into the cache, in the order in which they come. On
//! their way they tell the outbox what its writes have made.

use std::sync::Arc;

use tokio::sync::{oneshot, watch};

use crate::cache::Cache;
use crate::live_sessions::LiveSessions;
use crate::outbox::Outbox;
use crate::row::{Batch, Change, Identity, Known, MessageRow, Row};
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

    fn newest_in(&self, channels: &[u64]) -> Option<Known> {
        // Where it cannot be read nothing is compared, and readers report the fault.
        self.cache.newest_open(channels).ok().flatten()
    }

    fn begin_anew(&self, why: &str) {
        self.cache.begin_anew(why);
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use spaces_api::model::{Context, InboxReason, MessageKind};
    use uuid::Uuid;

    use super::{CacheSink, message};
    use crate::cache::fixture::{BOB, Fixture, GENERAL, ME, delivery, message_row};
    use crate::operation::{Call, Operation};
    use crate::outbox::{Entry, Limits, Opened, Outbox};
    use crate::row::{Batch, Change, Identity, Row};
    use crate::uplink::Sink;

    fn post(client_key: Uuid) -> Entry {
        Entry {
            call: Call {
                client_key,
                session: None,
                operation: Operation::SendMessage {
                    channel_id: GENERAL,
                    thread_id: None,
                    reply_to: None,
                    kind: MessageKind::Text,
                    content: "x".to_owned(),
                    context: Context::default(),
                },
            },
            method: "message.send",
            target: "#general".to_owned(),
        }
    }

    #[test]
    fn receipts_learn_ids_from_own_messages_alone() {
        let fixture = Fixture::new();
        let directory = tempfile::tempdir().unwrap();
        let Opened { outbox, .. } = Outbox::open(directory.path(), Limits::default()).unwrap();
        let sink = CacheSink {
            cache: fixture.cache.clone(),
            outbox: outbox.clone(),
            sessions: Arc::default(),
        };
        let [open, private, copied] = [1, 2, 3].map(Uuid::from_u128);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let posts = [open, private, copied].map(post).to_vec();
        runtime.block_on(outbox.submit(posts)).unwrap();
        let row = |id, author: Identity, key| crate::row::MessageRow {
            client_key: Some(key),
            ..message_row(id, GENERAL, author, "x")
        };
        let rows = [
            Row::Message(row(101, ME, open)),
            delivery(7, InboxReason::Private, Some(row(102, ME, private))),
            // Whoever has read a message knows its key.
            Row::Message(row(103, BOB, copied)),
        ];
        let changes: Vec<_> = rows.into_iter().map(Change::Put).collect();
        assert!(changes.iter().all(|change| message(change).is_some()));
        let batch = Batch {
            changes,
            snapshot_of: Vec::new(),
            synced_to: None,
        };
        sink.apply(batch).blocking_recv().unwrap();
        let id_of = |key| runtime.block_on(outbox.receipt(key)).unwrap().message_id;
        let ids = [open, private, copied].map(id_of);
        assert_eq!(ids, [Some(101), Some(102), None]);
    }
}
