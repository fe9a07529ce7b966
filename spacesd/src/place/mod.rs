//! Where work happens: repository, branch, commit and changed paths of a
//! directory, and how others' commits stand to it.
//!
//! Git itself is asked, off the hot path: it alone knows every form of a
//! repository (worktrees, submodules, included configuration, reftables), it is
//! on each machine that has a repository, and its libraries would add some two
//! hundred crates to the daemon. What it said is remembered by directory, and a
//! handful of `stat` calls tell whether it still holds, so that a repeated
//! question costs microseconds.

mod git;
mod lineage;
mod remote;
mod repository;
mod stamp;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use spaces_api::model::Context;

use lineage::Lineages;
pub use lineage::{KnownLineages, Lineage};
use repository::Repository;
use stamp::Stamp;

/// Directories that are remembered.
const REMEMBERED: usize = 256;

/// How long changed paths are believed: an edit leaves no trace that a `stat`
/// of git's own files would show.
const PATHS_HOLD: Duration = Duration::from_secs(2);

/// How long it is believed that a directory is in no repository.
const ABSENCE_HOLDS: Duration = Duration::from_secs(5);

/// Reads places, and remembers them. Cheap to clone.
#[derive(Clone, Default)]
pub struct Places {
    remembered: Arc<Mutex<HashMap<PathBuf, Remembered>>>,
    /// Held by whoever asks git about a directory: others wait for what it finds.
    reading: Arc<Mutex<HashMap<PathBuf, Arc<Mutex<()>>>>>,
    lineages: Arc<Lineages>,
}

/// What is known of a directory without asking git.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    pub context: Context,
    /// True if git would say the same of all of it now, as far as can be told
    /// from outside.
    pub fresh: bool,
    /// The same of repository, branch and commit, whatever paths are changed.
    pub place_fresh: bool,
}

#[derive(Clone)]
struct Remembered {
    repository: Option<Arc<Repository>>,
    stamp: Option<Stamp>,
    context: Context,
    read_at: Instant,
    used_at: Instant,
}

impl Places {
    /// The place of a directory. Blocks while git is asked (some milliseconds,
    /// seconds in a huge repository) unless what is remembered still holds. A
    /// directory in no repository, or without git, is known by its name alone.
    pub fn context(&self, directory: &Path) -> Context {
        if let Some(known) = self.known(directory)
            && known.fresh
        {
            return known.context;
        }
        let turn = lock(&self.reading)
            .entry(directory.to_owned())
            .or_default()
            .clone();
        let context = {
            let _mine = lock(&turn);
            match self.recall(directory) {
                Some(remembered) if remembered.place_holds() && remembered.paths_hold() => {
                    remembered.context
                }
                known => {
                    let read = Remembered::read(directory, known);
                    let context = read.context.clone();
                    self.remember(directory, read);
                    context
                }
            }
        };
        let mut reading = lock(&self.reading);
        drop(turn);
        if reading
            .get(directory)
            .is_some_and(|turn| Arc::strong_count(turn) == 1)
        {
            reading.remove(directory);
        }
        context
    }

    /// What is remembered of a directory, at once; none if it was never read.
    pub fn known(&self, directory: &Path) -> Option<Known> {
        let remembered = self.recall(directory)?;
        let place_fresh = remembered.place_holds();
        Some(Known {
            fresh: place_fresh && remembered.paths_hold(),
            place_fresh,
            context: remembered.context,
        })
    }

    /// How these commits stand to the one that `directory` is on. Blocks while
    /// git is asked about commits that are not remembered; see
    /// [`Places::known_lineages`].
    pub fn lineages(&self, directory: &Path, commits: &[String]) -> KnownLineages {
        match self.recall(directory) {
            Some(Remembered {
                repository: Some(repository),
                context: Context {
                    commit: Some(head), ..
                },
                ..
            }) => self.lineages.learn(&repository, &head, commits),
            _ => KnownLineages::default(),
        }
    }

    /// What is remembered of how these commits stand to `head`. Never blocks.
    pub fn known_lineages(&self, head: &str, commits: &[String]) -> KnownLineages {
        self.lineages.known(head, commits)
    }

    fn recall(&self, directory: &Path) -> Option<Remembered> {
        let mut remembered = lock(&self.remembered);
        let found = remembered.get_mut(directory)?;
        found.used_at = Instant::now();
        Some(found.clone())
    }

    fn remember(&self, directory: &Path, read: Remembered) {
        let mut remembered = lock(&self.remembered);
        if remembered.len() >= REMEMBERED && !remembered.contains_key(directory) {
            let longest_unused = remembered
                .iter()
                .min_by_key(|(_, entry)| entry.used_at)
                .map(|(directory, _)| directory.clone());
            if let Some(directory) = longest_unused {
                remembered.remove(&directory);
            }
        }
        remembered.insert(directory.to_owned(), read);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Remembered {
    fn read(directory: &Path, before: Option<Self>) -> Self {
        let now = Instant::now();
        // The stamp is taken first: a change while git reads makes it stale.
        let repository = match before.and_then(|before| before.repository) {
            Some(repository) if repository.still_there() => Some(repository),
            _ => Repository::find(directory).map(Arc::new),
        };
        let stamp = repository.as_deref().map(Stamp::of);
        let context = match &repository {
            Some(repository) => repository.context(directory),
            None => Context {
                repo: directory_name(directory),
                ..Context::default()
            },
        };
        Self {
            repository,
            stamp,
            context,
            read_at: now,
            used_at: now,
        }
    }

    fn place_holds(&self) -> bool {
        match (&self.repository, &self.stamp) {
            (Some(repository), Some(stamp)) => *stamp == Stamp::of(repository),
            _ => self.read_at.elapsed() < ABSENCE_HOLDS,
        }
    }

    /// Of a place that holds.
    fn paths_hold(&self) -> bool {
        self.repository.is_none() || self.read_at.elapsed() < PATHS_HOLD
    }
}

/// The last part of a directory's path, if it has one.
fn directory_name(directory: &Path) -> Option<String> {
    let name = directory.file_name()?.to_string_lossy();
    (!name.is_empty()).then(|| name.into_owned())
}
