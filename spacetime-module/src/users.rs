//! Users: their names, profiles, presence.

use crate::agents;
use crate::call::{arguments, keyed};
use crate::schema::*;
use spaces_domain::{Refusal, content, limits, names};
use spacetimedb::{Identity, ReducerContext, Table, Timestamp, reducer};

/// Usernames that begin so are only made by the hub, so that a made one cannot
/// collide with a chosen one.
const MADE_PREFIX: &str = "user-";
const MADE_DIGITS: usize = 12;

/// Makes the user's rows if there are none.
pub fn ensure(ctx: &ReducerContext, identity: Identity) {
    if ctx.db.user().identity().find(identity).is_some() {
        return;
    }
    ctx.db.user().insert(User {
        identity,
        username: free_username(ctx, identity),
        display_name: None,
        bio: None,
        avatar_url: None,
        kind: UserKind::Human,
        created_at: ctx.timestamp,
    });
    ctx.db.presence().insert(Presence {
        identity,
        online: false,
        status_text: None,
        last_seen: ctx.timestamp,
    });
}

/// `user-` and the end of the identity, as much of it as makes it unique.
fn free_username(ctx: &ReducerContext, identity: Identity) -> String {
    let hex = identity.to_string();
    (MADE_DIGITS..hex.len())
        .map(|digits| format!("{MADE_PREFIX}{}", &hex[hex.len() - digits..]))
        .find(|name| ctx.db.user().username().find(name).is_none())
        .unwrap_or_else(|| hex.clone())
}

pub fn set_online(ctx: &ReducerContext, identity: Identity, online: bool) {
    if let Some(presence) = ctx.db.presence().identity().find(identity)
        && presence.online != online
    {
        ctx.db.presence().identity().update(Presence {
            online,
            last_seen: ctx.timestamp,
            ..presence
        });
    }
}

/// Notes that a user is alive, unless that was noted after `lately`.
pub fn seen(ctx: &ReducerContext, identity: Identity, lately: Timestamp) {
    if let Some(presence) = ctx.db.presence().identity().find(identity)
        && presence.last_seen < lately
    {
        ctx.db.presence().identity().update(Presence { last_seen: ctx.timestamp, ..presence });
    }
}

pub fn find(ctx: &ReducerContext, identity: Identity) -> Result<User, Refusal> {
    ctx.db
        .user()
        .identity()
        .find(identity)
        .ok_or_else(|| Refusal::not_found(format!("there is no user {identity} on this hub")))
}

/// Changes what is given of the sender's profile. An empty text clears a field;
/// a username cannot be cleared. The addresses of the user's agents follow a
/// new username.
#[reducer]
pub fn set_profile(
    ctx: &ReducerContext,
    client_key: String,
    username: Option<String>,
    display_name: Option<String>,
    bio: Option<String>,
    avatar_url: Option<String>,
    kind: Option<UserKind>,
) -> Result<(), String> {
    let arguments = arguments!("set_profile"; username, display_name, bio, avatar_url, kind);
    keyed(ctx, &client_key, None, arguments, |call| {
        let mut user = find(ctx, call.sender)?;
        if let Some(username) = username.filter(|name| *name != user.username) {
            check_free(ctx, &username)?;
            agents::follow_username(ctx, call.sender, &username);
            user.username = username;
        }
        if let Some(name) = display_name {
            user.display_name = cleared_or(name, |name| {
                content::check_line("a display name", name, limits::NAME_CHARS)
            })?;
        }
        if let Some(bio) = bio {
            user.bio = cleared_or(bio, |bio| {
                content::check_text("a biography", bio, limits::PROSE_CHARS)
            })?;
        }
        if let Some(url) = avatar_url {
            user.avatar_url = cleared_or(url, |url| content::check_url("an avatar", url))?;
        }
        user.kind = kind.unwrap_or(user.kind);
        ctx.db.user().identity().update(user);
        Ok(())
    })
}

fn check_free(ctx: &ReducerContext, username: &str) -> Result<(), Refusal> {
    names::check_username(username)?;
    if username.starts_with(MADE_PREFIX) {
        return Err(Refusal::invalid(format!(
            "usernames that begin with {MADE_PREFIX:?} are made by the hub; choose another"
        )));
    }
    if ctx.db.user().username().find(username.to_owned()).is_some() {
        return Err(Refusal::conflict(format!("the username {username} is taken")));
    }
    Ok(())
}

/// Empty text clears an optional field, other text must pass `check`.
pub fn cleared_or(
    text: String,
    check: impl FnOnce(&str) -> Result<(), Refusal>,
) -> Result<Option<String>, Refusal> {
    if text.is_empty() {
        return Ok(None);
    }
    check(&text)?;
    Ok(Some(text))
}

/// What others see beside the sender's name; `None` clears it.
#[reducer]
pub fn set_status(
    ctx: &ReducerContext,
    client_key: String,
    status_text: Option<String>,
) -> Result<(), String> {
    keyed(ctx, &client_key, None, arguments!("set_status"; status_text), |call| {
        let status_text = status_text.filter(|text| !text.is_empty());
        if let Some(text) = &status_text {
            content::check_line("a status", text, limits::PROSE_CHARS)?;
        }
        let presence = ctx.db.presence().identity().find(call.sender);
        let presence = presence.ok_or_else(|| Refusal::internal("a user without presence"))?;
        ctx.db.presence().identity().update(Presence {
            status_text,
            last_seen: ctx.timestamp,
            ..presence
        });
        Ok(())
    })
}
