//! `read.*`

use spaces_api::methods::read::MarkParams;
use spaces_api::{ErrorKind, Method, RpcError, WriteParams, Written, methods as api};
use tokio::time::timeout;

use crate::operation::Operation;
use crate::rpc::Call;
use crate::rpc::reference::{self, cache_failed};
use crate::rpc::write::{WRITTEN_WITHIN, Write};

pub(super) async fn mark(call: &Call, params: MarkParams) -> Result<Written, RpcError> {
    let daemon = &call.daemon;
    let facts = reference::channel(daemon, &params.channel)?;
    let channel_id = facts.channel.id;
    let newest = match params.seq {
        Some(seq) => Some(seq),
        None => daemon
            .cache
            .newest_seq(channel_id)
            .map_err(|error| cache_failed(&error))?,
    };
    let Some(seq) = newest else {
        return Err(RpcError::new(
            ErrorKind::NotFound,
            format!("no message of {} is known here", facts.label),
        )
        .hint("there is nothing to mark as read"));
    };
    let write = Write {
        method: api::read::Mark::NAME,
        target: facts.label,
        operation: Operation::MarkRead { channel_id, seq },
    };
    let receipt = call.write(&params.delivery(), write).await?;
    // Shown here at once; a cache that is made anew or that has no room learns of
    // it from the hub.
    let _ = timeout(WRITTEN_WITHIN, daemon.cache.mark_read(channel_id, seq)).await;
    Ok(Written { receipt })
}
