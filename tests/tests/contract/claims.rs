//! A claim that is made offline says that it is not sure yet, and what became
//! of it is told when the hub is back.

use serde_json::{Value, json};
use spaces_api::HubState;
use spaces_tests::{Daemon, Hub, Proxy, eventually};

const REPO: &str = "github.com/acme/app";

fn acquire(daemon: &Daemon, session: &str, path: &str) -> Value {
    daemon.call(
        "claim.acquire",
        json!({"patterns": [path], "exclusive": true, "session": session, "reason": "mine",
            "context": {"repo": REPO}}),
    )
}

/// The claim of this path as the daemon lists it.
fn listed(daemon: &Daemon, path: &str) -> Option<Value> {
    let listed = daemon.call("claim.list", json!({"repo": REPO}));
    let claims = listed["claims"].as_array().expect("claims").iter();
    let mut same = claims.filter(|claim| claim["patterns"][0] == path && claim["reason"] == "mine");
    same.next().cloned()
}

#[test]
fn offline_it_is_provisional_and_afterwards_held_or_refused() {
    let hub = Hub::start();
    let proxy = Proxy::start(hub.port());
    let mut alice = Daemon::owner_of(&hub);
    // Invited before the proxy is there: this one's way to the hub stays open.
    let bob = alice.invite("member");
    alice.kill();
    alice.use_hub_at(&proxy.uri());
    alice.run();
    alice.until_live();
    for (daemon, session) in [(&alice, "one"), (&alice, "two"), (&bob, "rival")] {
        let start =
            json!({"id": session, "tool": "test", "context": {"repo": REPO}, "wait": "sent"});
        daemon.call("session.start", start);
    }

    proxy.refuse();
    alice.until_hub(HubState::Offline);
    let free = acquire(&alice, "one", "src/free.rs");
    let taken = acquire(&alice, "one", "src/taken.rs");
    for claim in [&free, &taken] {
        assert_eq!(claim["claim"]["state"], "provisional", "{claim}");
        assert_eq!(claim["receipt"]["state"], "queued", "{claim}");
        assert!(claim["claim"]["id"].is_null(), "the hub gives ids: {claim}");
    }

    // The other session of this machine is warned at once.
    let check = json!({"paths": ["src/free.rs"], "session": "two", "context": {"repo": REPO}});
    let warned = alice.call("claim.check", check);
    assert_eq!(warned["claims"][0]["state"], "provisional", "{warned}");
    assert_eq!(warned["meta"]["hub"], "offline", "{warned}");
    let second = acquire(&alice, "two", "src/free.rs");
    assert_eq!(second["conflicts"][0]["state"], "provisional", "{second}");

    // Meanwhile another machine, which is online, takes one of them.
    let rival = bob.call(
        "claim.acquire",
        json!({"patterns": ["src/taken.rs"], "exclusive": true, "session": "rival",
            "context": {"repo": REPO}, "wait": "sent"}),
    );
    assert_eq!(rival["claim"]["state"], "held", "{rival}");

    let mut events = Events::of(&alice);
    proxy.heal();
    alice.call("daemon.reconnect", json!({}));
    alice.until_live();

    let key = |claim: &Value| claim["receipt"]["client_key"].clone();
    assert_eq!(events.receipt(&key(&free))["state"], "sent");
    let refused = events.receipt(&key(&taken));
    assert_eq!(refused["state"], "rejected", "{refused}");
    let reason = refused["reason"].as_str().unwrap_or_default();
    assert!(reason.starts_with("conflict"), "{reason}");
    assert_eq!(events.receipt(&key(&second))["state"], "rejected");

    let held = eventually("the free one is held", || {
        listed(&alice, "src/free.rs").filter(|claim| claim["state"] == "held")
    });
    assert!(held["id"].is_u64(), "{held}");
    assert_eq!(listed(&alice, "src/taken.rs"), None, "refused is not held");
    eventually("the other machine sees who holds it", || {
        listed(&bob, "src/free.rs").filter(|claim| claim["state"] == "held")
    });
}

/// The events of a daemon from now on, over a connection of their own.
struct Events {
    lines: std::io::Lines<std::io::BufReader<std::os::unix::net::UnixStream>>,
    seen: Vec<Value>,
}

impl Events {
    fn of(daemon: &Daemon) -> Self {
        use std::io::{BufRead, BufReader, Write};
        let mut stream =
            std::os::unix::net::UnixStream::connect(daemon.socket()).expect("it listens");
        stream
            .set_read_timeout(Some(spaces_tests::PATIENCE))
            .expect("a socket takes options");
        let subscribe = json!({"jsonrpc": "2.0", "id": 1, "method": "events.subscribe",
            "params": {"kinds": ["receipt"]}});
        writeln!(stream, "{subscribe}").expect("it reads");
        let mut lines = BufReader::new(stream).lines();
        let answer = lines.next().expect("an answer").expect("UTF-8");
        assert!(answer.contains("\"result\""), "{answer}");
        Self {
            lines,
            seen: Vec::new(),
        }
    }

    /// The settled receipt with this key, as soon as an event has told of it.
    fn receipt(&mut self, key: &Value) -> Value {
        loop {
            let settled = self
                .seen
                .iter()
                .find(|receipt| receipt["client_key"] == *key && receipt["state"] != "queued");
            if let Some(settled) = settled {
                return settled.clone();
            }
            let line = self.lines.next().expect("an event").expect("in time");
            let pushed: Value = serde_json::from_str(&line).expect("JSON");
            self.seen.push(pushed["params"]["event"]["receipt"].clone());
        }
    }
}
