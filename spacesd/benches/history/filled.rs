//! A cache with a history of any length.

use spaces_api::Timestamp;
use spaces_api::model::{ChannelType, Context, MessageKind, UserKind, Visibility};
use spacesd::cache::Cache;
use spacesd::row::{Batch, Change, ChannelRow, Identity, MessageRow, Row, UserRow};

const ME: Identity = Identity([1; 32]);

/// Where the work behind the message of this number happened.
pub fn place(number: u64) -> Context {
    Context {
        repo: Some(format!("github.com/acme/app{}", number % 10)),
        branch: Some(format!("branch{}", number % 7)),
        commit: None,
        paths: vec![format!("src/module{number}.rs")],
    }
}

/// Fills a new cache with so many messages, as a hub would.
pub fn fill(cache: &Cache, messages: u64) {
    let at = |id: u64| Timestamp::from_micros(1_800_000_000_000_000 + id.cast_signed() * 1_000_000);
    let user = UserRow {
        identity: ME,
        username: "alice".to_owned(),
        display_name: None,
        bio: None,
        avatar_url: None,
        kind: UserKind::Human,
        created_at: at(0),
    };
    let channel = ChannelRow {
        id: 1,
        server_id: 1,
        name: "agent-logs".to_owned(),
        topic: None,
        channel_type: ChannelType::AgentLog,
        visibility: Visibility::Open,
        position: 0,
        slow_mode_secs: 0,
        archived: false,
        created_at: at(0),
        dm_between: Vec::new(),
    };
    drop(cache.bind("bench", Some(ME)));
    let rows = vec![
        Change::Put(Row::User(user)),
        Change::Put(Row::Channel(channel)),
    ];
    drop(cache.apply(Batch {
        changes: rows,
        ..Batch::default()
    }));
    let mut id = 0;
    while id < messages {
        let last = messages.min(id + 5_000);
        let changes = (id + 1..=last)
            .map(|id| {
                Change::Put(Row::Message(MessageRow {
                    id,
                    seq: id,
                    channel_id: 1,
                    ordinal: id,
                    thread_id: None,
                    author: ME,
                    agent_address: Some(format!("@alice/agent{}", id % 50)),
                    session_id: Some(format!("session {}", id / 3)),
                    kind: if id % 3 == 0 { MessageKind::Summary } else { MessageKind::Text },
                    content: format!("summary number {id}: what was done and what is left, in some thirty words or so"),
                    context: place(id),
                    reply_to: None,
                    mentions: Vec::new(),
                    reactions: Vec::new(),
                    created_at: at(id),
                    edited_at: None,
                    deleted: false,
                    note_done: None,
                    private: false,
                    client_key: None,
                }))
            })
            .collect();
        let batch = Batch {
            changes,
            snapshot_of: Vec::new(),
            synced_to: (last == messages).then_some(last),
        };
        cache
            .apply(batch)
            .blocking_recv()
            .expect("the batch is applied");
        id = last;
    }
}
