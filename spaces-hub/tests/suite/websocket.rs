//! The WebSocket: subprotocols, order, durability, limits.

use serde_json::json;
use spacetimedb_client_api_messages::websocket::v2::{ReducerOutcome, ServerMessage};
use spacetimedb_lib::bsatn;
use tungstenite::Message;
use tungstenite::protocol::frame::coding::CloseCode;

use crate::clients::{Client, open};
use crate::harness::{Site, eventually};
use crate::modules::module;

const V1_TEXT: &str = "v1.json.spacetimedb";
const V1: &str = "v1.bsatn.spacetimedb";
const V2: &str = "v2.bsatn.spacetimedb";
const V3: &str = "v3.bsatn.spacetimedb";

#[test]
fn the_newest_subprotocol_that_both_know_is_chosen() {
    let site = Site::new();
    let hub = site.start(Some(&module("notes")));
    for (offered, chosen) in [
        (V1_TEXT, V1_TEXT),
        (V1, V1),
        (V2, V2),
        (V3, V3),
        ("v1.json.spacetimedb, v1.bsatn.spacetimedb", V1),
        ("v2.bsatn.spacetimedb, v3.bsatn.spacetimedb", V3),
        ("v9.bsatn.spacetimedb, v2.bsatn.spacetimedb", V2),
    ] {
        let (_, response) = open(&hub, offered, None, "").unwrap();
        assert_eq!(
            response.headers()["sec-websocket-protocol"],
            chosen,
            "{offered}"
        );
    }
    let refused = open(&hub, "v9.bsatn.spacetimedb", None, "").err().unwrap();
    assert_eq!(refused.status, 400);
    assert!(refused.text.contains(V3), "{}", refused.text);
}

#[test]
fn version_1_speaks_json_and_tells_the_client_who_it_is_first() {
    let site = Site::new();
    let hub = site.start(Some(&module("notes")));
    let (mut socket, response) = open(&hub, V1_TEXT, None, "").unwrap();
    let mut receive = || loop {
        if let Message::Text(text) = socket.read().unwrap() {
            return serde_json::from_str::<serde_json::Value>(&text).unwrap();
        }
    };
    let greeting = receive();
    let identity = greeting["IdentityToken"]["identity"]["__identity__"]
        .as_str()
        .unwrap()
        .trim_start_matches("0x");
    assert_eq!(response.headers()["spacetime-identity"], identity);

    let subscribe = json!({ "SubscribeSingle": { "query": "SELECT * FROM note", "request_id": 1, "query_id": { "id": 1 } } });
    socket.send(Message::text(subscribe.to_string())).unwrap();
    let mut receive = || loop {
        if let Message::Text(text) = socket.read().unwrap() {
            return serde_json::from_str::<serde_json::Value>(&text).unwrap();
        }
    };
    assert_eq!(
        receive()["SubscribeApplied"]["rows"]["table_name"],
        json!("note")
    );
    assert_eq!(hub.call(None, "add_note", json!(["seen"])).status, 200);
    let update = receive();
    assert!(update.to_string().contains("seen"), "{update}");
}

#[test]
fn calls_over_the_websocket_are_answered_in_order() {
    let site = Site::new();
    let hub = site.start(Some(&module("notes")));
    let mut client = Client::connect(&hub, None);
    for request in 0..500 {
        let text = if request % 10 == 0 { "" } else { "a note" };
        client.call(request, "add_note", text).unwrap();
    }
    let mut next = 0;
    while next < 500 {
        let ServerMessage::ReducerResult(result) = client.receive().unwrap() else {
            continue;
        };
        assert_eq!(result.request_id, next);
        let refused = matches!(result.result, ReducerOutcome::Err(_));
        assert_eq!(refused, next % 10 == 0, "{result:?}");
        next += 1;
    }
    assert_eq!(hub.rows(None, "SELECT id FROM note").len(), 450);

    client.call(500, "no_such_reducer", "").unwrap();
    let ServerMessage::ReducerResult(result) = client.receive().unwrap() else {
        panic!("no result")
    };
    assert!(
        matches!(result.result, ReducerOutcome::InternalError(_)),
        "{result:?}"
    );
}

#[test]
fn nonsense_ends_the_connection_with_a_reason_and_nothing_else() {
    let site = Site::new();
    let hub = site.start(Some(&module("notes")));
    let (mut socket, _) = open(&hub, V2, None, "").unwrap();
    socket.send(Message::binary(vec![250, 1, 2, 3])).unwrap();
    let frame = loop {
        if let Message::Close(frame) = socket.read().unwrap() {
            break frame.unwrap();
        }
    };
    assert_eq!(frame.code, CloseCode::Error);
    assert!(!frame.reason.is_empty());
    assert_eq!(hub.call(None, "add_note", json!(["unharmed"])).status, 200);
    let owner = site.owner_token();
    eventually("the module to be told", || {
        hub.rows(Some(&owner), "SELECT connections FROM presence") == [json!([0])]
    });
}

#[test]
fn a_session_has_one_connection() {
    let site = Site::new();
    let hub = site.start(Some(&module("notes")));
    let token = hub.post("/v1/identity", None, "text/plain", b"").json()["token"].clone();
    let query = format!("compression=None&session_id={:032x}", 7);
    let (mut first, _) = open(&hub, V2, token.as_str(), &query).unwrap();
    first.read().unwrap();

    // The newcomer is sent away, and the holder ended, so that the next try
    // finds the session free.
    let (mut second, _) = open(&hub, V2, token.as_str(), &query).unwrap();
    let Message::Close(Some(frame)) = second.read().unwrap() else {
        panic!("not closed")
    };
    assert_eq!(u16::from(frame.code), 4000);
    while first.read().is_ok() {}
    eventually("the session to be free", || {
        let (mut third, _) = open(&hub, V2, token.as_str(), &query).unwrap();
        matches!(third.read().unwrap(), Message::Binary(bytes)
            if matches!(bsatn::from_slice(&bytes[1..]), Ok(ServerMessage::InitialConnection(_))))
    });
}

#[test]
fn a_stop_says_goodbye() {
    let site = Site::new();
    let hub = site.start(Some(&module("notes")));
    let (mut socket, _) = open(&hub, V2, None, "").unwrap();
    socket.read().unwrap();
    hub.signal(rustix::process::Signal::TERM);
    let frame = loop {
        if let Message::Close(frame) = socket.read().unwrap() {
            break frame.unwrap();
        }
    };
    assert_eq!(
        (frame.code, frame.reason.as_str()),
        (CloseCode::Away, "the hub is stopping")
    );
}
