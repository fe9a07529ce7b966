//! The client library against real daemons: many calls over one connection,
//! restarts, deadlines, the event stream, and its examples as a user runs them.

use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;
use spaces_api::methods::{None as NoParams, daemon as daemon_api, events, message};
use spaces_api::model::{Context, Event, EventKind};
use spaces_api::{ErrorKind, Wait};
use spaces_client::{AsyncClient, Error, EventStream};
use spaces_tests::{Daemon, PATIENCE, binary, eventually};

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}

fn post(content: &str) -> message::SendParams {
    message::SendParams {
        channel: "#general".into(),
        content: content.to_owned(),
        kind: None,
        thread_id: None,
        reply_to: None,
        cwd: None,
        context: Context::default(),
        client_key: None,
        wait: Wait::Queued,
        timeout_ms: None,
        session: None,
    }
}

fn messages_only() -> events::SubscribeParams {
    events::SubscribeParams {
        kinds: vec!["message".to_owned()],
        ..events::SubscribeParams::default()
    }
}

async fn next(events: &mut EventStream) -> Option<Result<Event, Error>> {
    tokio::time::timeout(PATIENCE, events.next())
        .await
        .expect("an event or an end within the test's patience")
}

/// The next message with this content that the hub has confirmed.
async fn confirmed(events: &mut EventStream, content: &str) -> u64 {
    loop {
        let event = next(events).await.expect("no end").expect("no error");
        if let EventKind::Message { message } = event.what
            && !message.pending
        {
            assert_eq!(message.content, content, "in order, and none twice");
            return event.cursor;
        }
    }
}

#[test]
fn two_hundred_calls_at_once_share_one_connection() {
    let daemon = Daemon::local();
    let client = AsyncClient::new(daemon.socket());
    runtime().block_on(async {
        let calls: Vec<_> = (0..200)
            .map(|number| {
                let client = client.clone();
                tokio::spawn(async move {
                    let params = post(&format!("number {number}"));
                    client.call::<message::Send>(&params).await
                })
            })
            .collect();
        let mut keys = std::collections::HashSet::new();
        for call in calls {
            let written = call.await.expect("no panic").expect("accepted");
            keys.insert(written.receipt.client_key);
        }
        assert_eq!(
            keys.len(),
            200,
            "each call has the answer to its own request"
        );
        let status = client.call::<daemon_api::Status>(&NoParams {}).await;
        assert_eq!(status.expect("answered").connections, 1);
    });
}

#[test]
fn a_restarted_daemon_is_found_again() {
    let mut daemon = Daemon::local();
    let client = AsyncClient::new(daemon.socket());
    let runtime = runtime();
    let ping = || runtime.block_on(client.call::<daemon_api::Ping>(&NoParams {}));
    let before = ping().expect("answered").pid;
    daemon.kill();
    assert!(ping().expect_err("nobody is there").is_daemon_down());
    daemon.run();
    assert_ne!(ping().expect("answered by the new one").pid, before);
    // Again while no call is under way, so that a call meets the dead connection.
    daemon.kill();
    daemon.run();
    assert_eq!(ping().expect("repeated").pid, daemon.child().id());
}

#[test]
fn a_call_to_a_stopped_daemon_ends_by_its_limit() {
    let mut daemon = Daemon::local();
    let client = AsyncClient::new(daemon.socket());
    let runtime = runtime();
    runtime
        .block_on(client.call::<daemon_api::Ping>(&NoParams {}))
        .expect("answered");
    daemon.child().signal(Signal::STOP);
    // It answers only once it may go on, so there is an end by the limit or none.
    let limit = Duration::from_millis(300);
    let error = runtime
        .block_on(client.call_within::<message::Send>(&post("later"), limit))
        .expect_err("it does not answer");
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(
        matches!(
            error,
            Error::Timeout {
                client_key: Some(_),
                ..
            }
        ),
        "a write of unknown fate names its key: {error:?}"
    );
    daemon.child().signal(Signal::CONT);
    let pong = runtime.block_on(client.call::<daemon_api::Ping>(&NoParams {}));
    assert_eq!(pong.expect("the same connection").pid, daemon.child().id());
}

#[test]
fn the_event_stream_goes_on_where_it_was_after_a_restart() {
    let mut daemon = Daemon::local();
    let client = AsyncClient::new(daemon.socket());
    let runtime = runtime();
    let mut events = runtime
        .block_on(client.subscribe(&messages_only()))
        .expect("subscribed");
    daemon.call(
        "message.send",
        json!({"channel": "#general", "content": "one"}),
    );
    let seen = runtime.block_on(confirmed(&mut events, "one"));
    assert_eq!(events.cursor(), seen);

    daemon.kill();
    let end = runtime.block_on(next(&mut events)).expect("an error first");
    assert_eq!(end.expect_err("lost").kind(), ErrorKind::DaemonUnreachable);
    assert!(
        runtime.block_on(next(&mut events)).is_none(),
        "then the end"
    );

    daemon.run();
    daemon.call(
        "message.send",
        json!({"channel": "#general", "content": "two"}),
    );
    let again = events::SubscribeParams {
        cursor: Some(seen),
        ..messages_only()
    };
    let mut events = runtime
        .block_on(client.subscribe(&again))
        .expect("subscribed");
    runtime.block_on(confirmed(&mut events, "two"));
}

fn example(daemon: &Daemon, name: &str) -> Command {
    let mut command = daemon.cli().command(&binary(&format!("examples/{name}")));
    command.stdin(Stdio::null());
    command
}

fn output(command: &mut Command) -> String {
    let done = command.output().expect("the example runs");
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(
        done.status.success(),
        "{command:?}: {text}{}",
        String::from_utf8_lossy(&done.stderr)
    );
    text
}

#[test]
fn the_examples_do_what_they_say() {
    let mut daemon = Daemon::machine();
    let args = ["#general", "said by the example"];
    let spooled = output(example(&daemon, "post").args(args));
    assert!(spooled.starts_with("spooled message.send"), "{spooled}");
    daemon.run();
    daemon.until_live();
    let log = daemon.home().join("followed");
    let file = std::fs::File::create(&log).expect("the home is ours");
    let mut follow = example(&daemon, "follow")
        .stdout(file)
        .stderr(Stdio::piped())
        .spawn()
        .expect("the example runs");
    let mut line = String::new();
    let stderr = follow.stderr.take().expect("it is piped");
    std::io::BufRead::read_line(&mut std::io::BufReader::new(stderr), &mut line)
        .expect("it says that it follows");
    assert!(line.starts_with("following from"), "{line}");
    assert_eq!(output(example(&daemon, "post").args(args)), "sent\n");
    let session = output(&mut example(&daemon, "session"));
    assert!(session.contains("\nended: queued"), "{session}");
    eventually("the follower has seen the post and the session", || {
        let seen = std::fs::read_to_string(&log).unwrap_or_default();
        (seen.contains(" message") && seen.contains(" session")).then_some(())
    });
    follow.kill().expect("it still runs");
    follow.wait().expect("it ends");
    eventually("the spooled post and the sent one are there", || {
        let page = daemon.call("message.list", json!({"channel": "#general"}));
        let said = page["messages"].as_array().expect("messages").iter();
        let count = said.filter(|message| message["content"] == args[1]).count();
        (count == 2).then_some(())
    });
}
