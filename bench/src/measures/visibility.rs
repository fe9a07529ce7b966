//! From a post on one machine until another shows it.

use std::sync::mpsc::Receiver;
use std::time::Instant;

use serde_json::json;
use spaces_tests::{Hub, PATIENCE};

use super::Measure;
use crate::lines::{Lines, post};
use crate::pair::Pair;
use crate::references::disk::{SyncedBy, SyncedEcho};
use crate::row::{Goal, Outcome, Title};
use crate::sdk::SdkClient;
use crate::site::machine_on;
use crate::stage::Stage;

pub const MEASURE: Measure = Measure {
    name: "visibility",
    about: "a post on machine A until an event tells it on machine B",
    run,
};

fn run(stage: &Stage) -> Outcome {
    let hub = Hub::start();
    let (caller, subscriber) = (SdkClient::of_publisher(&hub), SdkClient::of_publisher(&hub));
    caller.lift_limits();
    let a = machine_on(&hub.owner_invite(), &hub.uri());
    caller.join_server();
    let made = a
        .cli()
        .json(&["invite", "create", "--role", "member", "--json"]);
    let b = machine_on(made["invite"].as_str().expect("an invite"), &hub.uri());

    let mut on_a = Lines::open(&a.socket());
    let mut on_b = Lines::open(&b.socket());
    on_b.result("events.subscribe", &json!({"kinds": ["message"]}));
    let told = subscriber.follow_messages();
    let mut posts = 0;
    let mut shown = || {
        posts += 1;
        let content = format!("from machine A {posts:06}");
        let request = post(&content);
        let begun = Instant::now();
        let answer = on_a.ask(&request);
        assert!(answer.starts_with(b"{"), "machine A did not answer");
        until_shown(&mut on_b, content.as_bytes());
        begun.elapsed()
    };
    let mut raw_posts = 0;
    let mut called_back = |kept: &mut dyn FnMut()| {
        raw_posts += 1;
        let content = format!("from the SDK {raw_posts:06}");
        let begun = Instant::now();
        kept();
        caller.post(&content);
        until_called_back(&told, &content).duration_since(begun)
    };
    let pair = Pair::in_turns(stage.rounds(500), &mut shown, || called_back(&mut || ()));
    let request = post("from machine A 000000");
    let mut synced = SyncedEcho::serve(
        &stage.directory("visibility"),
        request.len(),
        SyncedBy::WhoAnswers,
    );
    let durable = Pair::in_turns(stage.rounds(500), &mut shown, || {
        called_back(&mut || synced.ask(&request))
    });
    Outcome::of_medians(
        Title {
            name: "post on machine A visible on machine B",
            reference: "raw SDK call until the subscription's callback",
            goal: Goal::AtMost(1.5),
        },
        &pair,
    )
    .medians(
        Title {
            name: "the same, against a call that is durable first",
            reference: "append + fdatasync + socket echo, then the raw call",
            goal: Goal::None,
        },
        &durable,
    )
}

/// Reads events until one tells this text.
fn until_shown(lines: &mut Lines, content: &[u8]) {
    loop {
        let event = lines.next_line();
        if event.windows(content.len()).any(|part| part == content) {
            return;
        }
    }
}

/// When the callback for this text ran.
fn until_called_back(told: &Receiver<(Instant, String)>, content: &str) -> Instant {
    loop {
        let (at, text) = told.recv_timeout(PATIENCE).expect("the message comes");
        if text == content {
            return at;
        }
    }
}
