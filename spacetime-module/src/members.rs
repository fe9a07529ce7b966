//! Members of servers, and what is done to them.

use crate::call::{Call, arguments, keyed};
use crate::schema::*;
use crate::{audit, channels, deliveries, invites, messages, readers, servers, users, voice};
use spaces_domain::{Action, ErrorKind, Refusal, Role as Tier, content, limits};
use spacetimedb::{Identity, ReducerContext, Table, Timestamp, reducer};
use std::cmp::Reverse;

pub fn key(server_id: u64, identity: Identity) -> String {
    format!("{server_id}:{identity}")
}

/// The identity's row in a server that exists.
pub fn of(ctx: &ReducerContext, server_id: u64, identity: Identity) -> Option<ServerMember> {
    let member = ctx.db.server_member().key().find(key(server_id, identity))?;
    ctx.db.server().id().find(server_id).map(|_| member)
}

pub fn find(
    ctx: &ReducerContext,
    server_id: u64,
    identity: Identity,
) -> Result<ServerMember, Refusal> {
    of(ctx, server_id, identity)
        .ok_or_else(|| Refusal::not_found(format!("{identity} is no member of server {server_id}")))
}

/// Makes a member, who then reads the channels that all members read.
pub fn insert(
    ctx: &ReducerContext,
    server: &Server,
    identity: Identity,
    role: Role,
) -> Result<(), Refusal> {
    let key = key(server.id, identity);
    let kept = ctx.db.kept_mute().key().find(&key);
    ctx.db.kept_mute().key().delete(&key);
    ctx.db.server_member().insert(ServerMember {
        id: 0,
        key,
        server_id: server.id,
        identity,
        role,
        joined_at: ctx.timestamp,
        muted_until: kept.map(|mute| mute.until).filter(|until| *until > ctx.timestamp),
    });
    let shared: Vec<Channel> = ctx
        .db
        .private_channel()
        .by_server()
        .filter(server.id)
        .filter(|channel| channel.visibility == ChannelVisibility::Members)
        .collect();
    shared.iter().try_for_each(|channel| readers::add_reader(ctx, channel, identity))
}

/// Makes a member of an identity that is none, and says so in the server.
pub fn join(
    ctx: &ReducerContext,
    server: &Server,
    identity: Identity,
    role: Role,
) -> Result<(), Refusal> {
    ctx.db.ban().key().delete(key(server.id, identity));
    insert(ctx, server, identity, role)?;
    tell(ctx, server, identity, MessageKind::Join, "joined")
}

/// Takes a member out of a server, and says so there.
pub fn leave(ctx: &ReducerContext, server: &Server, member: ServerMember) -> Result<(), Refusal> {
    let identity = member.identity;
    remove(ctx, member)?;
    tell(ctx, server, identity, MessageKind::Leave, "left")
}

/// Writes into the first text channel that all members read.
fn tell(
    ctx: &ReducerContext,
    server: &Server,
    identity: Identity,
    kind: MessageKind,
    verb: &str,
) -> Result<(), Refusal> {
    let first = channels::of_server(ctx, server.id)
        .into_iter()
        .filter(|channel| {
            channel.channel_type == ChannelType::Text
                && channel.visibility != ChannelVisibility::Private
                && !channel.archived
        })
        .min_by_key(|channel| (channel.position, channel.id));
    let Some(channel) = first else { return Ok(()) };
    let user = users::find(ctx, identity)?;
    let name = user.display_name.unwrap_or(user.username);
    let draft = messages::Draft {
        thread_id: None,
        to_agent: None,
        kind,
        content: format!("{name} {verb} {}", server.name),
        context: MessageContext::default(),
        reply_to: None,
        client_key: "",
    };
    let message = messages::insert(ctx, &channel, identity, None, draft)?;
    deliveries::posted(ctx, &channel, &message, None);
    Ok(())
}

/// Takes a member out of a server and of all its channels. The member's invites
/// to it end; a mute does not.
pub fn remove(ctx: &ReducerContext, member: ServerMember) -> Result<(), Refusal> {
    voice::leave_server(ctx, member.identity, member.server_id);
    invites::delete_by(ctx, member.identity, member.server_id);
    if let Some(until) = member.muted_until.filter(|until| *until > ctx.timestamp) {
        let server_id = member.server_id;
        ctx.db.kept_mute().insert(KeptMute { key: member.key.clone(), server_id, until });
    }
    let read: Vec<ChannelMember> = ctx
        .db
        .channel_member()
        .by_identity_server()
        .filter((member.identity, member.server_id))
        .collect();
    read.into_iter().try_for_each(|reader| readers::remove_reader(ctx, reader))?;
    ctx.db.server_member().id().delete(member.id);
    Ok(())
}

/// Takes an identity out of all servers. Those that it owns go to an heir, or
/// are deleted: else whoever makes a server could not be shut out.
pub fn remove_everywhere(call: &Call, identity: Identity) -> Result<(), Refusal> {
    let ctx = call.ctx;
    let memberships: Vec<ServerMember> =
        ctx.db.server_member().identity().filter(identity).collect();
    for member in memberships {
        let server = ctx.db.server().id().find(member.server_id);
        match server.filter(|_| member.role == Role::Owner) {
            None => remove(ctx, member)?,
            Some(server) => match heir(ctx, &member) {
                None => servers::delete(call, server)?,
                Some(heir) => {
                    remove(ctx, member)?;
                    let target = Some(heir.identity.to_string());
                    make_owner(ctx, heir);
                    let why = Some(format!("{identity} was shut out of the hub"));
                    audit::record(call, server.id, "transfer_ownership", target, why);
                }
            },
        }
    }
    Ok(())
}

/// Who owns a server after its owner: of the highest of the other members, the
/// one who has been there longest.
fn heir(ctx: &ReducerContext, owner: &ServerMember) -> Option<ServerMember> {
    let members = ctx.db.server_member().server_id().filter(owner.server_id);
    let others = members.filter(|member| member.id != owner.id);
    others.min_by_key(|one| (Reverse(Tier::from(one.role).rank()), one.joined_at, one.id))
}

/// Gives a member the ownership; the caller takes it from whoever had it.
pub fn make_owner(ctx: &ReducerContext, member: ServerMember) {
    let owner = ServerMember { role: Role::Owner, muted_until: None, ..member };
    ctx.db.server_member().id().update(owner);
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

/// The target of an act that the caller may do, to this target. Nobody acts on
/// themselves, nor on an equal or higher tier.
fn target(
    call: &Call,
    server_id: u64,
    identity: Identity,
    action: Action,
) -> Result<ServerMember, Refusal> {
    let tier = call.require(server_id, action)?;
    require_other(call, identity)?;
    let member = find(call.ctx, server_id, identity)?;
    tier.require_outranks(member.role.into())?;
    Ok(member)
}

fn require_other(call: &Call, identity: Identity) -> Result<(), Refusal> {
    match identity == call.sender {
        false => Ok(()),
        true => Err(Refusal::invalid("you cannot do this to yourself")),
    }
}

fn check_reason(reason: &Option<String>) -> Result<(), Refusal> {
    match reason {
        Some(text) => content::check_line("a reason", text, limits::PROSE_CHARS),
        None => Ok(()),
    }
}

fn require_future(ctx: &ReducerContext, what: &str, at: Timestamp) -> Result<(), Refusal> {
    match at > ctx.timestamp {
        true => Ok(()),
        false => Err(Refusal::invalid(format!("{what} must end in the future"))),
    }
}

/// Gives a member another role below the sender's own.
#[reducer]
pub fn set_member_role(
    ctx: &ReducerContext,
    client_key: String,
    agent_session: Option<String>,
    server_id: u64,
    identity: Identity,
    role: Role,
) -> Result<(), String> {
    let arguments = arguments!("set_member_role"; agent_session, server_id, identity, role);
    keyed(ctx, &client_key, agent_session.as_deref(), arguments, |call| {
        let member = target(call, server_id, identity, Action::SetRole)?;
        call.tier(server_id)?.require_outranks(role.into())?;
        let change = format!("{} to {}", Tier::from(member.role), Tier::from(role));
        ctx.db.server_member().id().update(ServerMember { role, ..member });
        let target = Some(identity.to_string());
        audit::record(call, server_id, "set_member_role", target, Some(change));
        Ok(())
    })
}

/// Takes a member out of the server; the member may come back.
#[reducer]
pub fn kick_member(
    ctx: &ReducerContext,
    client_key: String,
    agent_session: Option<String>,
    server_id: u64,
    identity: Identity,
    reason: Option<String>,
) -> Result<(), String> {
    let arguments = arguments!("kick_member"; agent_session, server_id, identity, reason);
    keyed(ctx, &client_key, agent_session.as_deref(), arguments, |call| {
        check_reason(&reason)?;
        let member = target(call, server_id, identity, Action::KickMember)?;
        leave(ctx, &servers::find(ctx, server_id)?, member)?;
        audit::record(call, server_id, "kick_member", Some(identity.to_string()), reason);
        Ok(())
    })
}

/// Takes a user out of the server and keeps the user out until `until`, or for
/// good. A user who is no member may be banned too. A later ban replaces it.
#[reducer]
pub fn ban_member(
    ctx: &ReducerContext,
    client_key: String,
    agent_session: Option<String>,
    server_id: u64,
    identity: Identity,
    reason: Option<String>,
    until: Option<Timestamp>,
) -> Result<(), String> {
    let arguments = arguments!("ban_member"; agent_session, server_id, identity, reason, until);
    keyed(ctx, &client_key, agent_session.as_deref(), arguments, |call| {
        check_reason(&reason)?;
        let tier = call.require(server_id, Action::BanMember)?;
        require_other(call, identity)?;
        users::find(ctx, identity)?;
        if let Some(until) = until {
            require_future(ctx, "a ban", until)?;
        }
        if let Some(member) = of(ctx, server_id, identity) {
            tier.require_outranks(member.role.into())?;
            leave(ctx, &servers::find(ctx, server_id)?, member)?;
        }
        let key = key(server_id, identity);
        ctx.db.ban().key().delete(&key);
        ctx.db.ban().insert(Ban {
            id: 0,
            key,
            server_id,
            identity,
            reason: reason.clone(),
            until,
            by: call.sender,
            created_at: ctx.timestamp,
        });
        audit::record(call, server_id, "ban_member", Some(identity.to_string()), reason);
        Ok(())
    })
}

#[reducer]
pub fn unban_member(
    ctx: &ReducerContext,
    client_key: String,
    agent_session: Option<String>,
    server_id: u64,
    identity: Identity,
) -> Result<(), String> {
    let arguments = arguments!("unban_member"; agent_session, server_id, identity);
    keyed(ctx, &client_key, agent_session.as_deref(), arguments, |call| {
        call.require(server_id, Action::BanMember)?;
        if !ctx.db.ban().key().delete(key(server_id, identity)) {
            return Err(Refusal::not_found(format!(
                "{identity} is not banned from server {server_id}"
            )));
        }
        audit::record(call, server_id, "unban_member", Some(identity.to_string()), None);
        Ok(())
    })
}

/// Keeps a member from posting, reacting and speaking until `until`.
#[reducer]
pub fn mute_member(
    ctx: &ReducerContext,
    client_key: String,
    agent_session: Option<String>,
    server_id: u64,
    identity: Identity,
    until: Timestamp,
    reason: Option<String>,
) -> Result<(), String> {
    let arguments = arguments!("mute_member"; agent_session, server_id, identity, until, reason);
    keyed(ctx, &client_key, agent_session.as_deref(), arguments, |call| {
        check_reason(&reason)?;
        require_future(ctx, "a mute", until)?;
        let member = target(call, server_id, identity, Action::MuteMember)?;
        ctx.db.server_member().id().update(ServerMember { muted_until: Some(until), ..member });
        voice::silence(ctx, identity, server_id);
        audit::record(call, server_id, "mute_member", Some(identity.to_string()), reason);
        Ok(())
    })
}

#[reducer]
pub fn unmute_member(
    ctx: &ReducerContext,
    client_key: String,
    agent_session: Option<String>,
    server_id: u64,
    identity: Identity,
) -> Result<(), String> {
    let arguments = arguments!("unmute_member"; agent_session, server_id, identity);
    keyed(ctx, &client_key, agent_session.as_deref(), arguments, |call| {
        let member = target(call, server_id, identity, Action::MuteMember)?;
        if member.muted_until.is_none() {
            return Err(Refusal::conflict(format!("{identity} is not muted")));
        }
        ctx.db.server_member().id().update(ServerMember { muted_until: None, ..member });
        audit::record(call, server_id, "unmute_member", Some(identity.to_string()), None);
        Ok(())
    })
}
