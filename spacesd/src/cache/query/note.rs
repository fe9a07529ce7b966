//! Notes left for the next session on a place.

use rusqlite::{Connection, ToSql};
use spaces_api::model::{Context, Note};

use super::message::select_notes;
use crate::cache::names::{id, known_word_ref};
use crate::cache::{Cache, CacheError};

/// Which notes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NoteQuery {
    /// Notes for this repository: those for the branch, and those for the whole
    /// repository. Without a branch, those for any branch; without a repository,
    /// all there are.
    pub place: Context,
    /// Also those that are done.
    pub done_too: bool,
    pub limit: u32,
}

impl Cache {
    /// Notes for a place, newest first.
    pub fn notes(&self, query: &NoteQuery) -> Result<Vec<Note>, CacheError> {
        self.read(|db| notes(db, query))
    }

    /// One note by its message's id; none if that is no note.
    pub fn note(&self, message_id: u64) -> Result<Option<Note>, CacheError> {
        self.read(|db| {
            let found = select_notes(
                db,
                "WHERE m.id = ?1 AND m.kind = 6 AND m.channel_id NOT IN doomed",
                &[&id(message_id)],
            )?;
            Ok(found.into_iter().next())
        })
    }
}

pub(in crate::cache) fn notes(db: &Connection, query: &NoteQuery) -> rusqlite::Result<Vec<Note>> {
    let open = if query.done_too {
        "m.kind = 6 AND m.deleted = 0"
    } else {
        "m.kind = 6 AND m.done_at IS NULL AND m.deleted = 0"
    };
    let limit = query.limit;
    let Some(repo) = &query.place.repo else {
        return select_notes(
            db,
            &format!(
                "WHERE {open} AND m.kind <> 0 AND m.channel_id NOT IN doomed
                 ORDER BY m.id DESC LIMIT ?1"
            ),
            &[&limit],
        );
    };
    let Some(repo) = known_word_ref(db, repo)? else {
        return Ok(Vec::new());
    };
    let Some(branch) = &query.place.branch else {
        return select_notes(
            db,
            &format!(
                "WHERE {open} AND m.repo = ?1 AND m.channel_id NOT IN doomed
                 ORDER BY m.id DESC LIMIT ?2"
            ),
            &[&repo, &limit],
        );
    };
    let branch = known_word_ref(db, branch)?;
    // Two short walks along an index, merged: one "or" would read every branch.
    let mut found = Vec::new();
    for (condition, values) in [
        ("m.branch = ?2", [&repo as &dyn ToSql, &branch, &limit]),
        ("?2 IS ?2 AND m.branch IS NULL", [&repo, &branch, &limit]),
    ] {
        found.extend(select_notes(
            db,
            &format!(
                "WHERE {open} AND m.repo = ?1 AND {condition} AND m.channel_id NOT IN doomed
                 ORDER BY m.id DESC LIMIT ?3"
            ),
            &values,
        )?);
    }
    found.sort_by_key(|note| std::cmp::Reverse(note.message.id));
    found.truncate(limit as usize);
    Ok(found)
}
