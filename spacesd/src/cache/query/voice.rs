//! Voice rosters.

use rusqlite::{Connection, Row};
use spaces_api::model::VoiceParticipant;

use super::user::{user_at, user_columns};
use crate::cache::names::{get_id, get_time, id};
use crate::cache::{Cache, CacheError};

impl Cache {
    /// Who is in a voice channel, or in any; the first to come first.
    pub fn voice(&self, channel_id: Option<u64>) -> Result<Vec<VoiceParticipant>, CacheError> {
        self.read(|db| roster(db, channel_id))
    }
}

pub(in crate::cache) fn roster(
    db: &Connection,
    channel_id: Option<u64>,
) -> rusqlite::Result<Vec<VoiceParticipant>> {
    db.prepare_cached(&format!(
        "SELECT o.channel_id, o.muted, o.deafened, o.speaking, o.since, o.agent, {}
         FROM voice o JOIN user u ON u.ref = o.user
         WHERE ?1 IS NULL OR o.channel_id = ?1 ORDER BY o.channel_id, o.since, o.user",
        user_columns("u")
    ))?
    .query_map([channel_id.map(id)], participant)?
    .collect()
}

fn participant(row: &Row<'_>) -> rusqlite::Result<VoiceParticipant> {
    Ok(VoiceParticipant {
        channel_id: get_id(row, 0)?,
        muted: row.get(1)?,
        deafened: row.get(2)?,
        speaking: row.get(3)?,
        since: get_time(row, 4)?,
        agent: row.get(5)?,
        user: user_at(row, 6)?,
    })
}
