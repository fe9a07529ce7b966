//! What tests show: small, whole things of the contract.

use serde_json::{Value, json};
use spaces_client::spaces_api::Meta;
use spaces_client::spaces_api::model::{Channel, Claim, DaemonStatus, Message, Session};

const AT: &str = "2026-01-31T12:00:00Z";

fn from<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

pub fn meta() -> Meta {
    from(json!({ "as_of": AT, "hub": "live", "stale_for_ms": 0 }))
}

/// In `#general`, by `@bob`.
pub fn message(id: u64, content: &str) -> Message {
    from(json!({
        "id": id, "seq": id, "channel_id": 1, "channel": "#general",
        "author": { "identity": "b0b", "username": "bob" },
        "kind": "text", "content": content, "created_at": AT
    }))
}

pub fn channel(id: u64, name: &str, unread: u64) -> Channel {
    from(json!({
        "id": id, "server_id": 1, "server": "Spaces Hub", "name": name, "type": "text",
        "visibility": "open", "position": id, "slow_mode_secs": 0, "archived": false,
        "created_at": AT, "unread": unread
    }))
}

pub fn session(id: &str, task: &str) -> Session {
    from(json!({
        "id": id, "agent": "@bob/claude.app.main", "owner": "bob", "tool": "claude-code",
        "context": { "repo": "github.com/acme/app", "branch": "main" },
        "task": task, "state": "active", "started_at": AT, "last_seen": AT
    }))
}

pub fn claim(id: u64, pattern: &str, expires_at: &str) -> Claim {
    from(json!({
        "id": id, "client_key": null, "session_id": "s", "agent": "@bob/claude.app.main",
        "owner": "bob", "repo": "github.com/acme/app", "patterns": [pattern],
        "exclusive": true, "expires_at": expires_at, "state": "held"
    }))
}

pub fn status(hub: &str, queued: u64) -> DaemonStatus {
    from(json!({
        "version": "0.1.0", "protocol": 1, "pid": 7, "started_at": AT, "uptime_ms": 61_000,
        "socket": "/run/x.sock", "config_file": null, "state_dir": "/s", "cache_dir": "/c",
        "hub": {
            "state": hub, "mode": "local", "uri": "http://127.0.0.1:1", "database": "spaces",
            "detail": "waiting", "since": AT, "as_of": AT, "stale_for_ms": 0, "reconnects": 0,
            "username": "alice"
        },
        "outbox": {
            "queued": queued, "bytes": 0, "rejected": 0, "max_items": 1, "max_bytes": 1,
            "sent_total": 3
        },
        "cache": { "ready": true, "messages": 1, "last_seq": 1, "bytes": 2_000, "schema": 1 },
        "connections": 1, "subscribers": 0, "requests": 1,
        "spool": { "waiting": 0, "accepted_total": 0, "set_aside": 0 },
        "warnings": []
    }))
}

/// A view to which nothing has happened yet, at the moment of all samples.
pub fn state() -> super::state::State {
    super::state::State::new(now(0), (80, 24))
}

/// That many seconds after the moment of all samples.
pub fn now(seconds: u64) -> super::state::Now {
    static BEGIN: std::sync::LazyLock<std::time::Instant> =
        std::sync::LazyLock::new(std::time::Instant::now);
    let clock: spaces_client::spaces_api::Timestamp = AT.parse().unwrap();
    let micros = clock.as_micros() + i64::try_from(seconds).unwrap() * 1_000_000;
    super::state::Now {
        at: *BEGIN + std::time::Duration::from_secs(seconds),
        clock: spaces_client::spaces_api::Timestamp::from_micros(micros),
    }
}
