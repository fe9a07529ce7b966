//! Channels and who reads them.

use crate::call::{Call, arguments, keyed};
use crate::schema::*;
use crate::{audit, counter, deliveries};
use spaces_domain::{Action, ErrorKind, Refusal, content, limits, names};
use spacetimedb::{Identity, ReducerContext, Table, reducer};

/// Makes a channel. In an invite-only server `Open` is read as `Members`. The
/// maker of a private channel is its first reader.
#[reducer]
#[allow(clippy::too_many_arguments)]
pub fn create_channel(
    ctx: &ReducerContext,
    client_key: String,
    agent_session: Option<String>,
    server_id: u64,
    name: String,
    channel_type: ChannelType,
    visibility: ChannelVisibility,
    topic: Option<String>,
) -> Result<(), String> {
    let arguments = arguments!("create_channel"; agent_session, server_id, name, channel_type, visibility, topic);
    keyed(
        ctx,
        &client_key,
        agent_session.as_deref(),
        arguments,
        |call| {
            call.require(server_id, Action::CreateChannel)?;
            let server = crate::servers::find(ctx, server_id)?;
            let channel = insert(ctx, &server, &name, topic, channel_type, visibility)?;
            if channel.visibility == ChannelVisibility::Private {
                add_reader(ctx, &channel, call.sender)?;
            }
            audit::record(
                call,
                server_id,
                "create_channel",
                Some(channel.id.to_string()),
                Some(name),
            );
            Ok(())
        },
    )
}

/// Checks and makes a channel at the end of its server's list.
pub fn insert(
    ctx: &ReducerContext,
    server: &Server,
    name: &str,
    topic: Option<String>,
    channel_type: ChannelType,
    visibility: ChannelVisibility,
) -> Result<Channel, Refusal> {
    names::check_channel_name(name)?;
    if let Some(topic) = &topic {
        content::check_line("a topic", topic, limits::TOPIC_CHARS)?;
    }
    let siblings = of_server(ctx, server.id);
    if siblings.len() >= limits::CHANNELS_PER_SERVER {
        return Err(Refusal::conflict(format!(
            "a server has at most {} channels",
            limits::CHANNELS_PER_SERVER
        )));
    }
    let visibility = match (server.visibility, visibility) {
        (ServerVisibility::InviteOnly, ChannelVisibility::Open) => ChannelVisibility::Members,
        (_, visibility) => visibility,
    };
    let channel = Channel {
        id: counter::next(ctx)?,
        key: free_key(ctx, server.id, name)?,
        server_id: server.id,
        name: name.into(),
        topic,
        channel_type,
        visibility,
        position: siblings
            .iter()
            .map(|channel| channel.position + 1)
            .max()
            .unwrap_or(0),
        slow_mode_secs: 0,
        archived: false,
        created_at: ctx.timestamp,
    };
    save_new(ctx, channel.clone());
    if visibility == ChannelVisibility::Members {
        let members: Vec<Identity> = ctx
            .db
            .server_member()
            .server_id()
            .filter(server.id)
            .map(|member| member.identity)
            .collect();
        members
            .iter()
            .try_for_each(|identity| add_reader(ctx, &channel, *identity))?;
    }
    Ok(channel)
}

/// The key of a channel name that no channel of the server has.
pub fn free_key(ctx: &ReducerContext, server_id: u64, name: &str) -> Result<String, Refusal> {
    let key = format!("{server_id}:{name}");
    let taken = ctx.db.channel().key().find(&key).is_some()
        || ctx.db.private_channel().key().find(&key).is_some();
    match taken {
        true => Err(Refusal::conflict(format!(
            "the server has a channel named {name} already"
        ))),
        false => Ok(key),
    }
}

pub fn of_server(ctx: &ReducerContext, server_id: u64) -> Vec<Channel> {
    let open = ctx.db.channel().by_server().filter(server_id);
    open.chain(ctx.db.private_channel().by_server().filter(server_id))
        .collect()
}

pub fn save_new(ctx: &ReducerContext, channel: Channel) {
    ctx.db.channel_tail().insert(ChannelTail {
        channel_id: channel.id,
        last_ordinal: 0,
        pruned_ordinal: 0,
        readers: 0,
    });
    match channel.visibility {
        ChannelVisibility::Open => drop(ctx.db.channel().insert(channel)),
        _ => drop(ctx.db.private_channel().insert(channel)),
    }
}

/// A channel whatever its readers. Never tell a caller that may not read it.
pub fn find_any(ctx: &ReducerContext, channel_id: u64) -> Option<Channel> {
    ctx.db
        .channel()
        .id()
        .find(channel_id)
        .or_else(|| ctx.db.private_channel().id().find(channel_id))
}

/// A channel that the caller may read; for others it is not there.
pub fn find(call: &Call, channel_id: u64) -> Result<Channel, Refusal> {
    find_any(call.ctx, channel_id)
        .filter(|channel| may_read(call.ctx, channel, call.sender))
        .ok_or_else(|| Refusal::not_found(format!("there is no channel {channel_id} for you")))
}

pub fn may_read(ctx: &ReducerContext, channel: &Channel, identity: Identity) -> bool {
    channel.visibility == ChannelVisibility::Open || is_reader(ctx, channel.id, identity)
}

pub fn is_reader(ctx: &ReducerContext, channel_id: u64, identity: Identity) -> bool {
    ctx.db
        .channel_member()
        .key()
        .find(reader_key(channel_id, identity))
        .is_some()
}

pub fn reader_key(channel_id: u64, identity: Identity) -> String {
    format!("{channel_id}:{identity}")
}

/// Lets an identity read a channel that is not open.
pub fn add_reader(
    ctx: &ReducerContext,
    channel: &Channel,
    identity: Identity,
) -> Result<(), Refusal> {
    if is_reader(ctx, channel.id, identity) {
        return Ok(());
    }
    let mut tail = tail(ctx, channel.id)?;
    if tail.readers >= limits::PRIVATE_CHANNEL_READERS {
        return Err(Refusal::conflict(format!(
            "a channel that is not open has at most {} readers",
            limits::PRIVATE_CHANNEL_READERS
        )));
    }
    tail.readers += 1;
    ctx.db.channel_tail().channel_id().update(tail);
    ctx.db.channel_member().insert(ChannelMember {
        id: 0,
        key: reader_key(channel.id, identity),
        channel_id: channel.id,
        identity,
        server_id: channel.server_id,
        added_at: ctx.timestamp,
    });
    Ok(())
}

/// Takes a channel that is not open, and what waits of it, away from a reader.
pub fn remove_reader(ctx: &ReducerContext, reader: ChannelMember) -> Result<(), Refusal> {
    let mut tail = tail(ctx, reader.channel_id)?;
    tail.readers = tail.readers.saturating_sub(1);
    ctx.db.channel_tail().channel_id().update(tail);
    deliveries::withdraw_channel(ctx, reader.identity, reader.channel_id);
    ctx.db.read_marker().key().delete(&reader.key);
    ctx.db.channel_member().id().delete(reader.id);
    Ok(())
}

pub fn tail(ctx: &ReducerContext, channel_id: u64) -> Result<ChannelTail, Refusal> {
    ctx.db
        .channel_tail()
        .channel_id()
        .find(channel_id)
        .ok_or_else(|| Refusal::internal(format!("channel {channel_id} has no tail row")))
}

/// Refuses changes in an archived channel.
pub fn require_live(channel: &Channel) -> Result<(), Refusal> {
    match channel.archived {
        false => Ok(()),
        true => Err(Refusal::new(
            ErrorKind::Archived,
            format!("the channel {} is archived", channel.name),
        )),
    }
}
