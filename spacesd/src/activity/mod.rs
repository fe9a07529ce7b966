//! The digest that a session starts with: what others do that matters for the
//! work here, most relevant first, each with the reason why it is there.
//!
//! Candidates come from a fixed number of short index walks, so the cost does
//! not grow with the history; ranking is a pure function of them.

mod bounds;
mod candidates;
mod rank;
mod recent;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use serde_json::value::{RawValue, to_raw_value};
use spaces_api::Timestamp;
use spaces_api::model::{ActivityItem, ActivityKind, Context};
use uuid::Uuid;

use crate::cache::overlay::PendingWrite;
use crate::cache::{Cache, CacheError};
use crate::place::{KnownLineages, Places};
use recent::Recent;

/// Items of a digest unless the asker says otherwise.
pub const DEFAULT_LIMIT: u32 = 50;

/// How long a digest is given again while nothing it shows has changed; only
/// the age of its items changes meanwhile.
const MEMO_HOLDS: Duration = Duration::from_secs(1);

/// Digests that are remembered: about one per session at work on the machine.
const MEMOS: usize = 64;

/// Who asks, and for how much.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ask {
    pub place: Place,
    /// The asker's own session: what it wrote itself is left out.
    pub session: Option<String>,
    /// Items at most.
    pub limit: u32,
    /// Bound of the text, at about four characters to a token.
    pub max_tokens: Option<u32>,
    /// Whether git may be asked how others' commits stand to this one, which
    /// blocks for some milliseconds; otherwise only what is remembered counts.
    pub may_ask_git: bool,
}

/// Where the asker works.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    pub context: Context,
    /// A directory of the repository, read by [`Places::context`] before.
    pub directory: Option<PathBuf>,
}

impl std::hash::Hash for Place {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        let Context {
            repo,
            branch,
            commit,
            paths,
        } = &self.context;
        (repo, branch, commit, paths, &self.directory).hash(state);
    }
}

/// A digest.
#[derive(Debug, Default)]
pub struct Digested {
    /// Most relevant first.
    pub items: Vec<ActivityItem>,
    /// Relevant items that the bounds left out, of those that were looked at.
    pub omitted: u64,
    /// Whether git may know more of how others' commits stand to the asker's.
    pub git_may_know_more: bool,
    /// The unread inbox items among `items`: to be given to
    /// [`Cache::mark_shown`] once they have been shown.
    pub unread: Vec<u64>,
    json: OnceLock<Box<RawValue>>,
}

impl Digested {
    pub fn new(items: Vec<ActivityItem>, omitted: u64, git_may_know_more: bool) -> Self {
        let unread = items
            .iter()
            .filter_map(|item| match &item.what {
                ActivityKind::Inbox { item } => Some(item.id),
                _ => None,
            })
            .collect();
        Self {
            items,
            omitted,
            git_may_know_more,
            unread,
            json: OnceLock::new(),
        }
    }

    /// The items as JSON, written once for everybody who is given this digest:
    /// writing them takes longer than all else that a remembered one costs.
    pub fn items_as_json(&self) -> &RawValue {
        self.json
            .get_or_init(|| to_raw_value(&self.items).expect("items are plain data with text keys"))
    }
}

/// Makes digests. Cheap to clone.
#[derive(Clone)]
pub struct Activity {
    cache: Cache,
    places: Places,
    recent: Arc<Recent>,
    memos: Arc<Mutex<HashMap<Key, Memo>>>,
}

/// What a digest depends on beside the cache's content and the time.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    ask: Ask,
    /// The queue of pending writes: those at its front leave, new ones come at
    /// its end.
    pending: (usize, Option<Uuid>, Option<Uuid>),
}

struct Memo {
    generation: u64,
    made_at: Instant,
    digest: Arc<Digested>,
}

impl Activity {
    pub fn new(cache: Cache, places: Places) -> Self {
        Self {
            cache,
            places,
            recent: Arc::default(),
            memos: Arc::default(),
        }
    }

    /// The digest for an asker at `now`. Blocks for microseconds when the same
    /// was asked a moment ago, else for about a millisecond; longer only where
    /// git may be asked.
    ///
    /// # Errors
    /// When the cache cannot be read.
    pub fn digest(
        &self,
        ask: &Ask,
        pending: &[PendingWrite<'_>],
        now: Timestamp,
    ) -> Result<Arc<Digested>, CacheError> {
        let key_of = |write: Option<&PendingWrite<'_>>| write.map(|write| write.call.client_key);
        let key = Key {
            ask: ask.clone(),
            pending: (
                pending.len(),
                key_of(pending.first()),
                key_of(pending.last()),
            ),
        };
        // Read before the candidates: a change in between makes the memo stale.
        let generation = *self.cache.digest_generation().borrow();
        if let Some(digest) = self.remembered(&key, generation) {
            return Ok(digest);
        }
        let digest = Arc::new(self.make(ask, pending, now)?);
        self.remember(key, generation, Arc::clone(&digest));
        Ok(digest)
    }

    fn make(
        &self,
        ask: &Ask,
        pending: &[PendingWrite<'_>],
        now: Timestamp,
    ) -> Result<Digested, CacheError> {
        let found = candidates::gather(&self.cache.moment()?, &self.recent, ask, pending, now)?;
        let commits = rank::foreign_commits(&found.items, &ask.place.context);
        let lineages = match (&ask.place.directory, &ask.place.context.commit) {
            (Some(directory), Some(_)) if ask.may_ask_git => {
                self.places.lineages(directory, &commits)
            }
            (_, Some(head)) => self.places.known_lineages(head, &commits),
            (_, None) => KnownLineages::default(),
        };
        let reader = rank::Reader {
            context: &ask.place.context,
            session: ask.session.as_deref(),
            own_paths: &found.own_paths,
            own_claims: &found.own_claims,
            lineages: &lineages.of,
            now,
        };
        let ranked = rank::rank(found.items, &reader);
        let limit = if ask.limit == 0 {
            DEFAULT_LIMIT
        } else {
            ask.limit
        };
        let (items, omitted) = bounds::fit(ranked, limit, ask.max_tokens);
        Ok(Digested::new(items, omitted, !lineages.unasked.is_empty()))
    }

    fn remembered(&self, key: &Key, generation: u64) -> Option<Arc<Digested>> {
        let memos = self.memos.lock().unwrap_or_else(PoisonError::into_inner);
        let memo = memos.get(key)?;
        let holds = memo.generation == generation && memo.made_at.elapsed() < MEMO_HOLDS;
        holds.then(|| Arc::clone(&memo.digest))
    }

    fn remember(&self, key: Key, generation: u64, digest: Arc<Digested>) {
        let mut memos = self.memos.lock().unwrap_or_else(PoisonError::into_inner);
        if memos.len() >= MEMOS {
            memos.retain(|_, memo| memo.made_at.elapsed() < MEMO_HOLDS);
        }
        if memos.len() >= MEMOS {
            memos.clear();
        }
        memos.insert(
            key,
            Memo {
                generation,
                made_at: Instant::now(),
                digest,
            },
        );
    }
}
