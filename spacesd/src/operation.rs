//! What the daemon asks of the hub, in the daemon's own terms: made by `rpc`,
//! kept by `outbox`, carried out by `uplink`. Stored as JSON in the outbox, so
//! variants and fields are only ever added (with `#[serde(default)]`).

use serde::{Deserialize, Serialize};
use spaces_api::Timestamp;
use spaces_api::model::{
    Admission, ChannelType, Context, MessageKind, Role, SessionState, Visibility,
};
use uuid::Uuid;

use crate::row::Identity;

/// An operation with what makes it safe to repeat.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// The hub carries out one operation per key and sender, however often it arrives.
    pub client_key: Uuid,
    /// The agent session for which it is made: the hub holds it to the agent tier.
    #[serde(default)]
    pub session: Option<String>,
    pub operation: Operation,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Committed and durable on the hub.
    Committed,
    /// The module refused it; nothing changed.
    Refused(Refusal),
    /// The connection ended before the answer: it may have happened. Send it
    /// again with the same key.
    Unknown,
}

/// The module's typed refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The word before the colon of the module's error text.
    pub kind: String,
    /// The text after it.
    pub message: String,
    /// For `rate_limited`: when to try again.
    pub retry_after_ms: Option<u64>,
}

/// Settings of the hub, those that are to change or all of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct HubSettings {
    pub name: Option<String>,
    pub admission: Option<Admission>,
    pub rate_per_sec: Option<u32>,
    pub rate_burst: Option<u32>,
    pub message_days: Option<u32>,
    pub messages_per_channel: Option<u64>,
    pub delivery_days: Option<u32>,
    pub idempotency_days: Option<u32>,
    pub audit_days: Option<u32>,
    pub session_days: Option<u32>,
    pub session_timeout_secs: Option<u32>,
}

/// One reducer call, named as the reducer is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Operation {
    SendMessage {
        channel_id: u64,
        thread_id: Option<u64>,
        reply_to: Option<u64>,
        kind: MessageKind,
        content: String,
        context: Context,
    },
    SendDirectMessage {
        recipient: Identity,
        reply_to: Option<u64>,
        content: String,
        context: Context,
    },
    EditMessage {
        message_id: u64,
        content: String,
    },
    DeleteMessage {
        message_id: u64,
    },
    AddReaction {
        message_id: u64,
        emoji: String,
    },
    RemoveReaction {
        message_id: u64,
        emoji: String,
    },
    MarkRead {
        channel_id: u64,
        seq: u64,
    },
    LeaveNote {
        channel_id: u64,
        content: String,
        context: Context,
    },
    ResolveNote {
        message_id: u64,
    },

    RegisterAgent {
        name: String,
        tool: String,
        description: Option<String>,
    },
    StartSession {
        id: String,
        /// Name of the agent, without the user.
        agent: String,
        tool: String,
        task: Option<String>,
        context: Context,
    },
    UpdateSession {
        id: String,
        task: Option<String>,
        state: Option<SessionState>,
        paths: Option<Vec<String>>,
        branch: Option<String>,
        commit: Option<String>,
    },
    /// Many at once: the daemon's own heartbeat.
    Heartbeat {
        sessions: Vec<String>,
    },
    EndSession {
        id: String,
    },

    AcquireClaim {
        session_id: String,
        repo: String,
        patterns: Vec<String>,
        task: Option<String>,
        exclusive: bool,
        reason: Option<String>,
        ttl_secs: u32,
    },
    RenewClaim {
        claim_id: u64,
        ttl_secs: u32,
    },
    ReleaseClaim {
        claim_id: u64,
    },

    SetProfile {
        username: Option<String>,
        display_name: Option<String>,
        bio: Option<String>,
        avatar_url: Option<String>,
    },
    SetStatus {
        text: Option<String>,
    },

    CreateServer {
        name: String,
        description: Option<String>,
        visibility: Visibility,
    },
    UpdateServer {
        server_id: u64,
        name: Option<String>,
        description: Option<String>,
        icon_url: Option<String>,
    },
    DeleteServer {
        server_id: u64,
    },
    JoinServer {
        server_id: u64,
    },
    LeaveServer {
        server_id: u64,
    },
    TransferOwnership {
        server_id: u64,
        to: Identity,
    },

    SetMemberRole {
        server_id: u64,
        user: Identity,
        role: Role,
    },
    Kick {
        server_id: u64,
        user: Identity,
    },
    Ban {
        server_id: u64,
        user: Identity,
        reason: Option<String>,
        until: Option<Timestamp>,
    },
    Unban {
        server_id: u64,
        user: Identity,
    },
    Mute {
        server_id: u64,
        user: Identity,
        until: Timestamp,
    },
    Unmute {
        server_id: u64,
        user: Identity,
    },

    /// What is absent stays as it is.
    SetHub(Box<HubSettings>),
    Admit {
        identity: Identity,
    },
    ShutOut {
        user: Identity,
    },

    CreateInvite {
        server_id: u64,
        role: Role,
        max_uses: u32,
        expires_at: Timestamp,
        /// SHA-256 of the secret, lower-case hexadecimal. The secret stays here.
        secret_hash: String,
        /// The one-use identity that may redeem it on a closed hub.
        temporary: Option<Identity>,
    },
    RevokeInvite {
        invite_id: u64,
    },
    RedeemInvite {
        secret: String,
        joiner: Identity,
    },

    CreateChannel {
        server_id: u64,
        name: String,
        channel_type: ChannelType,
        visibility: Visibility,
        topic: Option<String>,
    },
    UpdateChannel {
        channel_id: u64,
        name: Option<String>,
        topic: Option<String>,
        position: Option<u32>,
        slow_mode_secs: Option<u32>,
    },
    ArchiveChannel {
        channel_id: u64,
        archived: bool,
    },
    DeleteChannel {
        channel_id: u64,
    },
    AddChannelMember {
        channel_id: u64,
        user: Identity,
    },
    RemoveChannelMember {
        channel_id: u64,
        user: Identity,
    },

    CreateThread {
        channel_id: u64,
        name: String,
    },
    ArchiveThread {
        thread_id: u64,
    },
    UnarchiveThread {
        thread_id: u64,
    },

    StartTyping {
        channel_id: u64,
    },
    JoinVoice {
        channel_id: u64,
    },
    LeaveVoice {},
    SetVoiceState {
        muted: Option<bool>,
        deafened: Option<bool>,
        speaking: Option<bool>,
    },
    VoiceSignal {
        to: Identity,
        payload: String,
    },
}

impl Operation {
    /// Whether a message comes of it, which the hub shows with the call's key.
    pub fn makes_message(&self) -> bool {
        matches!(
            self,
            Self::SendMessage { .. } | Self::SendDirectMessage { .. } | Self::LeaveNote { .. }
        )
    }
}
