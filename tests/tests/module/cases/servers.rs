use serde_json::{Value, json};
use spaces_domain::ErrorKind::{Banned, Conflict, Invalid, NotFound, PermissionDenied};
use spaces_domain::limits;
use spaces_tests::{Caller, none, some, word};
use uuid::Uuid;

use super::{Case, Family, NOWHERE, Stage};
use crate::world::{HOME, session};

fn server(name: &str, description: Value, icon: Value) -> Value {
    json!([none(), name, word("open"), description, icon])
}

fn unique() -> String {
    format!("server {}", Uuid::new_v4().simple())
}

fn micros(at: u64) -> Value {
    json!({ "__timestamp_micros_since_unix_epoch__": at })
}

const LATER: u64 = 4_102_444_800_000_000;

/// What every act on a member refuses, whoever it is done by.
fn on_members(case: Case, stage: &Stage, of: impl Fn(u64, Value) -> Value) -> Case {
    let (boss, member, id) = (&stage.boss, &stage.member, stage.server.id);
    let admin = admin(stage);
    case.no("by a member", member, of(id, admin.id()), PermissionDenied)
        .no(
            "by an outsider",
            &stage.outsider,
            of(id, member.id()),
            PermissionDenied,
        )
        .no("on the owner", &admin, of(id, boss.id()), PermissionDenied)
        .no("on oneself", boss, of(id, boss.id()), Invalid)
        .no("in no server", boss, of(NOWHERE, member.id()), NotFound)
        .no(
            "on a stranger",
            boss,
            of(id, stage.world.stranger().id()),
            NotFound,
        )
}

fn admin(stage: &Stage) -> Caller {
    let admin = stage.world.user();
    let id = stage.server.id;
    admin.does("join_server", json!([id]));
    let arguments = json!([none(), id, admin.id(), word("admin")]);
    stage.boss.does("set_member_role", arguments);
    admin
}

pub const CASES: Family = &[
    ("create_server", |stage| {
        let member = &stage.member;
        let taken = unique();
        stage
            .boss
            .does("create_server", server(&taken, none(), none()));
        let for_session = json!([
            some(session(member)),
            unique(),
            word("open"),
            none(),
            none()
        ]);
        let long = some("x".repeat(limits::PROSE_CHARS + 1));
        Case::keyed(
            member,
            server(&unique(), none(), none()),
            server("other", none(), none()),
        )
        .no("taken", member, server(&taken, none(), none()), Conflict)
        .no("no name", member, server("", none(), none()), Invalid)
        .no("a bad name", member, server("a/b", none(), none()), Invalid)
        .no(
            "control characters",
            member,
            server("a\u{7}", none(), none()),
            Invalid,
        )
        .no(
            "too much said",
            member,
            server(&unique(), long, none()),
            Invalid,
        )
        .no(
            "no picture",
            member,
            server(&unique(), none(), some("javascript:x")),
            Invalid,
        )
        .no("for a session", member, for_session, PermissionDenied)
    }),
    ("update_server", |stage| {
        let (boss, id) = (&stage.boss, stage.server.id);
        let of = |id: u64, name: Value, text: Value| json!([none(), id, name, text, none()]);
        Case::keyed(boss, of(id, none(), some("d")), of(id, none(), some("e")))
            .no(
                "by a member",
                &stage.member,
                of(id, none(), some("d")),
                PermissionDenied,
            )
            .no("no server", boss, of(NOWHERE, none(), none()), NotFound)
            .no(
                "a taken name",
                boss,
                of(id, some("Spaces Hub"), none()),
                Conflict,
            )
            .no("a bad name", boss, of(id, some("#a"), none()), Invalid)
    }),
    ("delete_server", |stage| {
        let (boss, id) = (&stage.boss, stage.server.id);
        Case::keyed(boss, json!([none(), id]), json!([none(), NOWHERE]))
            .no(
                "by a member",
                &stage.member,
                json!([none(), id]),
                PermissionDenied,
            )
            .no(
                "by an admin",
                &admin(stage),
                json!([none(), id]),
                PermissionDenied,
            )
            .no("no server", boss, json!([none(), NOWHERE]), NotFound)
            .no(
                "the first one",
                &stage.world.publisher,
                json!([none(), HOME]),
                Conflict,
            )
    }),
    ("join_server", |stage| {
        let (outsider, id) = (&stage.outsider, stage.server.id);
        let name = unique();
        let made = json!([none(), name, word("inviteOnly"), none(), none()]);
        stage.boss.does("create_server", made);
        let servers = outsider.rows("SELECT * FROM server");
        let closed = servers
            .iter()
            .find(|row| row["name"] == json!(name))
            .unwrap()["id"]
            .clone();
        let outcast = stage.world.user();
        let ban = json!([none(), id, outcast.id(), none(), none()]);
        stage.boss.does("ban_member", ban);
        Case::keyed(outsider, json!([id]), json!([NOWHERE]))
            .no("no server", outsider, json!([NOWHERE]), NotFound)
            .no(
                "by invite only",
                outsider,
                json!([closed]),
                PermissionDenied,
            )
            .no("banned", &outcast, json!([id]), Banned)
    }),
    ("leave_server", |stage| {
        let id = stage.server.id;
        Case::keyed(&stage.member, json!([id]), json!([NOWHERE]))
            .no("the owner", &stage.boss, json!([id]), Conflict)
            .no("no member", &stage.outsider, json!([id]), PermissionDenied)
            .no("no server", &stage.member, json!([NOWHERE]), NotFound)
    }),
    ("transfer_ownership", |stage| {
        let (boss, member, id) = (&stage.boss, &stage.member, stage.server.id);
        let of = |id: u64, to: Value| json!([none(), id, to]);
        Case::keyed(boss, of(id, member.id()), of(id, boss.id()))
            .no(
                "by an admin",
                &admin(stage),
                of(id, member.id()),
                PermissionDenied,
            )
            .no("to oneself", boss, of(id, boss.id()), Invalid)
            .no(
                "to an outsider",
                boss,
                of(id, stage.outsider.id()),
                NotFound,
            )
            .no("no server", boss, of(NOWHERE, member.id()), NotFound)
    }),
    ("set_member_role", |stage| {
        let (boss, member, id) = (&stage.boss, &stage.member, stage.server.id);
        let of = |id: u64, who: Value| json!([none(), id, who, word("moderator")]);
        let case = Case::keyed(boss, of(id, member.id()), of(id, boss.id()));
        let own_tier = json!([none(), id, member.id(), word("owner")]);
        on_members(case, stage, of).no("one's own tier", boss, own_tier, PermissionDenied)
    }),
    ("kick_member", |stage| {
        let (boss, member, id) = (&stage.boss, &stage.member, stage.server.id);
        let of = |id: u64, who: Value| json!([none(), id, who, none()]);
        let long = json!([
            none(),
            id,
            member.id(),
            some("x".repeat(limits::PROSE_CHARS + 1))
        ]);
        let case = Case::keyed(boss, of(id, member.id()), of(id, boss.id()));
        on_members(case, stage, of).no("too long a reason", boss, long, Invalid)
    }),
    ("ban_member", |stage| {
        let (boss, member, id) = (&stage.boss, &stage.member, stage.server.id);
        let of = |id: u64, who: Value| json!([none(), id, who, none(), none()]);
        let past = json!([none(), id, member.id(), none(), some(micros(1))]);
        let case = Case::keyed(boss, of(id, member.id()), of(id, boss.id()));
        on_members(case, stage, of).no("over already", boss, past, Invalid)
    }),
    ("unban_member", |stage| {
        let (boss, member, id) = (&stage.boss, &stage.member, stage.server.id);
        boss.does(
            "ban_member",
            json!([none(), id, member.id(), none(), none()]),
        );
        let of = |who: &Caller| json!([none(), id, who.id()]);
        Case::keyed(boss, of(member), of(boss))
            .no("not banned", boss, of(&stage.outsider), NotFound)
            .no("by the banned", member, of(member), Banned)
            .no(
                "by an outsider",
                &stage.outsider,
                of(member),
                PermissionDenied,
            )
    }),
    ("mute_member", |stage| {
        let (boss, member, id) = (&stage.boss, &stage.member, stage.server.id);
        let of = |id: u64, who: Value| json!([none(), id, who, micros(LATER), none()]);
        let past = json!([none(), id, member.id(), micros(1), none()]);
        let case = Case::keyed(boss, of(id, member.id()), of(id, boss.id()));
        on_members(case, stage, of).no("over already", boss, past, Invalid)
    }),
    ("unmute_member", |stage| {
        let (boss, member, id) = (&stage.boss, &stage.member, stage.server.id);
        let mute = json!([none(), id, member.id(), micros(LATER), none()]);
        boss.does("mute_member", mute);
        let of = |id: u64, who: Value| json!([none(), id, who]);
        let case = Case::keyed(boss, of(id, member.id()), of(id, boss.id()));
        let admin = admin(stage);
        on_members(case, stage, of).no("not muted", boss, of(id, admin.id()), Conflict)
    }),
];
