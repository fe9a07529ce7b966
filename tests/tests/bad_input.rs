//! Bad input: a clear error that says what to do, and nothing is lost.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;

use serde_json::{Value, json};
use spaces_api::{ErrorKind, MAX_REQUEST_BYTES};
use spaces_tests::{Daemon, binary, eventually};

#[test]
fn a_wrong_flag_names_the_right_one() {
    let machine = Daemon::machine();
    let done = machine
        .cli()
        .run(&["post", "#general", "hi", "--wiat", "sent"]);
    assert_eq!(done.code, 2);
    assert!(done.err.contains("--wait"), "{}", done.err);
}

#[test]
fn an_unknown_channel_names_the_nearest() {
    let daemon = Daemon::local();
    let error = daemon.refusal(
        "message.send",
        json!({"channel": "#agent-log", "content": "hi"}),
    );
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(
        error.data.candidates.first().map(String::as_str),
        Some("#agent-logs")
    );

    let done = daemon.cli().run(&["post", "#agent-log", "hi"]);
    assert_eq!(done.code, i32::from(ErrorKind::NotFound.exit_code()));
    assert!(done.err.contains("#agent-logs"), "{}", done.err);
}

/// A channel that was posted to is remembered, and what changes about it counts.
#[test]
fn a_channel_that_has_changed_is_known_as_it_is_now() {
    let daemon = Daemon::local();
    let post = |channel: &str| json!({"channel": channel, "content": "hi", "wait": "sent"});
    daemon.call("channel.create", json!({"name": "plans"}));
    eventually("the channel takes posts", || {
        daemon.try_call("message.send", post("plans")).ok()
    });
    daemon.call("message.send", post("plans"));

    let archived = |archived| json!({"channel": "plans", "archived": archived});
    daemon.call("channel.archive", archived(true));
    let refused = eventually("the daemon knows that it is archived", || {
        daemon.try_call("message.send", post("plans")).err()
    });
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    let refused = daemon.refusal("message.send", post("plans"));
    let hint = refused.data.hint.unwrap_or_default();
    assert!(hint.contains("'#plans' --undo"), "{hint}");
    daemon.call("channel.archive", archived(false));
    eventually("it takes posts again", || {
        daemon.try_call("message.send", post("plans")).ok()
    });

    daemon.call(
        "channel.update",
        json!({"channel": "plans", "name": "schedule"}),
    );
    eventually("it is known by its new name", || {
        daemon.try_call("message.send", post("schedule")).ok()
    });
    let unknown = daemon.refusal("message.send", post("plans"));
    assert_eq!(unknown.kind(), ErrorKind::NotFound);
}

#[test]
fn empty_and_huge_posts_are_refused_and_the_daemon_goes_on() {
    let daemon = Daemon::local();
    let empty = daemon.refusal(
        "message.send",
        json!({"channel": "#general", "content": "  "}),
    );
    assert_eq!(empty.kind(), ErrorKind::InvalidParams);

    let long = "x".repeat(8_001);
    let over = daemon.refusal(
        "message.send",
        json!({"channel": "#general", "content": long}),
    );
    assert_eq!(over.kind(), ErrorKind::TooLarge);
    assert!(over.message.contains("8000"), "{}", over.message);

    let exact = "é".repeat(8_000);
    daemon.call(
        "message.send",
        json!({"channel": "#general", "content": exact, "wait": "sent"}),
    );

    let two_megabytes = "x".repeat(2 * MAX_REQUEST_BYTES);
    let cli = daemon
        .cli()
        .run_with_input(&["post", "#general", "-"], &two_megabytes);
    assert_eq!(
        cli.code,
        i32::from(ErrorKind::TooLarge.exit_code()),
        "{}",
        cli.err
    );

    let mut stream = UnixStream::connect(daemon.socket()).expect("the daemon listens");
    let request = json!({
        "jsonrpc": "2.0", "id": 1, "method": "message.send",
        "params": {"channel": "#general", "content": two_megabytes},
    });
    // The daemon may close before it has read all: that is its right.
    let _ = stream.write_all(request.to_string().as_bytes());
    let mut reply = String::new();
    BufReader::new(stream)
        .read_line(&mut reply)
        .expect("a reply before the end");
    let reply: Value = serde_json::from_str(&reply).expect("a JSON reply");
    assert_eq!(reply["error"]["data"]["kind"], "too_large");

    daemon.call(
        "message.send",
        json!({"channel": "#general", "content": "after", "wait": "sent"}),
    );
}

#[test]
fn broken_json_gets_a_parse_error_on_a_connection_that_lives_on() {
    let daemon = Daemon::local();
    let mut stream = UnixStream::connect(daemon.socket()).expect("the daemon listens");
    stream
        .write_all(b"{\"jsonrpc\": \n{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"daemon.ping\"}\n")
        .expect("written");
    let mut lines = BufReader::new(stream).lines();
    let mut next = || -> Value {
        let line = lines.next().expect("a reply").expect("readable");
        serde_json::from_str(&line).expect("JSON")
    };
    let broken = next();
    assert_eq!(broken["error"]["code"], -32700);
    assert_eq!(broken["id"], Value::Null);
    let good = next();
    assert_eq!(good["id"], 7);
    assert!(good["result"]["pid"].is_u64());
}

#[test]
fn a_mistyped_parameter_and_method_name_the_right_ones() {
    let daemon = Daemon::local();
    let error = daemon.refusal(
        "message.send",
        json!({"chanel": "#general", "content": "hi"}),
    );
    assert_eq!(error.kind(), ErrorKind::InvalidParams);
    assert!(
        error.to_string().contains("channel") || error.data.candidates.contains(&"channel".into())
    );

    let error = daemon.refusal("mesage.send", json!({}));
    assert_eq!(error.kind(), ErrorKind::MethodNotFound);
    assert!(
        error.data.candidates.contains(&"message.send".to_owned()),
        "{error:?}"
    );
}

#[test]
fn a_misspelt_configuration_key_is_named_with_file_line_and_remedy() {
    let machine = Daemon::machine();
    machine.configure("[hub]\nmode = \"local\"\ndatabse = \"spaces\"\n");
    let output = machine
        .cli()
        .command(&binary("spacesd"))
        .output()
        .expect("spacesd starts");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(text.contains("config.toml:3"), "{text}");
    assert!(
        text.contains("databse") && text.contains("database"),
        "{text}"
    );
}

#[test]
fn without_a_daemon_a_read_says_how_to_start_it() {
    let machine = Daemon::machine();
    let done = machine.cli().run(&["read", "#general"]);
    assert_eq!(
        done.code,
        i32::from(ErrorKind::DaemonUnreachable.exit_code())
    );
    assert!(done.err.contains("spacesctl up"), "{}", done.err);
}
