//! The Unix socket. Only this module knows framings and HTTP; what is said over
//! them is `rpc`'s affair.

mod bind;
mod http;
#[cfg(target_os = "macos")]
mod launchd;
pub mod lines;
mod patience;
mod seats;
mod sse;

use std::future::Future;
use std::io;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use spaces_api::jsonrpc::Id;
use spaces_api::{ErrorKind, RpcError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Interval, MissedTickBehavior, interval, timeout};
use tracing::{debug, warn};

use crate::rpc::{self, Rpc};

pub use bind::{BindError, Bound};
use patience::Reading;
use seats::{Seat, Seats};

/// A header block, a line and a body must be complete this long after their
/// first byte.
const REQUEST_DEADLINE: Duration = Duration::from_secs(10);

/// A client that takes no byte of its replies for this long is let go.
const WRITE_DEADLINE: Duration = Duration::from_secs(30);

/// How many clients are told at once that there is no seat; more are just let go.
const TURNED_AWAY_AT_ONCE: usize = 64;

/// How long one that is turned away has to say in which framing it listens.
const TURN_AWAY_DEADLINE: Duration = Duration::from_millis(500);

/// How often it is looked whether the socket is still in its place.
const LOOK_AFTER_PLACE: Duration = Duration::from_secs(5);

/// Serves connections until `shutdown`, then lets each finish what it has begun,
/// for at most `grace`. Gives the socket back, so that newcomers wait until the
/// program has ended instead of taking it for gone.
///
/// # Errors
/// Where the socket cannot be used.
pub async fn serve(
    mut bound: Bound,
    rpc: Rpc,
    max_connections: usize,
    shutdown: impl Future<Output = ()>,
    grace: Duration,
) -> io::Result<Bound> {
    let mut listener = bound.listen()?;
    let mut place = Place::default();
    let (stop, stopping) = watch::channel(false);
    let mut reception = Reception {
        rpc,
        seats: Seats::new(max_connections),
        turned_away: Arc::new(Semaphore::new(TURNED_AWAY_AT_ONCE)),
        own: rustix::process::getuid().as_raw(),
        stopping,
        connections: JoinSet::new(),
    };
    let mut backoff = Backoff::default();
    tokio::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = reception.connections.join_next() => continue,
            () = place.time_to_look() => {
                if let Some(anew) = place.look(&mut bound) {
                    for stream in waiting(mem::replace(&mut listener, anew)) {
                        reception.receive(stream);
                    }
                }
                continue;
            }
            () = &mut shutdown => break,
        };
        match accepted {
            Ok((stream, _)) => {
                backoff = Backoff::default();
                reception.receive(stream);
            }
            Err(error) => {
                let pause = backoff.next();
                warn!(%error, ?pause, "cannot accept connections");
                tokio::time::sleep(pause).await;
            }
        }
    }
    drop(listener);
    let mut connections = reception.connections;
    let _ = stop.send(true);
    let finish = async { while connections.join_next().await.is_some() {} };
    if timeout(grace, finish).await.is_err() {
        warn!(
            connections = connections.len(),
            "connections were cut: the time to finish was over"
        );
    }
    Ok(bound)
}

/// Who has connected to a listener that goes and has not been accepted yet.
fn waiting(listener: UnixListener) -> Vec<UnixStream> {
    // Asked of the system itself: the runtime may not have heard of them yet.
    let Ok(listener) = listener.into_std() else {
        return Vec::new();
    };
    let accepted = || -> io::Result<UnixStream> {
        let (stream, _) = listener.accept()?;
        stream.set_nonblocking(true)?;
        UnixStream::from_std(stream)
    };
    std::iter::from_fn(|| accepted().ok()).collect()
}

/// Gives seats to clients.
struct Reception {
    rpc: Rpc,
    seats: Seats,
    turned_away: Arc<Semaphore>,
    /// The one user who is served.
    own: u32,
    stopping: watch::Receiver<bool>,
    connections: JoinSet<()>,
}

impl Reception {
    fn receive(&mut self, stream: UnixStream) {
        match stream.peer_cred() {
            Ok(peer) if peer.uid() == self.own => {}
            Ok(peer) => {
                warn!(uid = peer.uid(), "refused a connection of another user");
                return;
            }
            Err(error) => {
                warn!(%error, "refused a connection: its user cannot be told");
                return;
            }
        }
        match self.seats.take() {
            Some((seat, give_up)) => {
                let stopping = self.stopping.clone();
                let connection = connection(stream, self.rpc.clone(), seat, give_up, stopping);
                self.connections.spawn(connection);
            }
            None => {
                self.rpc.daemon().metrics.turned_away();
                if let Ok(permit) = self.turned_away.clone().try_acquire_owned() {
                    self.connections.spawn(async move {
                        turn_away(stream).await;
                        drop(permit);
                    });
                }
            }
        }
    }
}

/// Sees to it that clients find the socket.
struct Place {
    every: Interval,
    /// Why it could not be made again when it was last tried.
    fault: Option<String>,
}

impl Default for Place {
    fn default() -> Self {
        let mut every = interval(LOOK_AFTER_PLACE);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { every, fault: None }
    }
}

impl Place {
    /// Cancel safe.
    async fn time_to_look(&mut self) {
        self.every.tick().await;
    }

    /// A new listener where the socket had to be made again.
    fn look(&mut self, bound: &mut Bound) -> Option<UnixListener> {
        let fault = match bound.renew() {
            Ok(None) => return None,
            Ok(Some(listener)) => {
                self.fault = None;
                warn!(socket = %bound.path.display(), "the socket had been taken away; made anew");
                return Some(listener);
            }
            Err(error) => error.to_string(),
        };
        // Said once, not every time.
        if self.fault.as_ref() != Some(&fault) {
            warn!(
                error = fault,
                "the socket was taken away and cannot be made anew yet"
            );
            self.fault = Some(fault);
        }
        None
    }
}

/// Resolves when the daemon stops.
async fn stop_asked(stopping: &mut watch::Receiver<bool>) {
    // An error means that nobody can ask any more, which is a stop too.
    let _ = stopping.wait_for(|stop| *stop).await;
}

/// Waits longer after each failure to accept: mostly it is file handles that are
/// short, and others must get the time to give theirs back.
#[derive(Debug, Default)]
struct Backoff(u32);

impl Backoff {
    fn next(&mut self) -> Duration {
        let pause = Duration::from_millis(5 << self.0.min(8));
        self.0 += 1;
        pause.min(Duration::from_secs(1))
    }
}

async fn connection(
    stream: UnixStream,
    rpc: Rpc,
    seat: Seat,
    give_up: oneshot::Receiver<()>,
    mut stopping: watch::Receiver<bool>,
) {
    let _open = rpc.daemon().metrics.connection();
    let (read, write) = stream.into_split();
    let mut read = Reading::new(read, &seat, give_up);
    let mut begun = BytesMut::with_capacity(4096);
    let served = async {
        tokio::select! {
            read = read.read_buf(&mut begun) => if read? == 0 { return Ok(()) },
            () = stop_asked(&mut stopping) => return Ok(()),
        }
        if speaks_http(begun[0]) {
            http::serve(read, write, begun, rpc, &seat, stopping).await
        } else {
            let stream = tokio::io::join(read, write);
            lines::serve(stream, begun, rpc, &seat, stopping).await
        }
    };
    let outcome: io::Result<()> = served.await;
    if let Err(error) = outcome {
        debug!(%error, "connection ended");
    }
}

/// HTTP begins with the letters of a verb, JSON never with a letter that we take.
fn speaks_http(first: u8) -> bool {
    first.is_ascii_alphabetic()
}

fn all_taken() -> RpcError {
    RpcError::new(
        ErrorKind::Busy,
        "all connections that spacesd serves at once are taken",
    )
    .hint("close connections that are not used, or raise socket.max_connections")
    .retry_after_ms(1000)
}

/// Says in the client's own framing that all seats are taken.
async fn turn_away(mut stream: UnixStream) {
    let error = all_taken();
    let mut first = [0];
    let said = timeout(TURN_AWAY_DEADLINE, stream.read(&mut first)).await;
    let body = rpc::error_reply(&Id::Null, &error);
    let answer = match said {
        Ok(Ok(1)) if speaks_http(first[0]) => http::raw_unavailable(&body),
        _ => [body.as_slice(), b"\n"].concat(),
    };
    let _ = timeout(TURN_AWAY_DEADLINE, stream.write_all(&answer)).await;
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream as Client;

    use super::*;

    #[tokio::test]
    async fn who_waits_at_a_listener_that_goes_is_served() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("d.sock");
        let listener = UnixListener::bind(&path).unwrap();
        // Nothing runs in between that could tell the runtime of them.
        let mut clients = [0; 3].map(|_| Client::connect(&path).unwrap());
        std::fs::remove_file(&path).unwrap();

        let streams = waiting(listener);

        assert_eq!(streams.len(), 3);
        for (client, mut stream) in clients.iter_mut().zip(streams) {
            client.write_all(b"?").unwrap();
            assert_eq!(stream.read_u8().await.unwrap(), b'?');
            stream.write_all(b"!").await.unwrap();
            client.read_exact(&mut [0]).unwrap();
        }
    }
}
