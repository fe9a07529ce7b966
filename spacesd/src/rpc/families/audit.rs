//! `audit.*`

use spaces_api::RpcError;
use spaces_api::methods::audit::{Entries, ListParams};

use super::bounded;
use crate::rpc::Call;
use crate::rpc::reference::{self, cache_failed};

pub(super) fn list(call: &Call, params: ListParams) -> Result<Entries, RpcError> {
    let server = params
        .server
        .map(|server| reference::server(&call.daemon, Some(&server)))
        .transpose()?;
    let limit = bounded(params.limit, 50, 500)?;
    let entries = call
        .daemon
        .cache
        .audit(server.map(|server| server.id), params.before, limit);
    Ok(Entries {
        entries: entries.map_err(|error| cache_failed(&error))?,
        meta: call.daemon.meta(),
    })
}
