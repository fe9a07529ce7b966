//! A hub that is set back to a copy of its data, as after the loss of a disk.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use spaces_api::ErrorKind;
use spaces_client::Error;
use spaces_tests::{ActivityWatch, Child, Daemon, Hub, binary, eventually};

/// Stops the hub while its data is replaced by what is in the other directory.
fn replace(hub: &mut Hub, copy: &Path) {
    stop(hub);
    std::fs::remove_dir_all(hub.data_dir()).expect("it is ours");
    copy_all(copy, &hub.data_dir());
    hub.run();
}

/// A copy of the data of a hub that is stopped meanwhile.
fn back_up(hub: &mut Hub, copy: &Path) {
    stop(hub);
    copy_all(&hub.data_dir(), copy);
    hub.run();
}

fn stop(hub: &mut Hub) {
    let ended = hub.child().stop();
    assert!(ended.success(), "the hub ended with {ended}");
}

fn copy_all(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").args([from, to]).status();
    assert!(copied.expect("cp runs").success());
}

fn sent(daemon: &Daemon, channel: &str, text: &str) {
    let post = json!({"channel": channel, "content": text, "wait": "sent"});
    let receipt = daemon.call("message.send", post);
    assert_eq!(receipt["receipt"]["state"], "sent", "{receipt}");
}

/// Begins a session, which is in each machine's digest.
fn begun(daemon: &Daemon, task: &str) {
    let start = json!({"tool": "codex", "task": task, "wait": "sent"});
    let begun = daemon.call("session.start", start);
    assert_eq!(begun["receipt"]["state"], "sent", "{begun}");
}

fn shown(page: &Value) -> Vec<&str> {
    let messages = page["messages"].as_array().expect("a page has messages");
    let written = messages.iter().filter(|message| message["kind"] != "join");
    written
        .filter_map(|message| message["content"].as_str())
        .collect()
}

fn until_shows(daemon: &Daemon, texts: &[&str]) {
    eventually("the machine shows what the hub has", || {
        // Until the cache is filled again, that is said instead of a page.
        match daemon.try_call("message.list", json!({"channel": "#general"})) {
            Ok(page) => (shown(&page) == texts).then_some(()),
            Err(Error::Rpc(error)) if error.kind() == ErrorKind::NotReady => None,
            Err(Error::Rpc(error)) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => panic!("{error}"),
        }
    });
}

/// Whether a watcher's next digest has the text; it has something in any case.
fn watch_shows(watch: &mut ActivityWatch, text: &str) -> bool {
    let digest = watch.told();
    assert_ne!(digest["items"], json!([]), "{digest}");
    digest.to_string().contains(text)
}

#[test]
fn machines_show_what_the_hub_has_after_it_was_set_back_and_nothing_else() {
    let copies = tempfile::tempdir().expect("a temporary directory");
    let copy = copies.path().join("copy");
    let mut hub = Hub::start();
    let alice = Daemon::owner_of(&hub);
    let bob = alice.invite("member");
    let mut away = alice.invite("member");

    sent(&alice, "#general", "in the copy");
    begun(&alice, "begun before");
    until_shows(&bob, &["in the copy"]);
    back_up(&mut hub, &copy);
    alice.until_live();
    for text in ["lost 1", "lost 2"] {
        sent(&alice, "#general", text);
    }
    // The last thing known is in a channel that the copy has not.
    alice.call("channel.create", json!({"name": "lost"}));
    eventually("there is the channel", || {
        alice
            .try_call("message.list", json!({"channel": "#lost"}))
            .ok()
    });
    sent(&alice, "#lost", "lost 3");
    for machine in [&bob, &away] {
        until_shows(machine, &["in the copy", "lost 1", "lost 2"]);
        eventually("the lost channel is known", || {
            (machine.confirmed("#lost") == ["lost 3"]).then_some(())
        });
    }
    away.kill();
    let (mut watch, digest) = ActivityWatch::open(&bob, &json!({}));
    assert!(digest.to_string().contains("begun before"), "{digest}");
    let mut tail = bob.cli().command(&binary("spacesctl"));
    tail.args(["tail", "-f", "general"]);
    let mut tail = Child::spawn(&mut tail, &bob.home().join("tail.log"));
    eventually("the tail shows what is lost", || {
        tail.log().contains("lost 2").then_some(())
    });

    replace(&mut hub, &copy);
    alice.until_live();
    until_shows(&alice, &["in the copy"]);
    sent(&alice, "#general", "new 1");
    for machine in [&alice, &bob] {
        until_shows(machine, &["in the copy", "new 1"]);
        let refused = machine.refusal("message.list", json!({"channel": "#lost"}));
        assert!(refused.message.contains("#lost"), "{refused:?}");
    }
    eventually("the tail goes on with what is new", || {
        assert!(tail.exited().is_none(), "{}", tail.log());
        tail.log().contains("new 1").then_some(())
    });
    assert!(
        tail.log().contains("does not have what was shown"),
        "{}",
        tail.log()
    );
    // That nothing was known for a while is not told as that nothing is going on.
    begun(&alice, "begun after");
    while !watch_shows(&mut watch, "begun after") {}
    let found = bob.call("message.search", json!({"query": "lost"}));
    assert_eq!(found["hits"], json!([]), "{found}");

    // One that comes back when the hub has given all the numbers out again.
    let many: Vec<_> = (2..12).map(|number| format!("new {number}")).collect();
    for text in &many {
        sent(&alice, "#general", text);
    }
    away.run();
    let mut all = vec!["in the copy", "new 1"];
    all.extend(many.iter().map(String::as_str));
    until_shows(&away, &all);
}
