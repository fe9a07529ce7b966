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
    let mut inbox = inbox(ctx, recipient);
    let (channel_id, message_id, claim, signal) = match content {
        Content::Message(message) => (message.channel_id, message.id, None, None),
        Content::Claim(claim) => (0, 0, Some(claim.clone()), None),
        Content::Signal(channel_id, signal) => (channel_id, 0, None, Some(signal)),
    };
    if message_id != 0 {
        let waiting = ctx.db.delivery().by_recipient_message().delete((recipient, message_id));
        inbox.pending = less(inbox.pending, waiting);
    }
    if inbox.pending >= limits::INBOX_PENDING {
        drop_oldest(ctx, &mut inbox);
    }
    ctx.db.delivery().insert(Delivery {
        id: 0,
        recipient,
        reason,
        channel_id,
        message_id,
        claim,
        signal,
        created_at: ctx.timestamp,
    });
    inbox.pending += 1;
    ctx.db.inbox_state().identity().update(inbox);
}

/// Makes room, and leaves one marker that says that something was dropped.
fn drop_oldest(ctx: &ReducerContext, inbox: &mut InboxState) {
    let waiting = ctx.db.delivery().by_recipient().filter(inbox.identity);
    let oldest = waiting.into_iter().find(|one| one.reason != DeliveryReason::Gap);
    if let Some(oldest) = oldest {
        ctx.db.delivery().id().delete(oldest.id);
        inbox.pending = less(inbox.pending, 1);
    }
    mark_gap(ctx, inbox);
}

/// Drops a delivery that waited too long, and tells the recipient of the gap.
pub fn expire(ctx: &ReducerContext, delivery: &Delivery) {
    let mut inbox = inbox(ctx, delivery.recipient);
    if inbox.gap_delivery_id == Some(delivery.id) {
        // The marker stays until it is acknowledged; it only becomes younger.
        inbox.gap_delivery_id = None;
    } else {
        inbox.pending = less(inbox.pending, 1);
    }
    ctx.db.delivery().id().delete(delivery.id);
    mark_gap(ctx, &mut inbox);
    ctx.db.inbox_state().identity().update(inbox);
}

/// Leaves a gap marker unless one waits already.
fn mark_gap(ctx: &ReducerContext, inbox: &mut InboxState) {
    if inbox.gap_delivery_id.is_some() {
        return;
    }
    let marker = ctx.db.delivery().insert(Delivery {
        id: 0,
        recipient: inbox.identity,
        reason: DeliveryReason::Gap,
        channel_id: 0,
        message_id: 0,
        claim: None,
        signal: None,
        created_at: ctx.timestamp,
    });
    inbox.gap_delivery_id = Some(marker.id);
}

fn inbox(ctx: &ReducerContext, identity: Identity) -> InboxState {
    let known = ctx.db.inbox_state().identity().find(identity);
    known.unwrap_or_else(|| {
        let empty = InboxState { identity, pending: 0, gap_delivery_id: None };
        ctx.db.inbox_state().insert(empty)
    })
}

/// Takes away all that waits for a recipient from one channel.
pub fn withdraw_channel(ctx: &ReducerContext, recipient: Identity, channel_id: u64) {
    let waiting = ctx.db.delivery().by_recipient_channel().delete((recipient, channel_id));
    if waiting > 0 {
        let mut inbox = inbox(ctx, recipient);
        inbox.pending = less(inbox.pending, waiting);
        ctx.db.inbox_state().identity().update(inbox);
    }
}

fn less(pending: u32, gone: u64) -> u32 {
    pending.saturating_sub(u32::try_from(gone).unwrap_or(u32::MAX))
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
    let mut inbox = inbox(ctx, ctx.sender());
    for id in delivery_ids {
        let found = ctx.db.delivery().id().find(id);
        if found.is_none_or(|one| one.recipient != ctx.sender()) {
            continue;
        }
        ctx.db.delivery().id().delete(id);
        match inbox.gap_delivery_id {
            Some(marker) if marker == id => inbox.gap_delivery_id = None,
            _ => inbox.pending = less(inbox.pending, 1),
        }
    }
    ctx.db.inbox_state().identity().update(inbox);
    Ok(())
}
