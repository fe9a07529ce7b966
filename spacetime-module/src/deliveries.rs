//! What is put into whose inbox. A recipient's daemon stores an item and then
//! acknowledges it, which deletes it here.

use crate::call;
use crate::schema::*;
use spaces_domain::{Refusal, limits};
use spacetimedb::{Identity, ReducerContext, Table, reducer};

/// The `message_id` of a delivery without one.
const NO_MESSAGE: u64 = 0;

/// Delivers a new message: to each reader of a channel that is not open, the
/// author among them, since an author may have several machines; of an open
/// channel to those whom it names or answers.
pub fn posted(
    ctx: &ReducerContext,
    channel: &Channel,
    message: &Message,
    answered: Option<Identity>,
) {
    if channel.visibility != ChannelVisibility::Open {
        to_readers(ctx, channel, message);
        return;
    }
    mentioned(ctx, channel, message, message.mentions.iter());
    if let Some(author) = answered
        && author != message.author
        && !message.mentions.contains(&author)
    {
        put(ctx, author, DeliveryReason::Reply, Content::Message(message));
    }
}

/// Delivers a message of a channel that is not open, new or changed, to each
/// reader.
pub fn to_readers(ctx: &ReducerContext, channel: &Channel, message: &Message) {
    let reason = match channel.server_id {
        DIRECT_SERVER_ID => DeliveryReason::Direct,
        _ => DeliveryReason::Private,
    };
    let readers = ctx.db.channel_member().channel_id().filter(channel.id);
    let readers: Vec<Identity> = readers.map(|reader| reader.identity).collect();
    for reader in readers {
        put(ctx, reader, reason, Content::Message(message));
    }
}

/// Delivers a message of an open channel to those of whom it newly speaks.
pub fn mentioned<'a>(
    ctx: &ReducerContext,
    channel: &Channel,
    message: &Message,
    named: impl Iterator<Item = &'a Identity>,
) {
    if channel.visibility == ChannelVisibility::Open {
        for identity in named {
            put(ctx, *identity, DeliveryReason::Mention, Content::Message(message));
        }
    }
}

/// What a delivery carries.
pub enum Content<'a> {
    Message(&'a Message),
    Claim(&'a Claim),
    /// The voice channel, and what is told there.
    Signal(u64, VoiceSignal),
}

/// Puts one thing into an inbox. A message that waits there already is put
/// again at the end, so that acknowledging the older item cannot lose the
/// change.
pub fn put(ctx: &ReducerContext, recipient: Identity, reason: DeliveryReason, content: Content) {
    let mut inbox = Inbox::of(ctx, recipient);
    let (channel_id, message_id, claim, signal) = match content {
        Content::Message(message) => (message.channel_id, message.id, None, None),
        Content::Claim(claim) => (0, NO_MESSAGE, Some(claim.clone()), None),
        Content::Signal(channel_id, signal) => (channel_id, NO_MESSAGE, None, Some(signal)),
    };
    if message_id != NO_MESSAGE {
        let waiting = ctx.db.delivery().by_content().filter((recipient, channel_id, message_id));
        waiting.collect::<Vec<_>>().iter().for_each(|older| inbox.take_out(older.id));
    }
    if inbox.state.pending >= limits::INBOX_PENDING {
        inbox.drop_oldest_waiting();
    }
    inbox.refill();
    let is_shown = inbox.state.shown < limits::INBOX_WINDOW;
    let delivery = ctx.db.delivery().insert(Delivery {
        id: 0,
        recipient,
        shown_to: if is_shown { recipient } else { Identity::ZERO },
        reason,
        channel_id,
        message_id,
        claim,
        signal,
        created_at: ctx.timestamp,
    });
    inbox.count_in(delivery.id, is_shown);
    inbox.save();
}

/// Drops a delivery that waited too long, and tells the recipient of the gap.
pub fn expire(ctx: &ReducerContext, delivery: Delivery) {
    let mut inbox = Inbox::of(ctx, delivery.recipient);
    // A marker that is too old gives way to a younger one: it stays until it is
    // acknowledged.
    inbox.take_out(delivery.id);
    inbox.mark_gap();
    inbox.refill();
    inbox.save();
}

/// Takes away all that waits for a recipient from one channel; says how much.
pub fn withdraw_channel(ctx: &ReducerContext, recipient: Identity, channel_id: u64) -> usize {
    withdraw(ctx, recipient, ctx.db.delivery().by_content().filter((recipient, channel_id)))
}

/// Takes away the signals that wait for a recipient from one voice channel.
pub fn withdraw_signals(ctx: &ReducerContext, recipient: Identity, channel_id: u64) {
    let signals = (recipient, channel_id, NO_MESSAGE);
    withdraw(ctx, recipient, ctx.db.delivery().by_content().filter(signals));
}

fn withdraw(
    ctx: &ReducerContext,
    recipient: Identity,
    waiting: impl Iterator<Item = Delivery>,
) -> usize {
    let waiting: Vec<Delivery> = waiting.collect();
    if waiting.is_empty() {
        return 0;
    }
    let count = waiting.len();
    let mut inbox = Inbox::of(ctx, recipient);
    waiting.iter().for_each(|delivery| inbox.take_out(delivery.id));
    inbox.refill();
    inbox.save();
    count
}

/// Deletes deliveries that the sender has stored. Ids that are not there, or
/// are not the sender's, are passed over, so that the call may be repeated.
#[reducer]
pub fn ack_deliveries(ctx: &ReducerContext, delivery_ids: Vec<u64>) -> Result<(), String> {
    call::require_admitted(ctx)?;
    if delivery_ids.len() > limits::ACK_IDS {
        return Err(Refusal::invalid(format!(
            "at most {} deliveries in one acknowledgement",
            limits::ACK_IDS
        ))
        .into());
    }
    let mut inbox = Inbox::of(ctx, ctx.sender());
    for id in delivery_ids {
        let found = ctx.db.delivery().id().find(id);
        if found.is_some_and(|one| one.recipient == ctx.sender()) {
            inbox.take_out(id);
        }
    }
    inbox.refill();
    inbox.save();
    Ok(())
}

/// A recipient's deliveries, of which the oldest are shown.
struct Inbox<'a> {
    ctx: &'a ReducerContext,
    state: InboxState,
}

impl<'a> Inbox<'a> {
    fn of(ctx: &'a ReducerContext, identity: Identity) -> Self {
        let known = ctx.db.inbox_state().identity().find(identity);
        let state = known.unwrap_or_else(|| {
            ctx.db.inbox_state().insert(InboxState {
                identity,
                pending: 0,
                shown: 0,
                gap_delivery_id: None,
                waiting_from: 0,
                waiting_to: 0,
            })
        });
        Self { ctx, state }
    }

    fn save(self) {
        self.ctx.db.inbox_state().identity().update(self.state);
    }

    /// Counts a new delivery, which has the highest id of all.
    fn count_in(&mut self, id: u64, is_shown: bool) {
        if is_shown {
            self.state.shown += 1;
        } else {
            if self.state.pending == self.state.shown {
                self.state.waiting_from = id;
            }
            self.state.waiting_to = id;
        }
        self.state.pending += 1;
    }

    /// By its id, since what a caller has read of it may be from before it was
    /// shown.
    fn take_out(&mut self, id: u64) {
        let Some(delivery) = self.ctx.db.delivery().id().find(id) else {
            return;
        };
        self.ctx.db.delivery().id().delete(id);
        if self.state.gap_delivery_id == Some(delivery.id) {
            self.state.gap_delivery_id = None;
            return;
        }
        self.state.pending = self.state.pending.saturating_sub(1);
        if delivery.shown_to == self.state.identity {
            self.state.shown = self.state.shown.saturating_sub(1);
        }
    }

    /// Up to `most` of those that are not shown, the oldest first. They must
    /// not be left waiting: they are not looked for again.
    ///
    /// The engine reads all of a range before it gives the first row. So the
    /// range is as wide as holds them if ids are evenly spread, and then wider.
    fn oldest_waiting(&mut self, most: u32) -> Vec<Delivery> {
        let count = u64::from(self.state.pending.saturating_sub(self.state.shown));
        let last = Some(self.state.waiting_to).filter(|id| *id > 0).unwrap_or(u64::MAX);
        let most = u64::from(most).min(count);
        let mut from = self.state.waiting_from;
        let mut width = ((last - from.min(last)) / count.max(1)).saturating_mul(2 * most).max(64);
        let mut found: Vec<Delivery> = Vec::new();
        while (found.len() as u64) < most && from <= last {
            let to = from.saturating_add(width);
            let range = (self.state.identity, Identity::ZERO, from..to);
            let room = most as usize - found.len();
            found.extend(self.ctx.db.delivery().by_backlog().filter(range).take(room));
            if to > last || to == u64::MAX {
                break;
            }
            (from, width) = (to, width.saturating_mul(2));
        }
        if let Some(newest) = found.last() {
            self.state.waiting_from = newest.id + 1;
        }
        found
    }

    /// Shows the oldest of those that wait, as far as there is room.
    fn refill(&mut self) {
        let room = limits::INBOX_WINDOW.saturating_sub(self.state.shown);
        if room == 0 || self.state.pending == self.state.shown {
            return;
        }
        for delivery in self.oldest_waiting(room) {
            let shown_to = self.state.identity;
            self.ctx.db.delivery().id().update(Delivery { shown_to, ..delivery });
            self.state.shown += 1;
        }
    }

    /// Makes room, and leaves a marker that says that something was dropped.
    fn drop_oldest_waiting(&mut self) {
        for oldest in self.oldest_waiting(1) {
            self.take_out(oldest.id);
        }
        self.mark_gap();
    }

    /// Leaves a gap marker, shown at once, unless there is one already.
    fn mark_gap(&mut self) {
        if self.state.gap_delivery_id.is_some() {
            return;
        }
        let marker = self.ctx.db.delivery().insert(Delivery {
            id: 0,
            recipient: self.state.identity,
            shown_to: self.state.identity,
            reason: DeliveryReason::Gap,
            channel_id: 0,
            message_id: NO_MESSAGE,
            claim: None,
            signal: None,
            created_at: self.ctx.timestamp,
        });
        self.state.gap_delivery_id = Some(marker.id);
    }
}
