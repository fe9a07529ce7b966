//! `session.*`

use spaces_api::methods::None as Nothing;
use spaces_api::methods::session::{
    EndParams, Ended, ListParams, SessionId, Sessions, Shown, StartParams, Started, UpdateParams,
};
use spaces_api::model::{Context, MessageKind, Session, SessionState};
use spaces_api::{
    ErrorKind, Method, ReceiptState, RpcError, Timestamp, WriteParams, Written, methods as api,
};
use spaces_domain::content::{check_line, check_paths};
use spaces_domain::limits::TOOL_CHARS;
use spaces_domain::names::check_agent_name;
use uuid::Uuid;

use super::bounded;
use crate::agent_name;
use crate::cache::query::session::SessionQuery;
use crate::operation::Operation;
use crate::rpc::Call;
use crate::rpc::destination::Destination;
use crate::rpc::reference::{self, cache_failed};
use crate::rpc::write::{Write, checked, content, prose};

/// Longest id of a session, in characters.
const ID_CHARS: usize = 128;

/// What `session.show` gives of what the session wrote.
const SHOWN_MESSAGES: u32 = 50;

pub(super) async fn start(call: &Call, params: StartParams) -> Result<Started, RpcError> {
    let delivery = params.delivery();
    let daemon = &call.daemon;
    let id = match &params.id {
        Some(id) => checked_id(call, id)?,
        None => Uuid::now_v7().to_string(),
    };
    checked(check_line("a tool's name", &params.tool, TOOL_CHARS))?;
    let context = call.place_with_changes(params.cwd, params.context).await?;
    let agent = params
        .agent
        .unwrap_or_else(|| agent_name::derive(&params.tool, &context));
    // An address of one's own may be given whole.
    let agent = agent.rsplit('/').next().unwrap_or(&agent).to_owned();
    checked(check_agent_name(&agent))?;
    let task = prose(params.task);
    let write = Write {
        method: api::session::Start::NAME,
        target: format!("session {id}"),
        operation: Operation::StartSession {
            id: id.clone(),
            agent: agent.clone(),
            tool: params.tool.clone(),
            task: task.clone(),
            context: context.clone(),
        },
    };
    let receipt = call.write(&delivery, write).await?;
    daemon.sessions.heard_of(&id);
    let now = Timestamp::now();
    let owner = daemon.username();
    let session = Session {
        id,
        agent: format!("@{owner}/{agent}"),
        owner,
        tool: params.tool,
        context,
        task,
        state: SessionState::Active,
        started_at: now,
        last_seen: now,
        ended_at: None,
        pending: receipt.state != ReceiptState::Sent,
    };
    Ok(Started { session, receipt })
}

pub(super) fn heartbeat(call: &Call, params: SessionId) -> Result<Nothing, RpcError> {
    call.daemon
        .sessions
        .heard_of(&checked_id(call, &params.id)?);
    Ok(Nothing {})
}

pub(super) async fn update(call: &Call, params: UpdateParams) -> Result<Written, RpcError> {
    let delivery = params.delivery();
    let id = checked_id(call, &params.id)?;
    if params.state == Some(SessionState::Ended) {
        return Err(
            RpcError::new(ErrorKind::InvalidParams, "a session is not set to `ended`")
                .hint("use session.end, with a summary for its peers"),
        );
    }
    params
        .paths
        .as_deref()
        .map_or(Ok(()), |paths| checked(check_paths(paths)))?;
    call.daemon.sessions.heard_of(&id);
    let write = Write {
        method: api::session::Update::NAME,
        target: format!("session {id}"),
        operation: Operation::UpdateSession {
            id,
            task: params.task,
            state: params.state,
            paths: params.paths,
            branch: params.branch,
            commit: params.commit,
        },
    };
    let receipt = call.write(&delivery, write).await?;
    Ok(Written { receipt })
}

pub(super) async fn end(call: &Call, params: EndParams) -> Result<Ended, RpcError> {
    let mut delivery = params.delivery();
    let id = checked_id(call, &params.id)?;
    let mut writes = Vec::new();
    if let Some(summary) = &params.summary {
        // What a session says of itself is said by the session.
        delivery.session.get_or_insert_with(|| id.clone());
        let destination = Destination::agent_log(&call.daemon, params.channel.as_ref())?;
        destination.check_post(&call.daemon, MessageKind::Summary, &delivery)?;
        writes.push(Write {
            method: api::session::End::NAME,
            target: destination.label.clone(),
            operation: Operation::SendMessage {
                channel_id: destination.channel_id,
                thread_id: None,
                reply_to: None,
                kind: MessageKind::Summary,
                content: content(summary)?,
                context: context_of(call, &id)?,
            },
        });
    }
    writes.push(Write {
        method: api::session::End::NAME,
        target: format!("session {id}"),
        operation: Operation::EndSession { id: id.clone() },
    });
    let mut receipts = call.write_all(&delivery, writes).await?;
    call.daemon.sessions.forget(&id);
    let ended = receipts.pop();
    let receipt =
        ended.ok_or_else(|| RpcError::new(ErrorKind::Internal, "a write has no receipt"))?;
    Ok(Ended {
        receipt,
        summary: receipts.pop(),
    })
}

/// Where the session works, as far as is known here.
fn context_of(call: &Call, id: &str) -> Result<Context, RpcError> {
    let session = call
        .daemon
        .overlay()
        .session(id)
        .map_err(|error| cache_failed(&error))?;
    Ok(session.map(|session| session.context).unwrap_or_default())
}

pub(super) fn list(call: &Call, params: ListParams) -> Result<Sessions, RpcError> {
    let query = SessionQuery {
        repo: params.repo,
        branch: params.branch,
        state: params.state,
        ended_too: params.all,
        limit: bounded(params.limit, 50, 500)?,
    };
    Ok(Sessions {
        sessions: call
            .daemon
            .overlay()
            .sessions(&query)
            .map_err(|error| cache_failed(&error))?,
        meta: call.daemon.meta(),
    })
}

pub(super) fn show(call: &Call, params: SessionId) -> Result<Shown, RpcError> {
    let daemon = &call.daemon;
    let id = checked_id(call, &params.id)?;
    let session = daemon
        .overlay()
        .session(&id)
        .map_err(|error| cache_failed(&error))?;
    let session = session.ok_or_else(|| {
        reference::absent(daemon, format!("no session `{}` is known here", params.id))
    })?;
    let messages = daemon.cache.messages_of_session(&id, SHOWN_MESSAGES);
    Ok(Shown {
        session,
        messages: messages.map_err(|error| cache_failed(&error))?,
        meta: daemon.meta(),
    })
}

/// The hub's id of a session, from whatever its tool calls it.
fn checked_id(call: &Call, id: &str) -> Result<String, RpcError> {
    checked(check_line("a session's id", id, ID_CHARS))?;
    Ok(call.daemon.session_id(id))
}
