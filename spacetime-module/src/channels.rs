//! Channels and who reads them.

use crate::call::{Call, arguments, keyed};
use crate::readers::{add_reader, is_reader};
use crate::schema::*;
use crate::users::cleared_or;
use crate::{audit, counter, retention, voice};
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
    keyed(ctx, &client_key, agent_session.as_deref(), arguments, |call| {
        call.require(server_id, Action::CreateChannel)?;
        let server = crate::servers::find(ctx, server_id)?;
        let channel = insert(ctx, &server, &name, topic, channel_type, visibility)?;
        if channel.visibility == ChannelVisibility::Private {
            add_reader(ctx, &channel, call.sender)?;
        }
        record(call, "create_channel", &channel);
        Ok(())
    })
}

/// Changes what is given; an empty text clears the topic.
#[reducer]
#[allow(clippy::too_many_arguments)]
pub fn update_channel(
    ctx: &ReducerContext,
    client_key: String,
    agent_session: Option<String>,
    channel_id: u64,
    name: Option<String>,
    topic: Option<String>,
    position: Option<u32>,
    slow_mode_secs: Option<u32>,
) -> Result<(), String> {
    let arguments = arguments!(
        "update_channel"; agent_session, channel_id, name, topic, position, slow_mode_secs
    );
    keyed(ctx, &client_key, agent_session.as_deref(), arguments, |call| {
        let mut channel = managed(call, channel_id, Action::UpdateChannel)?;
        if let Some(name) = name.filter(|name| *name != channel.name) {
            names::check_channel_name(&name)?;
            channel.key = free_key(ctx, channel.server_id, &name)?;
            channel.name = name;
        }
        if let Some(topic) = topic {
            channel.topic = cleared_or(topic, check_topic)?;
        }
        if let Some(secs) = slow_mode_secs {
            if secs > limits::SLOW_MODE_MAX_SECS {
                return Err(Refusal::invalid(format!(
                    "slow mode is at most {} seconds",
                    limits::SLOW_MODE_MAX_SECS
                )));
            }
            channel.slow_mode_secs = secs;
        }
        channel.position = position.unwrap_or(channel.position);
        record(call, "update_channel", &channel);
        save(ctx, channel);
        Ok(())
    })
}

/// Ends all posting and speaking in a channel, or begins it again.
#[reducer]
pub fn archive_channel(
    ctx: &ReducerContext,
    client_key: String,
    agent_session: Option<String>,
    channel_id: u64,
    archived: bool,
) -> Result<(), String> {
    let arguments = arguments!("archive_channel"; agent_session, channel_id, archived);
    keyed(ctx, &client_key, agent_session.as_deref(), arguments, |call| {
        let channel = managed(call, channel_id, Action::ArchiveChannel)?;
        record(call, if archived { "archive_channel" } else { "unarchive_channel" }, &channel);
        if archived {
            voice::clear(ctx, channel_id);
        }
        save(ctx, Channel { archived, ..channel });
        Ok(())
    })
}

/// Deletes a channel: it is gone at once, what was in it is deleted in batches.
#[reducer]
pub fn delete_channel(
    ctx: &ReducerContext,
    client_key: String,
    agent_session: Option<String>,
    channel_id: u64,
) -> Result<(), String> {
    let arguments = arguments!("delete_channel"; agent_session, channel_id);
    keyed(ctx, &client_key, agent_session.as_deref(), arguments, |call| {
        let channel = managed(call, channel_id, Action::DeleteChannel)?;
        delete(ctx, &channel);
        record(call, "delete_channel", &channel);
        Ok(())
    })
}

/// A channel that the caller may read and may do `action` to.
pub fn managed(call: &Call, channel_id: u64, action: Action) -> Result<Channel, Refusal> {
    let channel = find(call, channel_id)?;
    if channel.server_id == DIRECT_SERVER_ID {
        return Err(Refusal::denied("a direct-message channel is managed by nobody"));
    }
    call.require(channel.server_id, action)?;
    Ok(channel)
}

fn record(call: &Call, action: &str, channel: &Channel) {
    let target = Some(channel.id.to_string());
    // The audit is read by moderators who may not know of a private channel.
    let known = channel.visibility != ChannelVisibility::Private;
    let detail = known.then(|| channel.name.clone());
    audit::record(call, channel.server_id, action, target, detail);
}

fn check_topic(topic: &str) -> Result<(), Refusal> {
    content::check_line("a topic", topic, limits::TOPIC_CHARS)
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
    let topic = cleared_or(topic.unwrap_or_default(), check_topic)?;
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
        position: siblings.iter().map(|one| one.position.saturating_add(1)).max().unwrap_or(0),
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
        members.iter().try_for_each(|identity| add_reader(ctx, &channel, *identity))?;
    }
    Ok(channel)
}

/// The key of a channel name that no channel of the server has.
fn free_key(ctx: &ReducerContext, server_id: u64, name: &str) -> Result<String, Refusal> {
    let key = format!("{server_id}:{name}");
    let taken = ctx.db.channel().key().find(&key).is_some()
        || ctx.db.private_channel().key().find(&key).is_some();
    match taken {
        true => Err(Refusal::conflict(format!("the server has a channel named {name} already"))),
        false => Ok(key),
    }
}

pub fn of_server(ctx: &ReducerContext, server_id: u64) -> Vec<Channel> {
    let open = ctx.db.channel().by_server().filter(server_id);
    open.chain(ctx.db.private_channel().by_server().filter(server_id)).collect()
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

fn save(ctx: &ReducerContext, channel: Channel) {
    match channel.visibility {
        ChannelVisibility::Open => drop(ctx.db.channel().id().update(channel)),
        _ => drop(ctx.db.private_channel().id().update(channel)),
    }
}

/// Deletes a channel and leaves what is in it for later.
pub fn delete(ctx: &ReducerContext, channel: &Channel) {
    match channel.visibility {
        ChannelVisibility::Open => {
            ctx.db.channel().id().delete(channel.id);
            retention::delete_later(ctx, Deleted::Channel, channel.id);
        }
        _ => {
            ctx.db.private_channel().id().delete(channel.id);
            retention::delete_later(ctx, Deleted::PrivateChannel, channel.id);
        }
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
