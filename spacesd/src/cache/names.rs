//! Identities and repeated texts, stored once and referred to by number; and
//! how the daemon's values are written into columns.

use rusqlite::{Connection, OptionalExtension, Row};
use spaces_api::Timestamp;
use spaces_api::model::Context;

use crate::row::Identity;

/// The number of an identity; makes one for an identity not seen before.
pub(super) fn user_ref(db: &Connection, identity: &Identity) -> rusqlite::Result<i64> {
    if let Some(found) = known_user_ref(db, identity)? {
        return Ok(found);
    }
    db.prepare_cached("INSERT INTO user(identity) VALUES (?1) RETURNING ref")?
        .query_row([&identity.0[..]], |row| row.get(0))
}

/// The number of an identity, if it was ever referred to.
pub(super) fn known_user_ref(
    db: &Connection,
    identity: &Identity,
) -> rusqlite::Result<Option<i64>> {
    db.prepare_cached("SELECT ref FROM user WHERE identity = ?1")?
        .query_row([&identity.0[..]], |row| row.get(0))
        .optional()
}

/// The number of a text; makes one for a text not seen before.
pub(super) fn word_ref(db: &Connection, text: &str) -> rusqlite::Result<i64> {
    if let Some(found) = known_word_ref(db, text)? {
        return Ok(found);
    }
    db.prepare_cached("INSERT INTO word(text) VALUES (?1) RETURNING ref")?
        .query_row([text], |row| row.get(0))
}

/// The number of a text, if it was ever referred to.
pub(super) fn known_word_ref(db: &Connection, text: &str) -> rusqlite::Result<Option<i64>> {
    db.prepare_cached("SELECT ref FROM word WHERE text = ?1")?
        .query_row([text], |row| row.get(0))
        .optional()
}

pub(super) fn optional_word_ref(
    db: &Connection,
    text: Option<&str>,
) -> rusqlite::Result<Option<i64>> {
    text.map(|text| word_ref(db, text)).transpose()
}

/// The name to show for a user of whom perhaps only the identity is known.
pub(super) const USERNAME: &str = "COALESCE({u}.username, substr(lower(hex({u}.identity)), 1, 12))";

/// [`USERNAME`] of the table alias `alias`.
pub(super) fn username_of(alias: &str) -> String {
    USERNAME.replace("{u}", alias)
}

/// Ids are unsigned on the hub and signed in SQLite; the bits are the same.
pub(super) fn id(id: u64) -> i64 {
    id.cast_signed()
}

/// Reads an id back.
pub(super) fn get_id(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(i64::cast_unsigned)
}

pub(super) fn get_optional_id(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<u64>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(i64::cast_unsigned))
}

pub(super) fn get_time(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    row.get(column).map(Timestamp::from_micros)
}

pub(super) fn get_optional_time(
    row: &Row<'_>,
    column: usize,
) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row
        .get::<_, Option<i64>>(column)?
        .map(Timestamp::from_micros))
}

pub(super) fn micros(at: Option<Timestamp>) -> Option<i64> {
    at.map(Timestamp::as_micros)
}

/// Reads a value that was stored by its place in `all`.
pub(super) fn get_word<T: Copy>(row: &Row<'_>, column: usize, all: &[T]) -> rusqlite::Result<T> {
    let place: i64 = row.get(column)?;
    usize::try_from(place)
        .ok()
        .and_then(|place| all.get(place).copied())
        .ok_or(rusqlite::Error::IntegralValueOutOfRange(column, place))
}

pub(super) fn get_identity(row: &Row<'_>, column: usize) -> rusqlite::Result<Identity> {
    row.get::<_, [u8; 32]>(column).map(Identity)
}

/// A list as a JSON column; null when empty, so that most rows store nothing.
pub(super) fn list<T: serde::Serialize>(items: &[T]) -> Option<String> {
    if items.is_empty() {
        return None;
    }
    Some(serde_json::to_string(items).expect("lists of texts and numbers are valid JSON"))
}

/// Reads a JSON list column.
pub(super) fn get_list<T: serde::de::DeserializeOwned>(
    row: &Row<'_>,
    column: usize,
) -> rusqlite::Result<Vec<T>> {
    match row.get_ref(column)?.as_str_or_null() {
        Ok(None) => Ok(Vec::new()),
        Ok(Some(text)) => serde_json::from_str(text).map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(
                column,
                rusqlite::types::Type::Text,
                Box::new(error),
            )
        }),
        Err(error) => Err(rusqlite::Error::FromSqlConversionFailure(
            column,
            rusqlite::types::Type::Text,
            Box::new(error),
        )),
    }
}

/// Reads repo, branch, commit and paths from four columns in a row.
pub(super) fn get_context(row: &Row<'_>, first: usize) -> rusqlite::Result<Context> {
    Ok(Context {
        repo: row.get(first)?,
        branch: row.get(first + 1)?,
        commit: row.get(first + 2)?,
        paths: get_list(row, first + 3)?,
    })
}
