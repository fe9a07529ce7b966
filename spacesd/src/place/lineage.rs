//! How commits stand to each other in the local repository.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::git;
use super::repository::Repository;

/// Commits that are asked about at once.
const ASKED_AT_ONCE: usize = 64;

/// Commits of others' branches that are walked through.
const WALKED: usize = 5_000;

/// Pairs that are remembered; how two commits stand never changes.
const REMEMBERED: usize = 16_384;

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

/// What was found out, by the pair of commits.
#[derive(Default)]
pub(super) struct Lineages {
    known: Mutex<HashMap<(String, String), Lineage>>,
}

impl Lineages {
    /// What is remembered of these commits.
    pub fn known(&self, head: &str, commits: &[String]) -> HashMap<String, Lineage> {
        let known = self.lock();
        commits
            .iter()
            .filter_map(|commit| {
                let lineage = match *commit == *head {
                    true => Lineage::Same,
                    false => *known.get(&(head.to_owned(), commit.clone()))?,
                };
                Some((commit.clone(), lineage))
            })
            .collect()
    }

    /// Asks the repository about those that are not remembered. Commits that it
    /// does not have are left out, and asked about again the next time.
    pub fn learn(
        &self,
        repository: &Repository,
        head: &str,
        commits: &[String],
    ) -> HashMap<String, Lineage> {
        let mut found = self.known(head, commits);
        let unknown: Vec<&str> = commits
            .iter()
            .map(String::as_str)
            .filter(|commit| is_hash(commit) && !found.contains_key(*commit))
            .take(ASKED_AT_ONCE)
            .collect();
        if unknown.is_empty() || !is_hash(head) {
            return found;
        }
        let learned = ask(repository, head, &unknown).unwrap_or_default();
        let mut known = self.lock();
        if known.len() + learned.len() > REMEMBERED {
            known.clear();
        }
        for (commit, lineage) in learned {
            known.insert((head.to_owned(), commit.clone()), lineage);
            found.insert(commit, lineage);
        }
        found
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(String, String), Lineage>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A full hash, and so nothing that git could take for an option or a range.
fn is_hash(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn ask(repository: &Repository, head: &str, commits: &[&str]) -> Option<Vec<(String, Lineage)>> {
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
fn present(repository: &Repository, commits: &[&str]) -> Option<Vec<String>> {
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
