//! A read over an open connection against a Redis GET of the same bytes.

use serde_json::json;

use super::Measure;
use crate::apart::Apart;
use crate::lines::{Lines, line};
use crate::pair::{Pair, timed};
use crate::references::redis::{Redis, SetRequest};
use crate::row::{Goal, Outcome, Title};
use crate::site::digest_params;
use crate::stage::Stage;

pub const MEASURE: Measure = Measure {
    name: "read",
    about: "activity.list of 50 items over an open connection",
    run,
};

fn run(stage: &Stage) -> Outcome {
    let mut site = stage.short();
    let mut lines = Lines::open(&site.daemon.socket());
    let digest = lines.result("activity.list", &digest_params());
    assert_eq!(digest["items"].as_array().map(Vec::len), Some(50));
    let same = line("activity.list", &digest_params());
    let answer = lines.ask(&same).to_vec();

    let redis = Redis::in_memory();
    let mut client = redis.client();
    client.set(&SetRequest::of(&answer));
    let _apart = Apart::put(&[site.pid(), redis.pid()]);

    let remembered = Pair::in_turns(
        stage.rounds(5_000),
        || timed(|| lines.ask(&same).len()),
        || timed(|| client.get(answer.len())),
    );
    let mut readers = 0;
    let anew = Pair::in_turns(
        stage.rounds(2_000),
        || {
            // A session that has not asked before: nothing is remembered for it.
            readers += 1;
            let mut params = digest_params();
            params["session"] = json!(format!("reader {readers}"));
            let request = line("activity.list", &params);
            timed(|| lines.ask(&request).len())
        },
        || timed(|| client.get(answer.len())),
    );
    Outcome::of_medians(
        Title {
            name: "read: activity.list, 50 items",
            reference: "Redis GET of the same bytes, Unix socket",
            goal: Goal::AtMost(3.0),
        },
        &remembered,
    )
    .medians(
        Title {
            name: "read by a session that has not asked before",
            reference: "Redis GET of the same bytes, Unix socket",
            goal: Goal::None,
        },
        &anew,
    )
}
