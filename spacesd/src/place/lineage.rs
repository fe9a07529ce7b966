//! How commits stand to each other in the local repository.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::git;
use super::repository::Repository;

/// Commits that are asked about at once.
const ASKED_AT_ONCE: usize = 64;

/// Commits of others' branches that are walked through.
const WALKED: usize = 5_000;

/// Pairs that are remembered; how two commits stand never changes.
const REMEMBERED: usize = 16_384;

/// How long a commit that the repository does not have is not asked about again:
/// peers elsewhere mostly work on such, and asking takes milliseconds.
const ABSENT_HOLDS: Duration = Duration::from_secs(10);

/// How another's commit stands to the one that is checked out here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lineage {
    /// It is the same commit.
    Same,
    /// This work builds on it.
    Ancestor,
    /// It builds on this work.
    Descendant,
    /// Each has what the other has not.
    Diverged,
}

/// How some commits stand to one, as far as it is known.
#[derive(Debug, Default)]
pub struct KnownLineages {
    pub of: HashMap<String, Lineage>,
    /// Others, of which the repository may know more.
    pub unasked: Vec<String>,
}

/// What was found out, by the pair of commits.
#[derive(Default)]
pub(super) struct Lineages {
    found: Mutex<HashMap<(String, String), Found>>,
}

#[derive(Clone, Copy)]
enum Found {
    Lineage(Lineage),
    /// The repository did not have it then.
    Absent(Instant),
}

impl Lineages {
    /// What is remembered of these commits.
    pub fn known(&self, head: &str, commits: &[String]) -> KnownLineages {
        let found = self.lock();
        let mut known = KnownLineages::default();
        for commit in commits {
            let remembered = match *commit == *head {
                true => Some(Found::Lineage(Lineage::Same)),
                false => found.get(&(head.to_owned(), commit.clone())).copied(),
            };
            match remembered {
                Some(Found::Lineage(lineage)) => {
                    known.of.insert(commit.clone(), lineage);
                }
                Some(Found::Absent(then)) if then.elapsed() < ABSENT_HOLDS => {}
                Some(Found::Absent(_)) | None => {
                    if is_hash(head) && is_hash(commit) {
                        known.unasked.push(commit.clone());
                    }
                }
            }
        }
        known
    }

    /// Asks the repository about those that are not remembered. Commits that it
    /// does not have are left out, and not asked about again for a while.
    pub fn learn(&self, repository: &Repository, head: &str, commits: &[String]) -> KnownLineages {
        let mut known = self.known(head, commits);
        let asked: Vec<String> = known
            .unasked
            .drain(..known.unasked.len().min(ASKED_AT_ONCE))
            .collect();
        if asked.is_empty() {
            return known;
        }
        let Some(learned) = ask(repository, head, &asked) else {
            return known;
        };
        let mut found = self.lock();
        if found.len() + asked.len() > REMEMBERED {
            found.clear();
        }
        let now = Instant::now();
        for commit in asked {
            found.insert((head.to_owned(), commit), Found::Absent(now));
        }
        for (commit, lineage) in learned {
            found.insert((head.to_owned(), commit.clone()), Found::Lineage(lineage));
            known.of.insert(commit, lineage);
        }
        known
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(String, String), Found>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A full hash, and so nothing that git could take for an option or a range.
fn is_hash(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn ask(repository: &Repository, head: &str, commits: &[String]) -> Option<Vec<(String, Lineage)>> {
    let present = present(repository, commits)?;
    if present.is_empty() {
        return Some(Vec::new());
    }
    let ahead = Ahead::read(repository, head, &present)?;
    let judged = present.into_iter().filter_map(|commit| {
        let lineage = ahead.lineage(head, &commit)?;
        Some((commit, lineage))
    });
    Some(judged.collect())
}

/// Those of the commits that the repository has.
fn present(repository: &Repository, commits: &[String]) -> Option<Vec<String>> {
    let said = git::run_with_input(
        &repository.git_dir,
        &["cat-file", "--batch-check=%(objectname) %(objecttype)"],
        &(commits.join("\n") + "\n"),
    )?;
    let present = said
        .text
        .lines()
        .filter_map(|line| line.strip_suffix(" commit"))
        .map(str::to_owned);
    Some(present.collect())
}

/// The commits that others have and `head` has not, with their parents.
struct Ahead {
    parents: HashMap<String, Vec<String>>,
    /// True if there are more than were walked through.
    cut: bool,
}

impl Ahead {
    fn read(repository: &Repository, head: &str, commits: &[String]) -> Option<Self> {
        let most = format!("--max-count={WALKED}");
        let said = git::run_with_input(
            &repository.git_dir,
            &[
                "rev-list",
                &most,
                "--parents",
                "--ignore-missing",
                "--stdin",
            ],
            &format!("^{head}\n{}\n", commits.join("\n")),
        )?;
        let parents: HashMap<String, Vec<String>> = said
            .text
            .lines()
            .filter_map(|line| {
                let mut hashes = line.split(' ').map(str::to_owned);
                Some((hashes.next()?, hashes.collect()))
            })
            .collect();
        said.success.then_some(Self {
            cut: parents.len() >= WALKED,
            parents,
        })
    }

    /// None where the walk was cut before it could be told.
    fn lineage(&self, head: &str, commit: &str) -> Option<Lineage> {
        if !self.parents.contains_key(commit) {
            // It is here and not ahead, so `head` has it.
            return (!self.cut).then_some(Lineage::Ancestor);
        }
        let mut seen = HashSet::from([commit]);
        let mut next = vec![commit];
        while let Some(commit) = next.pop() {
            for parent in self.parents.get(commit).into_iter().flatten() {
                if parent == head {
                    return Some(Lineage::Descendant);
                }
                if seen.insert(parent) {
                    next.push(parent);
                }
            }
        }
        (!self.cut).then_some(Lineage::Diverged)
    }
}
