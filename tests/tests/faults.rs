//! Rounds of faults at random moments while several writers post: each
//! acknowledged post is on the hub exactly once and in its writer's order, and
//! no receipt ever claimed what did not happen.
//!
//! `SPACES_FAULT_ROUNDS` (default 10) and `SPACES_FAULT_SEED` make a longer run
//! or repeat one; the seed is printed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use spaces_client::Client;
use spaces_tests::{Daemon, Hub, Proxy, eventually, raw_call};
use uuid::Uuid;

const CHANNELS: [&str; 2] = ["#general", "#agent-logs"];
const WRITERS: usize = 3;
const POSTS_OF_A_WRITER_IN_A_ROUND: usize = 8;

/// What one writer was told about its posts, in the order in which it wrote.
#[derive(Default)]
struct Written {
    acknowledged: Vec<String>,
    said_sent: Vec<String>,
    rejected: Vec<String>,
}

/// Posts until the round is over; a post that got no answer is repeated with
/// the same key until it is acknowledged, as a careful client does.
fn write_round(
    daemon_socket: &std::path::Path,
    writer: usize,
    round: usize,
    written: &Mutex<Written>,
) {
    let mut client = Client::new(daemon_socket);
    for number in 0..POSTS_OF_A_WRITER_IN_A_ROUND {
        let content = format!("{writer}/{round}/{number}");
        let key = Uuid::new_v4();
        let wait = if number % 4 == 3 { "sent" } else { "queued" };
        let params = json!({
            "channel": CHANNELS[writer % CHANNELS.len()], "content": content,
            "client_key": key, "wait": wait, "timeout_ms": 300,
        });
        let receipt = eventually("a post is acknowledged", || {
            match raw_call(&mut client, "message.send", &params) {
                Ok(result) => Some(result["receipt"].clone()),
                Err(spaces_client::Error::Rpc(error)) => {
                    panic!("a good post was refused: {error:?}")
                }
                Err(_) => None,
            }
        });
        let mut written = written.lock().unwrap_or_else(PoisonError::into_inner);
        match receipt["state"].as_str() {
            Some("sent") => written.said_sent.push(content.clone()),
            Some("rejected") => written.rejected.push(format!("{content}: {receipt}")),
            _ => {}
        }
        written.acknowledged.push(content);
    }
}

/// Every message of the writers' channels as a fresh reader finds them, oldest
/// first by channel.
fn everything_on_the_hub(reader: &Daemon) -> HashMap<&'static str, Vec<String>> {
    CHANNELS
        .into_iter()
        .map(|channel| {
            let mut contents = Vec::new();
            let mut before = Value::Null;
            loop {
                let mut params = json!({"channel": channel, "limit": 500});
                if !before.is_null() {
                    params["before"] = before;
                }
                let page = reader.call("message.list", params);
                let messages = page["messages"].as_array().expect("a page has messages");
                let older: Vec<_> = messages
                    .iter()
                    .filter_map(|message| message["content"].as_str().map(str::to_owned))
                    .collect();
                contents.splice(0..0, older);
                before = page["before"].clone();
                if before.is_null() || messages.is_empty() {
                    return (channel, contents);
                }
            }
        })
        .collect()
}

#[test]
fn no_post_is_lost_doubled_reordered_or_lied_about() {
    let rounds = number("SPACES_FAULT_ROUNDS", 10);
    let seed = number("SPACES_FAULT_SEED", u64::from(std::process::id()));
    println!("faults: {rounds} rounds, SPACES_FAULT_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);

    let mut hub = Hub::start();
    let proxy = Proxy::start(hub.port());
    let mut daemon = Daemon::owner_of(&hub);
    daemon.child().stop();
    daemon.use_hub_at(&proxy.uri());
    daemon.run();
    daemon.until_live();

    let written: Vec<_> = (0..WRITERS)
        .map(|_| Arc::new(Mutex::new(Written::default())))
        .collect();
    for round in 0..usize::try_from(rounds).expect("a small number") {
        let writers: Vec<_> = written
            .iter()
            .enumerate()
            .map(|(writer, written)| {
                let socket = daemon.socket();
                let written = Arc::clone(written);
                thread::spawn(move || write_round(&socket, writer, round, &written))
            })
            .collect();
        // Not a wait for an event: the fault shall come at a random moment.
        thread::park_timeout(Duration::from_millis(random.random_range(0..150)));
        match random.random_range(0..7) {
            0 => proxy.cut(),
            1 => proxy.stall(),
            2 => proxy.delay(Duration::from_millis(random.random_range(1..60))),
            3 => proxy.half_close(),
            4 => proxy.refuse(),
            5 => {
                hub.kill();
                hub.run();
            }
            _ => {
                daemon.kill();
                daemon.run();
            }
        }
        thread::park_timeout(Duration::from_millis(random.random_range(0..150)));
        if random.random_bool(0.2) {
            daemon.kill();
            daemon.run();
        }
        for writer in writers {
            writer
                .join()
                .expect("a writer finds a daemon that accepts its posts");
        }
        proxy.heal();
    }
    proxy.cut();
    eventually("everything is sent", || {
        let flushed = daemon.call("outbox.flush", json!({"timeout_ms": 5_000}));
        (flushed["still_queued"] == 0).then_some(())
    });

    daemon.until_live();
    let reader = daemon.invite("member");
    let found = everything_on_the_hub(&reader);
    for (writer, written) in written.iter().enumerate() {
        let written = written.lock().unwrap_or_else(PoisonError::into_inner);
        let own = format!("{writer}/");
        let on_the_hub: Vec<_> = found[CHANNELS[writer % CHANNELS.len()]]
            .iter()
            .filter(|content| content.starts_with(&own))
            .cloned()
            .collect();
        assert_eq!(
            on_the_hub, written.acknowledged,
            "writer {writer}: once each, in order"
        );
        assert!(
            written.rejected.is_empty(),
            "rejected: {:?}",
            written.rejected
        );
        for content in &written.said_sent {
            assert!(
                on_the_hub.contains(content),
                "a receipt said `sent`: {content}"
            );
        }
    }
}

#[test]
fn a_stalled_link_is_noticed_and_reads_go_on() {
    let hub = Hub::start();
    let proxy = Proxy::start(hub.port());
    let mut daemon = Daemon::owner_of(&hub);
    daemon.child().stop();
    daemon.use_hub_at(&proxy.uri());
    daemon.run();
    daemon.until_live();

    proxy.stall();
    daemon.until_hub(spaces_api::HubState::Offline);
    let page = daemon.call("message.list", json!({"channel": "#general"}));
    assert_eq!(page["meta"]["hub"], "offline");
    let queued = daemon.call(
        "message.send",
        json!({"channel": "#general", "content": "stalled"}),
    );
    assert_eq!(queued["receipt"]["state"], "queued");

    proxy.heal();
    proxy.cut();
    daemon.until_live();
    let key = &queued["receipt"]["client_key"];
    eventually("the post is sent", || {
        let shown = daemon.call("outbox.show", json!({"client_key": key}));
        (shown["receipt"]["state"] == "sent").then_some(())
    });
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{variable}={text} is not a number"))
    })
}
