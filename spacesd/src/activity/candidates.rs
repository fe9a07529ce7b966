//! What may be in a digest: a bounded number of rows of each sort.

use spaces_api::Timestamp;
use spaces_api::model::{ActivityKind, Claim, Context, MessageKind};

use super::Ask;
use super::recent::Recent;
use crate::cache::overlay::{Overlay, PendingWrite};
use crate::cache::query::claim::ClaimQuery;
use crate::cache::query::note::NoteQuery;
use crate::cache::query::session::SessionQuery;
use crate::cache::{Cache, CacheError};

/// Rows of each sort that are looked at.
const CLAIMS: u32 = 500;
const NOTES: u32 = 50;
const INBOX: u32 = 50;
const SESSIONS_IN_REPO: u32 = 60;
const SESSIONS_ANYWHERE: u32 = 30;
const WAITING: u32 = 60;

/// The candidates, and what the asker's own session says about its work.
pub(super) struct Found {
    pub items: Vec<ActivityKind>,
    /// Paths that the asker works on.
    pub own_paths: Vec<String>,
    /// Claims that the asker's session holds.
    pub own_claims: Vec<Claim>,
}

pub(super) fn gather(
    cache: &Cache,
    recent: &Recent,
    ask: &Ask,
    pending: &[PendingWrite<'_>],
    now: Timestamp,
) -> Result<Found, CacheError> {
    let overlay = cache.overlay(pending)?;
    let mut found = Found {
        items: Vec::new(),
        own_paths: ask.place.context.paths.clone(),
        own_claims: Vec::new(),
    };
    if let Some(session) = &ask.session
        && let Some(session) = overlay.session(session)?
    {
        found.own_paths.extend(session.context.paths);
    }
    if let Some(repo) = &ask.place.context.repo {
        claims(cache, &overlay, ask, repo, now, &mut found)?;
        notes(cache, &overlay, ask, &mut found)?;
    }
    sessions(cache, &overlay, ask, &mut found)?;
    let inbox = cache.unshown_inbox(INBOX)?;
    found
        .items
        .extend(inbox.into_iter().map(|item| ActivityKind::Inbox { item }));
    let recent = recent.of(cache, &ask.place.context)?;
    let waiting = overlay.newest_messages(WAITING)?;
    let messages = recent.iter().cloned().chain(waiting);
    found.items.extend(messages.filter_map(of_message));
    Ok(found)
}

fn claims(
    cache: &Cache,
    overlay: &Overlay<'_>,
    ask: &Ask,
    repo: &str,
    now: Timestamp,
    found: &mut Found,
) -> Result<(), CacheError> {
    let query = ClaimQuery {
        repo: Some(repo.to_owned()),
        session: None,
        limit: CLAIMS,
    };
    let mut claims = cache.claims(&query, now)?;
    overlay.claims(&mut claims, &query, now)?;
    for claim in claims {
        if ask.session.as_deref() == Some(claim.session_id.as_str()) {
            found.own_claims.push(claim);
        } else {
            found.items.push(ActivityKind::Claim { claim });
        }
    }
    Ok(())
}

fn notes(
    cache: &Cache,
    overlay: &Overlay<'_>,
    ask: &Ask,
    found: &mut Found,
) -> Result<(), CacheError> {
    // Those for the branch, then those for any branch: which of these belong to
    // a related one is told by what else is found.
    let here = ask.place.context.clone();
    let anywhere = Context {
        branch: None,
        ..here.clone()
    };
    for place in [here, anywhere] {
        let query = NoteQuery {
            place,
            done_too: false,
            limit: NOTES,
        };
        let mut notes = cache.notes(&query)?;
        overlay.notes(&mut notes, &query)?;
        found
            .items
            .extend(notes.into_iter().map(|note| ActivityKind::Note { note }));
    }
    Ok(())
}

fn sessions(
    cache: &Cache,
    overlay: &Overlay<'_>,
    ask: &Ask,
    found: &mut Found,
) -> Result<(), CacheError> {
    let mut queries = vec![SessionQuery {
        limit: SESSIONS_ANYWHERE,
        ..SessionQuery::default()
    }];
    if ask.place.context.repo.is_some() {
        queries.push(SessionQuery {
            repo: ask.place.context.repo.clone(),
            limit: SESSIONS_IN_REPO,
            ..SessionQuery::default()
        });
    }
    for query in queries {
        let mut sessions = cache.sessions(&query)?;
        overlay.sessions(&mut sessions, &query)?;
        found.items.extend(
            sessions
                .into_iter()
                .map(|session| ActivityKind::Session { session }),
        );
    }
    Ok(())
}

/// A message as what it is in a digest. Notes have a way of their own.
fn of_message(message: spaces_api::model::Message) -> Option<ActivityKind> {
    match message.kind {
        MessageKind::Summary => Some(ActivityKind::Summary { message }),
        MessageKind::AgentEvent | MessageKind::Text => Some(ActivityKind::Message { message }),
        MessageKind::System | MessageKind::Join | MessageKind::Leave | MessageKind::Note => None,
    }
}
