//! What a history of 1,000,000 messages costs against one of 1,000: a digest,
//! and the daemon's memory.

use serde_json::json;

use super::Measure;
use crate::lines::{Lines, line};
use crate::machine::resident_mib;
use crate::pair::{Pair, timed};
use crate::row::{Goal, Outcome, Title};
use crate::site::{Site, digest_params};
use crate::stage::Stage;

pub const MEASURE: Measure = Measure {
    name: "long-history",
    about: "a digest and the resident memory with 1,000,000 cached messages",
    run,
};

/// The bound of the design for a daemon's memory.
const MEMORY_BOUND_MIB: f64 = 40.0;

fn run(stage: &Stage) -> Outcome {
    let (mut long, mut short) = stage.histories();
    let mut ask_long = asker(&long);
    let mut ask_short = asker(&short);
    let pair = Pair::in_turns(stage.rounds(1_000), &mut *ask_long, &mut *ask_short);
    let outcome = Outcome::of_medians(
        Title {
            name: "activity.list, 1,000,000 cached messages",
            reference: "1,000 cached messages",
            goal: Goal::AtMost(1.5),
        },
        &pair,
    );
    // The daemon that took them all in, one by one, and has never been restarted.
    let resident = (resident_mib(long.pid()), resident_mib(short.pid()));
    outcome
        .numbers(
            Title {
                name: "resident memory, 1,000,000 cached messages",
                reference: "1,000 cached messages",
                goal: Goal::AtMost(1.5),
            },
            "MiB",
            resident.0,
            resident.1,
        )
        .numbers(
            Title {
                name: "resident memory, 1,000,000 cached messages, absolute",
                reference: "the bound",
                goal: Goal::Below(1.0),
            },
            "MiB",
            resident.0,
            MEMORY_BOUND_MIB,
        )
}

/// Asks for the digest of a session that has not asked before.
fn asker(site: &Site) -> Box<dyn FnMut() -> std::time::Duration> {
    let mut lines = Lines::open(&site.daemon.socket());
    let digest = lines.result("activity.list", &digest_params());
    assert_eq!(digest["items"].as_array().map(Vec::len), Some(50));
    let mut readers = 0;
    Box::new(move || {
        readers += 1;
        let mut params = digest_params();
        params["session"] = json!(format!("reader {readers}"));
        let request = line("activity.list", &params);
        timed(|| lines.ask(&request).len())
    })
}
