//! Hubs and servers for the tests to act in.

use std::ops::Deref;

use serde_json::{Map, Value, json};
use spaces_domain::Role;
pub use spaces_tests::hub_settings as settings;
use spaces_tests::{Caller, Hub, Wire, none, word};

/// An open hub that bounds nobody's rate.
pub struct World {
    hub: Hub,
    pub publisher: Caller,
}

pub const HOME: u64 = 1;

impl World {
    pub fn open() -> Self {
        let world = Self::closed();
        let change = settings(&[
            ("admission", word("open")),
            ("rate_per_sec", json!(1_000_000)),
            ("rate_burst", json!(1_000_000)),
        ]);
        world
            .publisher
            .does("set_hub_settings", json!([none(), change]));
        world
    }

    pub fn closed() -> Self {
        let hub = Hub::start();
        let publisher = Caller::with_token(hub.port(), &hub.publisher_token());
        Self { hub, publisher }
    }

    /// kill -9 of the hub, and its next start.
    pub fn crash(&mut self) {
        self.hub.kill();
        self.hub.run();
    }

    /// An open connection of a caller.
    pub fn online(&self, caller: &Caller) -> Wire {
        Wire::open(self.hub.port(), caller).unwrap()
    }

    pub fn stranger(&self) -> Caller {
        Caller::stranger(self.hub.port())
    }

    /// A user who has connected once.
    pub fn user(&self) -> Caller {
        let user = self.stranger();
        user.does("set_status", json!([none()]));
        user
    }

    /// A new server of which `actor` is a member in `role`.
    pub fn server(&self, actor: &Caller, role: Role, visibility: &str) -> Server {
        let boss = self.user();
        let name = format!("server of {}", &boss.identity[50..]);
        boss.does(
            "create_server",
            json!([none(), name, word(visibility), none(), none()]),
        );
        let id = find(&boss.rows("SELECT * FROM server"), "name", &json!(name))["id"].clone();
        let mut server = Server {
            id: id.as_u64().unwrap(),
            boss,
        };
        server.admit(actor, role);
        server
    }
}

impl Deref for World {
    type Target = Hub;

    fn deref(&self) -> &Hub {
        &self.hub
    }
}

/// A server, and its owner or, where the actor is that, an admin.
pub struct Server {
    pub id: u64,
    pub boss: Caller,
}

impl Server {
    /// Makes a member in a role.
    pub fn admit(&mut self, member: &Caller, role: Role) {
        member.does("join_server", json!([self.id]));
        match role {
            Role::Owner => {
                let arguments = json!([none(), self.id, member.id()]);
                self.boss.does("transfer_ownership", arguments);
            }
            Role::Member => {}
            _ => self.boss.does(
                "set_member_role",
                json!([none(), self.id, member.id(), word(role.as_str())]),
            ),
        }
    }

    /// The id of one of its open channels.
    pub fn channel(&self, name: &str) -> u64 {
        let rows = self.boss.rows(&format!(
            "SELECT * FROM channel WHERE server_id = {}",
            self.id
        ));
        find(&rows, "name", &json!(name))["id"].as_u64().unwrap()
    }

    /// A new channel, made by the boss.
    pub fn new_channel(&self, name: &str, channel_type: &str, visibility: &str) -> u64 {
        let arguments = json!([
            none(),
            self.id,
            name,
            word(channel_type),
            word(visibility),
            none()
        ]);
        self.boss.does("create_channel", arguments);
        match visibility {
            "open" => self.channel(name),
            _ => {
                let rows = self.boss.rows("SELECT * FROM my_channels");
                let own = rows
                    .into_iter()
                    .filter(|row| row["server_id"] == json!(self.id));
                find(&own.collect::<Vec<_>>(), "name", &json!(name))["id"]
                    .as_u64()
                    .unwrap()
            }
        }
    }

    pub fn role_of(&self, member: &Caller) -> Option<usize> {
        let rows = self.boss.rows("SELECT * FROM server_member");
        let mut own = rows.iter().filter(|row| row["server_id"] == json!(self.id));
        let row = own.find(|row| member.is(&row["identity"]))?;
        Some(row["role"][0].as_u64().unwrap() as usize)
    }
}

/// The first row whose column has that value.
pub fn find(rows: &[Map<String, Value>], column: &str, value: &Value) -> Map<String, Value> {
    rows.iter()
        .find(|row| row[column] == *value)
        .unwrap_or_else(|| panic!("no row with {column} {value} in {rows:?}"))
        .clone()
}

/// Posts a text; the message's id.
pub fn post(author: &Caller, session: Value, channel: u64, text: &str) -> u64 {
    author.does("send_message", message(session, channel, "text", text));
    let open = author.rows("SELECT * FROM message");
    let posted = open.iter().filter(|row| row["content"] == json!(text));
    let id = posted.map(|row| row["id"].as_u64().unwrap()).max();
    id.expect("the message is there")
}

/// The arguments of `send_message` after its key.
pub fn message(session: Value, channel: u64, kind: &str, text: &str) -> Value {
    json!([
        session,
        channel,
        none(),
        word(kind),
        text,
        context(),
        none()
    ])
}

pub fn context() -> Value {
    json!({ "repo": none(), "branch": none(), "commit": none(), "paths": [] })
}

/// A session of the caller's.
pub fn session(caller: &Caller) -> String {
    let id = uuid::Uuid::new_v4().to_string();
    let arguments = json!([
        id,
        "claude.spaces.main",
        "claude-code",
        "example.org/spaces",
        none(),
        none(),
        none(),
        []
    ]);
    caller.does("start_session", arguments);
    id
}
