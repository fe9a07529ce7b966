//! The load on one daemon: what people, agents, hooks and programs do in a day,
//! by several at once and at random.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use spaces_api::methods::{events, message};
use spaces_client::{Client, Paths, spool};
use spaces_tests::{Cli, raw_call};
use uuid::Uuid;

use crate::tally::Tally;

const CHANNELS: [&str; 2] = ["#general", "#agent-logs"];
const REPOSITORY: &str = "example.org/acme/app";
const BRANCHES: [&str; 3] = ["main", "feature/cache", "fix/outbox"];
const TOOLS: [&str; 4] = ["claude-code", "codex", "gemini", "cursor"];
const WORDS: [&str; 8] = [
    "outbox", "cache", "claim", "retry", "socket", "digest", "branch", "flush",
];

/// Where the load goes.
#[derive(Clone)]
pub struct Site {
    pub paths: Paths,
    pub cli: Cli,
    /// Users who can be written to, with the `@`.
    pub people: Arc<Vec<String>>,
    /// The daemon is killed and started again now and then.
    pub restarted: bool,
    pub tally: Arc<Tally>,
}

/// Begins the load. It ends when the tally says that it is over.
pub fn begin(site: &Site, random: &mut StdRng) -> Vec<JoinHandle<()>> {
    let parts: [fn(&mut Hand); 7] = [post, post, read, work, follow, run_hooks, leave_in_spool];
    parts
        .into_iter()
        .map(|part| {
            let mut hand = Hand {
                site: site.clone(),
                client: Client::new(&site.paths.socket),
                random: StdRng::seed_from_u64(random.random()),
            };
            thread::spawn(move || part(&mut hand))
        })
        .collect()
}

/// One of those who use the daemon at the same time.
struct Hand {
    site: Site,
    client: Client,
    random: StdRng,
}

impl Hand {
    fn call(&mut self, method: &str, params: Value) -> Option<Value> {
        let outcome = raw_call(&mut self.client, method, &params);
        self.site.tally.judge(method, &outcome, self.site.restarted);
        outcome.ok()
    }

    /// Thinks for a while, about as long as said; false when the load is over.
    fn thinks(&mut self, about_ms: u64) -> bool {
        let until =
            Instant::now() + Duration::from_millis(self.random.random_range(0..2 * about_ms));
        while !self.site.tally.is_over() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            thread::park_timeout(left.min(Duration::from_millis(200)));
        }
        false
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        *from.choose(&mut self.random).expect("there is a choice")
    }

    fn sentence(&mut self) -> String {
        let length = match self.random.random_range(0..20) {
            0 => self.random.random_range(200..600),
            _ => self.random.random_range(3..40),
        };
        let words: Vec<&str> = (0..length).map(|_| self.pick(&WORDS)).collect();
        words.join(" ")
    }

    fn context(&mut self) -> Value {
        let file = format!("src/{}.rs", self.pick(&WORDS));
        json!({"repo": REPOSITORY, "branch": self.pick(&BRANCHES), "paths": [file]})
    }
}

/// Posts, and changes some of what it has posted.
fn post(hand: &mut Hand) {
    let mut posted: VecDeque<Value> = VecDeque::new();
    while hand.thinks(700) {
        let mut params = json!({
            "channel": hand.pick(&CHANNELS), "content": hand.sentence(), "context": hand.context(),
        });
        if hand.random.random_bool(0.3) {
            params["wait"] = json!("sent");
            params["timeout_ms"] = json!(2_000);
        }
        let Some(written) = hand.call("message.send", params) else {
            continue;
        };
        if let Some(id) = written["receipt"]
            .get("message_id")
            .filter(|id| !id.is_null())
        {
            posted.push_back(id.clone());
        }
        if posted.len() > 20 {
            posted.pop_front();
        }
        let Some(id) = posted.get(hand.random.random_range(0..20)).cloned() else {
            continue;
        };
        let changed = match hand.random.random_range(0..4) {
            0 => (
                "message.edit",
                json!({"message": id, "content": hand.sentence()}),
            ),
            1 => ("message.react", json!({"message": id, "emoji": "+1"})),
            2 => ("message.unreact", json!({"message": id, "emoji": "+1"})),
            _ => {
                posted.retain(|kept| *kept != id);
                ("message.delete", json!({"message": id}))
            }
        };
        hand.call(changed.0, changed.1);
    }
}

/// What a reply lists under this name.
fn listed(reply: Option<Value>, name: &str) -> Vec<Value> {
    let list = reply.and_then(|reply| reply[name].as_array().cloned());
    list.unwrap_or_default()
}

/// Reads in every way, keeps up with its inbox, and clears what was rejected.
fn read(hand: &mut Hand) {
    while hand.thinks(60) {
        let channel = hand.pick(&CHANNELS);
        let (method, params) = match hand.random.random_range(0..14) {
            0..=3 => ("message.list", json!({"channel": channel})),
            4..=5 => ("message.search", json!({"query": hand.pick(&WORDS)})),
            6..=7 => ("activity.list", json!({"context": hand.context()})),
            8 => ("inbox.list", json!({"ack": true})),
            9 => ("session.list", json!({"all": true, "limit": 200})),
            10 => ("note.list", json!({"context": hand.context()})),
            11 => ("read.mark", json!({"channel": channel})),
            12 => ("daemon.status", json!({})),
            _ => ("outbox.list", json!({"rejected": true})),
        };
        let found = hand.call(method, params);
        if method == "outbox.list" {
            for item in listed(found, "items") {
                let key = item["receipt"]["client_key"].clone();
                hand.call("outbox.drop", json!({"client_key": key}));
            }
        }
        if hand.random.random_bool(0.05) {
            // The next call opens a connection of its own.
            hand.client = Client::new(&hand.site.paths.socket);
        }
    }
}

/// Sessions that come and go, with claims, notes and direct messages.
fn work(hand: &mut Hand) {
    while hand.thinks(1_500) {
        let session = Uuid::new_v4();
        let start = json!({"id": session, "tool": hand.pick(&TOOLS), "context": hand.context()});
        hand.call("session.start", start);
        for _ in 0..hand.random.random_range(1..6) {
            if !hand.thinks(1_500) {
                return;
            }
            let context = hand.context();
            let path = context["paths"][0].clone();
            let (method, params) = match hand.random.random_range(0..7) {
                0 => (
                    "session.update",
                    json!({"id": session, "task": hand.sentence().chars().take(200).collect::<String>()}),
                ),
                1 => ("session.heartbeat", json!({"id": session})),
                2 => (
                    "claim.check",
                    json!({"paths": [path], "context": context, "session": session}),
                ),
                3 => (
                    "claim.acquire",
                    json!({
                        "patterns": [path], "context": context, "session": session,
                        "exclusive": hand.random.random_bool(0.3), "ttl_secs": 60,
                        "wait": "sent", "timeout_ms": 2_000,
                    }),
                ),
                4 => (
                    "note.leave",
                    json!({"content": hand.sentence(), "context": context}),
                ),
                5 => (
                    "activity.list",
                    json!({"context": context, "session": session, "mark_shown": true}),
                ),
                _ => {
                    let people = Arc::clone(&hand.site.people);
                    let to = people.choose(&mut hand.random).expect("there are people");
                    ("dm.send", json!({"to": to, "content": hand.sentence()}))
                }
            };
            hand.call(method, params);
        }
        let claims = hand.call("claim.list", json!({"session": session}));
        for claim in listed(claims, "claims") {
            // One that the hub does not know yet has no id to name it by.
            let id = claim["id"].clone();
            if id.is_null() {
                continue;
            }
            if hand.random.random_bool(0.5) {
                hand.call("claim.renew", json!({"id": id, "session": session}));
            }
            hand.call("claim.release", json!({"id": id, "session": session}));
        }
        let notes = hand.call("note.list", json!({"context": {"repo": REPOSITORY}}));
        for note in listed(notes, "notes").iter().skip(5).take(3) {
            let id = &note["message"]["id"];
            if !id.is_null() {
                hand.call("note.done", json!({"note": id}));
            }
        }
        // One in ten just disappears: the hub ends it for want of heartbeats.
        if hand.random.random_bool(0.9) {
            let summary = hand.sentence();
            hand.call("session.end", json!({"id": session, "summary": summary}));
        }
    }
}

/// Subscribers that come and go: good ones, some that go on from an old cursor,
/// some over HTTP, and some that never read what they are sent.
fn follow(hand: &mut Hand) {
    let mut cursor = None;
    while hand.thinks(400) {
        if hand.random.random_bool(0.3) {
            stay_silent(hand);
            continue;
        }
        let params = events::SubscribeParams {
            cursor: cursor.filter(|_| hand.random.random_bool(0.5)),
            ..events::SubscribeParams::default()
        };
        let subscribed = hand.client.subscribe(&params);
        let mut subscription = match subscribed {
            Ok(subscription) => subscription,
            Err(error) => {
                hand.site
                    .tally
                    .judge("events.subscribe", &Err(error), hand.site.restarted);
                cursor = None;
                continue;
            }
        };
        hand.site.tally.count("events.subscribe", "ok");
        let until = Instant::now() + Duration::from_millis(hand.random.random_range(10..4_000));
        while Instant::now() < until && !hand.site.tally.is_over() {
            match subscription.next(Duration::from_millis(200)) {
                Ok(Some(_)) => hand.site.tally.count("event", "ok"),
                Ok(None) => {}
                Err(_) => break,
            }
        }
        cursor = Some(subscription.cursor());
    }
}

/// A subscriber that reads nothing for a while, or its last breath was a request.
fn stay_silent(hand: &mut Hand) {
    let Ok(mut stream) = UnixStream::connect(&hand.site.paths.socket) else {
        return; // It is being started again.
    };
    let request: &[u8] = match hand.random.random_range(0..3) {
        0 => b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"events.subscribe\"}\n",
        1 => b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"activity.watch\"}\n",
        _ => b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n",
    };
    if stream.write_all(request).is_ok() && hand.thinks(1_500) {
        let read = stream.read(&mut [0; 256]).unwrap_or_default();
        hand.site
            .tally
            .count("silent subscriber", if read > 0 { "ok" } else { "closed" });
    }
}

/// The hooks of one agent session after the other, each as a process.
fn run_hooks(hand: &mut Hand) {
    let home = hand.site.paths.state_dir.clone();
    while hand.thinks(1_000) {
        let tool = hand.pick(&TOOLS);
        let session = Uuid::new_v4();
        let events = [
            "session-start",
            "user-prompt",
            "pre-tool",
            "post-tool",
            "stop",
            "session-end",
        ];
        for event in events {
            let (said, file) = (hand.sentence(), format!("src/{}.rs", hand.pick(&WORDS)));
            let input = json!({
                "session_id": session, "conversation_id": session, "cwd": home,
                "workspace_roots": [home], "prompt": said, "tool_name": "Edit",
                "tool_input": {"file_path": home.join(file)},
                "last_assistant_message": said, "prompt_response": said,
            });
            let done = hand
                .site
                .cli
                .run_with_input(&["hook", event, "--tool", tool], &input.to_string());
            let well = done.code == 0;
            hand.site
                .tally
                .count("spacesctl hook", if well { "ok" } else { "failed" });
            if !well {
                hand.site.tally.fault(format!(
                    "hook {event} of {tool}: {} {}",
                    done.code, done.err
                ));
            }
            if !hand.thinks(600) {
                return;
            }
        }
    }
}

/// Writes that are left on disk, as by those who find no daemon.
fn leave_in_spool(hand: &mut Hand) {
    while hand.thinks(2_500) {
        let params = json!({"channel": hand.pick(&CHANNELS), "content": hand.sentence()});
        let params = serde_json::from_value(params).expect("these are its parameters");
        match spool::write::<message::Send>(&hand.site.paths, &params) {
            Ok(_) => {
                hand.site.tally.count("spooled post", "ok");
                hand.site.tally.wrote();
            }
            Err(error) => hand.site.tally.fault(format!("the spool: {error}")),
        }
    }
}

/// The places of a machine, as its clients find them.
pub fn places(home: PathBuf) -> Paths {
    Paths {
        config_file: home.join("config/spaces/config.toml"),
        state_dir: home.join("state/spaces"),
        cache_dir: home.join("cache/spaces"),
        socket: home.join("run/spaces/spacesd.sock"),
    }
}
