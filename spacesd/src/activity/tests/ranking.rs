//! Properties of the order, on made-up candidates.

use std::collections::HashMap;

use proptest::prelude::*;
use spaces_api::model::{
    ActivityItem, ActivityKind, Author, Claim, ClaimState, Context, InboxItem, InboxReason,
    Message, MessageKind, Note, Session, SessionState,
};

use crate::activity::rank::{Reader, rank};
use crate::cache::fixture::{at, place};
use crate::place::Lineage;

const HERE: &str = "here";

fn message(id: u64, kind: MessageKind, session: u8, context: Context, age: i64) -> Message {
    Message {
        id: Some(id),
        seq: Some(id),
        channel_id: 1,
        channel: "#agent-logs".to_owned(),
        thread_id: None,
        author: Author {
            identity: "00".to_owned(),
            username: "bob".to_owned(),
            agent: None,
        },
        session_id: Some(format!("s{session}")),
        kind,
        content: "text".to_owned(),
        context,
        reply_to: None,
        mentions: Vec::new(),
        reactions: Vec::new(),
        created_at: at(-age),
        edited_at: None,
        deleted: false,
        pending: false,
        client_key: None,
    }
}

fn contexts() -> impl Strategy<Value = Context> {
    (
        prop::option::of(prop::sample::select(vec![HERE, "there"])),
        prop::option::of(prop::sample::select(vec!["main", "topic"])),
        prop::option::of(prop::sample::select(vec!["c1", "c2"])),
        prop::collection::vec(prop::sample::select(vec!["a.rs", "b.rs", "c.rs"]), 0..3),
    )
        .prop_map(|(repo, branch, commit, paths)| Context {
            repo: repo.map(str::to_owned),
            branch: branch.map(str::to_owned),
            commit: commit.map(str::to_owned),
            paths: paths.into_iter().map(str::to_owned).collect(),
        })
}

fn candidates() -> impl Strategy<Value = ActivityKind> {
    (0..5u8, 1..30u64, 0..8u8, contexts(), 0..1_000_000i64).prop_map(
        |(sort, id, session, context, age)| match sort {
            0 => ActivityKind::Claim {
                claim: Claim {
                    id: Some(id),
                    client_key: None,
                    session_id: format!("s{session}"),
                    agent: "@bob/x".to_owned(),
                    owner: "bob".to_owned(),
                    repo: HERE.to_owned(),
                    patterns: context.paths,
                    task: None,
                    exclusive: id % 2 == 0,
                    reason: None,
                    expires_at: at(age),
                    state: ClaimState::Held,
                },
            },
            1 => ActivityKind::Note {
                note: Note {
                    message: message(id, MessageKind::Note, session, context, age),
                    done: false,
                    done_by: None,
                    done_at: None,
                },
            },
            2 => ActivityKind::Inbox {
                item: InboxItem {
                    id,
                    reason: InboxReason::Dm,
                    message: Some(message(id, MessageKind::Text, session, context, age)),
                    detail: None,
                    at: at(-age),
                    read: false,
                },
            },
            3 => ActivityKind::Session {
                session: Session {
                    id: format!("s{session}"),
                    agent: "@bob/x".to_owned(),
                    owner: "bob".to_owned(),
                    tool: "x".to_owned(),
                    context,
                    task: None,
                    state: SessionState::Active,
                    started_at: at(-age),
                    last_seen: at(-age),
                    ended_at: None,
                    pending: false,
                },
            },
            _ => ActivityKind::Summary {
                message: message(id, MessageKind::Summary, session, context, age),
            },
        },
    )
}

fn ranked(candidates: Vec<ActivityKind>) -> Vec<ActivityItem> {
    let context = place(HERE, Some("main"));
    let own_paths = ["a.rs".to_owned(), "b.rs".to_owned()];
    let lineages = HashMap::from([("c1".to_owned(), Lineage::Ancestor)]);
    let reader = Reader {
        context: &context,
        session: Some("s0"),
        own_paths: &own_paths,
        own_claims: &[],
        lineages: &lineages,
        now: at(0),
    };
    rank(candidates, &reader)
}

/// The same in another order; `by` decides which.
fn shuffled<T: Clone>(items: &[T], by: &[u16]) -> Vec<T> {
    let mut keyed: Vec<_> = items
        .iter()
        .enumerate()
        .map(|(place, item)| (by.get(place).copied().unwrap_or(0), place, item.clone()))
        .collect();
    keyed.sort_by_key(|(key, place, _)| (*key, usize::MAX - place));
    keyed.into_iter().map(|(_, _, item)| item).collect()
}

proptest! {
    #[test]
    fn the_order_does_not_depend_on_how_candidates_were_found(
        candidates in prop::collection::vec(candidates(), 0..40),
        by in prop::collection::vec(any::<u16>(), 40),
    ) {
        // Two candidates of one id that differ in content are two states of one
        // thing; a hub never shows both.
        let mut seen = std::collections::HashSet::new();
        let candidates: Vec<_> = candidates
            .into_iter()
            .filter(|what| seen.insert(match what {
                ActivityKind::Claim { claim } => format!("c{:?}", claim.id),
                ActivityKind::Session { session } => session.id.clone(),
                ActivityKind::Note { note } => format!("m{:?}", note.message.id),
                ActivityKind::Inbox { item } => format!("m{}", item.id),
                ActivityKind::Summary { message } | ActivityKind::Message { message } => {
                    format!("m{:?}", message.id)
                }
            }))
            .collect();
        let one = ranked(candidates.clone());
        prop_assert_eq!(&one, &ranked(shuffled(&candidates, &by)));
        for pair in one.windows(2) {
            prop_assert!(pair[0].score >= pair[1].score);
            prop_assert!(!pair[0].why.is_empty());
        }
    }

    #[test]
    fn a_newer_item_never_ranks_below_its_older_self(
        others in prop::collection::vec(candidates(), 0..20),
        context in contexts(),
        age in 1..1_000_000i64,
        newer_by in 1..1_000_000i64,
    ) {
        let place_at = |age: i64| {
            let mut all = others.clone();
            let item = message(1000, MessageKind::Summary, 200, context.clone(), age);
            all.push(ActivityKind::Summary { message: item });
            ranked(all).iter().position(|item| matches!(
                &item.what,
                ActivityKind::Summary { message } if message.id == Some(1000)
            ))
        };
        let older = place_at(age).unwrap();
        let newer = place_at((age - newer_by).max(0)).unwrap();
        prop_assert!(newer <= older);
    }

    #[test]
    fn each_thing_is_there_once_and_nothing_of_ones_own(
        candidates in prop::collection::vec(candidates(), 0..60),
    ) {
        let items = ranked(candidates);
        let mut messages = std::collections::HashSet::new();
        let mut summarised = std::collections::HashSet::new();
        for item in &items {
            let message = match &item.what {
                ActivityKind::Note { note } => Some(&note.message),
                ActivityKind::Inbox { item } => item.message.as_ref(),
                ActivityKind::Summary { message } => {
                    prop_assert!(summarised.insert(message.session_id.clone()));
                    Some(message)
                }
                ActivityKind::Message { message } => Some(message),
                ActivityKind::Claim { claim } => {
                    prop_assert_ne!(&claim.session_id, "s0");
                    None
                }
                ActivityKind::Session { session } => {
                    prop_assert_ne!(&session.id, "s0");
                    None
                }
            };
            if let Some(message) = message {
                prop_assert_ne!(message.session_id.as_deref(), Some("s0"));
                prop_assert!(messages.insert(message.id));
            }
        }
    }

    #[test]
    fn the_tiers_hold_whatever_the_age(
        note_age in 0..10_000_000i64,
        summary_age in 0..10_000_000i64,
        elsewhere_age in 0..10_000_000i64,
    ) {
        let items = ranked(vec![
            ActivityKind::Summary {
                message: message(1, MessageKind::Summary, 1, place("there", None), elsewhere_age),
            },
            ActivityKind::Summary {
                message: message(2, MessageKind::Summary, 2, place(HERE, Some("main")), summary_age),
            },
            ActivityKind::Note {
                note: Note {
                    message: message(3, MessageKind::Note, 3, place(HERE, None), note_age),
                    done: false,
                    done_by: None,
                    done_at: None,
                },
            },
        ]);
        let ids: Vec<_> = items.iter().filter_map(|item| match &item.what {
            ActivityKind::Note { note } => note.message.id,
            ActivityKind::Summary { message } => message.id,
            _ => None,
        }).collect();
        prop_assert_eq!(ids, [3, 2, 1]);
    }
}

#[test]
fn a_note_for_another_branch_counts_where_the_branches_are_related() {
    let of = |branch: &str, commit: &str| Context {
        commit: Some(commit.to_owned()),
        ..place(HERE, Some(branch))
    };
    let note = |id, branch| ActivityKind::Note {
        note: Note {
            message: message(id, MessageKind::Note, 1, place(HERE, Some(branch)), 60),
            done: false,
            done_by: None,
            done_at: None,
        },
    };
    let items = ranked(vec![
        note(1, "topic"),
        note(2, "elsewhere"),
        note(3, "main"),
        ActivityKind::Summary {
            message: message(4, MessageKind::Summary, 1, of("topic", "c1"), 60),
        },
        ActivityKind::Summary {
            message: message(5, MessageKind::Summary, 2, of("elsewhere", "c2"), 60),
        },
    ]);
    let found: Vec<_> = items
        .iter()
        .map(|item| match &item.what {
            ActivityKind::Note { note } => (note.message.id, item.why.join(", ")),
            ActivityKind::Summary { message } => (message.id, item.why.join(", ")),
            _ => unreachable!("only these were given"),
        })
        .collect();
    let found: Vec<_> = found.iter().map(|(id, why)| (*id, why.as_str())).collect();
    assert_eq!(
        found,
        [
            (Some(3), "note for this branch"),
            (Some(1), "note for topic, a related branch"),
            (Some(4), "your branch builds on it"),
            (Some(5), "same repository"),
        ]
    );
}
