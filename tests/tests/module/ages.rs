//! Retention by age, on rows that are older than any test can be: the module of
//! schema 1 in `spaces-hub/tests/modules/spaces-1` has made them.

use serde_json::json;
use spaces_tests::{Caller, Hub, eventually, module, none, word};

use crate::world::{context, message, settings};

/// More than one run deletes.
const COUNT: usize = 5_000;

#[test]
fn what_is_over_its_age_is_deleted_and_nothing_else() {
    let mut hub = Hub::start_with(Some(&module("spaces-1")));
    let publisher = Caller::with_token(hub.port(), &hub.publisher_token());
    let (member, away) = (Caller::stranger(hub.port()), Caller::stranger(hub.port()));
    publisher.call("fill", json!([member.id()])).unwrap();
    publisher
        .call("fill_old", json!([away.id(), COUNT]))
        .unwrap();
    hub.upgrade();
    let change = settings(&[("message_days", json!(365)), ("rate_burst", json!(10_000))]);
    publisher.does("set_hub_settings", json!([none(), change]));

    let count = |query: &str| publisher.values(query).len();
    eventually(
        "the claim of the past goes, the one that runs stays",
        || (count("SELECT * FROM claim") == 1).then_some(()),
    );
    for (what, query) in [
        (
            "sessions",
            "SELECT * FROM agent_session WHERE repo = 'example.org/old'",
        ),
        ("notes", "SELECT * FROM note WHERE repo = 'example.org/old'"),
        (
            "audit entries",
            "SELECT * FROM audit_entry WHERE action = 'old'",
        ),
    ] {
        eventually(&format!("old {what} go"), || {
            (count(query) == 0).then_some(())
        });
    }
    let old_keys = |table: &str| {
        let rows = publisher.rows(&format!("SELECT * FROM {table}"));
        rows.iter()
            .filter(|row| row["key"].as_str().unwrap().starts_with("old "))
            .count()
    };
    for table in ["idempotency_key", "slow_mode"] {
        eventually(table, || (old_keys(table) == 0).then_some(()));
    }
    eventually("untouched rate buckets go", || {
        (count("SELECT * FROM rate_bucket") < 10).then_some(())
    });
    eventually("old messages go, those of today stay", || {
        (count("SELECT * FROM message WHERE channel_id = 17") == COUNT / 2).then_some(())
    });
    eventually("old deliveries give way to a gap marker", || {
        let waiting = publisher.rows("SELECT * FROM delivery");
        let his = waiting.iter().filter(|row| away.is(&row["recipient"]));
        (his.count() == 1).then_some(())
    });

    // What is not old is all there, and the channel goes on.
    for (table, kept) in [("private_message", 2), ("read_marker", 1), ("ban", 1)] {
        assert_eq!(count(&format!("SELECT * FROM {table}")), kept, "{table}");
    }
    assert!(old_keys("idempotency_key") == 0 && count("SELECT * FROM idempotency_key") >= 1);
    publisher.does("send_message", message(none(), 17, "text", "new"));
    let newest = publisher.values("SELECT * FROM message WHERE channel_id = 17");
    assert_eq!(newest.len(), COUNT / 2 + 1);

    // An inbox that was emptied by age shows what comes next.
    away.call("heartbeat", json!([[]])).unwrap();
    let direct = |text: &str| {
        json!([
            none(),
            away.id(),
            none(),
            word("text"),
            text,
            context(),
            none()
        ])
    };
    publisher.does("send_direct_message", direct("welcome back"));
    let inbox = away.rows("SELECT * FROM my_inbox");
    let reasons: Vec<_> = inbox.iter().map(|row| row["reason"][0].clone()).collect();
    assert!(reasons.contains(&json!(6)), "the gap is told: {reasons:?}");
    assert!(
        json!(inbox).to_string().contains("welcome back"),
        "{inbox:?}"
    );
}
