//! Listening, and stopping without losing anything.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;

use crate::data_dir::write_atomically;
use crate::http::{self, Hub};

/// How long requests and connections may take to end when the hub stops.
const DRAIN_DEADLINE: Duration = Duration::from_secs(5);

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
/// When the port file cannot be written or the listener fails.
pub async fn until_signal(
    hub: &Arc<Hub>,
    listener: TcpListener,
    port_file: Option<&Path>,
) -> anyhow::Result<()> {
    let address = listener.local_addr()?;
    let stopping = hub.stopping.clone();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;

    // Small messages must not wait for the acknowledgement of earlier ones.
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "could not set TCP_NODELAY");
        }
    });
    let server = axum::serve(listener, http::router(hub.clone()))
        .with_graceful_shutdown(stopping.clone().cancelled_owned())
        .into_future();
    let mut server = tokio::spawn(server);

    let _port_file = port_file
        .map(|path| PortFile::write(path, address.port()))
        .transpose()?;
    tracing::info!(%address, database = %hub.name, "the hub is ready");

    tokio::select! {
        _ = terminate.recv() => tracing::info!("SIGTERM: the hub stops"),
        _ = interrupt.recv() => tracing::info!("SIGINT: the hub stops"),
        ended = &mut server => {
            return ended.context("the listener crashed")?.context("the listener failed");
        }
    }
    stopping.cancel();
    hub.connections.close();
    let drained = timeout(DRAIN_DEADLINE, async {
        hub.connections.wait().await;
        server.await
    })
    .await;
    if drained.is_err() {
        tracing::warn!(
            seconds = DRAIN_DEADLINE.as_secs(),
            "some requests did not end in time and are cut off"
        );
    }
    Ok(())
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
