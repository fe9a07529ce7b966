//! Every read gives the same answer in both framings, from a cache that is live
//! and full.

use serde_json::{Value, json};
use spaces_tests::{Daemon, Hub, raw_call};

/// These push: they need a connection that stays open, and have tests of their own.
const PUSHING: [&str; 2] = ["events.subscribe", "activity.watch"];

#[test]
fn both_framings_give_the_same_answer_to_every_read() {
    let hub = Hub::start();
    let daemon = Daemon::owner_of(&hub);
    let peer = daemon.invite("member");
    let name = peer.username();
    let message = fill(&daemon, &peer);
    let repo = json!({"repo": "github.com/acme/app"});
    let asked = |method: &str| match method {
        "message.list" | "thread.list" | "channel.members" => json!({"channel": "#general"}),
        "message.show" => json!({"message": message}),
        "message.search" => json!({"query": "parser"}),
        "dm.list" => json!({"with": name}),
        "user.show" => json!({"user": name}),
        "session.show" => json!({"id": "one"}),
        "note.list" | "activity.list" => json!({"context": repo}),
        "claim.check" => json!({"paths": ["src/a.rs"], "context": repo}),
        _ => json!({}),
    };
    let mut client = daemon.client();
    let mut empty = Vec::new();
    let mut compared = 0;
    let reads = super::methods(&daemon, &["read", "admin", "local"]);
    for (method, _) in reads {
        let reads = super::methods(&daemon, &["read"]);
        let lists = method.ends_with(".list") || reads.iter().any(|(read, _)| *read == method);
        if !lists || PUSHING.contains(&method.as_str()) {
            continue;
        }
        let params = asked(&method);
        let lines = raw_call(&mut client, &method, &params)
            .unwrap_or_else(|error| panic!("{method} {params}: {error:?}"));
        let request = json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params});
        let body = super::http(&daemon, "POST /rpc", &request.to_string());
        let http: Value = serde_json::from_str(&body).expect("an answer is JSON");
        assert_eq!(http["id"], 7);
        let (lines, http) = (timeless(lines), timeless(http["result"].clone()));
        assert_eq!(lines, http, "{method}");
        let lists = lines.as_object().expect("named results").values();
        if lists.clone().any(Value::is_array)
            && lists
                .clone()
                .all(|one| *one == json!([]) || !one.is_array())
        {
            empty.push(method);
        }
        compared += 1;
    }
    assert!(compared > 20, "only {compared} reads were compared");
    // Of these nothing was made above: two empty answers are alike for no reason.
    let known = ["voice.list", "outbox.list", "member.bans", "invite.list"];
    empty.retain(|method| !known.contains(&method.as_str()));
    assert_eq!(empty, [""; 0], "the cache has nothing of these");
}

/// Something of each kind; the id of a message.
fn fill(daemon: &Daemon, peer: &Daemon) -> Value {
    let sent = |daemon: &Daemon, method: &str, mut params: Value| {
        params["wait"] = json!("sent");
        daemon.call(method, params)
    };
    let repo = json!({"repo": "github.com/acme/app", "branch": "main"});
    let posted = sent(
        daemon,
        "message.send",
        json!({"channel": "#general", "content": "the parser is done", "context": repo}),
    );
    let message = posted["receipt"]["message_id"].clone();
    sent(
        daemon,
        "message.react",
        json!({"message": message, "emoji": "+1"}),
    );
    sent(
        daemon,
        "thread.create",
        json!({"channel": "#general", "name": "parser"}),
    );
    sent(
        daemon,
        "dm.send",
        json!({"to": peer.username(), "content": "hello"}),
    );
    let id = daemon.username();
    sent(
        peer,
        "dm.send",
        json!({"to": id, "content": "hello yourself"}),
    );
    sent(
        peer,
        "session.start",
        json!({"id": "theirs", "tool": "test", "context": repo}),
    );
    let claim = json!({"patterns": ["src/**"], "session": "theirs", "context": repo});
    sent(peer, "claim.acquire", claim);
    sent(
        daemon,
        "session.start",
        json!({"id": "one", "tool": "test", "context": repo}),
    );
    sent(
        daemon,
        "note.leave",
        json!({"content": "read this", "context": repo, "session": "one"}),
    );
    spaces_tests::eventually("what the peer wrote is here", || {
        let claims = daemon.call("claim.list", json!({}));
        let inbox = daemon.call("inbox.list", json!({}));
        let some = |list: &Value| list.as_array().is_some_and(|list| !list.is_empty());
        (some(&claims["claims"]) && some(&inbox["items"])).then_some(())
    });
    message
}

/// An answer without the times at which it was given.
fn timeless(mut answer: Value) -> Value {
    if let Some(meta) = answer["meta"].as_object_mut() {
        assert_eq!(meta["hub"], "live");
        meta.remove("as_of");
        meta.remove("stale_for_ms");
    }
    if let Some(fields) = answer.as_object_mut() {
        for moment in ["at", "uptime_ms", "metrics"] {
            fields.remove(moment);
        }
    }
    answer
}
