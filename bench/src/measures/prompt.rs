//! `spacesctl status --prompt` as a whole process.

use super::Measure;
use crate::pair::Pair;
use crate::process::{nothing, run_time, spacesctl};
use crate::row::{Goal, Outcome, Title};
use crate::stage::Stage;

pub const MEASURE: Measure = Measure {
    name: "prompt",
    about: "spacesctl status --prompt, the whole process",
    run,
};

fn run(stage: &Stage) -> Outcome {
    let site = stage.short();
    let cli = site.daemon.cli();
    let pair = Pair::in_turns(
        stage.rounds(500),
        || run_time(spacesctl(&cli, &["status", "--prompt"])),
        || run_time(nothing(&cli)),
    );
    Outcome::of_medians(
        Title {
            name: "spacesctl status --prompt, whole process",
            reference: "/bin/true",
            goal: Goal::None,
        },
        &pair,
    )
}
