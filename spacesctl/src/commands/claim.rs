use std::time::Duration;

use clap::{Args, Subcommand};
use spaces_client::spaces_api::ErrorKind;
use spaces_client::spaces_api::methods::claim;
use spaces_client::spaces_api::model::Claim as ClaimRow;

use crate::ctl::{Ctl, receipt_line};
use crate::delivery::{Delivery, Place, write_params};
use crate::failure::Failure;
use crate::names;
use crate::output::{Out, WARN};
use crate::render;

/// Claims: advisory leases of a session on paths or a task
#[derive(Debug, Subcommand)]
pub enum Claim {
    /// Claim paths or a task
    Acquire(Acquire),
    /// Give a claim more time
    Renew(Renew),
    /// Let a claim go
    Release(Release),
    /// List the claims in force
    List(List),
    /// Show who else claims these paths or this task
    Check(Check),
}

/// Claim paths or a task
///
/// Needs the session that holds the claim: --as-session, or SPACES_SESSION.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  spacesctl claim acquire 'src/parser/**' --as-session \"$ID\" --reason 'rewrite'
  spacesctl claim acquire --task 'issue 12' --as-session \"$ID\" --ttl 2h --exclusive")]
pub struct Acquire {
    /// Globs relative to the root of the repository: `src/**`, `Cargo.toml`
    #[arg(required_unless_present = "task", value_name = "GLOB")]
    patterns: Vec<String>,
    /// A task instead of paths
    #[arg(long, conflicts_with = "patterns")]
    task: Option<String>,
    /// Refuse it if it overlaps another's claim (else it warns)
    #[arg(long)]
    exclusive: bool,
    /// Why
    #[arg(long)]
    reason: Option<String>,
    /// How long it holds, 60s to 24h
    #[arg(long, value_name = "TIME", value_parser = crate::words::duration)]
    ttl: Option<Duration>,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    delivery: Delivery,
}

/// Give a claim more time
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  spacesctl claim renew 12 --ttl 1h")]
pub struct Renew {
    /// Id of the claim
    id: u64,
    /// How long from now, 60s to 24h
    #[arg(long, value_name = "TIME", value_parser = crate::words::duration)]
    ttl: Option<Duration>,
    #[command(flatten)]
    delivery: Delivery,
}

/// Let a claim go
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  spacesctl claim release 12")]
pub struct Release {
    /// Id of the claim
    id: u64,
    #[command(flatten)]
    delivery: Delivery,
}

/// List the claims in force
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  spacesctl claim list --repo github.com/acme/app")]
pub struct List {
    /// Only in this repository
    #[arg(long)]
    repo: Option<String>,
    /// Only of this session
    #[arg(long, value_name = "ID", add = names::sessions())]
    session: Option<String>,
    /// Most claims to show, 1 to 500
    #[arg(long, short = 'n')]
    limit: Option<u32>,
}

/// Show who else claims these paths or this task
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  spacesctl claim check src/parser/lexer.rs
  spacesctl claim check --task 'issue 12'")]
pub struct Check {
    /// Paths relative to the root of the repository
    #[arg(required_unless_present = "task", value_name = "PATH")]
    files: Vec<String>,
    /// A task instead of paths
    #[arg(long, conflicts_with = "files")]
    task: Option<String>,
    /// One's own session: its claims do not count
    #[arg(long = "as-session", value_name = "ID", env = "SPACES_SESSION")]
    session: Option<String>,
    #[command(flatten)]
    place: Place,
}

impl Claim {
    /// Does what was asked.
    pub fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        match self {
            Self::Acquire(acquire) => acquire.run(ctl),
            Self::Renew(Renew { id, ttl, delivery }) => ctl.write::<claim::Renew>(
                &delivery,
                &format!("claim {id} has more time"),
                &write_params!(
                    delivery,
                    claim::RenewParams {
                        id,
                        ttl_secs: seconds(ttl)
                    }
                ),
            ),
            Self::Release(Release { id, delivery }) => ctl.write::<claim::Release>(
                &delivery,
                &format!("claim {id} is let go"),
                &write_params!(delivery, claim::ReleaseParams { id }),
            ),
            Self::List(list) => ctl.read::<claim::List>(
                &claim::ListParams {
                    repo: list.repo,
                    session: list.session,
                    limit: list.limit,
                },
                |out, found| show(out, found, "no claims"),
            ),
            Self::Check(check) => ctl.read::<claim::Check>(
                &claim::CheckParams {
                    paths: check.files,
                    task: check.task,
                    session: check.session,
                    cwd: check.place.cwd(),
                    context: check.place.context(),
                },
                |out, found| show(out, found, "nobody else claims it"),
            ),
        }
    }
}

impl Acquire {
    fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        let how = self.delivery;
        if how.session.is_none() {
            return Err(Failure::new(
                ErrorKind::InvalidParams,
                "a claim is held by a session, and none was named",
            )
            .hint("add --as-session ID (see `spacesctl session list`), or set SPACES_SESSION"));
        }
        let params = write_params!(
            how,
            claim::AcquireParams {
                patterns: self.patterns,
                task: self.task,
                exclusive: self.exclusive,
                reason: self.reason,
                ttl_secs: seconds(self.ttl),
                cwd: self.place.cwd(),
                context: self.place.context(),
            }
        );
        ctl.make::<claim::Acquire>(
            &how,
            &params,
            |result| &result.receipt,
            |out, result| {
                out.line(receipt_line(
                    &result.receipt,
                    &format!("claim is {}", result.claim.state),
                ));
                render::claim(out, &result.claim);
                warn_of(out, &result.conflicts);
            },
        )
    }
}

fn warn_of(out: &mut Out, conflicts: &[ClaimRow]) {
    if !conflicts.is_empty() {
        out.line(format_args!("{WARN}it overlaps with:{WARN:#}"));
    }
    for conflict in conflicts {
        render::claim(out, conflict);
    }
}

fn show(out: &mut Out, found: &claim::Claims, nothing: &str) {
    if found.claims.is_empty() {
        out.line(nothing);
    }
    for claim in &found.claims {
        render::claim(out, claim);
    }
    out.freshness(&found.meta);
}

fn seconds(ttl: Option<Duration>) -> Option<u32> {
    ttl.map(|ttl| u32::try_from(ttl.as_secs()).unwrap_or(u32::MAX))
}
