//! What the sender does with the outbox. Ends of items are told to waiters at
//! once and written to the file a moment later.

use spaces_api::ReceiptState;
use tokio::sync::{oneshot, watch};
use uuid::Uuid;

use super::writer::{Command, MarkOf};
use super::{Outbox, Pending};

/// How an item ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The hub committed it, durably.
    Sent,
    /// It will not be sent again; the reason is for people.
    Rejected(String),
}

impl Outbox {
    /// Up to `limit` queued items after this place, in order.
    pub fn queued_after(&self, order: i64, limit: usize) -> Vec<Pending> {
        self.shared.memory().after(order, limit)
    }

    /// The item goes to the hub now. False if it is not queued any more.
    pub fn begin_attempt(&self, key: Uuid) -> bool {
        let mut memory = self.shared.memory();
        match memory.live_mut(key) {
            Some(live) if live.receipt.state == ReceiptState::Queued => {
                live.tried = true;
                live.attempts = live.attempts.saturating_add(1);
                true
            }
            _ => false,
        }
    }

    /// The item stays queued, because of this. `reached`: the hub may have it.
    pub fn attempt_failed(&self, key: Uuid, why: &str, reached: bool) {
        if let Some(live) = self.shared.memory().live_mut(key) {
            live.last_error = Some(why.to_owned());
            live.tried |= reached;
        }
    }

    /// The item ended. Nothing happens if it is not queued any more.
    pub fn settle(&self, key: Uuid, end: End) {
        let (state, reason) = match end {
            End::Sent => (ReceiptState::Sent, None),
            End::Rejected(reason) => (ReceiptState::Rejected, Some(reason)),
        };
        let settled = self.shared.memory().settle(key, state, reason);
        if let Some(settled) = settled {
            self.inbox.send(Command::Mark(MarkOf::Settled(settled)));
            self.shared.departures.send_modify(|count| *count += 1);
        }
    }

    /// Rejects what is older than the limit, except what `under_way` names.
    pub fn expire(&self, under_way: impl Fn(Uuid) -> bool) {
        let expired: Vec<(Uuid, bool)> = {
            let memory = self.shared.memory();
            let keys = memory.expired().into_iter().filter(|key| !under_way(*key));
            keys.map(|key| (key, memory.live(key).is_some_and(|live| live.tried)))
                .collect()
        };
        for (key, tried) in expired {
            let reason = if tried {
                "expired: not confirmed in time; an earlier attempt may have reached the hub"
            } else {
                "expired: not sent in time"
            };
            self.settle(key, End::Rejected(reason.into()));
        }
    }

    /// Remembers on disk that any queued item may reach the hub from now on, so
    /// that after a crash none is taken for one that certainly did not. False
    /// if that could not be written.
    pub async fn sending_begins(&self) -> bool {
        self.set_tried_through(i64::MAX).await
    }

    /// The opposite: nothing after what was tried so far reaches the hub.
    pub async fn sending_pauses(&self, last_tried: i64) -> bool {
        self.set_tried_through(last_tried).await
    }

    /// Counts the items that were queued; changes with each.
    pub fn arrivals(&self) -> watch::Receiver<u64> {
        self.shared.arrivals.subscribe()
    }

    async fn set_tried_through(&self, through: i64) -> bool {
        let (reply, answer) = oneshot::channel();
        self.inbox.send(Command::Tried { through, reply });
        answer.await.unwrap_or(false)
    }
}
