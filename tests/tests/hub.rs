//! How a hub is run: its settings, and who may come in.

use serde_json::json;
use spaces_api::HubState;
use spaces_tests::{Daemon, Hub, eventually};

/// A machine that knows where the hub is and was not invited.
fn stranger(hub: &Hub) -> Daemon {
    let mut machine = Daemon::machine();
    let uri = hub.uri();
    machine.configure(&format!("[hub]\nmode = \"remote\"\nuri = \"{uri}\"\n"));
    machine.run();
    machine
}

fn trouble(machine: &Daemon, with: &str) -> String {
    eventually(with, || {
        let status = machine.call("daemon.status", json!({}));
        let detail = status["hub"]["detail"].as_str()?.to_owned();
        detail.contains(with).then_some(detail)
    })
}

#[test]
fn who_runs_the_hub_changes_its_settings_and_everybody_sees_them() {
    let hub = Hub::start();
    let owner = Daemon::owner_of(&hub);
    let member = owner.invite("member");
    let cli = owner.cli();

    let first = cli.json(&["hub", "settings", "--json"]);
    assert_eq!(first["admission"], "closed");
    let unasked = cli.run(&["hub", "set", "--message-days", "30"]);
    assert!(unasked.err.contains("--yes"), "{}", unasked.err);
    let bounds = ["--message-days", "30", "--rate-burst", "77", "--yes"];
    let set = [&["hub", "set"], &bounds[..]].concat();
    let done = cli.run(&set);
    assert_eq!(done.code, 0, "{}", done.err);
    let now = member.cli().json(&["hub", "settings", "--json"]);
    assert_eq!(now["message_days"], 30);
    assert_eq!(now["rate_burst"], 77);
    assert_eq!(now["audit_days"], first["audit_days"], "the rest stays");
    let shown = member.cli().run(&["hub", "settings"]).out;
    assert!(shown.contains("30 days"), "{shown}");
    assert!(shown.contains("closed: by invite"), "{shown}");

    let refused = member.cli().run(&set);
    assert_eq!(refused.code, 5, "{}", refused.err);
    assert!(refused.err.contains("owner, admin"), "{}", refused.err);
    let wrong = cli.run(&["hub", "set", "--idempotency-days", "1"]);
    assert!(
        wrong.err.contains("idempotency_days must be"),
        "{}",
        wrong.err
    );
    let nothing = cli.run(&["hub", "set"]);
    assert!(
        nothing.err.contains("at least one setting"),
        "{}",
        nothing.err
    );
    let after = cli.json(&["hub", "settings", "--json"]);
    assert_eq!(after["idempotency_days"], first["idempotency_days"]);
}

#[test]
fn a_closed_hub_is_entered_by_whom_it_admits_and_an_open_one_by_everybody() {
    let hub = Hub::start();
    let owner = Daemon::owner_of(&hub);
    let cli = owner.cli();
    let (first, second) = (stranger(&hub), stranger(&hub));

    let told = trouble(&first, "does not admit us");
    let identity = told.split(['(', ')']).nth(1).expect("an identity");
    let done = cli.run(&["hub", "admit", identity]);
    assert_eq!(done.code, 0, "{}", done.err);
    first.until_live();
    let nobody = cli.run(&["hub", "admit", "c200"]);
    assert!(
        nobody.err.contains("64 hexadecimal digits"),
        "{}",
        nobody.err
    );

    trouble(&second, "does not admit us");
    let done = cli.run(&["hub", "set", "--admission", "open"]);
    assert_eq!(done.code, 0, "{}", done.err);
    second.until_live();
    let done = cli.run(&["hub", "set", "--admission", "closed"]);
    assert_eq!(done.code, 0, "{}", done.err);

    let unasked = cli.run(&["hub", "shut-out", &first.username()]);
    assert!(unasked.err.contains("--yes"), "{}", unasked.err);
    let done = cli.run(&["hub", "shut-out", &first.username(), "--yes"]);
    assert_eq!(done.code, 0, "{}", done.err);
    assert_eq!(first.cli().run(&["down"]).code, 0);
    assert_ne!(first.cli().run(&["up", "--timeout", "2s"]).code, 0);
    trouble(&first, "does not admit us");
    owner.until_hub(HubState::Live);
}

#[test]
fn the_audit_is_read_to_its_first_entry() {
    let mut hub = Hub::start();
    let owner = Daemon::owner_of(&hub);
    let member = owner.invite("member");
    // More than a machine is told of by itself.
    for number in 0..120 {
        let burst = 1_000 + number;
        owner.call("hub.set", json!({ "rate_burst": burst }));
    }
    let cli = owner.cli();
    let read = |before: Option<u64>| {
        let mut words = vec!["audit".to_owned(), "--limit".to_owned(), "50".to_owned()];
        words.extend(before.map(|before| format!("--before={before}")));
        words.push("--json".to_owned());
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        cli.json(&words)
    };
    let (mut ids, mut before) = (Vec::new(), None);
    loop {
        let page = read(before);
        let entries = page["entries"].as_array().expect("entries");
        ids.extend(entries.iter().filter_map(|entry| entry["id"].as_u64()));
        if page["older"] == "none" {
            let first = entries.last().expect("an entry");
            assert_eq!(first["action"], "create_owner_invite", "{first}");
            break;
        }
        assert_eq!(page["older"], "more");
        before = ids.last().copied();
    }
    assert!(ids.len() > 120, "{} entries", ids.len());
    assert!(
        ids.is_sorted_by(|later, earlier| later > earlier),
        "{ids:?}"
    );

    let refused = member.refusal("audit.list", json!({}));
    assert!(refused.message.contains("may not"), "{refused:?}");

    hub.kill();
    owner.until_hub(HubState::Offline);
    let away = cli.run(&["audit", "--limit", "500"]);
    assert!(away.out.contains("are on the hub"), "{}", away.out);
}
