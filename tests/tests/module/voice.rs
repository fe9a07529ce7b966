//! Voice: rosters, signals and spoken turns. Whoever takes part holds a
//! connection open: with the last one ends the taking part.

use serde_json::{Map, Value, json};
use spaces_domain::{ErrorKind, Role, limits};
use spaces_tests::{Caller, Wire, eventually, none, some, word};

use crate::world::{Server, World, find, message, session};

/// Someone with a connection.
struct Speaker {
    user: Caller,
    wire: Wire,
}

impl Speaker {
    fn of(world: &World, server: &mut Server) -> Self {
        let user = world.user();
        server.admit(&user, Role::Member);
        let wire = world.online(&user);
        Self { user, wire }
    }

    fn joins(&self, channel: u64) {
        self.user
            .does("join_voice", json!([none(), channel, false, false]));
    }

    fn signals(
        &self,
        to: &Caller,
        kind: &str,
        payload: &str,
    ) -> Result<(), spaces_domain::Refusal> {
        self.user
            .keyed("voice_signal", json!([to.id(), word(kind), payload]))
    }

    fn inbox(&self) -> Vec<Map<String, Value>> {
        self.user.rows("SELECT * FROM my_inbox")
    }
}

fn stage(world: &World) -> (Server, u64) {
    let owner = world.user();
    let server = world.server(&owner, Role::Member, "open");
    let lounge = server.new_channel("lounge", "voice", "open");
    (server, lounge)
}

fn roster(as_seen_by: &Caller, channel: u64) -> Vec<Map<String, Value>> {
    let rows = as_seen_by.rows("SELECT * FROM voice_state");
    let there = rows
        .into_iter()
        .filter(|row| row["channel_id"] == json!(channel));
    there.collect()
}

fn is_there(row: &[Map<String, Value>], who: &Caller) -> bool {
    row.iter().any(|row| who.is(&row["identity"]))
}

#[test]
fn who_joins_is_in_the_roster_until_they_leave() {
    let world = World::open();
    let (mut server, lounge) = stage(&world);
    let (one, two) = (
        Speaker::of(&world, &mut server),
        Speaker::of(&world, &mut server),
    );
    one.joins(lounge);
    two.joins(lounge);
    let seen = roster(&server.boss, lounge);
    assert_eq!(seen.len(), 2, "{seen:?}");
    one.user
        .call("set_voice_state", json!([false, true, true]))
        .unwrap();
    let seen = roster(&server.boss, lounge);
    let state = seen
        .iter()
        .find(|row| one.user.is(&row["identity"]))
        .unwrap();
    let flags = ["muted", "deafened", "speaking"].map(|flag| state[flag].as_bool().unwrap());
    assert_eq!(flags, [false, true, true]);
    // Who is muted does not speak.
    one.user
        .call("set_voice_state", json!([true, false, true]))
        .unwrap();
    let seen = roster(&server.boss, lounge);
    let state = seen
        .iter()
        .find(|row| one.user.is(&row["identity"]))
        .unwrap();
    assert_eq!(
        (&state["muted"], &state["speaking"]),
        (&json!(true), &json!(false))
    );

    // A spoken turn is a message like others.
    one.user
        .does("send_message", message(none(), lounge, "text", "as I said"));
    let said = two.user.rows("SELECT * FROM message");
    assert_eq!(
        find(&said, "content", &json!("as I said"))["channel_id"],
        json!(lounge)
    );

    one.user.does("leave_voice", json!([]));
    let seen = roster(&server.boss, lounge);
    assert!(!is_there(&seen, &one.user) && is_there(&seen, &two.user));
    one.user.does("leave_voice", json!([]));
}

#[test]
fn one_is_in_one_voice_channel_only_and_an_agent_shows_who_it_is() {
    let world = World::open();
    let (mut server, lounge) = stage(&world);
    let den = server.new_channel("den", "voice", "open");
    let one = Speaker::of(&world, &mut server);
    one.joins(lounge);
    let run = session(&one.user);
    one.user
        .does("join_voice", json!([some(run), den, true, false]));
    assert!(roster(&server.boss, lounge).is_empty());
    let there = roster(&server.boss, den);
    assert_eq!(there[0]["muted"], json!(true));
    let address = there[0]["agent_address"][1].as_str().unwrap();
    assert!(address.ends_with("/claude.spaces.main"), "{address}");
}

#[test]
fn a_signal_reaches_its_recipient_and_nobody_else() {
    let world = World::open();
    let (mut server, lounge) = stage(&world);
    let mut all: Vec<Speaker> = (0..3).map(|_| Speaker::of(&world, &mut server)).collect();
    all.iter().for_each(|speaker| speaker.joins(lounge));
    for speaker in &mut all {
        assert!(speaker.wire.subscribes("SELECT * FROM my_inbox"));
        assert!(speaker.wire.subscribes("SELECT * FROM voice_state"));
        assert!(speaker.wire.subscribes("SELECT * FROM note"));
    }
    for (kind, payload) in [
        ("offer", "the-offer"),
        ("answer", "the-answer"),
        ("candidate", "the-candidate"),
        ("hangup", ""),
    ] {
        all[0].signals(&all[1].user, kind, payload).unwrap();
    }
    let fence = json!([none(), "repo", none(), "all is said", []]);
    all[0].user.does("leave_note", fence);
    for (at, speaker) in all.iter_mut().enumerate() {
        let heard = speaker.wire.until("all is said");
        for payload in ["the-offer", "the-answer", "the-candidate"] {
            assert_eq!(heard.contains(payload), at == 1, "{payload} at {at}");
        }
    }
    let inbox = all[1].inbox();
    assert_eq!(inbox.len(), 4);
    assert!(inbox.iter().all(|row| row["reason"][0] == json!(5)));
    assert!(all[0].inbox().is_empty() && all[2].inbox().is_empty());

    // What was not fetched is worth nothing once the recipient has left.
    all[1].user.does("leave_voice", json!([]));
    assert!(all[1].inbox().is_empty());
}

#[test]
fn the_last_connection_takes_its_user_out_and_a_crash_of_the_hub_all() {
    let mut world = World::open();
    let (mut server, lounge) = stage(&world);
    let one = Speaker::of(&world, &mut server);
    let two = Speaker::of(&world, &mut server);
    one.joins(lounge);
    two.joins(lounge);
    let second = world.online(&one.user);
    drop(one.wire);
    // Another call comes and goes as a connection of its own.
    one.user.call("heartbeat", json!([[]])).unwrap();
    assert!(is_there(&roster(&server.boss, lounge), &one.user));
    drop(second);
    eventually("the last connection ends", || {
        (!is_there(&roster(&server.boss, lounge), &one.user)).then_some(())
    });
    assert!(is_there(&roster(&server.boss, lounge), &two.user));

    world.crash();
    eventually("nobody is connected any more", || {
        roster(&server.boss, lounge).is_empty().then_some(())
    });
}

#[test]
fn who_loses_the_channel_loses_the_conversation() {
    let world = World::open();
    let (mut server, lounge) = stage(&world);
    let den = server.new_channel("den", "voice", "private");
    let (one, two) = (
        Speaker::of(&world, &mut server),
        Speaker::of(&world, &mut server),
    );
    for user in [&one.user, &two.user] {
        server
            .boss
            .does("add_channel_member", json!([none(), den, user.id()]));
    }
    one.joins(den);
    two.joins(den);
    let seen = |by: &Caller| by.rows("SELECT * FROM my_voice_states").len();
    assert_eq!((seen(&one.user), seen(&two.user)), (2, 2));
    assert!(roster(&server.boss, den).is_empty(), "it is no open roster");
    one.signals(&two.user, "offer", "before").unwrap();
    server
        .boss
        .does("remove_channel_member", json!([none(), den, two.user.id()]));
    assert_eq!((seen(&one.user), seen(&two.user)), (1, 0));
    assert!(two.inbox().is_empty());
    let refusal = one.signals(&two.user, "offer", "after").unwrap_err();
    assert_eq!(refusal.kind, ErrorKind::NotFound);

    // The same goes for a kick, an archived channel and a deleted one.
    one.joins(lounge);
    two.joins(lounge);
    server.boss.does(
        "kick_member",
        json!([none(), server.id, two.user.id(), none()]),
    );
    assert!(!is_there(&roster(&server.boss, lounge), &two.user));
    server
        .boss
        .does("archive_channel", json!([none(), lounge, true]));
    assert!(roster(&server.boss, lounge).is_empty());
    let state = one
        .user
        .call("set_voice_state", json!([false, false, true]));
    assert_eq!(state.unwrap_err().kind, ErrorKind::Conflict);
    server
        .boss
        .does("archive_channel", json!([none(), lounge, false]));
    one.joins(lounge);
    server.boss.does("delete_channel", json!([none(), lounge]));
    eventually("the roster goes with its channel", || {
        roster(&server.boss, lounge).is_empty().then_some(())
    });
}

#[test]
fn who_is_muted_in_the_server_is_muted_in_voice() {
    let world = World::open();
    let (mut server, lounge) = stage(&world);
    let one = Speaker::of(&world, &mut server);
    one.joins(lounge);
    one.user
        .call("set_voice_state", json!([false, false, true]))
        .unwrap();
    let later = json!({ "__timestamp_micros_since_unix_epoch__": 4_102_444_800_000_000_u64 });
    server.boss.does(
        "mute_member",
        json!([none(), server.id, one.user.id(), later, none()]),
    );
    let flags = || {
        let state = &roster(&server.boss, lounge)[0];
        (state["muted"].clone(), state["speaking"].clone())
    };
    assert_eq!(flags(), (json!(true), json!(false)));
    one.user
        .call("set_voice_state", json!([false, false, true]))
        .unwrap();
    assert_eq!(flags(), (json!(true), json!(false)));
    one.user.does("leave_voice", json!([]));
    one.joins(lounge);
    assert_eq!(flags(), (json!(true), json!(false)));
}

#[test]
fn what_voice_refuses() {
    let world = World::open();
    let (mut server, lounge) = stage(&world);
    let general = server.channel("general");
    let archived = server.new_channel("shut", "voice", "open");
    server
        .boss
        .does("archive_channel", json!([none(), archived, true]));
    let hidden = server.new_channel("den", "voice", "private");
    let (one, two) = (
        Speaker::of(&world, &mut server),
        Speaker::of(&world, &mut server),
    );
    let outsider = world.user();
    let join = |who: &Caller, channel: u64| {
        let joined = who.keyed("join_voice", json!([none(), channel, false, false]));
        joined.map_err(|refusal| refusal.kind)
    };
    assert_eq!(join(&one.user, general), Err(ErrorKind::Invalid));
    assert_eq!(join(&one.user, 999_999), Err(ErrorKind::NotFound));
    assert_eq!(join(&one.user, hidden), Err(ErrorKind::NotFound));
    assert_eq!(join(&one.user, archived), Err(ErrorKind::Archived));
    assert_eq!(join(&outsider, lounge), Err(ErrorKind::PermissionDenied));

    let state = one
        .user
        .call("set_voice_state", json!([false, false, false]));
    assert_eq!(state.unwrap_err().kind, ErrorKind::Conflict);
    let signal = |to: &Caller, kind: &str, payload: &str| {
        one.signals(to, kind, payload)
            .map_err(|refusal| refusal.kind)
    };
    assert_eq!(signal(&two.user, "offer", "x"), Err(ErrorKind::Conflict));
    one.joins(lounge);
    assert_eq!(signal(&two.user, "offer", "x"), Err(ErrorKind::NotFound));
    assert_eq!(signal(&one.user, "offer", "x"), Err(ErrorKind::Invalid));
    two.joins(lounge);
    let longest = "x".repeat(limits::SIGNAL_CHARS);
    assert_eq!(signal(&two.user, "offer", &longest), Ok(()));
    for bad in ["", " ", "a\u{0}b", &format!("{longest}x")] {
        assert_eq!(signal(&two.user, "offer", bad), Err(ErrorKind::Invalid));
    }
    assert_eq!(two.inbox().len(), 1, "only the good one has arrived");
    // Another room of the same server is not the same conversation.
    let annex = server.new_channel("annex", "voice", "open");
    two.joins(annex);
    assert_eq!(signal(&two.user, "offer", "x"), Err(ErrorKind::NotFound));
}

#[test]
fn a_voice_channel_has_a_last_place() {
    let world = World::open();
    let (mut server, lounge) = stage(&world);
    let there: Vec<Speaker> = (0..limits::VOICE_PARTICIPANTS)
        .map(|_| Speaker::of(&world, &mut server))
        .collect();
    there.iter().for_each(|speaker| speaker.joins(lounge));
    let late = Speaker::of(&world, &mut server);
    let join = || {
        late.user
            .keyed("join_voice", json!([none(), lounge, false, false]))
    };
    assert_eq!(join().unwrap_err().kind, ErrorKind::Conflict);
    there[0].user.does("leave_voice", json!([]));
    assert_eq!(join(), Ok(()));
}
