//! `audit.*`

use std::time::Duration;

use spaces_api::RpcError;
use spaces_api::methods::audit::{Entries, ListParams};
use spaces_api::model::{AuditEntry, Older};
use tokio::time::timeout;

use super::bounded;
use crate::row::AuditRow;
use crate::rpc::Call;
use crate::rpc::admin::not_answered;
use crate::rpc::reference::{self, cache_failed};
use crate::uplink::CallError;

/// How long the hub has to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);

/// From the cache, as long as that has enough; it has the newest of each server.
pub(super) async fn list(call: &Call, params: ListParams) -> Result<Entries, RpcError> {
    let server = params
        .server
        .map(|server| reference::server(&call.daemon, Some(&server)))
        .transpose()?;
    let server = server.map(|server| server.id);
    let limit = bounded(params.limit, 50, 500)?;
    let entries = call
        .daemon
        .cache
        .audit(server, params.before, limit)
        .map_err(|error| cache_failed(&error))?;
    let (entries, older) = match entries.len() == limit as usize {
        true => (entries, Older::More),
        false if !call.daemon.live() => (entries, Older::OnHub),
        false => {
            let servers = match server {
                Some(server) => vec![server],
                None => own_servers(call)?,
            };
            let asked = from_hub(call, &servers, params.before, limit as usize);
            match timeout(ANSWER_WITHIN, asked).await {
                Ok(Ok((rows, more))) => {
                    let entries = rows.into_iter().map(|row| entry(call, row)).collect();
                    (entries, if more { Older::More } else { Older::None })
                }
                Ok(Err(refused @ CallError::Refused(_))) => return Err(not_answered(refused)),
                Ok(Err(_)) | Err(_) => (entries, Older::OnHub),
            }
        }
    };
    Ok(Entries {
        entries,
        older,
        meta: call.daemon.meta(),
    })
}

fn own_servers(call: &Call) -> Result<Vec<u64>, RpcError> {
    let servers = call.daemon.cache.servers();
    let servers = servers.map_err(|error| cache_failed(&error))?;
    let own = servers.iter().filter(|server| server.my_role.is_some());
    Ok(own.map(|server| server.id).collect())
}

/// The newest of these entries on the hub, and whether it has more of them. Of
/// several servers those count where the caller may read them.
async fn from_hub(
    call: &Call,
    servers: &[u64],
    before: Option<u64>,
    limit: usize,
) -> Result<(Vec<AuditRow>, bool), CallError> {
    let (mut rows, mut more) = (Vec::new(), false);
    let mut refused = Vec::new();
    for server in servers {
        match call.daemon.uplink.audit(*server, before, limit).await {
            Ok((found, has_more)) => {
                rows.extend(found);
                more |= has_more;
            }
            Err(refusal @ CallError::Refused(_)) => refused.push(refusal),
            Err(error) => return Err(error),
        }
    }
    if refused.len() == servers.len()
        && let Some(refusal) = refused.pop()
    {
        return Err(refusal);
    }
    rows.sort_by_key(|row| std::cmp::Reverse(row.id));
    more |= rows.len() > limit;
    rows.truncate(limit);
    Ok((rows, more))
}

fn entry(call: &Call, row: AuditRow) -> AuditEntry {
    let identity = row.actor.to_string();
    let actor = reference::user(&call.daemon, &identity.as_str().into());
    AuditEntry {
        id: row.id,
        server_id: row.server_id,
        actor: actor.map_or(identity, |(_, user)| user.username),
        action: row.action,
        target: row.target,
        detail: row.detail,
        at: row.at,
    }
}
