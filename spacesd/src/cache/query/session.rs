//! Sessions.

use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};
use spaces_api::model::{Session, SessionState};

use crate::cache::names::{get_context, get_optional_time, get_time, get_word, username_of};
use crate::cache::{Cache, CacheError};

/// Which sessions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SessionQuery {
    pub repo: Option<String>,
    pub branch: Option<String>,
    pub state: Option<SessionState>,
    /// Also those that have ended.
    pub ended_too: bool,
    pub limit: u32,
}

impl Cache {
    /// Sessions, the last seen first.
    pub fn sessions(&self, query: &SessionQuery) -> Result<Vec<Session>, CacheError> {
        self.read(|db| sessions(db, query))
    }

    /// One session by its id.
    pub fn session(&self, session_id: &str) -> Result<Option<Session>, CacheError> {
        self.read(|db| by_id(db, session_id))
    }
}

fn sessions(db: &Connection, query: &SessionQuery) -> rusqlite::Result<Vec<Session>> {
    let mut conditions = vec!["1"];
    let mut values: Vec<Value> = Vec::new();
    if let Some(repo) = &query.repo {
        conditions.push("n.repo = ?");
        values.push(repo.clone().into());
    }
    if let Some(branch) = &query.branch {
        conditions.push("n.branch = ?");
        values.push(branch.clone().into());
    }
    if let Some(state) = query.state {
        conditions.push("n.state = ?");
        values.push((state as i64).into());
    }
    if !query.ended_too && query.state != Some(SessionState::Ended) {
        conditions.push("n.ended_at IS NULL AND n.state <> 4");
    }
    values.push(i64::from(query.limit).into());
    select(
        db,
        &format!(
            "WHERE {} ORDER BY n.last_seen DESC, n.id LIMIT ?",
            conditions.join(" AND ")
        ),
        &values,
    )
}

pub(in crate::cache) fn by_id(
    db: &Connection,
    session_id: &str,
) -> rusqlite::Result<Option<Session>> {
    let found = select(db, "WHERE n.id = ?", &[session_id.to_owned().into()])?;
    Ok(found.into_iter().next())
}

/// Sessions `n` chosen by `tail`: conditions, order and limit.
pub(in crate::cache) fn select(
    db: &Connection,
    tail: &str,
    values: &[Value],
) -> rusqlite::Result<Vec<Session>> {
    db.prepare_cached(&format!(
        "SELECT n.id, COALESCE(a.address, '@' || {username} || '/' || n.tool), {username}, n.tool,
           n.repo, n.branch, n.commit_hash, n.paths, n.task, n.state, n.started_at, n.last_seen,
           n.ended_at
         FROM session n JOIN user u ON u.ref = n.owner LEFT JOIN agent a ON a.id = n.agent_id
         {tail}",
        username = username_of("u")
    ))?
    .query_map(params_from_iter(values), session)?
    .collect()
}

fn session(row: &Row<'_>) -> rusqlite::Result<Session> {
    Ok(Session {
        id: row.get(0)?,
        agent: row.get(1)?,
        owner: row.get(2)?,
        tool: row.get(3)?,
        context: get_context(row, 4)?,
        task: row.get(8)?,
        state: get_word(row, 9, SessionState::ALL)?,
        started_at: get_time(row, 10)?,
        last_seen: get_time(row, 11)?,
        ended_at: get_optional_time(row, 12)?,
        pending: false,
    })
}

// The queries above name this state by number.
const _: () = assert!(SessionState::Ended as i64 == 4);
