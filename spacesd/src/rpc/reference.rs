//! From what people call a thing to the thing, or to an error that lists what
//! they may have meant.

use spaces_api::model::{Server, User};
use spaces_api::{ChannelRef, ErrorKind, MessageRef, RpcError, ServerRef, UserRef};
use uuid::Uuid;

use crate::cache::CacheError;
use crate::cache::query::Resolved;
use crate::cache::query::channel::ChannelFacts;
use crate::daemon::Daemon;
use crate::row::Identity;

/// The channel, looked for in the configured server first.
pub(super) fn channel(daemon: &Daemon, reference: &ChannelRef) -> Result<ChannelFacts, RpcError> {
    let found = daemon
        .cache
        .resolve_channel(reference, preferred_server(daemon));
    resolved(
        daemon,
        "channel",
        reference,
        found.map_err(|error| cache_failed(&error))?,
    )
}

/// The server that is named, else the configured one, else the only one that the
/// caller is a member of, else the only one there is.
pub(super) fn server(daemon: &Daemon, named: Option<&ServerRef>) -> Result<Server, RpcError> {
    let configured = daemon
        .settings
        .current()
        .server
        .as_deref()
        .map(ServerRef::from);
    if let Some(reference) = named.or(configured.as_ref()) {
        let found = daemon
            .cache
            .resolve_server(reference)
            .map_err(|error| cache_failed(&error))?;
        return resolved(daemon, "server", reference, found);
    }
    let mut all = daemon
        .cache
        .servers()
        .map_err(|error| cache_failed(&error))?;
    if all.iter().any(|server| server.my_role.is_some()) {
        all.retain(|server| server.my_role.is_some());
    }
    match all.len() {
        1 => Ok(all.remove(0)),
        0 => Err(absent(daemon, "there is no server that you may see".into())),
        _ => Err(RpcError::new(
            ErrorKind::AmbiguousName,
            "you are in several servers and none was named",
        )
        .hint("name one, or set `server` in the configuration file")
        .candidates(all.into_iter().map(|server| server.name))),
    }
}

pub(super) fn user(daemon: &Daemon, reference: &UserRef) -> Result<(Identity, User), RpcError> {
    let found = daemon
        .cache
        .resolve_user(reference)
        .map_err(|error| cache_failed(&error))?;
    resolved(daemon, "user", reference, found)
}

/// The hub's id of a message that is there already. A pending one has none yet.
pub(super) fn message_id(daemon: &Daemon, reference: &MessageRef) -> Result<u64, RpcError> {
    let key = match reference {
        MessageRef::Id(id) => return Ok(*id),
        MessageRef::Name(text) => client_key(text)?,
    };
    let found = daemon
        .cache
        .message_id_of(&key)
        .map_err(|error| cache_failed(&error))?;
    if let Some(id) = found {
        return Ok(id);
    }
    if daemon
        .outbox
        .pending()
        .iter()
        .any(|pending| pending.call.client_key == key)
    {
        let message = format!("the message with the client key {key} has not reached the hub yet");
        return Err(RpcError::new(ErrorKind::Conflict, message)
            .hint("try again when its receipt says `sent`, or take it out with outbox.drop"));
    }
    Err(absent(
        daemon,
        format!("no message with the client key {key} is known here"),
    ))
}

/// Text that stands for a message is a client key.
pub(super) fn client_key(text: &str) -> Result<Uuid, RpcError> {
    text.trim().parse().map_err(|_| {
        RpcError::new(
            ErrorKind::InvalidParams,
            format!("`{text}` is neither a message id nor a client key"),
        )
        .hint("give the number of the message, or the UUID from the receipt of your write")
    })
}

fn preferred_server(daemon: &Daemon) -> Option<u64> {
    let named = daemon
        .settings
        .current()
        .server
        .as_deref()
        .map(ServerRef::from)?;
    daemon
        .cache
        .resolve_server(&named)
        .ok()?
        .one()
        .map(|server| server.id)
}

fn resolved<T>(
    daemon: &Daemon,
    what: &str,
    reference: &impl std::fmt::Display,
    found: Resolved<T>,
) -> Result<T, RpcError> {
    match found {
        Resolved::One(thing) => Ok(thing),
        Resolved::Ambiguous(names) => {
            let message = format!(
                "`{reference}` may be any of several {what}s: {}",
                names.join(", ")
            );
            Err(RpcError::new(ErrorKind::AmbiguousName, message)
                .hint("use one of the full names, or the id")
                .candidates(names))
        }
        Resolved::Unknown(names) => {
            let error = absent(
                daemon,
                format!("there is no {what} `{reference}` that you may see"),
            );
            if names.is_empty() || error.kind() != ErrorKind::NotFound {
                return Err(error);
            }
            let hint = format!("did you mean {}?", names.join(", "));
            Err(error.hint(hint).candidates(names))
        }
    }
}

/// `not_found`, or `not_ready` where nothing can be known yet.
pub(super) fn absent(daemon: &Daemon, message: String) -> RpcError {
    match daemon.readiness() {
        Ok(()) => RpcError::new(ErrorKind::NotFound, message),
        Err(not_ready) => not_ready,
    }
}

pub(super) fn cache_failed(error: &CacheError) -> RpcError {
    if matches!(error, CacheError::Renewed) {
        return RpcError::new(
            ErrorKind::NotReady,
            format!("the local cache is not ready: {error}"),
        )
        .hint("try again in a moment; `spacesctl status` says how far it is");
    }
    RpcError::new(
        ErrorKind::Internal,
        format!("the local cache cannot be read: {error}"),
    )
    .hint("`spacesctl doctor` says more; the cache can be deleted, it is filled again from the hub")
}
