//! The async client: many calls at once over one connection.

mod events;
mod link;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use spaces_api::methods::{None as NoParams, daemon, events::SubscribeParams};
use spaces_api::{Access, Method};
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::Client;
use crate::error::Error;
use crate::frame::{Outgoing, SelfDescription, access_of};
use crate::paths::Paths;
pub use events::EventStream;
use link::Link;

/// An async client of the daemon's socket, on tokio. Cheap to clone.
///
/// All clones share one connection, over which any number of calls may be under
/// way at once; a slow answer holds up no other. It connects at the first call
/// and anew when the daemon was restarted. Deadlines and repeats are those of
/// the blocking [`Client`]: a call is repeated by itself only over a fresh
/// connection and only where that cannot act twice.
///
/// ```no_run
/// use spaces_api::methods::activity;
/// use spaces_client::AsyncClient;
///
/// # async fn digest() -> Result<(), spaces_client::Error> {
/// let client = AsyncClient::from_env()?;
/// let digest = client
///     .call::<activity::List>(&activity::ListParams {
///         cwd: Some("/home/alice/app".into()),
///         ..activity::ListParams::default()
///     })
///     .await?;
/// println!("{} items, hub {}", digest.items.len(), digest.meta.hub.as_str());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct AsyncClient {
    connect_timeout: Duration,
    call_timeout: Duration,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    socket: PathBuf,
    next_id: AtomicU64,
    /// Held while connecting, so that many first calls make one connection.
    link: Mutex<Option<Link>>,
}

impl AsyncClient {
    /// A client of the daemon on this socket. Does not connect yet.
    pub fn new(socket: impl Into<PathBuf>) -> Self {
        Self {
            connect_timeout: Client::CONNECT_TIMEOUT,
            call_timeout: Client::CALL_TIMEOUT,
            shared: Arc::new(Shared {
                socket: socket.into(),
                next_id: AtomicU64::new(1),
                link: Mutex::default(),
            }),
        }
    }

    /// A client of this user's daemon.
    ///
    /// # Errors
    /// Where the place of the socket cannot be told; see [`crate::PathError`].
    pub fn from_env() -> Result<Self, Error> {
        Ok(Self::new(Paths::from_env()?.socket))
    }

    /// Sets the limit of the time to connect.
    #[must_use]
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }

    /// Sets the limit of each call, for [`AsyncClient::call`].
    #[must_use]
    pub fn call_timeout(mut self, limit: Duration) -> Self {
        self.call_timeout = limit;
        self
    }

    /// The socket of the daemon.
    pub fn socket(&self) -> &Path {
        &self.shared.socket
    }

    /// Calls a method. A call whose future is dropped may still be carried out.
    ///
    /// # Errors
    /// Every [`Error`]; the daemon's own is [`Error::Rpc`].
    pub async fn call<M: Method>(&self, params: &M::Params) -> Result<M::Result, Error> {
        self.call_within::<M>(params, self.call_timeout).await
    }

    /// Calls a method with a limit of its own: a write that waits for `sent`
    /// needs more than its `timeout_ms`.
    ///
    /// # Errors
    /// As [`AsyncClient::call`].
    pub async fn call_within<M: Method>(
        &self,
        params: &M::Params,
        limit: Duration,
    ) -> Result<M::Result, Error> {
        let result = self
            .exchange(M::NAME, Some(M::ACCESS), params, limit)
            .await?;
        self.read_result(M::NAME, &result).await
    }

    /// Calls a method by name and gives its result as JSON text, as the daemon
    /// wrote it.
    ///
    /// # Errors
    /// As [`AsyncClient::call`].
    pub async fn call_raw(
        &self,
        method: &str,
        params: &impl Serialize,
        limit: Duration,
    ) -> Result<Box<RawValue>, Error> {
        self.exchange(method, access_of(method), params, limit)
            .await
    }

    /// Follows what happens. The stream has a connection of its own.
    ///
    /// # Errors
    /// As [`AsyncClient::call`]; `cursor_expired` where the cursor is too old.
    pub async fn subscribe(&self, params: &SubscribeParams) -> Result<EventStream, Error> {
        let opened = EventStream::open(self.socket(), self.connect_timeout, params);
        match timeout(self.call_timeout, opened).await {
            Ok(Err(unreadable @ Error::Malformed { .. })) => Err(self.explain(unreadable).await),
            Ok(opened) => opened,
            Err(_) => Err(events::request(params)?.timeout(self.call_timeout)),
        }
    }

    async fn exchange(
        &self,
        method: &str,
        access: Option<Access>,
        params: &impl Serialize,
        limit: Duration,
    ) -> Result<Box<RawValue>, Error> {
        match self.answer(method, access, params, limit).await {
            Err(unreadable @ Error::Malformed { .. }) => Err(self.explain(unreadable).await),
            outcome => outcome,
        }
    }

    async fn answer(
        &self,
        method: &str,
        access: Option<Access>,
        params: &impl Serialize,
        limit: Duration,
    ) -> Result<Box<RawValue>, Error> {
        let id = self.shared.next_id.fetch_add(1, Ordering::Relaxed);
        let request = Outgoing::new(id, method, access, params)?;
        match timeout(limit, self.deliver(id, &request)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(request.timeout(limit)),
        }
    }

    async fn deliver(&self, id: u64, request: &Outgoing) -> Result<Box<RawValue>, Error> {
        let (link, fresh) = self.link().await?;
        match link.ask(id, request).await {
            Err(Error::ConnectionLost { .. }) if !fresh && request.repeatable => {
                let (link, _) = self.link().await?;
                link.ask(id, request).await
            }
            outcome => outcome,
        }
    }

    /// The open connection, or a new one; and whether it is new.
    async fn link(&self) -> Result<(Link, bool), Error> {
        let mut kept = self.shared.link.lock().await;
        if let Some(link) = kept.as_ref().filter(|link| link.is_open()) {
            return Ok((link.clone(), false));
        }
        let link = Link::open(self.socket(), self.connect_timeout).await?;
        *kept = Some(link.clone());
        Ok((link, true))
    }

    async fn read_result<T: DeserializeOwned>(
        &self,
        method: &str,
        result: &RawValue,
    ) -> Result<T, Error> {
        match serde_json::from_str(result.get()) {
            Ok(result) => Ok(result),
            Err(error) => {
                let unreadable = Error::Malformed {
                    method: method.to_owned(),
                    why: error.to_string(),
                };
                Err(self.explain(unreadable).await)
            }
        }
    }

    /// Asks a daemon whose answer could not be read what it is.
    async fn explain(&self, unreadable: Error) -> Error {
        let limit = Duration::from_secs(1);
        let answer = self.answer(daemon::Ping::NAME, Some(Access::Local), &NoParams {}, limit);
        let described = answer
            .await
            .ok()
            .and_then(|pong| serde_json::from_str::<SelfDescription>(pong.get()).ok());
        match described {
            Some(daemon) => daemon.explain(unreadable),
            None => unreadable,
        }
    }
}
