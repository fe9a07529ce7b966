//! A link that comes back after 100 messages were missed.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use spaces_tests::eventually;

use super::Measure;
use crate::lines::Lines;
use crate::pair::Pair;
use crate::row::{Goal, Outcome, Title};
use crate::site::Site;
use crate::stage::Stage;

pub const MEASURE: Measure = Measure {
    name: "reconnect",
    about: "from the connection until live, after missing 100 messages",
    run,
};

const MISSED: u64 = 100;

fn run(stage: &Stage) -> Outcome {
    let (mut long, mut short) = stage.histories();
    let pair = Pair::in_turns(
        stage.rounds(20),
        || reconnected(&mut long),
        || reconnected(&mut short),
    );
    Outcome::of_medians(
        Title {
            name: "reconnect after 100 missed messages, history 1,000,000",
            reference: "history 1,000",
            goal: Goal::AtMost(1.5),
        },
        &pair,
    )
}

/// From the moment at which the network takes the daemon's connection until
/// the daemon has all that it missed and says, by an event, that it is live.
fn reconnected(site: &mut Site) -> Duration {
    site.proxy.refuse();
    let mut lines = Lines::open(&site.daemon.socket());
    eventually("the daemon is offline", || {
        (state(&mut lines) == "offline").then_some(())
    });
    site.post(MISSED);
    let mut states = Lines::open(&site.daemon.socket());
    states.result("events.subscribe", &json!({"kinds": ["hub"]}));
    let healed = Instant::now();
    site.proxy.heal();
    lines.result("daemon.reconnect", &json!({}));
    let live = loop {
        let event = states.next_line();
        let arrived = Instant::now();
        let event: Value = serde_json::from_slice(event).expect("the daemon sends JSON");
        if event["params"]["event"]["state"] == "live" {
            break arrived;
        }
    };
    let connected = site.proxy.last_accepted().expect("the daemon connected");
    assert!(
        connected >= healed,
        "the daemon was live before the network was"
    );
    let status = lines.result("daemon.status", &json!({}));
    assert!(
        status["cache"]["messages"].as_u64() >= Some(site.posted()),
        "live, and messages are missing: {status}"
    );
    live.duration_since(connected)
}

fn state(lines: &mut Lines) -> String {
    let status = lines.result("daemon.status", &json!({}));
    status["hub"]["state"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}
