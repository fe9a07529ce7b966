//! Deliveries: what comes, in which order, how much of it at once, and what
//! acknowledging does.

use serde_json::{Value, json};
use spaces_domain::{Role, limits};
use spaces_tests::{Caller, none, word};

use crate::world::{World, context, message, post};

fn direct(from: &Caller, to: &Caller, text: &str) {
    let arguments = json!([
        none(),
        to.id(),
        none(),
        word("text"),
        text,
        context(),
        none()
    ]);
    from.does("send_direct_message", arguments);
}

/// The ids and texts of an inbox, oldest first.
fn inbox(of: &Caller) -> Vec<(u64, String)> {
    let rows = of.rows("SELECT * FROM my_inbox");
    let mut items: Vec<_> = rows
        .iter()
        .map(|row| {
            let content = row["message"][1][10].as_str().unwrap_or_default();
            (row["id"].as_u64().unwrap(), content.to_owned())
        })
        .collect();
    items.sort();
    items
}

fn acknowledge(who: &Caller, items: &[(u64, String)]) {
    let ids: Vec<u64> = items.iter().map(|(id, _)| *id).collect();
    who.call("ack_deliveries", json!([ids])).unwrap();
}

#[test]
fn a_backlog_is_shown_in_parts_and_in_order() {
    let world = World::open();
    let (from, to) = (world.user(), world.user());
    let count = limits::INBOX_WINDOW as usize * 2 + 10;
    for n in 0..count {
        direct(&from, &to, &format!("text {n}"));
    }
    let first_id = to.rows("SELECT * FROM my_inbox")[0]["message"][1][0].clone();
    let mut seen = Vec::new();
    loop {
        let items = inbox(&to);
        assert!(items.len() <= limits::INBOX_WINDOW as usize);
        if items.is_empty() {
            break;
        }
        // Acknowledging is repeatable, and others' deliveries are not touched.
        acknowledge(&to, &items);
        acknowledge(&to, &items);
        acknowledge(&from, &items);
        seen.extend(items.into_iter().map(|(_, text)| text));
    }
    let expected: Vec<String> = (0..count).map(|n| format!("text {n}")).collect();
    assert_eq!(seen, expected);
    assert_eq!(
        inbox(&from).len(),
        limits::INBOX_WINDOW as usize,
        "the author has them too"
    );

    // A change is delivered anew, after all that came before.
    from.does("edit_message", json!([none(), first_id, "changed"]));
    let items = inbox(&to);
    assert_eq!(items.len(), 1);
    assert_eq!(items[0].1, "changed");
}

#[test]
fn a_change_is_not_lost_by_acknowledging_what_was_before() {
    let world = World::open();
    let (from, to) = (world.user(), world.user());
    direct(&from, &to, "before");
    let old = inbox(&to);
    let id = to.rows("SELECT * FROM my_inbox")[0]["message"][1][0].clone();
    from.does("edit_message", json!([none(), id, "after"]));
    acknowledge(&to, &old);
    assert_eq!(
        inbox(&to)
            .iter()
            .map(|(_, text)| text.as_str())
            .collect::<Vec<_>>(),
        ["after"]
    );
}

#[test]
fn mentions_and_replies_in_open_channels_are_delivered_to_those_concerned() {
    let world = World::open();
    let (alice, bob) = (world.user(), world.user());
    let mut server = world.server(&alice, Role::Member, "open");
    server.admit(&bob, Role::Member);
    alice.does(
        "set_profile",
        json!([{ "some": "alice" }, none(), none(), none(), none()]),
    );
    let general = server.channel("general");
    bob.does(
        "send_message",
        message(none(), general, "text", "mail a@alice.org, not for @alicia"),
    );
    assert!(inbox(&alice).is_empty());
    bob.does(
        "send_message",
        message(none(), general, "text", "over to @alice/claude.x."),
    );
    assert_eq!(inbox(&alice).len(), 1);
    let asked = post(&alice, none(), general, "a question");
    let answer =
        json!([none(), general, none(), word("text"), "an answer", context(), { "some": asked }]);
    bob.does("send_message", answer);
    let reasons: Vec<Value> = alice
        .rows("SELECT * FROM my_inbox")
        .iter()
        .map(|row| row["reason"][0].clone())
        .collect();
    assert_eq!(reasons, [json!(2), json!(3)]);
    assert!(inbox(&bob).is_empty());
}

#[test]
fn every_change_moves_seq() {
    let world = World::open();
    let alice = world.user();
    let server = world.server(&alice, Role::Member, "open");
    let id = post(&alice, none(), server.channel("general"), "text");
    let seq = || {
        let rows = alice.rows(&format!("SELECT * FROM message WHERE id = {id}"));
        rows[0]["seq"].as_u64().unwrap()
    };
    let mut last = seq();
    assert_eq!(last, id);
    for (reducer, arguments) in [
        ("edit_message", json!([none(), id, "other"])),
        ("add_reaction", json!([none(), id, "👍"])),
        ("remove_reaction", json!([none(), id, "👍"])),
        ("delete_message", json!([none(), id])),
    ] {
        alice.does(reducer, arguments);
        let now = seq();
        assert!(now > last, "{reducer}: {last} then {now}");
        last = now;
    }
    let row = &alice.rows(&format!("SELECT * FROM message WHERE id = {id}"))[0];
    assert_eq!(
        (&row["content"], &row["deleted"]),
        (&json!(""), &json!(true))
    );
}

#[test]
fn history_is_paged_back_to_the_beginning() {
    let world = World::open();
    let (alice, bob) = (world.user(), world.user());
    for n in 0..25 {
        direct(&alice, &bob, &format!("{n}"));
    }
    let channel = bob.rows("SELECT * FROM my_channels")[0]["id"].clone();
    let mut before = none();
    let mut pages = Vec::new();
    loop {
        let page = bob.asks("channel_history", json!([channel, before, 10]));
        let texts: Vec<Value> = page[1]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row[10].clone())
            .collect();
        pages.splice(0..0, texts);
        if page[2][0] != json!(0) {
            break;
        }
        before = json!({ "some": page[2][1] });
    }
    let expected: Vec<Value> = (0..25).map(|n| json!(n.to_string())).collect();
    assert_eq!(pages, expected);
    for limit in [0, limits::HISTORY_PAGE + 1] {
        let page = bob.asks("channel_history", json!([channel, none(), limit]));
        assert!(
            page[0][1].as_str().unwrap().starts_with("invalid: "),
            "{page}"
        );
    }
}
