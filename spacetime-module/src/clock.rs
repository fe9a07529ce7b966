//! Arithmetic on the only clock there is, `ctx.timestamp`.

use spacetimedb::{TimeDuration, Timestamp};

pub fn seconds(count: u32) -> TimeDuration {
    TimeDuration::from_micros(i64::from(count) * 1_000_000)
}

fn days(count: u32) -> TimeDuration {
    TimeDuration::from_micros(i64::from(count) * 86_400_000_000)
}

/// `count` seconds before `at`.
pub fn seconds_before(at: Timestamp, count: u32) -> Timestamp {
    at.checked_sub(seconds(count)).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// `count` days before `at`.
pub fn days_before(at: Timestamp, count: u32) -> Timestamp {
    at.checked_sub(days(count)).unwrap_or(Timestamp::UNIX_EPOCH)
}
