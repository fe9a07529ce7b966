//! Agent sessions: started, kept alive, ended by their client or by silence.

use crate::call::{self, Call, arguments, keyed, own_session};
use crate::schema::*;
use crate::{agents, clock, hub, typists, users};
use spaces_domain::{Refusal, SessionState as State, content, limits, names};
use spacetimedb::{Identity, ReducerContext, Table, reducer};

/// `last_seen` may lag by this much, so that heartbeats are not sent to every
/// client.
const SEEN_EVERY_SECS: u32 = 30;
/// Sessions and claims that one run of the scheduled job ends.
const EXPIRE_BATCH: usize = 500;

/// Begins a session of the sender's agent `agent_name`, which is registered if
/// it is not there. `repo` is empty outside a repository. A session of the
/// sender that is there already goes on, ended or not, from where it is now: a
/// tool resumes its sessions under their old ids.
#[reducer]
#[allow(clippy::too_many_arguments)]
pub fn start_session(
    ctx: &ReducerContext,
    client_key: String,
    session_id: String,
    agent_name: String,
    tool: String,
    repo: String,
    branch: Option<String>,
    commit: Option<String>,
    task: Option<String>,
    paths: Vec<String>,
) -> Result<(), String> {
    let arguments = arguments!(
        "start_session"; session_id, agent_name, tool, repo, branch, commit, task, paths
    );
    keyed(ctx, &client_key, None, arguments, |call| {
        names::check_uuid("a session's id", &session_id)?;
        let known = ctx.db.agent_session().id().find(&session_id);
        if known.as_ref().is_some_and(|known| known.owner != call.sender) {
            return Err(Refusal::conflict(format!("another user has a session {session_id}")));
        }
        if ctx.db.session_lease().session_id().find(&session_id).is_none() {
            require_room(call)?;
        }
        let agent = agents::ensure(call, &agent_name, &tool)?;
        let session = AgentSession {
            id: session_id,
            agent_id: agent.id,
            agent_address: agent.address.clone(),
            owner: call.sender,
            tool: tool.clone(),
            repo,
            branch,
            commit,
            task: task.or_else(|| known.as_ref()?.task.clone()),
            state: SessionState::Active,
            paths,
            started_at: known.as_ref().map_or(ctx.timestamp, |known| known.started_at),
            last_seen: ctx.timestamp,
            ended_at: None,
            expired: false,
        };
        check(&session)?;
        keep_lease(ctx, &session);
        match known {
            Some(_) => drop(ctx.db.agent_session().id().update(session)),
            None => drop(ctx.db.agent_session().insert(session)),
        }
        ctx.db.agent().id().update(Agent { tool, last_seen: ctx.timestamp, ..agent });
        Ok(())
    })
}

fn require_room(call: &Call) -> Result<(), Refusal> {
    let open = call.ctx.db.session_lease().owner().filter(call.sender).count();
    if open >= limits::OPEN_SESSIONS_PER_USER {
        return Err(Refusal::conflict(format!(
            "you have {open} open sessions, the most there may be; end some"
        )));
    }
    Ok(())
}

/// Changes what is given. An empty text clears a task, branch or commit.
#[reducer]
#[allow(clippy::too_many_arguments)]
pub fn update_session(
    ctx: &ReducerContext,
    client_key: String,
    session_id: String,
    task: Option<String>,
    state: Option<SessionState>,
    branch: Option<String>,
    commit: Option<String>,
    paths: Option<Vec<String>>,
) -> Result<(), String> {
    let arguments = arguments!("update_session"; session_id, task, state, branch, commit, paths);
    keyed(ctx, &client_key, None, arguments, |call| {
        let mut session = own_session(ctx, call.sender, &session_id)?;
        if session.expired {
            revive(&mut session);
        }
        if let Some(state) = state {
            let (now, next) = (State::from(session.state), State::from(state));
            if !now.may_become(next) {
                return Err(Refusal::conflict(format!(
                    "a session that is {now} cannot be set to {next}; end_session ends one"
                )));
            }
            session.state = state;
        }
        let or_none = |text: String| Some(text).filter(|text| !text.is_empty());
        session.task = task.map_or(session.task, or_none);
        session.branch = branch.map_or(session.branch, or_none);
        session.commit = commit.map_or(session.commit, or_none);
        session.paths = paths.unwrap_or(session.paths);
        session.last_seen = ctx.timestamp;
        check(&session)?;
        if session.state != SessionState::Ended {
            keep_lease(ctx, &session);
        }
        ctx.db.agent_session().id().update(session);
        Ok(())
    })
}

/// Says that the sender and these sessions are alive. A session that the hub
/// ended for silence goes on; one that is not the sender's is passed over.
#[reducer]
pub fn heartbeat(ctx: &ReducerContext, session_ids: Vec<String>) -> Result<(), String> {
    call::require_admitted(ctx)?;
    if session_ids.len() > limits::HEARTBEAT_SESSIONS {
        return Err(Refusal::invalid(format!(
            "at most {} sessions in one heartbeat",
            limits::HEARTBEAT_SESSIONS
        ))
        .into());
    }
    let lately = clock::seconds_before(ctx.timestamp, SEEN_EVERY_SECS);
    users::seen(ctx, ctx.sender(), lately);
    for id in session_ids {
        let Ok(mut session) = own_session(ctx, ctx.sender(), &id) else {
            continue;
        };
        if session.state == SessionState::Ended && !session.expired {
            continue;
        }
        keep_lease(ctx, &session);
        if session.expired || session.last_seen < lately {
            revive(&mut session);
            session.last_seen = ctx.timestamp;
            ctx.db.agent_session().id().update(session);
        }
    }
    Ok(())
}

fn keep_lease(ctx: &ReducerContext, session: &AgentSession) {
    let lease = SessionLease {
        session_id: session.id.clone(),
        owner: session.owner,
        last_seen: ctx.timestamp,
    };
    match ctx.db.session_lease().session_id().find(&session.id) {
        Some(_) => drop(ctx.db.session_lease().session_id().update(lease)),
        None => drop(ctx.db.session_lease().insert(lease)),
    }
}

fn revive(session: &mut AgentSession) {
    if session.expired {
        session.expired = false;
        session.state = SessionState::Active;
        session.ended_at = None;
    }
}

/// Ends a session and releases its claims. Ending an ended session is fine.
#[reducer]
pub fn end_session(
    ctx: &ReducerContext,
    client_key: String,
    session_id: String,
) -> Result<(), String> {
    keyed(ctx, &client_key, None, arguments!("end_session"; session_id), |call| {
        let session = own_session(ctx, call.sender, &session_id)?;
        if session.state != SessionState::Ended || session.expired {
            end(ctx, AgentSession { expired: false, ..session });
        }
        Ok(())
    })
}

fn end(ctx: &ReducerContext, session: AgentSession) {
    ctx.db.session_lease().session_id().delete(&session.id);
    ctx.db.claim().session_id().delete(&session.id);
    ctx.db.agent_session().id().update(AgentSession {
        state: SessionState::Ended,
        ended_at: Some(ctx.timestamp),
        ..session
    });
}

/// Ends all that a user has open.
pub fn end_all(ctx: &ReducerContext, owner: Identity) {
    let open: Vec<SessionLease> = ctx.db.session_lease().owner().filter(owner).collect();
    for lease in open {
        if let Some(session) = ctx.db.agent_session().id().find(&lease.session_id) {
            end(ctx, session);
        }
    }
}

/// Ends sessions without heartbeats and deletes claims past their time.
#[reducer]
pub fn expire_leases(ctx: &ReducerContext, _timer: LeaseTimer) -> Result<(), String> {
    hub::require_scheduler(ctx)?;
    let timeout = hub::settings(ctx)?.session_timeout_secs;
    let silent_since = clock::seconds_before(ctx.timestamp, timeout);
    let silent: Vec<SessionLease> =
        ctx.db.session_lease().last_seen().filter(..silent_since).take(EXPIRE_BATCH).collect();
    for lease in silent {
        match ctx.db.agent_session().id().find(&lease.session_id) {
            Some(session) => end(ctx, AgentSession { expired: true, ..session }),
            None => drop(ctx.db.session_lease().session_id().delete(&lease.session_id)),
        }
    }
    let over: Vec<Claim> =
        ctx.db.claim().expires_at().filter(..=ctx.timestamp).take(EXPIRE_BATCH).collect();
    for claim in over {
        ctx.db.claim().id().delete(claim.id);
    }
    typists::expire(ctx);
    Ok(())
}

fn check(session: &AgentSession) -> Result<(), Refusal> {
    if !session.repo.is_empty() {
        content::check_line("a repository", &session.repo, limits::REPO_CHARS)?;
    }
    for (what, text, most) in [
        ("a branch", &session.branch, limits::BRANCH_CHARS),
        ("a commit", &session.commit, limits::COMMIT_CHARS),
        ("a task", &session.task, limits::PROSE_CHARS),
    ] {
        if let Some(text) = text {
            content::check_line(what, text, most)?;
        }
    }
    content::check_paths(&session.paths)
}
