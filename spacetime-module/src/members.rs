//! Members of servers.

use crate::channels;
use crate::schema::*;
use spaces_domain::{ErrorKind, Refusal};
use spacetimedb::{Identity, ReducerContext, Table};

pub fn key(server_id: u64, identity: Identity) -> String {
    format!("{server_id}:{identity}")
}

/// The identity's row in a server that exists.
pub fn of(ctx: &ReducerContext, server_id: u64, identity: Identity) -> Option<ServerMember> {
    let member = ctx
        .db
        .server_member()
        .key()
        .find(key(server_id, identity))?;
    ctx.db.server().id().find(server_id).map(|_| member)
}

/// Makes a member, who then reads the channels that all members read.
pub fn insert(
    ctx: &ReducerContext,
    server: &Server,
    identity: Identity,
    role: Role,
) -> Result<(), Refusal> {
    ctx.db.server_member().insert(ServerMember {
        id: 0,
        key: key(server.id, identity),
        server_id: server.id,
        identity,
        role,
        joined_at: ctx.timestamp,
        muted_until: None,
    });
    let shared: Vec<Channel> = ctx
        .db
        .private_channel()
        .by_server()
        .filter(server.id)
        .filter(|channel| channel.visibility == ChannelVisibility::Members)
        .collect();
    shared
        .iter()
        .try_for_each(|channel| channels::add_reader(ctx, channel, identity))
}

/// Makes a member of an identity that is none.
pub fn join(
    ctx: &ReducerContext,
    server: &Server,
    identity: Identity,
    role: Role,
) -> Result<(), Refusal> {
    insert(ctx, server, identity, role)
}

/// Takes a member out of a server and of all its channels.
pub fn remove(ctx: &ReducerContext, member: ServerMember) -> Result<(), Refusal> {
    let read: Vec<ChannelMember> = ctx
        .db
        .channel_member()
        .by_identity_server()
        .filter((member.identity, member.server_id))
        .collect();
    read.into_iter()
        .try_for_each(|reader| channels::remove_reader(ctx, reader))?;
    ctx.db.server_member().id().delete(member.id);
    Ok(())
}

pub fn require_not_banned(
    ctx: &ReducerContext,
    server_id: u64,
    identity: Identity,
) -> Result<(), Refusal> {
    let ban = ctx.db.ban().key().find(key(server_id, identity));
    match ban.filter(|ban| ban.until.is_none_or(|until| until > ctx.timestamp)) {
        None => Ok(()),
        Some(ban) => Err(Refusal::new(
            ErrorKind::Banned,
            match ban.until {
                Some(until) => format!("banned from server {server_id} until {until}"),
                None => format!("banned from server {server_id}"),
            },
        )),
    }
}

/// Refuses who is muted in a server.
pub fn require_not_muted(ctx: &ReducerContext, member: &ServerMember) -> Result<(), Refusal> {
    match member.muted_until.filter(|until| *until > ctx.timestamp) {
        None => Ok(()),
        Some(until) => Err(Refusal::new(
            ErrorKind::Muted,
            format!("you are muted in server {} until {until}", member.server_id),
        )),
    }
}
