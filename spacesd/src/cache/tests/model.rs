//! Any sequence of batches leaves the cache as a plain map would be left.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use spaces_api::model::{ChannelType, EventKind, Message};
use spaces_api::{MessageRef, Timestamp};

use crate::cache::fixture::*;
use crate::cache::query::claim::ClaimQuery;
use crate::cache::{Cache, PageQuery};
use crate::row::{Batch, Change, ClaimRow, MessageRow, ReadMarkerRow, Row, Table};

#[derive(Clone, Debug)]
enum Step {
    /// A message is written, edited or deleted; the hub gives the next seq.
    Write {
        id: u64,
        mine: bool,
        deleted: bool,
    },
    /// An older state of a message comes again.
    Stale {
        id: u64,
    },
    MarkRead {
        back: u64,
    },
    Claim {
        id: u64,
        minutes: i64,
    },
    Unclaim {
        id: u64,
    },
    /// The hub's claims and channels as a whole.
    Snapshot {
        claims: Vec<u64>,
        channels: Vec<u64>,
    },
    /// The others' user has another name.
    Rename {
        name: u8,
    },
    Restart,
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (1..12u64, any::<bool>(), prop::bool::weighted(0.2))
            .prop_map(|(id, mine, deleted)| Step::Write { id, mine, deleted }),
        2 => (1..12u64).prop_map(|id| Step::Stale { id }),
        2 => (0..5u64).prop_map(|back| Step::MarkRead { back }),
        3 => (1..6u64, 1..100i64).prop_map(|(id, minutes)| Step::Claim { id, minutes }),
        2 => (1..6u64).prop_map(|id| Step::Unclaim { id }),
        1 => (
            prop::collection::vec(1..6u64, 0..5),
            prop::collection::vec(prop::sample::select(vec![GENERAL, AGENT_LOGS]), 0..3),
        ).prop_map(|(claims, channels)| Step::Snapshot { claims, channels }),
        1 => (0..3u8).prop_map(|name| Step::Rename { name }),
        1 => Just(Step::Restart),
    ]
}

#[derive(Default)]
struct Model {
    /// What a message says, whether it is mine, whether it is deleted.
    messages: BTreeMap<u64, (String, bool, bool)>,
    claims: BTreeMap<u64, Timestamp>,
    channels: BTreeSet<u64>,
    seq: u64,
    read: u64,
}

fn claim(id: u64, minutes: i64) -> ClaimRow {
    ClaimRow {
        expires_at: at(minutes * 60),
        ..claim_row(id, "s", "r", &["src/**"])
    }
}

fn apply(fixture: &Fixture, model: &mut Model, step: &Step) {
    let mut batch = Batch::default();
    match step {
        Step::Write { id, mine, deleted } => {
            // An author never changes, and what is deleted stays so.
            let before = model.messages.get(id);
            let mine = before.map_or(*mine, |before| before.1);
            let deleted = *deleted || before.is_some_and(|before| before.2);
            model.seq = model.seq.max(20) + 1;
            let content = if deleted {
                String::new()
            } else {
                format!("text {}", model.seq)
            };
            batch.changes.push(Change::Put(Row::Message(MessageRow {
                seq: model.seq,
                deleted,
                ..message_row(*id, GENERAL, if mine { ME } else { BOB }, &content)
            })));
            batch.synced_to = Some(model.seq);
            model.messages.insert(*id, (content, mine, deleted));
        }
        Step::Stale { id } => {
            if let Some((_, mine, _)) = model.messages.get(id) {
                let author = if *mine { ME } else { BOB };
                batch
                    .changes
                    .push(Change::Put(message(*id, GENERAL, author, "stale")));
            }
        }
        Step::MarkRead { back } => {
            let seq = model
                .messages
                .keys()
                .max()
                .unwrap_or(&0)
                .saturating_sub(*back);
            batch
                .changes
                .push(Change::Put(Row::ReadMarker(ReadMarkerRow {
                    channel_id: GENERAL,
                    last_seq: seq,
                })));
            model.read = model.read.max(seq);
        }
        Step::Claim { id, minutes } => {
            batch
                .changes
                .push(Change::Put(Row::Claim(claim(*id, *minutes))));
            model.claims.insert(*id, at(minutes * 60));
        }
        Step::Unclaim { id } => {
            batch.changes.push(Change::Gone(Row::Claim(claim(*id, 1))));
            model.claims.remove(id);
        }
        Step::Snapshot { claims, channels } => {
            batch.snapshot_of = vec![Table::Claim, Table::Channel];
            model.claims = claims.iter().map(|id| (*id, at(3600))).collect();
            // The channel of the messages stays, so that they can be compared.
            model.channels = channels.iter().copied().chain([GENERAL]).collect();
            batch.changes.extend(
                model
                    .claims
                    .keys()
                    .map(|id| Change::Put(Row::Claim(claim(*id, 60)))),
            );
            batch.changes.extend(
                model
                    .channels
                    .iter()
                    .map(|id| Change::Put(channel(*id, &format!("c{id}"), ChannelType::Text))),
            );
        }
        Step::Rename { name } => {
            let name = format!("bob{name}");
            batch.changes.push(Change::Put(user(BOB, &name)));
        }
        Step::Restart => return,
    }
    fixture.apply(batch);
}

fn messages(cache: &Cache) -> Vec<Message> {
    let query = PageQuery {
        channel_id: GENERAL,
        limit: 100,
        ..PageQuery::default()
    };
    cache.messages(&query).unwrap().messages
}

/// The names of channels and users.
fn named(cache: &Cache) -> Vec<String> {
    let channels = cache.channels(None, true).unwrap();
    let names = channels.into_iter().map(|channel| channel.name);
    let users = cache.users(false, 10).unwrap();
    names
        .chain(users.into_iter().map(|user| user.username))
        .collect()
}

fn compare(fixture: &Fixture, model: &Model) {
    let cache = &fixture.cache;
    let shown: BTreeMap<u64, (String, bool, bool)> = messages(cache)
        .into_iter()
        .map(|message| {
            let mine = message.author.username == "alice";
            (
                message.id.unwrap(),
                (message.content, mine, message.deleted),
            )
        })
        .collect();
    assert_eq!(shown, model.messages);
    assert_eq!(cache.status().messages, model.messages.len() as u64);
    let unread = model
        .messages
        .iter()
        .filter(|(id, (_, mine, deleted))| **id > model.read && !mine && !deleted)
        .count() as u64;
    let counted = cache.channel(GENERAL).unwrap().unwrap().channel.unread;
    assert_eq!(counted, unread);
    let claims: BTreeMap<u64, Timestamp> = cache
        .claims(
            &ClaimQuery {
                limit: 100,
                ..ClaimQuery::default()
            },
            at(0),
        )
        .unwrap()
        .into_iter()
        .map(|claim| (claim.id.unwrap(), claim.expires_at))
        .collect();
    assert_eq!(claims, model.claims);
    let channels: BTreeSet<u64> = cache
        .channels(None, true)
        .unwrap()
        .into_iter()
        .map(|channel| channel.id)
        .collect();
    assert_eq!(channels, model.channels);
    // The text index says what the table says.
    cache
        .read(|db| {
            let indexed: Vec<i64> = db
                .prepare(
                    "SELECT rowid FROM message_text WHERE message_text MATCH 'text' ORDER BY rowid",
                )?
                .query_map([], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            let live: Vec<i64> = model
                .messages
                .iter()
                .filter(|(_, (content, _, _))| !content.is_empty())
                .map(|(id, _)| id.cast_signed())
                .collect();
            assert_eq!(indexed, live);
            Ok(())
        })
        .unwrap();
}

/// Plays the events over what was there at the beginning: a subscriber that
/// misses none knows the claims and the messages without ever reading.
fn follow(fixture: &Fixture, from: u64, model: &Model) {
    let mut messages = BTreeMap::new();
    let mut claims = BTreeSet::new();
    let mut last = from;
    loop {
        let events = fixture.cache.events().since(last, 7).unwrap();
        let Some(newest) = events.last() else { break };
        last = newest.cursor;
        for event in &events {
            match &event.what {
                EventKind::Message { message } => {
                    messages.insert(message.id.unwrap(), message.content.clone());
                }
                EventKind::Claim { claim } => {
                    claims.insert(claim.id.unwrap());
                }
                EventKind::Removed { kind, id } if kind == "claim" => {
                    claims.remove(&id.parse::<u64>().unwrap());
                }
                _ => {}
            }
        }
    }
    assert_eq!(last, fixture.cache.events().latest());
    let known: BTreeMap<u64, String> = model
        .messages
        .iter()
        .map(|(id, (content, _, _))| (*id, content.clone()))
        .collect();
    assert_eq!(messages, known);
    assert_eq!(claims, model.claims.keys().copied().collect());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_cache_is_what_a_map_would_be(steps in prop::collection::vec(steps(), 1..40)) {
        let mut fixture = Fixture::new();
        let start = fixture.cache.events().latest();
        let mut model = Model {
            channels: BTreeSet::from([GENERAL, AGENT_LOGS]),
            ..Model::default()
        };
        let (mut versions, mut names, mut generations) = (Vec::new(), Vec::new(), 0);
        for step in &steps {
            if matches!(step, Step::Restart) {
                fixture = fixture.reopen().0;
            }
            apply(&fixture, &mut model, step);
            compare(&fixture, &model);
            let version = fixture.cache.messages_version().unwrap();
            versions.push((version, messages(&fixture.cache)));
            generations += u32::from(matches!(step, Step::Restart));
            let generation = (generations, fixture.cache.name_generation());
            names.push((generation, named(&fixture.cache)));
        }
        for pair in versions.windows(2) {
            prop_assert!(pair[0].0 != pair[1].0 || pair[0].1 == pair[1].1);
        }
        for pair in names.windows(2) {
            prop_assert!(pair[0].0 != pair[1].0 || pair[0].1 == pair[1].1);
        }
        follow(&fixture, start, &model);
        let newest = model.messages.keys().max().copied();
        if let Some(newest) = newest {
            prop_assert!(fixture.cache.message(&MessageRef::Id(newest)).unwrap().is_some());
        }
    }
}
