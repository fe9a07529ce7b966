//! Refuses everyone but its publisher and those the publisher let in.

use spacetimedb::{Identity, ReducerContext, Table, reducer, table};

#[table(accessor = guest, public)]
pub struct Guest {
    #[primary_key]
    pub identity: Identity,
}

#[reducer(init)]
pub fn init(ctx: &ReducerContext) {
    ctx.db.guest().insert(Guest {
        identity: ctx.sender(),
    });
}

#[reducer(client_connected)]
pub fn connected(ctx: &ReducerContext) -> Result<(), String> {
    match ctx.db.guest().identity().find(ctx.sender()) {
        Some(_) => Ok(()),
        None => Err("not_admitted: ask for an invite".into()),
    }
}

#[reducer]
pub fn let_in(ctx: &ReducerContext, identity: Identity) {
    ctx.db.guest().insert(Guest { identity });
}
