//! The corners of moderation: who tries to get around an act, and what is left
//! behind by one.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use spaces_domain::{ErrorKind, Role, limits};
use spaces_tests::{Caller, none, some, word};

use crate::world::{Server, World, message, post, settings};

fn in_secs(secs: u64) -> Value {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let at = now.as_micros() as u64 + secs * 1_000_000;
    json!({ "__timestamp_micros_since_unix_epoch__": at })
}

#[test]
fn leaving_and_coming_back_does_not_end_a_mute() {
    let world = World::open();
    let member = world.user();
    let server = world.server(&member, Role::Member, "open");
    let general = server.channel("general");
    let mute = json!([none(), server.id, member.id(), in_secs(3_600), none()]);
    server.boss.does("mute_member", mute);
    member.does("leave_server", json!([server.id]));
    member.does("join_server", json!([server.id]));
    let say = || member.keyed("send_message", message(none(), general, "text", "hi"));
    assert_eq!(say().unwrap_err().kind, ErrorKind::Muted);
    let typing = member.call("start_typing", json!([general]));
    assert_eq!(typing.unwrap_err().kind, ErrorKind::Muted);
    server
        .boss
        .does("unmute_member", json!([none(), server.id, member.id()]));
    member.does("leave_server", json!([server.id]));
    member.does("join_server", json!([server.id]));
    assert_eq!(say(), Ok(()), "what was ended does not come back");
}

/// Else whoever makes a server could not be shut out of the hub.
#[test]
fn the_servers_of_one_who_is_shut_out_pass_to_the_highest_member() {
    let world = World::open();
    let owner = world.user();
    world.publisher.does("admit", json!([none(), owner.id()]));
    let mut server = world.server(&owner, Role::Owner, "open");
    let (moderator, member) = (world.user(), world.user());
    for (one, role) in [(&member, "member"), (&moderator, "moderator")] {
        one.does("join_server", json!([server.id]));
        if role != "member" {
            let arguments = json!([none(), server.id, one.id(), word(role)]);
            owner.does("set_member_role", arguments);
        }
    }
    // The admin who made it leaves, so that the moderator is the highest.
    server.boss.does("leave_server", json!([server.id]));
    owner.does(
        "create_server",
        json!([none(), "nobody else's", word("open"), none(), none()]),
    );
    world
        .publisher
        .does("revoke_admission", json!([none(), owner.id()]));

    server.boss = moderator.clone();
    assert_eq!(server.role_of(&moderator), Some(0), "the heir owns it");
    assert_eq!(server.role_of(&member), Some(3));
    assert_eq!(server.role_of(&owner), None);
    let names = moderator.rows("SELECT * FROM server");
    assert!(
        names
            .iter()
            .all(|row| row["name"] != json!("nobody else's")),
        "one without members is deleted"
    );
    moderator.does("delete_server", json!([none(), server.id]));
}

fn invite(maker: &Caller, server: u64, secret: &str, temporary: Value) {
    let hash: String = Sha256::digest(secret)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let arguments = json!([none(), server, word("agent"), 5, none(), hash, temporary]);
    maker.does("create_invite", arguments);
}

#[test]
fn invites_end_with_their_maker_s_membership() {
    let world = World::closed();
    let (maker, temporary) = (world.stranger(), world.stranger());
    world.publisher.does("admit", json!([none(), maker.id()]));
    maker.does("join_server", json!([1]));
    invite(&maker, 1, "the maker's", some(temporary.id()));
    // The one-use identity is let in to redeem.
    let refusal = temporary.call("heartbeat", json!([[]])).unwrap_err();
    assert!(refusal.message.contains("only redeem"), "{refusal}");
    world
        .publisher
        .does("revoke_admission", json!([none(), maker.id()]));
    assert!(
        world
            .publisher
            .rows("SELECT * FROM invite WHERE uses = 0")
            .iter()
            .all(|row| !maker.is(&row["by"]))
    );
    let refusal = temporary.call("heartbeat", json!([[]])).unwrap_err();
    assert!(
        refusal.message.contains("no admission"),
        "it is shut out too: {refusal}"
    );
}

#[test]
fn nobody_is_made_a_member_by_another() {
    let world = World::closed();
    let (temporary, victim) = (world.stranger(), world.stranger());
    world.publisher.does("admit", json!([none(), victim.id()]));
    invite(&world.publisher, 1, "take them", some(temporary.id()));
    let refusal = temporary
        .keyed("redeem_invite", json!(["take them", victim.id()]))
        .unwrap_err();
    assert_eq!(refusal.kind, ErrorKind::PermissionDenied, "{refusal}");
    victim.does("redeem_invite", json!(["take them", victim.id()]));
}

#[test]
fn archiving_another_s_thread_is_in_the_audit_and_one_s_own_is_not() {
    let world = World::open();
    let member = world.user();
    let server = world.server(&member, Role::Member, "open");
    let general = server.channel("general");
    let acts = || {
        let rows = server.boss.rows("SELECT * FROM my_audit");
        let acts = rows
            .iter()
            .map(|row| row["action"].as_str().unwrap().to_owned());
        acts.filter(|act| act.contains("thread"))
            .collect::<Vec<_>>()
    };
    member.does("create_thread", json!([none(), general, "mine"]));
    let thread = member.rows("SELECT * FROM thread")[0]["id"].clone();
    member.does("archive_thread", json!([none(), thread]));
    assert_eq!(acts(), [""; 0]);
    server
        .boss
        .does("unarchive_thread", json!([none(), thread]));
    assert_eq!(acts(), ["unarchive_thread"]);
}

#[test]
fn each_act_of_administration_leaves_an_entry() {
    let world = World::open();
    let member = world.user();
    let server = world.server(&member, Role::Member, "open");
    let (boss, id) = (&server.boss, server.id);
    let general = server.channel("general");
    let hash = "ab".repeat(32);
    let said = post(&member, none(), general, "something");
    for (reducer, arguments) in [
        (
            "update_server",
            json!([none(), id, none(), some("d"), none()]),
        ),
        (
            "create_channel",
            json!([none(), id, "dev", word("text"), word("private"), none()]),
        ),
        (
            "update_channel",
            json!([none(), general, none(), some("t"), none(), none()]),
        ),
        ("archive_channel", json!([none(), general, true])),
        ("archive_channel", json!([none(), general, false])),
        (
            "set_member_role",
            json!([none(), id, member.id(), word("agent")]),
        ),
        (
            "mute_member",
            json!([none(), id, member.id(), in_secs(60), some("why")]),
        ),
        ("unmute_member", json!([none(), id, member.id()])),
        ("delete_message", json!([none(), said])),
        (
            "create_invite",
            json!([none(), id, word("agent"), 1, none(), hash, none()]),
        ),
        ("revoke_invite", json!([none(), hash])),
        ("kick_member", json!([none(), id, member.id(), none()])),
        (
            "ban_member",
            json!([none(), id, member.id(), some("why"), none()]),
        ),
        ("unban_member", json!([none(), id, member.id()])),
    ] {
        let before = boss.rows("SELECT * FROM my_audit").len();
        boss.does(reducer, arguments);
        let entries = boss.rows("SELECT * FROM my_audit");
        assert_eq!(entries.len(), before + 1, "{reducer}");
        let newest = entries
            .iter()
            .max_by_key(|row| row["ordinal"].as_u64())
            .unwrap();
        let action = newest["action"].as_str().unwrap();
        assert!(
            action.ends_with(reducer.trim_start_matches("un")),
            "{reducer}: {action}"
        );
        assert!(boss.is(&newest["actor"]), "{reducer}");
    }
}

/// A number that overflows would make everything too old.
#[test]
fn settings_beyond_reason_are_refused() {
    let world = World::open();
    let user = world.user();
    let server = world.server(&user, Role::Member, "open");
    post(&user, none(), server.channel("general"), "to be kept");
    for (name, value) in [
        ("message_days", u32::MAX),
        ("message_days", 200_000_000),
        ("delivery_days", 0),
        ("idempotency_days", limits::OUTBOX_DAYS - 1),
        ("idempotency_days", limits::KEPT_DAYS + 1),
        ("audit_days", u32::MAX),
        ("session_days", u32::MAX),
        ("session_timeout_secs", limits::SESSION_TIMEOUT_MIN_SECS - 1),
        ("rate_per_sec", 0),
        ("rate_burst", u32::MAX),
    ] {
        let change = settings(&[(name, json!(value))]);
        let refusal = world
            .publisher
            .keyed("set_hub_settings", json!([none(), change]))
            .unwrap_err();
        assert_eq!(
            refusal.kind,
            ErrorKind::Invalid,
            "{name} {value}: {refusal}"
        );
    }
}

/// One claim may not hold the hub up for everybody.
#[test]
fn globs_that_take_too_long_to_compare_are_refused() {
    let world = World::open();
    let (one, two) = (world.user(), world.user());
    let claim = |who: &Caller, run: &str, letter: &str| {
        let glob = |n: usize| format!("{}{n}{letter}", format!("*{letter}").repeat(100));
        let globs: Vec<String> = (0..limits::CLAIM_PATTERNS).map(glob).collect();
        let arguments = json!([run, "repo", word("paths"), globs, false, none(), 600]);
        who.keyed("acquire_claim", arguments)
    };
    let (a, b) = (crate::world::session(&one), crate::world::session(&two));
    assert_eq!(claim(&one, &a, "x"), Ok(()));
    let refusal = claim(&two, &b, "y").unwrap_err();
    assert_eq!(refusal.kind, ErrorKind::Conflict, "{refusal}");
    assert!(refusal.message.contains("too involved"), "{refusal}");
    let held = two.rows("SELECT * FROM claim");
    assert!(held.iter().all(|row| !two.is(&row["owner"])), "all or none");
}

#[test]
fn a_member_of_one_server_rules_in_no_other() {
    let world = World::open();
    let (boss_here, victim) = (world.user(), world.user());
    let here = world.server(&boss_here, Role::Admin, "open");
    let there: Server = world.server(&victim, Role::Member, "open");
    let id = there.id;
    let general = there.channel("general");
    for (reducer, arguments) in [
        ("kick_member", json!([none(), id, victim.id(), none()])),
        (
            "ban_member",
            json!([none(), id, victim.id(), none(), none()]),
        ),
        (
            "mute_member",
            json!([none(), id, victim.id(), in_secs(60), none()]),
        ),
        (
            "update_server",
            json!([none(), id, none(), some("mine"), none()]),
        ),
        ("delete_channel", json!([none(), general])),
        ("archive_channel", json!([none(), general, true])),
        ("transfer_ownership", json!([none(), id, boss_here.id()])),
    ] {
        let refusal = boss_here.keyed(reducer, arguments).unwrap_err();
        assert_eq!(
            refusal.kind,
            ErrorKind::PermissionDenied,
            "{reducer}: {refusal}"
        );
    }
    assert_ne!(here.id, there.id);
}
