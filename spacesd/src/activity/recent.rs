//! The newest messages of a place, remembered as long as no message changes.
//!
//! They are most of what a digest reads, and a session that starts changes none
//! of them: only who is at work, which is read anew each time.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use spaces_api::model::{Context, Message, MessageKind};

use crate::cache::{Cache, CacheError, MessagesVersion};

/// Messages of each sort that are looked at.
const ON_BRANCH: u32 = 40;
const IN_REPO: u32 = 60;
const ANYWHERE: u32 = 30;

/// Places that are remembered: few, for each holds some hundred messages.
const PLACES: usize = 4;

/// Text of the messages of one place, in bytes, beyond which they are read anew
/// each time rather than kept.
const MOST_TEXT: usize = 256 * 1024;

#[derive(Default)]
pub(super) struct Recent {
    /// The place asked for last comes first.
    kept: Mutex<VecDeque<Kept>>,
}

struct Kept {
    repo: Option<String>,
    branch: Option<String>,
    version: MessagesVersion,
    messages: Arc<Vec<Message>>,
}

impl Recent {
    /// The newest messages of the repository, of its branch and of all places, each
    /// once. `cache` is of one moment: see [`Cache::moment`].
    ///
    /// # Errors
    /// When the cache cannot be read.
    pub fn of(&self, cache: &Cache, place: &Context) -> Result<Arc<Vec<Message>>, CacheError> {
        let version = cache.messages_version()?;
        if let Some(messages) = self.recall(place, version) {
            return Ok(messages);
        }
        let messages = Arc::new(read(cache, place)?);
        let text: usize = messages.iter().map(|message| message.content.len()).sum();
        if text <= MOST_TEXT {
            self.keep(Kept {
                repo: place.repo.clone(),
                branch: place.branch.clone(),
                version,
                messages: Arc::clone(&messages),
            });
        }
        Ok(messages)
    }

    fn recall(&self, place: &Context, version: MessagesVersion) -> Option<Arc<Vec<Message>>> {
        let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        // What has changed is of no use to anybody any more.
        all.retain(|kept| kept.version == version);
        let found = all.iter().position(|kept| kept.is_of(place))?;
        let kept = all.remove(found)?;
        let messages = Arc::clone(&kept.messages);
        all.push_front(kept);
        Some(messages)
    }

    fn keep(&self, new: Kept) {
        let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|kept| kept.repo != new.repo || kept.branch != new.branch);
        all.push_front(new);
        all.truncate(PLACES);
    }
}

impl Kept {
    fn is_of(&self, place: &Context) -> bool {
        self.repo == place.repo && self.branch == place.branch
    }
}

fn read(cache: &Cache, place: &Context) -> Result<Vec<Message>, CacheError> {
    let mut messages = Vec::new();
    if let Some(repo) = &place.repo {
        for kind in [
            MessageKind::Summary,
            MessageKind::AgentEvent,
            MessageKind::Text,
        ] {
            if let Some(branch) = &place.branch {
                messages.extend(cache.recent_in(repo, Some(branch), kind, ON_BRANCH)?);
            }
            messages.extend(cache.recent_in(repo, None, kind, IN_REPO)?);
        }
    }
    messages.extend(cache.recent(MessageKind::Summary, ANYWHERE)?);
    let mut seen = HashSet::new();
    messages.retain(|message| seen.insert(message.id));
    messages.shrink_to_fit();
    Ok(messages)
}
