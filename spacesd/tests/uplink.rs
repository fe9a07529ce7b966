//! The uplink against a real hub: joining, calls, rows, and every way in which
//! a link ends.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use spaces_api::HubState;
use spaces_api::model::{Context, MessageKind};
use spaces_tests::{Hub, PATIENCE, Proxy};
use spacesd::operation::{Call, Operation, Outcome};
use spacesd::row::{Batch, Change, ChannelRow, Identity, MessageRow, Row, Table};
use spacesd::uplink::{LinkStatus, Sink, Timing, Uplink, UplinkConfig};
use tempfile::TempDir;
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;
use uuid::Uuid;

/// Keeps every batch that it was given.
#[derive(Default)]
struct Memory {
    kept: Mutex<Kept>,
    changed: watch::Sender<u64>,
}

#[derive(Default)]
struct Kept {
    hub: Option<String>,
    last_seq: u64,
    batches: Vec<Batch>,
}

impl Sink for Memory {
    fn last_seq(&self) -> u64 {
        self.kept.lock().unwrap().last_seq
    }

    fn apply(&self, batch: Batch) -> oneshot::Receiver<()> {
        let mut kept = self.kept.lock().unwrap();
        kept.last_seq = kept.last_seq.max(batch.synced_to.unwrap_or(0));
        kept.batches.push(batch);
        self.changed.send_modify(|changes| *changes += 1);
        done()
    }

    fn hub(&self) -> Option<String> {
        self.kept.lock().unwrap().hub.clone()
    }

    fn hub_changed(&self, hub: &str) -> oneshot::Receiver<()> {
        *self.kept.lock().unwrap() = Kept {
            hub: Some(hub.to_owned()),
            ..Kept::default()
        };
        done()
    }

    fn open_sessions(&self) -> Vec<String> {
        Vec::new()
    }
}

fn done() -> oneshot::Receiver<()> {
    let (tell, told) = oneshot::channel();
    tell.send(()).unwrap();
    told
}

impl Memory {
    fn changes(&self) -> Vec<Change> {
        let kept = self.kept.lock().unwrap();
        kept.batches
            .iter()
            .flat_map(|batch| batch.changes.clone())
            .collect()
    }

    fn messages(&self) -> Vec<MessageRow> {
        let message = |change| match change {
            Change::Put(Row::Message(row)) => Some(row),
            _ => None,
        };
        self.changes().into_iter().filter_map(message).collect()
    }

    fn contents(&self) -> Vec<String> {
        let mut messages = self.messages();
        messages.sort_by_key(|message| message.seq);
        messages
            .into_iter()
            .map(|message| message.content)
            .collect()
    }

    fn channel(&self, name: &str) -> ChannelRow {
        let channel = |change| match change {
            Change::Put(Row::Channel(row)) if row.name == name => Some(row),
            _ => None,
        };
        self.changes().into_iter().find_map(channel).unwrap()
    }

    /// Forgets the batches, not how far they went.
    fn forget(&self) {
        self.kept.lock().unwrap().batches.clear();
    }
}

/// An uplink with a token of its own.
struct Client {
    uplink: Uplink,
    memory: Arc<Memory>,
    uri: watch::Sender<Option<String>>,
    directory: TempDir,
}

/// Waits that a test need not sit through.
fn quick() -> Timing {
    Timing {
        heartbeat_every: Duration::from_millis(200),
        answer_within: Duration::from_secs(2),
        connect_within: Duration::from_secs(5),
        longest_backoff: Duration::from_millis(500),
        retry_spacing: Duration::from_millis(50),
        ..Timing::default()
    }
}

impl Client {
    fn start(uri: String, owner_invite: Option<&str>) -> Self {
        Self::with(uri, owner_invite, "spaces", None)
    }

    fn with(uri: String, owner_invite: Option<&str>, database: &str, token: Option<&str>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let invite = directory.path().join("owner.invite");
        if let Some(line) = owner_invite {
            fs::write(&invite, line).unwrap();
        }
        let token_file = directory.path().join("token");
        if let Some(token) = token {
            fs::write(&token_file, token).unwrap();
        }
        let memory = Arc::new(Memory::default());
        let uri = watch::Sender::new(Some(uri));
        let config = UplinkConfig {
            uri: uri.subscribe(),
            database: database.to_owned(),
            token_file,
            owner_invite: Some(invite),
            window_days: 30,
            window_messages: 50_000,
            timing: quick(),
        };
        let uplink = Uplink::start(config, memory.clone());
        Self {
            uplink,
            memory,
            uri,
            directory,
        }
    }

    async fn until(&self, what: &str, mut holds: impl FnMut(&LinkStatus) -> bool) -> LinkStatus {
        let mut status = self.uplink.status();
        match timeout(PATIENCE, status.wait_for(|status| holds(status))).await {
            Ok(held) => held.unwrap().clone(),
            Err(_) => panic!(
                "waited in vain: {what}: {:?}",
                self.uplink.status().borrow()
            ),
        }
    }

    async fn live(&self) -> LinkStatus {
        self.until("live", |status| status.state == HubState::Live)
            .await
    }

    async fn trouble(&self, word: &str) -> String {
        let named = |status: &LinkStatus| {
            status
                .last_error
                .as_ref()
                .is_some_and(|error| error.contains(word))
        };
        let status = self.until(word, named).await;
        assert_eq!(status.state, HubState::Offline);
        status.last_error.unwrap()
    }

    async fn received(&self, content: &str) {
        let mut changed = self.memory.changed.subscribe();
        let here = |_: &u64| self.memory.contents().iter().any(|one| one == content);
        let arrived = timeout(PATIENCE, changed.wait_for(here)).await;
        assert!(
            arrived.is_ok(),
            "{content} did not arrive: {:?}",
            self.memory.contents()
        );
    }

    fn post(&self, content: &str) -> Call {
        let channel_id = self.memory.channel("general").id;
        call(Operation::SendMessage {
            channel_id,
            thread_id: None,
            reply_to: None,
            kind: MessageKind::Text,
            content: content.to_owned(),
            context: Context::default(),
        })
    }

    fn token_file(&self) -> PathBuf {
        self.directory.path().join("token")
    }
}

fn call(operation: Operation) -> Call {
    Call {
        client_key: Uuid::new_v4(),
        session: None,
        operation,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_of_a_new_hub_is_let_in_posts_and_reads() {
    let hub = Hub::start();
    let client = Client::start(hub.uri(), Some(&hub.owner_invite()));
    let status = client.live().await;
    let me = status.identity.unwrap();
    assert_eq!(status.schema_version, Some(spaces_bindings::SCHEMA_VERSION));

    let snapshot = client.memory.kept.lock().unwrap().batches[0]
        .snapshot_of
        .clone();
    assert!(snapshot.contains(&Table::Channel) && snapshot.contains(&Table::Member));
    let owner = |change: &Change| matches!(change, Change::Put(Row::Member(member)) if member.identity == me && member.role == spaces_api::model::Role::Owner);
    assert!(
        client.memory.changes().iter().any(owner),
        "redeeming made us the owner"
    );

    let post = client.post("hello");
    assert_eq!(client.uplink.call(post.clone()).await, Outcome::Committed);
    client.received("hello").await;
    assert_eq!(
        client.uplink.call(post.clone()).await,
        Outcome::Committed,
        "the same key again"
    );
    let message = client.memory.messages().pop().unwrap();
    assert_eq!(
        (message.author, message.client_key),
        (me, Some(post.client_key))
    );
    assert_eq!(client.memory.contents(), ["hello"]);
    assert_eq!(client.memory.last_seq(), message.seq);

    client
        .until("a heartbeat", |status| status.round_trip.is_some())
        .await;
    client.uplink.shutdown().await;
    assert_eq!(client.uplink.status().borrow().state, HubState::Offline);
    assert_eq!(client.uplink.call(post).await, Outcome::Unknown);
}
