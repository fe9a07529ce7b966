//! An event to 1,000 open subscribers, against one.

use super::Measure;
use crate::pair::Pair;
use crate::row::{Goal, Outcome, Title};
use crate::stage::Stage;
use crate::subscribers::Subscribers;

pub const MEASURE: Measure = Measure {
    name: "subscribers",
    about: "a post until each of 1,000 open subscribers has its event",
    run,
};

const SUBSCRIBERS: usize = 1_000;

/// They cannot take turns event by event: each needs the others gone.
const TURNS: usize = 5;

fn run(stage: &Stage) -> Outcome {
    crate::limits::allow_many_files();
    let site = stage.short();
    let events = stage.rounds(200) / TURNS;
    let latencies = |count| {
        let socket = site.daemon.socket();
        Subscribers::open(&socket, count).latencies(&socket, events)
    };
    let mut pair = Pair::default();
    for _ in 0..TURNS {
        pair.value.extend(latencies(SUBSCRIBERS));
        pair.reference.extend(latencies(1));
    }
    site.until_sent();
    Outcome::default().p99s(
        Title {
            name: "event to each of 1,000 subscribers, p99",
            reference: "1 subscriber, p99",
            goal: Goal::Below(50.0),
        },
        &pair,
    )
}
