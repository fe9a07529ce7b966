//! What is over its count, its time or its place is really deleted.

use serde_json::{Value, json};
use spaces_domain::Role;
use spaces_tests::{eventually, none, word};

use crate::world::{World, message, session, settings};

#[test]
fn messages_beyond_the_count_are_deleted_in_open_and_other_channels() {
    let world = World::open();
    let user = world.user();
    let server = world.server(&user, Role::Owner, "open");
    let general = server.channel("general");
    let hidden = json!([
        none(),
        server.id,
        "hidden",
        word("text"),
        word("private"),
        none()
    ]);
    user.does("create_channel", hidden);
    let hidden = user.rows("SELECT * FROM my_channels")[0]["id"]
        .as_u64()
        .unwrap();
    for n in 0..15 {
        user.does(
            "send_message",
            message(none(), general, "text", &format!("open {n}")),
        );
        user.does(
            "send_message",
            message(none(), hidden, "text", &format!("hidden {n}")),
        );
    }
    let keep = settings(&[("messages_per_channel", json!(5))]);
    world
        .publisher
        .does("set_hub_settings", json!([none(), keep]));
    let texts = |table: &str, channel: u64| -> Vec<Value> {
        let rows = world.publisher.rows(&format!(
            "SELECT * FROM {table} WHERE channel_id = {channel}"
        ));
        let mut rows: Vec<_> = rows
            .iter()
            .map(|row| (row["ordinal"].as_u64(), row["content"].clone()))
            .collect();
        rows.sort_by_key(|(ordinal, _)| *ordinal);
        rows.into_iter().map(|(_, content)| content).collect()
    };
    let newest = |word: &str| {
        (10..15)
            .map(|n| json!(format!("{word} {n}")))
            .collect::<Vec<_>>()
    };
    eventually("both channels are pruned", || {
        (texts("message", general) == newest("open")
            && texts("private_message", hidden) == newest("hidden"))
        .then_some(())
    });
    // History says where it begins, and the channel goes on.
    let page = user.asks("channel_history", json!([hidden, none(), 100]));
    assert_eq!(page[1].as_array().unwrap().len(), 5);
    assert_eq!(page[2][0], json!(1), "there is nothing before: {page}");
    user.does("send_message", message(none(), hidden, "text", "more"));
}

#[test]
fn deleted_channels_and_servers_leave_nothing_behind() {
    let world = World::open();
    let user = world.user();
    let server = world.server(&user, Role::Owner, "open");
    let general = server.channel("general");
    user.does(
        "send_message",
        message(none(), general, "text", "gone soon"),
    );
    user.does("create_thread", json!([none(), general, "gone soon"]));
    user.does("mark_read", json!([general, 1]));
    user.does("delete_server", json!([none(), server.id]));
    eventually("nothing is left of the server", || {
        let left = |query: &str| world.publisher.rows(query).len();
        let (id, channel) = (server.id, general);
        let queries = [
            format!("SELECT * FROM server WHERE id = {id}"),
            format!("SELECT * FROM server_member WHERE server_id = {id}"),
            format!("SELECT * FROM audit_entry WHERE server_id = {id}"),
            format!("SELECT * FROM channel WHERE id = {channel}"),
            format!("SELECT * FROM message WHERE channel_id = {channel}"),
            format!("SELECT * FROM thread WHERE channel_id = {channel}"),
            format!("SELECT * FROM read_marker WHERE channel_id = {channel}"),
            format!("SELECT * FROM channel_tail WHERE channel_id = {channel}"),
            "SELECT * FROM deletion".to_owned(),
        ];
        queries.iter().all(|query| left(query) == 0).then_some(())
    });
}

#[test]
fn claims_end_with_their_time_and_sessions_with_their_heartbeats() {
    let world = World::open();
    let user = world.user();
    let short = settings(&[("session_timeout_secs", json!(30))]);
    world
        .publisher
        .does("set_hub_settings", json!([none(), short]));
    let (silent, alive) = (session(&user), session(&user));
    let claim = |run: &str, name: &str, ttl: u32| {
        json!([
            run,
            "example.org/spaces",
            word("task"),
            [name],
            true,
            none(),
            ttl
        ])
    };
    user.does("acquire_claim", claim(&silent, "held", 3_600));
    user.does("acquire_claim", claim(&alive, "short", 10));
    user.does("acquire_claim", claim(&alive, "long", 3_600));
    let state = |id: &str| {
        let rows = user.rows(&format!("SELECT * FROM agent_session WHERE id = '{id}'"));
        (
            rows[0]["state"][0].as_u64().unwrap(),
            rows[0]["expired"].as_bool().unwrap(),
        )
    };
    eventually("the silent session is ended", || {
        user.call("heartbeat", json!([[alive]])).unwrap();
        (state(&silent) == (4, true)).then_some(())
    });
    assert_eq!(state(&alive), (0, false));
    let held = user.rows("SELECT * FROM claim");
    assert_eq!(
        held.iter()
            .map(|row| row["pattern"].clone())
            .collect::<Vec<_>>(),
        [json!("long")]
    );
    user.call("heartbeat", json!([[silent]])).unwrap();
    assert_eq!(state(&silent), (0, false), "a heartbeat brings it back");
    user.does("end_session", json!([silent]));
    user.call("heartbeat", json!([[silent]])).unwrap();
    assert_eq!(
        state(&silent),
        (4, false),
        "but not one that its client ended"
    );
}
