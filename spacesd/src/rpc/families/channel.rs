//! `channel.*`

use spaces_api::methods::channel::{
    ArchiveParams, ChannelMembers, ChannelParams, Channels, CreateParams, Created, ListParams,
    MemberParams, MembersParams, UpdateParams,
};
use spaces_api::model::{ChannelType, User, Visibility};
use spaces_api::{ChannelRef, ErrorKind, RpcError, WriteParams, Written};
use spaces_domain::names::check_channel_name;

use crate::cache::CacheError;
use crate::operation::Operation;
use crate::row::Identity;
use crate::rpc::Call;
use crate::rpc::reference::{self, cache_failed};
use crate::rpc::write::checked;

pub(super) fn list(call: &Call, params: ListParams) -> Result<Channels, RpcError> {
    let server = params
        .server
        .map(|server| reference::server(&call.daemon, Some(&server)))
        .transpose()?;
    let channels = call
        .daemon
        .cache
        .channels(server.map(|server| server.id), params.all);
    Ok(Channels {
        channels: channels.map_err(|error| cache_failed(&error))?,
        meta: call.daemon.meta(),
    })
}

pub(super) async fn create(call: &Call, params: CreateParams) -> Result<Created, RpcError> {
    call.require_hub()?;
    let delivery = params.delivery();
    let name = params.name.trim_start_matches('#').to_owned();
    checked(check_channel_name(&name))?;
    let server = reference::server(&call.daemon, params.server.as_ref())?;
    let operation = Operation::CreateChannel {
        server_id: server.id,
        name: name.clone(),
        channel_type: params.channel_type.unwrap_or(ChannelType::Text),
        visibility: params.visibility.unwrap_or(Visibility::Open),
        topic: params.topic,
    };
    let receipt = call.administer(&delivery, operation).await?;
    let channel = call
        .shown("channel", &receipt, || {
            let channels = call.daemon.cache.channels(Some(server.id), true);
            let channels = channels.map_err(|error| cache_failed(&error))?;
            Ok(channels.into_iter().find(|channel| channel.name == name))
        })
        .await?;
    Ok(Created { channel, receipt })
}

pub(super) async fn update(call: &Call, params: UpdateParams) -> Result<Written, RpcError> {
    let delivery = params.delivery();
    let name = params
        .name
        .map(|name| name.trim_start_matches('#').to_owned());
    name.as_deref()
        .map_or(Ok(()), |name| checked(check_channel_name(name)))?;
    let channel_id = find(call, &params.channel)?;
    let operation = Operation::UpdateChannel {
        channel_id,
        name,
        topic: params.topic,
        position: params.position,
        slow_mode_secs: params.slow_mode_secs,
    };
    let receipt = call.administer(&delivery, operation).await?;
    Ok(Written { receipt })
}

pub(super) async fn archive(call: &Call, params: ArchiveParams) -> Result<Written, RpcError> {
    let channel_id = find(call, &params.channel)?;
    let operation = Operation::ArchiveChannel {
        channel_id,
        archived: params.archived,
    };
    let receipt = call.administer(&params.delivery(), operation).await?;
    Ok(Written { receipt })
}

pub(super) async fn delete(call: &Call, params: ChannelParams) -> Result<Written, RpcError> {
    let channel_id = find(call, &params.channel)?;
    let receipt = call
        .administer(&params.delivery(), Operation::DeleteChannel { channel_id })
        .await?;
    Ok(Written { receipt })
}

pub(super) fn members(call: &Call, params: MembersParams) -> Result<ChannelMembers, RpcError> {
    let cache = &call.daemon.cache;
    let facts = reference::channel(&call.daemon, &params.channel)?;
    let (members, users) = match (facts.channel.visibility, facts.peer) {
        (Visibility::Open, _) => (cache.members(facts.channel.server_id), Ok(Vec::new())),
        (Visibility::Private, Some(peer)) => (Ok(Vec::new()), both_ends(call, &peer)),
        (Visibility::Private, None) => {
            let message = format!(
                "who may read the private channel {} is not kept on this machine",
                facts.label
            );
            return Err(RpcError::new(ErrorKind::NotFound, message));
        }
    };
    Ok(ChannelMembers {
        members: members.map_err(|error| cache_failed(&error))?,
        users: users.map_err(|error| cache_failed(&error))?,
        meta: call.daemon.meta(),
    })
}

/// The two who read a direct conversation.
fn both_ends(call: &Call, peer: &Identity) -> Result<Vec<User>, CacheError> {
    let cache = &call.daemon.cache;
    let ends = cache.me().into_iter().chain([*peer]);
    let users = ends.map(|end| Ok(cache.resolve_user(&end.to_string().into())?.one()));
    let users: Result<Vec<_>, CacheError> = users.collect();
    Ok(users?.into_iter().flatten().map(|(_, user)| user).collect())
}

pub(super) async fn add_member(call: &Call, params: MemberParams) -> Result<Written, RpcError> {
    let channel_id = find(call, &params.channel)?;
    let (user, _) = reference::user(&call.daemon, &params.user)?;
    let receipt = call
        .administer(
            &params.delivery(),
            Operation::AddChannelMember { channel_id, user },
        )
        .await?;
    Ok(Written { receipt })
}

pub(super) async fn remove_member(call: &Call, params: MemberParams) -> Result<Written, RpcError> {
    let channel_id = find(call, &params.channel)?;
    let (user, _) = reference::user(&call.daemon, &params.user)?;
    let receipt = call
        .administer(
            &params.delivery(),
            Operation::RemoveChannelMember { channel_id, user },
        )
        .await?;
    Ok(Written { receipt })
}

/// The hub first: while it is away, that is what the caller must know.
fn find(call: &Call, channel: &ChannelRef) -> Result<u64, RpcError> {
    call.require_hub()?;
    Ok(reference::channel(&call.daemon, channel)?.channel.id)
}
