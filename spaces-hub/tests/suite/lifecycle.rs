//! Starting, stopping, crashing.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;
use spacetimedb_client_api_messages::websocket::v2::{ReducerOutcome, ServerMessage};

use crate::clients::Client;
use crate::harness::{Hub, Site, eventually};
use crate::modules::module;

#[test]
fn the_first_start_publishes_and_a_restart_keeps_data_and_identity() {
    let (site, notes) = (Site::new(), module("notes"));
    let hub = site.start(Some(&notes));
    let identity = hub.get("/v1/database/spaces/identity", None).text;
    assert_eq!(hub.call(None, "add_note", json!(["kept"])).status, 200);
    let known = hub.post("/v1/identity", None, "text/plain", b"").json();
    hub.stop();

    assert_private(&site.data());

    let hub = site.start(Some(&notes));
    assert_eq!(hub.rows(None, "SELECT text FROM note"), [json!(["kept"])]);
    assert_eq!(hub.get("/v1/database/spaces/identity", None).text, identity);
    let path = format!(
        "/v1/identity/{}/verify",
        known["identity"].as_str().unwrap()
    );
    assert_eq!(
        hub.get(&path, known["token"].as_str()).status,
        204,
        "a token outlives a restart"
    );
}

/// Neither group nor others may do anything with the file or what is in it.
fn assert_private(path: &Path) {
    let mode = fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "{} has mode {mode:o}", path.display());
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            assert_private(&entry.unwrap().path());
        }
    }
}

#[test]
fn a_hub_without_options_brings_the_module_inside_the_binary() {
    let site = Site::new();
    let hub = site.start(None);
    let schema = hub.get("/v1/database/spaces/schema?version=9", None).json();
    assert!(!schema["tables"].as_array().unwrap().is_empty());
    hub.stop();
}

#[test]
fn a_second_hub_on_the_same_directory_is_refused_and_told_who_has_it() {
    let (site, notes) = (Site::new(), module("notes"));
    let hub = site.start(Some(&notes));
    let (status, log) = site.start_and_fail(Some(&notes));
    assert_eq!(status.code(), Some(1));
    let pid = site.read("hub.lock");
    assert!(
        log.contains(&format!("another spaces-hub (process {})", pid.trim())),
        "{log}"
    );
    assert!(log.contains("--data-dir"), "{log}");
    assert_eq!(hub.get("/v1/ping", None).status, 200);
    hub.kill();
    // A lock does not outlive its process.
    site.start(Some(&notes)).stop();
}

#[test]
fn a_taken_address_is_reported() {
    let notes = module("notes");
    let (taken, _dir) = Hub::ephemeral(&notes);
    let site = Site::new();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_spaces-hub"))
        .args([
            "--listen",
            &format!("127.0.0.1:{}", taken.port),
            "--data-dir",
        ])
        .arg(site.data())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(
        log.contains("could not listen on") && log.contains("--listen"),
        "{log}"
    );
}

#[test]
fn both_signals_end_the_hub_with_status_0_and_what_was_called_is_there() {
    let (site, notes) = (Site::new(), module("notes"));
    for (round, signal) in [Signal::TERM, Signal::INT].into_iter().enumerate() {
        let hub = site.start(Some(&notes));
        let mut client = Client::connect(&hub, None);
        // Without waiting for its result: what a stop does to the last call.
        for request in 0..20 {
            client
                .call(request, "add_note", &format!("round {round}, {request}"))
                .unwrap();
        }
        while !matches!(client.receive().unwrap(), ServerMessage::ReducerResult(last) if last.request_id == 19)
        {
        }
        let log = hub.stop_by(signal);
        assert!(log.contains("the hub has stopped"), "{log}");
        assert!(
            !log.contains("panicked") && !log.contains("crashed"),
            "{log}"
        );
    }
    let hub = site.start(Some(&notes));
    assert_eq!(hub.rows(None, "SELECT id FROM note").len(), 40);
}

#[test]
fn the_port_file_goes_with_the_hub_and_so_does_an_ephemeral_directory() {
    let (hub, dir) = Hub::ephemeral(&module("notes"));
    let left = || {
        fs::read_dir(dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect::<Vec<_>>()
    };
    assert!(
        left()
            .iter()
            .any(|name| name.to_string_lossy().starts_with("spaces-hub-")),
        "{:?}",
        left()
    );
    assert!(dir.path().join("port").exists());
    hub.stop();
    assert_eq!(left(), ["hub.log"]);
}

#[test]
fn kill_9_under_load_loses_no_confirmed_call_and_doubles_none() {
    let (site, notes) = (Site::new(), module("notes"));
    let mut confirmed = HashSet::new();
    let mut sent = 0_u32;
    for round in 0..3 {
        let hub = site.start(Some(&notes));
        let mut client = Client::connect(&hub, None);
        let (first, goal) = (sent, confirmed.len() + 300 + 150 * round);
        for _ in 0..2_000 {
            client.call(sent, "add_note", &sent.to_string()).unwrap();
            sent += 1;
        }
        while confirmed.len() < goal {
            if let ServerMessage::ReducerResult(result) = client.receive().unwrap() {
                assert!(
                    matches!(
                        result.result,
                        ReducerOutcome::Ok(_) | ReducerOutcome::OkEmpty
                    ),
                    "{result:?}"
                );
                assert!(result.request_id >= first);
                assert!(confirmed.insert(result.request_id), "confirmed twice");
            }
        }
        hub.kill();
        // What the hub had already written to the socket counts too.
        while let Ok(message) = client.receive() {
            if let ServerMessage::ReducerResult(result) = message {
                confirmed.insert(result.request_id);
            }
        }
    }

    let hub = site.start(Some(&notes));
    let mut kept = HashSet::new();
    for row in hub.rows(None, "SELECT text FROM note") {
        let number: u32 = row[0].as_str().unwrap().parse().unwrap();
        assert!(kept.insert(number), "{number} is there twice");
    }
    let lost: Vec<_> = confirmed.difference(&kept).collect();
    assert!(
        lost.is_empty(),
        "{} confirmed, {} kept, lost {lost:?}",
        confirmed.len(),
        kept.len()
    );
}

#[test]
fn connections_that_a_crash_cut_off_are_told_to_the_module_on_the_next_start() {
    let (site, notes) = (Site::new(), module("notes"));
    let hub = site.start(Some(&notes));
    let _client = Client::connect(&hub, None);
    let open = "SELECT connections FROM presence";
    let owner = site.owner_token();
    assert_eq!(hub.rows(Some(&owner), open), [json!([1])]);
    hub.kill();
    let hub = site.start(Some(&notes));
    assert_eq!(hub.rows(Some(&owner), open), [json!([0])]);

    let client = Client::connect(&hub, None);
    assert_eq!(hub.rows(Some(&owner), open), [json!([1])]);
    drop(client);
    eventually("the module to be told of the hang-up", || {
        hub.rows(Some(&owner), open) == [json!([0])]
    });
}

#[test]
fn a_silent_client_does_not_hold_up_the_stop() {
    let (site, notes) = (Site::new(), module("notes"));
    let hub = site.start(Some(&notes));
    let _client = Client::connect(&hub, None);
    let _half_a_request = std::net::TcpStream::connect(("127.0.0.1", hub.port)).unwrap();
    // Neither of the two ends by itself.
    hub.stop();
}

#[test]
fn a_client_that_sends_no_request_loses_its_connection() {
    use std::io::{Read, Write};
    let (hub, _dir) = Hub::ephemeral(&module("notes"));
    let mut slow = std::net::TcpStream::connect(("127.0.0.1", hub.port)).unwrap();
    slow.write_all(b"GET /v1/ping HTTP/1.1\r\nHost: hub\r\n")
        .unwrap();
    slow.set_read_timeout(Some(Duration::from_secs(50)))
        .unwrap();
    let mut reply = Vec::new();
    slow.read_to_end(&mut reply)
        .expect("the hub ends the connection by itself");
    assert!(
        reply.is_empty() || reply.starts_with(b"HTTP/1.1 408"),
        "{}",
        String::from_utf8_lossy(&reply)
    );
}
