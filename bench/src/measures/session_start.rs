//! What an agent tool runs when a session begins: the hook, as a whole process.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

use serde_json::json;
use spaces_tests::{Cli, repository_of};
use uuid::Uuid;

use super::Measure;
use crate::lines::line;
use crate::pair::Pair;
use crate::process::{bare, nothing, run_time, spacesctl};
use crate::row::{Goal, Outcome, Title};
use crate::stage::Stage;

pub const MEASURE: Measure = Measure {
    name: "session-start",
    about: "hook session-start with a digest for the agent, the whole process",
    run,
};

fn run(stage: &Stage) -> Outcome {
    let site = stage.short();
    let directory = stage.directory("session-start");
    // Others have worked in it too: see `crate::sdk::place`.
    let repository = repository_of(&directory, "app7", "branch0");
    let cli = site.daemon.cli().within(&repository);
    let input = directory.join("event.json");

    let event = event(&repository);
    let said = cli.run_with_input(&["hook", "session-start", "--tool", "claude-code"], &event);
    assert!(
        said.code == 0 && said.out.contains("additionalContext"),
        "the hook tells the agent nothing: {}{}",
        said.out,
        said.err
    );
    let pair = Pair::in_turns(
        stage.rounds(300),
        || run_time(hook(&cli, &input, &repository)),
        || run_time(nothing(&cli)),
    );
    let bare = Pair::in_turns(
        stage.rounds(200),
        || run_time(bare_start(&cli, &site.daemon.socket(), &repository)),
        || run_time(nothing(&cli)),
    );
    site.until_sent();
    Outcome::of_medians(
        Title {
            name: "hook session-start, whole process",
            reference: "/bin/true",
            goal: Goal::AtMost(4.0),
        },
        &pair,
    )
    .medians(
        Title {
            name: "the requests of session-start by a program that does nothing else",
            reference: "/bin/true",
            goal: Goal::None,
        },
        &bare,
    )
}

/// What the hook asks of the daemon, one request behind the other.
fn bare_start(cli: &Cli, socket: &Path, repository: &Path) -> Command {
    let session = Uuid::new_v4();
    let start = json!({
        "id": session,
        "tool": "claude-code",
        "cwd": repository,
        "client_key": Uuid::new_v4(),
    });
    let digest = json!({
        "cwd": repository,
        "session": session,
        "limit": 24,
        "max_tokens": 1_200,
        "mark_shown": true,
    });
    let requests = [
        line("session.start", &start),
        line("activity.list", &digest),
    ];
    bare(cli, socket, &requests)
}

/// A session that is new to the daemon, as each is when it starts.
fn hook(cli: &Cli, input: &Path, repository: &Path) -> Command {
    fs::write(input, event(repository)).expect("the directory is ours");
    let mut command = spacesctl(cli, &["hook", "session-start", "--tool", "claude-code"]);
    command.stdin(File::open(input).expect("it was written above"));
    command
}

fn event(repository: &Path) -> String {
    json!({
        "session_id": Uuid::new_v4(),
        "cwd": repository,
        "hook_event_name": "SessionStart",
        "source": "startup",
    })
    .to_string()
}
