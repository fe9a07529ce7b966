//! What a new user does first: up, post, read, activity, down.

use std::fs::File;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use spaces_tests::{Daemon, Hub, eventually};

#[test]
fn up_post_read_and_down_from_empty_directories() {
    let machine = Daemon::machine();
    let cli = machine.cli();

    let up = cli.run(&["up"]);
    assert_eq!(up.code, 0, "{}{}", up.out, up.err);
    let first = machine.call("daemon.status", json!({}));
    assert_eq!(first["hub"]["state"], "live");

    let receipt = cli.json(&["post", "#agent-logs", "hello", "--wait", "sent", "--json"]);
    assert_eq!(receipt["receipt"]["state"], "sent");

    let activity = cli.json(&["activity", "--json"]);
    assert_eq!(activity["meta"]["hub"], "live");
    assert!(activity.to_string().contains("hello"), "{activity}");

    let read = cli.run(&["read", "#agent-logs"]);
    assert!(read.out.contains("hello"), "{}", read.out);

    let again = cli.run(&["up"]);
    assert_eq!(again.code, 0, "{}{}", again.out, again.err);
    let second = machine.call("daemon.status", json!({}));
    assert_eq!(
        second["pid"], first["pid"],
        "a second `up` must leave the daemon alone"
    );

    let hub = first["hub"]["pid"].as_u64().expect("a local hub has a pid");
    let down = cli.run(&["down"]);
    assert_eq!(down.code, 0, "{}{}", down.out, down.err);
    for pid in [hub, first["pid"].as_u64().expect("a pid")] {
        eventually("the processes of `up` end", || {
            (!Path::new(&format!("/proc/{pid}")).exists()).then_some(())
        });
    }
    assert_eq!(cli.run(&["down"]).code, 0, "down twice does no harm");
}

#[test]
fn what_was_posted_is_there_after_down_and_up() {
    let machine = Daemon::machine();
    let cli = machine.cli();
    assert_eq!(cli.run(&["up"]).code, 0);
    cli.json(&["post", "#general", "kept", "--wait", "sent", "--json"]);
    assert_eq!(cli.run(&["down"]).code, 0);
    // A log that has become large is set aside.
    let log = machine.state_dir().join("spacesd.log");
    let large = File::options().append(true).open(&log);
    large
        .and_then(|log| log.set_len(9 * 1024 * 1024))
        .expect("the log is ours");
    assert_eq!(cli.run(&["up"]).code, 0);
    let page = cli.json(&["read", "#general", "--json"]);
    assert!(page.to_string().contains("kept"), "{page}");
    assert!(log.with_extension("log.old").exists());
    assert!(log.metadata().expect("the new log").len() < 1024 * 1024);
    assert_eq!(cli.run(&["down"]).code, 0);
}

#[test]
fn a_second_machine_sees_a_post_of_the_first() {
    let hub = Hub::start();
    let first = Daemon::owner_of(&hub);
    let second = first.invite("member");

    let receipt = first.call(
        "message.send",
        json!({"channel": "#agent-logs", "content": "from the first", "wait": "sent"}),
    );
    assert_eq!(receipt["receipt"]["state"], "sent");

    let message = eventually("the second machine has the post", || {
        let page = second.call("message.list", json!({"channel": "#agent-logs"}));
        let messages = page["messages"]
            .as_array()
            .expect("a page has messages")
            .clone();
        messages
            .into_iter()
            .find(|message| message["content"] == "from the first")
    });
    assert_eq!(message["pending"], false);
    let me = first.call("user.me", json!({}));
    assert_eq!(message["author"]["identity"], me["user"]["identity"]);
}

#[test]
fn curl_and_netcat_are_enough() {
    let daemon = Daemon::local();
    daemon.call(
        "message.send",
        json!({"channel": "#general", "content": "hi", "wait": "sent"}),
    );
    let request = json!({
        "jsonrpc": "2.0", "id": 1, "method": "message.list", "params": {"channel": "#general"},
    })
    .to_string();
    let socket = daemon.socket();

    let curl = Command::new("curl")
        .args(["--silent", "--fail", "--unix-socket"])
        .arg(&socket)
        .args(["http://localhost/rpc", "--data", &request])
        .output()
        .expect("curl runs");
    let by_http: Value = serde_json::from_slice(&curl.stdout).expect("curl got JSON");
    let messages = by_http["result"]["messages"].as_array().expect("messages");
    assert!(
        messages.iter().any(|message| message["content"] == "hi"),
        "{by_http}"
    );

    let netcat = Command::new("bash")
        .args([
            "-c",
            r#"printf '%s\n' "$1" | nc -N -U "$2""#,
            "bash",
            &request,
        ])
        .arg(&socket)
        .output()
        .expect("nc runs");
    let by_line: Value = serde_json::from_slice(&netcat.stdout).expect("nc got a line of JSON");
    assert_eq!(by_line["result"]["messages"], by_http["result"]["messages"]);
}
