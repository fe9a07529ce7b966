//! Claims, and which of them overlap.

use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};
use spaces_api::Timestamp;
use spaces_api::model::{Claim, ClaimState};

use crate::cache::names::{get_id, get_list, get_time, id, username_of};
use crate::cache::{Cache, CacheError};

/// Which claims in force.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClaimQuery {
    pub repo: Option<String>,
    pub session: Option<String>,
    pub limit: u32,
}

impl Cache {
    /// Claims in force at `now`, those that expire last first.
    pub fn claims(&self, query: &ClaimQuery, now: Timestamp) -> Result<Vec<Claim>, CacheError> {
        self.read(|db| in_force(db, query, now))
    }

    /// One claim by id; `expired` if its time is over.
    pub fn claim(&self, claim_id: u64, now: Timestamp) -> Result<Option<Claim>, CacheError> {
        let found = self.read(|db| by_id(db, claim_id))?;
        Ok(found.map(|mut claim| {
            if claim.expires_at <= now {
                claim.state = ClaimState::Expired;
            }
            claim
        }))
    }
}

pub(in crate::cache) fn in_force(
    db: &Connection,
    query: &ClaimQuery,
    now: Timestamp,
) -> rusqlite::Result<Vec<Claim>> {
    let mut conditions = vec!["k.expires_at > ?"];
    let mut values: Vec<Value> = vec![now.as_micros().into()];
    if let Some(repo) = &query.repo {
        conditions.push("k.repo = ?");
        values.push(repo.clone().into());
    }
    if let Some(session) = &query.session {
        conditions.push("k.session_id = ?");
        values.push(session.clone().into());
    }
    values.push(i64::from(query.limit).into());
    select(
        db,
        &format!(
            "WHERE {} ORDER BY k.expires_at DESC, k.id LIMIT ?",
            conditions.join(" AND ")
        ),
        &values,
    )
}

pub(in crate::cache) fn by_id(db: &Connection, claim_id: u64) -> rusqlite::Result<Option<Claim>> {
    let found = select(db, "WHERE k.id = ?", &[id(claim_id).into()])?;
    Ok(found.into_iter().next())
}

fn select(db: &Connection, tail: &str, values: &[Value]) -> rusqlite::Result<Vec<Claim>> {
    db.prepare_cached(&format!(
        "SELECT k.id, k.session_id,
           COALESCE(a.address, '@' || {username} || COALESCE('/' || n.tool, '')), {username},
           k.repo, k.patterns, k.task, k.exclusive, k.reason, k.expires_at
         FROM claim k JOIN user u ON u.ref = k.owner
           LEFT JOIN session n ON n.id = k.session_id LEFT JOIN agent a ON a.id = n.agent_id
         {tail}",
        username = username_of("u")
    ))?
    .query_map(params_from_iter(values), claim)?
    .collect()
}

fn claim(row: &Row<'_>) -> rusqlite::Result<Claim> {
    Ok(Claim {
        id: Some(get_id(row, 0)?),
        client_key: None,
        session_id: row.get(1)?,
        agent: row.get(2)?,
        owner: row.get(3)?,
        repo: row.get(4)?,
        patterns: get_list(row, 5)?,
        task: row.get(6)?,
        exclusive: row.get(7)?,
        reason: row.get(8)?,
        expires_at: get_time(row, 9)?,
        state: ClaimState::Held,
    })
}
