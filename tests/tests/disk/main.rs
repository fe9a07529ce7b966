//! A disk that is full, read-only or damaged under a real daemon: what was
//! acknowledged is kept, what cannot be kept is refused in plain words, and with
//! room again everything goes on without a restart.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod damage;
mod full;

use serde_json::json;
use spaces_tests::Daemon;

const CHANNEL: &str = "#agent-logs";

/// The contents of the channel's messages that wait in the outbox, in order.
fn waiting(daemon: &Daemon) -> Vec<String> {
    let page = daemon.call("message.list", json!({"channel": CHANNEL, "limit": 500}));
    let messages = page["messages"].as_array().unwrap().iter();
    messages
        .filter(|message| message["pending"] == true)
        .map(|message| message["content"].as_str().unwrap().to_owned())
        .collect()
}
