//! The HTTP routes that the official tools use.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use serde_json::json;

use crate::harness::{Hub, Site};
use crate::modules::module;

fn hub() -> (Hub, Site) {
    let site = Site::new();
    (site.start(Some(&module("notes"))), site)
}

#[test]
fn the_hub_tells_that_it_is_there_and_what_it_is() {
    let (hub, _site) = hub();
    assert_eq!(hub.get("/v1/ping", None).status, 200);
    assert_eq!(
        hub.get("/v1/health", None).json()["version"],
        json!("2.14.0")
    );
    assert_eq!(
        hub.get("/v1/database/spaces/names", None).json(),
        json!({ "names": ["spaces"] })
    );
    let identity = hub.get("/v1/database/spaces/identity", None).text;
    assert_eq!(identity.len(), 64);
    let described = hub.get(&format!("/v1/database/{identity}"), None).json();
    assert_eq!(
        described["database_identity"],
        json!({ "__identity__": format!("0x{identity}") })
    );
    let schema = hub.get("/v1/database/spaces/schema?version=9", None).json();
    let tables: Vec<_> = schema["tables"]
        .as_array()
        .unwrap()
        .iter()
        .map(|table| table["name"].clone())
        .collect();
    for table in ["note", "secret", "presence"] {
        assert!(tables.contains(&json!(table)), "{tables:?}");
    }
    assert!(
        hub.get("/v1/database/spaces/schema?version=10", None)
            .json()["sections"]
            .is_array()
    );
    assert_eq!(hub.get("/v1/database/spaces/schema", None).status, 400);

    let other = hub.get("/v1/database/elsewhere/schema?version=9", None);
    assert_eq!(other.status, 404);
    assert!(other.text.contains("spaces"), "{}", other.text);
    assert_eq!(hub.get("/nothing", None).status, 404);
    assert_eq!(
        hub.put("/v1/database/spaces/names", None, b"[]").status,
        501
    );
}

#[test]
fn identities_are_given_and_checked() {
    let (hub, site) = hub();
    let made = hub.post("/v1/identity", None, "text/plain", b"").json();
    let (identity, token) = (
        made["identity"].as_str().unwrap(),
        made["token"].as_str().unwrap(),
    );
    assert_eq!(token.split('.').count(), 3, "a JSON web token");
    let other = hub.post("/v1/identity", None, "text/plain", b"").json();
    assert_ne!(identity, other["identity"]);

    let verify = format!("/v1/identity/{identity}/verify");
    assert_eq!(hub.get(&verify, Some(token)).status, 204);
    assert_eq!(hub.get(&verify, other["token"].as_str()).status, 400);
    assert_eq!(hub.get(&verify, None).status, 401);
    assert_eq!(hub.get(&verify, Some("nonsense")).status, 401);
    let mut forged = token.to_owned();
    let last = if forged.pop() == Some('A') { 'Q' } else { 'A' };
    forged.push(last);
    assert_eq!(hub.get(&verify, Some(&forged)).status, 401);

    let short = hub
        .post(
            "/v1/identity/websocket-token",
            Some(token),
            "text/plain",
            b"",
        )
        .json();
    assert_eq!(hub.get(&verify, short["token"].as_str()).status, 204);
    assert_eq!(
        hub.post("/v1/identity/websocket-token", None, "text/plain", b"")
            .status,
        401
    );
    assert!(
        hub.get("/v1/identity/public-key", None)
            .text
            .starts_with("-----BEGIN PUBLIC KEY-----")
    );

    assert_eq!(
        hub.get(&format!("/v1/identity/{identity}/databases"), None)
            .json(),
        json!({ "identities": [] })
    );
    let owner =
        hub.get("/v1/database/spaces", None).json()["owner_identity"]["__identity__"].clone();
    let owner = owner.as_str().unwrap().trim_start_matches("0x").to_owned();
    let databases = hub
        .get(&format!("/v1/identity/{owner}/databases"), None)
        .json();
    assert_eq!(
        databases["identities"][0],
        json!(hub.get("/v1/database/spaces/identity", None).text)
    );
    let reply = hub.get("/v1/database/spaces", Some(&site.owner_token()));
    assert_eq!(reply.header("spacetime-identity"), owner);
}

#[test]
fn an_anonymous_caller_is_told_who_it_was() {
    let (hub, _site) = hub();
    let reply = hub.call(None, "add_note", json!(["anonymous"]));
    assert_eq!((reply.status, reply.text.as_str()), (200, ""));
    let (identity, token) = (
        reply.header("spacetime-identity"),
        reply.header("spacetime-identity-token"),
    );
    assert_eq!(
        hub.get(&format!("/v1/identity/{identity}/verify"), Some(token))
            .status,
        204
    );
}

#[test]
fn reducers_and_procedures_are_called() {
    let (hub, _site) = hub();
    assert_eq!(hub.call(None, "add_note", json!(["one"])).status, 200);
    assert_eq!(hub.call(None, "count_notes", json!([])).json(), json!(1));

    let refused = hub.call(None, "add_note", json!([""]));
    assert_eq!(
        (refused.status, refused.text.as_str()),
        (530, "invalid: a note needs a text")
    );
    let wrong = hub.call(None, "add_note", json!([5]));
    assert_eq!(wrong.status, 400);
    assert!(wrong.text.contains("add_note"), "{}", wrong.text);
    let unknown = hub.call(None, "add_nothing", json!([]));
    assert_eq!(unknown.status, 404);
    assert!(unknown.text.contains("add_nothing"), "{}", unknown.text);
    assert_eq!(
        hub.call(None, "connected", json!([])).status,
        400,
        "a life-cycle reducer"
    );
    assert_eq!(
        hub.post(
            "/v1/database/spaces/call/add_note",
            None,
            "text/plain",
            b"[\"x\"]"
        )
        .status,
        415
    );
    let broken = hub.post(
        "/v1/database/spaces/call/add_note",
        None,
        "application/json",
        b"[\"x\"",
    );
    assert_eq!(broken.status, 400);
    let binary = hub.post(
        "/v1/database/spaces/call/add_note",
        None,
        "application/json",
        b"[\"\xff\"]",
    );
    assert_eq!(binary.status, 400);
    assert_eq!(
        hub.call(None, "count_notes", json!([])).json(),
        json!(1),
        "nothing of this was carried out"
    );
}

#[test]
fn sql_shows_what_the_caller_may_see() {
    let (hub, site) = hub();
    let reply = hub.sql(None, "SELECT * FROM note");
    assert_eq!(reply.status, 200);
    let columns = &reply.json()[0]["schema"]["elements"];
    assert_eq!(columns[1]["name"], json!({ "some": "text" }));
    assert_eq!(hub.sql(None, "SELECT * FROM secret").status, 400);
    let owner = site.owner_token();
    assert_eq!(
        hub.rows(Some(&owner), "SELECT text FROM secret"),
        [json!(["for the owner only"])]
    );
    let changed = hub
        .sql(
            Some(&owner),
            "INSERT INTO note (id, text) VALUES (7, 'by sql')",
        )
        .json();
    assert_eq!(changed[0]["stats"]["rows_inserted"], json!(1));
    assert_eq!(hub.rows(None, "SELECT id FROM note"), [json!([7])]);
    let refused = hub.sql(None, "DELETE FROM note");
    assert!((400..500).contains(&refused.status), "{refused:?}");
    assert_eq!(hub.rows(None, "SELECT id FROM note").len(), 1);
    assert_eq!(hub.sql(None, "SELEKT").status, 400);
}

#[test]
fn only_the_owner_reads_the_modules_log_and_may_follow_it() {
    let (hub, site) = hub();
    assert_eq!(hub.call(None, "add_note", json!(["logged"])).status, 200);
    assert_eq!(hub.get("/v1/database/spaces/logs", None).status, 403);
    let owner = site.owner_token();
    let reply = hub.get("/v1/database/spaces/logs?num_lines=1", Some(&owner));
    let line: serde_json::Value = serde_json::from_str(reply.text.trim_end()).unwrap();
    assert_eq!(line["message"], json!("a note was added"));
    assert_eq!(reply.header("content-type"), "application/x-ndjson");

    let mut stream = TcpStream::connect(("127.0.0.1", hub.port)).unwrap();
    write!(
        stream,
        "GET /v1/database/spaces/logs?num_lines=0&follow=true HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer {owner}\r\n\r\n"
    )
    .unwrap();
    stream
        .set_read_timeout(Some(std::time::Duration::from_secs(30)))
        .unwrap();
    let mut lines = BufReader::new(stream).lines();
    // The head of the reply comes before the first line of the log.
    lines
        .by_ref()
        .find(|line| line.as_ref().unwrap().is_empty())
        .unwrap()
        .unwrap();
    assert_eq!(hub.call(None, "add_note", json!(["followed"])).status, 200);
    lines
        .find(|line| line.as_ref().unwrap().contains("a note was added"))
        .unwrap()
        .unwrap();
    // The module's log is also in the hub's own.
    assert!(hub.log().contains("a note was added"));
    hub.stop();
}

#[test]
fn metrics_are_in_the_format_of_prometheus() {
    let (hub, _site) = hub();
    assert_eq!(hub.call(None, "add_note", json!(["counted"])).status, 200);
    for path in ["/metrics", "/v1/metrics"] {
        let reply = hub.get(path, None);
        assert_eq!(reply.status, 200);
        assert!(
            reply.header("content-type").starts_with("text/plain"),
            "{:?}",
            reply.headers
        );
        let counted = reply
            .text
            .lines()
            .any(|line| line.starts_with("spacetime_") && line.contains("add_note"));
        assert!(counted, "{}", reply.text);
    }
}
