use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// How the daemon stands with its hub.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum HubState {
    /// Connected, and the cache holds all that the hub has sent.
    Live,
    /// Connected, catching up on what was missed.
    Syncing,
    /// Not connected; what is shown is from the cache.
    #[default]
    Offline,
}

impl HubState {
    /// The word used on the wire and in text output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Syncing => "syncing",
            Self::Offline => "offline",
        }
    }
}

/// How fresh a read is. Part of every read's result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Meta {
    /// The last moment at which the cache was known to equal the hub: while live,
    /// the hub's last sign of life (a row, an answer; it is asked every 5 s).
    pub as_of: Timestamp,
    /// How the daemon stands with the hub now.
    pub hub: HubState,
    /// Milliseconds since `as_of`. Up to some 5,000 on a live link on which nothing
    /// happens; more while `hub` is still `live` means that the hub is silent.
    pub stale_for_ms: u64,
}
