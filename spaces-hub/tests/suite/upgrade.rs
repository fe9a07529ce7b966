//! Other modules than the one in the database.

use std::fs;

use serde_json::json;

use crate::harness::Site;
use crate::modules::module;

#[test]
fn a_compatible_module_replaces_the_old_one_and_keeps_its_rows() {
    let site = Site::new();
    let hub = site.start(Some(&module("notes")));
    assert_eq!(hub.call(None, "add_note", json!(["old"])).status, 200);
    hub.stop();

    let hub = site.start(Some(&module("notes-more")));
    assert!(hub.log().contains("upgraded the module"), "{}", hub.log());
    assert_eq!(
        hub.rows(None, "SELECT text, pinned FROM note"),
        [json!(["old", false])]
    );
    assert_eq!(hub.call(None, "add_label", json!(["new"])).status, 200);
    hub.stop();

    let hub = site.start(Some(&module("notes-more")));
    assert!(!hub.log().contains("upgraded the module"), "{}", hub.log());
    assert_eq!(hub.rows(None, "SELECT name FROM label"), [json!(["new"])]);
}

#[test]
fn a_refused_migration_says_why_and_keeps_the_old_module_running() {
    let site = Site::new();
    let hub = site.start(Some(&module("notes")));
    assert_eq!(hub.call(None, "add_note", json!(["old"])).status, 200);
    hub.stop();

    // Each start tries again, and each says so.
    for round in 1..=2 {
        let hub = site.start(Some(&module("notes-retyped")));
        let log = hub.log();
        assert!(log.contains("the old module keeps running"), "{log}");
        assert!(
            log.contains("note") && log.contains("text"),
            "the reason names the column: {log}"
        );
        let rows = hub.rows(None, "SELECT text FROM note");
        assert!(
            rows.contains(&json!(["old"])) && rows.len() == round,
            "{rows:?}"
        );
        assert_eq!(
            hub.call(None, "add_note", json!(["still a text"])).status,
            200
        );
        hub.stop();
    }
}

#[test]
fn what_is_not_webassembly_is_refused() {
    let site = Site::new();
    let dir = tempfile::tempdir().unwrap();
    let script = dir.path().join("module.js");
    fs::write(&script, "export default function () {}").unwrap();
    let (status, log) = site.start_and_fail(Some(&script));
    assert_eq!(status.code(), Some(1));
    assert!(log.contains("runs no JavaScript modules"), "{log}");

    let damaged = dir.path().join("module.wasm");
    fs::write(&damaged, b"\0asm but not really").unwrap();
    let (status, log) = site.start_and_fail(Some(&damaged));
    assert_eq!(status.code(), Some(1));
    assert!(log.contains("the module cannot run"), "{log}");

    // The directory is still good for a first start.
    site.start(Some(&module("notes"))).stop();
}

#[test]
fn a_running_module_survives_a_start_with_a_damaged_one() {
    let site = Site::new();
    site.start(Some(&module("notes"))).stop();
    let dir = tempfile::tempdir().unwrap();
    let damaged = dir.path().join("module.wasm");
    fs::write(&damaged, b"\0asm but not really").unwrap();
    let hub = site.start(Some(&damaged));
    assert!(
        hub.log().contains("the old module keeps running"),
        "{}",
        hub.log()
    );
    assert_eq!(hub.call(None, "add_note", json!(["works"])).status, 200);
}

#[test]
fn the_owner_publishes_over_http_and_a_restart_keeps_that_module() {
    let site = Site::new();
    let notes = module("notes");
    let hub = site.start(Some(&notes));
    let owner = site.owner_token();
    let more = fs::read(module("notes-more")).unwrap();
    let path = "/v1/database/spaces";

    let reply = hub.put(path, None, &more);
    assert_eq!(reply.status, 403);
    assert!(reply.text.contains("only the owner"), "{}", reply.text);

    // The new column disconnects clients, so it has to be acknowledged.
    let reply = hub.put(path, Some(&owner), &more);
    assert_eq!(reply.status, 400, "{}", reply.text);
    let plan = hub.post(
        &format!("{path}/pre_publish?pretty_print_style=NoColor"),
        Some(&owner),
        "application/wasm",
        &more,
    );
    assert_eq!(plan.status, 200, "{}", plan.text);
    let plan = &plan.json()["AutoMigrate"];
    assert_eq!(plan["break_clients"], json!(true));
    assert!(
        plan["migrate_plan"].as_str().unwrap().contains("label"),
        "{plan}"
    );
    let token = plan["token"].as_str().unwrap();
    let reply = hub.put(
        &format!("{path}?policy=BreakClients&token={token}"),
        Some(&owner),
        &more,
    );
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.json()["Success"]["op"], json!("updated"));
    assert_eq!(reply.json()["Success"]["domain"], json!("spaces"));
    assert_eq!(
        hub.call(None, "add_label", json!(["published"])).status,
        200
    );

    let retyped = fs::read(module("notes-retyped")).unwrap();
    let reply = hub.put(path, Some(&owner), &retyped);
    assert_eq!(reply.status, 400);
    assert!(
        reply.text.contains("the update is refused"),
        "{}",
        reply.text
    );
    let reply = hub.put(
        &format!("{path}?host_type=Js"),
        Some(&owner),
        b"export default 1",
    );
    assert_eq!(reply.status, 400);
    assert!(reply.text.contains("JavaScript"), "{}", reply.text);
    let reply = hub.put(path, Some(&owner), b"export default 1");
    assert_eq!(reply.status, 400);
    assert!(reply.text.contains("JavaScript"), "{}", reply.text);
    assert_eq!(
        hub.call(None, "add_label", json!(["still here"])).status,
        200
    );
    hub.stop();

    let hub = site.start(Some(&notes));
    assert_eq!(hub.rows(None, "SELECT name FROM label").len(), 2);
}
