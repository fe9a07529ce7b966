//! `thread.*`

use spaces_api::methods::thread::{CreateParams, Created, ListParams, ThreadParams, Threads};
use spaces_api::{RpcError, WriteParams, Written};
use spaces_domain::names::check_thread_name;

use crate::operation::Operation;
use crate::rpc::Call;
use crate::rpc::reference::{self, cache_failed};
use crate::rpc::write::{checked, without_secret};

pub(super) fn list(call: &Call, params: ListParams) -> Result<Threads, RpcError> {
    let channel = reference::channel(&call.daemon, &params.channel)?.channel;
    let threads = call.daemon.cache.threads(channel.id, params.all);
    Ok(Threads {
        threads: threads.map_err(|error| cache_failed(&error))?,
        meta: call.daemon.meta(),
    })
}

pub(super) async fn create(call: &Call, params: CreateParams) -> Result<Created, RpcError> {
    call.require_hub()?;
    checked(check_thread_name(&params.name))?;
    without_secret("the name", &params.name)?;
    let channel_id = reference::channel(&call.daemon, &params.channel)?
        .channel
        .id;
    let operation = Operation::CreateThread {
        channel_id,
        name: params.name.clone(),
    };
    let receipt = call.administer(&params.delivery(), operation).await?;
    let thread = call
        .shown("thread", &receipt, || {
            let found = call.daemon.cache.resolve_thread(channel_id, &params.name);
            Ok(found.map_err(|error| cache_failed(&error))?.one())
        })
        .await?;
    Ok(Created { thread, receipt })
}

pub(super) async fn archive(call: &Call, params: ThreadParams) -> Result<Written, RpcError> {
    let operation = Operation::ArchiveThread {
        thread_id: params.id,
    };
    let receipt = call.administer(&params.delivery(), operation).await?;
    Ok(Written { receipt })
}

pub(super) async fn unarchive(call: &Call, params: ThreadParams) -> Result<Written, RpcError> {
    let operation = Operation::UnarchiveThread {
        thread_id: params.id,
    };
    let receipt = call.administer(&params.delivery(), operation).await?;
    Ok(Written { receipt })
}
