use serde_json::{Value, json};
use spaces_domain::ErrorKind::{Archived, Conflict, Invalid, NotFound, PermissionDenied};
use spaces_domain::limits;
use spaces_tests::{Caller, none, some, word};
use uuid::Uuid;

use super::{Case, Family, NOWHERE, Stage};

fn channel(id: u64, name: &str, kind: &str, topic: Value) -> Value {
    json!([none(), id, name, word(kind), word("open"), topic])
}

fn private(stage: &Stage, name: &str) -> u64 {
    stage.server.new_channel(name, "text", "private")
}

fn thread(of: &Caller, channel: u64) -> Value {
    let name = Uuid::new_v4().to_string();
    of.does("create_thread", json!([none(), channel, name]));
    let threads = of.rows("SELECT * FROM thread");
    let made = threads.iter().find(|row| row["name"] == json!(name));
    made.unwrap()["id"].clone()
}

pub const CASES: Family = &[
    ("create_channel", |stage| {
        let (boss, id) = (&stage.boss, stage.server.id);
        let long = some("x".repeat(limits::TOPIC_CHARS + 1));
        let name = "x".repeat(limits::NAME_CHARS + 1);
        Case::keyed(
            boss,
            channel(id, "dev", "text", none()),
            channel(id, "dev2", "text", none()),
        )
        .no(
            "by a member",
            &stage.member,
            channel(id, "d", "text", none()),
            PermissionDenied,
        )
        .no(
            "no server",
            boss,
            channel(NOWHERE, "d", "text", none()),
            NotFound,
        )
        .no(
            "taken",
            boss,
            channel(id, "general", "voice", none()),
            Conflict,
        )
        .no("no name", boss, channel(id, "", "text", none()), Invalid)
        .no(
            "capitals",
            boss,
            channel(id, "Dev", "text", none()),
            Invalid,
        )
        .no(
            "too long a name",
            boss,
            channel(id, &name, "text", none()),
            Invalid,
        )
        .no(
            "too long a topic",
            boss,
            channel(id, "d", "text", long),
            Invalid,
        )
        .no(
            "two lines",
            boss,
            channel(id, "d", "text", some("a\nb")),
            Invalid,
        )
    }),
    ("update_channel", |stage| {
        let (boss, general) = (&stage.boss, stage.general);
        stage.server.new_channel("taken", "text", "open");
        let of = |id: u64, name: Value, topic: Value, slow: Value| {
            json!([none(), id, name, topic, none(), slow])
        };
        let topic = |text: &str| of(general, none(), some(text), none());
        let slow = some(limits::SLOW_MODE_MAX_SECS + 1);
        Case::keyed(boss, topic("t"), topic("u"))
            .no("by a member", &stage.member, topic("t"), PermissionDenied)
            .no(
                "no channel",
                boss,
                of(NOWHERE, none(), none(), none()),
                NotFound,
            )
            .no(
                "a taken name",
                boss,
                of(general, some("taken"), none(), none()),
                Conflict,
            )
            .no(
                "a bad name",
                boss,
                of(general, some("a b"), none(), none()),
                Invalid,
            )
            .no("too slow", boss, of(general, none(), none(), slow), Invalid)
    }),
    ("archive_channel", |stage| {
        let (boss, general) = (&stage.boss, stage.general);
        Case::keyed(
            boss,
            json!([none(), general, true]),
            json!([none(), general, false]),
        )
        .no(
            "by a member",
            &stage.member,
            json!([none(), general, true]),
            PermissionDenied,
        )
        .no("no channel", boss, json!([none(), NOWHERE, true]), NotFound)
    }),
    ("delete_channel", |stage| {
        let (boss, general) = (&stage.boss, stage.general);
        let hidden = private(stage, "hidden");
        Case::keyed(boss, json!([none(), general]), json!([none(), hidden]))
            .no(
                "by a member",
                &stage.member,
                json!([none(), general]),
                PermissionDenied,
            )
            .no(
                "one that is hidden",
                &stage.member,
                json!([none(), hidden]),
                NotFound,
            )
            .no("no channel", boss, json!([none(), NOWHERE]), NotFound)
    }),
    ("add_channel_member", |stage| {
        let (boss, member) = (&stage.boss, &stage.member);
        let (hidden, shared) = (private(stage, "hidden"), private(stage, "shared"));
        let other = stage.world.user();
        other.does("join_server", json!([stage.server.id]));
        boss.does("add_channel_member", json!([none(), shared, other.id()]));
        let of = |channel: u64, who: &Caller| json!([none(), channel, who.id()]);
        Case::keyed(boss, of(hidden, member), of(hidden, boss))
            .no("who does not read it", member, of(hidden, member), NotFound)
            .no("by a member", &other, of(shared, member), PermissionDenied)
            .no("an outsider", boss, of(hidden, &stage.outsider), NotFound)
            .no(
                "to an open channel",
                boss,
                of(stage.general, member),
                Conflict,
            )
            .no("no channel", boss, of(NOWHERE, member), NotFound)
    }),
    ("remove_channel_member", |stage| {
        let (boss, member) = (&stage.boss, &stage.member);
        let hidden = private(stage, "hidden");
        boss.does("add_channel_member", json!([none(), hidden, member.id()]));
        let of = |channel: u64, who: &Caller| json!([none(), channel, who.id()]);
        Case::keyed(boss, of(hidden, member), of(hidden, boss))
            .no("by a member", member, of(hidden, boss), PermissionDenied)
            .no(
                "who does not read it",
                boss,
                of(hidden, &stage.outsider),
                NotFound,
            )
            .no(
                "from an open channel",
                boss,
                of(stage.general, member),
                Conflict,
            )
            .no("no channel", boss, of(NOWHERE, member), NotFound)
    }),
    ("create_thread", |stage| {
        let (member, general) = (&stage.member, stage.general);
        let hidden = private(stage, "hidden");
        let shut = stage.server.new_channel("shut", "text", "open");
        stage
            .boss
            .does("archive_channel", json!([none(), shut, true]));
        let long = "x".repeat(limits::NAME_CHARS + 1);
        Case::keyed(
            member,
            json!([none(), general, "t"]),
            json!([none(), general, "u"]),
        )
        .no("no name", member, json!([none(), general, ""]), Invalid)
        .no("too long", member, json!([none(), general, long]), Invalid)
        .no(
            "control characters",
            member,
            json!([none(), general, "a\u{1b}"]),
            Invalid,
        )
        .no(
            "in a hidden channel",
            member,
            json!([none(), hidden, "t"]),
            NotFound,
        )
        .no(
            "in an archived one",
            member,
            json!([none(), shut, "t"]),
            Archived,
        )
        .no(
            "by an outsider",
            &stage.outsider,
            json!([none(), general, "t"]),
            PermissionDenied,
        )
    }),
    ("archive_thread", |stage| {
        let (boss, member) = (&stage.boss, &stage.member);
        let (theirs, own) = (thread(boss, stage.general), thread(member, stage.general));
        Case::keyed(member, json!([none(), own]), json!([none(), theirs]))
            .no(
                "another's",
                member,
                json!([none(), theirs]),
                PermissionDenied,
            )
            .no("no thread", member, json!([none(), NOWHERE]), NotFound)
            .no(
                "by an outsider",
                &stage.outsider,
                json!([none(), own]),
                PermissionDenied,
            )
    }),
    ("unarchive_thread", |stage| {
        let (boss, member) = (&stage.boss, &stage.member);
        let (theirs, own) = (thread(boss, stage.general), thread(member, stage.general));
        member.does("archive_thread", json!([none(), own]));
        boss.does("archive_thread", json!([none(), theirs]));
        Case::keyed(member, json!([none(), own]), json!([none(), theirs]))
            .no(
                "another's",
                member,
                json!([none(), theirs]),
                PermissionDenied,
            )
            .no("no thread", member, json!([none(), NOWHERE]), NotFound)
    }),
];
