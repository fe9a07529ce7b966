//! `spacesctl post` as a whole process.

use std::path::Path;
use std::process::Command;

use serde_json::json;
use spaces_tests::Cli;
use uuid::Uuid;

use super::Measure;
use crate::lines::line;
use crate::pair::Pair;
use crate::process::{bare, nothing, run_time, spacesctl};
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
    let bare = Pair::in_turns(
        stage.rounds(200),
        || run_time(bare_post(&cli, &site.daemon.socket())),
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
    .medians(
        Title {
            name: "the same post by a program that does nothing else",
            reference: "/bin/true",
            goal: Goal::None,
        },
        &bare,
    )
}

fn bare_post(cli: &Cli, socket: &Path) -> Command {
    let params = json!({
        "channel": "agent-logs",
        "content": "the tests are green",
        "cwd": cli.directory(),
        "client_key": Uuid::new_v4(),
    });
    bare(cli, socket, &[line("message.send", &params)])
}
