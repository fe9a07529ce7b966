//! Publishing this module over the one before it: nothing is lost, the schema's
//! version moves, and whoever is of the other version is told which side to
//! upgrade. The one before is `spaces-hub/tests/modules/spaces-1`.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use spaces_tests::{Caller, Cli, Daemon, Hub, eventually, module, none, word};

use crate::world::{context, message, session};

/// A hub with the module before, and rows in each of its tables.
struct Before {
    hub: Hub,
    publisher: Caller,
    member: Caller,
}

impl Before {
    fn filled() -> Self {
        let hub = Hub::start_with(Some(&module("spaces-1")));
        let publisher = Caller::with_token(hub.port(), &hub.publisher_token());
        let member = Caller::stranger(hub.port());
        publisher.call("fill", json!([member.id()])).unwrap();
        Self {
            hub,
            publisher,
            member,
        }
    }

    /// All rows by table, as the publisher's SQL shows them.
    fn everything(&self) -> BTreeMap<String, Vec<Vec<Value>>> {
        let (status, schema) = self.publisher.gets("/v1/database/spaces/schema?version=9");
        assert_eq!(status, 200, "{schema}");
        let schema: Value = serde_json::from_str(&schema).unwrap();
        let tables = schema["tables"].as_array().unwrap().iter();
        tables
            .map(|table| {
                let name = table["name"].as_str().unwrap().to_owned();
                let rows = self.publisher.values(&format!("SELECT * FROM {name}"));
                (name, rows)
            })
            .collect()
    }
}

/// Rows that the module's own work takes away or moves on, and nothing else.
fn may_change(table: &str, row: &[Value]) -> bool {
    match table {
        // The version, which is looked at by itself.
        "module_info" => true,
        // A claim that is over, and what a deletion left to do.
        "claim" => row.contains(&json!("over/**")),
        "deletion" => true,
        "message" => row.contains(&json!("said where nothing is any more")),
        "channel_tail" => row[0] == json!(16),
        // Callers of this test connect.
        "connection" | "presence" => true,
        // The owner's invite, which the hub makes at its first chance, is an
        // act of the publisher and is counted as one.
        "audit_tail" => true,
        _ => false,
    }
}

fn assert_kept(
    before: &BTreeMap<String, Vec<Vec<Value>>>,
    after: &BTreeMap<String, Vec<Vec<Value>>>,
) {
    for (table, rows) in before {
        for row in rows.iter().filter(|row| !may_change(table, row)) {
            // A row that was kept may have got columns at its end.
            let kept = after[table].iter().any(|new| new.starts_with(row));
            assert!(kept, "{table} lost {row:?}; it has {:?}", after[table]);
        }
    }
}

#[test]
fn an_upgrade_keeps_every_row_and_goes_on_with_them() {
    let mut before = Before::filled();
    let rows = before.everything();
    let empty: Vec<_> = rows.iter().filter(|(_, rows)| rows.is_empty()).collect();
    // Events are told once and kept nowhere.
    assert!(
        empty.iter().all(|(table, _)| *table == "typing"),
        "nothing to lose in {empty:?}"
    );

    before.hub.upgrade();
    let after = before.everything();
    assert_kept(&rows, &after);
    for table in after.keys().filter(|table| !rows.contains_key(*table)) {
        assert!(!table.is_empty());
    }
    for row in &after["voice_state"] {
        assert_eq!(row.last(), Some(&json!([1, []])), "nobody's agent: {row:?}");
    }

    let Before {
        publisher, member, ..
    } = &before;
    goes_on(publisher, member);
    // What was under way is carried on.
    eventually("the claim that is over ends", || {
        let claims = publisher.rows("SELECT * FROM claim");
        (claims.len() == 1 && claims[0]["pattern"] == json!("src/**")).then_some(())
    });
    eventually("the deletion is finished", || {
        let left = publisher.rows("SELECT * FROM deletion").len()
            + publisher
                .rows("SELECT * FROM message WHERE channel_id = 16")
                .len();
        (left == 0).then_some(())
    });
}

/// The old rows mean what they meant.
fn goes_on(publisher: &Caller, member: &Caller) {
    member.call("heartbeat", json!([[]])).unwrap();
    let info = &member.rows("SELECT * FROM module_info")[0];
    assert_eq!(
        info["schema_version"],
        json!(spaces_bindings::SCHEMA_VERSION)
    );
    assert_eq!(info["hub_name"], json!("a hub of schema 1"));

    // The member has been in a voice channel without any connection: the first
    // that ends takes them out. The signal that was shown is void then, and what
    // waited its turn comes up.
    let inbox = member.rows("SELECT * FROM my_inbox");
    let ids: Vec<Value> = inbox.iter().map(|row| row["id"].clone()).collect();
    let inbox = json!(inbox).to_string();
    for delivered in ["said to olga", "said in private"] {
        assert!(inbox.contains(delivered), "{delivered} in {inbox}");
    }
    assert_eq!(ids.len(), 2, "{inbox}");
    member.call("ack_deliveries", json!([ids])).unwrap();
    assert!(member.rows("SELECT * FROM my_inbox").is_empty());

    let page = member.asks("channel_history", json!([15, none(), 10]));
    assert!(page.to_string().contains("said to olga"), "{page}");
    let repeated = member.under(
        "0190163d-8694-739b-aea5-966c26f8ad90",
        "set_status",
        json!([none()]),
    );
    assert_eq!(
        repeated.unwrap_err().kind,
        spaces_domain::ErrorKind::KeyReused,
        "keys are still known"
    );
    publisher.does("send_message", message(none(), 11, "text", "after"));
    let said = publisher.rows("SELECT * FROM message WHERE channel_id = 11");
    let new = said.iter().find(|row| row["content"] == json!("after"));
    let new = new.expect("it was posted");
    assert_eq!(new["ordinal"], json!(2));
    assert!(new["id"].as_u64().unwrap() > 1_000, "the counter goes on");
    let again = json!([
        none(),
        publisher.id(),
        none(),
        word("text"),
        "again",
        context(),
        none()
    ]);
    member.does("send_direct_message", again);
    let page = member.asks("channel_history", json!([15, none(), 10]));
    assert_eq!(page[1].as_array().unwrap().len(), 2, "the same channel");
    session(member);
}

#[test]
fn the_command_line_publishes_it_over_the_one_before_while_the_hub_runs() {
    let before = Before::filled();
    let rows = before.everything();
    let machine = Daemon::machine();
    let token = before.hub.publisher_token_file();
    let (uri, token) = (before.hub.uri(), token.to_str().unwrap());
    let publish = |cli: &Cli, more: &[&str]| {
        let mut arguments = vec!["module", "publish", "--server", &uri, "--token-file", token];
        arguments.extend(more);
        cli.run(&arguments)
    };
    let cli = machine.cli();

    let plan = publish(&cli, &["--plan"]);
    assert_eq!(plan.code, 0, "{}", plan.err);
    assert!(plan.out.contains("agent_address"), "{}", plan.out);
    let refused = publish(&cli, &[]);
    assert_ne!(refused.code, 0, "it would disconnect clients unasked");
    assert!(refused.err.contains("--break-clients"), "{}", refused.err);
    assert_kept(&rows, &before.everything());

    let done = publish(&cli, &["--break-clients"]);
    assert_eq!(done.code, 0, "{}{}", done.err, done.out);
    assert_kept(&rows, &before.everything());
    goes_on(&before.publisher, &before.member);
}

#[test]
fn a_daemon_says_which_side_to_upgrade_and_goes_on_once_that_is_done() {
    let mut before = Before::filled();
    let mut daemon = Daemon::machine();
    daemon.configure(&format!(
        "[hub]\nmode = \"remote\"\nuri = \"{}\"\ntoken_file = \"{}\"\n",
        before.hub.uri(),
        before.hub.publisher_token_file().display()
    ));
    daemon.run();
    let says = |what: &str| {
        eventually(what, || {
            let status = daemon.call("daemon.status", json!({}));
            status["hub"].to_string().contains(what).then_some(())
        });
    };
    says("has schema 1");
    says("upgrade the hub");

    before
        .publisher
        .call("pretend", json!([1_000_000]))
        .unwrap();
    let asked = daemon.cli().run(&["reconnect", "--timeout", "2s"]);
    assert_ne!(asked.code, 0, "{}", asked.out);
    assert!(asked.err.contains("upgrade spacesd"), "{}", asked.err);
    says("has schema 1000000");
    says("upgrade spacesd");

    before.hub.upgrade();
    daemon.until_live();
    let channels = daemon.call("channel.list", json!({}));
    assert!(channels.to_string().contains("general"), "{channels}");
}
