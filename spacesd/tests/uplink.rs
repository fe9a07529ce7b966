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
use spacesd::row::{Batch, Change, ChannelRow, Identity, MessageRow, PageEnd, Row, Table};
use spacesd::uplink::{CallError, LinkStatus, Sink, Timing, Uplink, UplinkConfig};
use tempfile::TempDir;
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;
use uuid::Uuid;

/// Keeps every batch that it was given.
#[derive(Default)]
struct Memory {
    kept: Mutex<Kept>,
    changed: watch::Sender<u64>,
    rebuilds: watch::Sender<u64>,
}

#[derive(Default)]
struct Kept {
    bound: Option<(String, Identity)>,
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

fn done() -> oneshot::Receiver<()> {
    let (tell, told) = oneshot::channel();
    tell.send(()).unwrap();
    told
}

impl Memory {
    fn bound(&self) -> Option<(String, Identity)> {
        self.kept.lock().unwrap().bound.clone()
    }

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

    /// What users wrote, in order; the hub itself tells of who joined.
    fn contents(&self) -> Vec<String> {
        let mut messages = self.messages();
        messages.retain(|message| message.kind != MessageKind::Join);
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
        Self::timed(uri, owner_invite, database, token, quick())
    }

    fn timed(
        uri: String,
        owner_invite: Option<&str>,
        database: &str,
        token: Option<&str>,
        timing: Timing,
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
            window_messages: 50_000,
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
    assert_eq!(
        client.uplink.call(post.clone(), None).await,
        Outcome::Committed
    );
    client.received("hello").await;
    assert_eq!(
        client.uplink.call(post.clone(), None).await,
        Outcome::Committed,
        "the same key again"
    );
    let mut messages = client.memory.messages();
    messages.sort_by_key(|message| message.seq);
    let message = messages.pop().unwrap();
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
    assert_eq!(client.uplink.call(post, None).await, Outcome::Unknown);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_keeps_the_module_s_words() {
    let hub = Hub::start();
    let client = Client::start(hub.uri(), Some(&hub.owner_invite()));
    client.live().await;
    let mut post = client.post("nowhere");
    if let Operation::SendMessage { channel_id, .. } = &mut post.operation {
        *channel_id = 999_999;
    }
    let Outcome::Refused(refusal) = client.uplink.call(post, None).await else {
        panic!("there is no such channel");
    };
    assert_eq!(refusal.kind, "not_found");
    assert!(refusal.message.contains("999999"), "{}", refusal.message);
    let Outcome::Refused(refusal) = client.uplink.call(client.post(""), None).await else {
        panic!("an empty message");
    };
    assert_eq!(refusal.kind, "invalid");
    assert_eq!(
        client.until("still live", |_| true).await.state,
        HubState::Live
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_arrive_in_the_order_in_which_they_were_made() {
    let hub = Hub::start();
    let client = Client::start(hub.uri(), Some(&hub.owner_invite()));
    client.live().await;
    let wanted: Vec<_> = (0..100).map(|number| format!("message {number}")).collect();
    // Made in order, awaited in the opposite one.
    let calls: Vec<_> = wanted
        .iter()
        .map(|text| client.uplink.call(client.post(text), None))
        .collect();
    for call in calls.into_iter().rev() {
        assert_eq!(call.await, Outcome::Committed);
    }
    client.received("message 99").await;
    assert_eq!(client.memory.contents(), wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_killed_hub_only_what_was_missed_comes() {
    let mut hub = Hub::start();
    let invite = hub.owner_invite();
    // No heartbeat can tell it that the hub is gone.
    let timing = Timing {
        heartbeat_every: PATIENCE * 10,
        answer_within: PATIENCE * 10,
        ..quick()
    };
    let (reader, poster) = (
        Client::timed(hub.uri(), Some(&invite), "spaces", None, timing),
        Proxy::start(hub.port()),
    );
    let live = reader.live().await;
    // The same user from a second machine, which the reader does not hear while it is cut off.
    let token = fs::read_to_string(reader.token_file()).unwrap();
    let writer = Client::with(poster.uri(), None, "spaces", Some(&token));
    assert_eq!(writer.live().await.identity, live.identity);
    assert_eq!(
        writer.uplink.call(writer.post("before"), None).await,
        Outcome::Committed
    );
    reader.received("before").await;

    hub.kill();
    let down = reader
        .until("offline", |status| status.state == HubState::Offline)
        .await;
    assert_eq!(down.reconnects, 1);
    assert_eq!(
        reader.uplink.call(reader.post("lost"), None).await,
        Outcome::Unknown
    );

    reader.uri.send_replace(None);
    hub.run();
    writer.live().await;
    assert_eq!(
        writer.uplink.call(writer.post("meanwhile"), None).await,
        Outcome::Committed
    );
    reader.memory.forget();
    reader.uri.send_replace(Some(hub.uri()));
    let again = reader.live().await;
    assert_eq!(again.identity, live.identity);
    reader.received("meanwhile").await;
    assert_eq!(reader.memory.contents(), ["meanwhile"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stalled_link_is_noticed_and_replaced() {
    let hub = Hub::start();
    let proxy = Proxy::start(hub.port());
    let client = Client::start(proxy.uri(), Some(&hub.owner_invite()));
    client.live().await;
    proxy.stall();
    let unanswered = client.uplink.call(client.post("into the void"), None);
    client
        .until("noticed", |status| status.state == HubState::Offline)
        .await;
    // How soon is held by the uplink's own tests, without a clock on the wall.
    assert_eq!(unanswered.await, Outcome::Unknown);
    proxy.heal();
    client.live().await;
    assert_eq!(
        client.uplink.call(client.post("again"), None).await,
        Outcome::Committed
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_is_a_sign_of_life_as_an_answer_is() {
    let hub = Hub::start();
    let writer = Client::start(hub.uri(), Some(&hub.owner_invite()));
    writer.live().await;
    let token = fs::read_to_string(writer.token_file()).unwrap();
    let once = Timing {
        heartbeat_every: Duration::from_secs(3600),
        ..quick()
    };
    // The same user elsewhere, who asks the hub once.
    let reader = Client::timed(hub.uri(), None, "spaces", Some(&token), once);
    reader
        .until("answered", |status| {
            status.state == HubState::Live && status.round_trip.is_some()
        })
        .await;
    let before = reader.uplink.status().borrow().fresh_at;
    let mut later = false;
    for number in 0.. {
        let posted = writer
            .uplink
            .call(writer.post(&format!("row {number}")), None);
        assert_eq!(posted.await, Outcome::Committed);
        reader.received(&format!("row {number}")).await;
        later = reader.uplink.status().borrow().fresh_at > before;
        if later || number > 10_000 {
            break;
        }
    }
    assert!(later, "{:?}", reader.uplink.status().borrow());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_sync_is_waited_for_and_a_stalled_one_is_not() {
    let hub = Hub::start();
    let proxy = Proxy::start(hub.port());
    let invite = hub.owner_invite();
    let writer = Client::start(hub.uri(), Some(&invite));
    writer.live().await;
    let wanted: Vec<_> = (0..100)
        .map(|number| format!("{number} {}", "x".repeat(7_900)))
        .collect();
    let calls: Vec<_> = wanted
        .iter()
        .map(|text| writer.uplink.call(writer.post(text), None))
        .collect();
    for call in calls {
        assert_eq!(call.await, Outcome::Committed);
    }
    let token = fs::read_to_string(writer.token_file()).unwrap();

    // Eight seconds of rows: four times as long as an answer may take.
    proxy.throttle(Some(100_000));
    let slow = Client::with(proxy.uri(), None, "spaces", Some(&token));
    let live = slow.live().await;
    assert_eq!(live.reconnects, 0);
    assert_eq!(live.last_error, None, "it was waited for");
    assert_eq!(slow.memory.contents(), wanted);

    let stalled = Client::with(proxy.uri(), None, "spaces", Some(&token));
    stalled
        .until("syncing", |status| status.state == HubState::Syncing)
        .await;
    proxy.stall();
    stalled.trouble("has not answered").await;
    proxy.heal();
    stalled.live().await;
    assert_eq!(stalled.memory.contents(), wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sink_that_began_anew_is_filled_again() {
    let hub = Hub::start();
    let client = Client::start(hub.uri(), Some(&hub.owner_invite()));
    client.live().await;
    assert_eq!(
        client
            .uplink
            .call(client.post("kept by the hub"), None)
            .await,
        Outcome::Committed
    );
    client.received("kept by the hub").await;
    *client.memory.kept.lock().unwrap() = Kept::default();
    client.memory.rebuilds.send_modify(|count| *count += 1);
    client
        .until("another link", |status| {
            status.reconnects == 1 && status.state == HubState::Live
        })
        .await;
    assert_eq!(client.memory.contents(), ["kept by the hub"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_admitted_is_told_so_and_let_in_by_an_invite() {
    let hub = Hub::start();
    let client = Client::start(hub.uri(), None);
    let why = client.trouble("does not admit us").await;
    assert!(why.contains("spacesctl join"), "{why}");
    let refused = client
        .uplink
        .redeem("spaces-invite:1:nonsense")
        .await
        .unwrap_err();
    assert!(
        refused.to_string().contains("not a usable invite"),
        "{refused}"
    );
    client.uplink.redeem(&hub.owner_invite()).await.unwrap();
    client.live().await;

    let other = Client::start(hub.uri(), None);
    other.trouble("does not admit us").await;
    let used = other.uplink.redeem(&hub.owner_invite()).await.unwrap_err();
    assert!(
        matches!(used, CallError::Refused(_)),
        "a used invite: {used:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_token_a_wrong_database_and_a_wrong_address_are_told_apart() {
    let hub = Hub::start();
    let forged = format!("e30.{}.x", "e30");
    let client = Client::with(hub.uri(), None, "spaces", Some(&forged));
    client.trouble("does not accept our token").await;

    let client = Client::with(hub.uri(), None, "elsewhere", None);
    client.trouble("no Spaces database `elsewhere`").await;

    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let client = Client::start(format!("http://{free}"), None);
    client.trouble("cannot reach").await;
    client.uri.send_replace(Some("nonsense".to_owned()));
    client.trouble("is not the address of a hub").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_hub_begins_anew() {
    let (one, two) = (Hub::start(), Hub::start());
    let client = Client::start(one.uri(), Some(&one.owner_invite()));
    client.live().await;
    assert_eq!(
        client
            .uplink
            .call(client.post("on the first hub"), None)
            .await,
        Outcome::Committed
    );
    client.received("on the first hub").await;
    let first = client.memory.bound();

    client.uri.send_replace(None);
    client
        .until("let go", |status| status.state == HubState::Offline)
        .await;
    fs::remove_file(client.token_file()).unwrap();
    fs::write(
        client.directory.path().join("owner.invite"),
        two.owner_invite(),
    )
    .unwrap();
    client.uri.send_replace(Some(two.uri()));
    client.live().await;
    assert_ne!(client.memory.bound(), first);
    assert!(client.memory.contents().is_empty());
    assert_eq!(
        client
            .uplink
            .call(client.post("on the second hub"), None)
            .await,
        Outcome::Committed
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_kept_for_its_owner_and_used_again() {
    let hub = Hub::start();
    let client = Client::start(hub.uri(), Some(&hub.owner_invite()));
    let first = client.live().await.identity;
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(client.token_file())
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    client.uplink.shutdown().await;
    let token = fs::read_to_string(client.token_file()).unwrap();
    let again = Client::with(hub.uri(), None, "spaces", Some(&token));
    assert_eq!(again.live().await.identity, first);
    let (identity, token) = again.uplink.new_identity().await.unwrap();
    assert_ne!(Some(identity), first);
    assert!(!token.is_empty());
}

/// A second user, invited by the first through the module.
async fn invited(hub: &Hub, host: &Client) -> Client {
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

fn deliveries(client: &Client) -> Vec<(spaces_api::model::InboxReason, String)> {
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

#[tokio::test(flavor = "multi_thread")]
async fn a_direct_message_is_delivered_acknowledged_and_its_past_readable() {
    let hub = Hub::start();
    let alice = Client::start(hub.uri(), Some(&hub.owner_invite()));
    alice.live().await;
    let bob = invited(&hub, &alice).await;
    let to_bob = bob.live().await.identity.unwrap();
    for number in 0..5 {
        let operation = Operation::SendDirectMessage {
            recipient: to_bob,
            reply_to: None,
            content: format!("secret {number}"),
            context: Context::default(),
        };
        assert_eq!(
            alice.uplink.call(call(operation), None).await,
            Outcome::Committed
        );
    }
    let mut changed = bob.memory.changed.subscribe();
    let all_here = changed.wait_for(|_| deliveries(&bob).len() == 5);
    timeout(PATIENCE, all_here)
        .await
        .expect("five deliveries")
        .unwrap();
    let (reason, content) = deliveries(&bob).swap_remove(4);
    assert_eq!(
        (reason, content.as_str()),
        (spaces_api::model::InboxReason::Dm, "secret 4")
    );

    let dm = |change| match change {
        Change::Put(Row::Channel(row)) if !row.dm_between.is_empty() => Some(row),
        _ => None,
    };
    let channel = bob.memory.changes().into_iter().find_map(dm).unwrap();
    assert!(channel.dm_between.contains(&to_bob));
    let whole = bob.uplink.history(channel.id, PageEnd::Newest, 100);
    let whole = whole.await.unwrap();
    assert!(!whole.more);
    let whole = whole.messages;
    let words: Vec<_> = whole
        .iter()
        .map(|message| message.content.as_str())
        .collect();
    assert_eq!(
        words,
        ["secret 0", "secret 1", "secret 2", "secret 3", "secret 4"]
    );
    assert!(whole.iter().all(|message| message.private));
    let older = async |end| bob.uplink.history(channel.id, end, 2).await.unwrap();
    // Looked for by halving, and told by its place: the same page.
    for end in [
        PageEnd::BeforeId(whole[3].id),
        PageEnd::BeforeOrdinal(whole[3].ordinal),
    ] {
        let page = older(end).await;
        assert_eq!((page.messages.as_slice(), page.more), (&whole[1..3], true));
    }
    bob.uplink
        .read_down_to(channel.id, whole[1].id, whole[1].ordinal);
    let first = older(PageEnd::BeforeId(whole[1].id)).await;
    assert_eq!(
        (first.messages.as_slice(), first.more),
        (&whole[..1], false)
    );
    let none = older(PageEnd::BeforeId(whole[0].id)).await;
    assert_eq!((none.messages.as_slice(), none.more), (&[][..], false));
    let carol = invited(&hub, &alice).await;
    let refused = carol.uplink.history(channel.id, PageEnd::Newest, 100);
    let refused = refused.await.unwrap_err();
    assert!(matches!(refused, CallError::Refused(_)), "{refused:?}");

    // What was acknowledged is not delivered again.
    let token = fs::read_to_string(bob.token_file()).unwrap();
    let deadline = Instant::now() + PATIENCE;
    loop {
        let again = Client::with(hub.uri(), None, "spaces", Some(&token));
        again.live().await;
        if deliveries(&again).is_empty() {
            break;
        }
        assert!(Instant::now() < deadline, "never acknowledged");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_claims_and_notes_come_back_as_rows() {
    let hub = Hub::start();
    let client = Client::start(hub.uri(), Some(&hub.owner_invite()));
    client.live().await;
    let session = Uuid::new_v4().to_string();
    let context = Context {
        repo: Some("example.org/app".to_owned()),
        ..Context::default()
    };
    let operations = [
        Operation::StartSession {
            id: session.clone(),
            agent: "claude.app".to_owned(),
            tool: "claude-code".to_owned(),
            task: None,
            context: context.clone(),
        },
        Operation::AcquireClaim {
            session_id: session.clone(),
            repo: "example.org/app".to_owned(),
            patterns: vec!["src/**".to_owned()],
            task: None,
            exclusive: true,
            reason: None,
            ttl_secs: 600,
        },
        Operation::LeaveNote {
            channel_id: client.memory.channel("agent-logs").id,
            content: "mind the gap".to_owned(),
            context,
        },
    ];
    for operation in operations {
        assert_eq!(
            client.uplink.call(call(operation), None).await,
            Outcome::Committed
        );
    }
    client.received("mind the gap").await;
    let note = client.memory.messages().pop().unwrap();
    assert_eq!(
        (note.kind, note.channel_id, note.note_done),
        (MessageKind::Note, 0, None)
    );
    let here = |change: &Change| match change {
        Change::Put(Row::Claim(claim)) => {
            claim.session_id == session && claim.patterns == ["src/**"]
        }
        _ => false,
    };
    assert!(client.memory.changes().iter().any(here));

    let resolve = Operation::ResolveNote {
        message_id: note.id,
    };
    assert_eq!(
        client.uplink.call(call(resolve), None).await,
        Outcome::Committed
    );
    let mut changed = client.memory.changed.subscribe();
    let done = |_: &u64| {
        client
            .memory
            .messages()
            .iter()
            .any(|one| one.id == note.id && one.note_done.is_some() && one.seq > note.seq)
    };
    timeout(PATIENCE, changed.wait_for(done))
        .await
        .expect("the note is done")
        .unwrap();
}
