//! Deletes what is over its age or count, and what a deletion left behind: a
//! bounded batch of each at every run, oldest first, found by index.

use crate::schema::*;
use crate::{clock, hub};
use spacetimedb::{ReducerContext, Timestamp, reducer};

/// Rows of one table that one run deletes.
const BATCH: usize = 2_000;

#[reducer]
pub fn prune(ctx: &ReducerContext, _timer: RetentionTimer) -> Result<(), String> {
    hub::require_scheduler(ctx)?;
    let settings = hub::settings(ctx)?;
    let older_than = |days| clock::days_before(ctx.timestamp, days);
    prune_keys(ctx, older_than(settings.idempotency_days));
    Ok(())
}

fn prune_keys(ctx: &ReducerContext, before: Timestamp) {
    let over: Vec<IdempotencyKey> = ctx
        .db
        .idempotency_key()
        .created_at()
        .filter(..before)
        .take(BATCH)
        .collect();
    for row in over {
        ctx.db.idempotency_key().key().delete(&row.key);
    }
}
