//! `outbox.*`

use std::time::Duration;

use spaces_api::methods::outbox::{FlushParams, Flushed, Items, KeyParams, ListParams, Shown};
use spaces_api::{ErrorKind, Receipt, RpcError};
use uuid::Uuid;

use super::bounded;
use crate::outbox::ItemError;
use crate::rpc::Call;
use crate::rpc::write::not_accepted;

const DEFAULT_FLUSH: Duration = Duration::from_secs(10);
const LONGEST_FLUSH: Duration = Duration::from_secs(60);

pub(super) async fn list(call: &Call, params: ListParams) -> Result<Items, RpcError> {
    let limit = bounded(params.limit, 100, 1000)?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    Ok(Items {
        items: call.daemon.outbox.list(params.rejected, limit).await,
        status: call.daemon.outbox.status(),
    })
}

pub(super) async fn show(call: &Call, params: KeyParams) -> Result<Shown, RpcError> {
    let receipt = call.daemon.outbox.receipt(params.client_key).await;
    let receipt = receipt.ok_or_else(|| failed(params.client_key, &ItemError::Unknown))?;
    shown(call, receipt).await
}

pub(super) async fn retry(call: &Call, params: KeyParams) -> Result<Shown, RpcError> {
    let receipt = call.daemon.outbox.retry(params.client_key).await;
    let receipt = receipt.map_err(|error| failed(params.client_key, &error))?;
    call.daemon.hasten();
    shown(call, receipt).await
}

pub(super) async fn discard(call: &Call, params: KeyParams) -> Result<Shown, RpcError> {
    let receipt = call.daemon.outbox.discard(params.client_key).await;
    shown(
        call,
        receipt.map_err(|error| failed(params.client_key, &error))?,
    )
    .await
}

pub(super) async fn flush(call: &Call, params: FlushParams) -> Result<Flushed, RpcError> {
    let limit = params
        .timeout_ms
        .map_or(DEFAULT_FLUSH, Duration::from_millis);
    if limit > LONGEST_FLUSH {
        let message = format!(
            "timeout_ms is {}; at most {} is waited",
            limit.as_millis(),
            LONGEST_FLUSH.as_millis()
        );
        return Err(RpcError::new(ErrorKind::InvalidParams, message));
    }
    call.daemon.hasten();
    Ok(Flushed {
        still_queued: call.daemon.outbox.flush(limit).await,
    })
}

async fn shown(call: &Call, receipt: Receipt) -> Result<Shown, RpcError> {
    let item = call.daemon.outbox.item(receipt.client_key).await;
    Ok(Shown { receipt, item })
}

fn failed(key: Uuid, error: &ItemError) -> RpcError {
    match error {
        ItemError::Unknown => RpcError::new(ErrorKind::NotFound, format!("{error}: {key}"))
            .hint("receipts are kept for 30 days after the write was sent"),
        ItemError::WrongState { .. } => RpcError::new(ErrorKind::Conflict, format!("{error}: {key}"))
            .hint("outbox.retry is for rejected writes; outbox.drop for rejected ones and those that were never tried"),
        ItemError::Store(error) => not_accepted(error),
    }
}
