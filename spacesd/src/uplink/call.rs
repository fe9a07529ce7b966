//! An operation as the reducer call that carries it out.

use spaces_api::model::{Context, Visibility};
use spaces_bindings::reducers as args;
use spaces_bindings::{
    ChannelVisibility, ClaimTarget, DbConnection, MessageContext, MessageKind, Reducer,
    ServerVisibility, VoiceState,
};
use spaces_domain::names::ClientKey;
use uuid::Uuid;

use super::rows;
use crate::operation::{Call, Operation, Refusal};
use crate::row::Identity;

/// The reducer call for an operation, or why there is none: refused by the hub
/// unless the call `after` was carried out. `hub` is asked for what the
/// operation leaves as it is.
pub(super) fn reducer(
    call: Call,
    after: Option<Uuid>,
    hub: &DbConnection,
) -> Result<Reducer, Refusal> {
    let client_key = ClientKey {
        key: &call.client_key.to_string(),
        after: after.map(|key| key.to_string()).as_deref(),
    }
    .to_string();
    let agent_session = call.session;
    Ok(match call.operation {
        Operation::SendMessage {
            channel_id,
            thread_id,
            reply_to,
            kind,
            content,
            context,
        } => {
            let (kind, context) = (rows::to_message_kind(kind), to_context(context));
            args::SendMessage {
                client_key,
                agent_session,
                channel_id,
                thread_id,
                kind,
                content,
                context,
                reply_to,
            }
            .into()
        }
        Operation::SendDirectMessage {
            recipient,
            reply_to,
            content,
            context,
        } => args::SendDirectMessage {
            client_key,
            agent_session,
            recipient: rows::to_identity(recipient),
            to_agent: None,
            kind: MessageKind::Text,
            content,
            context: to_context(context),
            reply_to,
        }
        .into(),
        Operation::EditMessage {
            message_id,
            content,
        } => args::EditMessage {
            client_key,
            agent_session,
            message_id,
            content,
        }
        .into(),
        Operation::DeleteMessage { message_id } => args::DeleteMessage {
            client_key,
            agent_session,
            message_id,
        }
        .into(),
        Operation::AddReaction { message_id, emoji } => args::AddReaction {
            client_key,
            agent_session,
            message_id,
            emoji,
        }
        .into(),
        Operation::RemoveReaction { message_id, emoji } => args::RemoveReaction {
            client_key,
            agent_session,
            message_id,
            emoji,
        }
        .into(),
        // A message's id is its first `seq`: up to this one is up to here.
        Operation::MarkRead { channel_id, seq } => args::MarkRead {
            client_key,
            channel_id,
            message_id: seq,
        }
        .into(),
        // A note belongs to a repository; the channel only says who may read it.
        Operation::LeaveNote {
            channel_id: _,
            content,
            context,
        } => args::LeaveNote {
            client_key,
            agent_session,
            repo: context.repo.unwrap_or_default(),
            branch: context.branch,
            content,
            paths: context.paths,
        }
        .into(),
        Operation::ResolveNote { message_id } => {
            let note_id = message_id
                .checked_sub(rows::FIRST_NOTE_ID)
                .ok_or_else(|| not_found(format!("message {message_id} is no note")))?;
            args::ResolveNote {
                client_key,
                agent_session,
                note_id,
            }
            .into()
        }

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

        Operation::AcquireClaim {
            session_id,
            repo,
            patterns,
            task,
            exclusive,
            reason,
            ttl_secs,
        } => {
            let (target, patterns) = match task {
                Some(task) if patterns.is_empty() => (ClaimTarget::Task, vec![task]),
                _ => (ClaimTarget::Paths, patterns),
            };
            args::AcquireClaim {
                client_key,
                session_id,
                repo,
                target,
                patterns,
                exclusive,
                reason,
                ttl_secs,
            }
            .into()
        }
        Operation::RenewClaim { claim_id, ttl_secs } => args::RenewClaim {
            client_key,
            claim_ids: vec![claim_id],
            ttl_secs,
        }
        .into(),
        Operation::ReleaseClaim { claim_id } => args::ReleaseClaim {
            client_key,
            claim_ids: vec![claim_id],
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

        Operation::CreateServer {
            name,
            description,
            visibility,
        } => args::CreateServer {
            client_key,
            agent_session,
            name,
            visibility: match visibility {
                Visibility::Open => ServerVisibility::Open,
                Visibility::Private => ServerVisibility::InviteOnly,
            },
            description,
            icon_url: None,
        }
        .into(),
        Operation::UpdateServer {
            server_id,
            name,
            description,
            icon_url,
        } => args::UpdateServer {
            client_key,
            agent_session,
            server_id,
            name,
            description,
            icon_url,
        }
        .into(),
        Operation::DeleteServer { server_id } => args::DeleteServer {
            client_key,
            agent_session,
            server_id,
        }
        .into(),
        Operation::JoinServer { server_id } => args::JoinServer {
            client_key,
            server_id,
        }
        .into(),
        Operation::LeaveServer { server_id } => args::LeaveServer {
            client_key,
            server_id,
        }
        .into(),
        Operation::TransferOwnership { server_id, to } => args::TransferOwnership {
            client_key,
            agent_session,
            server_id,
            new_owner: rows::to_identity(to),
        }
        .into(),

        Operation::SetMemberRole {
            server_id,
            user,
            role,
        } => {
            let (identity, role) = (rows::to_identity(user), rows::to_role(role));
            args::SetMemberRole {
                client_key,
                agent_session,
                server_id,
                identity,
                role,
            }
            .into()
        }
        Operation::Kick { server_id, user } => {
            let identity = rows::to_identity(user);
            args::KickMember {
                client_key,
                agent_session,
                server_id,
                identity,
                reason: None,
            }
            .into()
        }
        Operation::Ban {
            server_id,
            user,
            reason,
            until,
        } => {
            let (identity, until) = (rows::to_identity(user), until.map(rows::to_timestamp));
            args::BanMember {
                client_key,
                agent_session,
                server_id,
                identity,
                reason,
                until,
            }
            .into()
        }
        Operation::Unban { server_id, user } => args::UnbanMember {
            client_key,
            agent_session,
            server_id,
            identity: rows::to_identity(user),
        }
        .into(),
        Operation::Mute {
            server_id,
            user,
            until,
        } => {
            let (identity, until) = (rows::to_identity(user), rows::to_timestamp(until));
            args::MuteMember {
                client_key,
                agent_session,
                server_id,
                identity,
                until,
                reason: None,
            }
            .into()
        }
        Operation::Unmute { server_id, user } => args::UnmuteMember {
            client_key,
            agent_session,
            server_id,
            identity: rows::to_identity(user),
        }
        .into(),

        Operation::CreateInvite {
            server_id,
            role,
            max_uses,
            expires_at,
            secret_hash,
            temporary,
        } => args::CreateInvite {
            client_key,
            agent_session,
            server_id,
            role: rows::to_role(role),
            max_uses,
            expires_at: Some(rows::to_timestamp(expires_at)),
            secret_hash,
            temporary: temporary.map(rows::to_identity),
        }
        .into(),
        Operation::SetHub(settings) => args::SetHubSettings {
            client_key,
            agent_session,
            change: rows::to_hub_settings(*settings),
        }
        .into(),
        Operation::Admit { identity } => args::Admit {
            client_key,
            agent_session,
            identity: rows::to_identity(identity),
        }
        .into(),
        Operation::ShutOut { user } => args::RevokeAdmission {
            client_key,
            agent_session,
            identity: rows::to_identity(user),
        }
        .into(),
        Operation::RevokeInvite { invite_id } => {
            let invite = hub
                .db
                .my_invites()
                .iter()
                .find(|invite| rows::invite_id(&invite.secret_hash) == invite_id);
            let invite = invite.ok_or_else(|| {
                not_found(format!(
                    "there is no invite {invite_id} that you may revoke"
                ))
            })?;
            args::RevokeInvite {
                client_key,
                agent_session,
                secret_hash: invite.secret_hash,
            }
            .into()
        }
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
        Operation::UpdateChannel {
            channel_id,
            name,
            topic,
            position,
            slow_mode_secs,
        } => args::UpdateChannel {
            client_key,
            agent_session,
            channel_id,
            name,
            topic,
            position,
            slow_mode_secs,
        }
        .into(),
        Operation::ArchiveChannel {
            channel_id,
            archived,
        } => args::ArchiveChannel {
            client_key,
            agent_session,
            channel_id,
            archived,
        }
        .into(),
        Operation::DeleteChannel { channel_id } => args::DeleteChannel {
            client_key,
            agent_session,
            channel_id,
        }
        .into(),
        Operation::AddChannelMember { channel_id, user } => args::AddChannelMember {
            client_key,
            agent_session,
            channel_id,
            identity: rows::to_identity(user),
        }
        .into(),
        Operation::RemoveChannelMember { channel_id, user } => args::RemoveChannelMember {
            client_key,
            agent_session,
            channel_id,
            identity: rows::to_identity(user),
        }
        .into(),
        Operation::CreateThread { channel_id, name } => args::CreateThread {
            client_key,
            agent_session,
            channel_id,
            name,
        }
        .into(),
        Operation::ArchiveThread { thread_id } => args::ArchiveThread {
            client_key,
            agent_session,
            thread_id,
        }
        .into(),
        Operation::UnarchiveThread { thread_id } => args::UnarchiveThread {
            client_key,
            agent_session,
            thread_id,
        }
        .into(),

        Operation::StartTyping { channel_id } => args::StartTyping { channel_id }.into(),
        Operation::JoinVoice { channel_id } => args::JoinVoice {
            client_key,
            agent_session,
            channel_id,
            muted: false,
            deafened: false,
        }
        .into(),
        Operation::LeaveVoice {} => args::LeaveVoice { client_key }.into(),
        Operation::SetVoiceState {
            muted,
            deafened,
            speaking,
        } => {
            let now = own_voice_state(hub)
                .ok_or_else(|| not_found("you are in no voice channel; join one first"))?;
            args::SetVoiceState {
                muted: muted.unwrap_or(now.muted),
                deafened: deafened.unwrap_or(now.deafened),
                speaking: speaking.unwrap_or(now.speaking),
            }
            .into()
        }
        Operation::VoiceSignal { to, payload } => {
            let (recipient, kind) = (rows::to_identity(to), rows::signal_kind(&payload));
            args::SendVoiceSignal {
                client_key,
                recipient,
                kind,
                payload,
            }
            .into()
        }
    })
}

fn to_context(context: Context) -> MessageContext {
    MessageContext {
        repo: context.repo,
        branch: context.branch,
        commit: context.commit,
        paths: context.paths,
    }
}

fn own_voice_state(hub: &DbConnection) -> Option<VoiceState> {
    let me = hub.try_identity()?;
    let states = hub
        .db
        .voice_state()
        .iter()
        .chain(hub.db.my_voice_states().iter());
    states.into_iter().find(|state| state.identity == me)
}

fn not_found(message: impl Into<String>) -> Refusal {
    Refusal {
        kind: "not_found".to_owned(),
        message: message.into(),
        retry_after_ms: None,
    }
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
