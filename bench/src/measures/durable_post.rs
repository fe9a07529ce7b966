//! A post that is on disk when it is answered.

use super::Measure;
use crate::lines::{Lines, post};
use crate::pair::{Pair, timed};
use crate::references::disk::{SyncedBy, SyncedEcho};
use crate::references::redis::{Redis, SetRequest};
use crate::row::{Goal, Outcome, Title};
use crate::stage::Stage;

pub const MEASURE: Measure = Measure {
    name: "durable-post",
    about: "message.send, answered once it is on disk",
    run,
};

fn run(stage: &Stage) -> Outcome {
    let site = stage.short();
    let mut lines = Lines::open(&site.daemon.socket());
    let mut number = 0;
    let mut next = || {
        number += 1;
        post(&format!(
            "post {number:06}: the parser is done, its tests are green"
        ))
    };
    let first = next();
    let answer = String::from_utf8_lossy(lines.ask(&first)).into_owned();
    assert!(answer.contains("\"queued\""), "{answer}");

    let mut against = |by: SyncedBy| {
        let directory = stage.directory(&format!("durable-post-{by:?}"));
        let mut synced = SyncedEcho::serve(&directory, first.len(), by);
        let pair = Pair::in_turns(
            stage.rounds(1_000),
            || {
                let request = next();
                timed(|| lines.ask(&request).len())
            },
            || timed(|| synced.ask(&first)),
        );
        site.until_sent();
        pair
    };
    let raw = against(SyncedBy::WhoAnswers);
    let handed_over = against(SyncedBy::Writer);

    let redis = Redis::durable();
    let mut client = redis.client();
    let set = SetRequest::of(&first);
    let against_redis = Pair::in_turns(
        stage.rounds(1_000),
        || {
            let request = next();
            timed(|| lines.ask(&request).len())
        },
        || timed(|| client.set(&set)),
    );
    site.until_sent();
    Outcome::of_medians(
        Title {
            name: "durable post",
            reference: "append + fdatasync of the same bytes + socket echo",
            goal: Goal::AtMost(2.0),
        },
        &raw,
    )
    .medians(
        Title {
            name: "durable post, against a server with a writer",
            reference: "the same, synced by a thread of its own",
            goal: Goal::None,
        },
        &handed_over,
    )
    .medians(
        Title {
            name: "durable post, against Redis",
            reference: "Redis SET, appendonly, appendfsync always",
            goal: Goal::None,
        },
        &against_redis,
    )
}
