//! A case for each reducer that a client may call: one call that is carried
//! out, its replay, the same key with other content, and calls that are refused
//! for a stated reason. None but the first may change a row. A reducer without a
//! case fails [`every_reducer_has_its_case`].

mod channels;
mod hub;
mod messages;
mod people;
mod servers;
mod voice;
mod work;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use spaces_domain::{ErrorKind, Role};
use spaces_tests::{Caller, Wire, eventually};
use uuid::Uuid;

use crate::world::{Server, World};

/// An id that nothing has.
const NOWHERE: u64 = 999_999_999;

/// What the cases of a family are made of.
type Family = &'static [(&'static str, fn(&Stage) -> Case)];

const FAMILIES: [Family; 7] = [
    hub::CASES,
    people::CASES,
    work::CASES,
    servers::CASES,
    channels::CASES,
    messages::CASES,
    voice::CASES,
];

/// Where a case is played: a server of its own.
struct Stage<'a> {
    world: &'a World,
    /// Owns the server.
    boss: Caller,
    member: Caller,
    /// On the hub, but not in the server.
    outsider: Caller,
    server: Server,
    general: u64,
}

impl<'a> Stage<'a> {
    fn new(world: &'a World) -> Self {
        let member = world.user();
        let server = world.server(&member, Role::Member, "open");
        Self {
            world,
            boss: server.boss.clone(),
            member,
            outsider: world.user(),
            general: server.channel("general"),
            server,
        }
    }
}

struct Case {
    by: Caller,
    arguments: Value,
    /// Other content for the same key; absent where the call takes no key.
    others: Option<Value>,
    refused: Vec<(&'static str, Caller, Value, ErrorKind)>,
    /// Connections that stay open while the case is played.
    _held: Vec<Wire>,
}

impl Case {
    fn keyed(by: &Caller, arguments: Value, others: Value) -> Self {
        Self {
            others: Some(others),
            ..Self::unkeyed(by, arguments)
        }
    }

    fn unkeyed(by: &Caller, arguments: Value) -> Self {
        Self {
            by: by.clone(),
            arguments,
            others: None,
            refused: Vec::new(),
            _held: Vec::new(),
        }
    }

    /// A call that must be refused so.
    fn no(mut self, why: &'static str, by: &Caller, arguments: Value, kind: ErrorKind) -> Self {
        self.refused.push((why, by.clone(), arguments, kind));
        self
    }

    fn holding(mut self, wires: Vec<Wire>) -> Self {
        self._held = wires;
        self
    }

    fn play(&self, world: &World, reducer: &str) {
        assert!(!self.refused.is_empty(), "{reducer}: nothing is refused");
        let before = Rows::of(world);
        for (why, by, arguments, kind) in &self.refused {
            let outcome = match self.others {
                Some(_) => by.keyed(reducer, arguments.clone()),
                None => by.call(reducer, arguments.clone()),
            };
            match outcome {
                Ok(()) => panic!("{reducer}, {why}: it was carried out"),
                Err(refusal) => assert_eq!(refusal.kind, *kind, "{reducer}, {why}: {refusal}"),
            }
            before.assert_same(&Rows::of(world), &format!("{reducer}, {why}"));
        }
        let Some(others) = &self.others else {
            let call = || self.by.call(reducer, self.arguments.clone());
            assert_eq!(call(), Ok(()), "{reducer}");
            before.assert_changed(&Rows::of(world), reducer);
            assert_eq!(call(), Ok(()), "{reducer} again");
            return;
        };
        let key = Uuid::new_v4().to_string();
        let call = |arguments: &Value| self.by.under(&key, reducer, arguments.clone());
        assert_eq!(call(&self.arguments), Ok(()), "{reducer}");
        let after = Rows::of(world);
        before.assert_changed(&after, reducer);
        assert_eq!(call(&self.arguments), Ok(()), "{reducer} again");
        let reused = call(others).unwrap_err();
        assert_eq!(reused.kind, ErrorKind::KeyReused, "{reducer}: {reused}");
        after.assert_same(&Rows::of(world), &format!("{reducer} again"));
    }
}

/// Not what calls are about: connections come and go with each call, and the
/// hub works off deletions by itself.
const UNSTABLE: [&str; 7] = [
    "connection",
    "deletion",
    "lease_timer",
    "prune_cursor",
    "prune_sweep",
    "retention_timer",
    "typing",
];

/// All rows that calls are about.
struct Rows(BTreeMap<String, Vec<String>>);

impl Rows {
    fn of(world: &World) -> Self {
        eventually("the hub has deleted what it deletes by itself", || {
            let left = world.publisher.rows("SELECT * FROM deletion");
            left.is_empty().then_some(())
        });
        let names = names(world, "tables").into_iter();
        let tables = names.filter(|table| !UNSTABLE.contains(&table.as_str()));
        let rows = |table: String| {
            let mut rows = world.publisher.values(&format!("SELECT * FROM {table}"));
            if table == "presence" {
                // Whether and when somebody is there changes with each call.
                rows.iter_mut()
                    .for_each(|row| *row = vec![row[0].clone(), row[2].clone()]);
            }
            let mut rows: Vec<String> = rows.iter().map(|row| json!(row).to_string()).collect();
            rows.sort();
            (table, rows)
        };
        Self(tables.map(rows).collect())
    }

    fn assert_same(&self, after: &Self, what: &str) {
        for (table, rows) in &self.0 {
            assert_eq!(*rows, after.0[table], "{what}: it changed {table}");
        }
    }

    /// Something besides the book-keeping.
    fn assert_changed(&self, after: &Self, what: &str) {
        let kept = [
            "idempotency_key",
            "rate_bucket",
            "hub_counter",
            "inbox_state",
        ];
        let about = self
            .0
            .iter()
            .filter(|(table, _)| !kept.contains(&table.as_str()));
        let changed = about.filter(|(table, rows)| **rows != after.0[*table]);
        assert!(changed.count() > 0, "{what}: nothing changed");
    }
}

/// The names in one list of the hub's schema.
fn names(world: &World, list: &str) -> Vec<String> {
    let (status, schema) = world.publisher.gets("/v1/database/spaces/schema?version=9");
    assert_eq!(status, 200, "{schema}");
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let of = |one: &Value| one["name"].as_str().unwrap().to_owned();
    schema[list].as_array().unwrap().iter().map(of).collect()
}

#[test]
fn every_reducer_has_its_case() {
    let world = World::open();
    let cases = FAMILIES.iter().flat_map(|family| family.iter());
    let mut cases: Vec<&str> = cases.map(|(name, _)| *name).collect();
    cases.sort_unstable();
    let schema = crate::catalogue::schema(&world);
    let mut callable = crate::catalogue::callable(&schema);
    callable.sort_unstable();
    assert_eq!(cases, callable, "cases here, and reducers of the module");
}

fn play(family: Family) {
    let world = World::open();
    for (reducer, case) in family {
        case(&Stage::new(&world)).play(&world, reducer);
    }
}

#[test]
fn the_hub_s_calls() {
    play(hub::CASES);
}

#[test]
fn calls_about_people() {
    play(people::CASES);
}

#[test]
fn calls_about_work() {
    play(work::CASES);
}

#[test]
fn calls_about_servers() {
    play(servers::CASES);
}

#[test]
fn calls_about_channels() {
    play(channels::CASES);
}

#[test]
fn calls_about_messages() {
    play(messages::CASES);
}

#[test]
fn calls_about_voice() {
    play(voice::CASES);
}
