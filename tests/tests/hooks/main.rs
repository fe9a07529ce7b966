//! Agent hooks against real daemons: what they tell the agent, what they keep
//! when nobody answers, and that they never stop an agent.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use spaces_tests::{Cli, Daemon, Finished};

mod alone;
mod doctor;
mod scripts;
mod together;

/// Runs a hook, which ends by itself and well whatever it meets.
fn hook(cli: &Cli, tool: &str, event: &str, input: &str) -> Finished {
    let done = cli.run_with_input(&["hook", event, "--tool", tool], input);
    assert_eq!(done.code, 0, "{tool} {event}: {}", done.err);
    done
}

fn claude(session: &str, cwd: &Path, more: Value) -> String {
    let mut input = json!({"session_id": session, "cwd": cwd, "permission_mode": "default"});
    let fields = input.as_object_mut().expect("an object");
    fields.extend(more.as_object().expect("an object").clone());
    input.to_string()
}

fn said(message: &str) -> Value {
    json!({"hook_event_name": "Stop", "stop_hook_active": false, "last_assistant_message": message})
}

/// What the agent is told.
fn context(done: &Finished) -> String {
    if done.out.is_empty() {
        return String::new();
    }
    let output: Value = serde_json::from_str(&done.out).expect("output is JSON");
    output["hookSpecificOutput"]["additionalContext"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

fn spooled(daemon: &Daemon) -> Vec<Value> {
    let Ok(entries) = fs::read_dir(daemon.state_dir().join("spool")) else {
        return Vec::new();
    };
    entries
        .map(|entry| entry.expect("the spool can be read").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        // The daemon may take one meanwhile.
        .filter_map(|path| fs::read(path).ok())
        .map(|bytes| serde_json::from_slice(&bytes).expect("JSON"))
        .collect()
}

/// What of the spool is a summary; session starts wait there too.
fn kept_summaries(daemon: &Daemon) -> Vec<Value> {
    let mut kept = spooled(daemon);
    kept.retain(|request| request["method"] == "message.send");
    kept
}

fn check(cli: &Cli, name: &str) -> Value {
    let report: Value = serde_json::from_str(&cli.run(&["doctor", "--json"]).out).expect("JSON");
    let checks = report["checks"].as_array().expect("checks");
    checks
        .iter()
        .find(|check| check["name"] == name)
        .unwrap_or_else(|| panic!("no check {name} in {report}"))
        .clone()
}

fn messages(daemon: &Daemon, content: &str) -> Vec<Value> {
    let page = daemon.call(
        "message.list",
        json!({"channel": "#agent-logs", "limit": 500}),
    );
    let messages = page["messages"].as_array().expect("messages");
    messages
        .iter()
        .filter(|message| message["content"] == content)
        .cloned()
        .collect()
}
