//! Claims: advisory leases on paths or tasks.

use crate::call::{Call, arguments, keyed, own_session};
use crate::clock::seconds;
use crate::deliveries;
use crate::schema::*;
use spaces_domain::overlap::{self, Pattern, Work};
use spaces_domain::{ClaimTarget as Target, Refusal, content, limits};
use spacetimedb::{ReducerContext, Table, reducer};

/// How much one call may compare globs: some tenths of a second at most, during
/// which the hub does nothing else.
const COMPARING: usize = 1_000_000;

/// Claims all of `patterns` in a repository, or none. Refused where another
/// session's claim overlaps and either of the two is exclusive; where both are
/// shared, the other's owner is told. A pattern that the session claims already
/// is claimed anew.
#[reducer]
#[allow(clippy::too_many_arguments)]
pub fn acquire_claim(
    ctx: &ReducerContext,
    client_key: String,
    session_id: String,
    repo: String,
    target: ClaimTarget,
    patterns: Vec<String>,
    exclusive: bool,
    reason: Option<String>,
    ttl_secs: u32,
) -> Result<(), String> {
    let arguments = arguments!(
        "acquire_claim"; session_id, repo, target, patterns, exclusive, reason, ttl_secs
    );
    keyed(ctx, &client_key, None, arguments, |call| {
        let session = own_session(ctx, call.sender, &session_id)?;
        if session.state == SessionState::Ended {
            return Err(Refusal::conflict(
                "the session has ended; an ended session claims nothing",
            ));
        }
        content::check_line("a repository", &repo, limits::REPO_CHARS)?;
        if let Some(reason) = &reason {
            content::check_line("a reason", reason, limits::PROSE_CHARS)?;
        }
        check_ttl(ttl_secs)?;
        check_patterns(target, &patterns)?;
        let others = others_in(call, &repo, &session);
        let mut work = Work(COMPARING);
        for pattern in patterns {
            let claim = Claim {
                id: 0,
                key: format!("{session_id}:{repo}:{}:{pattern}", Target::from(target)),
                session_id: session_id.clone(),
                owner: call.sender,
                agent_address: session.agent_address.clone(),
                repo: repo.clone(),
                target,
                pattern,
                exclusive,
                reason: reason.clone(),
                created_at: ctx.timestamp,
                expires_at: ctx.timestamp + seconds(ttl_secs),
            };
            take(call, &others, claim, &mut work)?;
        }
        require_room(call, &session_id)
    })
}

fn check_ttl(ttl_secs: u32) -> Result<(), Refusal> {
    let (least, most) = (limits::CLAIM_TTL_MIN_SECS, limits::CLAIM_TTL_MAX_SECS);
    match (least..=most).contains(&ttl_secs) {
        true => Ok(()),
        false => Err(Refusal::invalid(format!("a claim lasts {least} to {most} seconds"))),
    }
}

fn check_patterns(target: ClaimTarget, patterns: &[String]) -> Result<(), Refusal> {
    if !(1..=limits::CLAIM_PATTERNS).contains(&patterns.len()) {
        return Err(Refusal::invalid(format!(
            "one call claims 1 to {} patterns",
            limits::CLAIM_PATTERNS
        )));
    }
    patterns.iter().try_for_each(|pattern| overlap::check_pattern(target.into(), pattern))
}

/// Other sessions' claims in the repository that have not run out.
fn others_in(call: &Call, repo: &str, session: &AgentSession) -> Vec<Claim> {
    let claims = call.ctx.db.claim().repo().filter(repo);
    claims
        .filter(|claim| claim.session_id != session.id && claim.expires_at > call.ctx.timestamp)
        .collect()
}

fn take(call: &Call, others: &[Claim], claim: Claim, work: &mut Work) -> Result<(), Refusal> {
    let wanted = Pattern::new(claim.target.into(), &claim.pattern);
    let mut overlapping: Vec<&Claim> = Vec::new();
    for other in others {
        let overlaps = wanted.overlaps((other.target.into(), &other.pattern), work);
        match overlaps {
            Some(true) => overlapping.push(other),
            Some(false) => {}
            None => {
                return Err(Refusal::conflict(format!(
                    "{:?} is too involved to compare with the {} claims of {}; claim plainer paths",
                    claim.pattern,
                    others.len(),
                    claim.repo
                )));
            }
        }
    }
    if let Some(held) = overlapping.iter().find(|other| other.exclusive || claim.exclusive) {
        return Err(Refusal::conflict(format!(
            "{:?} overlaps {:?}, which {} holds{} until {}",
            claim.pattern,
            held.pattern,
            held.agent_address,
            if held.exclusive { " exclusively" } else { "" },
            held.expires_at
        )));
    }
    let claim = put(call.ctx, claim);
    for other in overlapping.iter().filter(|other| other.owner != call.sender) {
        deliveries::put(
            call.ctx,
            other.owner,
            DeliveryReason::Claim,
            deliveries::Content::Claim(&claim),
        );
    }
    Ok(())
}

fn put(ctx: &ReducerContext, claim: Claim) -> Claim {
    match ctx.db.claim().key().find(&claim.key) {
        Some(held) => {
            ctx.db.claim().id().update(Claim { id: held.id, created_at: held.created_at, ..claim })
        }
        None => ctx.db.claim().insert(claim),
    }
}

fn require_room(call: &Call, session_id: &str) -> Result<(), Refusal> {
    let held = call.ctx.db.claim().session_id().filter(session_id).count();
    match held <= limits::CLAIMS_PER_SESSION {
        true => Ok(()),
        false => Err(Refusal::conflict(format!(
            "a session holds at most {} claims; release some",
            limits::CLAIMS_PER_SESSION
        ))),
    }
}

/// Makes claims of the sender's last `ttl_secs` from now. All or none.
#[reducer]
pub fn renew_claim(
    ctx: &ReducerContext,
    client_key: String,
    claim_ids: Vec<u64>,
    ttl_secs: u32,
) -> Result<(), String> {
    let arguments = arguments!("renew_claim"; claim_ids, ttl_secs);
    keyed(ctx, &client_key, None, arguments, |call| {
        check_ttl(ttl_secs)?;
        check_count(&claim_ids)?;
        for id in claim_ids {
            let claim =
                own(call, id)?.filter(|claim| claim.expires_at > ctx.timestamp).ok_or_else(
                    || Refusal::not_found(format!("the claim {id} is over; acquire it anew")),
                )?;
            ctx.db
                .claim()
                .id()
                .update(Claim { expires_at: ctx.timestamp + seconds(ttl_secs), ..claim });
        }
        Ok(())
    })
}

/// Ends claims of the sender's. Those that are over already are passed over.
#[reducer]
pub fn release_claim(
    ctx: &ReducerContext,
    client_key: String,
    claim_ids: Vec<u64>,
) -> Result<(), String> {
    keyed(ctx, &client_key, None, arguments!("release_claim"; claim_ids), |call| {
        check_count(&claim_ids)?;
        for id in claim_ids {
            if let Some(claim) = own(call, id)? {
                ctx.db.claim().id().delete(claim.id);
            }
        }
        Ok(())
    })
}

fn check_count(claim_ids: &[u64]) -> Result<(), Refusal> {
    match (1..=limits::CLAIMS_PER_SESSION).contains(&claim_ids.len()) {
        true => Ok(()),
        false => Err(Refusal::invalid(format!("name 1 to {} claims", limits::CLAIMS_PER_SESSION))),
    }
}

/// A claim of the sender's, if it is still there.
fn own(call: &Call, id: u64) -> Result<Option<Claim>, Refusal> {
    match call.ctx.db.claim().id().find(id) {
        Some(claim) if claim.owner != call.sender => {
            Err(Refusal::denied(format!("the claim {id} is held by {}", claim.agent_address)))
        }
        claim => Ok(claim),
    }
}
