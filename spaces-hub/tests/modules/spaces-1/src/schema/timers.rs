//! Scheduled work.

use crate::{expire_leases, prune};
use spacetimedb::{ScheduleAt, table};

/// Deletes what is over its age or count, in bounded batches.
#[table(accessor = retention_timer, scheduled(prune))]
pub struct RetentionTimer {
    #[primary_key]
    #[auto_inc]
    pub id: u64,
    pub scheduled_at: ScheduleAt,
}

/// Ends sessions without a heartbeat and claims past their time.
#[table(accessor = lease_timer, scheduled(expire_leases))]
pub struct LeaseTimer {
    #[primary_key]
    #[auto_inc]
    pub id: u64,
    pub scheduled_at: ScheduleAt,
}

/// The channel that retention looked at last. One row, `id` 0.
#[table(accessor = prune_cursor)]
pub struct PruneCursor {
    #[primary_key]
    pub id: u8,
    pub channel_id: u64,
}

/// A deleted server or channel whose rows are still to be deleted.
#[table(accessor = deletion)]
pub struct Deletion {
    #[primary_key]
    #[auto_inc]
    pub id: u64,
    pub what: Deleted,
    pub target_id: u64,
}

/// What a `Deletion` is of.
#[derive(spacetimedb::SpacetimeType, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deleted {
    Server,
    Channel,
    PrivateChannel,
}
