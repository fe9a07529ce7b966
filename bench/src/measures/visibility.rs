//! From a post on one machine until another shows it.

use std::cell::RefCell;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use serde_json::json;
use spaces_tests::{Daemon, Hub, PATIENCE};

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

    let ways = RefCell::new(Ways {
        posting: Lines::open(&a.socket()),
        told_on_a: events_of(&a),
        told_on_b: events_of(&b),
        called_back: subscriber.follow_messages(),
        caller,
        posts: 0,
    });
    let by_daemons = || ways.borrow_mut().by_daemons();
    let by_sdk = |first: &mut dyn FnMut()| ways.borrow_mut().by_sdk(first);
    let pair = Pair::in_turns(stage.rounds(500), by_daemons, || by_sdk(&mut || ()));
    let request = post("from machine A 000000");
    let mut synced = SyncedEcho::serve(
        &stage.directory("visibility"),
        request.len(),
        SyncedBy::WhoAnswers,
    );
    let durable = Pair::in_turns(stage.rounds(500), by_daemons, || {
        by_sdk(&mut || synced.ask(&request))
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

/// The two ways of a text through the hub, and who hears of it. Each sample ends
/// only when all have: what one leaves to be done is not to be in the next.
struct Ways {
    posting: Lines,
    told_on_a: Lines,
    told_on_b: Lines,
    caller: SdkClient,
    called_back: Receiver<(Instant, String)>,
    posts: u64,
}

impl Ways {
    /// From a post on machine A until an event tells it on machine B.
    fn by_daemons(&mut self) -> Duration {
        let content = self.next_content();
        let request = post(&content);
        let begun = Instant::now();
        let answer = self.posting.ask(&request);
        assert!(answer.starts_with(b"{"), "machine A did not answer");
        until_told(&mut self.told_on_b, &content);
        let took = begun.elapsed();
        until_told(&mut self.told_on_a, &content);
        until_called_back(&self.called_back, &content);
        took
    }

    /// From an SDK client's call, with what is to be done `first`, until another
    /// one's callback.
    fn by_sdk(&mut self, first: &mut dyn FnMut()) -> Duration {
        let content = self.next_content();
        let begun = Instant::now();
        first();
        self.caller.post(&content);
        let took = until_called_back(&self.called_back, &content).duration_since(begun);
        until_told(&mut self.told_on_a, &content);
        until_told(&mut self.told_on_b, &content);
        took
    }

    fn next_content(&mut self) -> String {
        self.posts += 1;
        format!("text number {:09}", self.posts)
    }
}

/// The messages that a machine tells of from now on.
fn events_of(machine: &Daemon) -> Lines {
    let mut lines = Lines::open(&machine.socket());
    lines.result("events.subscribe", &json!({"kinds": ["message"]}));
    lines
}

/// Reads events until one tells this text.
fn until_told(events: &mut Lines, content: &str) {
    let content = content.as_bytes();
    loop {
        let event = events.next_line();
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
