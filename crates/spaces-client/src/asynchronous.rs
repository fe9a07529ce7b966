use std::collections::HashMap;
use std::os::unix::net::UnixStream as StdStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde_json::value::RawValue;
use spaces_api::methods::{daemon, events};
use spaces_api::model::Event;
use spaces_api::{Access, Method};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::client::Client;
use crate::connect::connect;
use crate::error::{Error, Unreachable};
use crate::frame::{Incoming, MAX_REPLY_BYTES, Outgoing, SelfDescription, access_of};
use crate::paths::Paths;

/// A client of the daemon's socket for programs that run on tokio (feature
/// `tokio`).
///
/// Clones share one connection, over which any number of calls may be under way
/// at once. As with the blocking [`Client`], it connects at the first call and
/// anew after the daemon was restarted, each call has a deadline, and a call is
/// repeated only where that cannot act twice.
///
/// ```no_run
/// use spaces_api::methods::{daemon, events};
/// use spaces_client::AsyncClient;
///
/// # async fn example() -> Result<(), spaces_client::Error> {
/// let client = AsyncClient::from_env()?;
/// let status = client.call::<daemon::Status>(&Default::default()).await?;
/// println!("hub {}", status.hub.state.as_str());
///
/// let mut events = client.events(&events::SubscribeParams::default()).await?;
/// loop {
///     let event = events.next().await?;
///     println!("{} {}", event.cursor, event.what.word());
/// }
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct AsyncClient {
    shared: Arc<Shared>,
    connect_timeout: Duration,
    call_timeout: Duration,
}

#[derive(Debug)]
struct Shared {
    socket: PathBuf,
    next_id: AtomicU64,
    wire: tokio::sync::Mutex<Option<Arc<Wire>>>,
}

impl AsyncClient {
    /// A client of the daemon on this socket. Does not connect yet.
    pub fn new(socket: impl Into<PathBuf>) -> Self {
        Self {
            shared: Arc::new(Shared {
                socket: socket.into(),
                next_id: AtomicU64::new(1),
                wire: tokio::sync::Mutex::new(None),
            }),
            connect_timeout: Client::CONNECT_TIMEOUT,
            call_timeout: Client::CALL_TIMEOUT,
        }
    }

    /// A client of this user's daemon.
    ///
    /// # Errors
    /// Where the place of the socket cannot be told; see [`crate::PathError`].
    pub fn from_env() -> Result<Self, Error> {
        Ok(Self::new(Paths::from_env()?.socket))
    }

    /// Sets the limit of the time to connect, for this clone and those made of it.
    #[must_use]
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }

    /// Sets the limit of each call, for this clone and those made of it.
    #[must_use]
    pub fn call_timeout(mut self, limit: Duration) -> Self {
        self.call_timeout = limit;
        self
    }

    /// Calls a method.
    ///
    /// # Errors
    /// Every [`Error`]; the daemon's own is [`Error::Rpc`].
    pub async fn call<M: Method>(&self, params: &M::Params) -> Result<M::Result, Error> {
        self.call_within::<M>(params, self.call_timeout).await
    }

    /// Calls a method with a limit of its own.
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
        match serde_json::from_str(result.get()) {
            Ok(result) => Ok(result),
            Err(error) => Err(self
                .explain(Error::Malformed {
                    method: M::NAME.to_owned(),
                    why: error.to_string(),
                })
                .await),
        }
    }

    /// Calls a method by name and gives its result as JSON text.
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

    /// Follows what happens, over a connection of its own.
    ///
    /// # Errors
    /// As [`AsyncClient::call`]; `cursor_expired` where the cursor is too old.
    pub async fn events(&self, params: &events::SubscribeParams) -> Result<EventStream, Error> {
        let opened = open(&self.shared.socket, self.connect_timeout).await?;
        let begun = EventStream::begin(opened, params);
        match timeout(self.call_timeout, begun).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Error::Timeout {
                method: events::Subscribe::NAME.to_owned(),
                after: self.call_timeout,
                client_key: None,
            }),
        }
    }

    async fn exchange(
        &self,
        method: &str,
        access: Option<Access>,
        params: &impl Serialize,
        limit: Duration,
    ) -> Result<Box<RawValue>, Error> {
        let id = self.shared.next_id.fetch_add(1, Ordering::Relaxed);
        let request = Outgoing::new(id, method, access, params)?;
        let outcome = match timeout(limit, self.attempts(id, &request)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(request.timeout(limit)),
        };
        match outcome {
            Err(unreadable @ Error::Malformed { .. }) => Err(self.explain(unreadable).await),
            outcome => outcome,
        }
    }

    async fn attempts(&self, id: u64, request: &Outgoing) -> Result<Box<RawValue>, Error> {
        let (wire, was_open) = self.wire().await?;
        match wire.exchange(id, request).await {
            Err(Error::ConnectionLost { .. }) if was_open && request.repeatable => {
                let (wire, _) = self.wire().await?;
                wire.exchange(id, request).await
            }
            outcome => outcome,
        }
    }

    /// The shared connection, and whether it was there before.
    async fn wire(&self) -> Result<(Arc<Wire>, bool), Error> {
        let mut slot = self.shared.wire.lock().await;
        if let Some(wire) = slot.as_ref().filter(|wire| wire.is_open()) {
            return Ok((wire.clone(), true));
        }
        let had_one = slot.is_some();
        let wire = Arc::new(Wire::new(
            open(&self.shared.socket, self.connect_timeout).await?,
        ));
        *slot = Some(wire.clone());
        Ok((wire, had_one))
    }

    /// Asks a daemon whose answer could not be read what it is.
    async fn explain(&self, unreadable: Error) -> Error {
        let id = self.shared.next_id.fetch_add(1, Ordering::Relaxed);
        let described = async {
            let params = serde_json::json!({});
            let request =
                Outgoing::new(id, daemon::Ping::NAME, Some(Access::Local), &params).ok()?;
            let pong = self.attempts(id, &request).await.ok()?;
            serde_json::from_str::<SelfDescription>(pong.get()).ok()
        };
        match timeout(Duration::from_secs(1), described).await {
            Ok(Some(daemon)) => daemon.explain(unreadable),
            _ => unreadable,
        }
    }
}

/// The daemon's events in order; see [`AsyncClient::events`]. Dropping it ends the
/// subscription.
#[derive(Debug)]
pub struct EventStream {
    lines: Lines,
    /// Keeps the daemon from taking this for a client that has gone.
    _writer: OwnedWriteHalf,
    early: Vec<Incoming>,
    id: u64,
    cursor: u64,
}

impl EventStream {
    /// The cursor of the newest event that was given out (or that was there at
    /// the beginning): a later stream goes on from it.
    pub fn cursor(&self) -> u64 {
        self.cursor
    }

    /// The next event. Dropping the future loses nothing.
    ///
    /// # Errors
    /// [`Error::ConnectionLost`] when the daemon ends, or has ended the
    /// subscription because this reader was too slow: begin again from
    /// [`EventStream::cursor`].
    pub async fn next(&mut self) -> Result<Event, Error> {
        loop {
            let incoming = match self.early.is_empty() {
                true => self.lines.next().await.map_err(|why| lost(&why))?,
                false => self.early.remove(0),
            };
            let params = incoming.params.as_deref().map_or("null", RawValue::get);
            let pushed: events::Pushed =
                serde_json::from_str(params).map_err(|error| Error::Malformed {
                    method: events::Subscribe::NAME.to_owned(),
                    why: error.to_string(),
                })?;
            if pushed.subscription != self.id {
                continue;
            }
            if let Some(cursor) = pushed.lagged {
                self.cursor = cursor;
                return Err(lost("this reader was too slow for the events"));
            }
            if let Some(event) = pushed.event {
                self.cursor = event.cursor;
                return Ok(event);
            }
        }
    }

    async fn begin(opened: UnixStream, params: &events::SubscribeParams) -> Result<Self, Error> {
        let request = Outgoing::new(1, events::Subscribe::NAME, Some(Access::Read), params)?;
        let (reader, mut writer) = opened.into_split();
        let mut lines = Lines::new(reader);
        writer
            .write_all(&request.line)
            .await
            .map_err(|error| request.lost(error))?;
        let mut early = Vec::new();
        loop {
            let incoming = lines.next().await.map_err(|why| request.lost(why))?;
            if incoming.is_notification() {
                early.push(incoming);
            } else if incoming.answers(1) {
                let result = incoming.outcome(&request)?;
                let begun: events::Subscribed =
                    serde_json::from_str(result.get()).map_err(|error| request.malformed(error))?;
                return Ok(Self {
                    lines,
                    _writer: writer,
                    early,
                    id: begun.subscription,
                    cursor: begun.cursor,
                });
            }
        }
    }
}

fn lost(why: &str) -> Error {
    Error::ConnectionLost {
        method: events::Subscribe::NAME.to_owned(),
        why: why.to_owned(),
        client_key: None,
    }
}

/// Connects off the runtime: the wait for a daemon that does not accept blocks.
async fn open(socket: &Path, limit: Duration) -> Result<UnixStream, Error> {
    let socket = socket.to_owned();
    let place = socket.clone();
    let other = move |why: String| Error::DaemonUnreachable {
        socket: place.clone(),
        why: Unreachable::Other(why),
    };
    let opened: StdStream = tokio::task::spawn_blocking(move || connect(&socket, limit))
        .await
        .map_err(|error| other(error.to_string()))??;
    opened
        .set_nonblocking(true)
        .and_then(|()| UnixStream::from_std(opened))
        .map_err(|error| other(error.to_string()))
}

/// One connection with calls under way.
#[derive(Debug)]
struct Wire {
    writer: tokio::sync::Mutex<OwnedWriteHalf>,
    waiting: Arc<Mutex<Waiting>>,
    reader: tokio::task::AbortHandle,
}

#[derive(Debug, Default)]
struct Waiting {
    callers: HashMap<u64, oneshot::Sender<Incoming>>,
    closed: bool,
}

impl Wire {
    fn new(stream: UnixStream) -> Self {
        let (reader, writer) = stream.into_split();
        let waiting = Arc::new(Mutex::new(Waiting::default()));
        let reader = tokio::spawn(hand_out(Lines::new(reader), waiting.clone())).abort_handle();
        Self {
            writer: tokio::sync::Mutex::new(writer),
            waiting,
            reader,
        }
    }

    fn is_open(&self) -> bool {
        !locked(&self.waiting).closed
    }

    async fn exchange(&self, id: u64, request: &Outgoing) -> Result<Box<RawValue>, Error> {
        let (answer, answered) = oneshot::channel();
        {
            let mut waiting = locked(&self.waiting);
            if waiting.closed {
                return Err(request.lost("the daemon closed it"));
            }
            waiting.callers.insert(id, answer);
        }
        let _forget = Forget { wire: self, id };
        let mut sending = Sending {
            wire: self,
            whole: false,
        };
        let written = self.writer.lock().await.write_all(&request.line).await;
        sending.whole = written.is_ok();
        drop(sending);
        written.map_err(|error| request.lost(error))?;
        let incoming = answered
            .await
            .map_err(|_| request.lost("the daemon closed it"))?;
        incoming.outcome(request)
    }

    fn close(&self) {
        let mut waiting = locked(&self.waiting);
        waiting.closed = true;
        waiting.callers.clear();
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

/// A caller that stops waiting leaves no entry behind.
struct Forget<'a> {
    wire: &'a Wire,
    id: u64,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        locked(&self.wire.waiting).callers.remove(&self.id);
    }
}

/// A request that was cut off in the middle would garble the next one: then the
/// connection is of no more use.
struct Sending<'a> {
    wire: &'a Wire,
    whole: bool,
}

impl Drop for Sending<'_> {
    fn drop(&mut self) {
        if !self.whole {
            self.wire.close();
        }
    }
}

/// Gives each reply to its caller, until the connection ends.
async fn hand_out(mut lines: Lines, waiting: Arc<Mutex<Waiting>>) {
    while let Ok(incoming) = lines.next().await {
        let Some(spaces_api::jsonrpc::Id::Number(id)) = &incoming.id else {
            continue;
        };
        let caller = id
            .as_u64()
            .and_then(|id| locked(&waiting).callers.remove(&id));
        if let Some(caller) = caller {
            // A caller that no longer waits needs no answer.
            let _ = caller.send(incoming);
        }
    }
    let mut waiting = locked(&waiting);
    waiting.closed = true;
    waiting.callers.clear();
}

fn locked(waiting: &Mutex<Waiting>) -> std::sync::MutexGuard<'_, Waiting> {
    // Nothing that holds the lock can panic halfway through a change.
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Debug)]
struct Lines {
    reader: BufReader<OwnedReadHalf>,
    /// What has come of the present line; kept when the wait for it is dropped.
    line: Vec<u8>,
}

impl Lines {
    fn new(reader: OwnedReadHalf) -> Self {
        Self {
            reader: BufReader::new(reader),
            line: Vec::new(),
        }
    }

    async fn next(&mut self) -> Result<Incoming, String> {
        loop {
            let room = (MAX_REPLY_BYTES - self.line.len()) as u64;
            let mut limited = tokio::io::AsyncReadExt::take(&mut self.reader, room);
            limited
                .read_until(b'\n', &mut self.line)
                .await
                .map_err(|error| error.to_string())?;
            if self.line.last() != Some(&b'\n') {
                return Err(match self.line.len() >= MAX_REPLY_BYTES {
                    true => format!("an answer is longer than {MAX_REPLY_BYTES} bytes"),
                    false => "the daemon closed it".to_owned(),
                });
            }
            let line = std::mem::take(&mut self.line);
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            return serde_json::from_slice(&line).map_err(|error| error.to_string());
        }
    }
}
