//! Servers, their members, channels, threads, bans and voice rosters.

use super::kinds::{ChannelType, ChannelVisibility, Role, ServerVisibility};
use spacetimedb::{Identity, Timestamp, table};

/// The `server_id` of direct-message channels, which belong to no server.
pub const DIRECT_SERVER_ID: u64 = 0;

/// Each user of the hub sees that a server exists and who its members are; what
/// is said in an invite-only server, and its channels, only its members see.
#[table(accessor = server, public)]
#[derive(Clone)]
pub struct Server {
    #[primary_key]
    #[auto_inc]
    pub id: u64,
    #[unique]
    pub name: String,
    pub description: Option<String>,
    pub icon_url: Option<String>,
    pub visibility: ServerVisibility,
    pub created_at: Timestamp,
}

#[table(accessor = server_member, public)]
#[derive(Clone)]
pub struct ServerMember {
    #[primary_key]
    #[auto_inc]
    pub id: u64,
    /// `<server>:<identity>`.
    #[unique]
    pub key: String,
    #[index(btree)]
    pub server_id: u64,
    #[index(btree)]
    pub identity: Identity,
    pub role: Role,
    pub joined_at: Timestamp,
    pub muted_until: Option<Timestamp>,
}

/// Open channels are in `channel`, all others in `private_channel`.
#[table(accessor = channel, public, index(accessor = by_server, btree(columns = [server_id])))]
#[table(accessor = private_channel, index(accessor = by_server, btree(columns = [server_id])))]
#[derive(Clone)]
pub struct Channel {
    /// Unique over both tables.
    #[primary_key]
    pub id: u64,
    /// `<server>:<name>`; of a direct-message channel `dm:<identity>:<identity>`.
    #[unique]
    pub key: String,
    pub server_id: u64,
    pub name: String,
    pub topic: Option<String>,
    pub channel_type: ChannelType,
    pub visibility: ChannelVisibility,
    pub position: u32,
    /// Seconds between two messages of one sender; 0 is off.
    pub slow_mode_secs: u32,
    pub archived: bool,
    pub created_at: Timestamp,
}

/// The readers of a channel that is not open.
#[table(accessor = channel_member, index(accessor = by_identity_server, btree(columns = [identity, server_id])))]
#[derive(Clone)]
pub struct ChannelMember {
    #[primary_key]
    #[auto_inc]
    pub id: u64,
    /// `<channel>:<identity>`.
    #[unique]
    pub key: String,
    #[index(btree)]
    pub channel_id: u64,
    #[index(btree)]
    pub identity: Identity,
    pub server_id: u64,
    pub added_at: Timestamp,
}

/// A reader of a channel as the other readers see it.
#[derive(spacetimedb::SpacetimeType, Clone)]
pub struct ChannelMemberRow {
    pub id: u64,
    pub channel_id: u64,
    pub identity: Identity,
    pub added_at: Timestamp,
}

/// Threads of open channels are in `thread`, all others in `private_thread`.
#[table(accessor = thread, public, index(accessor = by_channel, btree(columns = [channel_id])))]
#[table(accessor = private_thread, index(accessor = by_channel, btree(columns = [channel_id])))]
#[derive(Clone)]
pub struct Thread {
    /// Unique over both tables.
    #[primary_key]
    pub id: u64,
    pub channel_id: u64,
    pub name: String,
    pub creator: Identity,
    pub archived: bool,
    pub created_at: Timestamp,
    pub last_message_at: Timestamp,
    /// The creator's key, so that a client knows its own thread again.
    pub client_key: String,
}

/// A mute of somebody who has left the server, for when they come back.
#[table(accessor = kept_mute)]
pub struct KeptMute {
    /// `<server>:<identity>`.
    #[primary_key]
    pub key: String,
    #[index(btree)]
    pub server_id: u64,
    #[index(btree)]
    pub until: Timestamp,
}

/// A ban ends at `until`, or never.
#[table(accessor = ban)]
#[derive(Clone)]
pub struct Ban {
    #[primary_key]
    #[auto_inc]
    pub id: u64,
    /// `<server>:<identity>`.
    #[unique]
    pub key: String,
    #[index(btree)]
    pub server_id: u64,
    #[index(btree)]
    pub identity: Identity,
    pub reason: Option<String>,
    pub until: Option<Timestamp>,
    pub by: Identity,
    pub created_at: Timestamp,
}

/// Who is in an open voice channel; others are in `private_voice_state`.
/// A user is in at most one voice channel of the hub.
#[table(accessor = voice_state, public, index(accessor = by_channel, btree(columns = [channel_id])))]
#[table(accessor = private_voice_state, index(accessor = by_channel, btree(columns = [channel_id])))]
#[derive(Clone)]
pub struct VoiceState {
    #[primary_key]
    pub identity: Identity,
    pub channel_id: u64,
    pub muted: bool,
    pub deafened: bool,
    pub speaking: bool,
    pub since: Timestamp,
    /// The agent that takes part, where one does.
    #[default(None::<String>)]
    pub agent_address: Option<String>,
}

/// Somebody is writing in an open channel: told once, kept nowhere.
#[table(accessor = typing, public, event)]
pub struct Typing {
    pub channel_id: u64,
    pub identity: Identity,
}

/// Somebody is writing in a channel that is not open.
#[table(accessor = private_typing)]
#[derive(Clone)]
pub struct PrivateTyping {
    #[primary_key]
    pub identity: Identity,
    #[index(btree)]
    pub channel_id: u64,
    #[index(btree)]
    pub until: Timestamp,
}
