//! `note.*`

use spaces_api::methods::note::{DoneParams, LeaveParams, ListParams, Notes};
use spaces_api::model::MessageKind;
use spaces_api::{Method, RpcError, WriteParams, Written, methods as api};

use super::bounded;
use crate::cache::query::note::NoteQuery;
use crate::operation::Operation;
use crate::rpc::Call;
use crate::rpc::destination::Destination;
use crate::rpc::reference::{self, cache_failed};
use crate::rpc::write::{Write, content};

pub(super) async fn leave(call: &Call, params: LeaveParams) -> Result<Written, RpcError> {
    let delivery = params.delivery();
    let content = content(&params.content)?;
    let destination = Destination::agent_log(&call.daemon, params.channel.as_ref())?;
    destination.check_post(&call.daemon, MessageKind::Note, &delivery)?;
    let context = call.place(params.cwd, params.context).await?;
    let write = Write {
        method: api::note::Leave::NAME,
        target: destination.label.clone(),
        operation: Operation::LeaveNote {
            channel_id: destination.channel_id,
            content,
            context,
        },
    };
    let receipt = call.write(&delivery, write).await?;
    Ok(Written { receipt })
}

pub(super) async fn list(call: &Call, params: ListParams) -> Result<Notes, RpcError> {
    let query = NoteQuery {
        place: call.place(params.cwd, params.context).await?,
        done_too: params.all,
        limit: bounded(params.limit, 50, 200)?,
    };
    Ok(Notes {
        notes: call
            .daemon
            .overlay()
            .notes(&query)
            .map_err(|error| cache_failed(&error))?,
        meta: call.daemon.meta(),
    })
}

pub(super) async fn done(call: &Call, params: DoneParams) -> Result<Written, RpcError> {
    let message_id = reference::message_id(&call.daemon, &params.note)?;
    let write = Write {
        method: api::note::Done::NAME,
        target: format!("note {message_id}"),
        operation: Operation::ResolveNote { message_id },
    };
    let receipt = call.write(&params.delivery(), write).await?;
    Ok(Written { receipt })
}
