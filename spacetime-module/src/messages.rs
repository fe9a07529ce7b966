//! Posting, and the one way a message changes.

use crate::call::{Call, arguments, keyed};
use crate::schema::*;
use crate::{channels, clock, counter, deliveries, members, readers, threads};
use spaces_domain::{Action, ChannelType as Channels, Refusal, block, content, limits};
use spacetimedb::{Identity, ReducerContext, Table, reducer};

/// Posts in a channel of a server that the sender is a member of, or in a
/// direct-message channel that the sender reads.
#[reducer]
#[allow(clippy::too_many_arguments)]
pub fn send_message(
    ctx: &ReducerContext,
    client_key: String,
    agent_session: Option<String>,
    channel_id: u64,
    thread_id: Option<u64>,
    kind: MessageKind,
    content: String,
    context: MessageContext,
    reply_to: Option<u64>,
) -> Result<(), String> {
    let arguments = arguments!(
        "send_message"; agent_session, channel_id, thread_id, kind, content, context, reply_to
    );
    keyed(ctx, &client_key, agent_session.as_deref(), arguments, |call| {
        let channel = channels::find(call, channel_id)?;
        require_may_post(call, &channel, kind)?;
        let draft = Draft {
            thread_id,
            to_agent: None,
            kind,
            content,
            context,
            reply_to,
            client_key: call.client_key,
        };
        post(call, &channel, draft).map(drop)
    })
}

/// A message before the hub has given it its place.
pub struct Draft<'a> {
    pub thread_id: Option<u64>,
    pub to_agent: Option<String>,
    pub kind: MessageKind,
    pub content: String,
    pub context: MessageContext,
    pub reply_to: Option<u64>,
    pub client_key: &'a str,
}

/// Checks a draft, stores it and delivers it. Whether the caller may post here
/// was asked before.
pub fn post(call: &Call, channel: &Channel, draft: Draft) -> Result<Message, Refusal> {
    let ctx = call.ctx;
    channels::require_live(channel)?;
    content::check_content(&draft.content)?;
    check_context(&draft.context)?;
    if let Some(thread_id) = draft.thread_id {
        threads::require_open_in(ctx, channel, thread_id)?;
    }
    let answered = draft.reply_to.map(|id| answered(ctx, channel, id)).transpose()?;
    let message = insert(ctx, channel, call.sender, call.session.as_ref(), draft)?;
    if let Some(thread_id) = message.thread_id {
        threads::touch(ctx, channel, thread_id);
    }
    deliveries::posted(ctx, channel, &message, answered.map(|message| message.author));
    Ok(message)
}

fn answered(ctx: &ReducerContext, channel: &Channel, id: u64) -> Result<Message, Refusal> {
    find_in(ctx, channel, id).ok_or_else(|| {
        Refusal::not_found(format!("there is no message {id} in this channel to reply to"))
    })
}

/// Stores a message at the end of its channel.
pub fn insert(
    ctx: &ReducerContext,
    channel: &Channel,
    author: Identity,
    session: Option<&AgentSession>,
    draft: Draft,
) -> Result<Message, Refusal> {
    let tail = channels::tail(ctx, channel.id)?;
    let ordinal = tail.last_ordinal + 1;
    ctx.db.channel_tail().channel_id().update(ChannelTail { last_ordinal: ordinal, ..tail });
    let id = counter::next(ctx)?;
    let message = Message {
        id,
        seq: id,
        channel_id: channel.id,
        ordinal,
        thread_id: draft.thread_id,
        author,
        agent_address: session.map(|session| session.agent_address.clone()),
        session_id: session.map(|session| session.id.clone()),
        to_agent: draft.to_agent,
        kind: draft.kind,
        mentions: named_users(ctx, &draft.content),
        content: draft.content,
        context: draft.context,
        reply_to: draft.reply_to,
        reactions: Vec::new(),
        created_at: ctx.timestamp,
        edited_at: None,
        deleted: false,
        client_key: draft.client_key.into(),
        block: block::of_seq(id),
    };
    match channel.visibility {
        ChannelVisibility::Open => drop(ctx.db.message().insert(message.clone())),
        _ => drop(ctx.db.private_message().insert(message.clone())),
    }
    Ok(message)
}

/// Users of this hub that a text names, each once. An agent's address names its
/// user.
pub fn named_users(ctx: &ReducerContext, text: &str) -> Vec<Identity> {
    let mut named = Vec::new();
    for address in content::mentions(text) {
        if let Some(user) = ctx.db.user().username().find(address.username)
            && !named.contains(&user.identity)
        {
            named.push(user.identity);
        }
    }
    named
}

fn find_in(ctx: &ReducerContext, channel: &Channel, id: u64) -> Option<Message> {
    let message = match channel.visibility {
        ChannelVisibility::Open => ctx.db.message().id().find(id),
        _ => ctx.db.private_message().id().find(id),
    };
    message.filter(|message| message.channel_id == channel.id)
}

fn require_may_post(call: &Call, channel: &Channel, kind: MessageKind) -> Result<(), Refusal> {
    let channel_type = Channels::from(channel.channel_type);
    if !channel_type.accepts(kind.into()) {
        return Err(Refusal::invalid(format!(
            "a channel of type {channel_type} takes no messages of kind {}",
            spaces_domain::MessageKind::from(kind)
        )));
    }
    if channel.server_id == DIRECT_SERVER_ID {
        return Ok(());
    }
    let member = call.membership(channel.server_id)?;
    let tier = call.held_to(&member);
    tier.require(match channel_type {
        Channels::Text | Channels::Voice => Action::PostText,
        Channels::AgentLog => Action::PostAgentLog,
        Channels::Announcement => Action::PostAnnouncement,
    })?;
    members::require_not_muted(call.ctx, &member)?;
    if !tier.may(Action::DeleteOtherMessage) {
        keep_slow_mode(call, channel)?;
    }
    Ok(())
}

/// Moderators and up are not slowed.
fn keep_slow_mode(call: &Call, channel: &Channel) -> Result<(), Refusal> {
    if channel.slow_mode_secs == 0 {
        return Ok(());
    }
    let db = &call.ctx.db;
    let key = readers::reader_key(channel.id, call.sender);
    let row = SlowMode { key: key.clone(), at: call.ctx.timestamp };
    let Some(last) = db.slow_mode().key().find(&key) else {
        db.slow_mode().insert(row);
        return Ok(());
    };
    let free_at = last.at + clock::seconds(channel.slow_mode_secs);
    if let Some(wait) = free_at.duration_since(call.ctx.timestamp).filter(|wait| !wait.is_zero()) {
        let wait = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1);
        return Err(Refusal::rate_limited(
            &format!("slow mode: one message in {} s", channel.slow_mode_secs),
            wait,
        ));
    }
    db.slow_mode().key().update(row);
    Ok(())
}

fn check_context(context: &MessageContext) -> Result<(), Refusal> {
    for (what, text, most) in [
        ("a repository", &context.repo, limits::REPO_CHARS),
        ("a branch", &context.branch, limits::BRANCH_CHARS),
        ("a commit", &context.commit, limits::COMMIT_CHARS),
    ] {
        if let Some(text) = text {
            content::check_line(what, text, most)?;
        }
    }
    content::check_paths(&context.paths)
}
