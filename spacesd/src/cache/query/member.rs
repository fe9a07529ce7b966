//! Who is in a server, in which role.

use rusqlite::{Connection, Row, ToSql};
use spaces_api::model::{Member, Role};

use super::user::{user_at, user_columns};
use crate::cache::names::{get_id, get_optional_time, get_time, get_word, id};
use crate::cache::{Cache, CacheError};
use crate::row::Identity;

impl Cache {
    /// Members of a server, highest role first.
    pub fn members(&self, server_id: u64) -> Result<Vec<Member>, CacheError> {
        self.read(|db| {
            select(
                db,
                "WHERE b.server_id = ?1 ORDER BY b.role, u.username COLLATE NOCASE, b.id",
                &[&id(server_id)],
            )
        })
    }

    /// One member of a server.
    pub fn member(
        &self,
        server_id: u64,
        identity: &Identity,
    ) -> Result<Option<Member>, CacheError> {
        self.read(|db| {
            let found = select(
                db,
                "WHERE b.server_id = ?1 AND u.identity = ?2",
                &[&id(server_id), &&identity.0[..]],
            )?;
            Ok(found.into_iter().next())
        })
    }
}

pub(in crate::cache) fn by_id(db: &Connection, member_id: u64) -> rusqlite::Result<Option<Member>> {
    let found = select(db, "WHERE b.id = ?1", &[&id(member_id)])?;
    Ok(found.into_iter().next())
}

/// Where a user is a member.
pub(super) fn of_user(db: &Connection, identity: &Identity) -> rusqlite::Result<Vec<Member>> {
    select(
        db,
        "WHERE u.identity = ?1 ORDER BY b.server_id",
        &[&&identity.0[..]],
    )
}

fn select(db: &Connection, tail: &str, values: &[&dyn ToSql]) -> rusqlite::Result<Vec<Member>> {
    db.prepare_cached(&format!(
        "SELECT b.server_id, b.role, b.joined_at, b.muted_until, {}
         FROM member b JOIN user u ON u.ref = b.user {tail}",
        user_columns("u")
    ))?
    .query_map(values, member)?
    .collect()
}

fn member(row: &Row<'_>) -> rusqlite::Result<Member> {
    Ok(Member {
        server_id: get_id(row, 0)?,
        role: get_word(row, 1, Role::ALL)?,
        joined_at: get_time(row, 2)?,
        muted_until: get_optional_time(row, 3)?,
        user: user_at(row, 4)?,
    })
}
