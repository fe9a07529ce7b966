//! Without a daemon that answers, and with input that makes no sense.

use std::fs;
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};

use rustix::process::Signal;
use serde_json::{Value, json};
use spaces_tests::{Daemon, binary, eventually};

use crate::{check, claude, hook, kept_summaries, messages, said, spooled};

#[test]
fn without_a_daemon_summaries_are_kept_and_every_failure_is_counted() {
    let machine = Daemon::machine();
    let cli = machine.cli();
    for (tool, input) in [
        (
            "claude-code",
            claude("s", machine.home(), said("done by claude")),
        ),
        ("codex", claude("s", machine.home(), said("done by codex"))),
        (
            "gemini",
            json!({"session_id": "s", "cwd": "/", "prompt_response": "done by gemini"}).to_string(),
        ),
        (
            "opencode",
            json!({"session_id": "s", "cwd": "/", "last_message": "done by opencode"}).to_string(),
        ),
    ] {
        assert_eq!(hook(&cli, tool, "stop", &input).out, "", "{tool}");
    }
    let cursor = |more: Value| {
        let mut input = json!({"conversation_id": "s", "workspace_roots": ["/"]});
        input
            .as_object_mut()
            .expect("an object")
            .extend(more.as_object().expect("an object").clone());
        input.to_string()
    };
    hook(
        &cli,
        "cursor",
        "agent-message",
        &cursor(json!({"text": "done by cursor"})),
    );
    hook(
        &cli,
        "cursor",
        "stop",
        &cursor(json!({"status": "completed"})),
    );
    let kept: Vec<_> = spooled(&machine)
        .iter()
        .map(|request| request["params"]["content"].clone())
        .collect();
    for tool in ["claude", "codex", "gemini", "opencode", "cursor"] {
        assert!(
            kept.contains(&json!(format!("done by {tool}"))),
            "{tool} in {kept:?}"
        );
    }
    let start = hook(
        &cli,
        "claude-code",
        "session-start",
        &claude("s", machine.home(), json!({})),
    );
    assert_eq!(start.out, "", "a read that can't be answered says nothing");
    let failures = check(&cli, "hook failures");
    assert_eq!(failures["result"], "warn");
    let evidence = failures["evidence"].as_str().expect("evidence");
    assert!(
        evidence.contains("6 failures") && evidence.contains("6 daemon_unreachable"),
        "{evidence}"
    );
    assert!(evidence.contains("6 spooled, 0 lost"), "{evidence}");
}

#[test]
fn a_stale_socket_is_no_daemon() {
    let machine = Daemon::machine();
    let socket = machine.socket();
    fs::create_dir_all(socket.parent().expect("a directory")).expect("the home is ours");
    drop(UnixListener::bind(&socket).expect("the socket is free"));
    hook(
        &machine.cli(),
        "claude-code",
        "stop",
        &claude("s", machine.home(), said("kept")),
    );
    assert_eq!(kept_summaries(&machine).len(), 1);
}

/// Why the hooks of a machine gave something up, and after how many milliseconds,
/// by what their failures say.
fn limits_reached(daemon: &Daemon) -> Vec<(String, u64)> {
    let log = fs::read_to_string(daemon.state_dir().join("hook-failures.jsonl"));
    let log = log.expect("failures were counted");
    log.lines()
        .map(|line| {
            let failure: Value = serde_json::from_str(line).expect("each line is JSON");
            let detail = failure["detail"].as_str().expect("a text").to_owned();
            let limit = detail
                .split_once(" within ")
                .and_then(|(_, rest)| rest.split_once(" ms")?.0.parse().ok());
            let limit = limit.unwrap_or_else(|| panic!("no limit in {detail}"));
            (
                failure["reason"].as_str().expect("a text").to_owned(),
                limit,
            )
        })
        .collect()
}

#[test]
fn a_socket_that_never_answers_is_waited_for_once_and_within_the_hooks_own_limit() {
    for takes_connections in [false, true] {
        let machine = Daemon::machine();
        let socket = machine.socket();
        fs::create_dir_all(socket.parent().expect("a directory")).expect("the home is ours");
        let silent = UnixListener::bind(&socket).expect("the socket is free");
        // Held open in either case: until the end of the process, or in the queue.
        let _queue = if takes_connections {
            std::thread::spawn(move || {
                let mut open = Vec::new();
                for connection in silent.incoming() {
                    open.push(connection);
                }
            });
            None
        } else {
            Some(silent)
        };
        let cli = machine.cli();
        let start = claude("s", machine.home(), json!({}));
        let stop = claude("s", machine.home(), said("kept"));
        assert_eq!(hook(&cli, "codex", "session-start", &start).out, "");
        assert_eq!(hook(&cli, "codex", "stop", &stop).out, "");
        let kept = kept_summaries(&machine);
        assert_eq!(kept.len(), 1, "{kept:?}");
        assert_eq!(kept[0]["params"]["content"], "kept");
        let limits = limits_reached(&machine);
        assert!(limits.len() == 2, "one call for each hook: {limits:?}");
        for (reason, limit) in limits {
            assert_eq!(reason, "timeout");
            assert!(limit <= 400, "{limit} ms");
        }
        // Nobody is behind it who could be stopped.
        fs::remove_file(&socket).expect("the socket is ours");
    }
}

#[test]
fn whatever_comes_in_the_code_is_0() {
    let machine = Daemon::machine();
    let cli = machine.cli();
    let huge = claude(
        "s",
        machine.home(),
        json!({"tool_name": "Write",
        "tool_input": {"file_path": "a.rs"}, "tool_response": "x".repeat(8 << 20)}),
    );
    let too_long = claude(
        "s",
        machine.home(),
        json!({"tool_response": "x".repeat(17 << 20)}),
    );
    let inputs = [
        "",
        "\u{0}\u{1b}[garbage",
        "{\"session_id\": ",
        "[]",
        "{\"session_id\": 7, \"cwd\": {}}",
        &huge,
        &too_long,
    ];
    for tool in [
        "claude-code",
        "codex",
        "gemini",
        "cursor",
        "opencode",
        "generic",
    ] {
        for event in [
            "session-start",
            "user-prompt",
            "pre-tool",
            "post-tool",
            "stop",
            "session-end",
        ] {
            for input in inputs {
                if input.len() > 1 << 20 && event != "post-tool" {
                    continue;
                }
                hook(&cli, tool, event, input);
            }
        }
    }
    let evidence = check(&cli, "hook failures")["evidence"].to_string();
    assert!(evidence.contains("bad_input"), "{evidence}");
    for words in [
        &["hook"][..],
        &["hook", "stop"],
        &["hook", "nonsense", "--tool", "codex"],
        &["hook", "stop", "--tool", "x"],
    ] {
        assert_eq!(
            cli.run(words).code,
            0,
            "2 would stop Claude Code: {words:?}"
        );
    }
}

#[test]
fn a_tool_that_leaves_the_pipe_open_is_not_waited_for() {
    let machine = Daemon::machine();
    let mut process = machine
        .cli()
        .command(&binary("spacesctl"))
        .args(["hook", "stop", "--tool", "claude-code"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("spacesctl starts");
    // Taken from it, or waiting for its end would close the pipe.
    let open = process.stdin.take();
    let status = eventually("the hook ends with its pipe open", || {
        process.try_wait().expect("our own child")
    });
    assert!(status.success());
    drop(open);
    let limits = limits_reached(&machine);
    assert_eq!(limits, [("bad_input".to_owned(), 300)]);
}

#[test]
fn a_file_that_never_ends_costs_no_more_than_the_budget() {
    let machine = Daemon::machine();
    machine.configure("");
    let config = machine.home().join("config/spaces/config.toml");
    fs::remove_file(&config).expect("the home is ours");
    let made = Command::new("mkfifo").arg(&config).status();
    assert!(made.expect("mkfifo runs").success());
    let stop = claude("s", machine.home(), said("lost"));
    assert_eq!(hook(&machine.cli(), "claude-code", "stop", &stop).out, "");
    let log = fs::read_to_string(machine.state_dir().join("hook-failures.jsonl"));
    let log = log.expect("the failure was counted");
    assert!(log.contains("out_of_time"), "{log}");
}

#[test]
fn what_cannot_be_kept_is_said_and_the_agent_goes_on() {
    let machine = Daemon::machine();
    // No directory can be made where a file stands: as on a disk that takes no writes.
    fs::create_dir_all(machine.home().join("state")).expect("the home is ours");
    fs::write(machine.state_dir(), "").expect("the home is ours");
    let done = hook(
        &machine.cli(),
        "claude-code",
        "stop",
        &claude("s", machine.home(), said("lost")),
    );
    let output: Value = serde_json::from_str(&done.out).expect("output is JSON");
    assert!(
        output["systemMessage"]
            .as_str()
            .expect("a notice")
            .contains("could not keep"),
        "{output}"
    );
    assert!(
        !done.err.is_empty(),
        "what can't be counted is at least said"
    );
}

#[test]
fn a_stopped_daemon_takes_the_summary_later_and_once() {
    let mut daemon = Daemon::local();
    daemon.child().signal(Signal::STOP);
    let cli = daemon.cli();
    let input = claude("s", daemon.home(), said("written while it was stopped"));
    hook(&cli, "claude-code", "stop", &input);
    hook(&cli, "claude-code", "stop", &input);
    let wedged = check(&cli, "daemon");
    assert_eq!(wedged["result"], "fail");
    let pid = daemon.child().id().to_string();
    assert!(wedged["evidence"].to_string().contains(&pid), "{wedged}");
    daemon.child().signal(Signal::CONT);
    eventually("the spool is taken", || {
        spooled(&daemon).is_empty().then_some(())
    });
    daemon.call("outbox.flush", json!({"timeout_ms": 20_000}));
    eventually("the summary is there", || {
        (!messages(&daemon, "written while it was stopped").is_empty()).then_some(())
    });
    let posted = messages(&daemon, "written while it was stopped");
    assert_eq!(posted.len(), 1, "{posted:?}");
    assert_eq!(posted[0]["kind"], "summary");
}
