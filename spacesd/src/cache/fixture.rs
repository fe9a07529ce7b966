//! Rows as a hub would send them, for tests.

use spaces_api::Timestamp;
use spaces_api::model::{
    ChannelType, Context, InboxReason, MessageKind, Role, SessionState, UserKind, Visibility,
};
use tempfile::TempDir;

use super::Cache;
use crate::row::*;

/// A moment that rows count from: their times are seconds after it.
pub const START: i64 = 1_800_000_000_000_000;

pub const ME: Identity = Identity([1; 32]);
pub const BOB: Identity = Identity([2; 32]);
pub const CAROL: Identity = Identity([3; 32]);

pub const SERVER: u64 = 1;
pub const GENERAL: u64 = 10;
pub const AGENT_LOGS: u64 = 11;
pub const DM_WITH_BOB: u64 = 20;

pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(START + seconds * 1_000_000)
}

/// An open cache in a directory of its own.
pub struct Fixture {
    pub cache: Cache,
    pub dir: TempDir,
}

impl Fixture {
    /// Bound, and not yet synced.
    pub fn unsynced() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let opened = Cache::open(dir.path()).unwrap();
        assert_eq!(opened.warning, None);
        opened.cache.bind("hub", Some(ME)).blocking_recv().unwrap();
        Self {
            cache: opened.cache,
            dir,
        }
    }

    /// Synced with a small hub: one server, three users, two channels, one DM.
    pub fn new() -> Self {
        let fixture = Self::unsynced();
        fixture.apply(Batch {
            changes: small_hub().into_iter().map(Change::Put).collect(),
            snapshot_of: SNAPSHOT.to_vec(),
            synced_to: Some(0),
        });
        fixture
    }

    pub fn apply(&self, batch: Batch) {
        self.cache.apply(batch).blocking_recv().unwrap();
    }

    pub fn put(&self, rows: impl IntoIterator<Item = Row>) {
        let changes: Vec<Change> = rows.into_iter().map(Change::Put).collect();
        let newest = changes
            .iter()
            .filter_map(|change| match change {
                Change::Put(Row::Message(message)) => Some(message.seq),
                _ => None,
            })
            .max();
        self.apply(Batch {
            changes,
            snapshot_of: Vec::new(),
            synced_to: newest,
        });
    }

    /// Closes the cache and opens it again.
    pub fn reopen(self) -> (Self, Option<String>) {
        self.cache.close();
        let opened = Cache::open(self.dir.path()).unwrap();
        let fixture = Self {
            cache: opened.cache,
            dir: self.dir,
        };
        (fixture, opened.warning)
    }
}

pub const SNAPSHOT: &[Table] = &[
    Table::User,
    Table::Presence,
    Table::Agent,
    Table::Session,
    Table::Claim,
    Table::Server,
    Table::Member,
    Table::Channel,
    Table::Thread,
    Table::Voice,
    Table::Invite,
    Table::Ban,
    Table::Audit,
];

pub fn small_hub() -> Vec<Row> {
    vec![
        user(ME, "alice"),
        user(BOB, "bob"),
        user(CAROL, "carol"),
        Row::Server(ServerRow {
            id: SERVER,
            name: "Spaces Hub".to_owned(),
            description: None,
            icon_url: None,
            visibility: Visibility::Open,
            created_at: at(0),
        }),
        member(1, ME, Role::Owner),
        member(2, BOB, Role::Member),
        channel(GENERAL, "general", ChannelType::Text),
        channel(AGENT_LOGS, "agent-logs", ChannelType::AgentLog),
        dm(DM_WITH_BOB, ME, BOB),
        agent(1, "@alice/claude.app.main", ME),
        agent(2, "@bob/codex.app.main", BOB),
    ]
}

pub fn user(identity: Identity, username: &str) -> Row {
    Row::User(UserRow {
        identity,
        username: username.to_owned(),
        display_name: None,
        bio: None,
        avatar_url: None,
        kind: UserKind::Human,
        created_at: at(0),
    })
}

pub fn member(id: u64, identity: Identity, role: Role) -> Row {
    Row::Member(MemberRow {
        id,
        server_id: SERVER,
        identity,
        role,
        joined_at: at(0),
        muted_until: None,
    })
}

pub fn channel_row(id: u64, name: &str, channel_type: ChannelType) -> ChannelRow {
    ChannelRow {
        id,
        server_id: SERVER,
        name: name.to_owned(),
        topic: None,
        channel_type,
        visibility: Visibility::Open,
        position: 0,
        slow_mode_secs: 0,
        archived: false,
        created_at: at(0),
        dm_between: Vec::new(),
    }
}

pub fn channel(id: u64, name: &str, channel_type: ChannelType) -> Row {
    Row::Channel(channel_row(id, name, channel_type))
}

pub fn dm(id: u64, one: Identity, other: Identity) -> Row {
    Row::Channel(ChannelRow {
        server_id: 0,
        visibility: Visibility::Private,
        dm_between: vec![one, other],
        ..channel_row(id, "", ChannelType::Text)
    })
}

pub fn agent(id: u64, address: &str, owner: Identity) -> Row {
    Row::Agent(AgentRow {
        id,
        address: address.to_owned(),
        owner,
        tool: "claude-code".to_owned(),
        description: None,
        created_at: at(0),
        last_seen: at(0),
    })
}

/// A plain message whose `seq` and time go with its id.
pub fn message_row(id: u64, channel_id: u64, author: Identity, content: &str) -> MessageRow {
    MessageRow {
        id,
        seq: id,
        channel_id,
        ordinal: id,
        thread_id: None,
        author,
        agent_address: None,
        session_id: None,
        kind: MessageKind::Text,
        content: content.to_owned(),
        context: Context::default(),
        reply_to: None,
        mentions: Vec::new(),
        reactions: Vec::new(),
        created_at: at(id.cast_signed()),
        edited_at: None,
        deleted: false,
        note_done: None,
        private: false,
        client_key: None,
    }
}

pub fn message(id: u64, channel_id: u64, author: Identity, content: &str) -> Row {
    Row::Message(message_row(id, channel_id, author, content))
}

pub fn place(repo: &str, branch: Option<&str>) -> Context {
    Context {
        repo: Some(repo.to_owned()),
        branch: branch.map(str::to_owned),
        ..Context::default()
    }
}

pub fn delivery(id: u64, reason: InboxReason, message: Option<MessageRow>) -> Row {
    Row::Delivery(DeliveryRow {
        id,
        reason,
        message,
        detail: None,
        created_at: at(0),
    })
}

pub fn session_row(id: &str, owner: Identity, context: Context) -> SessionRow {
    SessionRow {
        id: id.to_owned(),
        agent_id: if owner == ME { 1 } else { 2 },
        owner,
        tool: "claude-code".to_owned(),
        context,
        task: None,
        state: SessionState::Active,
        started_at: at(0),
        last_seen: at(0),
        ended_at: None,
    }
}

pub fn claim_row(id: u64, session: &str, repo: &str, patterns: &[&str]) -> ClaimRow {
    ClaimRow {
        id,
        session_id: session.to_owned(),
        owner: BOB,
        repo: repo.to_owned(),
        patterns: patterns.iter().map(|&pattern| pattern.to_owned()).collect(),
        task: None,
        exclusive: true,
        reason: None,
        expires_at: at(3600),
    }
}

/// A call that waits, with the place of its number as its key.
pub fn call(number: u128, operation: crate::operation::Operation) -> crate::operation::Call {
    crate::operation::Call {
        client_key: uuid::Uuid::from_u128(number),
        session: Some("mine".to_owned()),
        operation,
    }
}
