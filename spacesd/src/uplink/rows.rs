//! The module's rows and words, and ours.

use spaces_api::Timestamp;
use spaces_api::model::{
    Admission, ChannelType, Context, InboxReason, MessageKind, Role, SessionState, UserKind,
    Visibility,
};
use spaces_bindings as hub;

use crate::operation::HubSettings;
use crate::row::*;

/// Notes are rows of their own on the hub, and messages here. Their ids lie
/// above every message's: a message's id is a `seq`, which counts from 1, and
/// all ids stay below 2^53, the largest number that every JSON reader keeps.
pub(super) const FIRST_NOTE_ID: u64 = 1 << 52;

pub(super) fn identity(identity: spacetimedb_sdk::Identity) -> Identity {
    Identity(identity.to_be_byte_array())
}

pub(super) fn to_hub_settings(settings: HubSettings) -> hub::HubSettingsChange {
    hub::HubSettingsChange {
        hub_name: settings.name,
        admission: settings.admission.map(|admission| match admission {
            Admission::Closed => hub::AdmissionPolicy::Closed,
            Admission::Open => hub::AdmissionPolicy::Open,
        }),
        rate_per_sec: settings.rate_per_sec,
        rate_burst: settings.rate_burst,
        message_days: settings.message_days,
        messages_per_channel: settings.messages_per_channel,
        delivery_days: settings.delivery_days,
        idempotency_days: settings.idempotency_days,
        audit_days: settings.audit_days,
        session_days: settings.session_days,
        session_timeout_secs: settings.session_timeout_secs,
    }
}

pub(super) fn hub_settings(settings: hub::HubSettingsChange) -> HubSettings {
    HubSettings {
        name: settings.hub_name,
        admission: settings.admission.map(|admission| match admission {
            hub::AdmissionPolicy::Closed => Admission::Closed,
            hub::AdmissionPolicy::Open => Admission::Open,
        }),
        rate_per_sec: settings.rate_per_sec,
        rate_burst: settings.rate_burst,
        message_days: settings.message_days,
        messages_per_channel: settings.messages_per_channel,
        delivery_days: settings.delivery_days,
        idempotency_days: settings.idempotency_days,
        audit_days: settings.audit_days,
        session_days: settings.session_days,
        session_timeout_secs: settings.session_timeout_secs,
    }
}

pub(super) fn to_identity(identity: Identity) -> spacetimedb_sdk::Identity {
    spacetimedb_sdk::Identity::from_be_byte_array(identity.0)
}

pub(super) fn timestamp(at: spacetimedb_sdk::Timestamp) -> Timestamp {
    Timestamp::from_micros(at.to_micros_since_unix_epoch())
}

pub(super) fn to_timestamp(at: Timestamp) -> spacetimedb_sdk::Timestamp {
    spacetimedb_sdk::Timestamp::from_micros_since_unix_epoch(at.as_micros())
}

/// Declares the conversion between two enums with the same variants.
macro_rules! same_words {
    ($($into:ident, $from:ident: $name:ident { $($variant:ident)* })*) => {$(
        pub(super) fn $into(value: &hub::$name) -> $name {
            match value { $(hub::$name::$variant => $name::$variant,)* }
        }

        #[allow(dead_code, reason = "not every word is also sent")]
        pub(super) fn $from(value: $name) -> hub::$name {
            match value { $($name::$variant => hub::$name::$variant,)* }
        }
    )*};
}

same_words! {
    role, to_role: Role { Owner Admin Moderator Member Agent }
    channel_type, to_channel_type: ChannelType { Text Voice Announcement AgentLog }
    message_kind, to_message_kind: MessageKind { Text System AgentEvent Join Leave Summary Note }
    session_state, to_session_state: SessionState { Active Idle Blocked Waiting Ended }
    user_kind, to_user_kind: UserKind { Human Agent }
}

/// A row of the hub that has a form here.
pub(super) trait ToRow {
    fn to_row(&self) -> Row;
}

macro_rules! to_row {
    ($($name:ident as $variant:ident |$row:ident| $body:expr;)*) => {$(
        impl ToRow for hub::$name {
            fn to_row(&self) -> Row {
                let $row = self;
                Row::$variant($body)
            }
        }
    )*};
}

to_row! {
    User as User |row| UserRow {
        identity: identity(row.identity),
        username: row.username.clone(),
        display_name: row.display_name.clone(),
        bio: row.bio.clone(),
        avatar_url: row.avatar_url.clone(),
        kind: user_kind(&row.kind),
        created_at: timestamp(row.created_at),
    };
    Presence as Presence |row| PresenceRow {
        identity: identity(row.identity),
        online: row.online,
        status_text: row.status_text.clone(),
        last_seen: timestamp(row.last_seen),
    };
    Agent as Agent |row| AgentRow {
        id: row.id,
        address: row.address.clone(),
        owner: identity(row.owner),
        tool: row.tool.clone(),
        description: row.description.clone(),
        created_at: timestamp(row.created_at),
        last_seen: timestamp(row.last_seen),
    };
    AgentSession as Session |row| SessionRow {
        id: row.id.clone(),
        agent_id: row.agent_id,
        owner: identity(row.owner),
        tool: row.tool.clone(),
        context: Context {
            repo: present(&row.repo),
            branch: row.branch.clone(),
            commit: row.commit.clone(),
            paths: row.paths.clone(),
        },
        task: row.task.clone(),
        state: session_state(&row.state),
        started_at: timestamp(row.started_at),
        last_seen: timestamp(row.last_seen),
        ended_at: row.ended_at.map(timestamp),
    };
    Claim as Claim |row| ClaimRow {
        id: row.id,
        session_id: row.session_id.clone(),
        owner: identity(row.owner),
        repo: row.repo.clone(),
        patterns: match row.target {
            hub::ClaimTarget::Paths => vec![row.pattern.clone()],
            hub::ClaimTarget::Task => Vec::new(),
        },
        task: match row.target {
            hub::ClaimTarget::Paths => None,
            hub::ClaimTarget::Task => Some(row.pattern.clone()),
        },
        exclusive: row.exclusive,
        reason: row.reason.clone(),
        expires_at: timestamp(row.expires_at),
    };
    Server as Server |row| ServerRow {
        id: row.id,
        name: row.name.clone(),
        description: row.description.clone(),
        icon_url: row.icon_url.clone(),
        visibility: match row.visibility {
            hub::ServerVisibility::Open => Visibility::Open,
            hub::ServerVisibility::InviteOnly => Visibility::Private,
        },
        created_at: timestamp(row.created_at),
    };
    ServerMember as Member |row| MemberRow {
        id: row.id,
        server_id: row.server_id,
        identity: identity(row.identity),
        role: role(&row.role),
        joined_at: timestamp(row.joined_at),
        muted_until: row.muted_until.map(timestamp),
    };
    Channel as Channel |row| ChannelRow {
        id: row.id,
        server_id: row.server_id,
        name: row.name.clone(),
        topic: row.topic.clone(),
        channel_type: channel_type(&row.channel_type),
        visibility: match row.visibility {
            hub::ChannelVisibility::Open => Visibility::Open,
            hub::ChannelVisibility::Members | hub::ChannelVisibility::Private => Visibility::Private,
        },
        position: row.position,
        slow_mode_secs: row.slow_mode_secs,
        archived: row.archived,
        created_at: timestamp(row.created_at),
        dm_between: dm_between(&row.key),
    };
    Thread as Thread |row| ThreadRow {
        id: row.id,
        channel_id: row.channel_id,
        name: row.name.clone(),
        creator: identity(row.creator),
        archived: row.archived,
        created_at: timestamp(row.created_at),
        last_message_at: timestamp(row.last_message_at),
    };
    Note as Message |row| note(row);
    Message as Message |row| message(row, false);
    VoiceState as Voice |row| VoiceRow {
        identity: identity(row.identity),
        channel_id: row.channel_id,
        muted: row.muted,
        deafened: row.deafened,
        speaking: row.speaking,
        since: timestamp(row.since),
        agent: row.agent_address.clone(),
    };
    ReadMarker as ReadMarker |row| ReadMarkerRow {
        channel_id: row.channel_id,
        // A message's id is its first `seq`.
        last_seq: row.last_message_id,
    };
    InviteRow as Invite |row| InviteRow {
        id: invite_id(&row.secret_hash),
        server_id: row.server_id,
        role: role(&row.role),
        uses: row.uses,
        max_uses: row.max_uses,
        expires_at: row.expires_at.map(timestamp),
        by: identity(row.by),
    };
    Ban as Ban |row| BanRow {
        id: row.id,
        server_id: row.server_id,
        identity: identity(row.identity),
        reason: row.reason.clone(),
        until: row.until.map(timestamp),
        by: identity(row.by),
    };
    AuditEntry as Audit |row| audit(row);
    InboxItem as Delivery |row| delivery(row);
}

pub(super) fn audit(row: &hub::AuditEntry) -> AuditRow {
    AuditRow {
        id: row.id,
        server_id: row.server_id,
        actor: identity(row.actor),
        action: row.action.clone(),
        target: row.target.clone(),
        detail: row.detail.clone(),
        at: timestamp(row.at),
    }
}

pub(super) fn message(row: &hub::Message, private: bool) -> MessageRow {
    MessageRow {
        id: row.id,
        seq: row.seq,
        channel_id: row.channel_id,
        ordinal: row.ordinal,
        thread_id: row.thread_id,
        author: identity(row.author),
        agent_address: row.agent_address.clone(),
        session_id: row.session_id.clone(),
        kind: message_kind(&row.kind),
        content: row.content.clone(),
        context: Context {
            repo: row.context.repo.clone(),
            branch: row.context.branch.clone(),
            commit: row.context.commit.clone(),
            paths: row.context.paths.clone(),
        },
        reply_to: row.reply_to,
        mentions: row.mentions.iter().copied().map(identity).collect(),
        reactions: row
            .reactions
            .iter()
            .map(|reaction| {
                let by = reaction.by.iter().copied().map(identity).collect();
                (reaction.emoji.clone(), by)
            })
            .collect(),
        created_at: timestamp(row.created_at),
        edited_at: row.edited_at.map(timestamp),
        deleted: row.deleted,
        note_done: None,
        private,
        client_key: row.client_key.parse().ok(),
    }
}

fn note(row: &hub::Note) -> MessageRow {
    let done = row.done_by.zip(row.done_at);
    let id = FIRST_NOTE_ID + row.id;
    MessageRow {
        id,
        // Beyond every message, and higher once done: a note changes only so.
        seq: id + if done.is_some() { FIRST_NOTE_ID } else { 0 },
        channel_id: 0,
        ordinal: 0,
        thread_id: None,
        author: identity(row.author),
        agent_address: row.agent_address.clone(),
        session_id: row.session_id.clone(),
        kind: MessageKind::Note,
        content: row.content.clone(),
        context: Context {
            repo: present(&row.repo),
            branch: row.branch.clone(),
            commit: None,
            paths: row.paths.clone(),
        },
        reply_to: None,
        mentions: Vec::new(),
        reactions: Vec::new(),
        created_at: timestamp(row.created_at),
        edited_at: None,
        deleted: false,
        note_done: done.map(|(by, at)| (identity(by), timestamp(at))),
        private: false,
        client_key: row.client_key.parse().ok(),
    }
}

fn delivery(row: &hub::InboxItem) -> DeliveryRow {
    use hub::DeliveryReason as Reason;
    let detail = match (&row.claim, &row.signal) {
        (Some(claim), _) => Some(format!(
            "{} claims {} in {}{}",
            claim.agent_address,
            claim.pattern,
            claim.repo,
            if claim.exclusive { " for itself" } else { "" }
        )),
        (None, Some(signal)) => Some(signal.payload.clone()),
        (None, None) => None,
    };
    DeliveryRow {
        id: row.id,
        reason: match row.reason {
            Reason::Direct => InboxReason::Dm,
            Reason::Private => InboxReason::Private,
            Reason::Mention => InboxReason::Mention,
            Reason::Reply => InboxReason::Reply,
            Reason::Claim => InboxReason::Claim,
            Reason::VoiceSignal => InboxReason::Voice,
            Reason::Gap => InboxReason::Gap,
        },
        message: row.message.as_ref().map(|inner| {
            let open = matches!(row.reason, Reason::Mention | Reason::Reply);
            message(inner, !open)
        }),
        detail,
        created_at: timestamp(row.created_at),
    }
}

/// The hub names an invite by the hash of its secret; the first 52 bits of
/// that are enough to tell one server's invites apart.
pub(super) fn invite_id(secret_hash: &str) -> u64 {
    secret_hash
        .get(..13)
        .and_then(|digits| u64::from_str_radix(digits, 16).ok())
        .unwrap_or(0)
}

/// The key of a direct-message channel is `dm:IDENTITY:IDENTITY`.
fn dm_between(key: &str) -> Vec<Identity> {
    let Some(ends) = key.strip_prefix("dm:") else {
        return Vec::new();
    };
    ends.split(':').filter_map(|end| end.parse().ok()).collect()
}

/// A signal's payload is JSON with its kind in `type`, as WebRTC writes it; a
/// candidate has none there.
pub(super) fn signal_kind(payload: &str) -> hub::SignalKind {
    let json: serde_json::Value = serde_json::from_str(payload).unwrap_or_default();
    match json["type"].as_str() {
        Some("offer") => hub::SignalKind::Offer,
        Some("answer") => hub::SignalKind::Answer,
        Some("hangup" | "bye") => hub::SignalKind::Hangup,
        _ => hub::SignalKind::Candidate,
    }
}

/// The hub's empty text for "outside a repository".
fn present(repo: &str) -> Option<String> {
    (!repo.is_empty()).then(|| repo.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_read_alike_on_both_sides() {
        let ours: Identity = format!("c2{}", "0f".repeat(31)).parse().unwrap();
        assert_eq!(to_identity(ours).to_hex().as_str(), ours.to_string());
        assert_eq!(identity(to_identity(ours)), ours);
    }

    #[test]
    fn the_ends_of_a_direct_message() {
        let (one, two) = ("c1".repeat(32), "c2".repeat(32));
        let ends = dm_between(&format!("dm:{one}:{two}"));
        assert_eq!(ends, [one.parse().unwrap(), two.parse().unwrap()]);
        assert!(dm_between("7:general").is_empty());
    }

    #[test]
    fn an_invite_s_number_fits_into_json() {
        assert_eq!(invite_id(&"f".repeat(64)), (1 << 52) - 1);
        assert_eq!(invite_id("short"), 0);
    }

    #[test]
    fn a_signal_says_what_it_is() {
        use hub::SignalKind;
        assert_eq!(
            signal_kind(r#"{"type":"offer","sdp":"v=0"}"#),
            SignalKind::Offer
        );
        assert_eq!(signal_kind(r#"{"candidate":"x"}"#), SignalKind::Candidate);
        assert_eq!(signal_kind("not json"), SignalKind::Candidate);
    }
}
