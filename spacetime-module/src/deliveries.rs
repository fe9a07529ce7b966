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
) -> Result<(), Refusal> {
    if channel.visibility != ChannelVisibility::Open {
        return to_readers(ctx, channel, message);
    }
    for identity in &message.mentions {
        put(
            ctx,
            *identity,
            DeliveryReason::Mention,
            Content::Message(message),
        );
    }
    if let Some(author) = answered
        && author != message.author
        && !message.mentions.contains(&author)
    {
        put(
            ctx,
            author,
            DeliveryReason::Reply,
            Content::Message(message),
        );
    }
    Ok(())
}

/// Delivers a message of a channel that is not open, new or changed, to each
/// reader.
pub fn to_readers(
    ctx: &ReducerContext,
    channel: &Channel,
    message: &Message,
) -> Result<(), Refusal> {
    let reason = match channel.server_id {
        DIRECT_SERVER_ID => DeliveryReason::Direct,
        _ => DeliveryReason::Private,
    };
    let readers: Vec<Identity> = ctx
        .db
        .channel_member()
        .channel_id()
        .filter(channel.id)
        .map(|reader| reader.identity)
        .collect();
    for reader in readers {
        put(ctx, reader, reason, Content::Message(message));
    }
    Ok(())
}

pub enum Content<'a> {
    Message(&'a Message),
}

/// Puts one thing into an inbox. A message that waits there already is put
/// again at the end, so that acknowledging the older item cannot lose the
/// change.
pub fn put(ctx: &ReducerContext, recipient: Identity, reason: DeliveryReason, content: Content) {
    let Content::Message(message) = content;
    let waiting = ctx
        .db
        .delivery()
        .by_recipient_message()
        .delete((recipient, message.id));
    let mut inbox = inbox(ctx, recipient);
    inbox.pending = inbox
        .pending
        .saturating_sub(u32::try_from(waiting).unwrap_or(u32::MAX));
    if inbox.pending >= limits::INBOX_PENDING {
        drop_oldest(ctx, &mut inbox);
    }
    ctx.db.delivery().insert(Delivery {
        id: 0,
        recipient,
        reason,
        channel_id: message.channel_id,
        message_id: message.id,
        claim: None,
        signal: None,
        created_at: ctx.timestamp,
    });
    inbox.pending += 1;
    ctx.db.inbox_state().identity().update(inbox);
}

/// Makes room, and leaves one marker that says that something was dropped.
fn drop_oldest(ctx: &ReducerContext, inbox: &mut InboxState) {
    let oldest = ctx
        .db
        .delivery()
        .by_recipient()
        .filter(inbox.identity)
        .find(|delivery| delivery.reason != DeliveryReason::Gap);
    if let Some(oldest) = oldest {
        ctx.db.delivery().id().delete(oldest.id);
        inbox.pending = inbox.pending.saturating_sub(1);
    }
    mark_gap(ctx, inbox);
}

/// Leaves a gap marker unless one waits already.
pub fn mark_gap(ctx: &ReducerContext, inbox: &mut InboxState) {
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

pub fn inbox(ctx: &ReducerContext, identity: Identity) -> InboxState {
    ctx.db
        .inbox_state()
        .identity()
        .find(identity)
        .unwrap_or_else(|| {
            ctx.db.inbox_state().insert(InboxState {
                identity,
                pending: 0,
                gap_delivery_id: None,
            })
        })
}

/// Takes away all that waits for a recipient from one channel.
pub fn withdraw_channel(ctx: &ReducerContext, recipient: Identity, channel_id: u64) {
    let waiting = ctx
        .db
        .delivery()
        .by_recipient_channel()
        .delete((recipient, channel_id));
    if waiting > 0 {
        let mut inbox = inbox(ctx, recipient);
        inbox.pending = inbox
            .pending
            .saturating_sub(u32::try_from(waiting).unwrap_or(u32::MAX));
        ctx.db.inbox_state().identity().update(inbox);
    }
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
        let own = ctx
            .db
            .delivery()
            .id()
            .find(id)
            .filter(|one| one.recipient == ctx.sender());
        if own.is_none() {
            continue;
        }
        ctx.db.delivery().id().delete(id);
        match inbox.gap_delivery_id {
            Some(marker) if marker == id => inbox.gap_delivery_id = None,
            _ => inbox.pending = inbox.pending.saturating_sub(1),
        }
    }
    ctx.db.inbox_state().identity().update(inbox);
    Ok(())
}
