use serde_json::{Value, json};
use spaces_domain::ErrorKind::{Conflict, Invalid, NotFound, PermissionDenied};
use spaces_tests::{Caller, none, word};

use super::{Case, Family, NOWHERE};

fn join(channel: u64, muted: bool) -> Value {
    json!([none(), channel, muted, false])
}

fn offer(to: &Caller, payload: &str) -> Value {
    json!([to.id(), word("offer"), payload])
}

pub const CASES: Family = &[
    ("join_voice", |stage| {
        let member = &stage.member;
        let lounge = stage.server.new_channel("lounge", "voice", "open");
        Case::keyed(member, join(lounge, false), join(lounge, true))
            .no(
                "a text channel",
                member,
                join(stage.general, false),
                Invalid,
            )
            .no("no channel", member, join(NOWHERE, false), NotFound)
            .no(
                "by an outsider",
                &stage.outsider,
                join(lounge, false),
                PermissionDenied,
            )
            .holding(vec![stage.world.online(member)])
    }),
    ("leave_voice", |stage| {
        let member = &stage.member;
        let lounge = stage.server.new_channel("lounge", "voice", "open");
        let wire = stage.world.online(member);
        member.does("join_voice", join(lounge, false));
        // It says nothing but its key: what is refused is who may not call at
        // all, and other content is a call of another kind.
        Case::unkeyed(member, json!([uuid::Uuid::new_v4().to_string()]))
            .no("no key", member, json!(["1"]), Invalid)
            .holding(vec![wire])
    }),
    ("set_voice_state", |stage| {
        let member = &stage.member;
        let lounge = stage.server.new_channel("lounge", "voice", "open");
        let wire = stage.world.online(member);
        member.does("join_voice", join(lounge, false));
        Case::unkeyed(member, json!([true, true, false]))
            .no(
                "where one is not",
                &stage.boss,
                json!([true, true, false]),
                Conflict,
            )
            .holding(vec![wire])
    }),
    ("voice_signal", |stage| {
        let (boss, member) = (&stage.boss, &stage.member);
        let lounge = stage.server.new_channel("lounge", "voice", "open");
        let wires = [boss, member].map(|one| {
            let wire = stage.world.online(one);
            one.does("join_voice", join(lounge, false));
            wire
        });
        let outsider = &stage.outsider;
        Case::keyed(member, offer(boss, "one"), offer(boss, "two"))
            .no("to oneself", member, offer(member, "x"), Invalid)
            .no(
                "to who is not there",
                member,
                offer(outsider, "x"),
                NotFound,
            )
            .no(
                "from who is not there",
                outsider,
                offer(boss, "x"),
                Conflict,
            )
            .no("nothing", member, offer(boss, ""), Invalid)
            .holding(wires.into())
    }),
];
