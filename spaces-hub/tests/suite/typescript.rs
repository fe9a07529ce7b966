//! The official TypeScript client library, which nobody here wrote.

use std::path::Path;
use std::process::Command;

use crate::harness::Site;
use crate::modules::module;

#[test]
fn the_official_typescript_client_connects_subscribes_and_calls() {
    let site = Site::new();
    let hub = site.start(Some(&module("notes")));
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/typescript");
    run(Command::new("npm").current_dir(&dir).args([
        "ci",
        "--no-audit",
        "--no-fund",
        "--loglevel=error",
    ]));
    let printed = run(Command::new("node").current_dir(&dir).args([
        "client.mjs",
        &hub.url(""),
        &site.owner_token(),
    ]));
    let result: serde_json::Value = serde_json::from_str(printed.lines().last().unwrap()).unwrap();
    let note = format!("SELECT text FROM note WHERE id = {}", result["note"]);
    assert!(
        hub.rows(None, &note)[0][0]
            .as_str()
            .unwrap()
            .starts_with("from TypeScript ")
    );
}

/// Runs a program of Node.js and returns what it printed.
fn run(command: &mut Command) -> String {
    let program = command.get_program().to_owned();
    let output = command.output().unwrap_or_else(|error| {
        panic!("could not start {program:?} ({error}): this test needs Node.js 20 and npm; scripts/setup --test installs them")
    });
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{program:?} failed ({}):\n{printed}\n{complained}",
        output.status
    );
    printed
}
