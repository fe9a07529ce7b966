//! An outbox that is full refuses plainly, keeps what it took, and takes again
//! when there is room.

use serde_json::{Value, json};
use spaces_api::{ErrorKind, HubState};
use spaces_client::Error;
use spaces_tests::{Clock, Daemon, Hub, eventually, raw_call};

/// Posts until it is refused; the contents that were taken.
fn fill(daemon: &Daemon, filler: &str) -> Vec<String> {
    let mut client = daemon.client();
    let mut taken = Vec::new();
    loop {
        let content = format!("{} {filler}", taken.len());
        let post = json!({"channel": "#agent-logs", "content": content});
        match raw_call(&mut client, "message.send", &post) {
            Ok(sent) => {
                assert_eq!(sent["receipt"]["state"], "queued");
                taken.push(content);
            }
            Err(Error::Rpc(error)) => {
                assert_eq!(error.kind(), ErrorKind::OutboxFull, "{error:?}");
                let hint = error.data.hint.as_deref().unwrap_or_default();
                assert!(hint.contains("outbox.max_"), "{hint}");
                return taken;
            }
            Err(error) => panic!("{error:?}"),
        }
        assert!(taken.len() < 5_000, "it is never full");
    }
}

fn drains(limits: &str, filler: &str) -> usize {
    let mut hub = Hub::start();
    let mut daemon = Daemon::machine();
    daemon.join(&hub.owner_invite());
    daemon.configure_also(limits);
    daemon.run();
    daemon.until_live();
    hub.kill();
    daemon.until_hub(HubState::Offline);

    let taken = fill(&daemon, filler);
    // Other ways in are as full: it is the queue that is, not the method.
    let reacted = daemon.refusal(
        "note.leave",
        json!({"content": filler.to_owned() + "again", "context": {"repo": "github.com/acme/app"}}),
    );
    assert_eq!(reacted.kind(), ErrorKind::OutboxFull);
    let waiting = daemon.call("daemon.status", json!({}))["outbox"].clone();
    assert_eq!(waiting["queued"], taken.len(), "{waiting}");

    hub.run();
    daemon.until_live();
    daemon.until_sent();
    eventually("all that was taken is there", || {
        (daemon.confirmed("#agent-logs").len() >= taken.len()).then_some(())
    });
    assert_eq!(daemon.confirmed("#agent-logs"), taken, "once, in order");
    let again = json!({"channel": "#agent-logs", "content": "room again", "wait": "sent"});
    let sent = daemon.call("message.send", again);
    assert_eq!(sent["receipt"]["state"], "sent");
    taken.len()
}

#[test]
fn by_number() {
    assert_eq!(drains("[outbox]\nmax_items = 7\n", "short"), 7);
}

#[test]
fn by_bytes() {
    let filler = "x".repeat(7_900);
    let taken = drains("[outbox]\nmax_bytes = 1048576\n", &filler);
    assert!((100..=132).contains(&taken), "{taken} of 7.9 kB in 1 MiB");
}

/// What waited too long is set aside as rejected, with the reason, and can be
/// sent after all.
#[test]
fn by_age() {
    let mut hub = Hub::start();
    let mut daemon = Daemon::machine();
    daemon.join(&hub.owner_invite());
    daemon.configure_also("[outbox]\nmax_items = 3\nmax_age_days = 1\n");
    daemon.set_by(Clock::new());
    daemon.run();
    daemon.until_live();
    hub.kill();
    daemon.until_hub(HubState::Offline);
    let taken = fill(&daemon, "old");
    assert_eq!(taken.len(), 3);

    // The age of what an earlier run queued is told by the wall clock.
    daemon.kill();
    daemon.clock().set_off_by(25 * 3_600);
    daemon.run();
    let rejected = eventually("they are set aside", || {
        let listed = daemon.call("outbox.list", json!({"rejected": true}));
        (listed["items"].as_array()?.len() == 3).then_some(listed)
    });
    for item in rejected["items"].as_array().expect("items") {
        assert_eq!(item["receipt"]["state"], "rejected", "{item}");
        let reason = item["receipt"]["reason"].as_str().unwrap_or_default();
        assert!(reason.contains("expired"), "{reason}");
    }
    let room = json!({"channel": "#agent-logs", "content": "room again"});
    let sent = daemon.call("message.send", room);
    assert_eq!(sent["receipt"]["state"], "queued");
    for item in rejected["items"].as_array().expect("items").iter().take(2) {
        let key: &Value = &item["receipt"]["client_key"];
        daemon.call("outbox.retry", json!({"client_key": key}));
    }
    hub.run();
    daemon.until_live();
    daemon.until_sent();
    eventually("what was tried again is there", || {
        (daemon.confirmed("#agent-logs").len() == 3).then_some(())
    });
    let rest = daemon.call("outbox.list", json!({"rejected": true}));
    assert_eq!(rest["items"].as_array().map(Vec::len), Some(1), "{rest}");
}
