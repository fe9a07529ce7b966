//! How the clients stand a daemon that is slow, gone, new, old or mad. The other
//! end is scripted: a real daemon does none of this on demand.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use spaces_client::spaces_api::methods::{daemon, events, message};
use spaces_client::spaces_api::{ErrorKind, MAX_REQUEST_BYTES, PROTOCOL, VERSION};
use spaces_client::{Client, Error, Unreachable};

/// A socket with a scripted other end; each closure serves one connection.
struct Scripted {
    socket: PathBuf,
    served: thread::JoinHandle<Vec<Value>>,
    _dir: tempfile::TempDir,
}

/// What the other end does with one connection: reads requests, writes replies.
struct Peer {
    reader: BufReader<UnixStream>,
    writer: UnixStream,
    read: Vec<Value>,
}

impl Peer {
    fn request(&mut self) -> Value {
        let mut line = String::new();
        self.reader.read_line(&mut line).unwrap();
        let request: Value = serde_json::from_str(&line).unwrap();
        self.read.push(request.clone());
        request
    }

    fn say(&mut self, line: &str) {
        self.writer.write_all(line.as_bytes()).unwrap();
        self.writer.write_all(b"\n").unwrap();
    }

    fn reply(&mut self, request: &Value, result: Value) {
        self.say(&json!({ "jsonrpc": "2.0", "id": request["id"], "result": result }).to_string());
    }

    /// Until the client closes.
    fn wait_for_end(&mut self) {
        let mut rest = String::new();
        while self.reader.read_line(&mut rest).unwrap_or(0) > 0 {}
    }
}

type Act = Box<dyn FnOnce(&mut Peer) + Send>;

fn scripted(acts: Vec<Act>) -> Scripted {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("d.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let served = thread::spawn(move || {
        let mut read = Vec::new();
        for act in acts {
            let (stream, _) = listener.accept().unwrap();
            let mut peer = Peer {
                reader: BufReader::new(stream.try_clone().unwrap()),
                writer: stream,
                read: Vec::new(),
            };
            act(&mut peer);
            read.append(&mut peer.read);
        }
        read
    });
    Scripted {
        socket,
        served,
        _dir: dir,
    }
}

fn act(act: impl FnOnce(&mut Peer) + Send + 'static) -> Act {
    Box::new(act)
}

fn pong(version: &str, protocol: u32) -> Value {
    let at = "2026-01-31T12:00:00Z";
    json!({ "version": version, "protocol": protocol, "pid": 1, "at": at,
            "meta": { "as_of": at, "hub": "live", "stale_for_ms": 0 } })
}

fn written(client_key: &Value) -> Value {
    json!({ "receipt": { "client_key": client_key, "state": "queued",
                         "queued_at": "2026-01-31T12:00:00Z" } })
}

fn post(text: &str) -> message::SendParams {
    serde_json::from_value(json!({ "channel": "#a", "content": text })).unwrap()
}

#[test]
fn one_connection_serves_many_calls_and_stray_lines_do_no_harm() {
    let site = scripted(vec![act(|peer| {
        for _ in 0..3 {
            let request = peer.request();
            peer.say(r#"{"jsonrpc":"2.0","method":"event","params":{"subscription":1}}"#);
            peer.say(r#"{"jsonrpc":"2.0","id":"another","result":1}"#);
            peer.reply(&request, pong(VERSION, PROTOCOL));
        }
    })]);
    let mut client = Client::new(&site.socket);
    for _ in 0..3 {
        client.call::<daemon::Ping>(&Default::default()).unwrap();
    }
    let read = site.served.join().unwrap();
    assert_eq!(read.len(), 3);
    assert_ne!(read[0]["id"], read[1]["id"]);
}

#[test]
fn a_daemon_that_never_answers_costs_no_more_than_the_limit() {
    let site = scripted(vec![act(|peer| peer.wait_for_end())]);
    let mut client = Client::new(&site.socket);
    let begun = Instant::now();
    let error = client
        .call_within::<message::Send>(&post("x"), Duration::from_millis(100))
        .unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(error.kind(), ErrorKind::Timeout);
    let Error::Timeout { client_key, .. } = error else {
        panic!("{error:?}")
    };
    assert!(
        client_key.is_some(),
        "a write's fate is unknown: it needs a key"
    );
}

#[test]
fn a_restarted_daemon_is_found_again_and_a_write_keeps_its_key() {
    let site = scripted(vec![
        act(|peer| {
            let request = peer.request();
            peer.reply(&request, pong(VERSION, PROTOCOL));
            // Takes the post and dies before it answers.
            peer.request();
        }),
        act(|peer| {
            let request = peer.request();
            let key = request["params"]["client_key"].clone();
            peer.reply(&request, written(&key));
        }),
    ]);
    let mut client = Client::new(&site.socket);
    client.call::<daemon::Ping>(&Default::default()).unwrap();
    let receipt = client.call::<message::Send>(&post("once")).unwrap().receipt;
    let read = site.served.join().unwrap();
    assert_eq!(
        read[1]["params"], read[2]["params"],
        "the same write, the same key"
    );
    assert_eq!(read[2]["params"]["client_key"], json!(receipt.client_key));
}

#[test]
fn an_answer_that_is_cut_off_is_a_lost_connection() {
    let site = scripted(vec![act(|peer| {
        peer.request();
        peer.writer
            .write_all(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"res")
            .unwrap();
    })]);
    let error = Client::new(&site.socket)
        .call::<daemon::Ping>(&Default::default())
        .unwrap_err();
    assert!(matches!(error, Error::ConnectionLost { .. }), "{error:?}");
    assert!(error.is_daemon_down());
}

#[test]
fn a_daemon_of_another_version_is_named_instead_of_a_parse_error() {
    for garbled in [
        r#"{"jsonrpc":"2.0","id":1,"result":{"new":"form"}}"#,
        "not json at all",
    ] {
        let answer = garbled.to_owned();
        let garbling = act(move |peer: &mut Peer| {
            peer.request();
            peer.say(&answer);
            // Garbled JSON costs the connection; another form does not.
            if answer.starts_with('{') {
                let request = peer.request();
                peer.reply(&request, pong("9.9.9", PROTOCOL + 1));
            }
        });
        let describing = act(|peer: &mut Peer| {
            let request = peer.request();
            peer.reply(&request, pong("9.9.9", PROTOCOL + 1));
        });
        let acts = match garbled.starts_with('{') {
            true => vec![garbling],
            false => vec![garbling, describing],
        };
        let site = scripted(acts);
        let error = Client::new(&site.socket)
            .call::<daemon::Status>(&Default::default())
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::VersionSkew, "{garbled}: {error}");
        assert!(error.to_string().contains("9.9.9"), "{error}");
        assert!(
            error.hint().unwrap().contains("upgrade this client"),
            "{error:?}"
        );
        site.served.join().unwrap();
    }
}

#[test]
fn a_malformed_answer_of_the_same_version_is_a_fault() {
    let site = scripted(vec![act(|peer| {
        peer.request();
        peer.say(r#"{"jsonrpc":"2.0","id":1,"result":{"wrong":true}}"#);
        let request = peer.request();
        peer.reply(&request, pong(VERSION, PROTOCOL));
    })]);
    let error = Client::new(&site.socket)
        .call::<daemon::Status>(&Default::default())
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal, "{error}");
}

#[test]
fn the_daemons_errors_keep_kind_hint_and_candidates() {
    let site = scripted(vec![act(|peer| {
        let request = peer.request();
        peer.say(
            &json!({ "jsonrpc": "2.0", "id": request["id"], "error": {
                "code": -32004, "message": "there is no channel #genral", "data": {
                    "kind": "not_found", "candidates": ["#general"], "hint": "look",
                    "version": VERSION, "protocol": PROTOCOL
                }
            }})
            .to_string(),
        );
    })]);
    let error = Client::new(&site.socket)
        .call::<message::Send>(&post("x"))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(error.candidates(), ["#general"]);
    assert_eq!(error.hint().as_deref(), Some("look"));
    assert!(!error.is_daemon_down());
}

#[test]
fn a_request_over_the_limit_is_refused_before_it_is_sent() {
    let error = Client::new("/nonexistent/d.sock")
        .call::<message::Send>(&post(&"x".repeat(2 * MAX_REQUEST_BYTES)))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge, "{error}");
}

#[test]
fn no_daemon_says_how_to_start_one() {
    let error = Client::new("/nonexistent/d.sock")
        .call::<daemon::Ping>(&Default::default())
        .unwrap_err();
    assert!(matches!(
        error,
        Error::DaemonUnreachable {
            why: Unreachable::NoSocket,
            ..
        }
    ));
    assert!(error.hint().unwrap().contains("spacesctl up"));
}

/// A subscription that is sent three events, then told that it lagged.
fn eventful() -> Scripted {
    scripted(vec![act(|peer| {
        let request = peer.request();
        // An event may come before the answer.
        peer.say(&pushed(5));
        peer.reply(&request, json!({ "subscription": 7, "cursor": 4 }));
        for byte in pushed(6).bytes().chain(*b"\n") {
            peer.writer.write_all(&[byte]).unwrap();
        }
        peer.say(
            &json!({ "jsonrpc": "2.0", "method": "event",
                          "params": { "subscription": 7, "lagged": 6 } })
            .to_string(),
        );
        peer.wait_for_end();
    })])
}

fn pushed(cursor: u64) -> String {
    json!({ "jsonrpc": "2.0", "method": "event", "params": { "subscription": 7, "event": {
        "cursor": cursor, "at": "2026-01-31T12:00:00Z", "event": "hub", "state": "live"
    }}})
    .to_string()
}

#[test]
fn a_subscription_gives_events_in_order_and_says_when_it_lagged() {
    let site = eventful();
    let client = Client::new(&site.socket);
    let mut subscription = client
        .subscribe(&events::SubscribeParams::default())
        .unwrap();
    assert_eq!(subscription.cursor(), 4);
    let limit = Duration::from_secs(10);
    for cursor in [5, 6] {
        assert_eq!(subscription.next(limit).unwrap().unwrap().cursor, cursor);
    }
    let error = subscription.next(limit).unwrap_err();
    assert!(matches!(error, Error::ConnectionLost { .. }), "{error:?}");
    assert_eq!(subscription.cursor(), 6, "where to go on");
}

#[test]
fn waiting_for_an_event_ends_in_time() {
    let site = scripted(vec![act(|peer| {
        let request = peer.request();
        peer.reply(&request, json!({ "subscription": 7, "cursor": 4 }));
        peer.wait_for_end();
    })]);
    let mut subscription = Client::new(&site.socket)
        .subscribe(&events::SubscribeParams::default())
        .unwrap();
    assert!(
        subscription
            .next(Duration::from_millis(50))
            .unwrap()
            .is_none()
    );
}

#[cfg(feature = "tokio")]
mod on_tokio {
    use super::*;
    use spaces_client::AsyncClient;

    #[tokio::test]
    async fn answers_find_their_callers_in_any_order() {
        let site = scripted(vec![act(|peer| {
            let first = peer.request();
            let second = peer.request();
            for request in [second, first] {
                let mut answer = pong(VERSION, PROTOCOL);
                answer["pid"] = request["id"].clone();
                peer.reply(&request, answer);
            }
        })]);
        let client = AsyncClient::new(&site.socket);
        // Opens the connection for both.
        let params = Default::default();
        let (one, two) = tokio::join!(
            client.call::<daemon::Ping>(&params),
            client.call::<daemon::Ping>(&params)
        );
        let pids = (one.unwrap().pid, two.unwrap().pid);
        assert!(pids == (1, 2) || pids == (2, 1), "{pids:?}");
    }

    #[tokio::test]
    async fn a_restarted_daemon_is_found_again() {
        let site = scripted(vec![
            act(|peer| {
                let request = peer.request();
                peer.reply(&request, pong(VERSION, PROTOCOL));
                peer.request();
            }),
            act(|peer| {
                let request = peer.request();
                let key = request["params"]["client_key"].clone();
                peer.reply(&request, written(&key));
            }),
        ]);
        let client = AsyncClient::new(&site.socket);
        client
            .call::<daemon::Ping>(&Default::default())
            .await
            .unwrap();
        client.call::<message::Send>(&post("once")).await.unwrap();
        let read = site.served.join().unwrap();
        assert_eq!(read[1]["params"], read[2]["params"]);
    }

    #[tokio::test]
    async fn a_daemon_that_never_answers_costs_no_more_than_the_limit() {
        let site = scripted(vec![act(|peer| peer.wait_for_end())]);
        let error = AsyncClient::new(&site.socket)
            .call_within::<daemon::Ping>(&Default::default(), Duration::from_millis(100))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
    }

    #[tokio::test]
    async fn events_come_in_order_and_a_dropped_wait_loses_none() {
        let site = eventful();
        let client = AsyncClient::new(&site.socket);
        let mut stream = client
            .events(&events::SubscribeParams::default())
            .await
            .unwrap();
        let mut cursors = Vec::new();
        while cursors.len() < 2 {
            let wait = tokio::time::timeout(Duration::from_micros(50), stream.next());
            if let Ok(event) = wait.await {
                cursors.push(event.unwrap().cursor);
            }
        }
        assert_eq!(cursors, [5, 6]);
        assert!(matches!(
            stream.next().await.unwrap_err(),
            Error::ConnectionLost { .. }
        ));
        assert_eq!(stream.cursor(), 6);
    }
}

/// Clients put a key into every write; the daemon refuses unknown parameters. So
/// every write has to know the parameter.
#[test]
fn every_write_takes_a_client_key() {
    let document = spaces_client::spaces_api::openrpc_document();
    let mut writes = 0;
    for method in document["methods"].as_array().unwrap() {
        if !["write", "admin"].contains(&method["x-access"].as_str().unwrap()) {
            continue;
        }
        writes += 1;
        let schema = &method["params"][0]["schema"];
        let schema = match schema["$ref"].as_str() {
            Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap(),
            None => schema,
        };
        assert!(
            schema["properties"]["client_key"].is_object(),
            "{} takes no client key",
            method["name"]
        );
    }
    assert!(writes > 30, "only {writes} writes were looked at");
}
