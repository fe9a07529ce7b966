//! Schema 1 of the Spaces module, and one reducer that puts rows into each of
//! its tables. It enforces nothing: what matters is what its tables look like.

mod fill;
mod old;
mod schema;
mod views;

use schema::*;
use spacetimedb::{ReducerContext, ScheduleAt, Table, TimeDuration, reducer};

#[reducer(init)]
pub fn init(ctx: &ReducerContext) {
    ctx.db.module_info().insert(ModuleInfo {
        id: 0,
        schema_version: SCHEMA_VERSION,
        module_version: env!("CARGO_PKG_VERSION").into(),
        hub_name: "a hub of schema 1".into(),
        admission: AdmissionPolicy::Closed,
        home_server_id: 1,
        created_at: old::days_ago(ctx, 500),
    });
    ctx.db.retention_timer().insert(RetentionTimer {
        id: 0,
        scheduled_at: ScheduleAt::Interval(TimeDuration::from_micros(60_000_000)),
    });
    ctx.db.lease_timer().insert(LeaseTimer {
        id: 0,
        scheduled_at: ScheduleAt::Interval(TimeDuration::from_micros(5_000_000)),
    });
}

/// Says that the hub is of another schema than it is.
#[reducer]
pub fn pretend(ctx: &ReducerContext, schema_version: u32) {
    if let Some(info) = ctx.db.module_info().id().find(0) {
        ctx.db.module_info().id().update(ModuleInfo {
            schema_version,
            ..info
        });
    }
}

#[reducer]
pub fn prune(_ctx: &ReducerContext, _timer: RetentionTimer) {}

#[reducer]
pub fn expire_leases(_ctx: &ReducerContext, _timer: LeaseTimer) {}
