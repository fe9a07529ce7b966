//! What only some roles may see: invites, bans, the audit log. The hub shows
//! the rows to those who may.

use rusqlite::params;
use spaces_api::Timestamp;
use spaces_api::model::{AuditEntry, Ban, Invite, Role};

use crate::cache::names::{get_id, get_optional_time, get_time, get_word, id, username_of};
use crate::cache::{Cache, CacheError};

impl Cache {
    /// Invites in force at `now`, of one server or of all.
    pub fn invites(
        &self,
        server_id: Option<u64>,
        now: Timestamp,
    ) -> Result<Vec<Invite>, CacheError> {
        self.read(|db| {
            db.prepare_cached(&format!(
                "SELECT i.id, i.server_id, i.role, i.uses, i.max_uses, i.expires_at, {}
                 FROM invite i JOIN user u ON u.ref = i.by
                 WHERE (?1 IS NULL OR i.server_id = ?1) AND (i.expires_at IS NULL OR i.expires_at > ?2)
                   AND i.uses < i.max_uses
                 ORDER BY i.id",
                username_of("u")
            ))?
            .query_map(params![server_id.map(id), now.as_micros()], |row| {
                Ok(Invite {
                    id: get_id(row, 0)?,
                    server_id: get_id(row, 1)?,
                    role: get_word(row, 2, Role::ALL)?,
                    uses: row.get(3)?,
                    max_uses: row.get(4)?,
                    expires_at: get_optional_time(row, 5)?,
                    by: row.get(6)?,
                })
            })?
            .collect()
        })
    }

    /// Bans in force at `now`.
    pub fn bans(&self, server_id: Option<u64>, now: Timestamp) -> Result<Vec<Ban>, CacheError> {
        self.read(|db| {
            db.prepare_cached(&format!(
                "SELECT x.server_id, {user}, x.reason, x.until, {by}
                 FROM ban x JOIN user u ON u.ref = x.user JOIN user v ON v.ref = x.by
                 WHERE (?1 IS NULL OR x.server_id = ?1) AND (x.until IS NULL OR x.until > ?2)
                 ORDER BY x.id",
                user = username_of("u"),
                by = username_of("v")
            ))?
            .query_map(params![server_id.map(id), now.as_micros()], |row| {
                Ok(Ban {
                    server_id: get_id(row, 0)?,
                    user: row.get(1)?,
                    reason: row.get(2)?,
                    until: get_optional_time(row, 3)?,
                    by: row.get(4)?,
                })
            })?
            .collect()
        })
    }

    /// The audit log, newest first, before an entry.
    pub fn audit(
        &self,
        server_id: Option<u64>,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, CacheError> {
        self.read(|db| {
            db.prepare_cached(&format!(
                "SELECT e.id, e.server_id, {}, e.action, e.target, e.detail, e.at
                 FROM audit e JOIN user u ON u.ref = e.actor
                 WHERE (?1 IS NULL OR e.server_id = ?1) AND e.id < ?2
                 ORDER BY e.id DESC LIMIT ?3",
                username_of("u")
            ))?
            .query_map(
                params![server_id.map(id), before.map_or(i64::MAX, id), limit],
                |row| {
                    Ok(AuditEntry {
                        id: get_id(row, 0)?,
                        server_id: get_id(row, 1)?,
                        actor: row.get(2)?,
                        action: row.get(3)?,
                        target: row.get(4)?,
                        detail: row.get(5)?,
                        at: get_time(row, 6)?,
                    })
                },
            )?
            .collect()
        })
    }
}
