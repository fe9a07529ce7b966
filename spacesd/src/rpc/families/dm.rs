//! `dm.*`

use spaces_api::methods::None;
use spaces_api::methods::dm::{ConversationList, ListParams, SendParams};
use spaces_api::methods::message::Page;
use spaces_api::{Method, RpcError, WriteParams, Written, methods as api};

use super::bounded;
use crate::cache::PageQuery;
use crate::operation::Operation;
use crate::rpc::reference::{self, cache_failed};
use crate::rpc::write::{Write, content};
use crate::rpc::{Call, history};

pub(super) async fn send(call: &Call, params: SendParams) -> Result<Written, RpcError> {
    let delivery = params.delivery();
    let daemon = &call.daemon;
    let content = content(&params.content)?;
    let (recipient, user) = reference::user(daemon, &params.to)?;
    let reply_to = params
        .reply_to
        .map(|message| reference::message_id(daemon, &message))
        .transpose()?;
    let context = call.place(params.cwd, params.context).await?;
    let write = Write {
        method: api::dm::Send::NAME,
        target: format!("@{}", user.username),
        operation: Operation::SendDirectMessage {
            recipient,
            reply_to,
            content,
            context,
        },
    };
    let receipt = call.write(&delivery, write).await?;
    Ok(Written { receipt })
}

pub(super) async fn list(call: &Call, params: ListParams) -> Result<Page, RpcError> {
    let daemon = &call.daemon;
    let (with, _) = reference::user(daemon, &params.with)?;
    let channel = daemon.cache.dm_channel(&with);
    let query = PageQuery {
        // Before the first message there is no channel, and number 0 is none.
        channel_id: channel.map_err(|error| cache_failed(&error))?.unwrap_or(0),
        before: params.before,
        after: params.after,
        limit: bounded(params.limit, 50, 500)?,
        ..PageQuery::default()
    };
    let page = daemon.overlay().direct_messages(with, &query);
    let page = page.map_err(|error| cache_failed(&error))?;
    history::complete(daemon, &query, page).await
}

pub(super) fn conversations(call: &Call, _: None) -> Result<ConversationList, RpcError> {
    Ok(ConversationList {
        conversations: call
            .daemon
            .overlay()
            .conversations()
            .map_err(|error| cache_failed(&error))?,
        meta: call.daemon.meta(),
    })
}
