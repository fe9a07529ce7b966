//! Threads.

use crate::call::{Call, arguments, keyed};
use crate::schema::*;
use crate::{audit, channels, clock, counter, members};
use spaces_domain::{Action, ErrorKind, Refusal, names};
use spacetimedb::{ReducerContext, Table, reducer};

/// `last_message_at` may lag by this much, so that a busy thread's row is not
/// sent to every client with every message.
const TOUCH_EVERY_SECS: u32 = 60;

/// Begins a thread in a channel.
#[reducer]
pub fn create_thread(
    ctx: &ReducerContext,
    client_key: String,
    agent_session: Option<String>,
    channel_id: u64,
    name: String,
) -> Result<(), String> {
    let arguments = arguments!("create_thread"; agent_session, channel_id, name);
    keyed(ctx, &client_key, agent_session.as_deref(), arguments, |call| {
        names::check_thread_name(&name)?;
        let channel = channels::find(call, channel_id)?;
        require_action(call, &channel, Action::CreateThread)?;
        let thread = Thread {
            id: counter::next(ctx)?,
            channel_id,
            name,
            creator: call.sender,
            archived: false,
            created_at: ctx.timestamp,
            last_message_at: ctx.timestamp,
            client_key: call.client_key.into(),
        };
        match channel.visibility {
            ChannelVisibility::Open => drop(ctx.db.thread().insert(thread)),
            _ => drop(ctx.db.private_thread().insert(thread)),
        }
        Ok(())
    })
}

/// Ends posting in a thread: its creator's own, or by moderators and up any.
#[reducer]
pub fn archive_thread(
    ctx: &ReducerContext,
    client_key: String,
    agent_session: Option<String>,
    thread_id: u64,
) -> Result<(), String> {
    let arguments = arguments!("archive_thread"; agent_session, thread_id);
    keyed(ctx, &client_key, agent_session.as_deref(), arguments, |call| {
        set_archived(call, thread_id, true)
    })
}

#[reducer]
pub fn unarchive_thread(
    ctx: &ReducerContext,
    client_key: String,
    agent_session: Option<String>,
    thread_id: u64,
) -> Result<(), String> {
    let arguments = arguments!("unarchive_thread"; agent_session, thread_id);
    keyed(ctx, &client_key, agent_session.as_deref(), arguments, |call| {
        set_archived(call, thread_id, false)
    })
}

/// Setting what is set already is fine.
fn set_archived(call: &Call, thread_id: u64, archived: bool) -> Result<(), Refusal> {
    let absent = || Refusal::not_found(format!("there is no thread {thread_id} for you"));
    let db = &call.ctx.db;
    let thread = db.thread().id().find(thread_id);
    let thread = thread.or_else(|| db.private_thread().id().find(thread_id)).ok_or_else(absent)?;
    let channel = channels::find(call, thread.channel_id).map_err(|_| absent())?;
    let action = match thread.creator == call.sender {
        true => Action::ArchiveOwnThread,
        false => Action::ArchiveAnyThread,
    };
    require_action(call, &channel, action)?;
    if action == Action::ArchiveAnyThread && channel.server_id != DIRECT_SERVER_ID {
        let act = if archived { "archive_thread" } else { "unarchive_thread" };
        let detail = Some(format!("in channel {}", channel.id));
        audit::record(call, channel.server_id, act, Some(thread_id.to_string()), detail);
    }
    save(call.ctx, &channel, Thread { archived, ..thread });
    Ok(())
}

/// In a direct-message channel both may do what members may.
fn require_action(call: &Call, channel: &Channel, action: Action) -> Result<(), Refusal> {
    channels::require_live(channel)?;
    if channel.server_id == DIRECT_SERVER_ID {
        return Ok(());
    }
    let member = call.membership(channel.server_id)?;
    call.held_to(&member).require(action)?;
    members::require_not_muted(call.ctx, &member)
}

/// A thread of a channel.
fn find_in(ctx: &ReducerContext, channel: &Channel, thread_id: u64) -> Result<Thread, Refusal> {
    let thread = match channel.visibility {
        ChannelVisibility::Open => ctx.db.thread().id().find(thread_id),
        _ => ctx.db.private_thread().id().find(thread_id),
    };
    thread.filter(|thread| thread.channel_id == channel.id).ok_or_else(|| {
        Refusal::not_found(format!("there is no thread {thread_id} in this channel"))
    })
}

/// Refuses posts in a thread that is archived or not of this channel.
pub fn require_open_in(
    ctx: &ReducerContext,
    channel: &Channel,
    thread_id: u64,
) -> Result<(), Refusal> {
    let thread = find_in(ctx, channel, thread_id)?;
    match thread.archived {
        false => Ok(()),
        true => Err(Refusal::new(
            ErrorKind::Archived,
            format!("the thread {:?} is archived", thread.name),
        )),
    }
}

fn save(ctx: &ReducerContext, channel: &Channel, thread: Thread) {
    match channel.visibility {
        ChannelVisibility::Open => drop(ctx.db.thread().id().update(thread)),
        _ => drop(ctx.db.private_thread().id().update(thread)),
    }
}

/// Notes that a thread has a new message.
pub fn touch(ctx: &ReducerContext, channel: &Channel, thread_id: u64) {
    if let Ok(thread) = find_in(ctx, channel, thread_id)
        && thread.last_message_at < clock::seconds_before(ctx.timestamp, TOUCH_EVERY_SECS)
    {
        save(ctx, channel, Thread { last_message_at: ctx.timestamp, ..thread });
    }
}
