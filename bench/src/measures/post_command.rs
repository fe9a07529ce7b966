//! `spacesctl post` as a whole process.

use super::Measure;
use crate::pair::Pair;
use crate::process::{nothing, run_time, spacesctl};
use crate::row::{Goal, Outcome, Title};
use crate::stage::Stage;

pub const MEASURE: Measure = Measure {
    name: "post-command",
    about: "spacesctl post, the whole process",
    run,
};

fn run(stage: &Stage) -> Outcome {
    let site = stage.short();
    let cli = site.daemon.cli();
    let pair = Pair::in_turns(
        stage.rounds(500),
        || {
            run_time(spacesctl(
                &cli,
                &["post", "agent-logs", "the tests are green"],
            ))
        },
        || run_time(nothing(&cli)),
    );
    site.until_sent();
    Outcome::of_medians(
        Title {
            name: "spacesctl post, whole process",
            reference: "/bin/true",
            goal: Goal::AtMost(3.0),
        },
        &pair,
    )
}
