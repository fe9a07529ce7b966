//! A hub, a client of its uplink, and a sink that keeps what it is given.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use spaces_api::HubState;
use spaces_api::model::{Context, MessageKind};
use spaces_tests::{Hub, PATIENCE};
use spacesd::operation::{Call, Operation, Outcome};
use spacesd::row::{Batch, Change, ChannelRow, Identity, Known, MessageRow, Row};
use spacesd::uplink::{LinkStatus, Sink, Timing, Uplink, UplinkConfig};
use tempfile::TempDir;
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;
use uuid::Uuid;

/// Keeps every batch that it was given.
#[derive(Default)]
pub struct Memory {
    pub kept: Mutex<Kept>,
    pub changed: watch::Sender<u64>,
    pub rebuilds: watch::Sender<u64>,
}

#[derive(Default)]
pub struct Kept {
    pub bound: Option<(String, Identity)>,
    pub last_seq: u64,
    pub batches: Vec<Batch>,
}

impl Sink for Memory {
    fn last_seq(&self) -> u64 {
        self.kept.lock().unwrap().last_seq
    }

    fn newest_in(&self, channels: &[u64]) -> Option<Known> {
        let mut messages = self.messages();
        messages.retain(|row| channels.contains(&row.channel_id));
        let newest = messages.into_iter().max_by_key(|row| (row.id, row.seq))?;
        Some(Known {
            id: newest.id,
            seq: newest.seq,
            created_at: newest.created_at,
        })
    }

    fn begin_anew(&self, _why: &str) {
        let mut kept = self.kept.lock().unwrap();
        *kept = Kept {
            bound: kept.bound.take(),
            ..Kept::default()
        };
        drop(kept);
        self.rebuilds.send_modify(|rebuilds| *rebuilds += 1);
    }

    fn apply(&self, batch: Batch) -> oneshot::Receiver<()> {
        let mut kept = self.kept.lock().unwrap();
        kept.last_seq = kept.last_seq.max(batch.synced_to.unwrap_or(0));
        kept.batches.push(batch);
        // Who waits for a change looks at what is kept, under the lock of `changed`.
        drop(kept);
        self.changed.send_modify(|changes| *changes += 1);
        done()
    }

    fn belongs_to(&self, hub: &str, me: Identity) -> oneshot::Receiver<()> {
        let mut kept = self.kept.lock().unwrap();
        let bound = Some((hub.to_owned(), me));
        if kept.bound != bound {
            *kept = Kept {
                bound,
                ..Kept::default()
            };
        }
        done()
    }

    fn rebuilds(&self) -> watch::Receiver<u64> {
        self.rebuilds.subscribe()
    }

    fn open_sessions(&self) -> Vec<String> {
        Vec::new()
    }
}

pub fn done() -> oneshot::Receiver<()> {
    let (tell, told) = oneshot::channel();
    tell.send(()).unwrap();
    told
}

impl Memory {
    pub fn bound(&self) -> Option<(String, Identity)> {
        self.kept.lock().unwrap().bound.clone()
    }

    pub fn changes(&self) -> Vec<Change> {
        let kept = self.kept.lock().unwrap();
        kept.batches
            .iter()
            .flat_map(|batch| batch.changes.clone())
            .collect()
    }

    pub fn messages(&self) -> Vec<MessageRow> {
        let message = |change| match change {
            Change::Put(Row::Message(row)) => Some(row),
            _ => None,
        };
        self.changes().into_iter().filter_map(message).collect()
    }

    /// What users wrote, in order; the hub itself tells of who joined.
    pub fn contents(&self) -> Vec<String> {
        let mut messages = self.messages();
        messages.retain(|message| message.kind != MessageKind::Join);
        messages.sort_by_key(|message| message.seq);
        messages
            .into_iter()
            .map(|message| message.content)
            .collect()
    }

    pub fn channel(&self, name: &str) -> ChannelRow {
        let channel = |change| match change {
            Change::Put(Row::Channel(row)) if row.name == name => Some(row),
            _ => None,
        };
        self.changes().into_iter().find_map(channel).unwrap()
    }

    /// Forgets the batches, not how far they went.
    pub fn forget(&self) {
        self.kept.lock().unwrap().batches.clear();
    }
}

/// An uplink with a token of its own.
pub struct Client {
    pub uplink: Uplink,
    pub memory: Arc<Memory>,
    pub uri: watch::Sender<Option<String>>,
    pub directory: TempDir,
}

/// Waits that a test need not sit through.
pub fn quick() -> Timing {
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
    pub fn start(uri: String, owner_invite: Option<&str>) -> Self {
        Self::with(uri, owner_invite, "spaces", None)
    }

    pub fn with(
        uri: String,
        owner_invite: Option<&str>,
        database: &str,
        token: Option<&str>,
    ) -> Self {
        Self::timed(uri, owner_invite, database, token, quick())
    }

    pub fn timed(
        uri: String,
        owner_invite: Option<&str>,
        database: &str,
        token: Option<&str>,
        timing: Timing,
    ) -> Self {
        Self::windowed(uri, owner_invite, database, token, timing, 50_000)
    }

    /// One whose first synchronization takes so many messages, in whole parts.
    pub fn windowed(
        uri: String,
        owner_invite: Option<&str>,
        database: &str,
        token: Option<&str>,
        timing: Timing,
        window_messages: u32,
    ) -> Self {
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
            window_messages,
            timing,
        };
        let uplink = Uplink::start(config, memory.clone());
        Self {
            uplink,
            memory,
            uri,
            directory,
        }
    }

    pub async fn until(
        &self,
        what: &str,
        mut holds: impl FnMut(&LinkStatus) -> bool,
    ) -> LinkStatus {
        let mut status = self.uplink.status();
        match timeout(PATIENCE, status.wait_for(|status| holds(status))).await {
            Ok(held) => held.unwrap().clone(),
            Err(_) => panic!(
                "waited in vain: {what}: {:?}",
                self.uplink.status().borrow()
            ),
        }
    }

    pub async fn live(&self) -> LinkStatus {
        self.until("live", |status| status.state == HubState::Live)
            .await
    }

    pub async fn trouble(&self, word: &str) -> String {
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

    pub async fn received(&self, content: &str) {
        let mut changed = self.memory.changed.subscribe();
        let here = |_: &u64| self.memory.contents().iter().any(|one| one == content);
        let arrived = timeout(PATIENCE, changed.wait_for(here)).await;
        assert!(
            arrived.is_ok(),
            "{content} did not arrive: {:?}",
            self.memory.contents()
        );
    }

    pub fn post(&self, content: &str) -> Call {
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

    pub fn token_file(&self) -> PathBuf {
        self.directory.path().join("token")
    }
}

pub fn call(operation: Operation) -> Call {
    Call {
        client_key: Uuid::new_v4(),
        session: None,
        operation,
    }
}

/// A second user, invited by the first through the module.
pub async fn invited(hub: &Hub, host: &Client) -> Client {
    use sha2::{Digest, Sha256};
    let (temporary, token) = host.uplink.new_identity().await.unwrap();
    let secret = Uuid::new_v4().simple().to_string();
    let hash: String = Sha256::digest(&secret)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let operation = Operation::CreateInvite {
        server_id: host.memory.channel("general").server_id,
        role: spaces_api::model::Role::Member,
        max_uses: 1,
        expires_at: spaces_api::Timestamp::from_micros(
            spaces_api::Timestamp::now().as_micros() + 3_600_000_000,
        ),
        secret_hash: hash,
        temporary: Some(temporary),
    };
    assert_eq!(
        host.uplink.call(call(operation), None).await,
        Outcome::Committed
    );
    let invite = spaces_domain::invite::Invite {
        secret,
        token,
        database: "spaces".to_owned(),
        uri: hub.uri(),
    };
    let guest = Client::start(hub.uri(), None);
    guest.trouble("does not admit us").await;
    guest.uplink.redeem(&invite.to_string()).await.unwrap();
    guest.live().await;
    guest
}

pub fn deliveries(client: &Client) -> Vec<(spaces_api::model::InboxReason, String)> {
    let delivered = |change| match change {
        Change::Put(Row::Delivery(row)) => Some((row.reason, row.message?.content)),
        _ => None,
    };
    client
        .memory
        .changes()
        .into_iter()
        .filter_map(delivered)
        .collect()
}
