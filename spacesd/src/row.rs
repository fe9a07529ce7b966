//! The hub's rows in the daemon's own terms: made by `uplink` from SpacetimeDB
//! rows, kept by `cache`. They mirror the module's tables (see docs/module.md).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use spaces_api::Timestamp;
use spaces_api::model::{
    ChannelType, Context, InboxReason, MessageKind, Role, SessionState, UserKind, Visibility,
};

/// A message as it was written. Its author may have changed it since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    pub id: u64,
    /// Of the change that was applied last.
    pub seq: u64,
    pub created_at: Timestamp,
}

/// An identity on the hub: 32 bytes, shown as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity(pub [u8; 32]);

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Each message that is read has one: a formatted write for each byte was a
        // tenth of a digest.
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut digits = [0; 64];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(self.0) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        f.write_str(std::str::from_utf8(&digits).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({self})")
    }
}

impl FromStr for Identity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let malformed = || format!("`{text}` is not an identity of 64 hexadecimal digits");
        if text.len() != 64 || !text.is_ascii() {
            return Err(malformed());
        }
        let mut bytes = [0; 32];
        for (index, byte) in bytes.iter_mut().enumerate() {
            let digits = &text[index * 2..index * 2 + 2];
            *byte = u8::from_str_radix(digits, 16).map_err(|_| malformed())?;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for Identity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Identity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

macro_rules! rows {
    ($($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name { $($(#[$fdoc])* pub $field: $type,)* }
    )*};
}

rows! {
    UserRow {
        identity: Identity,
        username: String,
        display_name: Option<String>,
        bio: Option<String>,
        avatar_url: Option<String>,
        kind: UserKind,
        created_at: Timestamp,
    }
    PresenceRow {
        identity: Identity,
        online: bool,
        status_text: Option<String>,
        last_seen: Timestamp,
    }
    AgentRow {
        id: u64,
        /// `@alice/claude.spaces.main`
        address: String,
        owner: Identity,
        tool: String,
        description: Option<String>,
        created_at: Timestamp,
        last_seen: Timestamp,
    }
    SessionRow {
        id: String,
        agent_id: u64,
        owner: Identity,
        tool: String,
        context: Context,
        task: Option<String>,
        state: SessionState,
        started_at: Timestamp,
        last_seen: Timestamp,
        ended_at: Option<Timestamp>,
    }
    ClaimRow {
        id: u64,
        session_id: String,
        owner: Identity,
        repo: String,
        patterns: Vec<String>,
        task: Option<String>,
        exclusive: bool,
        reason: Option<String>,
        expires_at: Timestamp,
    }
    ServerRow {
        id: u64,
        name: String,
        description: Option<String>,
        icon_url: Option<String>,
        visibility: Visibility,
        created_at: Timestamp,
    }
    MemberRow {
        id: u64,
        server_id: u64,
        identity: Identity,
        role: Role,
        joined_at: Timestamp,
        muted_until: Option<Timestamp>,
    }
    ChannelRow {
        id: u64,
        /// 0 for a DM channel.
        server_id: u64,
        name: String,
        topic: Option<String>,
        channel_type: ChannelType,
        visibility: Visibility,
        position: u32,
        slow_mode_secs: u32,
        archived: bool,
        created_at: Timestamp,
        /// The two ends of a DM; empty for every other channel.
        dm_between: Vec<Identity>,
    }
    ThreadRow {
        id: u64,
        channel_id: u64,
        name: String,
        creator: Identity,
        archived: bool,
        created_at: Timestamp,
        last_message_at: Timestamp,
    }
    MessageRow {
        id: u64,
        /// Hub-wide; grows with each change of the message.
        seq: u64,
        channel_id: u64,
        /// The place in its channel, counted from 1 without gaps; 0 of a note, which is in none.
        ordinal: u64,
        thread_id: Option<u64>,
        author: Identity,
        agent_address: Option<String>,
        session_id: Option<String>,
        kind: MessageKind,
        content: String,
        context: Context,
        reply_to: Option<u64>,
        mentions: Vec<Identity>,
        /// Emoji and who gave it.
        reactions: Vec<(String, Vec<Identity>)>,
        created_at: Timestamp,
        edited_at: Option<Timestamp>,
        deleted: bool,
        /// Of a note: who marked it as done, and when.
        note_done: Option<(Identity, Timestamp)>,
        /// True for a message of a private channel or DM (ids of the two kinds are distinct).
        private: bool,
        /// The key of one's own message, so that its pending copy goes when it arrives.
        client_key: Option<uuid::Uuid>,
    }
    /// One item of the private inbox.
    DeliveryRow {
        id: u64,
        reason: InboxReason,
        message: Option<MessageRow>,
        detail: Option<String>,
        created_at: Timestamp,
    }
    ReadMarkerRow {
        channel_id: u64,
        last_seq: u64,
    }
    VoiceRow {
        identity: Identity,
        channel_id: u64,
        muted: bool,
        deafened: bool,
        speaking: bool,
        since: Timestamp,
        agent: Option<String>,
    }
    InviteRow {
        id: u64,
        server_id: u64,
        role: Role,
        uses: u32,
        max_uses: u32,
        expires_at: Option<Timestamp>,
        by: Identity,
    }
    BanRow {
        id: u64,
        server_id: u64,
        identity: Identity,
        reason: Option<String>,
        until: Option<Timestamp>,
        by: Identity,
    }
    AuditRow {
        id: u64,
        server_id: u64,
        actor: Identity,
        action: String,
        target: Option<String>,
        detail: Option<String>,
        at: Timestamp,
    }
}

/// One row of any table.
#[derive(Clone, Debug, PartialEq)]
pub enum Row {
    User(UserRow),
    Presence(PresenceRow),
    Agent(AgentRow),
    Session(SessionRow),
    Claim(ClaimRow),
    Server(ServerRow),
    Member(MemberRow),
    Channel(ChannelRow),
    Thread(ThreadRow),
    Message(MessageRow),
    Delivery(DeliveryRow),
    ReadMarker(ReadMarkerRow),
    Voice(VoiceRow),
    Invite(InviteRow),
    Ban(BanRow),
    Audit(AuditRow),
}

/// The tables that are held whole, and so can be compared with a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Table {
    User,
    Presence,
    Agent,
    Session,
    Claim,
    Server,
    Member,
    Channel,
    Thread,
    ReadMarker,
    Voice,
    Invite,
    Ban,
    Audit,
}

/// Where a page of a channel's past ends: it has what is older.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageEnd {
    /// With the newest message.
    Newest,
    /// Before the message with this id, or where it would be.
    BeforeId(u64),
    /// Before this place of the channel.
    BeforeOrdinal(u64),
}

/// What happened to a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// New, or changed: the row as it is now.
    Put(Row),
    /// Gone. Never a message: those are deleted softly and arrive as `Put`.
    Gone(Row),
    /// Somebody types; nothing is kept.
    Typing { channel_id: u64, identity: Identity },
}

/// Changes that the cache applies in one transaction.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    pub changes: Vec<Change>,
    /// Tables of which `changes` holds every row there is: what else the cache
    /// has of them is gone.
    pub snapshot_of: Vec<Table>,
    /// Every message up to this `seq` has been applied once this batch is.
    pub synced_to: Option<u64>,
}
