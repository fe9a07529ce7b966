//! The hub itself: what it is, who may connect, its limits and its counters.

use super::kinds::{AdmissionPolicy, Role};
use spacetimedb::{ConnectionId, Identity, SpacetimeType, Timestamp, table};

/// What a client reads first: with which schema, and with which hub, it talks.
/// One row, `id` 0. Its columns never change: clients of every version read it.
#[table(accessor = module_info, public)]
pub struct ModuleInfo {
    #[primary_key]
    pub id: u8,
    pub schema_version: u32,
    pub module_version: String,
    pub hub_name: String,
    pub admission: AdmissionPolicy,
    /// The server made with the hub; its owner and admins run the hub.
    pub home_server_id: u64,
    pub created_at: Timestamp,
}

/// The block ([`spaces_domain::block`]) of the last `seq` given out. One row,
/// `id` 0.
#[table(accessor = newest_block, public)]
pub struct NewestBlock {
    #[primary_key]
    pub id: u8,
    pub block: u64,
}

/// One row, `id` 0.
#[table(accessor = hub_settings)]
pub struct HubSettings {
    #[primary_key]
    pub id: u8,
    /// The identity that published the module.
    pub publisher: Identity,
    pub admission: AdmissionPolicy,
    /// Sustained calls per second and sender.
    pub rate_per_sec: u32,
    /// Calls that a sender may make at once after a pause.
    pub rate_burst: u32,
    /// Messages older than this are deleted; 0 keeps them.
    pub message_days: u32,
    /// Messages beyond this count in a channel are deleted, oldest first; 0 keeps them.
    pub messages_per_channel: u64,
    pub delivery_days: u32,
    pub idempotency_days: u32,
    pub audit_days: u32,
    /// Ended sessions and done notes older than this are deleted.
    pub session_days: u32,
    /// A session without a heartbeat for this long is ended.
    pub session_timeout_secs: u32,
}

/// What `set_hub_settings` changes; what is absent stays as it is.
#[derive(SpacetimeType, Clone)]
pub struct HubSettingsChange {
    pub hub_name: Option<String>,
    pub admission: Option<AdmissionPolicy>,
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

/// The settings in force, all of them, to who asks.
#[derive(SpacetimeType, Clone)]
pub struct HubSettingsAnswer {
    pub error: Option<String>,
    pub settings: Option<HubSettingsChange>,
}

/// The last `seq` given out. One row, `id` 0.
#[table(accessor = hub_counter)]
pub struct HubCounter {
    #[primary_key]
    pub id: u8,
    pub seq: u64,
}

/// An identity that may connect to a closed hub.
#[table(accessor = admission)]
pub struct Admission {
    #[primary_key]
    pub identity: Identity,
    /// Set for an invite's one-use identity: it may redeem that invite and do
    /// nothing else.
    pub redeem_only: bool,
    pub by: Identity,
    pub created_at: Timestamp,
    /// A redeem-only admission ends with its invite.
    pub expires_at: Option<Timestamp>,
}

#[table(accessor = invite, index(accessor = by_server, btree(columns = [server_id])))]
pub struct Invite {
    /// SHA-256 of the secret, 64 hexadecimal digits.
    #[primary_key]
    pub secret_hash: String,
    pub server_id: u64,
    pub role: Role,
    pub uses: u32,
    pub max_uses: u32,
    pub expires_at: Option<Timestamp>,
    #[index(btree)]
    pub by: Identity,
    pub created_at: Timestamp,
    /// The one-use identity whose token the invite carries.
    pub temporary: Option<Identity>,
}

/// An invite as its maker and the moderators of its server see it.
#[derive(SpacetimeType, Clone)]
pub struct InviteRow {
    pub secret_hash: String,
    pub server_id: u64,
    pub role: Role,
    pub uses: u32,
    pub max_uses: u32,
    pub expires_at: Option<Timestamp>,
    pub by: Identity,
    pub created_at: Timestamp,
}

/// An open connection. Presence follows from these rows.
#[table(accessor = connection)]
pub struct Connection {
    #[primary_key]
    pub connection_id: ConnectionId,
    #[index(btree)]
    pub identity: Identity,
    pub since: Timestamp,
}

/// A sender's token bucket, in thousandths of a call.
#[table(accessor = rate_bucket)]
pub struct RateBucket {
    #[primary_key]
    pub identity: Identity,
    pub millitokens: u64,
    #[index(btree)]
    pub at: Timestamp,
}

/// A call that was carried out. It outlives what it made, so that a client may
/// send again for as long as its outbox may hold a post.
#[table(accessor = idempotency_key)]
pub struct IdempotencyKey {
    /// `<sender>:<client_key>`.
    #[primary_key]
    pub key: String,
    /// The first half of the SHA-256 of the reducer's name and arguments.
    pub content_hash: u128,
    #[index(btree)]
    pub created_at: Timestamp,
}

/// An act of administration. `ordinal` counts a server's entries from 1.
#[table(accessor = audit_entry, index(accessor = by_server_ordinal, btree(columns = [server_id, ordinal])))]
#[derive(Clone)]
pub struct AuditEntry {
    #[primary_key]
    #[auto_inc]
    pub id: u64,
    pub server_id: u64,
    pub ordinal: u64,
    pub actor: Identity,
    /// The agent session that the actor acted for.
    pub session_id: Option<String>,
    /// The reducer's name.
    pub action: String,
    /// Whom or what it was done to: an identity, a channel's or message's id.
    pub target: Option<String>,
    pub detail: Option<String>,
    #[index(btree)]
    pub at: Timestamp,
}

/// A page of a server's audit, oldest first.
#[derive(SpacetimeType)]
pub struct AuditPage {
    /// `kind: message`, where the call was refused.
    pub error: Option<String>,
    pub entries: Vec<AuditEntry>,
    /// Pass it as `before_ordinal` for the page before this one; absent at the
    /// beginning.
    pub next_before: Option<u64>,
}

/// The last ordinal of a server's audit.
#[table(accessor = audit_tail)]
pub struct AuditTail {
    #[primary_key]
    pub server_id: u64,
    pub last_ordinal: u64,
}
