//! The stores' limits, from the settings.

use std::time::Duration;

use crate::config::Config;
use crate::{cache, outbox};

/// How much may wait for the hub.
pub fn outbox(config: &Config) -> outbox::Limits {
    outbox::Limits {
        max_items: config.outbox.max_items,
        max_bytes: config.outbox.max_bytes,
        max_age: Duration::from_secs(u64::from(config.outbox.max_age_days) * 24 * 60 * 60),
        ..outbox::Limits::default()
    }
}

/// How much history is kept.
pub fn cache(config: &Config) -> cache::Limits {
    cache::Limits {
        max_messages: config.cache.max_messages,
        max_age_days: config.cache.max_age_days,
    }
}
