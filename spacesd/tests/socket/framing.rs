//! Both framings, and what a client may do with a connection.

use std::io::{Read, Write};

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use spaces_api::METHODS;

use crate::daemon::{Daemon, Lines, claim, kind};

#[test]
fn both_framings_answer_every_method_alike() {
    let daemon = Daemon::start();
    // Subscriptions need a connection that stays open; drain would end the test.
    let apart = [
        "events.subscribe",
        "events.unsubscribe",
        "activity.watch",
        "daemon.drain",
        "daemon.status",
        "daemon.ping",
        "daemon.reconnect",
    ];
    for method in METHODS
        .iter()
        .filter(|method| !apart.contains(&method.name))
    {
        for params in [json!({}), json!({ "nonsense": 1 }), json!([1])] {
            let request =
                json!({ "jsonrpc": "2.0", "id": 7, "method": method.name, "params": params });
            let mut over_lines = daemon.lines();
            over_lines.send(&request);
            let (lines, http) = (
                over_lines.reply(),
                daemon.post(request.to_string().as_bytes()),
            );
            assert_eq!(http.status, 200);
            let (lines, http) = (without_chance(lines), without_chance(http.json()));
            assert_eq!(lines, http, "{}", method.name);
        }
    }
    let ping = json!({ "jsonrpc": "2.0", "id": 7, "method": "daemon.ping" });
    let http = daemon.post(ping.to_string().as_bytes()).json();
    assert_eq!(
        http["result"]["pid"],
        daemon.call("daemon.ping", json!({}))["result"]["pid"]
    );
}

/// The reply without what differs from call to call.
fn without_chance(mut reply: Value) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(members) => {
                for name in [
                    "client_key",
                    "queued_at",
                    "at",
                    "id",
                    "started_at",
                    "last_seen",
                    "stale_for_ms",
                ] {
                    members.remove(name);
                }
                members.values_mut().for_each(strip);
            }
            Value::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    strip(&mut reply);
    // Says where the attempts to connect stand at this moment.
    if reply["error"]["data"]["kind"] == "not_ready"
        || reply["error"]["data"]["kind"] == "hub_unreachable"
    {
        reply["error"]["message"] = Value::Null;
    }
    reply
}

#[test]
fn a_slow_call_holds_up_no_other() {
    let daemon = Daemon::start();
    let mut lines = daemon.lines();
    let mut slow = claim("slow");
    slow["wait"] = json!("sent");
    slow["timeout_ms"] = json!(1500);
    lines.request(1, "claim.acquire", slow);
    lines.request(2, "daemon.ping", json!({}));
    assert_eq!(lines.reply()["id"], 2, "it waited for the slow one");
    let slow = lines.reply();
    assert_eq!(
        (&slow["id"], &slow["result"]["receipt"]["state"]),
        (&json!(1), &json!("queued"))
    );
}

#[test]
fn writes_are_queued_in_the_order_in_which_they_were_written() {
    let daemon = Daemon::start();
    let mut lines = daemon.lines();
    for number in 0..200 {
        lines.request(number, "claim.acquire", claim(&format!("task {number}")));
    }
    for _ in 0..200 {
        let reply = lines.reply();
        assert!(reply["result"]["receipt"].is_object(), "{reply}");
    }
    let items = daemon.call("outbox.list", json!({ "limit": 1000 }))["result"]["items"].clone();
    let targets: Vec<_> = items
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["target"].as_str().unwrap().to_owned())
        .collect();
    let expected: Vec<_> = (0..200)
        .map(|number| format!("example.org/a/b: task {number}"))
        .collect();
    assert_eq!(targets, expected);
}

#[test]
fn what_was_begun_is_answered_after_the_client_has_said_its_last() {
    let daemon = Daemon::start();
    let mut lines = daemon.lines();
    // No newline at the end: `printf '{...}' | nc -N -U`.
    lines.write("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"daemon.ping\"}\n{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"outbox.list\"}");
    lines.finish();
    let mut ids =
        [lines.reply()["id"].clone(), lines.reply()["id"].clone()].map(|id| id.as_u64().unwrap());
    ids.sort_unstable();
    assert_eq!(ids, [1, 2]);
    assert_eq!(lines.next(), None);
}

#[test]
fn half_a_request_is_an_error_and_harms_no_one() {
    let daemon = Daemon::start();
    let mut other = daemon.lines();
    let mut lines = daemon.lines();
    lines.write("{\"jsonrpc\":\"2.0\",\"id\":1,\"meth");
    lines.finish();
    assert_eq!(kind(&lines.reply()), "parse_error");
    assert_eq!(lines.next(), None);
    let mut half = daemon.connect();
    half.write_all(b"POST /rpc HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
        .unwrap();
    drop(half);
    assert!(other.call("daemon.ping", json!({}))["result"].is_object());
}

#[test]
fn any_bytes_are_answered_or_refused_and_the_daemon_lives() {
    let daemon = Daemon::start();
    let bytes = proptest::collection::vec(
        prop_oneof![any::<u8>(), Just(b'{'), Just(b'['), Just(b'"'), Just(b'\n')],
        1..300,
    );
    let config = ProptestConfig {
        cases: 100,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let outcome = TestRunner::new(config).run(&bytes, |bytes| {
        let mut stream = daemon.connect();
        // The daemon may have refused it before all is written.
        let _ = stream.write_all(&bytes);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let blank = bytes.iter().all(u8::is_ascii_whitespace);
        let http = bytes[0].is_ascii_alphabetic();
        prop_assert!(
            blank || http || !answer.is_empty(),
            "no answer to {:?}",
            String::from_utf8_lossy(&bytes)
        );
        Ok(())
    });
    outcome.unwrap();
    assert!(daemon.call("daemon.ping", json!({}))["result"].is_object());
}

#[test]
fn another_protocol_is_told_which_side_to_upgrade() {
    let daemon = Daemon::start();
    let newer = spaces_api::PROTOCOL + 1;
    let mut lines = Lines::over(daemon.connect());
    lines.send(
        &json!({ "jsonrpc": "2.0", "id": 1, "method": "daemon.ping", "spaces_protocol": newer }),
    );
    let over_lines = lines.reply();
    assert_eq!(kind(&over_lines), "version_skew");
    let request = format!("POST /rpc HTTP/1.1\r\nHost: localhost\r\nSpaces-Protocol: {newer}");
    let http = daemon.http(
        &request,
        b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"daemon.ping\"}",
    );
    assert_eq!((http.status, kind(&http.json())), (400, "version_skew"));
    let hint = over_lines["error"]["data"]["hint"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(hint.contains("restart spacesd"), "{hint}");
    lines.send(&json!({ "jsonrpc": "2.0", "id": 2, "method": "daemon.ping", "spaces_protocol": spaces_api::PROTOCOL }));
    assert!(lines.reply()["result"].is_object());
}
