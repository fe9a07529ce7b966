//! `claim.*`: advisory leases of a session on paths or a task.

use crate::model::{Claim, Context, results};
use crate::{Meta, Receipt, Written};

methods! {
    /// Claims paths or a task. Offline the claim is provisional.
    Acquire = "claim.acquire", Write, AcquireParams => Acquired;
    /// Gives a claim more time.
    Renew = "claim.renew", Write, RenewParams => Written;
    /// Lets a claim go.
    Release = "claim.release", Write, ReleaseParams => Written;
    /// Claims in force.
    List = "claim.list", Read, ListParams => Claims;
    /// Who else claims these paths or this task.
    Check = "claim.check", Read, CheckParams => Claims;
}

write_params! {
    /// Either `patterns` or `task`. `session` (below) is the holder and is required.
    AcquireParams {
        /// Globs relative to the root of the repository: `src/**`, `Cargo.toml`.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        patterns: Vec<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        task: Option<String>,
        /// Refused if it overlaps another's claim; a shared one warns only.
        #[serde(default)]
        exclusive: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// 60 to 86,400 seconds; default 3,600.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ttl_secs: Option<u32>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cwd: Option<String>,
        #[serde(default, skip_serializing_if = "Context::is_empty")]
        context: Context,
    }
    RenewParams {
        id: u64,
        /// From now; 60 to 86,400 seconds; default 3,600.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ttl_secs: Option<u32>,
    }
    ReleaseParams {
        id: u64,
    }
}

params! {
    #[derive(Default)]
    ListParams {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        repo: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        session: Option<String>,
        /// 1 to 500; default 100.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<u32>,
    }
    CheckParams {
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        paths: Vec<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        task: Option<String>,
        /// The asker's session: its own claims do not count.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        session: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cwd: Option<String>,
        #[serde(default, skip_serializing_if = "Context::is_empty")]
        context: Context,
    }
}

results! {
    Acquired {
        claim: Claim,
        receipt: Receipt,
        /// Claims of others that overlap, as far as this machine knows.
        conflicts: Vec<Claim>,
    }
    Claims {
        claims: Vec<Claim>,
        meta: Meta,
    }
}
