//! The examples of the JSON-RPC 2.0 specification, section 7, with our methods
//! in place of its `subtract` and `update`.

use serde_json::{Value, json};

use crate::daemon::Daemon;

/// What comes back for what is sent, if anything does.
fn exchange(daemon: &Daemon, sent: &str) -> Option<Value> {
    let mut lines = daemon.lines();
    lines.write(sent);
    lines.finish();
    let reply = lines.next();
    assert_eq!(lines.next(), None, "more than one reply");
    reply
}

fn code(reply: &Value) -> i64 {
    assert_eq!(reply["jsonrpc"], "2.0");
    assert!(reply.get("result").is_none(), "{reply}");
    reply["error"]["code"]
        .as_i64()
        .unwrap_or_else(|| panic!("no error: {reply}"))
}

#[test]
fn the_examples_of_the_specification() {
    let daemon = Daemon::start();

    // rpc call with positional parameters: ours are named.
    let reply = exchange(
        &daemon,
        r#"{"jsonrpc": "2.0", "method": "daemon.ping", "params": [42, 23], "id": 1}"#,
    )
    .unwrap();
    assert_eq!((code(&reply), &reply["id"]), (-32602, &json!(1)));

    // rpc call with named parameters
    let reply = exchange(
        &daemon,
        r#"{"jsonrpc": "2.0", "method": "daemon.ping", "params": {}, "id": 3}"#,
    )
    .unwrap();
    assert_eq!(
        (&reply["jsonrpc"], &reply["id"]),
        (&json!("2.0"), &json!(3))
    );
    assert!(reply["result"]["pid"].is_u64() && reply.get("error").is_none());

    // a notification, of a method that is there and of one that is not
    assert_eq!(
        exchange(
            &daemon,
            r#"{"jsonrpc": "2.0", "method": "daemon.ping", "params": {}}"#
        ),
        None
    );
    assert_eq!(
        exchange(&daemon, r#"{"jsonrpc": "2.0", "method": "foobar"}"#),
        None
    );

    // rpc call of non-existent method
    let reply = exchange(
        &daemon,
        r#"{"jsonrpc": "2.0", "method": "foobar", "id": "1"}"#,
    )
    .unwrap();
    assert_eq!((code(&reply), &reply["id"]), (-32601, &json!("1")));

    // rpc call with invalid JSON
    let reply = exchange(
        &daemon,
        r#"{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]"#,
    )
    .unwrap();
    assert_eq!((code(&reply), &reply["id"]), (-32700, &Value::Null));

    // rpc call with invalid Request object
    let reply = exchange(
        &daemon,
        r#"{"jsonrpc": "2.0", "method": 1, "params": "bar"}"#,
    )
    .unwrap();
    assert_eq!((code(&reply), &reply["id"]), (-32600, &Value::Null));

    // rpc call Batch, invalid JSON
    let broken = r#"[ {"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"}, {"jsonrpc": "2.0", "method" ]"#;
    let reply = exchange(&daemon, broken).unwrap();
    assert_eq!((code(&reply), &reply["id"]), (-32700, &Value::Null));

    // rpc call with an empty Array
    let reply = exchange(&daemon, "[]").unwrap();
    assert_eq!((code(&reply), &reply["id"]), (-32600, &Value::Null));

    // rpc call with an invalid Batch, not empty; and with three
    for (sent, count) in [("[1]", 1), ("[1,2,3]", 3)] {
        let replies = exchange(&daemon, sent).unwrap();
        let replies = replies.as_array().unwrap();
        assert_eq!(replies.len(), count);
        assert!(
            replies
                .iter()
                .all(|reply| code(reply) == -32600 && reply["id"].is_null())
        );
    }

    // rpc call Batch
    let sent = r#"[
        {"jsonrpc": "2.0", "method": "daemon.ping", "params": {}, "id": "1"},
        {"jsonrpc": "2.0", "method": "daemon.ping", "params": {}},
        {"jsonrpc": "2.0", "method": "outbox.list", "params": {"limit": 1}, "id": "2"},
        {"foo": "boo"},
        {"jsonrpc": "2.0", "method": "foo.get", "params": {"name": "myself"}, "id": "5"},
        {"jsonrpc": "2.0", "method": "daemon.status", "id": "9"}
    ]"#;
    let replies = exchange(&daemon, &sent.replace('\n', " ")).unwrap();
    let replies = replies.as_array().unwrap();
    assert_eq!(replies.len(), 5, "{replies:?}");
    let of = |id: Value| replies.iter().find(|reply| reply["id"] == id).unwrap();
    assert!(of(json!("1"))["result"]["pid"].is_u64());
    assert!(of(json!("2"))["result"]["items"].is_array());
    assert_eq!(code(of(Value::Null)), -32600);
    assert_eq!(code(of(json!("5"))), -32601);
    assert!(of(json!("9"))["result"]["uptime_ms"].is_u64());

    // rpc call Batch (all notifications)
    let sent =
        r#"[{"jsonrpc": "2.0", "method": "daemon.ping"}, {"jsonrpc": "2.0", "method": "foobar"}]"#;
    assert_eq!(exchange(&daemon, sent), None);
}

#[test]
fn a_document_describes_every_method() {
    let daemon = Daemon::start();
    let document = daemon.call("rpc.discover", json!({}))["result"].clone();
    assert!(document["openrpc"].is_string());
    let names: Vec<_> = document["methods"]
        .as_array()
        .unwrap()
        .iter()
        .map(|method| method["name"].clone())
        .collect();
    assert_eq!(names.len(), spaces_api::METHODS.len());
    assert!(names.contains(&json!("message.send")));
}
