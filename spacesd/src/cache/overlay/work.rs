//! Pending sessions and claims.

use spaces_api::Timestamp;
use spaces_api::model::{Claim, ClaimState, Session, SessionState};

use super::{Overlay, PendingWrite};
use crate::cache::CacheError;
use crate::cache::query::claim::ClaimQuery;
use crate::cache::query::session::SessionQuery;
use crate::operation::Operation;

impl Overlay<'_> {
    /// Starts, changes and ends that wait, with the query's filters applied to
    /// the outcome.
    pub fn sessions(
        &self,
        sessions: &mut Vec<Session>,
        query: &SessionQuery,
    ) -> Result<(), CacheError> {
        for write in self.pending {
            self.apply_session(sessions, write)?;
        }
        sessions.retain(|session| {
            let ended = session.state == SessionState::Ended;
            let state_fits = match query.state {
                Some(state) => state == session.state,
                None => query.ended_too || !ended,
            };
            state_fits
                && (query.repo.is_none() || query.repo == session.context.repo)
                && (query.branch.is_none() || query.branch == session.context.branch)
        });
        sessions.sort_by(|a, b| b.last_seen.cmp(&a.last_seen).then_with(|| a.id.cmp(&b.id)));
        sessions.truncate(query.limit as usize);
        Ok(())
    }

    /// One session as it will be once what waits has been sent.
    pub fn session(&self, session_id: &str) -> Result<Option<Session>, CacheError> {
        let mut sessions = Vec::from_iter(self.cache.session(session_id)?);
        for write in self.pending {
            if session_of(&write.call.operation) == Some(session_id) {
                self.apply_session(&mut sessions, write)?;
            }
        }
        Ok(sessions.into_iter().next())
    }

    /// Claims that wait are `provisional`; those that wait to be released are
    /// left out.
    pub fn claims(
        &self,
        claims: &mut Vec<Claim>,
        query: &ClaimQuery,
        now: Timestamp,
    ) -> Result<(), CacheError> {
        for write in self.pending {
            match &write.call.operation {
                Operation::AcquireClaim { .. } => {
                    let Some(claim) = self.provisional(write)? else {
                        continue;
                    };
                    let wanted = query.repo.as_ref().is_none_or(|repo| *repo == claim.repo)
                        && (query.session.as_ref()).is_none_or(|of| *of == claim.session_id);
                    if wanted && !claims.iter().any(|held| is_same(held, &claim)) {
                        claims.push(claim);
                    }
                }
                Operation::RenewClaim { claim_id, ttl_secs } => {
                    for claim in claims
                        .iter_mut()
                        .filter(|claim| claim.id == Some(*claim_id))
                    {
                        claim.expires_at = after(write.queued_at, *ttl_secs);
                    }
                }
                Operation::ReleaseClaim { claim_id } => {
                    claims.retain(|claim| claim.id != Some(*claim_id));
                }
                _ => {}
            }
        }
        claims.retain(|claim| claim.expires_at > now);
        claims.sort_by(|a, b| b.expires_at.cmp(&a.expires_at).then(a.id.cmp(&b.id)));
        claims.truncate(query.limit as usize);
        Ok(())
    }

    fn provisional(&self, write: &PendingWrite<'_>) -> Result<Option<Claim>, CacheError> {
        let Operation::AcquireClaim {
            session_id,
            repo,
            patterns,
            task,
            exclusive,
            reason,
            ttl_secs,
        } = &write.call.operation
        else {
            return Ok(None);
        };
        let agent = match self.session(session_id)? {
            Some(session) => session.agent,
            None => format!("@{}", self.username),
        };
        Ok(Some(Claim {
            id: None,
            client_key: Some(write.call.client_key),
            session_id: session_id.clone(),
            agent,
            owner: self.username.clone(),
            repo: repo.clone(),
            patterns: patterns.clone(),
            task: task.clone(),
            exclusive: *exclusive,
            reason: reason.clone(),
            expires_at: after(write.queued_at, *ttl_secs),
            state: ClaimState::Provisional,
        }))
    }

    fn apply_session(
        &self,
        sessions: &mut Vec<Session>,
        write: &PendingWrite<'_>,
    ) -> Result<(), CacheError> {
        let operation = &write.call.operation;
        let Some(session_id) = session_of(operation) else {
            return Ok(());
        };
        let place = match sessions.iter().position(|session| session.id == session_id) {
            Some(place) => place,
            None => {
                // Not in the list yet: a session that the filters left out may
                // belong to it once changed.
                match self.cache.session(session_id)? {
                    Some(session) => sessions.push(session),
                    None if matches!(operation, Operation::StartSession { .. }) => {
                        sessions.push(self.new_session(session_id, write.queued_at));
                    }
                    None => return Ok(()),
                }
                sessions.len() - 1
            }
        };
        self.change_session(&mut sessions[place], write);
        Ok(())
    }

    fn change_session(&self, session: &mut Session, write: &PendingWrite<'_>) {
        match &write.call.operation {
            Operation::StartSession {
                agent,
                tool,
                task,
                context,
                ..
            } => {
                session.agent = format!("@{}/{agent}", self.username);
                session.tool.clone_from(tool);
                // A session that starts again keeps a task that it does not change.
                session.task = task.clone().or(session.task.take());
                session.context.clone_from(context);
                session.state = SessionState::Active;
                session.ended_at = None;
            }
            Operation::UpdateSession {
                task,
                state,
                paths,
                branch,
                commit,
                ..
            } => {
                let context = &mut session.context;
                session.task = task.clone().or(session.task.take());
                session.state = state.unwrap_or(session.state);
                context.branch = branch.clone().or(context.branch.take());
                context.commit = commit.clone().or(context.commit.take());
                if let Some(paths) = paths {
                    context.paths.clone_from(paths);
                }
            }
            Operation::EndSession { .. } => {
                session.state = SessionState::Ended;
                session.ended_at = Some(write.queued_at);
            }
            _ => return,
        }
        session.pending = true;
        session.last_seen = session.last_seen.max(write.queued_at);
    }

    fn new_session(&self, session_id: &str, at: Timestamp) -> Session {
        Session {
            id: session_id.to_owned(),
            agent: String::new(),
            owner: self.username.clone(),
            tool: String::new(),
            context: Default::default(),
            task: None,
            state: SessionState::Active,
            started_at: at,
            last_seen: at,
            ended_at: None,
            pending: true,
        }
    }
}

/// The session that an operation starts, changes or ends.
fn session_of(operation: &Operation) -> Option<&str> {
    match operation {
        Operation::StartSession { id, .. }
        | Operation::UpdateSession { id, .. }
        | Operation::EndSession { id } => Some(id),
        _ => None,
    }
}

/// Whether a claim that the hub has shown is the one that waits: a claim of the
/// hub does not tell the key with which it was taken.
fn is_same(held: &Claim, waiting: &Claim) -> bool {
    held.session_id == waiting.session_id
        && held.repo == waiting.repo
        && held.patterns == waiting.patterns
        && held.task == waiting.task
}

fn after(at: Timestamp, seconds: u32) -> Timestamp {
    Timestamp::from_micros(at.as_micros() + i64::from(seconds) * 1_000_000)
}
