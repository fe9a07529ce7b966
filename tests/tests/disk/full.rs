//! A full and a read-only disk.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use spaces_api::{ErrorKind, HubState};
use spaces_tests::{Daemon, Hub, binary, eventually};

use crate::{CHANNEL, waiting};

/// Room for the queue of a test, in KiB.
const SMALL: u32 = 4 * 1024;

/// A member of the hub whose `directory` is a small disk.
fn on_small_disk(hub: &Hub, directory: &str) -> (Daemon, std::sync::Arc<spaces_tests::Disk>) {
    let mut daemon = Daemon::machine();
    let disk = daemon.put_on_disk(directory, SMALL);
    daemon.join(&hub.owner_invite());
    daemon.run();
    daemon.until_live();
    (daemon, disk)
}

/// Posts texts of some size until one is refused; the texts that were
/// acknowledged, and the refusal.
fn post_until_refused(daemon: &Daemon) -> (Vec<String>, spaces_api::RpcError) {
    let mut acknowledged = Vec::new();
    for number in 0..10_000 {
        let content = format!("{number} {}", "x".repeat(5_000));
        match daemon.post(CHANNEL, &content) {
            Ok(sent) => {
                assert_eq!(sent["receipt"]["state"], "queued");
                acknowledged.push(content);
            }
            Err(spaces_client::Error::Rpc(error)) => return (acknowledged, error),
            Err(other) => panic!("no answer: {other}"),
        }
    }
    panic!("a full disk took 50 MB");
}

#[test]
fn a_full_disk_under_the_outbox_loses_nothing_that_was_acknowledged() {
    let mut hub = Hub::start();
    let (mut daemon, disk) = on_small_disk(&hub, "state");
    hub.kill();
    daemon.until_hub(HubState::Offline);
    let mut acknowledged: Vec<String> = (0..10).map(|number| format!("before {number}")).collect();
    for content in &acknowledged {
        daemon.post(CHANNEL, content).unwrap();
    }

    disk.fill();
    let (more, refusal) = post_until_refused(&daemon);
    acknowledged.extend(more);
    assert_eq!(refusal.kind(), ErrorKind::DiskFull, "{refusal:?}");
    let hint = refusal.data.hint.expect("it says what to do");
    assert!(hint.contains("nothing was accepted"), "{hint}");
    let told = daemon.cli().run(&["post", CHANNEL, &"y".repeat(5_000)]);
    assert_eq!(
        told.code,
        i32::from(ErrorKind::DiskFull.exit_code()),
        "{}",
        told.err
    );
    let fault = daemon.call("daemon.status", json!({}))["outbox"]["fault"].clone();
    assert!(
        fault.as_str().is_some_and(|fault| fault.contains("full")),
        "{fault}"
    );
    let doctor = daemon.cli().run(&["doctor"]);
    assert_ne!(doctor.code, 0, "{}", doctor.out);
    assert_eq!(waiting(&daemon), acknowledged, "reads go on");

    daemon.kill();
    daemon.run();
    assert_eq!(
        waiting(&daemon),
        acknowledged,
        "a full disk keeps no daemon from starting"
    );
    assert_eq!(post_until_refused(&daemon).1.kind(), ErrorKind::DiskFull);
    let waited = waiting(&daemon);
    assert_eq!(waited[..acknowledged.len()], acknowledged);

    disk.make_room();
    eventually("posts are taken again", || {
        daemon.post(CHANNEL, "after").ok()
    });
    let status = daemon.call("daemon.status", json!({}));
    assert_eq!(status["outbox"]["fault"], Value::Null);

    hub.run();
    daemon.until_live();
    daemon.until_sent();
    let mut expected = waited;
    expected.push("after".to_owned());
    eventually("the hub has shown all of it", || {
        (daemon.confirmed(CHANNEL).len() >= expected.len()).then_some(())
    });
    assert_eq!(daemon.confirmed(CHANNEL), expected, "once each, in order");
}

/// The names of all files in a directory, hidden ones too.
fn files(directory: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory) else {
        return Vec::new();
    };
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// A hook of a turn that ended with this message: what it tells the person.
fn stop(daemon: &Daemon, session: &str, message: &str) -> String {
    let input = json!({
        "session_id": session,
        "cwd": daemon.home(),
        "last_assistant_message": message,
    });
    let words = ["hook", "stop", "--tool", "claude-code"];
    let done = daemon.cli().run_with_input(&words, &input.to_string());
    assert_eq!(done.code, 0, "no hook stops an agent: {}", done.err);
    done.out
}

#[test]
fn with_a_full_disk_and_no_daemon_a_post_says_that_nothing_was_kept() {
    let mut hub = Hub::start();
    let (mut daemon, disk) = on_small_disk(&hub, "state");
    let spool = disk.path().join("spaces/spool");
    let sessions = daemon.home().join("run/spaces/spacesd.sock.hook-sessions");
    let summary = "s".repeat(5_000);
    let lost = |told: &str| {
        let told: Value = serde_json::from_str(told).expect("a notice as JSON");
        let notice = told["systemMessage"].as_str().expect("a notice").to_owned();
        assert!(notice.contains("could not keep"), "{notice}");
    };

    hub.kill();
    daemon.until_hub(HubState::Offline);
    disk.fill();
    post_until_refused(&daemon);
    lost(&stop(&daemon, "with a daemon", &summary));
    daemon.child().stop();
    // What the outbox gave back at its end.
    disk.fill();

    lost(&stop(&daemon, "without a daemon", &summary));
    for (event, more) in [
        ("session-start", json!({"source": "startup"})),
        ("user-prompt", json!({"prompt": "go on"})),
        (
            "pre-tool",
            json!({"tool_name": "Edit", "tool_input": {"file_path": "a.rs"}}),
        ),
        (
            "post-tool",
            json!({"tool_name": "Edit", "tool_input": {"file_path": "a.rs"}}),
        ),
        ("session-end", json!({"reason": "exit"})),
    ] {
        let mut input = json!({"session_id": "other", "cwd": daemon.home()});
        let fields = input.as_object_mut().unwrap();
        fields.extend(more.as_object().unwrap().clone());
        let words = ["hook", event, "--tool", "claude-code"];
        let done = daemon.cli().run_with_input(&words, &input.to_string());
        assert_eq!(
            (done.code, done.out.as_str()),
            (0, ""),
            "{event}: {}",
            done.err
        );
    }

    let post = |words: &[&str]| daemon.cli().run(&[&["post", CHANNEL], words].concat());
    let refused = post(&[&summary]);
    assert_eq!(refused.code, i32::from(ErrorKind::DiskFull.exit_code()));
    assert_eq!(refused.out, "");
    for words in [
        "spacesd is not running",
        "cannot write to the spool",
        "No space left",
        "nothing was kept: make room",
    ] {
        assert!(refused.err.contains(words), "no `{words}`: {}", refused.err);
    }
    let refused = post(&[&summary, "--json"]);
    let told: Value = serde_json::from_str(&refused.err).expect("a failure as JSON");
    assert_eq!(told["error"]["kind"], "disk_full", "{told}");
    // The daemon's own directory for what it could not do.
    assert_eq!(files(&spool), ["failed"], "nothing is half there");
    assert_eq!(files(&spool.join("failed")), Vec::<String>::new());
    let memories = files(&sessions);
    assert!(!memories.is_empty(), "they are not on the full disk");
    let unfinished = |name: &String| name.ends_with(".new");
    assert!(!memories.iter().any(unfinished), "{memories:?}");

    disk.make_room();
    let kept = post(&["after"]);
    assert_eq!(kept.code, 0, "{}", kept.err);
    assert!(kept.out.contains("spooled"), "{}", kept.out);
    assert_eq!(stop(&daemon, "after", "summary after"), "");

    hub.run();
    daemon.run();
    daemon.until_live();
    let expected = ["after", "summary after"];
    eventually("both arrive, once each", || {
        let mut shown = daemon.confirmed(CHANNEL);
        shown.retain(|content| content.contains("after"));
        (shown == expected).then_some(())
    });
    assert!(!daemon.confirmed(CHANNEL).contains(&summary));
}

#[test]
fn a_full_disk_under_the_cache_is_never_shown_as_the_present() {
    let hub = Hub::start();
    let (daemon, disk) = on_small_disk(&hub, "cache");
    let peer = daemon.invite("member");
    peer.call(
        "dm.send",
        json!({"to": daemon.username(), "content": "read me"}),
    );
    eventually("the message is here", || {
        let inbox = daemon.call("inbox.list", json!({}));
        (inbox["unread"] == 1).then_some(())
    });

    disk.fill();
    let texts: Vec<String> = (0..200)
        .map(|number| format!("{number} {}", "z".repeat(5_000)))
        .collect();
    for text in &texts {
        peer.post(CHANNEL, text).unwrap();
    }
    peer.until_sent();
    let behind = eventually("the daemon says that it is behind", || {
        let page = daemon.call("message.list", json!({"channel": CHANNEL}));
        (page["meta"]["hub"] == "syncing").then_some(page)
    });
    let age = |page: &Value| page["meta"]["stale_for_ms"].as_u64().unwrap();
    eventually("what is shown grows older", || {
        let page = daemon.call("message.list", json!({"channel": CHANNEL}));
        (age(&page) > age(&behind)).then_some(())
    });
    let status = daemon.call("daemon.status", json!({}));
    let cached = status["cache"]["messages"].as_u64().unwrap();
    assert!(cached < texts.len() as u64, "there was room for all");
    let warnings = &status["warnings"];
    assert!(
        warnings.to_string().contains("the cache cannot be written"),
        "{warnings}"
    );
    let refused = daemon.refusal("inbox.ack", json!({}));
    assert_eq!(refused.kind(), ErrorKind::DiskFull);
    daemon.call("activity.list", json!({"mark_shown": true}));
    // Writes do not need the cache: they are kept and sent.
    daemon.call(
        "message.send",
        json!({"channel": "#general", "content": "sent all the same", "wait": "sent", "timeout_ms": 30_000}),
    );

    disk.make_room();
    daemon.until_live();
    // What the cache has not yet is read from the hub meanwhile.
    eventually("the cache has all", || {
        let status = daemon.call("daemon.status", json!({}));
        let cached = status["cache"]["messages"].as_u64().unwrap();
        (cached >= texts.len() as u64 && status["warnings"] == json!([])).then_some(())
    });
    assert_eq!(daemon.confirmed(CHANNEL), texts, "once each, in order");
}

#[test]
fn a_read_only_state_directory_is_refused_in_plain_words() {
    let mut hub = Hub::start();
    let (mut daemon, disk) = on_small_disk(&hub, "state");
    hub.kill();
    daemon.until_hub(HubState::Offline);
    daemon.post(CHANNEL, "kept").unwrap();
    daemon.child().stop();

    disk.set_read_only(true);
    let started = daemon.cli().command(&binary("spacesd")).output().unwrap();
    let said = String::from_utf8_lossy(&started.stderr).into_owned();
    assert_eq!(started.status.code(), Some(1), "{said}");
    assert!(
        said.contains("Read-only") && said.contains("SPACES_STATE_DIR"),
        "{said}"
    );
    let posted = daemon.cli().run(&["post", CHANNEL, "nowhere to keep it"]);
    assert_ne!(posted.code, 0, "{}{}", posted.out, posted.err);
    assert!(!posted.out.contains("queued"), "{}", posted.out);

    disk.set_read_only(false);
    hub.run();
    daemon.run();
    daemon.until_live();
    daemon.until_sent();
    eventually("what was acknowledged arrives", || {
        (daemon.confirmed(CHANNEL) == ["kept"]).then_some(())
    });
}
