//! Servers: made, joined, left, handed over, deleted.

use crate::call::{Call, arguments, keyed};
use crate::schema::*;
use crate::users::cleared_or;
use crate::{audit, channels, hub, members, retention};
use spaces_domain::{Action, Refusal, content, limits, names};
use spacetimedb::{Identity, ReducerContext, Table, reducer};

pub fn find(ctx: &ReducerContext, server_id: u64) -> Result<Server, Refusal> {
    ctx.db
        .server()
        .id()
        .find(server_id)
        .ok_or_else(|| Refusal::not_found(format!("there is no server {server_id}")))
}

/// Makes a server that the sender owns, with a text channel `general`.
#[reducer]
pub fn create_server(
    ctx: &ReducerContext,
    client_key: String,
    agent_session: Option<String>,
    name: String,
    visibility: ServerVisibility,
    description: Option<String>,
    icon_url: Option<String>,
) -> Result<(), String> {
    let arguments =
        arguments!("create_server"; agent_session, name, visibility, description, icon_url);
    keyed(ctx, &client_key, agent_session.as_deref(), arguments, |call| {
        if call.session.is_some() {
            return Err(Refusal::denied("an agent session makes no servers; its user does"));
        }
        require_room(call)?;
        check_free_name(ctx, &name)?;
        let server = ctx.db.server().insert(Server {
            id: 0,
            name: name.clone(),
            description: check_description(description.unwrap_or_default())?,
            icon_url: check_icon(icon_url.unwrap_or_default())?,
            visibility,
            created_at: ctx.timestamp,
        });
        members::insert(ctx, &server, call.sender, Role::Owner)?;
        channels::insert(
            ctx,
            &server,
            "general",
            None,
            ChannelType::Text,
            ChannelVisibility::Open,
        )?;
        audit::record(call, server.id, "create_server", Some(server.id.to_string()), Some(name));
        Ok(())
    })
}

fn require_room(call: &Call) -> Result<(), Refusal> {
    let mine = call.ctx.db.server_member().identity().filter(call.sender);
    match mine.filter(|member| member.role == Role::Owner).count() < limits::SERVERS_PER_OWNER {
        true => Ok(()),
        false => Err(Refusal::conflict(format!(
            "a user owns at most {} servers",
            limits::SERVERS_PER_OWNER
        ))),
    }
}

fn check_free_name(ctx: &ReducerContext, name: &str) -> Result<(), Refusal> {
    names::check_server_name(name)?;
    match ctx.db.server().name().find(name.to_owned()) {
        None => Ok(()),
        Some(_) => Err(Refusal::conflict(format!("there is a server named {name:?} already"))),
    }
}

fn check_description(text: String) -> Result<Option<String>, Refusal> {
    cleared_or(text, |text| content::check_text("a description", text, limits::PROSE_CHARS))
}

fn check_icon(url: String) -> Result<Option<String>, Refusal> {
    cleared_or(url, |url| content::check_url("an icon", url))
}

/// Changes what is given; an empty text clears a description or an icon.
#[reducer]
pub fn update_server(
    ctx: &ReducerContext,
    client_key: String,
    agent_session: Option<String>,
    server_id: u64,
    name: Option<String>,
    description: Option<String>,
    icon_url: Option<String>,
) -> Result<(), String> {
    let arguments =
        arguments!("update_server"; agent_session, server_id, name, description, icon_url);
    keyed(ctx, &client_key, agent_session.as_deref(), arguments, |call| {
        call.require(server_id, Action::UpdateServer)?;
        let mut server = find(ctx, server_id)?;
        if let Some(name) = name.filter(|name| *name != server.name) {
            check_free_name(ctx, &name)?;
            server.name = name;
        }
        if let Some(text) = description {
            server.description = check_description(text)?;
        }
        if let Some(url) = icon_url {
            server.icon_url = check_icon(url)?;
        }
        let name = server.name.clone();
        ctx.db.server().id().update(server);
        audit::record(call, server_id, "update_server", Some(server_id.to_string()), Some(name));
        Ok(())
    })
}

/// Deletes a server: it and its channels are gone at once, what was in them is
/// deleted in batches. The home server stays.
#[reducer]
pub fn delete_server(
    ctx: &ReducerContext,
    client_key: String,
    agent_session: Option<String>,
    server_id: u64,
) -> Result<(), String> {
    let arguments = arguments!("delete_server"; agent_session, server_id);
    keyed(ctx, &client_key, agent_session.as_deref(), arguments, |call| {
        call.require(server_id, Action::DeleteServer)?;
        if server_id == hub::info(ctx)?.home_server_id {
            return Err(Refusal::conflict("the hub's first server cannot be deleted"));
        }
        delete(call, find(ctx, server_id)?)
    })
}

/// Deletes a server and leaves what was in it for later.
pub fn delete(call: &Call, server: Server) -> Result<(), Refusal> {
    let ctx = call.ctx;
    for channel in channels::of_server(ctx, server.id) {
        channels::delete(ctx, &channel);
    }
    ctx.db.server().id().delete(server.id);
    retention::delete_later(ctx, Deleted::Server, server.id);
    // The server's own audit goes with it.
    audit::hub(call, "delete_server", Some(server.id.to_string()), Some(server.name))
}

/// Makes the sender a member of an open server. Joining again is fine.
#[reducer]
pub fn join_server(ctx: &ReducerContext, client_key: String, server_id: u64) -> Result<(), String> {
    keyed(ctx, &client_key, None, arguments!("join_server"; server_id), |call| {
        let server = find(ctx, server_id)?;
        members::require_not_banned(ctx, server_id, call.sender)?;
        if members::of(ctx, server_id, call.sender).is_some() {
            return Ok(());
        }
        if server.visibility != ServerVisibility::Open {
            return Err(Refusal::denied(format!("{} is joined by invite only", server.name)));
        }
        let role = match crate::users::find(ctx, call.sender)?.kind {
            UserKind::Human => Role::Member,
            UserKind::Agent => Role::Agent,
        };
        members::join(ctx, &server, call.sender, role)
    })
}

#[reducer]
pub fn leave_server(
    ctx: &ReducerContext,
    client_key: String,
    server_id: u64,
) -> Result<(), String> {
    keyed(ctx, &client_key, None, arguments!("leave_server"; server_id), |call| {
        let server = find(ctx, server_id)?;
        let member = call.membership(server_id)?;
        if member.role == Role::Owner {
            return Err(Refusal::conflict(
                "the owner cannot leave; transfer the ownership or delete the server first",
            ));
        }
        members::leave(ctx, &server, member)
    })
}

/// Makes another member the owner and the sender an admin.
#[reducer]
pub fn transfer_ownership(
    ctx: &ReducerContext,
    client_key: String,
    agent_session: Option<String>,
    server_id: u64,
    new_owner: Identity,
) -> Result<(), String> {
    let arguments = arguments!("transfer_ownership"; agent_session, server_id, new_owner);
    keyed(ctx, &client_key, agent_session.as_deref(), arguments, |call| {
        call.require(server_id, Action::TransferOwnership)?;
        let owner = call.membership(server_id)?;
        if new_owner == call.sender {
            return Err(Refusal::invalid("you are the owner already"));
        }
        let heir = members::find(ctx, server_id, new_owner)?;
        ctx.db.server_member().id().update(ServerMember { role: Role::Admin, ..owner });
        members::make_owner(ctx, heir);
        audit::record(call, server_id, "transfer_ownership", Some(new_owner.to_string()), None);
        Ok(())
    })
}
