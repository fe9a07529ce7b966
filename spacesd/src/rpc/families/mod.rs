//! The methods, a file per family. A read is a plain function of the cache, but
//! for a page of messages, which may have to be fetched; a write or an admin call
//! is asynchronous.

mod activity;
mod audit;
mod channel;
mod claim;
mod daemon;
mod dm;
mod events;
mod hub;
mod inbox;
mod invite;
mod member;
mod message;
mod note;
mod outbox;
mod read;
mod server;
mod session;
mod thread;
mod user;
mod voice;

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::value::RawValue;
use spaces_api::{Access, ErrorKind, METHODS, Method, RpcError, methods as api, openrpc_document};

use super::{Call, DISCOVER, params};

/// Every method's name, to look up what a client says.
pub(super) static NAMES: LazyLock<HashMap<&'static str, &'static str>> = LazyLock::new(|| {
    METHODS
        .iter()
        .map(|method| (method.name, method.name))
        .collect()
});

static DISCOVERED: LazyLock<Vec<u8>> =
    LazyLock::new(|| openrpc_document().to_string().into_bytes());

/// Methods and what answers them. `now` answers from memory and the cache at
/// once; `later` may wait; `written` may wait and gives the JSON text itself.
macro_rules! routes {
    ($($when:ident $method:ty => $handler:path;)*) => {
        /// Answers one call with the JSON text of its result.
        pub(super) async fn route(
            call: &Call,
            method: &str,
            given: Option<&RawValue>,
        ) -> Result<Vec<u8>, RpcError> {
            match method {
                $(<$method as Method>::NAME => {
                    let params = begin::<$method>(call, given)?;
                    let answer = routes!(@$when $method, $handler, call, params)?;
                    // The cache may have been begun anew while it was read.
                    loaded::<$method>(call)?;
                    Ok(answer)
                })*
                DISCOVER => Ok(DISCOVERED.clone()),
                other => Err(RpcError::new(ErrorKind::Internal, format!("{other} has no handler"))),
            }
        }

        #[cfg(test)]
        const ROUTED: &[&str] = &[$(<$method as Method>::NAME),*];
    };
    (@now $method:ty, $handler:path, $call:ident, $params:ident) => {
        finish::<$method>($handler($call, $params))
    };
    (@later $method:ty, $handler:path, $call:ident, $params:ident) => {
        // Boxed, so that a read does not carry the room of the largest write.
        finish::<$method>(Box::pin($handler($call, $params)).await)
    };
    (@written $method:ty, $handler:path, $call:ident, $params:ident) => {
        Box::pin($handler($call, $params)).await
    };
}

routes! {
    now api::daemon::Status => daemon::status;
    now api::daemon::Ping => daemon::ping;
    later api::daemon::Reload => daemon::reload;
    now api::daemon::Reconnect => daemon::reconnect;
    later api::daemon::Drain => daemon::drain;

    later api::session::Start => session::start;
    now api::session::Heartbeat => session::heartbeat;
    later api::session::Update => session::update;
    later api::session::End => session::end;
    now api::session::List => session::list;
    now api::session::Show => session::show;

    written api::activity::List => activity::list;
    later api::activity::Watch => activity::watch;

    later api::message::Send => message::send;
    later api::message::List => message::list;
    now api::message::Show => message::show;
    now api::message::Search => message::search;
    later api::message::Edit => message::edit;
    later api::message::Delete => message::delete;
    later api::message::React => message::react;
    later api::message::Unreact => message::unreact;

    later api::dm::Send => dm::send;
    later api::dm::List => dm::list;
    now api::dm::Conversations => dm::conversations;

    later api::note::Leave => note::leave;
    later api::note::List => note::list;
    later api::note::Done => note::done;

    later api::claim::Acquire => claim::acquire;
    later api::claim::Renew => claim::renew;
    later api::claim::Release => claim::release;
    now api::claim::List => claim::list;
    later api::claim::Check => claim::check;

    now api::channel::List => channel::list;
    later api::channel::Create => channel::create;
    later api::channel::Update => channel::update;
    later api::channel::Archive => channel::archive;
    later api::channel::Delete => channel::delete;
    now api::channel::Members => channel::members;
    later api::channel::AddMember => channel::add_member;
    later api::channel::RemoveMember => channel::remove_member;

    now api::thread::List => thread::list;
    later api::thread::Create => thread::create;
    later api::thread::Archive => thread::archive;
    later api::thread::Unarchive => thread::unarchive;

    now api::server::List => server::list;
    later api::server::Create => server::create;
    later api::server::Update => server::update;
    later api::server::Delete => server::delete;
    later api::server::Join => server::join;
    later api::server::Leave => server::leave;

    now api::member::List => member::list;
    later api::member::SetRole => member::set_role;
    later api::member::Kick => member::kick;
    later api::member::Ban => member::ban;
    later api::member::Unban => member::unban;
    now api::member::Bans => member::bans;
    later api::member::Mute => member::mute;
    later api::member::Unmute => member::unmute;
    later api::member::TransferOwnership => member::transfer_ownership;

    later api::invite::Create => invite::create;
    later api::invite::Redeem => invite::redeem;
    now api::invite::List => invite::list;
    later api::invite::Revoke => invite::revoke;

    later api::hub::Settings => hub::settings;
    later api::hub::Set => hub::set;
    later api::hub::Admit => hub::admit;
    later api::hub::ShutOut => hub::shut_out;

    now api::user::Me => user::me;
    now api::user::Show => user::show;
    now api::user::List => user::list;
    later api::user::SetProfile => user::set_profile;
    later api::user::RegisterAgent => user::register_agent;

    later api::voice::Join => voice::join;
    later api::voice::Leave => voice::leave;
    later api::voice::SetState => voice::set_state;
    now api::voice::List => voice::list;
    later api::voice::Signal => voice::signal;

    later api::inbox::List => inbox::list;
    later api::inbox::Ack => inbox::ack;
    now api::inbox::Unread => inbox::unread;

    later api::read::Mark => read::mark;

    later api::audit::List => audit::list;

    later api::outbox::List => outbox::list;
    later api::outbox::Show => outbox::show;
    later api::outbox::Retry => outbox::retry;
    later api::outbox::Drop => outbox::discard;
    later api::outbox::Flush => outbox::flush;

    now api::events::Subscribe => events::subscribe;
    now api::events::Unsubscribe => events::unsubscribe;
}

fn begin<M: Method>(call: &Call, given: Option<&RawValue>) -> Result<M::Params, RpcError> {
    let params = params::parse::<M>(given)?;
    loaded::<M>(call)?;
    Ok(params)
}

/// What is not loaded is not shown as empty. Events tell of the loading itself.
fn loaded<M: Method>(call: &Call) -> Result<(), RpcError> {
    match M::ACCESS {
        Access::Read if M::NAME != api::events::Subscribe::NAME => call.daemon.readiness(),
        _ => Ok(()),
    }
}

fn finish<M: Method>(result: Result<M::Result, RpcError>) -> Result<Vec<u8>, RpcError> {
    serde_json::to_vec(&result?).map_err(|error| {
        RpcError::new(
            ErrorKind::Internal,
            format!("the result of {} cannot be written: {error}", M::NAME),
        )
    })
}

/// A limit within its bounds.
fn bounded(given: Option<u32>, default: u32, most: u32) -> Result<u32, RpcError> {
    match given {
        None => Ok(default),
        Some(limit) if (1..=most).contains(&limit) => Ok(limit),
        Some(limit) => Err(RpcError::new(
            ErrorKind::InvalidParams,
            format!("limit is {limit}; it must be 1 to {most}"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{METHODS, ROUTED, bounded};

    #[test]
    fn every_method_of_the_contract_has_a_handler() {
        let contract: BTreeSet<_> = METHODS.iter().map(|method| method.name).collect();
        let routed: BTreeSet<_> = ROUTED.iter().copied().collect();
        assert_eq!(contract, routed);
    }

    #[test]
    fn a_limit_out_of_bounds_is_told() {
        assert_eq!(bounded(None, 50, 500).unwrap(), 50);
        assert!(bounded(Some(0), 50, 500).is_err());
        assert!(
            bounded(Some(501), 50, 500)
                .unwrap_err()
                .message
                .contains("1 to 500")
        );
    }
}
