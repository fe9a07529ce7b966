//! Many users on one open hub, and the daemons that some of them hold open.

use std::sync::mpsc::{self, Receiver, Sender};

use serde_json::{Value, json};
use spaces_bindings::reducers::{SendDirectMessage, SendMessage};
use spaces_bindings::{DbConnection, MessageContext, MessageKind};
use spaces_tests::{Caller, Hub, PATIENCE, hub_settings, none, word};
use spacetimedb_sdk::Identity;
use uuid::Uuid;

use crate::sdk::{SdkClient, connect};

/// A hub whose first server has so many members.
pub struct Crowd {
    pub hub: Hub,
    pub publisher: SdkClient,
    /// The publisher over HTTP.
    pub owner: Caller,
    pub members: Vec<Caller>,
    server: u64,
}

impl Crowd {
    pub fn of(members: usize) -> Self {
        let hub = Hub::start();
        let publisher = SdkClient::of_publisher(&hub);
        publisher.lift_limits();
        let owner = Caller::with_token(hub.port(), &hub.publisher_token());
        let open = hub_settings(&[("admission", word("open"))]);
        owner.does("set_hub_settings", json!([none(), open]));
        let server = owner.rows("SELECT * FROM server")[0]["id"].clone();
        let members = (0..members)
            .map(|_| {
                let member = Caller::stranger(hub.port());
                member.does("join_server", json!([server]));
                member
            })
            .collect();
        Self {
            hub,
            publisher,
            owner,
            members,
            server: server.as_u64().expect("an id is a number"),
        }
    }

    /// A new channel; a private one has the owner as its reader.
    pub fn channel(&self, name: &str, visibility: &str) -> u64 {
        let kind = word("text");
        let made = json!([none(), self.server, name, kind, word(visibility), none()]);
        self.owner.does("create_channel", made);
        let table = match visibility {
            "open" => "channel",
            _ => "private_channel",
        };
        let rows = self
            .owner
            .rows(&format!("SELECT * FROM {table} WHERE name = '{name}'"));
        rows[0]["id"].as_u64().expect("an id is a number")
    }

    /// Lets members read a private channel.
    pub fn let_in(&self, channel: u64, members: &[Caller]) {
        for member in members {
            let arguments = json!([none(), channel, member.id()]);
            self.owner.does("add_channel_member", arguments);
        }
    }

    /// Posts as the owner, and returns once that is durable.
    pub fn post(&self, channel: u64, content: &str) {
        self.publisher.call(SendMessage {
            client_key: Uuid::new_v4().to_string(),
            agent_session: None,
            channel_id: channel,
            thread_id: None,
            kind: MessageKind::Text,
            content: content.to_owned(),
            context: nowhere(),
            reply_to: None,
        });
    }

    /// Writes to a member as the owner, and returns once that is durable.
    pub fn write_to(&self, member: &Caller, content: &str) {
        self.publisher.call(SendDirectMessage {
            client_key: Uuid::new_v4().to_string(),
            agent_session: None,
            recipient: Identity::from_hex(&member.identity).expect("64 digits"),
            to_agent: None,
            kind: MessageKind::Text,
            content: content.to_owned(),
            context: nowhere(),
            reply_to: None,
        });
    }

    /// Opens a connection for each of these members that subscribes to what a
    /// daemon does, and to the messages of `channel`. What comes is counted.
    pub fn daemons(&self, members: &[Caller], channel: u64) -> Daemons {
        let (came, coming) = mpsc::channel();
        let connections = members
            .iter()
            .map(|member| {
                let connection = connect(&self.hub.uri(), member.token());
                let came = came.clone();
                connection.db.message().on_insert(move |_, message| {
                    // Nobody counts any more once the measure is done.
                    let _ = came.send(message.content.clone());
                });
                subscribe(&connection, channel);
                connection
            })
            .collect();
        Daemons {
            connections,
            coming,
        }
    }
}

/// Open connections, and what comes to them.
pub struct Daemons {
    connections: Vec<DbConnection>,
    coming: Receiver<String>,
}

impl Daemons {
    /// Waits until each of them has this message.
    pub fn until_all_have(&self, content: &str) {
        let mut without = self.connections.len();
        while without > 0 {
            let came = self.coming.recv_timeout(PATIENCE);
            without -= usize::from(came.expect("the message comes") == content);
        }
    }
}

impl Drop for Daemons {
    fn drop(&mut self) {
        for connection in &self.connections {
            // One that has ended by itself needs no farewell.
            let _ = connection.disconnect();
        }
    }
}

/// What `spacesd` subscribes to, but for old messages.
fn subscribe(connection: &DbConnection, channel: u64) {
    const WHOLE: [&str; 20] = [
        "user",
        "presence",
        "agent",
        "agent_session",
        "claim",
        "note",
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
        "my_inbox",
        "my_typing",
    ];
    let (applied, wait): (Sender<()>, _) = mpsc::channel();
    let mut queries: Vec<String> = WHOLE
        .iter()
        .map(|table| format!("SELECT * FROM {table}"))
        .collect();
    queries.push(format!(
        "SELECT * FROM message WHERE channel_id = {channel}"
    ));
    connection
        .subscription_builder()
        .on_applied(move |_| {
            // Whoever waits has given up where this fails.
            let _ = applied.send(());
        })
        .on_error(|_, error| panic!("the hub refused a subscription: {error}"))
        .subscribe(queries);
    wait.recv_timeout(PATIENCE).expect("the hub answers");
}

fn nowhere() -> MessageContext {
    MessageContext {
        repo: None,
        branch: None,
        commit: None,
        paths: Vec::new(),
    }
}

/// How many deliveries wait for a member, and how many are shown.
pub fn inbox_of(owner: &Caller, member: &Caller) -> (u64, u64) {
    let rows = owner.rows("SELECT * FROM inbox_state");
    let own = rows.iter().find(|row| member.is(&row["identity"]));
    let number = |name: &str| {
        own.and_then(|row| row.get(name).and_then(Value::as_u64))
            .unwrap_or_default()
    };
    (number("pending"), number("shown"))
}
