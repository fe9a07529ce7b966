//! `spaces-bench scale`: how memory, start-up and answers grow with what there
//! is. It takes longer than the table, and writes `bench/growth.json` and the
//! picture that the documentation shows.

mod clients;
mod messages;
mod sessions;
mod subscribers;

use std::time::{Duration, Instant};

use serde_json::json;
use spaces_tests::Daemon;

use crate::growth::{Growth, Panel};
use crate::machine::Machine;
use crate::report::today;
use crate::samples::Samples;
use crate::stage::Effort;

/// Measures every curve.
pub fn measure(machine: Machine, effort: Effort) -> Growth {
    let mut panels = Vec::new();
    for (what, part) in [
        (
            "cached messages",
            messages::panels as fn(&[u64]) -> Vec<Panel>,
        ),
        ("sessions and claims", sessions::panels),
        ("event subscribers on one daemon", subscribers::panels),
        ("clients of one hub", clients::panels),
    ] {
        eprintln!("== {what}");
        let largest = match what {
            "cached messages" => 1_000_000,
            "sessions and claims" => 10_000,
            _ => 1_000,
        };
        panels.extend(part(&sizes(largest, effort)));
    }
    Growth {
        date: today(),
        machine,
        panels,
    }
}

/// Powers of ten up to `largest`, three or four of them; a tenth with
/// [`Effort::Quick`].
fn sizes(largest: u64, effort: Effort) -> Vec<u64> {
    let largest = match effort {
        Effort::Full => largest,
        Effort::Quick => largest / 10,
    };
    [1_000, 100, 10, 1]
        .into_iter()
        .map(|part| (largest / part).max(1))
        .collect()
}

/// What a restart costs: until the daemon answers, and until it is live.
struct Start {
    answers: Duration,
    live: Duration,
}

fn restart(daemon: &mut Daemon) -> Start {
    daemon.child().stop();
    let begun = Instant::now();
    daemon.run();
    let answers = begun.elapsed();
    daemon.until_live();
    Start {
        answers,
        live: begun.elapsed(),
    }
}

/// The median time of this call over an open connection, in milliseconds.
fn median_ms(daemon: &Daemon, method: &str, params: impl Fn(u32) -> serde_json::Value) -> f64 {
    let mut lines = crate::lines::Lines::open(&daemon.socket());
    lines.result(method, &params(0));
    let mut samples = Samples::default();
    for round in 1..=200 {
        let request = crate::lines::line(method, &params(round));
        samples.push(crate::pair::timed(|| lines.ask(&request).len()));
    }
    millis(samples.p50())
}

/// The parameters of a digest for a session that has not asked before.
fn digest_of(reader: u32) -> serde_json::Value {
    let mut params = crate::site::digest_params();
    params["session"] = json!(format!("reader {reader}"));
    params
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
