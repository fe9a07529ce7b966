//! Digests of a real cache.

use std::collections::BTreeMap;

use spaces_api::model::{
    ActivityItem, ActivityKind, ChannelType, Context, InboxReason, Message, MessageKind,
};

use crate::activity::{Activity, Ask, Place};
use crate::cache::fixture::*;
use crate::cache::overlay::PendingWrite;
use crate::operation::Operation;
use crate::place::Places;
use crate::row::{Batch, Change, MessageRow, Row, SessionRow};

const REPO: &str = "github.com/acme/app";

fn ask(paths: &[&str]) -> Ask {
    Ask {
        place: Place {
            context: Context {
                paths: paths.iter().map(|&path| path.to_owned()).collect(),
                ..place(REPO, Some("main"))
            },
            directory: None,
        },
        session: Some("mine".to_owned()),
        limit: 50,
        ..Ask::default()
    }
}

fn summary(id: u64, session: &str, context: Context) -> MessageRow {
    MessageRow {
        kind: MessageKind::Summary,
        session_id: Some(session.to_owned()),
        context,
        ..message_row(id, AGENT_LOGS, BOB, &format!("summary {id}"))
    }
}

fn describe(item: &ActivityItem) -> String {
    let id = match &item.what {
        ActivityKind::Claim { claim } => format!("claim {}", claim.id.unwrap()),
        ActivityKind::Note { note } => format!("note {}", note.message.id.unwrap()),
        ActivityKind::Inbox { item } => format!("inbox {}", item.id),
        ActivityKind::Summary { message } => match message.id {
            Some(id) => format!("summary {id}"),
            None => "summary waiting".to_owned(),
        },
        ActivityKind::Session { session } => format!("session {}", session.id),
        ActivityKind::Message { message } => format!("message {}", message.id.unwrap()),
    };
    format!("{id}: {}", item.why.join(", "))
}

fn busy_hub() -> Fixture {
    let fixture = Fixture::new();
    let session = |id: &str, context| Row::Session(session_row(id, BOB, context));
    fixture.put([
        Row::Message(summary(1, "elsewhere", place("other", Some("main")))),
        Row::Message(summary(2, "in-repo", place(REPO, Some("other")))),
        Row::Message(summary(3, "on-branch", place(REPO, Some("main")))),
        Row::Message(summary(4, "on-branch", place(REPO, Some("main")))),
        Row::Message(summary(5, "mine", place(REPO, Some("main")))),
        Row::Message(summary(
            6,
            "sharing",
            Context {
                paths: vec!["src/a.rs".to_owned()],
                ..place(REPO, Some("topic"))
            },
        )),
        Row::Message(MessageRow {
            kind: MessageKind::Note,
            context: place(REPO, None),
            ..message_row(7, 0, BOB, "note")
        }),
        delivery(
            90,
            InboxReason::Dm,
            Some(MessageRow {
                private: true,
                ..message_row(8, DM_WITH_BOB, BOB, "psst")
            }),
        ),
        Row::Claim(claim_row(50, "theirs", REPO, &["src/**"])),
        Row::Claim(claim_row(51, "theirs", REPO, &["docs/**"])),
        Row::Claim(claim_row(52, "mine", REPO, &["src/**"])),
        session("theirs", place(REPO, Some("main"))),
        session("mine", place(REPO, Some("main"))),
        Row::Session(SessionRow {
            ended_at: Some(at(1)),
            ..session_row("gone", BOB, place(REPO, Some("main")))
        }),
    ]);
    fixture
}

#[test]
fn what_matters_most_comes_first_and_says_why() {
    let fixture = busy_hub();
    let activity = Activity::new(fixture.cache.clone(), Places::default());
    let digest = activity.digest(&ask(&["src/a.rs"]), &[], at(100)).unwrap();
    let lines: Vec<String> = digest.items.iter().map(describe).collect();
    assert_eq!(
        lines,
        [
            "claim 50: overlaps src/a.rs, exclusive",
            "note 7: note for this repository",
            "inbox 90: direct message to you",
            "summary 4: same branch",
            "session theirs: same branch",
            "summary 6: also changes src/a.rs",
            "claim 51: same repository",
            "summary 2: same repository",
            "summary 1: recent",
        ]
    );
    assert_eq!(digest.omitted, 0);
    assert_eq!(digest.unread, [90]);
}

#[test]
fn what_was_shown_as_unread_is_not_shown_as_unread_again() {
    let fixture = busy_hub();
    let activity = Activity::new(fixture.cache.clone(), Places::default());
    let digest = activity.digest(&ask(&[]), &[], at(100)).unwrap();
    let again = activity.digest(&ask(&[]), &[], at(100)).unwrap();
    assert!(std::sync::Arc::ptr_eq(&digest, &again));
    fixture
        .cache
        .mark_shown(digest.unread.clone())
        .blocking_recv()
        .unwrap();
    let digest = activity.digest(&ask(&[]), &[], at(100)).unwrap();
    assert!(digest.unread.is_empty());
    assert_eq!(fixture.cache.inbox_unread().unwrap(), 1);
}

/// Messages are remembered from one digest to the next of another session.
#[test]
fn a_message_that_changes_is_read_anew_and_nothing_else_has_it_read() {
    let fixture = busy_hub();
    let activity = Activity::new(fixture.cache.clone(), Places::default());
    let mut askers = 0;
    let mut shown = || {
        askers += 1;
        let ask = Ask {
            session: Some(format!("asker {askers}")),
            ..ask(&[])
        };
        let digest = activity.digest(&ask, &[], at(100)).unwrap();
        let summaries = digest.items.iter().filter_map(|item| match &item.what {
            ActivityKind::Summary { message } => Some(message),
            _ => None,
        });
        summaries
            .map(|message| {
                let Message {
                    author, content, ..
                } = message;
                (
                    message.id.unwrap(),
                    format!("{}: {content}", author.username),
                )
            })
            .collect::<BTreeMap<_, _>>()
    };
    assert_eq!(shown()[&4], "bob: summary 4");

    let before = fixture.cache.messages_version().unwrap();
    fixture.put([Row::Session(session_row("new", BOB, place(REPO, None)))]);
    assert_eq!(fixture.cache.messages_version().unwrap(), before);
    let digest = activity.digest(&ask(&[]), &[], at(100)).unwrap();
    let new = |item: &ActivityItem| describe(item).starts_with("session new:");
    assert!(digest.items.iter().any(new));

    let edited = MessageRow {
        seq: 50,
        content: "edited".to_owned(),
        ..summary(4, "on-branch", place(REPO, Some("main")))
    };
    fixture.put([Row::Message(edited.clone())]);
    assert_eq!(shown()[&4], "bob: edited");
    fixture.put([user(BOB, "robert")]);
    assert_eq!(shown()[&4], "robert: edited");
    fixture.put([Row::Message(MessageRow {
        seq: 51,
        deleted: true,
        ..edited
    })]);
    assert!(!shown().contains_key(&4));
    assert!(shown().contains_key(&3));
    let channel = channel_row(AGENT_LOGS, "agent-logs", ChannelType::AgentLog);
    fixture.apply(Batch {
        changes: vec![Change::Gone(Row::Channel(channel))],
        ..Batch::default()
    });
    assert!(shown().is_empty());
}

#[test]
fn bounds_leave_out_the_least_relevant_and_count_them() {
    let fixture = busy_hub();
    let long = MessageRow {
        content: "long ".repeat(1500),
        ..summary(20, "talker", place(REPO, Some("main")))
    };
    fixture.put([Row::Message(long)]);
    let activity = Activity::new(fixture.cache.clone(), Places::default());
    let two = Ask {
        limit: 2,
        ..ask(&["src/a.rs"])
    };
    let digest = activity.digest(&two, &[], at(100)).unwrap();
    assert_eq!(
        describe(&digest.items[0]),
        "claim 50: overlaps src/a.rs, exclusive"
    );
    assert_eq!((digest.items.len(), digest.omitted), (2, 8));
    for max_tokens in [0, 300, 1000, 2000] {
        let small = Ask {
            max_tokens: Some(max_tokens),
            ..ask(&["src/a.rs"])
        };
        let digest = activity.digest(&small, &[], at(100)).unwrap();
        let chars: usize = digest
            .items
            .iter()
            .map(|item| serde_json::to_string(item).unwrap().chars().count())
            .sum();
        assert!(
            chars <= max_tokens as usize * 4,
            "{chars} for {max_tokens} tokens"
        );
        assert_eq!(digest.items.len() as u64 + digest.omitted, 10);
    }
}

#[test]
fn what_waits_in_the_outbox_is_seen_by_other_sessions_and_not_by_its_own() {
    let fixture = busy_hub();
    let activity = Activity::new(fixture.cache.clone(), Places::default());
    let call = call(
        1,
        Operation::SendMessage {
            channel_id: AGENT_LOGS,
            thread_id: None,
            reply_to: None,
            kind: MessageKind::Summary,
            content: "waiting".to_owned(),
            context: place(REPO, Some("main")),
        },
    );
    let pending = [PendingWrite {
        call: &call,
        queued_at: at(99),
    }];
    let seen_by = |session: &str| {
        let ask = Ask {
            session: Some(session.to_owned()),
            ..ask(&[])
        };
        let digest = activity.digest(&ask, &pending, at(100)).unwrap();
        let lines: Vec<String> = digest.items.iter().map(describe).collect();
        lines.contains(&"summary waiting: same branch".to_owned())
    };
    assert!(seen_by("another"));
    assert!(!seen_by("mine"));
}

#[test]
fn without_a_repository_there_is_still_the_inbox_and_what_is_recent() {
    let fixture = busy_hub();
    let activity = Activity::new(fixture.cache.clone(), Places::default());
    let ask = Ask {
        limit: 3,
        ..Ask::default()
    };
    let digest = activity.digest(&ask, &[], at(100)).unwrap();
    assert_eq!(
        describe(&digest.items[0]),
        "inbox 90: direct message to you"
    );
    assert_eq!(digest.items[1].why, ["recent"]);
}
