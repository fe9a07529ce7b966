//! A secret in any free text of any write is neither on the hub nor in a file of
//! the daemon.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};
use spaces_tests::{Caller, Daemon, Hub, hub_settings, none};

/// No token of anybody, in the form of one. Put together here, so that no scanner
/// takes this file for a leak.
fn secret(number: usize) -> String {
    format!("ghp_{}{number:04}", "R7x2LmQ9vK4tZ8wB1nJ6yH3cD5gS0aPf")
}

/// What all the secrets here have in common.
const COMMON: &str = "R7x2LmQ9vK4tZ8wB1nJ6yH3cD5gS0aPf";

/// Texts that are no one's words: references to what is there, and what has a
/// form of its own that a secret does not have.
const REFERENCES: [&str; 10] = [
    "channel",
    "server",
    "user",
    "message",
    "note",
    "to",
    "reply_to",
    "client_key",
    "session",
    "cwd",
];

/// What makes a call good apart from the texts.
fn needed(method: &str, message: &Value, peer: &str, round: usize) -> Value {
    let repo = json!({"repo": "github.com/acme/app"});
    match method {
        "message.send" => json!({"channel": "Spaces Hub/#general", "content": "x"}),
        "message.edit" => json!({"message": message, "content": "x"}),
        "message.delete" => json!({"message": 1}),
        "message.react" | "message.unreact" => json!({"message": message, "emoji": "+1"}),
        "dm.send" => json!({"to": peer, "content": "x"}),
        "note.leave" => json!({"content": "x", "context": repo}),
        "session.start" => json!({"id": format!("s{round}"), "tool": "test", "context": repo}),
        "session.update" => json!({"id": "mine"}),
        "session.end" => json!({"id": "other"}),
        "member.ban" => json!({"user": peer}),
        "claim.acquire" => json!({"session": "mine", "context": repo}),
        "channel.create" => json!({"name": format!("made-{round}")}),
        "channel.update" => json!({"channel": "Spaces Hub/#general"}),
        "thread.create" => json!({"channel": "Spaces Hub/#general", "name": "x"}),
        "server.create" => json!({"name": format!("Made {round}")}),
        "server.update" => json!({"server": "Spaces Hub"}),
        "user.register_agent" => json!({"name": format!("agent-{round}"), "tool": "test"}),
        _ => json!({}),
    }
}

/// The free texts of a method: pointers to each, from its schema.
fn texts(document: &Value, schema: &Value, at: &str, found: &mut Vec<(String, bool)>) {
    let schema = super::resolved(document, schema);
    let Some(properties) = schema["properties"].as_object() else {
        return;
    };
    for (name, its) in properties {
        if REFERENCES.contains(&name.as_str()) {
            continue;
        }
        let its = super::resolved(document, its);
        let is = |kind: &str| {
            its["type"] == kind
                || its["type"]
                    .as_array()
                    .is_some_and(|kinds| kinds.contains(&json!(kind)))
        };
        let at = format!("{at}/{name}");
        let closed = its["enum"].is_array() || its["oneOf"].is_array() || its["format"].is_string();
        if is("string") && !closed {
            found.push((at, false));
        } else if is("array") && its["items"]["type"] == "string" {
            found.push((at, true));
        } else if is("object") || its["properties"].is_object() {
            texts(document, its, &at, found);
        }
    }
}

fn put(params: &mut Value, pointer: &str, value: Value) {
    let mut place = params;
    for part in pointer.split('/').skip(1) {
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        place = &mut place[part];
    }
    *place = value;
}

fn files_with(directory: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        let kind = entry.file_type().expect("a file has a type");
        if kind.is_dir() {
            files_with(&path, found);
        } else if kind.is_file() {
            let bytes = fs::read(&path).unwrap_or_default();
            let common = COMMON.as_bytes();
            if let Some(place) = bytes.windows(common.len()).position(|part| part == common) {
                let end = (place + common.len() + 4).min(bytes.len());
                let shown = String::from_utf8_lossy(&bytes[place.saturating_sub(60)..end]);
                found.push(format!("{}: {shown}", path.display()));
            }
        }
    }
}

#[test]
fn no_write_carries_a_secret_to_the_hub_or_to_a_file() {
    let mut hub = Hub::start();
    let alice = Daemon::owner_of(&hub);
    let bob = alice.invite("member");
    let peer = bob.username();
    let publisher = Caller::with_token(hub.port(), &hub.publisher_token());
    let fast = hub_settings(&[
        ("rate_per_sec", json!(10_000)),
        ("rate_burst", json!(10_000)),
    ]);
    publisher.does("set_hub_settings", json!([none(), fast]));
    for id in ["mine", "other"] {
        let place = json!({"repo": "github.com/acme/app"});
        let start = json!({"id": id, "tool": "test", "wait": "sent", "context": place});
        alice.call("session.start", start);
    }
    let posted = alice.call(
        "message.send",
        json!({"channel": "Spaces Hub/#general", "content": "before", "wait": "sent"}),
    );
    let message = posted["receipt"]["message_id"].clone();

    let document = alice.call("rpc.discover", json!({}));
    let (mut tried, mut taken, mut refused) = (0, Vec::new(), Vec::new());
    for (method, schema) in super::methods(&alice, &["write", "admin"]) {
        // An invite is a secret that is meant for the hub, and a signal is no text.
        if ["invite.redeem", "voice.signal"].contains(&method.as_str()) {
            continue;
        }
        let mut places = Vec::new();
        texts(&document, &schema, "", &mut places);
        for (place, many) in places {
            tried += 1;
            let mut params = needed(&method, &message, &peer, tried);
            let text = match place.as_str() {
                "/context/repo" => format!("https://{}@github.com/acme/app", secret(tried)),
                "/avatar_url" | "/icon_url" => {
                    format!("https://example.org/{}.png", secret(tried))
                }
                "/context/branch" | "/branch" | "/context/paths" | "/paths" | "/patterns" => {
                    format!("fix/{}", secret(tried))
                }
                _ => format!("use {} here", secret(tried)),
            };
            let value = if many { json!([text]) } else { json!(text) };
            put(&mut params, &place, value);
            if method == "claim.acquire" && place != "/patterns" && place != "/task" {
                put(&mut params, "/patterns", json!([format!("src/{tried}.rs")]));
            }
            put(&mut params, "/wait", json!("sent"));
            match alice.try_call(&method, params) {
                Ok(_) => taken.push(format!("{method}{place}")),
                Err(error) => refused.push(format!("{method}{place}: {error}")),
            }
        }
    }
    // The test would be empty if it did not find the texts, or nothing were taken.
    for place in [
        "message.send/content",
        "message.send/context/branch",
        "message.send/context/paths",
        "message.edit/content",
        "dm.send/content",
        "note.leave/content",
        "session.start/task",
        "session.update/task",
        "session.update/branch",
        "claim.acquire/reason",
        "claim.acquire/task",
        "channel.update/topic",
        "server.update/description",
        "user.set_profile/bio",
        "user.set_profile/status_text",
        "session.end/summary",
    ] {
        assert!(
            taken.iter().any(|one| one == place),
            "{place} was not taken; taken: {taken:#?}; refused: {refused:#?}"
        );
    }

    alice.until_sent();
    // Offline too: what waits in the outbox, and in the spool's way, is as clean.
    let token = fs::read_to_string(alice.state_dir().join("token")).expect("a token");
    let user = Caller::with_token(hub.port(), token.trim());
    let mut leaks = Vec::new();
    for table in [
        "message",
        "private_message",
        "note",
        "agent_session",
        "claim",
        "user",
        "agent",
        "server",
        "channel",
        "thread",
        "audit_entry",
        "ban",
        "idempotency_key",
        "my_inbox",
    ] {
        for caller in [&publisher, &user] {
            let (status, rows) = caller.sql(&format!("SELECT * FROM {table}"));
            if status == 200 && rows.contains(COMMON) {
                let at = rows.find(COMMON).unwrap_or_default();
                leaks.push(format!(
                    "{table}: {}",
                    &rows[at.saturating_sub(80)..at + 36]
                ));
            }
        }
    }
    hub.kill();
    alice.until_hub(spaces_api::HubState::Offline);
    for (number, method) in ["message.send", "dm.send", "note.leave", "session.start"]
        .into_iter()
        .enumerate()
    {
        let number = 9_000 + number;
        let mut params = needed(method, &message, &peer, number);
        put(
            &mut params,
            "/context/branch",
            json!(format!("fix/{}", secret(number))),
        );
        let text = if method == "session.start" {
            "/task"
        } else {
            "/content"
        };
        put(
            &mut params,
            text,
            json!(format!("use {} here", secret(number))),
        );
        alice.call(method, params);
    }
    files_with(alice.home(), &mut leaks);
    files_with(bob.home(), &mut leaks);
    files_with(&hub.data_dir(), &mut leaks);
    assert!(leaks.is_empty(), "{leaks:#?}");
}
