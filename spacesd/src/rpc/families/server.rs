//! `server.*`

use spaces_api::methods::None;
use spaces_api::methods::server::{CreateParams, Created, ServerParams, Servers, UpdateParams};
use spaces_api::model::Visibility;
use spaces_api::{RpcError, ServerRef, WriteParams, Written};
use spaces_domain::names::check_server_name;

use crate::operation::Operation;
use crate::rpc::Call;
use crate::rpc::reference::{self, cache_failed};
use crate::rpc::write::{checked, without_secret};

pub(super) fn list(call: &Call, _: None) -> Result<Servers, RpcError> {
    Ok(Servers {
        servers: call
            .daemon
            .cache
            .servers()
            .map_err(|error| cache_failed(&error))?,
        meta: call.daemon.meta(),
    })
}

pub(super) async fn create(call: &Call, params: CreateParams) -> Result<Created, RpcError> {
    let delivery = params.delivery();
    checked(check_server_name(&params.name))?;
    without_secret("the name", &params.name)?;
    let operation = Operation::CreateServer {
        name: params.name.clone(),
        description: params.description,
        visibility: params.visibility.unwrap_or(Visibility::Open),
    };
    let receipt = call.administer(&delivery, operation).await?;
    let server = call
        .shown("server", &receipt, || {
            let servers = call
                .daemon
                .cache
                .servers()
                .map_err(|error| cache_failed(&error))?;
            Ok(servers
                .into_iter()
                .find(|server| server.name == params.name))
        })
        .await?;
    Ok(Created { server, receipt })
}

pub(super) async fn update(call: &Call, params: UpdateParams) -> Result<Written, RpcError> {
    let delivery = params.delivery();
    params.name.as_deref().map_or(Ok(()), |name| {
        checked(check_server_name(name))?;
        without_secret("the name", name)
    })?;
    let operation = Operation::UpdateServer {
        server_id: find(call, &params.server)?,
        name: params.name,
        description: params.description,
        icon_url: params.icon_url,
    };
    let receipt = call.administer(&delivery, operation).await?;
    Ok(Written { receipt })
}

pub(super) async fn delete(call: &Call, params: ServerParams) -> Result<Written, RpcError> {
    let server_id = find(call, &params.server)?;
    let receipt = call
        .administer(&params.delivery(), Operation::DeleteServer { server_id })
        .await?;
    Ok(Written { receipt })
}

pub(super) async fn join(call: &Call, params: ServerParams) -> Result<Written, RpcError> {
    let server_id = find(call, &params.server)?;
    let receipt = call
        .administer(&params.delivery(), Operation::JoinServer { server_id })
        .await?;
    Ok(Written { receipt })
}

pub(super) async fn leave(call: &Call, params: ServerParams) -> Result<Written, RpcError> {
    let server_id = find(call, &params.server)?;
    let receipt = call
        .administer(&params.delivery(), Operation::LeaveServer { server_id })
        .await?;
    Ok(Written { receipt })
}

/// The hub first: while it is away, that is what the caller must know.
fn find(call: &Call, server: &ServerRef) -> Result<u64, RpcError> {
    call.require_hub()?;
    Ok(reference::server(&call.daemon, Some(server))?.id)
}
