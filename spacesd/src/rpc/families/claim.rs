//! `claim.*`

use spaces_api::methods::claim::{
    AcquireParams, Acquired, CheckParams, Claims, ListParams, ReleaseParams, RenewParams,
};
use spaces_api::model::{Claim, ClaimState};
use spaces_api::{
    ErrorKind, Method, ReceiptState, RpcError, Timestamp, WriteParams, Written, methods as api,
};
use spaces_domain::ClaimTarget;
use spaces_domain::limits::CLAIM_PATTERNS;
use spaces_domain::overlap::{check_pattern, covered, overlaps};

use super::bounded;
use crate::cache::query::claim::ClaimQuery;
use crate::operation::Operation;
use crate::rpc::Call;
use crate::rpc::reference::cache_failed;
use crate::rpc::write::{Write, checked, prose, without_secret};

const DEFAULT_TTL_SECS: u32 = 3_600;
const LONGEST_TTL_SECS: u32 = 86_400;
const SHORTEST_TTL_SECS: u32 = 60;

/// Claims of one repository that are compared.
const COMPARED: u32 = 10_000;

pub(super) async fn acquire(call: &Call, params: AcquireParams) -> Result<Acquired, RpcError> {
    let delivery = params.delivery();
    let session_id = delivery
        .session
        .as_deref()
        .map(|session| call.daemon.session_id(session))
        .ok_or_else(|| {
            RpcError::new(
                ErrorKind::InvalidParams,
                "a claim is held by a session, and `session` is missing",
            )
            .hint("start one with session.start and give its id as `session`")
        })?;
    for pattern in &params.patterns {
        without_secret("a pattern", pattern)?;
    }
    let task = prose(params.task);
    let wanted = Wanted::new(&params.patterns, task.as_deref())?;
    let ttl_secs = ttl(params.ttl_secs)?;
    let context = call.place(params.cwd, params.context).await?;
    let repo = context.repo.ok_or_else(no_repo)?;
    let conflicts = overlapping(call, &repo, &session_id, |claim| wanted.overlaps(claim))?;
    let reason = prose(params.reason);
    let write = Write {
        method: api::claim::Acquire::NAME,
        target: format!("{repo}: {}", wanted.words()),
        operation: Operation::AcquireClaim {
            session_id: session_id.clone(),
            repo: repo.clone(),
            patterns: params.patterns.clone(),
            task: task.clone(),
            exclusive: params.exclusive,
            reason: reason.clone(),
            ttl_secs,
        },
    };
    let receipt = call.write(&delivery, write).await?;
    let session = call
        .daemon
        .overlay()
        .session(&session_id)
        .map_err(|error| cache_failed(&error))?;
    let owner = call.daemon.username();
    let claim = Claim {
        id: None,
        client_key: Some(receipt.client_key),
        session_id,
        agent: session.map_or_else(|| format!("@{owner}"), |session| session.agent),
        owner,
        repo,
        patterns: params.patterns,
        task,
        exclusive: params.exclusive,
        reason,
        expires_at: Timestamp::from_micros(
            receipt.queued_at.as_micros() + i64::from(ttl_secs) * 1_000_000,
        ),
        state: match receipt.state {
            ReceiptState::Queued => ClaimState::Provisional,
            ReceiptState::Sent => ClaimState::Held,
            ReceiptState::Rejected => ClaimState::Refused,
        },
    };
    Ok(Acquired {
        claim,
        receipt,
        conflicts,
    })
}

pub(super) async fn renew(call: &Call, params: RenewParams) -> Result<Written, RpcError> {
    let operation = Operation::RenewClaim {
        claim_id: params.id,
        ttl_secs: ttl(params.ttl_secs)?,
    };
    let write = Write {
        method: api::claim::Renew::NAME,
        target: format!("claim {}", params.id),
        operation,
    };
    let receipt = call.write(&params.delivery(), write).await?;
    Ok(Written { receipt })
}

pub(super) async fn release(call: &Call, params: ReleaseParams) -> Result<Written, RpcError> {
    let write = Write {
        method: api::claim::Release::NAME,
        target: format!("claim {}", params.id),
        operation: Operation::ReleaseClaim {
            claim_id: params.id,
        },
    };
    let receipt = call.write(&params.delivery(), write).await?;
    Ok(Written { receipt })
}

pub(super) fn list(call: &Call, params: ListParams) -> Result<Claims, RpcError> {
    let query = ClaimQuery {
        repo: params.repo,
        session: params
            .session
            .map(|session| call.daemon.session_id(&session)),
        limit: bounded(params.limit, 100, 500)?,
    };
    Ok(Claims {
        claims: in_force(call, &query)?,
        meta: call.daemon.meta(),
    })
}

pub(super) async fn check(call: &Call, params: CheckParams) -> Result<Claims, RpcError> {
    if params.paths.is_empty() && params.task.is_none() {
        return Err(RpcError::new(
            ErrorKind::InvalidParams,
            "neither `paths` nor `task` was given",
        )
        .hint("give the paths to be changed, relative to the repository, or the task"));
    }
    let context = call.place(params.cwd, params.context).await?;
    let repo = context.repo.ok_or_else(no_repo)?;
    let session = params
        .session
        .map(|session| call.daemon.session_id(&session))
        .unwrap_or_default();
    let claims = overlapping(call, &repo, &session, |claim| {
        let task = params.task.is_some() && claim.task == params.task;
        let paths = || params.paths.iter().map(String::as_str);
        let touches = |pattern: &String| !covered(pattern, paths()).is_empty();
        task || claim.patterns.iter().any(touches)
    })?;
    Ok(Claims {
        claims,
        meta: call.daemon.meta(),
    })
}

/// What is to be claimed: paths or a task, never both.
struct Wanted<'a> {
    patterns: &'a [String],
    task: Option<&'a str>,
}

impl<'a> Wanted<'a> {
    fn new(patterns: &'a [String], task: Option<&'a str>) -> Result<Self, RpcError> {
        let fault = match (patterns, task) {
            ([], None) => "neither `patterns` nor `task` was given".to_owned(),
            ([_, ..], Some(_)) => {
                "both `patterns` and `task` were given; claim them apart".to_owned()
            }
            (patterns, _) if patterns.len() > CLAIM_PATTERNS => {
                format!(
                    "{} patterns were given; at most {CLAIM_PATTERNS} fit in one claim",
                    patterns.len()
                )
            }
            _ => {
                patterns
                    .iter()
                    .try_for_each(|pattern| checked(check_pattern(ClaimTarget::Paths, pattern)))?;
                task.map_or(Ok(()), |task| {
                    checked(check_pattern(ClaimTarget::Task, task))
                })?;
                return Ok(Self { patterns, task });
            }
        };
        Err(RpcError::new(ErrorKind::InvalidParams, fault))
    }

    fn overlaps(&self, claim: &Claim) -> bool {
        let paths = |a: &str, b: &str| overlaps((ClaimTarget::Paths, a), (ClaimTarget::Paths, b));
        let same_task = self.task.is_some() && claim.task.as_deref() == self.task;
        same_task
            || self
                .patterns
                .iter()
                .any(|a| claim.patterns.iter().any(|b| paths(a, b)))
    }

    fn words(&self) -> String {
        self.task
            .map_or_else(|| self.patterns.join(" "), str::to_owned)
    }
}

/// Claims of other sessions on this repository that fit.
fn overlapping(
    call: &Call,
    repo: &str,
    own_session: &str,
    fits: impl Fn(&Claim) -> bool,
) -> Result<Vec<Claim>, RpcError> {
    let query = ClaimQuery {
        repo: Some(repo.to_owned()),
        session: None,
        limit: COMPARED,
    };
    let mut claims = in_force(call, &query)?;
    claims.retain(|claim| claim.session_id != own_session && fits(claim));
    Ok(claims)
}

fn in_force(call: &Call, query: &ClaimQuery) -> Result<Vec<Claim>, RpcError> {
    call.daemon
        .overlay()
        .claims(query, call.daemon.hub_time())
        .map_err(|error| cache_failed(&error))
}

fn ttl(given: Option<u32>) -> Result<u32, RpcError> {
    match given.unwrap_or(DEFAULT_TTL_SECS) {
        ttl @ SHORTEST_TTL_SECS..=LONGEST_TTL_SECS => Ok(ttl),
        ttl => {
            let message =
                format!("ttl_secs is {ttl}; it must be {SHORTEST_TTL_SECS} to {LONGEST_TTL_SECS}");
            Err(RpcError::new(ErrorKind::InvalidParams, message))
        }
    }
}

fn no_repo() -> RpcError {
    RpcError::new(
        ErrorKind::InvalidParams,
        "it is not known which repository is meant",
    )
    .hint("give `cwd`, a directory in it, or `context.repo`")
}

#[cfg(test)]
mod tests {
    use super::{Wanted, ttl};

    #[test]
    fn paths_or_a_task_but_not_both() {
        let patterns = ["src/**".to_owned()];
        assert!(Wanted::new(&patterns, None).is_ok());
        assert!(Wanted::new(&[], Some("release")).is_ok());
        assert!(Wanted::new(&patterns, Some("release")).is_err());
        assert!(Wanted::new(&[], None).is_err());
        assert!(Wanted::new(&["../x".to_owned()], None).is_err());
    }

    #[test]
    fn a_time_to_live_has_bounds() {
        assert_eq!(ttl(None).unwrap(), 3600);
        assert!(ttl(Some(59)).is_err() && ttl(Some(86_401)).is_err());
    }
}
