//! `inbox.*`

use spaces_api::methods::None;
use spaces_api::methods::inbox::{AckParams, Acked, Items, ListParams, UnreadCounts};
use spaces_api::{ErrorKind, RpcError};
use tokio::time::timeout;

use super::bounded;
use crate::rpc::Call;
use crate::rpc::reference::cache_failed;
use crate::rpc::write::WRITTEN_WITHIN;

pub(super) async fn list(call: &Call, params: ListParams) -> Result<Items, RpcError> {
    let cache = &call.daemon.cache;
    let limit = bounded(params.limit, 50, 500)?;
    let items = cache
        .inbox(params.all, params.before, limit)
        .map_err(|error| cache_failed(&error))?;
    let unread_items: Vec<u64> = items
        .iter()
        .filter(|item| !item.read)
        .map(|item| item.id)
        .collect();
    if params.ack && !unread_items.is_empty() {
        acknowledge(call, unread_items).await?;
    }
    Ok(Items {
        items,
        unread: cache.inbox_unread().map_err(|error| cache_failed(&error))?,
        meta: call.daemon.meta(),
    })
}

pub(super) async fn ack(call: &Call, params: AckParams) -> Result<Acked, RpcError> {
    let acked = acknowledge(call, params.ids).await?;
    Ok(Acked { acked })
}

async fn acknowledge(call: &Call, ids: Vec<u64>) -> Result<u64, RpcError> {
    let acked = call.daemon.cache.ack_inbox(ids);
    let (kind, why) = match timeout(WRITTEN_WITHIN, acked).await {
        Ok(Ok(acked)) => return Ok(acked),
        Ok(Err(_)) => (
            ErrorKind::Internal,
            "the cache is closed or being made anew".to_owned(),
        ),
        Err(_) => match call.daemon.cache.fault() {
            Some(fault) => (ErrorKind::DiskFull, fault),
            None => (ErrorKind::Busy, "the cache is busy".to_owned()),
        },
    };
    let message = format!("the items are not marked as read: {why}");
    Err(RpcError::new(kind, message).hint("try again later; until then they are shown as unread"))
}

pub(super) fn unread(call: &Call, _: None) -> Result<UnreadCounts, RpcError> {
    let cache = &call.daemon.cache;
    Ok(UnreadCounts {
        channels: cache.unread().map_err(|error| cache_failed(&error))?,
        inbox: cache.inbox_unread().map_err(|error| cache_failed(&error))?,
        meta: call.daemon.meta(),
    })
}
