//! What is queued, in memory: read by every local read and by the sender, so
//! that neither waits for the disk. Changed only after the disk has it, except
//! that an item which the hub settled is settled here at once; its mark follows
//! to the disk later, and until then a restart would send it again.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use spaces_api::model::{OutboxItem, OutboxStatus};
use spaces_api::{Receipt, ReceiptState, Timestamp};
use tokio::sync::oneshot;
use uuid::Uuid;

use super::content::Digest;
use super::{Limits, Pending};

/// Room for so many items is kept, however few there are.
const ROOM_KEPT: usize = 1024;

/// Sent writes whose message is looked out for, at most: nearly all come with the
/// answer.
const MOST_UNSHOWN: usize = 1_000;
/// Those that were sent longer ago make room for others.
const SHOWN_WITHIN: Duration = Duration::from_secs(10);

/// The queue and what is known about each of its items.
pub(super) struct Memory {
    pub limits: Limits,
    pub closed: bool,
    /// A standing fault of the store, in words.
    pub fault: Option<String>,
    /// What was found at the start and stays true: a file set aside.
    pub notice: Option<String>,
    pub rejected: u64,
    sent_total: u64,
    bytes: u64,
    queue: BTreeMap<i64, Pending>,
    live: HashMap<Uuid, Live>,
    /// Sent writes whose message the hub has not shown yet, and since when.
    unshown: HashMap<Uuid, Instant>,
    snapshot: Option<Arc<Vec<Pending>>>,
}

/// An item that is queued, or settled with its mark not yet on disk.
pub(super) struct Live {
    pub id: i64,
    pub receipt: Receipt,
    pub digest: Digest,
    pub attempts: u32,
    pub last_error: Option<String>,
    /// It may have reached the hub.
    pub tried: bool,
    /// When it was queued, by a clock that is never set.
    age: Age,
    waiters: Vec<oneshot::Sender<Receipt>>,
}

/// The age of an item by the monotonic clock; of an item from an earlier run,
/// on top of what the wall clock said when it was read.
#[derive(Clone, Copy)]
struct Age {
    since: Instant,
    before: Duration,
}

impl Age {
    fn of(queued_at: Timestamp) -> Self {
        Self {
            since: Instant::now(),
            before: Duration::from_millis(queued_at.millis_until(Timestamp::now())),
        }
    }

    fn get(self) -> Duration {
        self.before.saturating_add(self.since.elapsed())
    }
}

impl Memory {
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            closed: false,
            fault: None,
            notice: None,
            rejected: 0,
            sent_total: 0,
            bytes: 0,
            queue: BTreeMap::new(),
            live: HashMap::new(),
            unshown: HashMap::new(),
            snapshot: None,
        }
    }

    /// Puts an item that is on disk at its place in the queue.
    pub fn add(&mut self, pending: Pending, receipt: Receipt, digest: Digest, tried: bool) {
        let live = Live {
            id: pending.order,
            digest,
            attempts: 0,
            last_error: None,
            tried,
            age: Age::of(receipt.queued_at),
            waiters: Vec::new(),
            receipt,
        };
        self.bytes += pending.bytes;
        self.live.insert(pending.call.client_key, live);
        self.queue.insert(pending.order, pending);
        self.snapshot = None;
    }

    /// Takes a queued item out, whatever becomes of it.
    pub fn remove(&mut self, key: Uuid) -> Option<(Pending, Live)> {
        let pending = self.leave_queue(key)?;
        let live = self.live.remove(&key)?;
        self.give_room_back();
        Some((pending, live))
    }

    /// Puts back what [`Self::remove`] took.
    pub fn put_back(&mut self, pending: Pending, live: Live) {
        self.bytes += pending.bytes;
        self.live.insert(pending.call.client_key, live);
        self.queue.insert(pending.order, pending);
        self.snapshot = None;
    }

    fn leave_queue(&mut self, key: Uuid) -> Option<Pending> {
        let id = self.live.get(&key)?.id;
        let pending = self.queue.remove(&id)?;
        self.bytes -= pending.bytes;
        self.snapshot = None;
        Some(pending)
    }

    /// The item ended so. Answers whoever waits for it. None if it is not queued.
    pub fn settle(
        &mut self,
        key: Uuid,
        state: ReceiptState,
        reason: Option<String>,
    ) -> Option<Settled> {
        let pending = self.leave_queue(key)?;
        let live = self.live.get_mut(&key)?;
        live.receipt.state = state;
        live.receipt.reason = reason;
        match state {
            ReceiptState::Sent => {
                // A clock that was set back must not show it sent before it was queued.
                live.receipt.sent_at = Some(Timestamp::now().max(live.receipt.queued_at));
                self.sent_total += 1;
            }
            ReceiptState::Rejected => self.rejected += 1,
            ReceiptState::Queued => {}
        }
        let settled = Settled {
            id: live.id,
            receipt: live.receipt.clone(),
            attempts: live.attempts,
        };
        for waiter in live.waiters.drain(..) {
            // A waiter that has gone away needs no answer.
            let _ = waiter.send(live.receipt.clone());
        }
        let unshown = state == ReceiptState::Sent && settled.receipt.message_id.is_none();
        if unshown && pending.call.operation.makes_message() {
            self.look_out_for(key);
        }
        Some(settled)
    }

    fn look_out_for(&mut self, key: Uuid) {
        if self.unshown.len() >= MOST_UNSHOWN {
            self.unshown
                .retain(|_, since| since.elapsed() < SHOWN_WITHIN);
        }
        if self.unshown.len() < MOST_UNSHOWN {
            self.unshown.insert(key, Instant::now());
        }
    }

    pub fn looks_out_for(&self, key: Uuid) -> bool {
        self.unshown.contains_key(&key)
    }

    /// Whether the hub may yet show a message that an item made.
    pub fn awaits_messages(&self) -> bool {
        !self.live.is_empty() || !self.unshown.is_empty()
    }

    /// The hub has shown the message of this key. True if the file does not learn
    /// its id by the mark that the item was sent.
    pub fn shown(&mut self, key: Uuid, id: u64) -> bool {
        let ended = self.unshown.remove(&key).is_some();
        let Some(live) = self.live.get_mut(&key) else {
            return ended;
        };
        live.receipt.message_id = Some(id);
        live.receipt.state != ReceiptState::Queued
    }

    /// The mark of a settled item is on disk: the disk answers for it now.
    pub fn forget_settled(&mut self, key: Uuid) {
        if self
            .live
            .get(&key)
            .is_some_and(|live| live.receipt.state != ReceiptState::Queued)
        {
            self.live.remove(&key);
            self.give_room_back();
        }
    }

    /// A table stays as large as it ever was: after a long queue, some 300 bytes
    /// for each item that it had.
    fn give_room_back(&mut self) {
        if self.live.capacity() > ROOM_KEPT && self.live.len() < self.live.capacity() / 8 {
            self.live.shrink_to(self.live.len() * 2);
        }
    }

    /// How many items there is room for without growing.
    #[cfg(test)]
    pub fn room(&self) -> usize {
        self.live.capacity()
    }

    pub fn live(&self, key: Uuid) -> Option<&Live> {
        self.live.get(&key)
    }

    pub fn live_mut(&mut self, key: Uuid) -> Option<&mut Live> {
        self.live.get_mut(&key)
    }

    /// The present receipt, and where it may still change, a way to hear of it.
    pub fn watch(&mut self, key: Uuid) -> Option<(Receipt, Option<oneshot::Receiver<Receipt>>)> {
        let live = self.live.get_mut(&key)?;
        if live.receipt.state != ReceiptState::Queued {
            return Some((live.receipt.clone(), None));
        }
        let (answer, heard) = oneshot::channel();
        live.waiters.retain(|waiter| !waiter.is_closed());
        live.waiters.push(answer);
        Some((live.receipt.clone(), Some(heard)))
    }

    /// The queued items in order, shared until the queue changes.
    pub fn snapshot(&mut self) -> Arc<Vec<Pending>> {
        Arc::clone(
            self.snapshot
                .get_or_insert_with(|| Arc::new(self.queue.values().cloned().collect())),
        )
    }

    /// Up to `limit` queued items that come after this place, in order.
    pub fn after(&self, order: i64, limit: usize) -> Vec<Pending> {
        self.queue
            .range(order.saturating_add(1)..)
            .take(limit)
            .map(|(_, pending)| pending.clone())
            .collect()
    }

    /// Keys of the queued items older than the limit.
    pub fn expired(&self) -> Vec<Uuid> {
        let limit = self.limits.max_age;
        self.queue
            .values()
            .filter(|pending| {
                self.live
                    .get(&pending.call.client_key)
                    .is_some_and(|live| live.age.get() > limit)
            })
            .map(|pending| pending.call.client_key)
            .collect()
    }

    /// The queued items as `outbox.list` shows them, oldest first.
    pub fn listed(&self, limit: usize) -> Vec<OutboxItem> {
        self.queue
            .values()
            .filter_map(|pending| Some((pending, self.live.get(&pending.call.client_key)?)))
            .take(limit)
            .map(|(pending, live)| shown(pending, live))
            .collect()
    }

    /// A queued item as `outbox.show` shows it.
    pub fn listed_one(&self, key: Uuid) -> Option<OutboxItem> {
        let live = self.live.get(&key)?;
        Some(shown(self.queue.get(&live.id)?, live))
    }

    pub fn queued(&self) -> u64 {
        self.queue.len() as u64
    }

    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The place of the first queued item.
    pub fn first(&self) -> Option<i64> {
        self.queue.first_key_value().map(|(id, _)| *id)
    }

    pub fn status(&self) -> OutboxStatus {
        OutboxStatus {
            queued: self.queued(),
            bytes: self.bytes,
            rejected: self.rejected,
            max_items: self.limits.max_items,
            max_bytes: self.limits.max_bytes,
            oldest_queued_at: self.queue.values().next().map(|pending| pending.queued_at),
            sent_total: self.sent_total,
            fault: self.fault.clone().or_else(|| self.notice.clone()),
        }
    }
}

fn shown(pending: &Pending, live: &Live) -> OutboxItem {
    OutboxItem {
        receipt: live.receipt.clone(),
        method: pending.method.clone().into_owned(),
        target: pending.target.to_string(),
        bytes: pending.bytes,
        attempts: live.attempts,
        last_error: live.last_error.clone(),
    }
}

/// What an item's end leaves to be written.
#[derive(Clone, Debug)]
pub(super) struct Settled {
    pub id: i64,
    pub receipt: Receipt,
    pub attempts: u32,
}

/// The method's name without a copy, if this version knows it.
pub(super) fn method_name(stored: String) -> Cow<'static, str> {
    match spaces_api::METHODS
        .iter()
        .find(|method| method.name == stored)
    {
        Some(known) => Cow::Borrowed(known.name),
        None => Cow::Owned(stored),
    }
}
