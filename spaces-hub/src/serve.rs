//! Listening, and stopping without losing anything.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::acknowledging::Acknowledging;
use crate::data_dir::write_atomically;
use crate::http::{self, Hub};

/// How long requests and connections may take to end when the hub stops.
const DRAIN_DEADLINE: Duration = Duration::from_secs(5);
/// How long a client may take to send the head of a request. It is also how
/// long a connection may wait for its next request.
const HEADER_DEADLINE: Duration = Duration::from_secs(15);
/// More wait until others have ended. WebSockets do not count.
const MOST_CONNECTIONS: usize = 4096;
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// # Errors
/// When the address is taken or not this machine's.
pub async fn bind(address: SocketAddr) -> anyhow::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address).await.with_context(|| {
        format!("could not listen on {address}: choose another address with --listen (port 0 takes a free one)")
    })?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Serves until SIGTERM or SIGINT, then ends the requests and connections
/// that are open.
///
/// # Errors
/// When the port file cannot be written or signals cannot be received.
pub async fn until_signal(
    hub: &Arc<Hub>,
    listener: TcpListener,
    port_file: Option<&Path>,
) -> anyhow::Result<()> {
    let address = listener.local_addr()?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let acceptor = tokio::spawn(accept(hub.clone(), listener));
    let _port_file = port_file
        .map(|path| PortFile::write(path, address.port()))
        .transpose()?;
    tracing::info!(%address, database = %hub.name, "the hub is ready");

    tokio::select! {
        _ = terminate.recv() => tracing::info!("SIGTERM: the hub stops"),
        _ = interrupt.recv() => tracing::info!("SIGINT: the hub stops"),
    }
    hub.stopping.cancel();
    acceptor.await.context("the acceptor crashed")?;
    hub.connections.close();
    if timeout(DRAIN_DEADLINE, hub.connections.wait())
        .await
        .is_err()
    {
        let open = hub.connections.len();
        tracing::warn!(open, "some connections did not end in time and are cut off");
    }
    Ok(())
}

/// Accepts connections until the hub stops. Each is served in a task of its
/// own.
async fn accept(hub: Arc<Hub>, listener: TcpListener) {
    let router = http::router(hub.clone());
    let slots = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        let accepted = async {
            let slot = slots.clone().acquire_owned().await;
            (slot, listener.accept().await)
        };
        let (slot, stream) = tokio::select! {
            accepted = accepted => accepted,
            () = hub.stopping.cancelled() => return,
        };
        match stream {
            Ok((stream, _)) => {
                let served = serve(stream, router.clone(), hub.stopping.clone());
                hub.connections.spawn(async move {
                    let _slot = slot;
                    served.await;
                });
            }
            Err(error) => {
                // Most often too many open files: others must end first.
                tracing::warn!(%error, "could not accept a connection");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn serve(stream: TcpStream, router: Router, stopping: CancellationToken) {
    // Small messages must not wait for the acknowledgement of earlier ones.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "could not set TCP_NODELAY");
    }
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_DEADLINE)
        .serve_connection(
            TokioIo::new(Acknowledging(stream)),
            TowerToHyperService::new(router),
        )
        .with_upgrades();
    let mut connection = pin!(connection);
    let served = tokio::select! {
        served = &mut connection => served,
        () = stopping.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, "a connection failed");
    }
}

/// The file that says where a hub with `--listen ...:0` can be reached.
struct PortFile(PathBuf);

impl PortFile {
    fn write(path: &Path, port: u16) -> anyhow::Result<Self> {
        write_atomically(path, format!("{port}\n").as_bytes(), 0o644)?;
        Ok(Self(path.to_path_buf()))
    }
}

impl Drop for PortFile {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.0) {
            tracing::debug!(%error, "the port file is gone already");
        }
    }
}
