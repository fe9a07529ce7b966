//! `member.*`

use spaces_api::methods::member::{
    BanList, BanParams, ListParams, MemberParams, Members, MuteParams, SetRoleParams,
};
use spaces_api::{
    Delivery, ErrorKind, RpcError, ServerRef, Timestamp, UserRef, WriteParams, Written,
};

use crate::operation::Operation;
use crate::row::Identity;
use crate::rpc::Call;
use crate::rpc::reference::{self, cache_failed};

pub(super) fn list(call: &Call, params: ListParams) -> Result<Members, RpcError> {
    let server = reference::server(&call.daemon, params.server.as_ref())?;
    Ok(Members {
        members: call
            .daemon
            .cache
            .members(server.id)
            .map_err(|error| cache_failed(&error))?,
        meta: call.daemon.meta(),
    })
}

pub(super) fn bans(call: &Call, params: ListParams) -> Result<BanList, RpcError> {
    let server = reference::server(&call.daemon, params.server.as_ref())?;
    let bans = call
        .daemon
        .cache
        .bans(Some(server.id), call.daemon.hub_time());
    Ok(BanList {
        bans: bans.map_err(|error| cache_failed(&error))?,
        meta: call.daemon.meta(),
    })
}

pub(super) async fn set_role(call: &Call, params: SetRoleParams) -> Result<Written, RpcError> {
    let (server_id, user) = find(call, params.server.as_ref(), &params.user)?;
    let operation = Operation::SetMemberRole {
        server_id,
        user,
        role: params.role,
    };
    act(call, &params.delivery(), operation).await
}

pub(super) async fn kick(call: &Call, params: MemberParams) -> Result<Written, RpcError> {
    let (server_id, user) = find(call, params.server.as_ref(), &params.user)?;
    act(
        call,
        &params.delivery(),
        Operation::Kick { server_id, user },
    )
    .await
}

pub(super) async fn ban(call: &Call, params: BanParams) -> Result<Written, RpcError> {
    let (server_id, user) = find(call, params.server.as_ref(), &params.user)?;
    let delivery = params.delivery();
    params.until.map_or(Ok(()), later)?;
    let operation = Operation::Ban {
        server_id,
        user,
        reason: params.reason,
        until: params.until,
    };
    act(call, &delivery, operation).await
}

pub(super) async fn unban(call: &Call, params: MemberParams) -> Result<Written, RpcError> {
    let (server_id, user) = find(call, params.server.as_ref(), &params.user)?;
    act(
        call,
        &params.delivery(),
        Operation::Unban { server_id, user },
    )
    .await
}

pub(super) async fn mute(call: &Call, params: MuteParams) -> Result<Written, RpcError> {
    let (server_id, user) = find(call, params.server.as_ref(), &params.user)?;
    later(params.until)?;
    let operation = Operation::Mute {
        server_id,
        user,
        until: params.until,
    };
    act(call, &params.delivery(), operation).await
}

pub(super) async fn unmute(call: &Call, params: MemberParams) -> Result<Written, RpcError> {
    let (server_id, user) = find(call, params.server.as_ref(), &params.user)?;
    act(
        call,
        &params.delivery(),
        Operation::Unmute { server_id, user },
    )
    .await
}

pub(super) async fn transfer_ownership(
    call: &Call,
    params: MemberParams,
) -> Result<Written, RpcError> {
    let (server_id, to) = find(call, params.server.as_ref(), &params.user)?;
    act(
        call,
        &params.delivery(),
        Operation::TransferOwnership { server_id, to },
    )
    .await
}

/// The hub first: while it is away, that is what the caller must know.
fn find(
    call: &Call,
    server: Option<&ServerRef>,
    user: &UserRef,
) -> Result<(u64, Identity), RpcError> {
    call.require_hub()?;
    let server = reference::server(&call.daemon, server)?;
    let (identity, _) = reference::user(&call.daemon, user)?;
    Ok((server.id, identity))
}

async fn act(call: &Call, delivery: &Delivery, operation: Operation) -> Result<Written, RpcError> {
    let receipt = call.administer(delivery, operation).await?;
    Ok(Written { receipt })
}

fn later(until: Timestamp) -> Result<(), RpcError> {
    if until > Timestamp::now() {
        return Ok(());
    }
    Err(RpcError::new(
        ErrorKind::InvalidParams,
        format!("`until` is {until}, which has passed"),
    ))
}
