use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::marker::PhantomData;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use spaces_api::methods::{daemon, events};
use spaces_api::{Access, Method};

use crate::connect::connect;
use crate::error::Error;
use crate::frame::{Incoming, Lines, Outgoing, SelfDescription, access_of};
use crate::paths::Paths;

/// A blocking client of the daemon's socket.
///
/// It connects at the first call, keeps the connection for the next ones, and
/// connects anew when the daemon was restarted in between. Each call has a
/// deadline that holds even where the daemon is stopped. A call is repeated by
/// itself only over a fresh connection and only where that cannot act twice:
/// reads, and writes, all of which carry a client key (one is made where the
/// caller gives none).
///
/// ```no_run
/// use spaces_api::methods::message;
/// use spaces_client::Client;
///
/// # fn main() -> Result<(), spaces_client::Error> {
/// let mut client = Client::from_env()?;
/// let page = client.call::<message::List>(&message::ListParams {
///     channel: "#agent-logs".into(),
///     thread_id: None,
///     limit: Some(20),
///     before: None,
///     after: None,
///     author: None,
///     kind: None,
/// })?;
/// for message in page.messages {
///     println!("{}: {}", message.author.username, message.content);
/// }
/// println!("as of {}, hub {}", page.meta.as_of, page.meta.hub.as_str());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Client {
    socket: PathBuf,
    connect_timeout: Duration,
    call_timeout: Duration,
    next_id: u64,
    connection: Option<Connection>,
}

impl Client {
    /// Default limit of the time to connect.
    pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

    /// Default limit of the time from sending a request to having its answer.
    pub const CALL_TIMEOUT: Duration = Duration::from_secs(15);

    /// A client of the daemon on this socket. Does not connect yet.
    pub fn new(socket: impl Into<PathBuf>) -> Self {
        Self {
            socket: socket.into(),
            connect_timeout: Self::CONNECT_TIMEOUT,
            call_timeout: Self::CALL_TIMEOUT,
            next_id: 1,
            connection: None,
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

    /// Sets the limit of each call, for [`Client::call`] and [`Client::call_raw`].
    #[must_use]
    pub fn call_timeout(mut self, limit: Duration) -> Self {
        self.call_timeout = limit;
        self
    }

    /// The socket of the daemon.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Calls a method.
    ///
    /// # Errors
    /// Every [`Error`]; the daemon's own is [`Error::Rpc`].
    pub fn call<M: Method>(&mut self, params: &M::Params) -> Result<M::Result, Error> {
        self.call_within::<M>(params, self.call_timeout)
    }

    /// Calls a method with a limit of its own: a write that waits for `sent`
    /// needs more than its `timeout_ms`.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub fn call_within<M: Method>(
        &mut self,
        params: &M::Params,
        limit: Duration,
    ) -> Result<M::Result, Error> {
        let result = self.exchange(M::NAME, Some(M::ACCESS), params, limit)?;
        self.read_result(M::NAME, &result)
    }

    /// Sends two calls at once and does not wait for their answers, which
    /// [`Client::receive`] takes. The daemon begins them in this order and works at
    /// them together. Unlike [`Client::call`] nothing is repeated over a fresh
    /// connection.
    ///
    /// # Errors
    /// As [`Client::call`], where they could not be sent.
    pub fn send_both<A: Method, B: Method>(
        &mut self,
        first: &A::Params,
        second: &B::Params,
        limit: Duration,
    ) -> Result<(Sent<A>, Sent<B>), Error> {
        let deadline = Instant::now() + limit;
        let first = self.begin::<A>(first, deadline, limit)?;
        let second = self.begin::<B>(second, deadline, limit)?;
        // In one piece: the daemon is woken once.
        let lines = [first.request.line.as_slice(), &second.request.line].concat();
        self.transmit(&first.request, &lines, deadline, limit)?;
        Ok((first, second))
    }

    fn begin<M: Method>(
        &mut self,
        params: &M::Params,
        deadline: Instant,
        limit: Duration,
    ) -> Result<Sent<M>, Error> {
        let (id, request) = self.request(M::NAME, Some(M::ACCESS), params)?;
        Ok(Sent {
            id,
            request,
            deadline,
            limit,
            method: PhantomData,
        })
    }

    /// Waits for the answer to a call that was sent. The limit of each runs from
    /// when it was sent. After an error other than the daemon's own the others
    /// under way are lost.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub fn receive<M: Method>(&mut self, sent: Sent<M>) -> Result<M::Result, Error> {
        let result = self.answer_to(sent.id, &sent.request, sent.deadline, sent.limit)?;
        self.read_result(M::NAME, &result)
    }

    /// Calls a method by name and gives its result as JSON text, as the daemon
    /// wrote it.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub fn call_raw(
        &mut self,
        method: &str,
        params: &impl Serialize,
        limit: Duration,
    ) -> Result<Box<RawValue>, Error> {
        self.exchange(method, access_of(method), params, limit)
    }

    /// Turns the result of [`Client::call_raw`] into its type.
    ///
    /// # Errors
    /// [`Error::VersionSkew`] where the daemon is of another version, else
    /// [`Error::Malformed`].
    pub fn read_result<T: DeserializeOwned>(
        &mut self,
        method: &str,
        result: &RawValue,
    ) -> Result<T, Error> {
        serde_json::from_str(result.get()).map_err(|error| {
            let unreadable = Error::Malformed {
                method: method.to_owned(),
                why: error.to_string(),
            };
            self.explain(unreadable)
        })
    }

    /// Follows what happens. The subscription has a connection of its own.
    ///
    /// # Errors
    /// As [`Client::call`]; `cursor_expired` where the cursor is too old.
    pub fn subscribe(&self, params: &events::SubscribeParams) -> Result<Subscription, Error> {
        let mut client = Self::new(&self.socket)
            .connect_timeout(self.connect_timeout)
            .call_timeout(self.call_timeout);
        let begun = client.call::<events::Subscribe>(params)?;
        Ok(Subscription {
            client,
            id: begun.subscription,
            cursor: begun.cursor,
        })
    }

    fn exchange(
        &mut self,
        method: &str,
        access: Option<Access>,
        params: &impl Serialize,
        limit: Duration,
    ) -> Result<Box<RawValue>, Error> {
        let (id, request) = self.request(method, access, params)?;
        let deadline = Instant::now() + limit;
        let was_open = self.connection.is_some();
        let outcome = match self.attempt(id, &request, deadline, limit) {
            Err(Error::ConnectionLost { .. }) if was_open && request.repeatable => {
                self.attempt(id, &request, deadline, limit)
            }
            outcome => outcome,
        };
        match outcome {
            Err(unreadable @ Error::Malformed { .. }) => Err(self.explain(unreadable)),
            outcome => outcome,
        }
    }

    fn request(
        &mut self,
        method: &str,
        access: Option<Access>,
        params: &impl Serialize,
    ) -> Result<(u64, Outgoing), Error> {
        let id = self.next_id;
        self.next_id += 1;
        Ok((id, Outgoing::new(id, method, access, params)?))
    }

    fn attempt(
        &mut self,
        id: u64,
        request: &Outgoing,
        deadline: Instant,
        limit: Duration,
    ) -> Result<Box<RawValue>, Error> {
        self.transmit(request, &request.line, deadline, limit)?;
        self.answer_to(id, request, deadline, limit)
    }

    /// Sends the lines of a request, and of those that go with it. After a failure
    /// there is no connection any more.
    fn transmit(
        &mut self,
        request: &Outgoing,
        lines: &[u8],
        deadline: Instant,
        limit: Duration,
    ) -> Result<(), Error> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => Connection::open(&self.socket, self.connect_timeout.min(limit))?,
        };
        connection
            .send(lines, deadline)
            .map_err(|error| failed(request, error, limit))?;
        self.connection = Some(connection);
        Ok(())
    }

    fn answer_to(
        &mut self,
        id: u64,
        request: &Outgoing,
        deadline: Instant,
        limit: Duration,
    ) -> Result<Box<RawValue>, Error> {
        let Some(mut connection) = self.connection.take() else {
            return Err(request.lost("it was given up for another call"));
        };
        let early = connection
            .replies
            .iter()
            .position(|reply| reply.answers(id));
        let reply = match early.and_then(|index| connection.replies.remove(index)) {
            Some(reply) => reply,
            None => connection
                .reply_to(id, deadline)
                .map_err(|error| failed(request, error, limit))?,
        };
        self.connection = Some(connection);
        reply.outcome(request)
    }

    /// Asks a daemon whose answer could not be read what it is.
    fn explain(&mut self, unreadable: Error) -> Error {
        let limit = Duration::from_secs(1);
        let described = self
            .request(daemon::Ping::NAME, Some(Access::Local), &NoParams {})
            .and_then(|(id, request)| self.attempt(id, &request, Instant::now() + limit, limit))
            .ok()
            .and_then(|pong| serde_json::from_str::<SelfDescription>(pong.get()).ok());
        match described {
            Some(daemon) => daemon.explain(unreadable),
            None => unreadable,
        }
    }
}

/// What a fault of the connection means for a request that has a limit.
fn failed(request: &Outgoing, error: io::Error, limit: Duration) -> Error {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => request.timeout(limit),
        _ => request.failed(error),
    }
}

#[derive(Serialize)]
struct NoParams {}

/// A call whose answer has not been taken; see [`Client::send_both`].
#[derive(Debug)]
#[must_use = "the answer is taken with `Client::receive`"]
pub struct Sent<M> {
    id: u64,
    request: Outgoing,
    deadline: Instant,
    limit: Duration,
    method: PhantomData<M>,
}

/// A subscription to the daemon's events; see [`Client::subscribe`].
#[derive(Debug)]
pub struct Subscription {
    client: Client,
    id: u64,
    cursor: u64,
}

impl Subscription {
    /// The cursor of the newest event that was given out (or that was there at
    /// the beginning): a later subscription goes on from it.
    pub fn cursor(&self) -> u64 {
        self.cursor
    }

    /// Waits for the next event, at most `limit`; nothing if none came.
    ///
    /// # Errors
    /// [`Error::ConnectionLost`] when the daemon ends or has ended the
    /// subscription because this reader was too slow: subscribe again from
    /// [`Subscription::cursor`].
    pub fn next(&mut self, limit: Duration) -> Result<Option<spaces_api::model::Event>, Error> {
        let deadline = Instant::now() + limit;
        loop {
            let Some(pushed) = self.next_pushed(deadline)? else {
                return Ok(None);
            };
            if pushed.subscription != self.id {
                continue;
            }
            if let Some(cursor) = pushed.lagged {
                self.cursor = cursor;
                return Err(self.lost("this reader was too slow for the events"));
            }
            if let Some(event) = pushed.event {
                self.cursor = event.cursor;
                return Ok(Some(event));
            }
        }
    }

    fn next_pushed(&mut self, deadline: Instant) -> Result<Option<events::Pushed>, Error> {
        let Some(connection) = &mut self.client.connection else {
            return Err(self.lost("the connection is closed"));
        };
        let incoming = match connection.notifications.pop_front() {
            Some(incoming) => incoming,
            None => match connection.next_line(deadline) {
                Ok(incoming) => incoming,
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
                    ) =>
                {
                    return Ok(None);
                }
                Err(error) => {
                    self.client.connection = None;
                    return Err(match error.kind() {
                        io::ErrorKind::UnexpectedEof => self.lost("the daemon closed it"),
                        _ => self.lost(&error.to_string()),
                    });
                }
            },
        };
        let params = incoming.params.as_deref().map_or("null", RawValue::get);
        serde_json::from_str(params).map(Some).map_err(|error| {
            let unreadable = Error::Malformed {
                method: events::Subscribe::NAME.to_owned(),
                why: error.to_string(),
            };
            self.client.explain(unreadable)
        })
    }

    fn lost(&self, why: &str) -> Error {
        Error::ConnectionLost {
            method: events::Subscribe::NAME.to_owned(),
            why: why.to_owned(),
            client_key: None,
        }
    }
}

#[derive(Debug)]
struct Connection {
    stream: UnixStream,
    lines: Lines,
    notifications: VecDeque<Incoming>,
    /// Replies that came before they were asked for.
    replies: VecDeque<Incoming>,
}

impl Connection {
    fn open(socket: &Path, timeout: Duration) -> Result<Self, Error> {
        Ok(Self {
            stream: connect(socket, timeout)?,
            lines: Lines::default(),
            notifications: VecDeque::new(),
            replies: VecDeque::new(),
        })
    }

    fn reply_to(&mut self, id: u64, deadline: Instant) -> io::Result<Incoming> {
        loop {
            let incoming = self.next_line(deadline)?;
            if incoming.is_notification() {
                self.notifications.push_back(incoming);
            } else if incoming.answers(id) {
                return Ok(incoming);
            } else {
                self.replies.push_back(incoming);
            }
        }
    }

    fn send(&mut self, mut line: &[u8], deadline: Instant) -> io::Result<()> {
        while !line.is_empty() {
            self.stream.set_write_timeout(Some(left(deadline)?))?;
            match self.stream.write(line) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => line = &line[written..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn next_line(&mut self, deadline: Instant) -> io::Result<Incoming> {
        loop {
            if let Some(incoming) = self.lines.next()? {
                return Ok(incoming);
            }
            self.stream.set_read_timeout(Some(left(deadline)?))?;
            let mut piece = [0; 16 * 1024];
            match self.stream.read(&mut piece) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(length) => self.lines.push(&piece[..length]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(io::ErrorKind::TimedOut.into());
    }
    Ok(left)
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::os::unix::net::UnixListener;
    use std::path::Path;
    use std::thread::JoinHandle;
    use std::time::Duration;

    use spaces_api::methods::session;

    use super::{Client, Sent};
    use crate::error::Error;

    const LIMIT: Duration = Duration::from_secs(60);

    /// Takes one connection and two calls, answers those of these ids in this
    /// order, and closes.
    fn daemon(socket: &Path, answered: &'static [u64]) -> JoinHandle<()> {
        let listener = UnixListener::bind(socket).unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            for _ in 0..2 {
                lines.next().unwrap().unwrap();
            }
            for id in answered {
                writeln!(
                    stream,
                    "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{}}}}"
                )
                .unwrap();
            }
        })
    }

    type Heartbeat = Sent<session::Heartbeat>;

    fn both(client: &mut Client) -> Result<(Heartbeat, Heartbeat), Error> {
        let of = |id: &str| session::SessionId { id: id.to_owned() };
        client.send_both::<session::Heartbeat, session::Heartbeat>(&of("a"), &of("b"), LIMIT)
    }

    #[test]
    fn answers_find_their_calls_in_whatever_order_they_come() {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("d.sock");
        let daemon = daemon(&socket, &[2, 1]);
        let mut client = Client::new(&socket);
        let (first, second) = both(&mut client).unwrap();
        client.receive(first).unwrap();
        client.receive(second).unwrap();
        daemon.join().unwrap();
    }

    #[test]
    fn with_the_connection_all_calls_under_way_are_lost() {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("d.sock");
        let daemon = daemon(&socket, &[1]);
        let mut client = Client::new(&socket);
        let (first, second) = both(&mut client).unwrap();
        daemon.join().unwrap();
        client.receive(first).unwrap();
        let lost = client.receive(second).unwrap_err();
        assert!(matches!(lost, Error::ConnectionLost { .. }), "{lost}");
    }
}
