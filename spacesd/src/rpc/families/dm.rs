//! `dm.*`

use spaces_api::methods::None;
use spaces_api::methods::dm::{ConversationList, ListParams, SendParams};
use spaces_api::methods::message::Page;
use spaces_api::{Method, RpcError, WriteParams, Written, methods as api};

use super::{bounded, message};
use crate::operation::Operation;
use crate::rpc::Call;
use crate::rpc::reference::{self, cache_failed};
use crate::rpc::write::{Write, content};

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

pub(super) fn list(call: &Call, params: ListParams) -> Result<Page, RpcError> {
    let (with, _) = reference::user(&call.daemon, &params.with)?;
    let limit = bounded(params.limit, 50, 500)?;
    let page = call
        .daemon
        .overlay()
        .direct_messages(with, params.before, params.after, limit)
        .map_err(|error| cache_failed(&error))?;
    Ok(message::shown_page(call, page))
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
