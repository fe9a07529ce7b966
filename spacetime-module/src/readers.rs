//! Who reads the channels that are not open.

use crate::call::{Call, arguments, keyed};
use crate::channels::{self, managed};
use crate::schema::*;
use crate::{audit, deliveries, members, voice};
use spaces_domain::{Action, Refusal, limits};
use spacetimedb::{Identity, ReducerContext, Table, reducer};

/// Lets a member of the server read a private channel. Reading again is fine.
#[reducer]
pub fn add_channel_member(
    ctx: &ReducerContext,
    client_key: String,
    agent_session: Option<String>,
    channel_id: u64,
    identity: Identity,
) -> Result<(), String> {
    let arguments = arguments!("add_channel_member"; agent_session, channel_id, identity);
    keyed(ctx, &client_key, agent_session.as_deref(), arguments, |call| {
        let channel = managed(call, channel_id, Action::ManageChannelMembers)?;
        require_private(&channel)?;
        members::find(ctx, channel.server_id, identity)?;
        add_reader(ctx, &channel, identity)?;
        record(call, &channel, "add_channel_member", identity);
        Ok(())
    })
}

/// Takes a reader of a lower tier out of a private channel; anybody may take
/// themselves out. A private channel that nobody reads is deleted.
#[reducer]
pub fn remove_channel_member(
    ctx: &ReducerContext,
    client_key: String,
    agent_session: Option<String>,
    channel_id: u64,
    identity: Identity,
) -> Result<(), String> {
    let arguments = arguments!("remove_channel_member"; agent_session, channel_id, identity);
    keyed(ctx, &client_key, agent_session.as_deref(), arguments, |call| {
        let channel = channels::find(call, channel_id)?;
        require_private(&channel)?;
        if identity != call.sender {
            let tier = call.require(channel.server_id, Action::ManageChannelMembers)?;
            let member = members::find(ctx, channel.server_id, identity)?;
            tier.require_outranks(member.role.into())?;
        }
        let reader = ctx.db.channel_member().key().find(reader_key(channel_id, identity));
        let reader = reader.ok_or_else(|| {
            Refusal::not_found(format!("{identity} does not read channel {channel_id}"))
        })?;
        remove_reader(ctx, reader)?;
        record(call, &channel, "remove_channel_member", identity);
        Ok(())
    })
}

fn record(call: &Call, channel: &Channel, action: &str, identity: Identity) {
    let detail = Some(format!("channel {}", channel.id));
    audit::record(call, channel.server_id, action, Some(identity.to_string()), detail);
}

fn require_private(channel: &Channel) -> Result<(), Refusal> {
    if channel.server_id == DIRECT_SERVER_ID {
        return Err(Refusal::denied("a direct-message channel has the readers it began with"));
    }
    match channel.visibility {
        ChannelVisibility::Private => Ok(()),
        ChannelVisibility::Open => Err(Refusal::conflict("everybody reads an open channel")),
        ChannelVisibility::Members => {
            Err(Refusal::conflict("all members of the server read this channel, and nobody else"))
        }
    }
}

pub fn is_reader(ctx: &ReducerContext, channel_id: u64, identity: Identity) -> bool {
    ctx.db.channel_member().key().find(reader_key(channel_id, identity)).is_some()
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
    let mut tail = channels::tail(ctx, channel.id)?;
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
    let mut tail = channels::tail(ctx, reader.channel_id)?;
    tail.readers = tail.readers.saturating_sub(1);
    let nobody_left = tail.readers == 0;
    ctx.db.channel_tail().channel_id().update(tail);
    deliveries::withdraw_channel(ctx, reader.identity, reader.channel_id);
    voice::leave_channel(ctx, reader.identity, reader.channel_id);
    ctx.db.read_marker().key().delete(&reader.key);
    ctx.db.channel_member().id().delete(reader.id);
    let channel = ctx.db.private_channel().id().find(reader.channel_id);
    if let Some(channel) = channel.filter(|one| one.visibility == ChannelVisibility::Private)
        && nobody_left
    {
        channels::delete(ctx, &channel);
    }
    Ok(())
}
