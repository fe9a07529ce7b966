//! How a message changes after it was posted: edits, deletions, reactions. Each
//! gives the message a new `seq`.

use crate::call::{Call, arguments, keyed};
use crate::schema::*;
use crate::{audit, channels, counter, deliveries, members, messages};
use spaces_domain::{Action, Refusal, block, content, limits};
use spacetimedb::{ReducerContext, reducer};

/// Gives a message of the sender's another text.
#[reducer]
pub fn edit_message(
    ctx: &ReducerContext,
    client_key: String,
    agent_session: Option<String>,
    message_id: u64,
    content: String,
) -> Result<(), String> {
    let arguments = arguments!("edit_message"; agent_session, message_id, content);
    keyed(ctx, &client_key, agent_session.as_deref(), arguments, |call| {
        let (channel, message) = find(call, message_id)?;
        require_change(call, &channel, Action::EditOwnMessage)?;
        if !is_own(call, &message) {
            return Err(Refusal::denied("only its author edits a message"));
        }
        content::check_content(&content)?;
        let named_before = message.mentions.clone();
        let message = save(
            ctx,
            &channel,
            Message {
                mentions: messages::named_users(ctx, &content),
                content,
                edited_at: Some(ctx.timestamp),
                ..message
            },
        )?;
        let newly = message.mentions.iter().filter(|identity| !named_before.contains(identity));
        deliveries::mentioned(ctx, &channel, &message, newly);
        Ok(())
    })
}

/// Takes the text of a message away; the row stays, marked `deleted`, so that
/// clients that hold it learn of it.
#[reducer]
pub fn delete_message(
    ctx: &ReducerContext,
    client_key: String,
    agent_session: Option<String>,
    message_id: u64,
) -> Result<(), String> {
    let arguments = arguments!("delete_message"; agent_session, message_id);
    keyed(ctx, &client_key, agent_session.as_deref(), arguments, |call| {
        let (channel, message) = find(call, message_id)?;
        let own = is_own(call, &message);
        require_may_delete(call, &channel, &message, own)?;
        let author = message.author;
        save(
            ctx,
            &channel,
            Message {
                content: String::new(),
                context: MessageContext::default(),
                mentions: Vec::new(),
                reactions: Vec::new(),
                deleted: true,
                ..message
            },
        )?;
        if !own {
            let detail = Some(format!("by {author} in channel {}", channel.id));
            let target = Some(message_id.to_string());
            audit::record(call, channel.server_id, "delete_message", target, detail);
        }
        Ok(())
    })
}

fn require_may_delete(
    call: &Call,
    channel: &Channel,
    message: &Message,
    own: bool,
) -> Result<(), Refusal> {
    if channel.server_id == DIRECT_SERVER_ID {
        return match own {
            true => Ok(()),
            false => Err(Refusal::denied("only its author deletes a direct message")),
        };
    }
    if own {
        return call.require(channel.server_id, Action::DeleteOwnMessage).map(drop);
    }
    let tier = call.require(channel.server_id, Action::DeleteOtherMessage)?;
    match members::of(call.ctx, channel.server_id, message.author) {
        Some(author) if author.identity != call.sender => tier.require_outranks(author.role.into()),
        _ => Ok(()),
    }
}

/// Puts the sender's emoji under a message. A second time changes nothing.
#[reducer]
pub fn add_reaction(
    ctx: &ReducerContext,
    client_key: String,
    agent_session: Option<String>,
    message_id: u64,
    emoji: String,
) -> Result<(), String> {
    let arguments = arguments!("add_reaction"; agent_session, message_id, emoji);
    keyed(ctx, &client_key, agent_session.as_deref(), arguments, |call| {
        content::check_emoji(&emoji)?;
        let (channel, mut message) = find(call, message_id)?;
        require_change(call, &channel, Action::React)?;
        let kinds = message.reactions.len();
        match message.reactions.iter_mut().find(|reaction| reaction.emoji == emoji) {
            Some(reaction) if reaction.by.contains(&call.sender) => return Ok(()),
            Some(reaction) if reaction.by.len() < limits::REACTORS => {
                reaction.by.push(call.sender);
            }
            None if kinds < limits::REACTIONS => {
                message.reactions.push(Reaction { emoji, by: vec![call.sender] });
            }
            _ => {
                return Err(Refusal::conflict(format!(
                    "a message has at most {} different reactions, each of {} users",
                    limits::REACTIONS,
                    limits::REACTORS
                )));
            }
        }
        save(ctx, &channel, message).map(drop)
    })
}

/// Takes the sender's emoji away. Where there is none, nothing changes.
#[reducer]
pub fn remove_reaction(
    ctx: &ReducerContext,
    client_key: String,
    agent_session: Option<String>,
    message_id: u64,
    emoji: String,
) -> Result<(), String> {
    let arguments = arguments!("remove_reaction"; agent_session, message_id, emoji);
    keyed(ctx, &client_key, agent_session.as_deref(), arguments, |call| {
        let (channel, mut message) = find(call, message_id)?;
        require_change(call, &channel, Action::React)?;
        let given = message
            .reactions
            .iter_mut()
            .find(|reaction| reaction.emoji == emoji && reaction.by.contains(&call.sender));
        let Some(reaction) = given else { return Ok(()) };
        reaction.by.retain(|identity| *identity != call.sender);
        message.reactions.retain(|reaction| !reaction.by.is_empty());
        save(ctx, &channel, message).map(drop)
    })
}

/// A message that the caller may read and that is not deleted, with its channel.
fn find(call: &Call, message_id: u64) -> Result<(Channel, Message), Refusal> {
    let absent = || Refusal::not_found(format!("there is no message {message_id} for you"));
    let db = &call.ctx.db;
    let message = db.message().id().find(message_id);
    let message = message.or_else(|| db.private_message().id().find(message_id));
    let message = message.ok_or_else(absent)?;
    let channel = channels::find(call, message.channel_id).map_err(|_| absent())?;
    match message.deleted {
        false => Ok((channel, message)),
        true => Err(Refusal::not_found(format!("the message {message_id} is deleted"))),
    }
}

/// What the hub wrote about a user is not the user's own.
fn is_own(call: &Call, message: &Message) -> bool {
    let by_hub =
        matches!(message.kind, MessageKind::System | MessageKind::Join | MessageKind::Leave);
    message.author == call.sender && !by_hub
}

/// Refuses changes in archived channels, by who is muted, and what the tier may not.
fn require_change(call: &Call, channel: &Channel, action: Action) -> Result<(), Refusal> {
    channels::require_live(channel)?;
    if channel.server_id == DIRECT_SERVER_ID {
        return Ok(());
    }
    let member = call.membership(channel.server_id)?;
    call.held_to(&member).require(action)?;
    members::require_not_muted(call.ctx, &member)
}

/// Stores a changed message under a new `seq` and delivers it again where it
/// was delivered.
fn save(ctx: &ReducerContext, channel: &Channel, message: Message) -> Result<Message, Refusal> {
    let seq = counter::next(ctx)?;
    let message = Message { seq, block: block::of_seq(seq), ..message };
    if channel.visibility == ChannelVisibility::Open {
        return Ok(ctx.db.message().id().update(message));
    }
    let message = ctx.db.private_message().id().update(message);
    deliveries::to_readers(ctx, channel, &message);
    Ok(message)
}
