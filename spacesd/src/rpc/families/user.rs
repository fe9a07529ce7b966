//! `user.*`

use spaces_api::methods::None;
use spaces_api::methods::user::{
    ListParams, RegisterAgentParams, Registered, SetProfileParams, ShowParams, Shown, Users, Whoami,
};
use spaces_api::{ErrorKind, Method, RpcError, WriteParams, Written, methods as api};
use spaces_domain::names::{check_agent_name, check_username};

use super::bounded;
use crate::operation::Operation;
use crate::rpc::Call;
use crate::rpc::reference::{self, cache_failed};
use crate::rpc::write::{Write, checked};

pub(super) fn me(call: &Call, _: None) -> Result<Whoami, RpcError> {
    let me = call
        .daemon
        .cache
        .whoami()
        .map_err(|error| cache_failed(&error))?;
    let me = me.ok_or_else(|| {
        RpcError::new(ErrorKind::NotReady, "the hub has not shown you yet")
            .hint("try again in a moment")
    })?;
    Ok(Whoami {
        user: me.user,
        agents: me.agents,
        memberships: me.memberships,
        meta: call.daemon.meta(),
    })
}

pub(super) fn show(call: &Call, params: ShowParams) -> Result<Shown, RpcError> {
    let (identity, user) = reference::user(&call.daemon, &params.user)?;
    Ok(Shown {
        user,
        agents: call
            .daemon
            .cache
            .agents(&identity)
            .map_err(|error| cache_failed(&error))?,
        meta: call.daemon.meta(),
    })
}

pub(super) fn list(call: &Call, params: ListParams) -> Result<Users, RpcError> {
    let limit = bounded(params.limit, 200, 1000)?;
    Ok(Users {
        users: call
            .daemon
            .cache
            .users(params.online, limit)
            .map_err(|error| cache_failed(&error))?,
        meta: call.daemon.meta(),
    })
}

pub(super) async fn set_profile(
    call: &Call,
    params: SetProfileParams,
) -> Result<Written, RpcError> {
    let delivery = params.delivery();
    params
        .username
        .as_deref()
        .map_or(Ok(()), |name| checked(check_username(name)))?;
    let method = api::user::SetProfile::NAME;
    let mut writes = Vec::new();
    if let Some(text) = params.status_text {
        // An empty text takes the status away.
        let text = Some(text).filter(|text| !text.is_empty());
        let operation = Operation::SetStatus { text };
        writes.push(Write {
            method,
            target: "your status".into(),
            operation,
        });
    }
    let profile = [
        &params.username,
        &params.display_name,
        &params.bio,
        &params.avatar_url,
    ];
    if profile.iter().any(|field| field.is_some()) {
        let operation = Operation::SetProfile {
            username: params.username,
            display_name: params.display_name,
            bio: params.bio,
            avatar_url: params.avatar_url,
        };
        writes.push(Write {
            method,
            target: "your profile".into(),
            operation,
        });
    }
    if writes.is_empty() {
        return Err(
            RpcError::new(ErrorKind::InvalidParams, "nothing to change was given")
                .hint("give username, display_name, bio, avatar_url or status_text"),
        );
    }
    let receipts = call.write_all(&delivery, writes).await?;
    let receipt = receipts.into_iter().next_back();
    let receipt =
        receipt.ok_or_else(|| RpcError::new(ErrorKind::Internal, "a write has no receipt"))?;
    Ok(Written { receipt })
}

pub(super) async fn register_agent(
    call: &Call,
    params: RegisterAgentParams,
) -> Result<Registered, RpcError> {
    checked(check_agent_name(&params.name))?;
    let address = format!("@{}/{}", call.daemon.username(), params.name);
    let delivery = params.delivery();
    let write = Write {
        method: api::user::RegisterAgent::NAME,
        target: address.clone(),
        operation: Operation::RegisterAgent {
            name: params.name,
            tool: params.tool,
            description: params.description,
        },
    };
    let receipt = call.write(&delivery, write).await?;
    Ok(Registered { address, receipt })
}
