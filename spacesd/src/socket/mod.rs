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
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use spaces_api::jsonrpc::Id;
use spaces_api::{ErrorKind, RpcError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
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

/// Serves connections until `shutdown`, then lets each finish what it has begun,
/// for at most `grace`.
pub async fn serve(
    listener: UnixListener,
    rpc: Rpc,
    max_connections: usize,
    shutdown: impl Future<Output = ()>,
    grace: Duration,
) {
    let seats = Seats::new(max_connections);
    let turned_away = Arc::new(Semaphore::new(TURNED_AWAY_AT_ONCE));
    let (stop, stopping) = watch::channel(false);
    let own = rustix::process::getuid().as_raw();
    let mut connections = JoinSet::new();
    let mut backoff = Backoff::default();
    tokio::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
            () = &mut shutdown => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                let pause = backoff.next();
                warn!(%error, ?pause, "cannot accept connections");
                tokio::time::sleep(pause).await;
                continue;
            }
        };
        backoff = Backoff::default();
        match stream.peer_cred() {
            Ok(peer) if peer.uid() == own => {}
            Ok(peer) => {
                warn!(uid = peer.uid(), "refused a connection of another user");
                continue;
            }
            Err(error) => {
                warn!(%error, "refused a connection: its user cannot be told");
                continue;
            }
        }
        match seats.take() {
            Some((seat, give_up)) => {
                let connection = connection(stream, rpc.clone(), seat, give_up, stopping.clone());
                connections.spawn(connection);
            }
            None => {
                rpc.daemon().metrics.turned_away();
                if let Ok(permit) = turned_away.clone().try_acquire_owned() {
                    connections.spawn(async move {
                        turn_away(stream).await;
                        drop(permit);
                    });
                }
            }
        }
    }
    drop(listener);
    let _ = stop.send(true);
    let finish = async { while connections.join_next().await.is_some() {} };
    if timeout(grace, finish).await.is_err() {
        warn!(
            connections = connections.len(),
            "connections were cut: the time to finish was over"
        );
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
