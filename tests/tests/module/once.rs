//! Exactly once: every reducer with a key, sent twice, and with other content.

use serde_json::{Value, json};
use spaces_domain::{ErrorKind, Role};
use spaces_tests::{Caller, eventually, none, some, word};
use uuid::Uuid;

use crate::world::{World, context, message, post, session, settings};

/// Calls the reducer twice with one key, then with other arguments. Neither the
/// second nor the third call may change a row.
fn twice(world: &World, caller: &Caller, reducer: &str, arguments: Value, others: Value) {
    let key = Uuid::new_v4().to_string();
    let first = caller.under(&key, reducer, arguments.clone());
    assert_eq!(first, Ok(()), "{reducer} {arguments}");
    eventually("the hub has deleted what it deletes by itself", || {
        let left = world.publisher.rows("SELECT * FROM deletion");
        left.is_empty().then_some(())
    });
    let before = everything(world);
    let again = caller.under(&key, reducer, arguments);
    assert_eq!(again, Ok(()), "{reducer} again");
    let reused = caller.under(&key, reducer, others);
    assert_eq!(reused.unwrap_err().kind, ErrorKind::KeyReused, "{reducer}");
    for (table, (before, after)) in TABLES.iter().zip(before.iter().zip(everything(world))) {
        assert_eq!(*before, after, "{reducer} again changed {table}");
    }
}

/// All rows that calls are about, as the publisher's SQL shows them. Presence
/// and connections are not among them: they change with every HTTP call.
fn everything(world: &World) -> Vec<String> {
    let rows = |table: &&str| {
        let (status, body) = world.publisher.sql(&format!("SELECT * FROM {table}"));
        assert_eq!(status, 200, "{table}: {body}");
        // The hub also says how long the query took.
        let (rows, _) = body
            .rsplit_once(",\"total_duration_micros\"")
            .expect("it says so");
        rows.to_owned()
    };
    TABLES.iter().map(rows).collect()
}

const TABLES: [&str; 24] = [
    "user",
    "agent",
    "agent_session",
    "claim",
    "note",
    "server",
    "server_member",
    "channel",
    "private_channel",
    "channel_member",
    "thread",
    "private_thread",
    "message",
    "private_message",
    "delivery",
    "read_marker",
    "voice_state",
    "ban",
    "audit_entry",
    "invite",
    "admission",
    "hub_settings",
    "idempotency_key",
    "hub_counter",
];

#[test]
fn every_keyed_call_is_carried_out_once() {
    let world = World::open();
    let (owner, member) = (world.user(), world.user());
    let mut server = world.server(&owner, Role::Owner, "open");
    server.admit(&member, Role::Member);
    let id = server.id;
    let general = server.channel("general");
    let owner_of = |reducer: &str, arguments: Value, others: Value| {
        twice(&world, &owner, reducer, arguments, others);
    };

    owner_of(
        "set_profile",
        json!([some("olga"), none(), none(), none(), none()]),
        json!([some("olgb"), none(), none(), none(), none()]),
    );
    owner_of(
        "register_agent",
        json!(["a.b", "tool", none()]),
        json!(["a.c", "tool", none()]),
    );
    let hub = |n: u64| json!([none(), settings(&[("audit_days", json!(n))])]);
    twice(
        &world,
        &world.publisher,
        "set_hub_settings",
        hub(100),
        hub(101),
    );
    let newcomer = world.stranger();
    twice(
        &world,
        &world.publisher,
        "admit",
        json!([none(), newcomer.id()]),
        json!([none(), owner.id()]),
    );
    twice(
        &world,
        &world.publisher,
        "revoke_admission",
        json!([none(), newcomer.id()]),
        json!([none(), owner.id()]),
    );

    owner_of(
        "create_server",
        json!([none(), "mine", word("open"), none(), none()]),
        json!([none(), "other", word("open"), none(), none()]),
    );
    owner_of(
        "update_server",
        json!([none(), id, none(), some("d"), none()]),
        json!([none(), id, none(), some("e"), none()]),
    );
    let channel = |name: &str| json!([none(), id, name, word("text"), word("private"), none()]);
    owner_of("create_channel", channel("dev"), channel("dev2"));
    let dev = owner.rows("SELECT * FROM my_channels")[0]["id"].clone();
    owner_of(
        "update_channel",
        json!([none(), dev, none(), some("t"), none(), none()]),
        json!([none(), dev, none(), some("u"), none(), none()]),
    );
    owner_of(
        "archive_channel",
        json!([none(), dev, true]),
        json!([none(), dev, false]),
    );
    owner_of(
        "archive_channel",
        json!([none(), dev, false]),
        json!([none(), dev, true]),
    );
    owner_of(
        "add_channel_member",
        json!([none(), dev, member.id()]),
        json!([none(), dev, owner.id()]),
    );

    owner_of(
        "send_message",
        message(none(), general, "text", "one"),
        message(none(), general, "text", "two"),
    );
    owner_of(
        "send_message",
        message(none(), dev.as_u64().unwrap(), "text", "one"),
        message(none(), dev.as_u64().unwrap(), "text", "two"),
    );
    let direct = |text: &str| {
        json!([
            none(),
            member.id(),
            none(),
            word("text"),
            text,
            context(),
            none()
        ])
    };
    owner_of("send_direct_message", direct("one"), direct("two"));
    let said = post(&owner, none(), general, "to be changed");
    owner_of(
        "edit_message",
        json!([none(), said, "changed"]),
        json!([none(), said, "again"]),
    );
    owner_of(
        "add_reaction",
        json!([none(), said, "👍"]),
        json!([none(), said, "👎"]),
    );
    owner_of(
        "remove_reaction",
        json!([none(), said, "👍"]),
        json!([none(), said, "👎"]),
    );
    owner_of(
        "mark_read",
        json!([general, said]),
        json!([general, said - 1]),
    );
    owner_of(
        "delete_message",
        json!([none(), said]),
        json!([none(), said - 1]),
    );
    owner_of(
        "create_thread",
        json!([none(), general, "t"]),
        json!([none(), general, "u"]),
    );
    let thread = owner.rows("SELECT * FROM thread")[0]["id"].clone();
    owner_of(
        "archive_thread",
        json!([none(), thread]),
        json!([none(), 1]),
    );
    owner_of(
        "unarchive_thread",
        json!([none(), thread]),
        json!([none(), 1]),
    );

    let run = session(&owner);
    owner_of(
        "update_session",
        json!([run, some("t"), none(), none(), none(), none()]),
        json!([run, some("u"), none(), none(), none(), none()]),
    );
    let claim = |pattern: &str| {
        json!([
            run,
            "example.org/spaces",
            word("paths"),
            [pattern],
            true,
            none(),
            600
        ])
    };
    owner_of("acquire_claim", claim("src/**"), claim("docs/**"));
    let held = owner.rows("SELECT * FROM claim")[0]["id"].clone();
    owner_of("renew_claim", json!([[held], 700]), json!([[held], 800]));
    owner_of("release_claim", json!([[held]]), json!([[1234]]));
    let note = |text: &str| json!([none(), "example.org/spaces", none(), text, []]);
    owner_of("leave_note", note("one"), note("two"));
    let left = owner.rows("SELECT * FROM note")[0]["id"].clone();
    owner_of("resolve_note", json!([none(), left]), json!([none(), 1234]));
    owner_of(
        "end_session",
        json!([run]),
        json!([Uuid::new_v4().to_string()]),
    );

    let hash = "a".repeat(64);
    let invite = |uses: u32| json!([none(), id, word("member"), uses, none(), hash, none()]);
    owner_of("create_invite", invite(2), invite(3));
    owner_of(
        "revoke_invite",
        json!([none(), hash]),
        json!([none(), "b".repeat(64)]),
    );
    owner_of(
        "remove_channel_member",
        json!([none(), dev, member.id()]),
        json!([none(), dev, owner.id()]),
    );
    owner_of(
        "set_member_role",
        json!([none(), id, member.id(), word("admin")]),
        json!([none(), id, member.id(), word("agent")]),
    );
    owner_of(
        "kick_member",
        json!([none(), id, member.id(), none()]),
        json!([none(), id, owner.id(), none()]),
    );
    owner_of(
        "ban_member",
        json!([none(), id, member.id(), none(), none()]),
        json!([none(), id, member.id(), some("why"), none()]),
    );
    owner_of(
        "unban_member",
        json!([none(), id, member.id()]),
        json!([none(), id, owner.id()]),
    );
    twice(&world, &member, "join_server", json!([id]), json!([id + 1]));
    twice(
        &world,
        &member,
        "leave_server",
        json!([id]),
        json!([id + 1]),
    );
    owner_of(
        "delete_channel",
        json!([none(), general]),
        json!([none(), dev]),
    );
    member.does("join_server", json!([id]));
    owner_of(
        "transfer_ownership",
        json!([none(), id, member.id()]),
        json!([none(), id, owner.id()]),
    );
    twice(
        &world,
        &member,
        "delete_server",
        json!([none(), id]),
        json!([none(), id + 1]),
    );
}

#[test]
fn a_key_belongs_to_its_sender_and_a_refused_call_leaves_it_free() {
    let world = World::open();
    let (one, two) = (world.user(), world.user());
    let key = Uuid::new_v4().to_string();
    let note = |text: &str| json!([none(), "example.org/spaces", none(), text, []]);
    assert!(one.under(&key, "leave_note", note("")).is_err());
    assert_eq!(one.under(&key, "leave_note", note("said")), Ok(()));
    assert_eq!(
        two.under(&key, "leave_note", note("said by another")),
        Ok(())
    );
    assert_eq!(one.rows("SELECT * FROM note").len(), 2);
    for bad in ["", "1", "0190163D-8694-739B-AEA5-966C26F8AD90"] {
        let refusal = one.under(bad, "leave_note", note("x")).unwrap_err();
        assert_eq!(refusal.kind, ErrorKind::Invalid, "{bad:?}");
    }
}
