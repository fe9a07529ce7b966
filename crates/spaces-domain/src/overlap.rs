//! Whether two claims touch the same thing.
//!
//! Two globs overlap if some path matches both. Each glob becomes an automaton
//! by `globset` and `regex-automata`; the pair of automata is walked together
//! until both accept, or until nothing new is reached. The answer is exact.

use crate::errors::Refusal;
use crate::kinds::ClaimTarget;
use crate::limits::CLAIM_PATTERN_CHARS;
use globset::{Glob, GlobBuilder, GlobMatcher};
use regex_automata::nfa::thompson::{NFA, State};
use regex_automata::util::primitives::StateID;
use std::cell::OnceCell;
use std::collections::HashSet;

/// Pairs of states that are looked at before two globs are taken to overlap.
const MOST_PAIRS: usize = 200_000;
/// What compiling a glob costs, in pairs of states.
const COMPILE: usize = 500;

/// What a claim's pattern must be: for paths a glob relative to the repository
/// (`src/**/*.rs`, `docs/{a,b}.md`, `src/lib.rs`), for a task one line of text.
pub fn check_pattern(target: ClaimTarget, pattern: &str) -> Result<(), Refusal> {
    crate::content::check_line("a claim's pattern", pattern, CLAIM_PATTERN_CHARS)?;
    if target == ClaimTarget::Task {
        return Ok(());
    }
    if pattern.starts_with('/') || pattern.split('/').any(|part| part == "..") {
        return Err(Refusal::invalid(format!(
            "{pattern:?} must be relative to the repository and stay in it"
        )));
    }
    glob(pattern).and_then(|glob| automaton(&glob)).map(drop)
}

/// Whether two claims of one repository touch the same thing. A pattern that
/// ends with `/`, or with a plain name without a dot, may be a directory and
/// stands for all that is in it too. A pattern that is not valid overlaps only
/// its own text.
pub fn overlaps(a: (ClaimTarget, &str), b: (ClaimTarget, &str)) -> bool {
    // Two globs too involved to compare are taken to overlap.
    Pattern::new(a.0, a.1)
        .overlaps(b, &mut Work(MOST_PAIRS))
        .unwrap_or(true)
}

/// How much comparing may still be done, in pairs of states looked at. Globs
/// can be written that take seconds to compare with many others; whoever
/// compares for others bounds the sum.
#[derive(Debug)]
pub struct Work(pub usize);

impl Work {
    /// Takes so much away, or says that there is not so much left.
    fn spend(&mut self, cost: usize) -> Option<()> {
        self.0 = self.0.checked_sub(cost)?;
        Some(())
    }
}

/// One claim's pattern, compiled when it is first needed, to be compared with
/// many others.
pub struct Pattern<'a> {
    target: ClaimTarget,
    text: &'a str,
    automata: OnceCell<Vec<NFA>>,
}

impl<'a> Pattern<'a> {
    pub fn new(target: ClaimTarget, text: &'a str) -> Self {
        Self {
            target,
            text,
            automata: OnceCell::new(),
        }
    }

    /// As [`overlaps`]; `None` when `work` is used up.
    pub fn overlaps(&self, other: (ClaimTarget, &str), work: &mut Work) -> Option<bool> {
        let (target, text) = other;
        if self.target != target {
            return Some(false);
        }
        if self.text == text {
            return Some(true);
        }
        if target == ClaimTarget::Task || !prefixes_agree(self.text, text) {
            return Some(false);
        }
        work.spend(COMPILE)?;
        let theirs = automata(text);
        for ours in self.automata.get_or_init(|| automata(self.text)) {
            for their in &theirs {
                if intersect(ours, their, work)? {
                    return Some(true);
                }
            }
        }
        Some(false)
    }
}

/// Whether a claim's glob covers one concrete path.
pub fn covers(pattern: &str, path: &str) -> bool {
    !covered(pattern, [path]).is_empty()
}

/// Those of the concrete paths that a claim's glob covers. The glob is compiled
/// once, so that many paths cost little more than one; and not at all where no
/// path begins as it does, so that most of many claims cost next to nothing.
pub fn covered<'a>(pattern: &str, paths: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let beginning = plain_beginning(pattern.trim_end_matches('/'));
    let paths = paths.into_iter();
    let mut paths: Vec<_> = paths.filter(|path| path.starts_with(beginning)).collect();
    if !paths.is_empty() {
        let matchers = matchers(pattern);
        paths.retain(|path| matchers.iter().any(|matcher| matcher.is_match(path)));
    }
    paths
}

fn matchers(pattern: &str) -> Vec<GlobMatcher> {
    spellings(pattern)
        .iter()
        .filter_map(|text| glob(text).ok())
        .map(|glob| glob.compile_matcher())
        .collect()
}

/// Whether the plain beginnings of two patterns agree as far as both go; most
/// pairs of claims differ here already.
fn prefixes_agree(a: &str, b: &str) -> bool {
    let (a, b) = (plain_beginning(a).as_bytes(), plain_beginning(b).as_bytes());
    let shared = a.len().min(b.len());
    a[..shared] == b[..shared]
}

/// A pattern up to the first character that stands for others.
fn plain_beginning(pattern: &str) -> &str {
    let plain = pattern
        .find(['*', '?', '[', '{', '\\'])
        .unwrap_or(pattern.len());
    &pattern[..plain]
}

/// A pattern, and all that is below it where it may name a directory.
fn spellings(pattern: &str) -> Vec<String> {
    let bare = pattern.trim_end_matches('/');
    let last = bare.rsplit('/').next().unwrap_or(bare);
    let mut spellings = vec![bare.to_owned()];
    if bare.len() < pattern.len() || !last.contains(['.', '*', '?', '[', '{']) {
        spellings.push(format!("{bare}/**"));
    }
    spellings
}

fn automata(pattern: &str) -> Vec<NFA> {
    spellings(pattern)
        .iter()
        .filter_map(|text| glob(text).and_then(|glob| automaton(&glob)).ok())
        .collect()
}

fn glob(pattern: &str) -> Result<Glob, Refusal> {
    GlobBuilder::new(pattern)
        .literal_separator(true)
        .build()
        .map_err(|err| Refusal::invalid(format!("{pattern:?} is not a glob: {}", err.kind())))
}

fn automaton(glob: &Glob) -> Result<NFA, Refusal> {
    // globset's regex is one for bytes and anchored at both ends.
    NFA::compiler()
        .configure(
            NFA::config()
                .utf8(false)
                .which_captures(regex_automata::nfa::thompson::WhichCaptures::None)
                .nfa_size_limit(Some(1 << 20)),
        )
        .syntax(
            regex_automata::util::syntax::Config::new()
                .utf8(false)
                .unicode(false),
        )
        .build(glob.regex())
        .map_err(|_| Refusal::invalid(format!("{:?} is too large a glob", glob.glob())))
}

/// Walks both automata over the same bytes; `None` when `work` is used up.
fn intersect(left: &NFA, right: &NFA, work: &mut Work) -> Option<bool> {
    let mut seen: HashSet<(StateID, StateID)> = HashSet::new();
    let mut todo = Vec::new();
    let start = (left.start_anchored(), right.start_anchored());
    push(start, &mut seen, &mut todo);
    while let Some((l, r)) = todo.pop() {
        work.spend(1)?;
        if let Some(next) = silent(left.state(l)) {
            next.into_iter()
                .for_each(|l| push((l, r), &mut seen, &mut todo));
            continue;
        }
        if let Some(next) = silent(right.state(r)) {
            next.into_iter()
                .for_each(|r| push((l, r), &mut seen, &mut todo));
            continue;
        }
        let (l, r) = (left.state(l), right.state(r));
        if matches!((l, r), (State::Match { .. }, State::Match { .. })) {
            return Some(true);
        }
        for (from, to, l) in consuming(l) {
            for (other_from, other_to, r) in consuming(r) {
                if from <= other_to && other_from <= to {
                    push((l, r), &mut seen, &mut todo);
                }
            }
        }
    }
    Some(false)
}

fn push(
    pair: (StateID, StateID),
    seen: &mut HashSet<(StateID, StateID)>,
    todo: &mut Vec<(StateID, StateID)>,
) {
    if seen.insert(pair) {
        todo.push(pair);
    }
}

/// The states reached without a byte. The only assertions in a glob's regex
/// are its two anchors, which hold: the walk begins at the start, and accepts
/// only where both automata end.
fn silent(state: &State) -> Option<Vec<StateID>> {
    match state {
        State::Look { next, .. } | State::Capture { next, .. } => Some(vec![*next]),
        State::Union { alternates } => Some(alternates.to_vec()),
        State::BinaryUnion { alt1, alt2 } => Some(vec![*alt1, *alt2]),
        _ => None,
    }
}

/// The ranges of bytes that a state takes, and where each leads.
fn consuming(state: &State) -> Vec<(u8, u8, StateID)> {
    match state {
        State::ByteRange { trans } => vec![(trans.start, trans.end, trans.next)],
        State::Sparse(sparse) => sparse
            .transitions
            .iter()
            .map(|trans| (trans.start, trans.end, trans.next))
            .collect(),
        State::Dense(dense) => (0..=u8::MAX)
            .filter_map(|byte| dense.matches_byte(byte).map(|next| (byte, byte, next)))
            .collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn both(a: &str, b: &str) -> bool {
        let forth = overlaps((ClaimTarget::Paths, a), (ClaimTarget::Paths, b));
        let back = overlaps((ClaimTarget::Paths, b), (ClaimTarget::Paths, a));
        assert_eq!(forth, back, "{a} and {b}");
        forth
    }

    #[test]
    fn overlapping() {
        for (a, b) in [
            ("src/lib.rs", "src/lib.rs"),
            ("src/*.rs", "src/lib.rs"),
            ("src/**", "src/a/b/c.rs"),
            ("**/*.rs", "src/**"),
            ("src", "src/main.rs"),
            ("src/", "src/a/*.rs"),
            ("src/{a,b}/*.rs", "src/b/[x-z]*"),
            ("*/main.rs", "src/*.rs"),
            ("docs/?.md", "docs/a.*"),
            ("größe/*", "größe/ä.rs"),
        ] {
            assert!(both(a, b), "{a} and {b}");
        }
    }

    #[test]
    fn apart() {
        for (a, b) in [
            ("src/lib.rs", "src/main.rs"),
            ("src/*.rs", "src/*.md"),
            ("src/*.rs", "src/a/lib.rs"),
            ("src", "srcs/a"),
            ("src/{a,b}/**", "src/c/**"),
            ("**/*.rs", "docs/*.md"),
            ("docs/[a-c].md", "docs/[d-f].md"),
            ("src/lib.rs", "**/*.md"),
        ] {
            assert!(!both(a, b), "{a} and {b}");
        }
    }

    #[test]
    fn tasks_overlap_by_name() {
        let task = |name| (ClaimTarget::Task, name);
        assert!(overlaps(task("fix login"), task("fix login")));
        assert!(!overlaps(task("fix *"), task("fix login")));
        assert!(!overlaps(task("src/**"), (ClaimTarget::Paths, "src/**")));
    }

    #[test]
    fn involved_globs_use_the_work_up_and_are_taken_to_overlap() {
        let a = "*a".repeat(100) + "x";
        let b = "*b".repeat(100) + "y";
        let mut work = Work(50_000);
        let paths = ClaimTarget::Paths;
        assert_eq!(
            Pattern::new(paths, &a).overlaps((paths, &b), &mut work),
            None
        );
        assert_eq!(
            Pattern::new(paths, "src/*").overlaps((paths, "docs/*"), &mut work),
            Some(false)
        );
    }

    #[test]
    fn what_a_pattern_must_be() {
        let check = |pattern: &str| check_pattern(ClaimTarget::Paths, pattern);
        for bad in [
            "",
            "/etc/passwd",
            "../x",
            "a/../b",
            "a[",
            "a{b",
            "a\nb",
            &"a".repeat(257),
        ] {
            assert!(check(bad).is_err(), "{bad:?}");
        }
        assert!(check("src/**/*.rs").is_ok());
        assert!(check_pattern(ClaimTarget::Task, "a[").is_ok());
    }

    fn pattern() -> impl Strategy<Value = String> {
        prop::collection::vec(
            prop::sample::select(vec!["a", "b", "*", "?", "**", "a*", "{a,b}", "[ab]", "ab"]),
            1..4,
        )
        .prop_map(|parts| parts.join("/"))
    }

    proptest! {
        #[test]
        fn a_common_path_means_overlap(
            a in pattern(), b in pattern(), path in prop::collection::vec("[ab]{1,2}", 1..4),
        ) {
            let path = path.join("/");
            if covers(&a, &path) && covers(&b, &path) {
                prop_assert!(both(&a, &b), "{} and {} share {}", a, b, path);
            }
        }

        #[test]
        fn a_path_is_covered_where_the_glob_matches_it(
            pattern in pattern(),
            end in prop::sample::select(vec!["", "/", "/\\*", ".rs"]),
            path in prop::collection::vec(r"[ab]{1,2}|\*|a\.rs", 1..4),
        ) {
            let (pattern, path) = (pattern + end, path.join("/"));
            let matched = matchers(&pattern).iter().any(|matcher| matcher.is_match(&path));
            prop_assert_eq!(covers(&pattern, &path), matched);
        }

        #[test]
        fn apart_means_no_common_path(a in pattern(), b in pattern()) {
            if !both(&a, &b) {
                for x in ["a", "b", "ab", "aa", "a/a", "a/b", "b/ab", "ab/a/b", "b/b/a/a"] {
                    prop_assert!(!(covers(&a, x) && covers(&b, x)), "{}", x);
                }
            }
        }

        #[test]
        fn every_pattern_overlaps_itself(a in pattern()) {
            prop_assert!(both(&a, &a));
        }
    }
}
