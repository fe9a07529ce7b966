//! The one sequence of the hub: ids and `seq` of messages, ids of channels and
//! threads. Strictly increasing, so that a client that has seen `seq` n has all
//! that it can see of what came before.

use crate::schema::*;
use spaces_domain::{Refusal, block};
use spacetimedb::{ReducerContext, Table};

pub fn next(ctx: &ReducerContext) -> Result<u64, Refusal> {
    let counter = ctx
        .db
        .hub_counter()
        .id()
        .find(0)
        .ok_or_else(|| Refusal::internal("the hub has no counter row"))?;
    let seq = counter.seq + 1;
    ctx.db.hub_counter().id().update(HubCounter { id: 0, seq });
    if block::of_seq(seq) != block::of_seq(counter.seq) {
        tell_block(ctx, seq);
    }
    Ok(seq)
}

/// Tells clients which block messages go to from this `seq` on.
pub fn tell_block(ctx: &ReducerContext, seq: u64) {
    let newest = NewestBlock { id: 0, block: block::of_seq(seq) };
    match ctx.db.newest_block().id().find(0) {
        Some(_) => drop(ctx.db.newest_block().id().update(newest)),
        None => drop(ctx.db.newest_block().insert(newest)),
    }
}
