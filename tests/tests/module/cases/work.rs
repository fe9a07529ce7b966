use serde_json::{Value, json};
use spaces_domain::ErrorKind::{Conflict, Invalid, NotFound, PermissionDenied};
use spaces_domain::limits;
use spaces_tests::{Caller, none, some, word};

use super::{Case, Family, NOWHERE};
use crate::world::session;

fn claim(run: &str, patterns: &[&str], exclusive: bool, secs: u32) -> Value {
    json!([
        run,
        "example.org/work",
        word("paths"),
        patterns,
        exclusive,
        none(),
        secs
    ])
}

fn held(by: &Caller, pattern: &str) -> Value {
    let run = session(by);
    by.does("acquire_claim", claim(&run, &[pattern], true, 600));
    let claims = by.rows("SELECT * FROM claim");
    let own = claims.iter().find(|row| row["pattern"] == json!(pattern));
    own.unwrap()["id"].clone()
}

pub const CASES: Family = &[
    ("acquire_claim", |stage| {
        let (member, boss) = (&stage.member, &stage.boss);
        held(boss, "theirs/**");
        let (run, over) = (session(member), session(member));
        member.does("end_session", json!([over]));
        let many: Vec<String> = (0..=limits::CLAIM_PATTERNS)
            .map(|n| format!("{n}"))
            .collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let long = "x".repeat(limits::CLAIM_PATTERN_CHARS + 1);
        let of = |patterns: &[&str]| claim(&run, patterns, false, 600);
        Case::keyed(member, of(&["mine/**"]), of(&["other/**"]))
            .no(
                "held by another",
                member,
                of(&["free", "theirs/a"]),
                Conflict,
            )
            .no("another's session", boss, of(&["a"]), NotFound)
            .no(
                "a session that is over",
                member,
                claim(&over, &["a"], false, 600),
                Conflict,
            )
            .no("outside", member, of(&["../a"]), Invalid)
            .no("absolute", member, of(&["/etc"]), Invalid)
            .no("no glob", member, of(&["a["]), Invalid)
            .no("nothing", member, of(&[]), Invalid)
            .no("empty", member, of(&[""]), Invalid)
            .no("too many", member, of(&many), Invalid)
            .no("too long", member, of(&[&long]), Invalid)
            .no(
                "too short a time",
                member,
                claim(&run, &["a"], false, 9),
                Invalid,
            )
            .no(
                "too long a time",
                member,
                claim(&run, &["a"], false, 604_801),
                Invalid,
            )
    }),
    ("renew_claim", |stage| {
        let (member, boss) = (&stage.member, &stage.boss);
        let (own, theirs) = (held(member, "renewed"), held(boss, "not renewed"));
        Case::keyed(member, json!([[own], 700]), json!([[own], 800]))
            .no(
                "another's",
                member,
                json!([[own, theirs], 700]),
                PermissionDenied,
            )
            .no("no claim", member, json!([[NOWHERE], 700]), NotFound)
            .no("nothing", member, json!([[], 700]), Invalid)
            .no("too short a time", member, json!([[own], 1]), Invalid)
    }),
    ("release_claim", |stage| {
        let (member, boss) = (&stage.member, &stage.boss);
        let (own, theirs) = (held(member, "released"), held(boss, "not released"));
        let many = vec![1; limits::CLAIMS_PER_SESSION + 1];
        Case::keyed(member, json!([[own]]), json!([[NOWHERE]]))
            .no(
                "another's",
                member,
                json!([[own, theirs]]),
                PermissionDenied,
            )
            .no("nothing", member, json!([[]]), Invalid)
            .no("too many", member, json!([many]), Invalid)
    }),
    ("leave_note", |stage| {
        let member = &stage.member;
        let of = |repo: &str, text: &str, paths: Value| json!([none(), repo, none(), text, paths]);
        let long = "x".repeat(limits::CONTENT_CHARS + 1);
        let theirs = json!([some(session(&stage.boss)), "r", none(), "t", []]);
        let branch = json!([none(), "r", some("b\u{1b}"), "t", []]);
        Case::keyed(member, of("r", "one", json!([])), of("r", "two", json!([])))
            .no("no repository", member, of("", "t", json!([])), Invalid)
            .no("nothing said", member, of("r", "", json!([])), Invalid)
            .no("too much said", member, of("r", &long, json!([])), Invalid)
            .no(
                "control characters",
                member,
                of("r", "a\u{0}", json!([])),
                Invalid,
            )
            .no("a bad branch", member, branch, Invalid)
            .no(
                "too many paths",
                member,
                of("r", "t", json!(vec!["p"; limits::PATHS + 1])),
                Invalid,
            )
            .no("another's session", member, theirs, NotFound)
    }),
    ("resolve_note", |stage| {
        let member = &stage.member;
        let text = uuid::Uuid::new_v4().to_string();
        member.does("leave_note", json!([none(), "r", none(), text, []]));
        let notes = member.rows("SELECT * FROM note");
        let note = notes
            .iter()
            .find(|row| row["content"] == json!(text))
            .unwrap()["id"]
            .clone();
        Case::keyed(&stage.boss, json!([none(), note]), json!([none(), NOWHERE])).no(
            "no note",
            member,
            json!([none(), NOWHERE]),
            NotFound,
        )
    }),
];
