//! Servers.

use crate::schema::*;
use spaces_domain::Refusal;
use spacetimedb::ReducerContext;

pub fn find(ctx: &ReducerContext, server_id: u64) -> Result<Server, Refusal> {
    ctx.db
        .server()
        .id()
        .find(server_id)
        .ok_or_else(|| Refusal::not_found(format!("there is no server {server_id}")))
}
