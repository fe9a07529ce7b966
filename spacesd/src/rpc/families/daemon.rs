//! `daemon.*`

use std::time::Duration;

use spaces_api::methods::None;
use spaces_api::methods::daemon::{DrainParams, Drained, Pong, Reloaded};
use spaces_api::model::DaemonStatus;
use spaces_api::{ErrorKind, PROTOCOL, RpcError, Timestamp, VERSION};

use crate::rpc::Call;

const DEFAULT_DRAIN: Duration = Duration::from_secs(5);

pub(super) fn status(call: &Call, _: None) -> Result<DaemonStatus, RpcError> {
    Ok(call.daemon.status())
}

pub(super) fn ping(call: &Call, _: None) -> Result<Pong, RpcError> {
    Ok(Pong {
        version: VERSION.to_owned(),
        protocol: PROTOCOL,
        pid: std::process::id(),
        at: Timestamp::now(),
        meta: call.daemon.meta(),
    })
}

pub(super) async fn reload(call: &Call, _: None) -> Result<Reloaded, RpcError> {
    let settings = call.daemon.settings.clone();
    let outcome = tokio::task::spawn_blocking(move || settings.reload()).await;
    let changed = outcome
        .map_err(|error| {
            RpcError::new(
                ErrorKind::Internal,
                format!("the configuration was not read: {error}"),
            )
        })?
        .map_err(|problems| {
            RpcError::new(
                ErrorKind::InvalidParams,
                format!("the configuration has mistakes, all stays as it was:\n{problems}"),
            )
            .hint("correct the file; `spacesd --check-config` checks it")
        })?;
    Ok(Reloaded {
        applied: changed.applied,
        needs_restart: changed.needs_restart,
    })
}

pub(super) fn reconnect(call: &Call, params: None) -> Result<Pong, RpcError> {
    call.daemon.uplink.reconnect();
    ping(call, params)
}

pub(super) async fn drain(call: &Call, params: DrainParams) -> Result<Drained, RpcError> {
    let limit = params
        .timeout_ms
        .map_or(DEFAULT_DRAIN, Duration::from_millis);
    if !params.stay {
        call.daemon.accept_no_more();
    }
    call.daemon.hasten();
    let still_queued = call.daemon.outbox.flush(limit).await;
    if !params.stay {
        call.daemon.stop();
    }
    Ok(Drained { still_queued })
}
