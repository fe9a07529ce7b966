//! `message.*`

use spaces_api::methods::message::{
    EditParams, Hits, ListParams, MessageParams, Page, ReactParams, SearchParams, SendParams,
    ShowParams, Shown,
};
use spaces_api::model::MessageKind;
use spaces_api::{Delivery, ErrorKind, Method, RpcError, WriteParams, Written, methods as api};
use spaces_domain::content::check_emoji;

use super::bounded;
use crate::cache::PageQuery;
use crate::cache::query::search::SearchQuery;
use crate::operation::Operation;
use crate::rpc::destination::Destination;
use crate::rpc::reference::{self, cache_failed};
use crate::rpc::write::{Write, checked, content};
use crate::rpc::{Call, history};

pub(super) async fn send(call: &Call, params: SendParams) -> Result<Written, RpcError> {
    let delivery = params.delivery();
    let daemon = &call.daemon;
    let content = content(&params.content)?;
    let destination = Destination::named(daemon, &params.channel)?;
    let kind = params.kind.unwrap_or(MessageKind::Text);
    destination.check_post(daemon, kind, &delivery)?;
    let reply_to = params
        .reply_to
        .map(|message| reference::message_id(daemon, &message))
        .transpose()?;
    let context = call.place(params.cwd, params.context).await?;
    let write = Write {
        method: api::message::Send::NAME,
        target: destination.label.clone(),
        operation: Operation::SendMessage {
            channel_id: destination.channel_id,
            thread_id: params.thread_id,
            reply_to,
            kind,
            content,
            context,
        },
    };
    let receipt = call.write(&delivery, write).await?;
    Ok(Written { receipt })
}

pub(super) async fn list(call: &Call, params: ListParams) -> Result<Page, RpcError> {
    let daemon = &call.daemon;
    let author = params
        .author
        .map(|author| reference::user(daemon, &author))
        .transpose()?;
    let facts = reference::channel(daemon, &params.channel)?;
    let query = PageQuery {
        channel_id: facts.channel.id,
        thread_id: params.thread_id,
        before: params.before,
        after: params.after,
        author: author.map(|(identity, _)| identity),
        kind: params.kind,
        limit: bounded(params.limit, 50, 500)?,
    };
    let page = daemon.overlay().messages(&query, facts.peer);
    let page = page.map_err(|error| cache_failed(&error))?;
    history::complete(daemon, &query, page).await
}

pub(super) fn show(call: &Call, params: ShowParams) -> Result<Shown, RpcError> {
    let found = call
        .daemon
        .overlay()
        .message(&params.message)
        .map_err(|error| cache_failed(&error))?;
    let message = found.ok_or_else(|| {
        reference::absent(
            &call.daemon,
            format!("no message `{}` is known here", params.message),
        )
    })?;
    Ok(Shown {
        message,
        meta: call.daemon.meta(),
    })
}

pub(super) fn search(call: &Call, params: SearchParams) -> Result<Hits, RpcError> {
    let daemon = &call.daemon;
    if params.query.trim().is_empty() {
        return Err(
            RpcError::new(ErrorKind::InvalidParams, "the query is empty")
                .hint("words, \"a phrase\", or prefix*"),
        );
    }
    let channel = params
        .channel
        .map(|channel| reference::channel(daemon, &channel))
        .transpose()?;
    let author = params
        .author
        .map(|author| reference::user(daemon, &author))
        .transpose()?;
    let query = SearchQuery {
        text: params.query,
        channel_id: channel.map(|facts| facts.channel.id),
        author: author.map(|(identity, _)| identity),
        kind: params.kind,
        repo: params.repo,
        branch: params.branch,
        since: params.since,
        limit: bounded(params.limit, 20, 200)?,
    };
    Ok(Hits {
        hits: daemon
            .cache
            .search(&query)
            .map_err(|error| cache_failed(&error))?,
        meta: daemon.meta(),
    })
}

pub(super) async fn edit(call: &Call, params: EditParams) -> Result<Written, RpcError> {
    let message_id = reference::message_id(&call.daemon, &params.message)?;
    let content = content(&params.content)?;
    let operation = Operation::EditMessage {
        message_id,
        content,
    };
    change(
        call,
        &params.delivery(),
        api::message::Edit::NAME,
        message_id,
        operation,
    )
    .await
}

pub(super) async fn delete(call: &Call, params: MessageParams) -> Result<Written, RpcError> {
    let message_id = reference::message_id(&call.daemon, &params.message)?;
    let operation = Operation::DeleteMessage { message_id };
    change(
        call,
        &params.delivery(),
        api::message::Delete::NAME,
        message_id,
        operation,
    )
    .await
}

pub(super) async fn react(call: &Call, params: ReactParams) -> Result<Written, RpcError> {
    let message_id = reference::message_id(&call.daemon, &params.message)?;
    checked(check_emoji(&params.emoji))?;
    let delivery = params.delivery();
    let operation = Operation::AddReaction {
        message_id,
        emoji: params.emoji,
    };
    change(
        call,
        &delivery,
        api::message::React::NAME,
        message_id,
        operation,
    )
    .await
}

pub(super) async fn unreact(call: &Call, params: ReactParams) -> Result<Written, RpcError> {
    let message_id = reference::message_id(&call.daemon, &params.message)?;
    checked(check_emoji(&params.emoji))?;
    let delivery = params.delivery();
    let operation = Operation::RemoveReaction {
        message_id,
        emoji: params.emoji,
    };
    change(
        call,
        &delivery,
        api::message::Unreact::NAME,
        message_id,
        operation,
    )
    .await
}

async fn change(
    call: &Call,
    delivery: &Delivery,
    method: &'static str,
    message_id: u64,
    operation: Operation,
) -> Result<Written, RpcError> {
    let target = format!("message {message_id}");
    let receipt = call
        .write(
            delivery,
            Write {
                method,
                target,
                operation,
            },
        )
        .await?;
    Ok(Written { receipt })
}
