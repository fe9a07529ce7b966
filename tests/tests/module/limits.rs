//! Bad input and limits: a typed refusal each, and nothing changed.

use serde_json::{Value, json};
use spaces_domain::{ErrorKind, Refusal, Role, limits};
use spaces_tests::{Caller, none, some, word};

use crate::world::{World, context, message, post, session, settings};

fn assert_kind(what: &str, outcome: Result<(), Refusal>, kind: ErrorKind) {
    match outcome {
        Err(refusal) => assert_eq!(refusal.kind, kind, "{what}: {refusal}"),
        Ok(()) => panic!("{what} was accepted"),
    }
}

#[test]
fn text_that_is_too_long_empty_or_has_control_characters() {
    let world = World::open();
    let user = world.user();
    let server = world.server(&user, Role::Admin, "open");
    let general = server.channel("general");
    let longest = "é".repeat(limits::CONTENT_CHARS);
    user.does("send_message", message(none(), general, "text", &longest));
    let too_long = "x".repeat(limits::CONTENT_CHARS + 1);
    let name_too_long = "x".repeat(limits::NAME_CHARS + 1);
    let id = server.id;
    for (reducer, arguments) in [
        ("send_message", message(none(), general, "text", &too_long)),
        ("send_message", message(none(), general, "text", "")),
        ("send_message", message(none(), general, "text", " \n ")),
        ("send_message", message(none(), general, "text", "a\u{0}b")),
        (
            "send_message",
            message(none(), general, "text", "\u{1b}[31m"),
        ),
        ("send_message", message(none(), general, "join", "I joined")),
        (
            "send_message",
            message(none(), general, "system", "I am the system"),
        ),
        (
            "set_profile",
            json!([some("Alice"), none(), none(), none(), none()]),
        ),
        (
            "set_profile",
            json!([some(""), none(), none(), none(), none()]),
        ),
        (
            "set_profile",
            json!([some("user-000000000000"), none(), none(), none(), none()]),
        ),
        (
            "set_profile",
            json!([none(), some("two\nlines"), none(), none(), none()]),
        ),
        (
            "set_profile",
            json!([none(), none(), none(), some("file:///etc/passwd"), none()]),
        ),
        (
            "create_channel",
            json!([none(), id, "Not Lower", word("text"), word("open"), none()]),
        ),
        (
            "create_channel",
            json!([
                none(),
                id,
                name_too_long,
                word("text"),
                word("open"),
                none()
            ]),
        ),
        (
            "create_server",
            json!([none(), "a/b", word("open"), none(), none()]),
        ),
        ("create_thread", json!([none(), general, ""])),
        ("register_agent", json!(["Not Good", "tool", none()])),
        ("leave_note", json!([none(), "", none(), "text", []])),
        (
            "leave_note",
            json!([none(), "repo", none(), "text", vec!["p"; limits::PATHS + 1]]),
        ),
        (
            "update_channel",
            json!([none(), general, none(), none(), none(), some(999_999)]),
        ),
        (
            "create_invite",
            json!([
                none(),
                id,
                word("member"),
                0,
                none(),
                "a".repeat(64),
                none()
            ]),
        ),
        (
            "create_invite",
            json!([none(), id, word("member"), 1, none(), "secret", none()]),
        ),
    ] {
        assert_kind(
            &format!("{reducer} {arguments:.60}"),
            user.keyed(reducer, arguments.clone()),
            ErrorKind::Invalid,
        );
    }
    let said = user
        .rows("SELECT * FROM message")
        .into_iter()
        .filter(|row| row["channel_id"] == json!(general));
    assert_eq!(
        said.filter(|row| row["kind"][0] == json!(0)).count(),
        1,
        "only the longest text was posted"
    );
}

#[test]
fn ids_that_are_unknown_or_of_another_place() {
    let world = World::open();
    let user = world.user();
    let (here, there) = (
        world.server(&user, Role::Admin, "open"),
        world.server(&user, Role::Admin, "open"),
    );
    let (general, other) = (here.channel("general"), there.channel("general"));
    let elsewhere = post(&user, none(), other, "elsewhere");
    user.does("create_thread", json!([none(), other, "elsewhere"]));
    let thread = user.rows("SELECT * FROM thread")[0]["id"].clone();
    let nobody = world.stranger();
    let reply = |to: u64| {
        json!([
            none(),
            general,
            none(),
            word("text"),
            "re",
            context(),
            some(to)
        ])
    };
    let in_thread = |thread: Value| {
        json!([
            none(),
            general,
            some(thread),
            word("text"),
            "re",
            context(),
            none()
        ])
    };
    for (reducer, arguments) in [
        ("send_message", message(none(), 999_999, "text", "hi")),
        ("send_message", reply(999_999)),
        ("send_message", reply(elsewhere)),
        ("send_message", in_thread(json!(999_999))),
        ("send_message", in_thread(thread)),
        (
            "send_message",
            message(
                some("0190163d-8694-739b-aea5-966c26f8ad90"),
                general,
                "text",
                "hi",
            ),
        ),
        ("edit_message", json!([none(), 999_999, "x"])),
        ("add_reaction", json!([none(), 999_999, "x"])),
        ("mark_read", json!([general, 999_999])),
        ("archive_thread", json!([none(), 999_999])),
        ("join_server", json!([999_999])),
        ("leave_server", json!([999_999])),
        ("kick_member", json!([none(), here.id, nobody.id(), none()])),
        (
            "ban_member",
            json!([none(), here.id, nobody.id(), none(), none()]),
        ),
        (
            "send_direct_message",
            json!([
                none(),
                nobody.id(),
                none(),
                word("text"),
                "hi",
                context(),
                none()
            ]),
        ),
        ("unban_member", json!([none(), here.id, nobody.id()])),
        ("resolve_note", json!([none(), 999_999])),
        ("renew_claim", json!([[999_999], 60])),
        ("revoke_invite", json!([none(), "a".repeat(64)])),
        (
            "update_server",
            json!([none(), 999_999, none(), none(), none()]),
        ),
        (
            "end_session",
            json!(["0190163d-8694-739b-aea5-966c26f8ad90"]),
        ),
    ] {
        assert_kind(
            &format!("{reducer} {arguments}"),
            user.keyed(reducer, arguments.clone()),
            ErrorKind::NotFound,
        );
    }
}

#[test]
fn acts_on_oneself() {
    let world = World::open();
    let user = world.user();
    let server = world.server(&user, Role::Admin, "open");
    let later = json!({ "__timestamp_micros_since_unix_epoch__": 4_102_444_800_000_000_u64 });
    for (reducer, arguments) in [
        ("kick_member", json!([none(), server.id, user.id(), none()])),
        (
            "ban_member",
            json!([none(), server.id, user.id(), none(), none()]),
        ),
        (
            "mute_member",
            json!([none(), server.id, user.id(), later, none()]),
        ),
        (
            "set_member_role",
            json!([none(), server.id, user.id(), word("member")]),
        ),
        (
            "send_direct_message",
            json!([
                none(),
                user.id(),
                none(),
                word("text"),
                "me",
                context(),
                none()
            ]),
        ),
    ] {
        assert_kind(reducer, user.keyed(reducer, arguments), ErrorKind::Invalid);
    }
}

#[test]
fn a_sender_is_held_to_its_rate_and_told_when_to_come_back() {
    let world = World::open();
    let user = world.user();
    let slow = settings(&[("rate_per_sec", json!(1)), ("rate_burst", json!(2))]);
    world
        .publisher
        .does("set_hub_settings", json!([none(), slow]));
    let note = json!([none(), "repo", none(), "text", []]);
    let key = "0190163d-8694-739b-aea5-966c26f8ad90";
    assert_eq!(user.under(key, "leave_note", note.clone()), Ok(()));
    let refusals: Vec<_> = (0..4)
        .filter_map(|_| user.keyed("leave_note", note.clone()).err())
        .collect();
    let refusal = refusals.last().expect("four more calls are too many");
    assert_eq!(refusal.kind, ErrorKind::RateLimited);
    assert!(
        (1..=2_000).contains(&refusal.retry_after_ms().unwrap()),
        "{refusal}"
    );
    assert_eq!(
        user.under(key, "leave_note", note),
        Ok(()),
        "a repeated call costs nothing"
    );
}

#[test]
fn slow_mode_holds_members_and_not_moderators() {
    let world = World::open();
    let (member, moderator) = (world.user(), world.user());
    let mut server = world.server(&member, Role::Member, "open");
    server.admit(&moderator, Role::Moderator);
    let general = server.channel("general");
    let slow = json!([none(), general, none(), none(), none(), some(3_600)]);
    server.boss.does("update_channel", slow);
    let say = |who: &Caller| who.keyed("send_message", message(none(), general, "text", "hi"));
    assert_eq!(say(&member), Ok(()));
    let refusal = say(&member).unwrap_err();
    assert_eq!(refusal.kind, ErrorKind::RateLimited);
    assert!(refusal.retry_after_ms().unwrap() > 3_000_000);
    assert_eq!((say(&moderator), say(&moderator)), (Ok(()), Ok(())));
}

#[test]
fn archived_places_take_nothing_and_muted_members_say_nothing() {
    let world = World::open();
    let member = world.user();
    let server = world.server(&member, Role::Member, "open");
    let general = server.channel("general");
    let said = post(&member, none(), general, "before");
    let later = json!({ "__timestamp_micros_since_unix_epoch__": 4_102_444_800_000_000_u64 });
    server.boss.does(
        "mute_member",
        json!([none(), server.id, member.id(), later, none()]),
    );
    for (reducer, arguments) in [
        ("send_message", message(none(), general, "text", "hi")),
        ("edit_message", json!([none(), said, "x"])),
        ("add_reaction", json!([none(), said, "x"])),
        ("create_thread", json!([none(), general, "x"])),
    ] {
        assert_kind(reducer, member.keyed(reducer, arguments), ErrorKind::Muted);
    }
    server
        .boss
        .does("unmute_member", json!([none(), server.id, member.id()]));
    server
        .boss
        .does("archive_channel", json!([none(), general, true]));
    assert_kind(
        "send_message",
        member.keyed("send_message", message(none(), general, "text", "hi")),
        ErrorKind::Archived,
    );
    server
        .boss
        .does("archive_channel", json!([none(), general, false]));
    member.does("send_message", message(none(), general, "text", "hi again"));
}

#[test]
fn a_banned_user_is_told_so_and_let_in_when_the_ban_ends() {
    let world = World::open();
    let member = world.user();
    let server = world.server(&member, Role::Member, "open");
    let general = server.channel("general");
    let ban = |until: Value| json!([none(), server.id, member.id(), none(), until]);
    server.boss.does("ban_member", ban(none()));
    assert_kind(
        "join",
        member.keyed("join_server", json!([server.id])),
        ErrorKind::Banned,
    );
    assert_kind(
        "post",
        member.keyed("send_message", message(none(), general, "text", "x")),
        ErrorKind::Banned,
    );
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let soon =
        json!({ "__timestamp_micros_since_unix_epoch__": now.as_micros() as u64 + 2_000_000 });
    server.boss.does("ban_member", ban(some(soon)));
    spaces_tests::eventually("the ban ends", || {
        member.keyed("join_server", json!([server.id])).ok()
    });
}

#[test]
fn claims_that_overlap_and_sessions_that_are_over() {
    let world = World::open();
    let (one, two) = (world.user(), world.user());
    let (a, b) = (session(&one), session(&two));
    let claim = |run: &str, pattern: &str, exclusive: bool| {
        json!([
            run,
            "example.org/spaces",
            word("paths"),
            [pattern],
            exclusive,
            none(),
            600
        ])
    };
    one.does("acquire_claim", claim(&a, "src/**/*.rs", true));
    let refusal = two
        .keyed("acquire_claim", claim(&b, "src/lib.rs", false))
        .unwrap_err();
    assert_eq!(refusal.kind, ErrorKind::Conflict);
    assert!(
        refusal.message.contains("claude.spaces.main"),
        "it names the holder: {refusal}"
    );
    two.does("acquire_claim", claim(&b, "src/*.md", true));
    assert_kind(
        "a bad glob",
        two.keyed("acquire_claim", claim(&b, "src/[", false)),
        ErrorKind::Invalid,
    );
    assert_kind(
        "outside",
        two.keyed("acquire_claim", claim(&b, "../x", false)),
        ErrorKind::Invalid,
    );
    assert_kind(
        "not own session",
        two.keyed("acquire_claim", claim(&a, "x", false)),
        ErrorKind::NotFound,
    );
    // Two shared claims may overlap; the other's owner is told.
    one.does("acquire_claim", claim(&a, "docs/**", false));
    two.does("acquire_claim", claim(&b, "docs/a.md", false));
    let told = one.rows("SELECT * FROM my_inbox");
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["reason"][0], json!(4));
    one.does("end_session", json!([a]));
    assert_kind(
        "an ended session",
        one.keyed("acquire_claim", claim(&a, "x", false)),
        ErrorKind::Conflict,
    );
    two.does("acquire_claim", claim(&b, "src/lib.rs", true));
}
