//! Reconciliation: of a table of which a batch holds every row, what else is
//! stored is gone.

use std::collections::HashSet;

use rusqlite::types::Value;

use super::Applier;
use super::removal::{remove, table_name};
use crate::cache::names::{id, user_ref};
use crate::row::{Batch, Change, Row, Table};

/// A primary key, as it can be compared.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Key {
    Number(i64),
    Text(String),
}

/// Removes what the batch's snapshots do not have any more.
pub(super) fn remove_absent(applier: &mut Applier<'_>, batch: &Batch) -> rusqlite::Result<()> {
    if batch.snapshot_of.is_empty() {
        return Ok(());
    }
    for &table in &batch.snapshot_of {
        let present = present(applier, batch, table)?;
        for key in stored(applier, table)? {
            if !present.contains(&key) {
                let key = match key {
                    Key::Number(number) => Value::Integer(number),
                    Key::Text(text) => Value::Text(text),
                };
                remove(applier, table, &key)?;
            }
        }
    }
    Ok(())
}

fn present(applier: &Applier<'_>, batch: &Batch, table: Table) -> rusqlite::Result<HashSet<Key>> {
    let mut keys = HashSet::new();
    for change in &batch.changes {
        let Change::Put(row) = change else { continue };
        let key = match (table, row) {
            (Table::User, Row::User(row)) => Key::Number(user_ref(applier.db, &row.identity)?),
            (Table::Presence, Row::Presence(row)) => {
                Key::Number(user_ref(applier.db, &row.identity)?)
            }
            (Table::Voice, Row::Voice(row)) => Key::Number(user_ref(applier.db, &row.identity)?),
            (Table::Session, Row::Session(row)) => Key::Text(row.id.clone()),
            (Table::Agent, Row::Agent(row)) => Key::Number(id(row.id)),
            (Table::Claim, Row::Claim(row)) => Key::Number(id(row.id)),
            (Table::Server, Row::Server(row)) => Key::Number(id(row.id)),
            (Table::Member, Row::Member(row)) => Key::Number(id(row.id)),
            (Table::Channel, Row::Channel(row)) => Key::Number(id(row.id)),
            (Table::Thread, Row::Thread(row)) => Key::Number(id(row.id)),
            (Table::Invite, Row::Invite(row)) => Key::Number(id(row.id)),
            (Table::Ban, Row::Ban(row)) => Key::Number(id(row.id)),
            (Table::Audit, Row::Audit(row)) => Key::Number(id(row.id)),
            _ => continue,
        };
        keys.insert(key);
    }
    Ok(keys)
}

fn stored(applier: &Applier<'_>, table: Table) -> rusqlite::Result<Vec<Key>> {
    let sql = match table {
        Table::User => "SELECT ref FROM user WHERE known = 1".to_owned(),
        Table::Presence => {
            "SELECT ref FROM user WHERE online OR status_text IS NOT NULL".to_owned()
        }
        Table::Voice => "SELECT user FROM voice".to_owned(),
        // Read marks never go back; one that the hub does not know is one that
        // is still on its way there.
        Table::ReadMarker => return Ok(Vec::new()),
        other => format!("SELECT id FROM {}", table_name(other)),
    };
    applier
        .db
        .prepare_cached(&sql)?
        .query_map([], |row| match row.get(0)? {
            Value::Text(text) => Ok(Key::Text(text)),
            Value::Integer(number) => Ok(Key::Number(number)),
            _ => Err(rusqlite::Error::InvalidQuery),
        })?
        .collect()
}
