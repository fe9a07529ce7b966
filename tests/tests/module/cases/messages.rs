use serde_json::{Value, json};
use spaces_domain::ErrorKind::{Archived, Conflict, Invalid, NotFound, PermissionDenied};
use spaces_domain::limits;
use spaces_tests::{Caller, none, some, word};
use uuid::Uuid;

use super::{Case, Family, NOWHERE, Stage};
use crate::world::{context, message, post, session};

fn text(channel: u64, text: &str) -> Value {
    message(none(), channel, "text", text)
}

fn said(stage: &Stage, by: &Caller) -> u64 {
    post(by, none(), stage.general, &Uuid::new_v4().to_string())
}

fn deleted(stage: &Stage) -> u64 {
    let id = said(stage, &stage.member);
    stage.member.does("delete_message", json!([none(), id]));
    id
}

fn direct(to: &Caller, agent: Value, text: &str) -> Value {
    json!([
        none(),
        to.id(),
        agent,
        word("text"),
        text,
        context(),
        none()
    ])
}

pub const CASES: Family = &[
    ("send_message", |stage| {
        let (member, general) = (&stage.member, stage.general);
        let server = &stage.server;
        let hidden = server.new_channel("hidden", "text", "private");
        let news = server.new_channel("news", "announcement", "open");
        let shut = server.new_channel("shut", "text", "open");
        stage
            .boss
            .does("archive_channel", json!([none(), shut, true]));
        let voice = server.new_channel("lounge", "voice", "open");
        let long = "x".repeat(limits::CONTENT_CHARS + 1);
        let theirs = some(session(&stage.boss));
        let reply = json!([
            none(),
            general,
            none(),
            word("text"),
            "re",
            context(),
            some(NOWHERE)
        ]);
        let thread = json!([
            none(),
            general,
            some(NOWHERE),
            word("text"),
            "re",
            context(),
            none()
        ]);
        let of = |kind: &str| message(none(), general, kind, "hi");
        Case::keyed(member, text(general, "one"), text(general, "two"))
            .no("nothing", member, text(general, ""), Invalid)
            .no("blank", member, text(general, " \n"), Invalid)
            .no("too long", member, text(general, &long), Invalid)
            .no(
                "control characters",
                member,
                text(general, "\u{1b}[31m"),
                Invalid,
            )
            .no("the hub's own kinds", member, of("join"), Invalid)
            .no("the hub's own kinds", member, of("leave"), Invalid)
            .no("the hub's own kinds", member, of("system"), Invalid)
            .no(
                "a kind not of this type",
                member,
                message(none(), voice, "summary", "x"),
                Invalid,
            )
            .no("no channel", member, text(NOWHERE, "x"), NotFound)
            .no("a hidden channel", member, text(hidden, "x"), NotFound)
            .no("announcements", member, text(news, "x"), PermissionDenied)
            .no("an archived channel", member, text(shut, "x"), Archived)
            .no("no message to answer", member, reply, NotFound)
            .no("no thread", member, thread, NotFound)
            .no(
                "another's session",
                member,
                message(theirs, general, "text", "x"),
                NotFound,
            )
            .no(
                "by an outsider",
                &stage.outsider,
                text(general, "x"),
                PermissionDenied,
            )
    }),
    ("send_direct_message", |stage| {
        let (member, boss) = (&stage.member, &stage.boss);
        let nobody = stage.world.stranger();
        let long = "x".repeat(limits::CONTENT_CHARS + 1);
        let agent = some("@nobody/at.all");
        let kind = json!([
            none(),
            boss.id(),
            none(),
            word("join"),
            "x",
            context(),
            none()
        ]);
        Case::keyed(
            member,
            direct(boss, none(), "one"),
            direct(boss, none(), "two"),
        )
        .no("to nobody", member, direct(&nobody, none(), "x"), NotFound)
        .no("to oneself", member, direct(member, none(), "x"), Invalid)
        .no("to no agent", member, direct(boss, agent, "x"), NotFound)
        .no(
            "to no address",
            member,
            direct(boss, some("agent"), "x"),
            Invalid,
        )
        .no("nothing", member, direct(boss, none(), ""), Invalid)
        .no("too long", member, direct(boss, none(), &long), Invalid)
        .no("the hub's own kinds", member, kind, Invalid)
    }),
    ("edit_message", |stage| {
        let (member, boss) = (&stage.member, &stage.boss);
        let (own, gone) = (said(stage, member), deleted(stage));
        let of = |id: u64, text: &str| json!([none(), id, text]);
        Case::keyed(member, of(own, "changed"), of(own, "again"))
            .no("another's", boss, of(own, "mine"), PermissionDenied)
            .no("no message", member, of(NOWHERE, "x"), NotFound)
            .no("a deleted one", member, of(gone, "x"), NotFound)
            .no("to nothing", member, of(own, ""), Invalid)
            .no("control characters", member, of(own, "a\u{7f}"), Invalid)
    }),
    ("delete_message", |stage| {
        let (member, boss) = (&stage.member, &stage.boss);
        let (own, theirs, gone) = (said(stage, member), said(stage, boss), deleted(stage));
        let of = |id: u64| json!([none(), id]);
        Case::keyed(member, of(own), of(theirs))
            .no("another's", member, of(theirs), PermissionDenied)
            .no("no message", member, of(NOWHERE), NotFound)
            .no("a deleted one", member, of(gone), NotFound)
            .no("by an outsider", &stage.outsider, of(own), PermissionDenied)
    }),
    ("add_reaction", |stage| {
        let member = &stage.member;
        let (one, gone) = (said(stage, &stage.boss), deleted(stage));
        let full = said(stage, &stage.boss);
        for n in 0..limits::REACTIONS {
            member.does("add_reaction", json!([none(), full, format!(":{n}:")]));
        }
        let of = |id: u64, emoji: &str| json!([none(), id, emoji]);
        let long = "x".repeat(limits::EMOJI_CHARS + 1);
        Case::keyed(member, of(one, "👍"), of(one, "👎"))
            .no("nothing", member, of(one, ""), Invalid)
            .no("spaces", member, of(one, "a b"), Invalid)
            .no("too long", member, of(one, &long), Invalid)
            .no("one too many", member, of(full, "👍"), Conflict)
            .no("no message", member, of(NOWHERE, "👍"), NotFound)
            .no("a deleted one", member, of(gone, "👍"), NotFound)
            .no(
                "by an outsider",
                &stage.outsider,
                of(one, "👍"),
                PermissionDenied,
            )
    }),
    ("remove_reaction", |stage| {
        let member = &stage.member;
        let one = said(stage, &stage.boss);
        member.does("add_reaction", json!([none(), one, "👍"]));
        let of = |id: u64| json!([none(), id, "👍"]);
        Case::keyed(member, of(one), json!([none(), one, "👎"]))
            .no("no message", member, of(NOWHERE), NotFound)
            .no("by an outsider", &stage.outsider, of(one), PermissionDenied)
    }),
    ("mark_read", |stage| {
        let (member, general) = (&stage.member, stage.general);
        let one = said(stage, &stage.boss);
        let hidden = stage.server.new_channel("hidden", "text", "private");
        Case::keyed(member, json!([general, one]), json!([general, one - 1]))
            .no(
                "what is yet to come",
                member,
                json!([general, NOWHERE]),
                NotFound,
            )
            .no("no channel", member, json!([NOWHERE, one]), NotFound)
            .no("a hidden channel", member, json!([hidden, one]), NotFound)
    }),
    ("start_typing", |stage| {
        let (boss, member) = (&stage.boss, &stage.member);
        let hidden = stage.server.new_channel("hidden", "text", "private");
        let shut = stage.server.new_channel("shut", "text", "open");
        boss.does("archive_channel", json!([none(), shut, true]));
        Case::unkeyed(boss, json!([hidden]))
            .no("a hidden channel", member, json!([hidden]), NotFound)
            .no("no channel", member, json!([NOWHERE]), NotFound)
            .no("an archived one", member, json!([shut]), Archived)
            .no(
                "by an outsider",
                &stage.outsider,
                json!([stage.general]),
                PermissionDenied,
            )
    }),
    ("ack_deliveries", |stage| {
        let (boss, member) = (&stage.boss, &stage.member);
        boss.does("send_direct_message", direct(member, none(), "hello"));
        let id = member.rows("SELECT * FROM my_inbox")[0]["id"].clone();
        let many = vec![NOWHERE; limits::ACK_IDS + 1];
        Case::unkeyed(member, json!([[id, NOWHERE]])).no("too many", member, json!([many]), Invalid)
    }),
];
