//! A clock that is set while the daemon runs, and while it does not: what is
//! promised does not hang on the time of day.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::{Value, json};
use spaces_api::methods::events::SubscribeParams;
use spaces_api::model::EventKind;
use spaces_api::{HubState, Timestamp};
use spaces_tests::{Clock, Daemon, Hub, PATIENCE, Proxy, eventually, raw_call};

const CHANNEL: &str = "#agent-logs";
const HOUR: i64 = 3600;
const HOUR_MS: u64 = 3_600_000;

/// A member of the hub behind a proxy, with a clock of its own.
fn with_clock(hub: &Hub, proxy: &Proxy) -> Daemon {
    let mut daemon = Daemon::machine();
    daemon.join(&hub.owner_invite());
    daemon.use_hub_at(&proxy.uri());
    daemon.set_by(Clock::new());
    daemon.run();
    daemon.until_live();
    daemon
}

/// The daemon's clock less this test's, in milliseconds.
fn off_by(daemon: &Daemon) -> i64 {
    let pong = daemon.call("daemon.ping", json!({}));
    let at: Timestamp = pong["at"].as_str().unwrap().parse().unwrap();
    (at.as_micros() - Timestamp::now().as_micros()) / 1000
}

fn until_off_by(daemon: &Daemon, seconds: i64) {
    daemon.clock().set_off_by(seconds);
    eventually("the daemon's clock is set", || {
        (off_by(daemon) - seconds * 1000)
            .abs()
            .lt(&60_000)
            .then_some(())
    });
}

fn time(of: &Value) -> Timestamp {
    of.as_str()
        .unwrap_or_else(|| panic!("no time: {of}"))
        .parse()
        .unwrap()
}

#[test]
fn posts_arrive_once_and_in_order_whatever_the_clock_does() {
    let mut hub = Hub::start();
    let proxy = Proxy::start(hub.port());
    let mut daemon = with_clock(&hub, &proxy);
    let mut expected = Vec::new();
    let mut keys = Vec::new();
    let mut post_some = |daemon: &Daemon, when: &str| {
        let mut client = daemon.client();
        for number in 0..20 {
            let content = format!("{when} {number}");
            let post = json!({"channel": CHANNEL, "content": content});
            let sent = raw_call(&mut client, "message.send", &post).unwrap();
            keys.push(sent["receipt"]["client_key"].clone());
            expected.push(content);
        }
    };

    post_some(&daemon, "right");
    until_off_by(&daemon, -HOUR);
    post_some(&daemon, "an hour back");
    hub.kill();
    daemon.until_hub(HubState::Offline);
    post_some(&daemon, "offline");
    until_off_by(&daemon, 2 * HOUR);
    post_some(&daemon, "two hours ahead");
    daemon.kill();
    daemon.clock().set_off_by(-24 * HOUR);
    daemon.run();
    post_some(&daemon, "a day back, after a kill");

    hub.run();
    daemon.until_live();
    daemon.until_sent();
    eventually("all is here", || {
        (daemon.confirmed(CHANNEL).len() >= expected.len()).then_some(())
    });
    assert_eq!(daemon.confirmed(CHANNEL), expected);
    for key in keys {
        let receipt = daemon.call("outbox.show", json!({"client_key": key}))["receipt"].clone();
        assert_eq!(receipt["state"], "sent", "{receipt}");
        assert!(
            time(&receipt["queued_at"]) <= time(&receipt["sent_at"]),
            "{receipt}"
        );
    }
}

#[test]
fn an_age_grows_by_what_has_passed_and_not_by_what_the_clock_says() {
    let hub = Hub::start();
    let proxy = Proxy::start(hub.port());
    let mut daemon = with_clock(&hub, &proxy);
    let meta =
        |daemon: &Daemon| daemon.call("message.list", json!({"channel": CHANNEL}))["meta"].clone();
    let age = |meta: &Value| meta["stale_for_ms"].as_u64().unwrap();
    proxy.refuse();
    daemon.until_hub(HubState::Offline);

    for seconds in [-HOUR, HOUR, 0] {
        let before = age(&meta(&daemon));
        until_off_by(&daemon, seconds);
        let now = meta(&daemon);
        assert!(
            (before..HOUR_MS / 2).contains(&age(&now)),
            "set by {seconds}: {now}"
        );
        let at = daemon.call("daemon.ping", json!({}))["at"].clone();
        assert!(time(&now["as_of"]) <= time(&at), "{now} at {at}");
    }

    // A daemon that starts with an earlier clock than it stopped with knows only
    // that what it has is from before it started.
    daemon.child().stop();
    daemon.clock().set_off_by(-HOUR);
    daemon.run();
    let started = meta(&daemon);
    let at = daemon.call("daemon.ping", json!({}))["at"].clone();
    assert!(time(&started["as_of"]) <= time(&at), "{started} at {at}");
    eventually("the age grows", || {
        (age(&meta(&daemon)) > age(&started)).then_some(())
    });

    proxy.heal();
    daemon.until_live();
    let live = meta(&daemon);
    // The age of the hub's last answer, without the hour of the clock.
    assert_eq!(live["hub"], "live");
    assert!(age(&live) < HOUR_MS / 2, "{live}");
}

#[test]
fn a_lost_link_comes_back_and_leases_hold_with_a_wrong_clock() {
    let hub = Hub::start();
    let proxy = Proxy::start(hub.port());
    let daemon = with_clock(&hub, &proxy);
    let peer = daemon.invite("member");
    let claim = |task: &str| {
        json!({
            "session": "clock", "task": task, "context": {"repo": "example.org/a/b"},
            "ttl_secs": 600, "wait": "sent", "timeout_ms": 30_000,
        })
    };
    daemon.call(
        "session.start",
        json!({"id": "clock", "tool": "test", "context": {"repo": "example.org/a/b"}}),
    );
    daemon.call("claim.acquire", claim("held"));
    let held = |daemon: &Daemon| {
        let list = daemon.call("claim.list", json!({"repo": "example.org/a/b"}));
        list["claims"].as_array().unwrap().len()
    };
    eventually("the peer sees the claim", || {
        (held(&peer) == 1).then_some(())
    });

    for seconds in [2 * HOUR, -2 * HOUR] {
        until_off_by(&daemon, seconds);
        eventually("the hub's clock is known anew", || {
            let status = daemon.call("daemon.status", json!({}));
            let skew = status["hub"]["clock_skew_ms"].as_i64()?;
            (skew + seconds * 1000).abs().lt(&60_000).then_some(())
        });
        assert_eq!(
            held(&daemon),
            1,
            "a lease of ten minutes, with a clock off by {seconds} s"
        );
        assert_eq!(held(&peer), 1);
        proxy.cut();
        eventually("the link is another one", || {
            let status = daemon.call("daemon.status", json!({}));
            (status["hub"]["reconnects"].as_u64()? > 0 && status["hub"]["state"] == "live")
                .then_some(())
        });
        let doctor = daemon.cli().run(&["doctor"]);
        assert!(doctor.out.contains("clock"), "{}", doctor.out);
    }
    daemon.call("claim.acquire", claim("another"));
    assert_eq!(held(&daemon), 2);
}

#[test]
fn event_cursors_go_on_over_a_clock_that_is_set() {
    let hub = Hub::start();
    let proxy = Proxy::start(hub.port());
    let mut daemon = with_clock(&hub, &proxy);
    let from = |daemon: &Daemon, cursor| {
        let wanted = SubscribeParams {
            cursor,
            kinds: vec!["message".to_owned()],
            channels: Vec::new(),
        };
        daemon.client().subscribe(&wanted).unwrap()
    };
    let begun = from(&daemon, None).cursor();
    let texts = ["back", "ahead", "right again"];
    for (text, seconds) in texts.into_iter().zip([-HOUR, HOUR, 0]) {
        daemon.kill();
        daemon.clock().set_off_by(seconds);
        daemon.run();
        daemon.until_live();
        daemon.post(CHANNEL, text).unwrap();
        daemon.until_sent();
        eventually("the message is here", || {
            daemon
                .confirmed(CHANNEL)
                .contains(&text.to_owned())
                .then_some(())
        });
    }
    let mut events = from(&daemon, Some(begun));
    for text in texts {
        let event = events.next(PATIENCE).unwrap().expect("an event");
        let EventKind::Message { message } = event.what else {
            panic!("not a message: {event:?}");
        };
        assert_eq!(message.content, text);
    }
}
