//! JSON-RPC over whatever carries it: from bytes to a call, from its result to
//! bytes. One file per family of methods.

mod admin;
mod client;
mod destination;
mod domain;
mod envelope;
mod families;
mod feed;
mod history;
mod overlay;
mod params;
mod place;
mod reference;
mod write;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::join_all;
use serde_json::Value;
use serde_json::value::to_raw_value;
use spaces_api::jsonrpc::Id;
use spaces_api::{ChannelRef, ErrorKind, METHODS, RpcError};
use tracing::{debug, error};

use crate::daemon::Daemon;
use crate::nearest::nearest;
use envelope::{Incoming, Invalid, Request};

pub use client::Client;
pub use destination::Destinations;
pub use envelope::check_protocol;
pub use feed::{Feed, FeedItem, Renderings};
pub use overlay::Overlay;
pub(crate) use overlay::own_username;

/// Answers calls. Cheap to clone.
#[derive(Clone)]
pub struct Rpc {
    daemon: Arc<Daemon>,
}

/// One call: who makes it, and on what it works.
pub(crate) struct Call {
    pub daemon: Arc<Daemon>,
    pub client: Arc<Client>,
}

impl Rpc {
    pub fn new(daemon: Arc<Daemon>) -> Self {
        Self { daemon }
    }

    /// The daemon that answers.
    pub fn daemon(&self) -> &Arc<Daemon> {
        &self.daemon
    }

    /// The reply to one request or batch; none where nothing is to be replied.
    /// Any bytes at all have a reply, or are notifications.
    pub async fn answer(self, client: Arc<Client>, request: Bytes) -> Option<Vec<u8>> {
        let call = Call {
            daemon: self.daemon,
            client,
        };
        match Incoming::parse(&request) {
            Incoming::Single(request) => call.answer(request).await,
            // In one task and in order: posts of a batch are queued as written, and
            // share one fsync.
            Incoming::Batch(requests) => {
                let replies = requests.into_iter().map(|request| call.answer(request));
                envelope::batch(join_all(replies).await)
            }
        }
    }

    /// Carries out a write that a client left in the spool.
    ///
    /// # Errors
    /// As for the same call over the socket.
    pub async fn take_in(self, method: String, params: Value) -> Result<(), RpcError> {
        let call = Call {
            daemon: self.daemon,
            client: Client::on_http(),
        };
        let method = known_method(&method).ok_or_else(|| no_such_method(&method))?;
        let params = to_raw_value(&params).map_err(|error| {
            RpcError::new(
                ErrorKind::InvalidParams,
                format!("the parameters cannot be read: {error}"),
            )
        })?;
        families::route(&call, method, Some(&params))
            .await
            .map(drop)
    }

    /// Events for a subscriber over HTTP.
    ///
    /// # Errors
    /// A channel that is not known, a kind that is none, a cursor that is too old.
    pub fn feed(
        &self,
        cursor: Option<u64>,
        kinds: &[String],
        channels: &[ChannelRef],
    ) -> Result<Feed, RpcError> {
        Feed::open(&self.daemon, cursor, kinds, channels)
    }
}

impl Call {
    async fn answer(&self, request: Result<Request<'_>, Invalid>) -> Option<Vec<u8>> {
        let begun = Instant::now();
        let metrics = &self.daemon.metrics;
        let request = match request {
            Ok(request) => request,
            Err(Invalid { id, error }) => {
                metrics.answered(None, begun.elapsed(), Some(error.kind()));
                return Some(envelope::failure(&id, &error));
            }
        };
        let known = known_method(&request.method);
        let result = match known {
            Some(method) => {
                let work = families::route(self, method, request.params);
                // A fault in one call must not take the connection with it.
                AssertUnwindSafe(work)
                    .catch_unwind()
                    .await
                    .unwrap_or_else(|_| {
                        error!(method, "a call panicked");
                        Err(RpcError::new(
                            ErrorKind::Internal,
                            format!("{method} failed: a fault in spacesd"),
                        )
                        .hint("please report it, with the lines that spacesd logged"))
                    })
            }
            None => Err(no_such_method(&request.method)),
        };
        let failed = result.as_ref().err().map(RpcError::kind);
        metrics.answered(known, begun.elapsed(), failed);
        if let Some(kind) = failed {
            debug!(method = known, %kind, "a call was refused");
        }
        envelope::reply(request.id.as_ref(), result)
    }
}

/// An error reply as bytes, for what never became a call.
pub fn error_reply(id: &Id, error: &RpcError) -> Vec<u8> {
    envelope::failure(id, error)
}

const DISCOVER: &str = "rpc.discover";

fn known_method(name: &str) -> Option<&'static str> {
    if name == DISCOVER {
        return Some(DISCOVER);
    }
    families::NAMES.get(name).copied()
}

fn no_such_method(name: &str) -> RpcError {
    let shown: String = name.chars().take(80).collect();
    let error = RpcError::new(
        ErrorKind::MethodNotFound,
        format!("there is no method `{shown}`"),
    );
    let names = || METHODS.iter().map(|method| method.name).chain([DISCOVER]);
    let family: Vec<&str> = match name.split_once('.') {
        Some((family, _)) => names()
            .filter(|known| known.split('.').next() == Some(family))
            .collect(),
        None => Vec::new(),
    };
    match nearest(&shown, names()) {
        Some(meant) => error
            .hint(format!("did you mean {meant}?"))
            .candidates([meant]),
        None if family.is_empty() => error.hint("rpc.discover describes all methods"),
        None => error.hint(format!("the family has: {}", family.join(", "))),
    }
}
