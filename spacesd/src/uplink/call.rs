//! An operation as the reducer call that carries it out.

use spaces_api::model::Visibility;
use spaces_bindings::reducers as args;
use spaces_bindings::{ChannelVisibility, MessageContext, Reducer};

use super::rows;
use crate::operation::{Call, Operation, Refusal};
use crate::row::Identity;

/// The reducer call for an operation, or why there is none.
pub(super) fn reducer(call: Call) -> Result<Reducer, Refusal> {
    let client_key = call.client_key.to_string();
    let agent_session = call.session;
    let reducer = match call.operation {
        Operation::SendMessage {
            channel_id,
            thread_id,
            reply_to,
            kind,
            content,
            context,
        } => args::SendMessage {
            client_key,
            agent_session,
            channel_id,
            thread_id,
            kind: rows::to_message_kind(kind),
            content,
            context: MessageContext {
                repo: context.repo,
                branch: context.branch,
                commit: context.commit,
                paths: context.paths,
            },
            reply_to,
        }
        .into(),
        Operation::RegisterAgent {
            name,
            tool,
            description,
        } => args::RegisterAgent {
            client_key,
            name,
            tool,
            description,
        }
        .into(),
        Operation::StartSession {
            id,
            agent,
            tool,
            task,
            context,
        } => args::StartSession {
            client_key,
            session_id: id,
            agent_name: agent,
            tool,
            repo: context.repo.unwrap_or_default(),
            branch: context.branch,
            commit: context.commit,
            task,
            paths: context.paths,
        }
        .into(),
        Operation::UpdateSession {
            id,
            task,
            state,
            paths,
            branch,
            commit,
        } => args::UpdateSession {
            client_key,
            session_id: id,
            task,
            state: state.map(rows::to_session_state),
            branch,
            commit,
            paths,
        }
        .into(),
        Operation::Heartbeat { sessions } => heartbeat(sessions),
        Operation::EndSession { id } => args::EndSession {
            client_key,
            session_id: id,
        }
        .into(),
        Operation::SetProfile {
            username,
            display_name,
            bio,
            avatar_url,
        } => args::SetProfile {
            client_key,
            username,
            display_name,
            bio,
            avatar_url,
            kind: None,
        }
        .into(),
        Operation::SetStatus { text } => args::SetStatus {
            client_key,
            status_text: text,
        }
        .into(),
        Operation::RedeemInvite { secret, joiner } => args::RedeemInvite {
            client_key,
            secret,
            joiner: rows::to_identity(joiner),
        }
        .into(),
        Operation::CreateChannel {
            server_id,
            name,
            channel_type,
            visibility,
            topic,
        } => args::CreateChannel {
            client_key,
            agent_session,
            server_id,
            name,
            channel_type: rows::to_channel_type(channel_type),
            visibility: match visibility {
                Visibility::Open => ChannelVisibility::Open,
                Visibility::Private => ChannelVisibility::Private,
            },
            topic,
        }
        .into(),
        other => return Err(unsupported(&other)),
    };
    Ok(reducer)
}

/// What keeps the link and the sessions alive. It has the same effect however
/// often it is made, so it needs no key.
pub(super) fn heartbeat(session_ids: Vec<String>) -> Reducer {
    args::Heartbeat { session_ids }.into()
}

/// Tells the hub that deliveries are on disk here.
pub(super) fn acknowledge(delivery_ids: Vec<u64>) -> Reducer {
    args::AckDeliveries { delivery_ids }.into()
}

/// The arguments of `redeem_invite` for a call over HTTP.
pub(super) fn redeem_arguments(secret: &str, joiner: &Identity) -> String {
    let client_key = uuid::Uuid::new_v4().to_string();
    let joiner = serde_json::json!({ "__identity__": format!("0x{joiner}") });
    serde_json::json!([client_key, secret, joiner]).to_string()
}

fn unsupported(operation: &Operation) -> Refusal {
    let name = serde_json::to_value(operation)
        .ok()
        .and_then(|value| value["op"].as_str().map(str::to_owned))
        .unwrap_or_default();
    Refusal {
        kind: "unsupported".to_owned(),
        message: format!("the hub's module has no `{name}`; nothing was done"),
        retry_after_ms: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_without_a_reducer_is_refused_by_name() {
        let refusal = reducer(Call {
            client_key: uuid::Uuid::new_v4(),
            session: None,
            operation: Operation::LeaveVoice {},
        })
        .unwrap_err();
        assert_eq!(refusal.kind, "unsupported");
        assert!(refusal.message.contains("`leave_voice`"), "{refusal:?}");
    }
}
