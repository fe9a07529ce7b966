//! Scheduled work.

use crate::retention::prune;
use crate::sessions::expire_leases;
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

/// How far retention has come in its round of the channels. One row, `id` 0.
#[table(accessor = prune_cursor)]
pub struct PruneCursor {
    #[primary_key]
    pub id: u8,
    /// The round goes on with the channels from this id on.
    pub channel_id: u64,
    /// How many ids are looked at next.
    #[default(0)]
    pub width: u64,
}

/// How far the rows of a table that are over their age are deleted.
#[table(accessor = prune_sweep)]
pub struct PruneSweep {
    #[primary_key]
    pub table_name: String,
    /// Rows older than this are gone. Microseconds since the Unix epoch.
    pub from_micros: u64,
    /// The span of time that is looked at next.
    pub width_micros: u64,
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
