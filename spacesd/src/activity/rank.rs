//! Relevance: a pure function of the candidates and the reader.
//!
//! A score is a tier of a thousand points, and within it what sort of thing it
//! is, how much it has in common with the reader's work, and how recent it is.
//! Nothing within a tier adds up to a tier, so the order of the tiers holds.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap, HashSet};

use spaces_api::Timestamp;
use spaces_api::model::{
    ActivityItem, ActivityKind, Claim, Context, InboxReason, Message, SessionState,
};
use spaces_domain::ClaimTarget;
use spaces_domain::overlap::{covered, overlaps};
use uuid::Uuid;

use crate::place::Lineage;

/// The age at which an item has lost half of what recency is worth.
const HALF_LIFE_SECS: f64 = 6.0 * 3600.0;

const TIER: f64 = 1000.0;
const RECENCY: f64 = 500.0;
const MOST_IN_COMMON: f64 = 100.0;

/// Shared paths that are named as a reason.
const PATHS_NAMED: usize = 3;

/// Patterns that are compiled for one digest, and pairs of patterns that are
/// compared; claims beyond them count as not overlapping.
const MOST_PATTERNS: usize = 256;
const MOST_PAIRS: usize = 64;

/// What decides relevance, beside the item itself.
pub(super) struct Reader<'a> {
    pub context: &'a Context,
    pub session: Option<&'a str>,
    pub own_paths: &'a [String],
    pub own_claims: &'a [Claim],
    /// How the commits of others stand to the reader's.
    pub lineages: &'a HashMap<String, Lineage>,
    pub now: Timestamp,
}

/// The relevant ones, most relevant first, each thing once. The order is total:
/// the same candidates give the same list, however they were found.
pub(super) fn rank(candidates: Vec<ActivityKind>, reader: &Reader<'_>) -> Vec<ActivityItem> {
    let related = related_branches(&candidates, reader);
    let mut distinct = distinct(candidates, reader);
    distinct.retain(|what| !is_elsewhere(what, reader, &related));
    let mut budget = Budget {
        patterns: MOST_PATTERNS,
        pairs: MOST_PAIRS,
    };
    let mut items: Vec<ActivityItem> = distinct
        .into_iter()
        .map(|what| judge(what, reader, &mut budget))
        .collect();
    items.sort_by(compare);
    items
}

/// Commits of others in the reader's repository, on other branches.
pub(super) fn foreign_commits(candidates: &[ActivityKind], here: &Context) -> Vec<String> {
    let mut commits: Vec<String> = candidates
        .iter()
        .filter_map(context_of)
        .filter(|there| there.repo == here.repo && there.branch != here.branch)
        .filter_map(|there| there.commit.clone())
        .collect();
    commits.sort_unstable();
    commits.dedup();
    commits
}

/// Other branches of the reader's repository of which some commit builds on the
/// reader's, or the other way round.
fn related_branches(candidates: &[ActivityKind], reader: &Reader<'_>) -> HashSet<String> {
    let related = |there: &&Context| {
        let lineage = there
            .commit
            .as_ref()
            .and_then(|commit| reader.lineages.get(commit));
        there.repo == reader.context.repo
            && lineage.is_some_and(|lineage| *lineage != Lineage::Diverged)
    };
    candidates
        .iter()
        .filter_map(context_of)
        .filter(related)
        .filter_map(|there| there.branch.clone())
        .collect()
}

/// A note for a branch that has nothing to do with the reader's.
fn is_elsewhere(what: &ActivityKind, reader: &Reader<'_>, related: &HashSet<String>) -> bool {
    let (ActivityKind::Note { note }, Some(here)) = (what, &reader.context.branch) else {
        return false;
    };
    let there = note.message.context.branch.as_ref();
    there.is_some_and(|there| there != here && !related.contains(there))
}

/// Leaves out what the reader's own session wrote, what has ended, and repeats:
/// one item per message, and per session the latest summary only. In the order of
/// what they are: the budget is spent in it, or the result would depend on how the
/// candidates were found.
fn distinct(candidates: Vec<ActivityKind>, reader: &Reader<'_>) -> Vec<ActivityKind> {
    let age = |place: usize| {
        let what = &candidates[place];
        (moment(what, reader.now), Thing::of(what))
    };
    let worth = |place: usize| (sort_of(&candidates[place]), age(place));
    let mut latest: HashMap<Writer<'_>, usize> = HashMap::new();
    let mut kept: BTreeMap<Thing<'_>, usize> = BTreeMap::new();
    let mut keep = |place: usize| {
        let best = kept.entry(Thing::of(&candidates[place])).or_insert(place);
        if worth(place) > worth(*best) {
            *best = place;
        }
    };
    for (place, what) in candidates.iter().enumerate() {
        if is_own(what, reader) || is_over(what) {
            continue;
        }
        if let ActivityKind::Summary { message } = what {
            let newest = latest.entry(Writer::of(message)).or_insert(place);
            if age(place) > age(*newest) {
                *newest = place;
            }
        } else {
            keep(place);
        }
    }
    latest.into_values().for_each(&mut keep);
    let places: Vec<usize> = kept.into_values().collect();
    let mut candidates: Vec<_> = candidates.into_iter().map(Some).collect();
    places
        .into_iter()
        .filter_map(|place| candidates[place].take())
        .collect()
}

fn judge(what: ActivityKind, reader: &Reader<'_>, budget: &mut Budget) -> ActivityItem {
    let (tier, in_common, why) = match &what {
        ActivityKind::Claim { claim } => of_claim(claim, reader, budget),
        ActivityKind::Note { note } => match &note.message.context.branch {
            Some(there)
                if reader
                    .context
                    .branch
                    .as_ref()
                    .is_some_and(|here| here != there) =>
            {
                let why = format!("note for {there}, a related branch");
                (6.0, MOST_IN_COMMON / 2.0, vec![why])
            }
            Some(_) => (6.0, MOST_IN_COMMON, vec!["note for this branch".to_owned()]),
            None => (6.0, 0.0, vec!["note for this repository".to_owned()]),
        },
        ActivityKind::Inbox { item } => {
            let reason = match item.reason {
                InboxReason::Dm => "direct message to you",
                InboxReason::Mention => "mentions you",
                InboxReason::Reply => "replies to you",
                InboxReason::Private => "private channel",
                InboxReason::Claim => "concerns your claim",
                InboxReason::Voice => "voice",
                InboxReason::Gap => "older items were dropped",
            };
            (5.0, 0.0, vec![reason.to_owned()])
        }
        ActivityKind::Summary { message } | ActivityKind::Message { message } => {
            of_place(&message.context, reader)
        }
        ActivityKind::Session { session } => of_place(&session.context, reader),
    };
    let age_secs = moment(&what, reader.now).millis_until(reader.now) as f64 / 1000.0;
    let recency = RECENCY / (1.0 + age_secs / HALF_LIFE_SECS);
    let score = tier * TIER + sort_of(&what) * 40.0 + in_common.min(MOST_IN_COMMON) + recency;
    ActivityItem { why, score, what }
}

/// Higher score first; then the newer, then by what they are.
fn compare(a: &ActivityItem, b: &ActivityItem) -> Ordering {
    // The time matters no more here than to order; claims have none of their own.
    let epoch = Timestamp::default();
    b.score
        .total_cmp(&a.score)
        .then_with(|| moment(&b.what, epoch).cmp(&moment(&a.what, epoch)))
        .then_with(|| Thing::of(&a.what).cmp(&Thing::of(&b.what)))
}

/// Tier, what it has in common with the reader's work, and why.
type Judgement = (f64, f64, Vec<String>);

/// Work that one digest may still cost.
struct Budget {
    patterns: usize,
    pairs: usize,
}

fn of_claim(claim: &Claim, reader: &Reader<'_>, budget: &mut Budget) -> Judgement {
    let paths = claimed_paths(claim, reader, budget);
    let in_common = paths.len() as f64 * 10.0;
    let mut why: Vec<String> = paths
        .iter()
        .take(PATHS_NAMED)
        .map(|path| format!("overlaps {path}"))
        .collect();
    if why.is_empty() {
        why.extend(
            overlapped_claim(claim, reader, budget)
                .map(|own| format!("overlaps your claim on {own}")),
        );
    }
    if why.is_empty() {
        return (2.0, 0.0, vec!["same repository".to_owned()]);
    }
    if claim.exclusive {
        why.push("exclusive".to_owned());
    }
    (7.0, in_common, why)
}

/// The reader's paths that a claim covers.
fn claimed_paths<'a>(claim: &Claim, reader: &Reader<'a>, budget: &mut Budget) -> Vec<&'a str> {
    let mut paths: Vec<&str> = Vec::new();
    for pattern in &claim.patterns {
        let possible: Vec<&str> = reader
            .own_paths
            .iter()
            .map(String::as_str)
            .filter(|path| may_meet(pattern, path))
            .collect();
        if !possible.is_empty() && budget.patterns > 0 {
            budget.patterns -= 1;
            paths.extend(covered(pattern, possible));
        }
    }
    paths.sort_unstable();
    paths.dedup();
    paths
}

/// The first of the reader's own claims that a claim overlaps.
fn overlapped_claim(claim: &Claim, reader: &Reader<'_>, budget: &mut Budget) -> Option<String> {
    let theirs = targets(claim);
    for (own_target, own) in reader.own_claims.iter().flat_map(targets) {
        for (their_target, their) in &theirs {
            if !may_meet(own, their) || budget.pairs == 0 {
                continue;
            }
            budget.pairs -= 1;
            if overlaps((own_target, own), (*their_target, their)) {
                return Some(own.to_owned());
            }
        }
    }
    None
}

fn targets(claim: &Claim) -> Vec<(ClaimTarget, &str)> {
    let paths = claim
        .patterns
        .iter()
        .map(|pattern| (ClaimTarget::Paths, pattern.as_str()));
    let task = claim
        .task
        .iter()
        .map(|task| (ClaimTarget::Task, task.as_str()));
    paths.chain(task).collect()
}

/// False where two patterns cannot share a path, told by the plain text that
/// each begins with.
fn may_meet(a: &str, b: &str) -> bool {
    let plain = |pattern: &str| -> usize {
        pattern
            .find(['*', '?', '[', '{', '\\'])
            .unwrap_or(pattern.len())
    };
    let common = plain(a).min(plain(b));
    a.as_bytes()[..common] == b.as_bytes()[..common]
}

fn of_place(there: &Context, reader: &Reader<'_>) -> Judgement {
    let here = reader.context;
    if here.repo.is_none() || there.repo != here.repo {
        return (1.0, 0.0, vec!["recent".to_owned()]);
    }
    let shared: Vec<&String> = there
        .paths
        .iter()
        .filter(|path| reader.own_paths.contains(path))
        .collect();
    let in_common = shared.len() as f64 * 10.0;
    let mut why = Vec::new();
    let tier = if here.branch.is_some() && there.branch == here.branch {
        why.push("same branch".to_owned());
        4.0
    } else {
        let lineage = there
            .commit
            .as_ref()
            .and_then(|commit| reader.lineages.get(commit));
        let relation = match lineage {
            Some(Lineage::Same) => Some("same commit"),
            Some(Lineage::Ancestor) => Some("your branch builds on it"),
            Some(Lineage::Descendant) => Some("builds on your branch"),
            Some(Lineage::Diverged) | None => None,
        };
        why.extend(relation.map(str::to_owned));
        if relation.is_some() || !shared.is_empty() {
            3.0
        } else {
            2.0
        }
    };
    why.extend(
        shared
            .iter()
            .take(PATHS_NAMED)
            .map(|path| format!("also changes {path}")),
    );
    if why.is_empty() {
        why.push("same repository".to_owned());
    }
    (tier, in_common, why)
}

/// The sorts, by their worth at equal place and age. An inbox item or a note
/// stands for its message where both are there.
fn sort_of(what: &ActivityKind) -> f64 {
    match what {
        ActivityKind::Inbox { .. } => 5.0,
        ActivityKind::Note { .. } => 4.0,
        ActivityKind::Claim { .. } => 3.0,
        ActivityKind::Summary { .. } => 2.0,
        ActivityKind::Session { .. } => 1.0,
        ActivityKind::Message { .. } => 0.0,
    }
}

/// When it was written; a claim is of the present as long as it holds.
fn moment(what: &ActivityKind, now: Timestamp) -> Timestamp {
    match what {
        ActivityKind::Claim { .. } => now,
        ActivityKind::Note { note } => note.message.created_at,
        ActivityKind::Inbox { item } => item.at,
        ActivityKind::Summary { message } | ActivityKind::Message { message } => message.created_at,
        ActivityKind::Session { session } => session.last_seen,
    }
}

fn context_of(what: &ActivityKind) -> Option<&Context> {
    match what {
        ActivityKind::Summary { message } | ActivityKind::Message { message } => {
            Some(&message.context)
        }
        ActivityKind::Session { session } => Some(&session.context),
        ActivityKind::Claim { .. } | ActivityKind::Note { .. } | ActivityKind::Inbox { .. } => None,
    }
}

/// The thing itself, whatever stands for it.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Thing<'a> {
    Claim(u64),
    /// On its way to the hub.
    NewClaim(Uuid),
    ClaimOf(&'a str, &'a [String]),
    Inbox(u64),
    Message(u64),
    /// On its way to the hub.
    NewMessage(Uuid),
    MessageOf(Timestamp, &'a str),
    Session(&'a str),
}

impl<'a> Thing<'a> {
    fn of(what: &'a ActivityKind) -> Self {
        match what {
            ActivityKind::Claim { claim } => match (claim.id, claim.client_key) {
                (Some(id), _) => Self::Claim(id),
                (None, Some(key)) => Self::NewClaim(key),
                (None, None) => Self::ClaimOf(&claim.session_id, &claim.patterns),
            },
            ActivityKind::Note { note } => Self::of_message(&note.message),
            ActivityKind::Inbox { item } => match &item.message {
                Some(message) => Self::of_message(message),
                None => Self::Inbox(item.id),
            },
            ActivityKind::Summary { message } | ActivityKind::Message { message } => {
                Self::of_message(message)
            }
            ActivityKind::Session { session } => Self::Session(&session.id),
        }
    }

    fn of_message(message: &'a Message) -> Self {
        match (message.id, message.client_key) {
            (Some(id), _) => Self::Message(id),
            (None, Some(key)) => Self::NewMessage(key),
            (None, None) => Self::MessageOf(message.created_at, &message.content),
        }
    }
}

/// Who a summary is of: a session, or whoever wrote it without one.
#[derive(PartialEq, Eq, Hash)]
enum Writer<'a> {
    Session(&'a str),
    Other {
        identity: &'a str,
        agent: Option<&'a str>,
        branch: Option<&'a str>,
    },
}

impl<'a> Writer<'a> {
    fn of(message: &'a Message) -> Self {
        match &message.session_id {
            Some(session) => Self::Session(session),
            None => Self::Other {
                identity: &message.author.identity,
                agent: message.author.agent.as_deref(),
                branch: message.context.branch.as_deref(),
            },
        }
    }
}

fn is_own(what: &ActivityKind, reader: &Reader<'_>) -> bool {
    let session = match what {
        ActivityKind::Claim { claim } => Some(&claim.session_id),
        ActivityKind::Note { note } => note.message.session_id.as_ref(),
        ActivityKind::Inbox { item } => {
            (item.message.as_ref()).and_then(|message| message.session_id.as_ref())
        }
        ActivityKind::Summary { message } | ActivityKind::Message { message } => {
            message.session_id.as_ref()
        }
        ActivityKind::Session { session } => Some(&session.id),
    };
    reader.session.is_some() && session.map(String::as_str) == reader.session
}

fn is_over(what: &ActivityKind) -> bool {
    match what {
        ActivityKind::Session { session } => {
            session.state == SessionState::Ended || session.ended_at.is_some()
        }
        ActivityKind::Note { note } => note.done || note.message.deleted,
        ActivityKind::Summary { message } | ActivityKind::Message { message } => message.deleted,
        ActivityKind::Claim { .. } | ActivityKind::Inbox { .. } => false,
    }
}
