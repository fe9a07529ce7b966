//! The network goes away, processes are killed: nothing accepted is lost,
//! nothing is there twice, and reads say how old they are.

use std::fs;

use rustix::process::Signal;
use serde_json::json;
use spaces_api::HubState;
use spaces_tests::{Daemon, Hub, eventually, raw_call};

const POSTS: usize = 100;

fn post_all(daemon: &Daemon, word: &str) {
    let mut client = daemon.client();
    for number in 0..POSTS {
        let post = json!({"channel": "#agent-logs", "content": format!("{word} {number}")});
        let sent = raw_call(&mut client, "message.send", &post).expect("a post is accepted");
        assert_eq!(
            sent["receipt"]["state"], "queued",
            "offline, a receipt claims no more"
        );
    }
}

/// The contents that the hub has sent back, oldest first: no pending ones.
fn on_the_hub(daemon: &Daemon, word: &str) -> Vec<String> {
    let mut contents = daemon.confirmed("#agent-logs");
    contents.retain(|content| content.starts_with(word));
    contents
}

fn until_all_arrived(daemon: &Daemon, word: &str) {
    let expected: Vec<_> = (0..POSTS)
        .map(|number| format!("{word} {number}"))
        .collect();
    eventually("every queued post is on the hub", || {
        (on_the_hub(daemon, word).len() >= POSTS).then_some(())
    });
    let flushed = daemon.call("outbox.flush", json!({"timeout_ms": 20_000}));
    assert_eq!(flushed["still_queued"], 0);
    assert_eq!(on_the_hub(daemon, word), expected, "once each, in order");
}

#[test]
fn posts_made_while_the_hub_is_dead_arrive_once_and_in_order() {
    let mut hub = Hub::start();
    let daemon = Daemon::owner_of(&hub);
    daemon.call(
        "message.send",
        json!({"channel": "#agent-logs", "content": "before", "wait": "sent"}),
    );
    eventually("the first post came back", || {
        (on_the_hub(&daemon, "before").len() == 1).then_some(())
    });

    hub.kill();
    daemon.until_hub(HubState::Offline);

    let read = || daemon.call("message.list", json!({"channel": "#agent-logs"}));
    let first = read();
    assert_eq!(first["meta"]["hub"], "offline");
    assert_eq!(
        first["messages"][0]["content"], "before",
        "the cache still answers"
    );
    let age = first["meta"]["stale_for_ms"].as_u64().expect("an age");
    eventually("the age grows", || {
        (read()["meta"]["stale_for_ms"].as_u64().expect("an age") > age).then_some(())
    });

    post_all(&daemon, "dark");
    let page = daemon.call(
        "message.list",
        json!({"channel": "#agent-logs", "limit": 500}),
    );
    let pending = page["messages"].as_array().expect("messages");
    assert_eq!(
        pending
            .iter()
            .filter(|message| message["pending"] == true)
            .count(),
        POSTS,
        "queued posts show at once, marked pending"
    );

    hub.run();
    until_all_arrived(&daemon, "dark");
    daemon.until_live();
}

#[test]
fn the_age_of_a_read_shows_a_silent_hub_before_the_link_is_given_up() {
    /// The hub is asked this often where nothing else happens.
    const ASKED_EVERY_MS: u64 = 5_000;
    let mut hub = Hub::start();
    let daemon = Daemon::owner_of(&hub);
    let freshness = || {
        let page = daemon.call("message.list", json!({"channel": "#agent-logs"}));
        let as_of = page["meta"]["as_of"].as_str().expect("a time").to_owned();
        let age = page["meta"]["stale_for_ms"].as_u64().expect("an age");
        (page["meta"]["hub"].clone(), as_of, age)
    };
    let (_, begun, _) = freshness();
    let advanced = || {
        let (hub, as_of, _) = freshness();
        (hub == "live" && as_of > begun).then_some(as_of)
    };
    eventually("an idle hub gives signs of life", advanced);

    hub.child().signal(Signal::STOP);
    let (last, age) = eventually("the age is more than an idle link's", || {
        let (hub, as_of, age) = freshness();
        assert_eq!(hub, "live", "the link was given up at an age of {age} ms");
        (age > ASKED_EVERY_MS + 1_000).then_some((as_of, age))
    });
    let (_, as_of, later) = freshness();
    assert_eq!(as_of, last, "nothing has been heard");
    assert!(later >= age);
    daemon.until_hub(HubState::Offline);
    assert_eq!(freshness().1, last);

    hub.child().signal(Signal::CONT);
    daemon.until_live();
    assert!(freshness().1 > last);
}

#[test]
fn posts_queued_by_a_killed_daemon_are_sent_by_the_next() {
    let mut hub = Hub::start();
    let mut daemon = Daemon::owner_of(&hub);
    hub.kill();
    daemon.until_hub(HubState::Offline);
    post_all(&daemon, "kept");

    daemon.kill();
    hub.run();
    daemon.run();
    until_all_arrived(&daemon, "kept");
}

#[test]
fn a_daemon_killed_while_it_sends_loses_and_doubles_nothing() {
    let hub = Hub::start();
    let mut daemon = Daemon::owner_of(&hub);
    let mut client = daemon.client();
    for number in 0..POSTS {
        let post = json!({"channel": "#agent-logs", "content": format!("busy {number}")});
        raw_call(&mut client, "message.send", &post).expect("a post is accepted");
    }
    daemon.kill();
    daemon.run();
    until_all_arrived(&daemon, "busy");
}

/// A crash between the hub's answer and its mark on the disk leaves a write queued
/// whose message is in the cache already: the hub does not show it again.
#[test]
fn a_write_that_goes_again_after_a_crash_learns_the_id_of_its_message() {
    let mut hub = Hub::start();
    let mut daemon = Daemon::machine();
    daemon.join(&hub.owner_invite());
    daemon.run();
    daemon.until_live();
    hub.kill();
    daemon.until_hub(HubState::Offline);
    let sent = daemon.post("#agent-logs", "once").expect("it is queued");
    let key = sent["receipt"]["client_key"].clone();
    let outbox = ["outbox.db", "outbox.db-wal"].map(|file| daemon.state_dir().join(file));
    let queued = outbox
        .each_ref()
        .map(|file| fs::read(file).expect("it is there"));

    let receipt = || daemon.call("outbox.show", json!({ "client_key": key }))["receipt"].clone();
    hub.run();
    let first = eventually("it is sent", || {
        let receipt = receipt();
        (receipt["state"] == "sent").then_some(receipt)
    });
    assert!(first["message_id"].is_u64(), "{first}");
    daemon.kill();
    for (file, content) in outbox.iter().zip(queued) {
        fs::write(file, content).expect("the directory is ours");
    }
    daemon.run();
    daemon.until_live();
    let again = eventually("it is sent again", || {
        let receipt = daemon.call("outbox.show", json!({ "client_key": key }))["receipt"].clone();
        (receipt["state"] == "sent" && receipt["message_id"].is_u64()).then_some(receipt)
    });
    assert_eq!(again["message_id"], first["message_id"]);
    assert_eq!(daemon.confirmed("#agent-logs"), ["once"]);
}

#[test]
fn a_supervised_hub_that_is_killed_comes_back_by_itself() {
    let daemon = Daemon::local();
    let status = daemon.call("daemon.status", json!({}));
    let pid = status["hub"]["pid"]
        .as_i64()
        .expect("a local hub has a pid");
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).expect("a pid")).expect("a pid");
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("it is ours");
    daemon.call(
        "message.send",
        json!({"channel": "#general", "content": "meanwhile"}),
    );
    eventually("another hub runs", || {
        let status = daemon.call("daemon.status", json!({}));
        (status["hub"]["state"] == "live" && status["hub"]["pid"] != pid.as_raw_nonzero().get())
            .then_some(())
    });
    let flushed = daemon.call("outbox.flush", json!({"timeout_ms": 20_000}));
    assert_eq!(flushed["still_queued"], 0);
}

#[cfg(target_os = "linux")]
#[test]
fn a_link_holds_no_small_write_back() {
    use rustix::io::Errno;
    use rustix::net::{getpeername, sockopt::tcp_nodelay};
    use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};

    let hub = Hub::start();
    let mut daemon = Daemon::owner_of(&hub);
    daemon.until_live();

    let id = daemon.child().id();
    let pid = Pid::from_raw(id.try_into().expect("a pid")).expect("a pid");
    let process = pidfd_open(pid, PidfdFlags::empty()).expect("it runs");
    if matches!(
        pidfd_getfd(&process, 0, PidfdGetfdFlags::empty()),
        Err(Errno::PERM)
    ) {
        eprintln!("NOT RUN: this system lets nobody look at another's sockets");
        return;
    }
    let mut links = 0;
    for entry in fs::read_dir(format!("/proc/{id}/fd")).expect("it is ours") {
        let number = entry.expect("a directory").file_name();
        let number = number.to_str().expect("a number").parse().expect("one");
        // Fails for what was closed meanwhile.
        let Ok(copy) = pidfd_getfd(&process, number, PidfdGetfdFlags::empty()) else {
            continue;
        };
        // One of them fails for what is no connection of TCP.
        if let (Ok(_), Ok(at_once)) = (getpeername(&copy), tcp_nodelay(&copy)) {
            links += 1;
            assert!(at_once, "small writes wait for what was written before");
        }
    }
    assert_eq!(links, 1, "connections to the hub");
}
