//! Users and their agents.

use rusqlite::{Connection, OptionalExtension, Row, params};
use spaces_api::model::{Agent, Member, User, UserKind};
use spaces_api::{AgentRef, Timestamp, UserRef};

use super::Resolved;
use super::resolve::nearest;
use crate::cache::names::{get_id, get_identity, get_time, get_word, id, username_of};
use crate::cache::{Cache, CacheError};
use crate::row::Identity;

/// Who the cache belongs to, and in which roles.
#[derive(Clone, Debug, PartialEq)]
pub struct Whoami {
    pub user: User,
    pub agents: Vec<Agent>,
    pub memberships: Vec<Member>,
}

impl Cache {
    /// Users of the hub: those online first, then by name.
    pub fn users(&self, online_only: bool, limit: u32) -> Result<Vec<User>, CacheError> {
        self.read(|db| {
            db.prepare_cached(&format!(
                "{} WHERE u.known AND (u.online OR NOT ?1)
                 ORDER BY u.online DESC, u.username COLLATE NOCASE, u.ref LIMIT ?2",
                select()
            ))?
            .query_map(params![online_only, limit], user)?
            .collect()
        })
    }

    /// What a reference stands for; an agent's address stands for its user.
    pub fn resolve_user(
        &self,
        reference: &UserRef,
    ) -> Result<Resolved<(Identity, User)>, CacheError> {
        self.read(|db| {
            let name = reference.0.trim().trim_start_matches('@');
            let name = name.split('/').next().unwrap_or(name);
            if let Ok(identity) = name.parse::<Identity>() {
                let found = by_identity(db, &identity)?;
                return Ok(found.map_or_else(
                    || Resolved::Unknown(Vec::new()),
                    |user| Resolved::One((identity, user)),
                ));
            }
            let found = db
                .prepare_cached(&format!(
                    "{} WHERE u.known AND u.username = ?1 COLLATE NOCASE
                     ORDER BY u.username = ?1 DESC, u.ref LIMIT 1",
                    select()
                ))?
                .query_row([name], |row| Ok((get_identity(row, 0)?, user(row)?)))
                .optional()?;
            match found {
                Some(found) => Ok(Resolved::One(found)),
                None => Ok(Resolved::Unknown(near_users(db, name)?)),
            }
        })
    }

    /// What a reference stands for; a name without `@user/` is one's own agent's.
    pub fn resolve_agent(&self, reference: &AgentRef) -> Result<Resolved<Agent>, CacheError> {
        self.read(|db| match reference {
            AgentRef::Id(agent_id) => Ok(db
                .prepare_cached(&format!("{} WHERE a.id = ?1", select_agent()))?
                .query_row([id(*agent_id)], agent)
                .optional()?
                .map_or_else(|| Resolved::Unknown(Vec::new()), Resolved::One)),
            AgentRef::Name(name) => agent_by_name(db, name.trim()),
        })
    }

    /// Agents of one user, the last seen first.
    pub fn agents(&self, owner: &Identity) -> Result<Vec<Agent>, CacheError> {
        self.read(|db| agents_of(db, owner))
    }

    /// Who the caller is; none until the hub has shown the caller's own user.
    pub fn whoami(&self) -> Result<Option<Whoami>, CacheError> {
        let Some(me) = self.me() else {
            return Ok(None);
        };
        self.read(|db| {
            let Some(user) = by_identity(db, &me)? else {
                return Ok(None);
            };
            Ok(Some(Whoami {
                user,
                agents: agents_of(db, &me)?,
                memberships: super::member::of_user(db, &me)?,
            }))
        })
    }
}

fn agents_of(db: &Connection, owner: &Identity) -> rusqlite::Result<Vec<Agent>> {
    db.prepare_cached(&format!(
        "{} WHERE u.identity = ?1 ORDER BY a.last_seen DESC, a.id LIMIT 1000",
        select_agent()
    ))?
    .query_map([&owner.0[..]], agent)?
    .collect()
}

fn agent_by_name(db: &Connection, name: &str) -> rusqlite::Result<Resolved<Agent>> {
    let own: Option<String> = db
        .prepare_cached(
            "SELECT username FROM user WHERE ref = (SELECT value FROM meta WHERE key = 'me')",
        )?
        .query_row([], |row| row.get(0))
        .optional()?
        .flatten();
    let address = match (name.starts_with('@'), own) {
        (false, Some(own)) => format!("@{own}/{name}"),
        _ => name.to_owned(),
    };
    let found = db
        .prepare_cached(&format!(
            "{} WHERE a.address = ?1 COLLATE NOCASE LIMIT 1",
            select_agent()
        ))?
        .query_row([&address], agent)
        .optional()?;
    if let Some(found) = found {
        return Ok(Resolved::One(found));
    }
    let known: Vec<String> = db
        .prepare_cached("SELECT address FROM agent ORDER BY last_seen DESC LIMIT 2000")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    Ok(Resolved::Unknown(nearest(
        &address,
        known.into_iter().map(|address| (address.clone(), address)),
    )))
}

fn near_users(db: &Connection, name: &str) -> rusqlite::Result<Vec<String>> {
    let known: Vec<String> = db
        .prepare_cached(
            "SELECT username FROM user WHERE known AND username IS NOT NULL LIMIT 5000",
        )?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    Ok(nearest(
        name,
        known
            .into_iter()
            .map(|username| (username.clone(), format!("@{username}"))),
    ))
}

pub(in crate::cache) fn by_ref(db: &Connection, user_ref: i64) -> rusqlite::Result<Option<User>> {
    db.prepare_cached(&format!("{} WHERE u.ref = ?1", select()))?
        .query_row([user_ref], user)
        .optional()
}

pub(in crate::cache) fn by_identity(
    db: &Connection,
    identity: &Identity,
) -> rusqlite::Result<Option<User>> {
    db.prepare_cached(&format!("{} WHERE u.identity = ?1", select()))?
        .query_row([&identity.0[..]], user)
        .optional()
}

pub(in crate::cache) fn username(db: &Connection, user_ref: i64) -> rusqlite::Result<String> {
    db.prepare_cached(&format!(
        "SELECT {} FROM user u WHERE ref = ?1",
        username_of("u")
    ))?
    .query_row([user_ref], |row| row.get(0))
}

pub(in crate::cache) fn identity(db: &Connection, user_ref: i64) -> rusqlite::Result<Identity> {
    db.prepare_cached("SELECT identity FROM user WHERE ref = ?1")?
        .query_row([user_ref], |row| get_identity(row, 0))
}

/// Columns of a [`User`] of the table alias `u`; [`user_at`] reads them.
pub(super) fn user_columns(alias: &str) -> String {
    format!(
        "{alias}.identity, {username}, {alias}.display_name, {alias}.bio, {alias}.kind,
         {alias}.online, {alias}.status_text, {alias}.last_seen, {alias}.created_at",
        username = username_of(alias)
    )
}

/// Reads a [`User`] whose columns begin at `first`.
pub(super) fn user_at(row: &Row<'_>, first: usize) -> rusqlite::Result<User> {
    Ok(User {
        identity: get_identity(row, first)?.to_string(),
        username: row.get(first + 1)?,
        display_name: row.get(first + 2)?,
        bio: row.get(first + 3)?,
        kind: get_word(row, first + 4, UserKind::ALL)?,
        online: row.get(first + 5)?,
        status_text: row.get(first + 6)?,
        last_seen: row
            .get::<_, Option<i64>>(first + 7)?
            .map(Timestamp::from_micros),
        created_at: get_time(row, first + 8)?,
    })
}

fn select() -> String {
    format!("SELECT {} FROM user u", user_columns("u"))
}

fn user(row: &Row<'_>) -> rusqlite::Result<User> {
    user_at(row, 0)
}

fn select_agent() -> String {
    format!(
        "SELECT a.id, a.address, {}, a.tool, a.description, a.created_at, a.last_seen
         FROM agent a JOIN user u ON u.ref = a.owner",
        username_of("u")
    )
}

fn agent(row: &Row<'_>) -> rusqlite::Result<Agent> {
    Ok(Agent {
        id: get_id(row, 0)?,
        address: row.get(1)?,
        owner: row.get(2)?,
        tool: row.get(3)?,
        description: row.get(4)?,
        created_at: get_time(row, 5)?,
        last_seen: get_time(row, 6)?,
    })
}
