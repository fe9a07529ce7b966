//! Who is outside gets no byte of what is inside, while it happens: the bytes
//! that arrive at open connections of outsiders are searched for words that
//! only stand in private content.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use spaces_bindings::{DbConnection, declared};
use spaces_domain::Role;
use spaces_tests::{Caller, Proxy, Wire, eventually, none, some, word};
use spacetimedb_sdk::Compression;

use crate::world::{Server, World, context, find, message};

/// Part of each private text, and of nothing else. Also a good channel name.
const MARK: &str = "q7x9";
const FENCE: &str = "what comes after all of it";

/// The names of all tables and views of the hub, private ones too.
fn tables(world: &World) -> Vec<String> {
    let (status, schema) = world.publisher.gets("/v1/database/spaces/schema?version=9");
    assert_eq!(status, 200, "{schema}");
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let name = |one: &Value| one["name"].as_str().map(str::to_owned);
    let tables = schema["tables"].as_array().unwrap().iter().filter_map(name);
    let views = schema["misc_exports"].as_array().unwrap().iter();
    let views = views.filter_map(|export| name(&export["View"]));
    tables.chain(views).collect()
}

/// Subscribes to whatever it can think of; the tables that the hub gave.
fn subscribe_to_all(wire: &mut Wire, tables: &[String]) -> Vec<String> {
    for query in [
        "SELECT private_message.* FROM private_message JOIN channel ON private_message.channel_id = channel.id",
        "SELECT message.* FROM message JOIN private_message ON message.id = private_message.id",
        "SELECT channel_member.* FROM channel_member JOIN user ON channel_member.identity = user.identity",
        "SELECT delivery.* FROM delivery JOIN user ON delivery.recipient = user.identity",
    ] {
        assert!(!wire.subscribes(query), "{query}");
    }
    let given = tables
        .iter()
        .filter(|table| wire.subscribes(&format!("SELECT * FROM {table}")));
    given.cloned().collect()
}

/// A private channel, an invite-only server and a conversation, of people who
/// say everything there is to say.
struct Inside {
    server: Server,
    insider: Caller,
    channel: u64,
    lounge: u64,
    outcast: Caller,
}

impl Inside {
    fn of(world: &World, outsiders: &[&Caller]) -> Self {
        let insider = world.user();
        let mut server = world.server(&insider, Role::Member, "open");
        for outsider in outsiders {
            server.admit(outsider, Role::Member);
        }
        let outcast = world.user();
        server.admit(&outcast, Role::Member);
        let channel = server.new_channel(&format!("{MARK}-name"), "text", "private");
        let lounge = server.new_channel(&format!("{MARK}-lounge"), "voice", "private");
        for channel in [channel, lounge] {
            server
                .boss
                .does("add_channel_member", json!([none(), channel, insider.id()]));
        }
        Self {
            server,
            insider,
            channel,
            lounge,
            outcast,
        }
    }

    /// Everything that may be said and done, each with a word of its own.
    fn live(&self, world: &World) {
        let (insider, boss, channel) = (&self.insider, &self.server.boss, self.channel);
        let mark = |what: &str| format!("{MARK}-{what}");
        let say = |what: &str| message(none(), channel, "text", &mark(what));
        insider.does("send_message", say("posted"));
        let inbox = insider.rows("SELECT * FROM my_inbox");
        let said = inbox.last().unwrap()["message"][1][0].clone();
        insider.does("edit_message", json!([none(), said, mark("edited")]));
        boss.does("add_reaction", json!([none(), said, format!(":{MARK}:")]));
        boss.does(
            "remove_reaction",
            json!([none(), said, format!(":{MARK}:")]),
        );
        insider.does("create_thread", json!([none(), channel, mark("thread")]));
        let direct = |text: &str| {
            let kind = word("text");
            json!([none(), boss.id(), none(), kind, text, context(), none()])
        };
        insider.does("send_direct_message", direct(&mark("direct")));
        let topic = json!([none(), channel, none(), some(mark("topic")), none(), none()]);
        boss.does("update_channel", topic);
        insider.call("start_typing", json!([channel])).unwrap();
        insider.does("mark_read", json!([channel, said]));
        insider.does("delete_message", json!([none(), said]));

        let _wires = [insider, boss].map(|one| {
            let wire = world.online(one);
            one.does("join_voice", json!([none(), self.lounge, false, false]));
            wire
        });
        let signal = json!([boss.id(), word("offer"), mark("signal")]);
        insider.does("voice_signal", signal);

        let (id, outcast) = (self.server.id, &self.outcast);
        let later = json!({ "__timestamp_micros_since_unix_epoch__": 4_102_444_800_000_000_u64 });
        let why = || some(mark("reason"));
        boss.does(
            "mute_member",
            json!([none(), id, outcast.id(), later, why()]),
        );
        boss.does("kick_member", json!([none(), id, outcast.id(), why()]));
        boss.does(
            "ban_member",
            json!([none(), id, outcast.id(), why(), none()]),
        );
        boss.does("unban_member", json!([none(), id, outcast.id()]));
        let secret = mark("secret");
        let hash: String = Sha256::digest(&secret)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let invite = json!([none(), id, word("member"), 5, none(), hash, none()]);
        boss.does("create_invite", invite);
        outcast.does("redeem_invite", json!([secret, outcast.id()]));

        // A server for the invited shows its name and no more.
        let made = json!([
            none(),
            format!("the invited of {}", id),
            word("inviteOnly"),
            none(),
            none()
        ]);
        boss.does("create_server", made);
        let mine = boss.rows("SELECT * FROM my_channels");
        let other = mine
            .iter()
            .find(|row| row["server_id"].as_u64() > Some(id))
            .unwrap();
        let hall = other["id"].as_u64().unwrap();
        let topic = json!([
            none(),
            hall,
            some(mark("hall")),
            some(mark("agenda")),
            none(),
            none()
        ]);
        boss.does("update_channel", topic);
        boss.does(
            "send_message",
            message(none(), hall, "text", &mark("invited")),
        );
    }

    /// A public word that arrives after all that was before.
    fn fence(&self) {
        let note = json!([none(), "repo", none(), FENCE, []]);
        self.insider.does("leave_note", note);
    }
}

#[test]
fn open_connections_of_outsiders_bring_nothing_private() {
    let world = World::open();
    let (member, alien) = (world.user(), world.user());
    let inside = Inside::of(&world, &[&member]);
    let tables = tables(&world);
    assert!(tables.len() > 50, "{tables:?}");
    let mut outside = [&member, &alien].map(|one| world.online(one));
    let public = [
        "agent",
        "agent_session",
        "channel",
        "claim",
        "message",
        "module_info",
        "newest_block",
        "note",
        "presence",
        "server",
        "server_member",
        "thread",
        "user",
        "voice_state",
    ];
    // Events (`typing`) come only by later versions of the protocol, as the SDK
    // speaks them.
    for wire in &mut outside {
        let given = subscribe_to_all(wire, &tables);
        let tables: Vec<_> = given.iter().filter(|one| !one.starts_with("my_")).collect();
        assert_eq!(sorted(&tables), public, "a private table was given");
        assert_eq!(
            given.len(),
            public.len() + 10,
            "the views are there: {given:?}"
        );
    }
    // The same by the SDK, whose bytes are searched on their way.
    let taps = [&member, &alien].map(|one| sdk(&world, one));
    let mut insiders = [&inside.insider, &inside.server.boss].map(|one| world.online(one));
    for wire in &mut insiders {
        subscribe_to_all(wire, &tables);
    }

    inside.live(&world);
    inside.fence();

    let heard: String = insiders
        .iter_mut()
        .map(|wire| wire.until(FENCE).to_owned())
        .collect();
    for what in [
        "name", "lounge", "posted", "edited", "thread", "direct", "topic", "signal", "reason",
        "hall", "agenda", "invited",
    ] {
        let word = format!("{MARK}-{what}");
        assert!(heard.contains(&word), "insiders see {word}");
    }
    assert!(
        heard.contains(&format!(":{MARK}:")),
        "insiders see reactions"
    );
    for wire in &mut outside {
        assert_clean(wire.until(FENCE));
    }
    for (_, tap) in &taps {
        eventually("the fence comes by the SDK", || {
            tap.has_heard(FENCE.as_bytes()).then_some(())
        });
        assert!(!tap.has_heard(MARK.as_bytes()), "the SDK got private bytes");
    }

    // Nor does asking help.
    for (wire, caller) in outside.iter_mut().zip([&member, &alien]) {
        for table in &tables {
            let query = format!("SELECT * FROM {table}");
            let _ = wire.asks(&query);
            assert_clean(&caller.sql(&query).1);
        }
        for channel in [inside.channel, inside.lounge] {
            let arguments = json!([channel, none(), 100]);
            let answer = wire.calls_procedure("channel_history", &arguments);
            assert_clean(&answer.to_string());
            assert_clean(&caller.asks("channel_history", arguments).to_string());
        }
        let audit = caller.asks("audit_history", json!([inside.server.id, none(), 100]));
        assert_clean(&audit.to_string());
        for path in [
            "/v1/database/spaces/logs",
            "/v1/database/spaces/schema?version=9",
            "/v1/database/spaces/schema?version=10",
            "/v1/database/spaces",
            "/v1/database/spaces/names",
            "/v1/metrics",
            "/v1/health",
        ] {
            assert_clean(&caller.gets(path).1);
        }
        let (logs, _) = caller.gets("/v1/database/spaces/logs");
        assert_eq!(logs, 403, "the log is the publisher's");
        inside.fence();
        assert_clean(wire.until(FENCE));
    }
}

fn sorted<'a>(names: &[&'a String]) -> Vec<&'a str> {
    let mut names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
    names.sort_unstable();
    names
}

fn assert_clean(text: &str) {
    if let Some(at) = text.find(MARK) {
        let from = at.saturating_sub(300);
        panic!("private: {}", text.get(from..at + 40).unwrap_or(text));
    }
}

/// A connection by the SDK to all tables and views, through a proxy that keeps
/// what the hub sends.
fn sdk(world: &World, caller: &Caller) -> (DbConnection, Proxy) {
    let tap = Proxy::listening(world.port());
    let connection = DbConnection::builder()
        .with_uri(tap.uri())
        .with_database_name("spaces")
        .with_token(Some(caller.token()))
        .with_compression(Compression::None)
        .build()
        .unwrap();
    connection.run_threaded();
    let (applied, is_applied) = std::sync::mpsc::channel();
    let all = declared();
    let queries = all.tables.iter().chain(&all.views);
    let queries: Vec<String> = queries
        .map(|table| format!("SELECT * FROM {}", table.name))
        .collect();
    connection
        .subscription_builder()
        .on_applied(move |_| applied.send(()).unwrap())
        .on_error(|_, error| panic!("{error}"))
        .subscribe(queries);
    is_applied
        .recv_timeout(spaces_tests::PATIENCE)
        .expect("the hub takes the subscription");
    (connection, tap)
}

#[test]
fn a_closed_hub_opens_no_connection_to_strangers_and_a_holder_of_an_invite_sees_no_views() {
    let world = World::closed();
    let stranger = world.stranger();
    let (status, text) = Wire::open(world.port(), &stranger).err().unwrap();
    assert_eq!(status, 403);
    assert!(text.starts_with("not_admitted: "), "{text}");

    let temporary = world.stranger();
    let invite = json!([
        none(),
        1,
        word("member"),
        1,
        none(),
        "ab".repeat(32),
        some(temporary.id())
    ]);
    world.publisher.does("create_invite", invite);
    let mut wire = world.online(&temporary);
    for view in declared().views {
        let rows = wire.asks(&format!("SELECT * FROM {}", view.name));
        let empty = rows.is_ok_and(|tables| !tables.to_string().contains("\\\""));
        assert!(empty, "{} shows something", view.name);
    }
}

/// A module cannot end a connection, but it can fall silent on it.
#[test]
fn who_is_shut_out_loses_the_private_at_once_on_an_open_connection() {
    let world = World::closed();
    let [owner, guest] = [world.stranger(), world.stranger()];
    for one in [&owner, &guest] {
        world.publisher.does("admit", json!([none(), one.id()]));
        one.call("heartbeat", json!([[]])).unwrap();
    }
    owner.does(
        "create_server",
        json!([none(), "a server", word("open"), none(), none()]),
    );
    let servers = owner.rows("SELECT * FROM server");
    let server = find(&servers, "name", &json!("a server"))["id"].clone();
    guest.does("join_server", json!([server]));
    let made = json!([
        none(),
        server,
        "hidden",
        word("text"),
        word("private"),
        none()
    ]);
    owner.does("create_channel", made);
    let channel = owner.rows("SELECT * FROM my_channels")[0]["id"].clone();
    owner.does("add_channel_member", json!([none(), channel, guest.id()]));
    let mut wire = world.online(&guest);
    for table in ["my_inbox", "my_channels", "my_threads", "my_audit", "note"] {
        assert!(wire.subscribes(&format!("SELECT * FROM {table}")));
    }
    let channel = channel.as_u64().unwrap();
    owner.does(
        "send_message",
        message(none(), channel, "text", "while inside"),
    );
    wire.until("while inside");
    world
        .publisher
        .does("revoke_admission", json!([none(), guest.id()]));
    wire.forget();

    owner.does(
        "send_message",
        message(none(), channel, "text", &format!("{MARK} said")),
    );
    let direct = json!([
        none(),
        guest.id(),
        none(),
        word("text"),
        format!("{MARK} direct"),
        context(),
        none()
    ]);
    assert!(owner.keyed("send_direct_message", direct).is_err());
    owner.does("leave_note", json!([none(), "repo", none(), FENCE, []]));
    assert_clean(wire.until(FENCE));
}
