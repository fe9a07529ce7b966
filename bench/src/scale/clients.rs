//! Many daemons on one hub. A thousand processes would measure the machine and
//! not the hub, so each is a light client: SpacetimeDB's own SDK with the
//! subscriptions of a daemon, all driven in this process.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::time::Instant;

use spaces_bindings::DbConnection;
use spaces_domain::block;
use spaces_tests::{Caller, Hub, PATIENCE};
use spacetimedb_sdk::Compression;
use tokio::runtime::{Builder, Runtime};

use super::millis;
use crate::growth::Panel;
use crate::machine::resident_mib;
use crate::samples::Samples;
use crate::sdk::SdkClient;

/// Posts at each size.
const POSTS: usize = 40;

pub fn panels(sizes: &[u64]) -> Vec<Panel> {
    crate::limits::allow_many_files();
    let mut memory = Panel::new("Resident memory of the hub", "clients", "MiB");
    let mut latency = Panel::new(
        "From a call to the callback of each client",
        "clients",
        "ms",
    );
    let mut joining = Panel::new("Joining of the hub by one more client", "clients", "ms");
    let mut hub = Hub::start();
    let publisher = SdkClient::of_publisher(&hub);
    publisher.lift_limits();
    publisher.open_doors();
    let crowd = Crowd::new();
    let mut clients = Vec::new();
    for &size in sizes {
        let begun = Instant::now();
        let before = clients.len();
        while clients.len() < size as usize {
            clients.push(crowd.join(&hub));
        }
        let joined = begun.elapsed() / u32::try_from(clients.len() - before).unwrap_or(1);
        joining.point("connect and subscribe", size, millis(joined));
        let mut samples = Samples::default();
        for post in 0..POSTS {
            let content = format!("post {post} to {size} clients");
            let begun = Instant::now();
            publisher.post(&content);
            for _ in 0..size {
                samples.push(crowd.until_told(&content).duration_since(begun));
            }
        }
        latency.point("p50", size, millis(samples.p50()));
        latency.point("p99", size, millis(samples.p99()));
        memory.point("hub", size, resident_mib(hub.child().id()));
    }
    vec![memory, latency, joining]
}

/// The threads that drive the clients, and what they are told.
struct Crowd {
    threads: Runtime,
    tell: mpsc::Sender<(Instant, String)>,
    told: Receiver<(Instant, String)>,
}

/// What a daemon subscribes to, beside the messages.
const STATE: [&str; 22] = [
    "user",
    "presence",
    "agent",
    "agent_session",
    "claim",
    "server",
    "server_member",
    "channel",
    "thread",
    "voice_state",
    "my_read_markers",
    "my_channels",
    "my_threads",
    "my_voice_states",
    "my_bans",
    "my_audit",
    "my_invites",
    "note",
    "my_inbox",
    "newest_block",
    "typing",
    "my_typing",
];

impl Crowd {
    fn new() -> Self {
        let (tell, told) = mpsc::channel();
        let threads = Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        Self {
            threads,
            tell,
            told,
        }
    }

    /// A user whom the hub has not seen, connected and with all subscriptions.
    fn join(&self, hub: &Hub) -> Arc<DbConnection> {
        let token = Caller::stranger(hub.port()).token().to_owned();
        // The SDK takes the runtime that it finds itself in.
        let inside = self.threads.enter();
        let connection = DbConnection::builder()
            .with_uri(hub.uri())
            .with_database_name("spaces")
            .with_token(Some(token))
            .with_compression(Compression::None)
            .with_confirmed_reads(true)
            .build()
            .expect("the hub listens");
        drop(inside);
        let tell = self.tell.clone();
        connection.db.message().on_insert(move |_, message| {
            // Nobody listens once the measure is done.
            let _ = tell.send((Instant::now(), message.content.clone()));
        });
        let (applied, wait) = mpsc::channel();
        // The hub is new: what is posted here lies in the first of its blocks.
        let first = block::of_seq(0);
        let messages =
            [first, first + 1].map(|block| format!("SELECT * FROM message WHERE block = {block}"));
        let queries = STATE
            .iter()
            .map(|table| format!("SELECT * FROM {table}"))
            .chain(messages);
        connection
            .subscription_builder()
            .on_applied(move |_| {
                // Whoever waits has given up where this fails.
                let _ = applied.send(());
            })
            .on_error(|_, error| panic!("the hub refused a subscription: {error}"))
            .subscribe(queries.collect::<Vec<_>>());
        let connection = Arc::new(connection);
        let driven = Arc::clone(&connection);
        self.threads.spawn(async move {
            // Ends with the connection.
            while driven.advance_one_message_async().await.is_ok() {}
        });
        wait.recv_timeout(PATIENCE).expect("the hub answers");
        connection
    }

    /// When the next client was told this text; what came before is passed over.
    fn until_told(&self, content: &str) -> Instant {
        loop {
            let told = self.told.recv_timeout(PATIENCE);
            let (at, text) = told.expect("every client is told of the message");
            if text == content {
                return at;
            }
        }
    }
}
