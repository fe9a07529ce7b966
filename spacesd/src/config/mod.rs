//! Settings: one TOML file, then the environment, then the command line, the
//! later going before the earlier. Checked whole: every mistake is reported, with
//! its place, at once.

mod keys;
mod load;
mod settings;
mod template;

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use spaces_api::model::HubMode;
use spaces_domain::invite::is_hub_address;
use spaces_domain::limits::OUTBOX_DAYS;

pub use load::{Flag, Problem, Problems, Source, load};
pub use settings::{Changed, Settings, follow_file, report};
pub use template::template;

/// Settings of spacesd. Every key may be left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Name of the server that is meant where a call names none. Needed only by
    /// members of several servers. Example: "Spaces Hub"
    pub server: Option<String>,
    /// Channel that takes the summaries and notes of agent sessions.
    pub agent_log: String,
    /// The hub that this daemon is connected to.
    pub hub: Hub,
    /// What is logged, to standard error.
    pub log: Log,
    /// Bounds of the durable queue of writes that wait for the hub.
    pub outbox: Outbox,
    /// The local copy of what the hub holds.
    pub cache: Cache,
    /// Bounds of the Unix socket.
    pub socket: Socket,
    /// Agent hooks (read by `spacesctl hook`).
    pub hooks: Hooks,
}

/// The hub that this daemon is connected to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Hub {
    /// "local": spacesd starts and stops a hub of its own. "remote": it connects to `uri`.
    pub mode: HubMode,
    /// Address of a remote hub, http(s):// or ws(s)://. Example: "https://hub.example.org"
    pub uri: Option<String>,
    /// Name of the database on the hub.
    pub database: String,
    /// File (mode 0600) with the token of this user's identity; `token` in the
    /// state directory if absent. Example: "/home/alice/.local/state/spaces/token"
    pub token_file: Option<PathBuf>,
    /// The spaces-hub program for local mode; found beside spacesd or on PATH if
    /// absent. Example: "/usr/local/bin/spaces-hub"
    pub program: Option<PathBuf>,
}

/// What is logged, to standard error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// error, warn, info, debug or trace; or directives by module such as
    /// "info,spacesd::uplink=debug".
    pub level: String,
    /// "text" or "json", one line per event.
    pub format: LogFormat,
}

/// Form of a log line.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum,
)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}

/// Bounds of the durable queue of writes that wait for the hub.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Outbox {
    /// Most writes that may wait; past it a write is refused with `outbox_full`. 1 to 10,000,000.
    pub max_items: u64,
    /// Most bytes that may wait. At least 1,048,576.
    pub max_bytes: u64,
    /// Days until a write that could not be sent is set aside as rejected. 1 to 90.
    pub max_age_days: u32,
}

/// The local copy of what the hub holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Cache {
    /// The first sync takes messages of this many days... 1 to 3,650.
    pub window_days: u32,
    /// ...and at most this many. 100 to 10,000,000.
    pub window_messages: u32,
    /// Most messages that are kept here; the oldest go first. 1,000 to 1,000,000,000.
    pub max_messages: u64,
    /// Messages older than this many days leave the cache, open notes excepted;
    /// kept for ever if absent. 1 to 36,500. Example: 365
    pub max_age_days: Option<u32>,
}

/// Bounds of the Unix socket.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Socket {
    /// Most connections served at once. 8 to 65,536.
    pub max_connections: usize,
}

/// Agent hooks (read by `spacesctl hook`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Hooks {
    /// Deny a tool call that touches paths which another session holds
    /// exclusively, instead of only saying so.
    pub deny_claimed: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            server: None,
            agent_log: "#agent-logs".into(),
            hub: Hub::default(),
            log: Log::default(),
            outbox: Outbox::default(),
            cache: Cache::default(),
            socket: Socket::default(),
            hooks: Hooks::default(),
        }
    }
}

impl Default for Hub {
    fn default() -> Self {
        Self {
            mode: HubMode::Local,
            uri: None,
            database: "spaces".into(),
            token_file: None,
            program: None,
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self {
            level: "info".into(),
            format: LogFormat::Text,
        }
    }
}

impl Default for Outbox {
    fn default() -> Self {
        Self {
            max_items: 100_000,
            max_bytes: 256 * 1024 * 1024,
            max_age_days: 30,
        }
    }
}

impl Default for Cache {
    fn default() -> Self {
        Self {
            window_days: 30,
            window_messages: 50_000,
            max_messages: 2_000_000,
            max_age_days: None,
        }
    }
}

impl Default for Socket {
    fn default() -> Self {
        Self {
            max_connections: spaces_api::MAX_CONNECTIONS,
        }
    }
}

impl Config {
    /// What is wrong with the values taken together: the key at fault and why.
    fn faults(&self) -> Vec<(&'static str, String)> {
        let mut faults = Vec::new();
        let mut check = |key: &'static str, fine: bool, fault: &str| {
            if !fine {
                faults.push((key, fault.to_owned()));
            }
        };
        check(
            "agent_log",
            !self.agent_log.trim_start_matches('#').trim().is_empty(),
            "names no channel",
        );
        match self.hub.mode {
            HubMode::Remote => check(
                "hub.uri",
                self.hub.uri.is_some(),
                "is needed with hub.mode = \"remote\": the address of the hub, for example \"https://hub.example.org\"",
            ),
            HubMode::Local => check(
                "hub.uri",
                self.hub.uri.is_none(),
                "has no effect with hub.mode = \"local\": set hub.mode = \"remote\" to use it, or take it out",
            ),
        }
        if let Some(uri) = &self.hub.uri {
            check(
                "hub.uri",
                is_hub_address(uri),
                "must begin with http://, https://, ws:// or wss:// and name a host",
            );
        }
        check("hub.database", !self.hub.database.is_empty(), "is empty");
        check(
            "log.level",
            crate::logging::parse_level(&self.log.level).is_ok(),
            "is not a level (error, warn, info, debug, trace) nor a list of directives such as \"info,spacesd::uplink=debug\"",
        );
        check(
            "outbox.max_items",
            (1..=10_000_000).contains(&self.outbox.max_items),
            "must be 1 to 10,000,000",
        );
        check(
            "outbox.max_bytes",
            self.outbox.max_bytes >= 1 << 20,
            "must be at least 1,048,576",
        );
        check(
            "outbox.max_age_days",
            (1..=OUTBOX_DAYS).contains(&self.outbox.max_age_days),
            "must be 1 to 90: a hub knows a post again for that long",
        );
        check(
            "cache.window_days",
            (1..=3650).contains(&self.cache.window_days),
            "must be 1 to 3,650",
        );
        check(
            "cache.window_messages",
            (100..=10_000_000).contains(&self.cache.window_messages),
            "must be 100 to 10,000,000",
        );
        check(
            "cache.max_messages",
            (1_000..=1_000_000_000).contains(&self.cache.max_messages),
            "must be 1,000 to 1,000,000,000",
        );
        check(
            "cache.max_age_days",
            self.cache
                .max_age_days
                .is_none_or(|days| (1..=36_500).contains(&days)),
            "must be 1 to 36,500",
        );
        check(
            "socket.max_connections",
            (8..=65_536).contains(&self.socket.max_connections),
            "must be 8 to 65,536",
        );
        faults
    }
}
