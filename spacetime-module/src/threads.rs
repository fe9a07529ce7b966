//! Threads.

use crate::clock;
use crate::schema::*;
use spaces_domain::{ErrorKind, Refusal};
use spacetimedb::ReducerContext;

/// `last_message_at` may lag by this much, so that a busy thread's row is not
/// sent to every client with every message.
const TOUCH_EVERY_SECS: u32 = 60;

/// A thread of a channel.
pub fn find_in(ctx: &ReducerContext, channel: &Channel, thread_id: u64) -> Result<Thread, Refusal> {
    let thread = match channel.visibility {
        ChannelVisibility::Open => ctx.db.thread().id().find(thread_id),
        _ => ctx.db.private_thread().id().find(thread_id),
    };
    thread
        .filter(|thread| thread.channel_id == channel.id)
        .ok_or_else(|| {
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

pub fn save(ctx: &ReducerContext, channel: &Channel, thread: Thread) {
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
        save(
            ctx,
            channel,
            Thread {
                last_message_at: ctx.timestamp,
                ..thread
            },
        );
    }
}
