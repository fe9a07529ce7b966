//! A client of the hub on SpacetimeDB's own SDK: the reference for what the
//! daemon does, and the hand that fills hubs.

use std::sync::mpsc::{self, Receiver};
use std::time::Instant;

use spaces_bindings::reducers::{
    AcquireClaim, JoinServer, SendMessage, SetHubSettings, StartSession,
};
use spaces_bindings::{
    AdmissionPolicy, ClaimTarget, Completion, DbConnection, HubSettingsChange, MessageContext,
    MessageKind, Reducer,
};
use spaces_domain::limits::CLAIM_TTL_MAX_SECS;
use spaces_tests::{Caller, Hub, PATIENCE};
use spacetimedb_sdk::Compression;
use uuid::Uuid;

/// Calls that may be under way at once while a hub is filled.
const WINDOW: usize = 2_000;

/// Agents that the messages of a filled hub are from.
const AGENTS: u64 = 50;

/// An open connection with confirmed reads: an answer means durable.
pub struct SdkClient {
    connection: DbConnection,
    server: u64,
    channel: u64,
}

impl SdkClient {
    /// Connects as the identity that published the module.
    pub fn of_publisher(hub: &Hub) -> Self {
        Self::with_token(hub, &hub.publisher_token())
    }

    /// Connects as a user whom the hub has not seen, and joins the first server.
    pub fn of_stranger(hub: &Hub) -> Self {
        let client = Self::with_token(hub, Caller::stranger(hub.port()).token());
        client.join_server();
        client
    }

    fn with_token(hub: &Hub, token: &str) -> Self {
        let (server, channel) = agent_log(hub.port(), token);
        Self {
            connection: connect(&hub.uri(), token),
            server,
            channel,
        }
    }

    /// Lets everybody in.
    pub fn open_doors(&self) {
        self.change_settings(HubSettingsChange {
            admission: Some(AdmissionPolicy::Open),
            ..unchanged()
        });
    }

    /// Takes the bound off the rate of calls, and lets sessions stand without a
    /// heartbeat: what is measured is the work and not the hub's courtesy.
    pub fn lift_limits(&self) {
        self.change_settings(HubSettingsChange {
            rate_per_sec: Some(1_000_000),
            rate_burst: Some(1_000_000),
            session_timeout_secs: Some(30 * 24 * 3_600),
            ..unchanged()
        });
    }

    fn change_settings(&self, change: HubSettingsChange) {
        self.call(SetHubSettings {
            client_key: key(),
            agent_session: None,
            change,
        });
    }

    /// Becomes a member of the first server, which the publisher leaves to the
    /// owner when the owner comes in.
    pub fn join_server(&self) {
        self.call(JoinServer {
            client_key: key(),
            server_id: self.server,
        });
    }

    /// Starts the sessions of the agents that [`SdkClient::fill`] posts for.
    pub fn start_sessions(&self) -> Vec<String> {
        (0..AGENTS)
            .map(|number| self.start_session(number))
            .collect()
    }

    /// Starts the sessions of these numbers, each with a claim of its own.
    pub fn start_claiming(&self, from: u64, to: u64) {
        for number in from..to {
            let session_id = self.start_session(number);
            self.call(AcquireClaim {
                client_key: key(),
                session_id,
                repo: place(number).repo.unwrap_or_default(),
                target: ClaimTarget::Paths,
                patterns: vec![claimed(number)],
                exclusive: true,
                reason: None,
                ttl_secs: CLAIM_TTL_MAX_SECS,
            });
        }
    }

    fn start_session(&self, number: u64) -> String {
        let session_id = key();
        let place = place(number);
        self.call(StartSession {
            client_key: key(),
            session_id: session_id.clone(),
            agent_name: format!("claude.app{number}.main"),
            tool: "claude-code".to_owned(),
            repo: place.repo.unwrap_or_default(),
            branch: place.branch,
            commit: None,
            task: Some(format!("task number {number}")),
            paths: place.paths,
        });
        session_id
    }

    /// Posts messages with the numbers `from..to`, many under way at once, and
    /// returns when the last is durable.
    pub fn fill(&self, sessions: &[String], from: u64, to: u64) {
        let (done, answers) = mpsc::channel();
        let mut under_way = 0;
        for number in from..to {
            let session = &sessions[(number % AGENTS) as usize];
            let done = done.clone();
            self.connection
                .calls
                .reducer(
                    self.message(number, Some(session.clone())),
                    move |_, completion| {
                        // Fails only when the filling has failed already.
                        let _ = done.send(completion);
                    },
                )
                .expect("the connection is open");
            under_way += 1;
            if under_way == WINDOW {
                committed(&answers);
                under_way -= 1;
            }
        }
        for _ in 0..under_way {
            committed(&answers);
        }
    }

    /// Carries out one call and waits until it is durable.
    pub fn call(&self, reducer: impl Into<Reducer>) {
        let (done, answers) = mpsc::channel();
        self.connection
            .calls
            .reducer(reducer, move |_, completion| {
                // The caller waits below for as long as it has patience.
                let _ = done.send(completion);
            })
            .expect("the connection is open");
        committed(&answers);
    }

    /// Posts this text and does not wait.
    pub fn post(&self, content: &str) {
        let post = SendMessage {
            content: content.to_owned(),
            ..self.message(0, None)
        };
        self.connection
            .calls
            .reducer(post, |_, completion| {
                assert!(matches!(completion, Ok(Ok(()))), "{completion:?}");
            })
            .expect("the connection is open");
    }

    /// Subscribes to the channel, and tells for each message when its callback ran
    /// and what its text is; first for those that are there.
    pub fn follow_messages(&self) -> Receiver<(Instant, String)> {
        let (tell, told) = mpsc::channel();
        self.connection.db.message().on_insert(move |_, message| {
            // Nobody listens any more once the measure is done.
            let _ = tell.send((Instant::now(), message.content.clone()));
        });
        let (applied, wait) = mpsc::channel();
        self.connection
            .subscription_builder()
            .on_applied(move |_| {
                // Whoever waits has given up where this fails.
                let _ = applied.send(());
            })
            .on_error(|_, error| panic!("the hub refused a subscription: {error}"))
            .subscribe(vec![format!(
                "SELECT * FROM message WHERE channel_id = {}",
                self.channel
            )]);
        wait.recv_timeout(PATIENCE).expect("the hub answers");
        told
    }

    fn message(&self, number: u64, agent_session: Option<String>) -> SendMessage {
        SendMessage {
            client_key: key(),
            agent_session,
            channel_id: self.channel,
            thread_id: None,
            kind: if number.is_multiple_of(3) {
                MessageKind::Summary
            } else {
                MessageKind::Text
            },
            content: format!(
                "summary number {number}: what was done and what is left, in some thirty words or so"
            ),
            context: place(number),
            reply_to: None,
        }
    }
}

/// Opens a connection and drives it on a thread of its own.
pub fn connect(uri: &str, token: &str) -> DbConnection {
    let (greet, greeted) = mpsc::channel();
    let connection = DbConnection::builder()
        .with_uri(uri)
        .with_database_name("spaces")
        .with_token(Some(token))
        .with_compression(Compression::None)
        .with_confirmed_reads(true)
        .on_connect(move |_, _, _| {
            // Whoever waits has given up where this fails.
            let _ = greet.send(());
        })
        .build()
        .expect("the hub listens");
    connection.run_threaded();
    greeted.recv_timeout(PATIENCE).expect("the hub greets");
    connection
}

/// Where the work behind the message of this number happened.
pub fn place(number: u64) -> MessageContext {
    MessageContext {
        repo: Some(format!("github.com/acme/app{}", number % 10)),
        branch: Some(format!("branch{}", number % 7)),
        commit: None,
        paths: vec![format!("src/module{}.rs", number % 1_000)],
    }
}

/// The path that the session of this number claims.
pub fn claimed(number: u64) -> String {
    format!("src/claimed{number}.rs")
}

/// The ids of the first server and of the channel in it that agents log to.
pub fn agent_log(port: u16, token: &str) -> (u64, u64) {
    let rows =
        Caller::with_token(port, token).rows("SELECT * FROM channel WHERE name = 'agent-logs'");
    let row = rows.first().expect("a new hub has the channel");
    let number = |column: &str| row[column].as_u64().expect("an id is a number");
    (number("server_id"), number("id"))
}

fn unchanged() -> HubSettingsChange {
    HubSettingsChange {
        hub_name: None,
        admission: None,
        rate_per_sec: None,
        rate_burst: None,
        message_days: None,
        messages_per_channel: None,
        delivery_days: None,
        idempotency_days: None,
        audit_days: None,
        session_days: None,
        session_timeout_secs: None,
    }
}

fn key() -> String {
    Uuid::new_v4().to_string()
}

fn committed(answers: &Receiver<Completion>) {
    let completion = answers.recv_timeout(PATIENCE).expect("the hub answers");
    assert!(matches!(completion, Ok(Ok(()))), "{completion:?}");
}
