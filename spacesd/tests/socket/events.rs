//! Events: in order, from a cursor, over both framings, across a restart.

use std::io::{BufRead, BufReader, Write};

use serde_json::{Value, json};

use crate::daemon::{Daemon, Lines, kind};

fn subscribe(lines: &mut Lines, params: Value) -> Value {
    let reply = lines.call("events.subscribe", params);
    assert!(reply["result"].is_object(), "{reply}");
    reply["result"].clone()
}

/// The next event that tells of a receipt: its cursor and the receipt's key.
fn next_receipt(lines: &mut Lines) -> (u64, Value) {
    loop {
        let message = lines.reply();
        let event = &message["params"]["event"];
        if message["method"] == "event" && event["event"] == "receipt" {
            return (
                event["cursor"].as_u64().unwrap(),
                event["receipt"]["client_key"].clone(),
            );
        }
    }
}

fn key(reply: &Value) -> Value {
    reply["result"]["receipt"]["client_key"].clone()
}

#[test]
fn events_come_in_order_and_from_a_cursor_and_over_a_restart() {
    let mut daemon = Daemon::start();
    let mut lines = daemon.lines();
    let from = subscribe(&mut lines, json!({}))["cursor"].clone();
    let keys: Vec<Value> = (0..5)
        .map(|number| key(&daemon.queue_claim(&format!("task {number}"))))
        .collect();
    let seen: Vec<(u64, Value)> = (0..5).map(|_| next_receipt(&mut lines)).collect();
    assert_eq!(
        seen.iter().map(|(_, key)| key.clone()).collect::<Vec<_>>(),
        keys
    );
    assert!(
        seen.windows(2).all(|two| two[0].0 < two[1].0),
        "cursors grow: {seen:?}"
    );

    daemon.child().kill();
    daemon.run();
    let last = key(&daemon.queue_claim("after the restart"));
    let mut again = daemon.lines();
    subscribe(&mut again, json!({ "cursor": from, "kinds": ["receipt"] }));
    let replayed: Vec<Value> = (0..6).map(|_| next_receipt(&mut again).1).collect();
    assert_eq!(replayed[..5], keys);
    assert_eq!(replayed[5], last);
}

#[test]
fn server_sent_events_go_on_where_the_client_was() {
    let daemon = Daemon::start();
    let from = subscribe(&mut daemon.lines(), json!({}))["cursor"]
        .as_u64()
        .unwrap();
    let keys: Vec<Value> = (0..3)
        .map(|number| key(&daemon.queue_claim(&format!("task {number}"))))
        .collect();
    let mut stream = daemon.connect();
    let request = format!(
        "GET /events?cursor=1&kinds=receipt HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: {from}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut found = Vec::new();
    let mut reader = BufReader::new(stream).lines();
    let mut head = String::new();
    for line in reader.by_ref() {
        let line = line.unwrap();
        if line.is_empty() {
            break;
        }
        head.push_str(&line.to_lowercase());
        head.push('\n');
    }
    if head.starts_with("http/1.1 410") {
        panic!("the cursor has expired: {head}");
    }
    assert!(head.contains("text/event-stream"), "{head}");
    while found.len() < keys.len() {
        let line = reader.next().unwrap().unwrap();
        if let Some(data) = line.strip_prefix("data: ") {
            let event: Value = serde_json::from_str(data).unwrap();
            found.push(event["receipt"]["client_key"].clone());
        }
    }
    assert_eq!(found, keys);
}

#[test]
fn bad_subscriptions_are_refused() {
    let daemon = Daemon::start();
    let mut lines = daemon.lines();
    assert_eq!(
        kind(&lines.call("events.subscribe", json!({ "cursor": 1 }))),
        "cursor_expired"
    );
    let reply = lines.call("events.subscribe", json!({ "kinds": ["mesage"] }));
    assert_eq!(kind(&reply), "invalid_params");
    assert!(
        reply["error"]["data"]["hint"]
            .as_str()
            .unwrap()
            .contains("message")
    );
    assert_eq!(
        kind(&lines.call("events.unsubscribe", json!({ "subscription": 9 }))),
        "not_found"
    );
    assert_eq!(daemon.get("/events?cursor=1").status, 410);
    assert_eq!(daemon.get("/events?cursr=1").status, 400);
}

#[test]
fn an_ended_subscription_is_silent() {
    let daemon = Daemon::start();
    let mut lines = daemon.lines();
    let subscription = subscribe(&mut lines, json!({}))["subscription"].clone();
    assert!(
        lines.call(
            "events.unsubscribe",
            json!({ "subscription": subscription })
        )["result"]
            .is_object()
    );
    let mut other = daemon.lines();
    subscribe(&mut other, json!({}));
    daemon.queue_claim("unheard");
    next_receipt(&mut other);
    assert!(
        lines.call("daemon.ping", json!({}))["result"].is_object(),
        "the reply comes first: nothing was pushed"
    );
}

#[test]
fn a_reader_that_is_too_slow_is_told_where_to_resume() {
    let daemon = Daemon::with(&[("SPACES_OUTBOX_MAX_ITEMS", "100000")]);
    let mut slow = daemon.lines();
    subscribe(&mut slow, json!({ "kinds": ["receipt"] }));
    let mut writer = daemon.lines();
    for round in 0..150 {
        let calls: Vec<Value> = (0..100)
            .map(|number| {
                let text = format!("{round}-{number} {}", "x".repeat(100));
                json!({ "jsonrpc": "2.0", "id": number, "method": "user.set_profile", "params": { "status_text": text } })
            })
            .collect();
        writer.send(&Value::Array(calls));
        let replies = writer.reply();
        assert!(replies[99]["result"].is_object(), "{}", replies[99]);
    }
    let mut last = 0;
    let lagged = loop {
        let message = slow.reply();
        let params = &message["params"];
        if let Some(cursor) = params["lagged"].as_u64() {
            break cursor;
        }
        last = params["event"]["cursor"].as_u64().unwrap();
    };
    assert!(
        lagged >= last,
        "the cursor lies after the last event: {lagged}, {last}"
    );
    let mut resumed = daemon.lines();
    subscribe(
        &mut resumed,
        json!({ "cursor": lagged, "kinds": ["receipt"] }),
    );
    assert_eq!(
        next_receipt(&mut resumed).0,
        lagged + 1,
        "nothing is missed"
    );
}
