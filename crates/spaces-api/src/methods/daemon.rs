//! `daemon.*`: the daemon itself.

use super::None;
use crate::model::{DaemonStatus, results};
use crate::{Meta, Timestamp};

methods! {
    /// How the daemon, its outbox, cache and hub link are.
    Status = "daemon.status", Local, None => DaemonStatus;
    /// Answers at once: the cheapest proof of life.
    Ping = "daemon.ping", Local, None => Pong;
    /// Reads the configuration file again.
    Reload = "daemon.reload", Local, None => Reloaded;
    /// Tries to reach the hub at once.
    Reconnect = "daemon.reconnect", Local, None => Pong;
    /// Takes no new work, sends what it can in the time, then stops.
    Drain = "daemon.drain", Local, DrainParams => Drained;
}

params! {
    DrainParams {
        /// How long to try to empty the outbox, in milliseconds. Default 5,000.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        timeout_ms: Option<u64>,
        /// Only empty the outbox; go on running.
        #[serde(default)]
        stay: bool,
    }
}

results! {
    Pong {
        version: String,
        protocol: u32,
        pid: u32,
        at: Timestamp,
        meta: Meta,
    }
    Reloaded {
        /// Keys whose new value is in force.
        applied: Vec<String>,
        /// Keys that need a restart.
        needs_restart: Vec<String>,
    }
    Drained {
        /// Writes that stay in the outbox; they are sent after the next start.
        still_queued: u64,
    }
}
