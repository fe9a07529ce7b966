//! What is put into whose inbox. A recipient's daemon stores an item and then
//! acknowledges it, which deletes it here.

use crate::call;
use crate::schema::*;
use spaces_domain::{Refusal, limits};
use spacetimedb::{Identity, ReducerContext, Table, reducer};

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
        Content::Claim(claim) => (0, 0, Some(claim.clone()), None),
        Content::Signal(channel_id, signal) => (channel_id, 0, None, Some(signal)),
    };
    if message_id != 0 {
        let waiting = ctx.db.delivery().by_content().filter((recipient, channel_id, message_id));
        waiting.collect::<Vec<_>>().into_iter().for_each(|older| inbox.take_out(older));
    }
    if inbox.state.pending >= limits::INBOX_PENDING {
        inbox.drop_oldest_waiting();
    }
    inbox.refill();
    let is_shown = inbox.state.shown < limits::INBOX_WINDOW;
    ctx.db.delivery().insert(Delivery {
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
    inbox.state.pending += 1;
    inbox.state.shown += u32::from(is_shown);
    inbox.save();
}

/// Drops a delivery that waited too long, and tells the recipient of the gap.
pub fn expire(ctx: &ReducerContext, delivery: Delivery) {
    let mut inbox = Inbox::of(ctx, delivery.recipient);
    // A marker that is too old gives way to a younger one: it stays until it is
    // acknowledged.
    inbox.take_out(delivery);
    inbox.mark_gap();
    inbox.refill();
    inbox.save();
}

/// Takes away all that waits for a recipient from one channel.
pub fn withdraw_channel(ctx: &ReducerContext, recipient: Identity, channel_id: u64) {
    let waiting: Vec<Delivery> =
        ctx.db.delivery().by_content().filter((recipient, channel_id)).collect();
    if waiting.is_empty() {
        return;
    }
    let mut inbox = Inbox::of(ctx, recipient);
    waiting.into_iter().for_each(|delivery| inbox.take_out(delivery));
    inbox.refill();
    inbox.save();
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
        if let Some(own) = found.filter(|one| one.recipient == ctx.sender()) {
            inbox.take_out(own);
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
            let empty = InboxState { identity, pending: 0, shown: 0, gap_delivery_id: None };
            ctx.db.inbox_state().insert(empty)
        });
        Self { ctx, state }
    }

    fn save(self) {
        self.ctx.db.inbox_state().identity().update(self.state);
    }

    fn take_out(&mut self, delivery: Delivery) {
        self.ctx.db.delivery().id().delete(delivery.id);
        if self.state.gap_delivery_id == Some(delivery.id) {
            self.state.gap_delivery_id = None;
            return;
        }
        self.state.pending = self.state.pending.saturating_sub(1);
        if delivery.shown_to == self.state.identity {
            self.state.shown = self.state.shown.saturating_sub(1);
        }
    }

    /// Those that are not shown, oldest first.
    fn waiting(&self) -> impl Iterator<Item = Delivery> + use<> {
        let key = (self.state.identity, Identity::ZERO);
        self.ctx.db.delivery().by_backlog().filter(key)
    }

    /// Shows the oldest of those that wait, as far as there is room.
    fn refill(&mut self) {
        let room = limits::INBOX_WINDOW.saturating_sub(self.state.shown);
        if room == 0 || self.state.pending == self.state.shown {
            return;
        }
        let next: Vec<Delivery> = self.waiting().take(room as usize).collect();
        for delivery in next {
            let shown_to = self.state.identity;
            self.ctx.db.delivery().id().update(Delivery { shown_to, ..delivery });
            self.state.shown += 1;
        }
    }

    /// Makes room, and leaves a marker that says that something was dropped.
    fn drop_oldest_waiting(&mut self) {
        if let Some(oldest) = self.waiting().next() {
            self.take_out(oldest);
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
            message_id: 0,
            claim: None,
            signal: None,
            created_at: self.ctx.timestamp,
        });
        self.state.gap_delivery_id = Some(marker.id);
    }
}
