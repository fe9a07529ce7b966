//! The newest messages of a kind, by place: short walks along an index, however
//! long the history is.

use spaces_api::model::{InboxItem, Message, MessageKind};

use super::message::select;
use crate::cache::names::known_word_ref;
use crate::cache::{Cache, CacheError};

impl Cache {
    /// The newest messages of a kind in a repository, on one of its branches if
    /// `branch` is given; newest first, deleted ones left out.
    pub fn recent_in(
        &self,
        repo: &str,
        branch: Option<&str>,
        kind: MessageKind,
        limit: u32,
    ) -> Result<Vec<Message>, CacheError> {
        self.read(|db| {
            let Some(repo) = known_word_ref(db, repo)? else {
                return Ok(Vec::new());
            };
            let kind = kind as i64;
            let Some(branch) = branch else {
                return select(
                    db,
                    "WHERE m.repo = ?1 AND m.kind = ?2 AND m.deleted = 0
                       AND m.channel_id NOT IN doomed ORDER BY m.id DESC LIMIT ?3",
                    &[&repo, &kind, &limit],
                );
            };
            let Some(branch) = known_word_ref(db, branch)? else {
                return Ok(Vec::new());
            };
            select(
                db,
                "WHERE m.repo = ?1 AND m.branch = ?2 AND m.kind = ?3 AND m.deleted = 0
                   AND m.channel_id NOT IN doomed ORDER BY m.id DESC LIMIT ?4",
                &[&repo, &branch, &kind, &limit],
            )
        })
    }

    /// The newest messages of a kind (not plain text) anywhere.
    pub fn recent(&self, kind: MessageKind, limit: u32) -> Result<Vec<Message>, CacheError> {
        self.read(|db| {
            select(
                db,
                "WHERE m.kind = ?1 AND m.kind <> 0 AND m.deleted = 0
                   AND m.channel_id NOT IN doomed ORDER BY m.id DESC LIMIT ?2",
                &[&(kind as i64), &limit],
            )
        })
    }

    /// Unread inbox items that no digest has shown yet, newest first.
    pub fn unshown_inbox(&self, limit: u32) -> Result<Vec<InboxItem>, CacheError> {
        self.read(|db| super::inbox::unshown(db, limit))
    }
}
