use serde_json::{Value, json};
use spaces_domain::ErrorKind::{Conflict, Invalid, NotFound};
use spaces_domain::limits;
use spaces_tests::{none, some, word};
use uuid::Uuid;

use super::{Case, Family};
use crate::world::session;

pub const CASES: Family = &[
    ("set_profile", |stage| {
        let member = &stage.member;
        let named = |name: &str| json!([some(name), none(), none(), none(), none()]);
        let taken = format!("u{}", Uuid::new_v4().simple());
        stage.boss.does("set_profile", named(&taken));
        let free = format!("u{}", Uuid::new_v4().simple());
        let long = "x".repeat(limits::PROSE_CHARS + 1);
        Case::keyed(member, named(&free), named("other"))
            .no("taken", member, named(&taken), Conflict)
            .no("capitals", member, named("Alice"), Invalid)
            .no("empty", member, named(""), Invalid)
            .no(
                "the hub's own names",
                member,
                named("user-000000000000"),
                Invalid,
            )
            .no(
                "a long life",
                member,
                json!([none(), none(), some(long), none(), none()]),
                Invalid,
            )
            .no(
                "two lines",
                member,
                json!([none(), some("a\nb"), none(), none(), none()]),
                Invalid,
            )
            .no(
                "no picture",
                member,
                json!([none(), none(), none(), some("file:///x"), none()]),
                Invalid,
            )
    }),
    ("set_status", |stage| {
        let member = &stage.member;
        let long = "x".repeat(limits::PROSE_CHARS + 1);
        Case::keyed(member, json!([some("at lunch")]), json!([some("back")]))
            .no("too long", member, json!([some(long)]), Invalid)
            .no(
                "control characters",
                member,
                json!([some("a\u{7}")]),
                Invalid,
            )
            .no("blank", member, json!([some("  ")]), Invalid)
    }),
    ("register_agent", |stage| {
        let member = &stage.member;
        let long = "x".repeat(limits::PROSE_CHARS + 1);
        Case::keyed(
            member,
            json!(["a.b", "tool", none()]),
            json!(["a.c", "tool", none()]),
        )
        .no(
            "a bad name",
            member,
            json!(["Not Good", "tool", none()]),
            Invalid,
        )
        .no("no name", member, json!(["", "tool", none()]), Invalid)
        .no("no tool", member, json!(["a", "", none()]), Invalid)
        .no(
            "too much said",
            member,
            json!(["a", "tool", some(long)]),
            Invalid,
        )
    }),
    ("start_session", |stage| {
        let member = &stage.member;
        let taken = session(member);
        let of = |id: &str, agent: &str, repo: &str| {
            json!([id, agent, "tool", repo, none(), none(), none(), []])
        };
        let fresh = Uuid::new_v4().to_string();
        let long = "x".repeat(limits::REPO_CHARS + 1);
        let paths = vec!["p"; limits::PATHS + 1];
        let many = json!([fresh, "a", "tool", "r", none(), none(), none(), paths]);
        Case::keyed(member, of(&fresh, "a", "r"), of(&fresh, "b", "r"))
            .no("no uuid", member, of("1", "a", "r"), Invalid)
            .no("another's", &stage.boss, of(&taken, "a", "r"), Conflict)
            .no("a bad name", member, of(&fresh, "A", "r"), Invalid)
            .no("a long repository", member, of(&fresh, "a", &long), Invalid)
            .no("many paths", member, many, Invalid)
    }),
    ("update_session", |stage| {
        let member = &stage.member;
        let run = session(member);
        let ended = session(member);
        member.does("end_session", json!([ended]));
        let of =
            |id: &str, task: Value, state: Value| json!([id, task, state, none(), none(), none()]);
        let long = some("x".repeat(limits::PROSE_CHARS + 1));
        let nobody = Uuid::new_v4().to_string();
        Case::keyed(
            member,
            of(&run, some("t"), none()),
            of(&run, some("u"), none()),
        )
        .no(
            "another's",
            &stage.boss,
            of(&run, some("t"), none()),
            NotFound,
        )
        .no(
            "no session",
            member,
            of(&nobody, some("t"), none()),
            NotFound,
        )
        .no(
            "ending is another call",
            member,
            of(&run, none(), some(word("ended"))),
            Conflict,
        )
        .no(
            "back to life",
            member,
            of(&ended, none(), some(word("active"))),
            Conflict,
        )
        .no("a long task", member, of(&run, long, none()), Invalid)
    }),
    ("heartbeat", |stage| {
        let run = session(&stage.member);
        let many = vec![Uuid::new_v4().to_string(); limits::HEARTBEAT_SESSIONS + 1];
        Case::unkeyed(&stage.member, json!([[run]])).no(
            "too many",
            &stage.member,
            json!([many]),
            Invalid,
        )
    }),
    ("end_session", |stage| {
        let run = session(&stage.member);
        let nobody = Uuid::new_v4().to_string();
        Case::keyed(&stage.member, json!([run]), json!([nobody]))
            .no("another's", &stage.boss, json!([run]), NotFound)
            .no("no session", &stage.member, json!([nobody]), NotFound)
            .no("no uuid", &stage.member, json!(["1"]), Invalid)
    }),
];
