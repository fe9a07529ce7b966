//! Who is outside sees no byte of what is inside: by SQL, view or procedure.

use serde_json::json;
use spaces_domain::{ErrorKind, Role};
use spaces_tests::{Caller, none, word};

use crate::world::{World, context, message};

const SECRET: &str = "the-secret-word";

/// Tables that no client may read.
const HIDDEN: [&str; 22] = [
    "admission",
    "audit_entry",
    "audit_tail",
    "ban",
    "channel_member",
    "channel_tail",
    "connection",
    "deletion",
    "delivery",
    "done_note",
    "hub_counter",
    "hub_settings",
    "idempotency_key",
    "inbox_state",
    "invite",
    "private_channel",
    "private_message",
    "private_thread",
    "private_typing",
    "private_voice_state",
    "rate_bucket",
    "session_lease",
];

/// What everybody may ask, with whatever it answers.
const SHOWN: [&str; 25] = [
    "module_info",
    "newest_block",
    "user",
    "presence",
    "agent",
    "agent_session",
    "claim",
    "note",
    "server",
    "server_member",
    "channel",
    "thread",
    "message",
    "voice_state",
    "typing",
    "my_inbox",
    "my_read_markers",
    "my_channels",
    "my_channel_members",
    "my_threads",
    "my_voice_states",
    "my_typing",
    "my_bans",
    "my_audit",
    "my_invites",
];

#[test]
fn a_stranger_gets_nothing_from_a_closed_hub() {
    let world = World::closed();
    let stranger = world.stranger();
    let refusal = stranger.call("heartbeat", json!([[]])).unwrap_err();
    assert_eq!(refusal.kind, ErrorKind::NotAdmitted);
    for table in SHOWN {
        let (status, body) = stranger.sql(&format!("SELECT * FROM {table}"));
        assert_eq!(status, 403, "{table}: {body}");
    }
}

#[test]
fn hidden_tables_are_hidden_from_every_client() {
    let world = World::open();
    let user = world.user();
    for table in HIDDEN {
        let (status, body) = user.sql(&format!("SELECT * FROM {table}"));
        assert_eq!(status, 400, "{table}: {body}");
    }
}

#[test]
fn an_outsider_sees_no_byte_of_a_private_channel_or_a_direct_message() {
    let world = World::open();
    let (insider, outsider) = (world.user(), world.user());
    let mut server = world.server(&insider, Role::Member, "open");
    server.admit(&outsider, Role::Admin);
    let channel = server.new_channel(&format!("{SECRET}-channel"), "text", "private");
    server
        .boss
        .does("add_channel_member", json!([none(), channel, insider.id()]));
    server.boss.does(
        "create_thread",
        json!([none(), channel, format!("{SECRET} thread")]),
    );
    insider.does("send_message", message(none(), channel, "text", SECRET));
    let direct = json!([
        none(),
        insider.id(),
        none(),
        word("text"),
        SECRET,
        context(),
        none()
    ]);
    server.boss.does("send_direct_message", direct);
    insider.call("start_typing", json!([channel])).unwrap();

    assert!(sees_secret(&insider), "the insider reads it");
    assert_sees_nothing(&outsider, channel);
    let thread = insider.rows("SELECT * FROM my_threads")[0]["id"].clone();
    let secret_message = insider.rows("SELECT * FROM my_inbox")[0]["message"][1][0].clone();
    for (reducer, arguments) in [
        (
            "send_message",
            message(none(), channel, "text", "let me in"),
        ),
        ("edit_message", json!([none(), secret_message, "mine"])),
        ("delete_message", json!([none(), secret_message])),
        ("add_reaction", json!([none(), secret_message, "👀"])),
        ("archive_thread", json!([none(), thread])),
        ("create_thread", json!([none(), channel, "mine"])),
        (
            "update_channel",
            json!([none(), channel, none(), none(), none(), none()]),
        ),
        ("delete_channel", json!([none(), channel])),
        (
            "add_channel_member",
            json!([none(), channel, outsider.id()]),
        ),
        ("mark_read", json!([channel, 1])),
    ] {
        let refusal = outsider.keyed(reducer, arguments).unwrap_err();
        assert_eq!(refusal.kind, ErrorKind::NotFound, "{reducer}: {refusal}");
    }

    // Who is taken out loses what was not fetched yet.
    server.boss.does(
        "remove_channel_member",
        json!([none(), channel, insider.id()]),
    );
    let left = insider.rows("SELECT * FROM my_inbox");
    assert_eq!(left.len(), 1, "only the direct message is left: {left:?}");
}

#[test]
fn an_invite_only_server_has_nothing_open() {
    let world = World::open();
    let owner = world.user();
    let name = "the invited";
    owner.does(
        "create_server",
        json!([none(), name, word("inviteOnly"), none(), none()]),
    );
    let channels = owner.rows("SELECT * FROM my_channels");
    let channel = channels[0]["id"].as_u64().unwrap();
    owner.does("send_message", message(none(), channel, "text", SECRET));
    let outsider = world.user();
    assert_sees_nothing(&outsider, channel);
    let server = channels[0]["server_id"].clone();
    let refusal = outsider.keyed("join_server", json!([server])).unwrap_err();
    assert_eq!(refusal.kind, ErrorKind::PermissionDenied);
    // A channel that is asked to be open is not.
    let open = json!([none(), server, "more", word("text"), word("open"), none()]);
    owner.does("create_channel", open);
    assert!(
        outsider
            .rows("SELECT * FROM channel")
            .iter()
            .all(|row| row["server_id"] != server)
    );
}

fn sees_secret(caller: &Caller) -> bool {
    SHOWN.iter().any(|table| {
        let (_, body) = caller.sql(&format!("SELECT * FROM {table}"));
        body.contains(SECRET)
    })
}

fn assert_sees_nothing(caller: &Caller, channel: u64) {
    for table in SHOWN {
        let (status, body) = caller.sql(&format!("SELECT * FROM {table}"));
        assert_eq!(status, 200, "{table}: {body}");
        assert!(!body.contains(SECRET), "{table} shows it: {body}");
    }
    let page = caller.asks("channel_history", json!([channel, none(), 10]));
    let error = page[0][1].as_str().unwrap_or_default();
    assert!(error.starts_with("not_found: "), "{page}");
    assert!(!page.to_string().contains(SECRET));
}
