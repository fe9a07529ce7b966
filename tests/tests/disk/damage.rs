//! Damaged and deleted files of a daemon.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use serde_json::json;
use spaces_api::HubState;
use spaces_tests::{Caller, Daemon, Hub, eventually, hub_settings, none, raw_call};

use crate::{CHANNEL, waiting};

/// Overwrites all of a file but its first page, in place: who has it open meets
/// the damage too.
fn spoil(path: &Path) {
    let file = fs::File::options().write(true).open(path).unwrap();
    let length = file.metadata().unwrap().len();
    assert!(length > 8192, "{} has only {length} bytes", path.display());
    let nonsense = vec![0xA5; usize::try_from(length - 4096).unwrap()];
    file.write_all_at(&nonsense, 4096).unwrap();
}

fn set_aside(daemon: &Daemon) -> Vec<PathBuf> {
    let entries = fs::read_dir(daemon.state_dir()).unwrap();
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().contains("outbox.db.damaged-"))
        .filter(|path| !path.to_string_lossy().ends_with("-wal"))
        .collect();
    found.sort();
    found
}

fn doctor_says(daemon: &Daemon, words: &str) {
    let done = daemon.cli().run(&["doctor"]);
    assert!(done.out.contains(words), "no `{words}` in {}", done.out);
}

fn status_says(daemon: &Daemon, words: &str) {
    eventually(&format!("the status says `{words}`"), || {
        let status = daemon.call("daemon.status", json!({}));
        status["warnings"].to_string().contains(words).then_some(())
    });
}

#[test]
fn a_damaged_cache_is_begun_anew_and_the_outbox_is_untouched() {
    let mut hub = Hub::start();
    let mut daemon = Daemon::owner_of(&hub);
    let texts: Vec<String> = (0..300)
        .map(|number| format!("{number} {}", "x".repeat(200)))
        .collect();
    for text in &texts {
        daemon.post(CHANNEL, text).unwrap();
    }
    daemon.until_sent();
    eventually("all is cached", || {
        (daemon.confirmed(CHANNEL) == texts).then_some(())
    });
    hub.kill();
    daemon.until_hub(HubState::Offline);
    daemon.post(CHANNEL, "waits").unwrap();
    daemon.child().stop();

    let cache = daemon.cache_dir().join("cache.db");
    spoil(&cache);
    daemon.run();
    status_says(&daemon, "begun anew");
    doctor_says(&daemon, "begun anew");
    let refused = daemon.refusal("message.list", json!({"channel": CHANNEL}));
    assert_eq!(
        refused.kind(),
        spaces_api::ErrorKind::NotReady,
        "not an empty list"
    );
    assert_eq!(
        daemon.call("daemon.status", json!({}))["outbox"]["queued"],
        1
    );

    hub.run();
    daemon.until_live();
    let mut expected = texts;
    expected.push("waits".to_owned());
    eventually("all is here again", || {
        (daemon.confirmed(CHANNEL) == expected).then_some(())
    });
}

#[test]
fn a_cache_that_breaks_or_goes_while_it_is_in_use_is_begun_anew() {
    let hub = Hub::start();
    let mut daemon = Daemon::owner_of(&hub);
    let mut texts: Vec<String> = (0..150)
        .map(|number| format!("{number} {}", "x".repeat(7_000)))
        .collect();
    for text in &texts {
        daemon.post(CHANNEL, text).unwrap();
    }
    daemon.until_sent();
    eventually("all is cached", || {
        (daemon.confirmed(CHANNEL).len() == texts.len()).then_some(())
    });

    let cache = daemon.cache_dir().join("cache.db");
    spoil(&cache);
    eventually("all is here again", || {
        let page = daemon.try_call("message.search", json!({"query": "149"}));
        let page = page.and_then(|_| {
            daemon.try_call("message.list", json!({"channel": CHANNEL, "limit": 500}))
        });
        let ready = page.is_ok_and(|page| {
            page["meta"]["hub"] == "live"
                && page["messages"]
                    .as_array()
                    .is_some_and(|some| !some.is_empty())
        });
        (ready && daemon.confirmed(CHANNEL) == texts).then_some(())
    });

    daemon.child().stop();
    fs::remove_file(&cache).unwrap();
    daemon.run();
    daemon.until_live();
    daemon.post(CHANNEL, "after").unwrap();
    texts.push("after".to_owned());
    eventually("all is here again", || {
        (daemon.confirmed(CHANNEL) == texts).then_some(())
    });
}

#[test]
fn a_damaged_outbox_is_set_aside_said_aloud_and_replaced() {
    let mut hub = Hub::start();
    let mut daemon = Daemon::owner_of(&hub);
    hub.kill();
    daemon.until_hub(HubState::Offline);
    let texts: Vec<String> = (0..500)
        .map(|number| format!("{number:03} {}", "x".repeat(500)))
        .collect();
    for text in &texts {
        daemon.post(CHANNEL, text).unwrap();
    }
    daemon.child().stop();
    // A part in the middle: what can still be read is taken over.
    let outbox = daemon.state_dir().join("outbox.db");
    let file = fs::File::options().write(true).open(&outbox).unwrap();
    let middle = file.metadata().unwrap().len() / 2 / 4096 * 4096;
    file.write_all_at(&[0xA5; 3 * 4096], middle).unwrap();
    drop(file);
    let damaged = fs::read(&outbox).unwrap();

    daemon.run();
    status_says(&daemon, "set aside");
    doctor_says(&daemon, "set aside");
    let aside = set_aside(&daemon);
    assert_eq!(aside.len(), 1);
    assert_eq!(
        fs::read(&aside[0]).unwrap(),
        damaged,
        "not a byte of it is changed"
    );
    let rescued = waiting(&daemon);
    assert!(
        rescued.len() > 100 && rescued.is_sorted(),
        "{} rescued",
        rescued.len()
    );

    daemon.post(CHANNEL, "zzz").unwrap();
    hub.run();
    daemon.until_live();
    daemon.until_sent();
    let mut expected = rescued;
    expected.push("zzz".to_owned());
    eventually("the rest flows", || {
        (daemon.confirmed(CHANNEL) == expected).then_some(())
    });
}

#[test]
fn an_outbox_that_breaks_in_use_loses_nothing_that_was_acknowledged() {
    let mut hub = Hub::start();
    // A thousand posts are not to take the minute that the usual rate asks for.
    let publisher = Caller::with_token(hub.port(), &hub.publisher_token());
    let fast = hub_settings(&[
        ("rate_per_sec", json!(10_000)),
        ("rate_burst", json!(10_000)),
    ]);
    publisher.does("set_hub_settings", json!([none(), fast]));
    let daemon = Daemon::owner_of(&hub);
    hub.kill();
    daemon.until_hub(HubState::Offline);
    // More than SQLite keeps in memory: marking the first as sent reads the file.
    let mut texts: Vec<String> = (0..1_300)
        .map(|number| format!("{number:04} {}", "x".repeat(7_900)))
        .collect();
    let mut client = daemon.client();
    for text in &texts {
        let post = json!({"channel": CHANNEL, "content": text});
        raw_call(&mut client, "message.send", &post).unwrap();
    }
    let outbox = daemon.state_dir().join("outbox.db");
    eventually("the log is moved into the file", || {
        (fs::metadata(&outbox).unwrap().len() > 10_000_000).then_some(())
    });
    spoil(&outbox);
    daemon.post(CHANNEL, "after").unwrap();
    texts.push("after".to_owned());

    hub.run();
    daemon.until_live();
    eventually("the damage is met", || {
        (!set_aside(&daemon).is_empty()).then_some(())
    });
    status_says(&daemon, "set aside");
    daemon.until_sent();
    eventually("all of it arrives, once each, in order", || {
        (daemon.confirmed(CHANNEL) == texts).then_some(())
    });
}
