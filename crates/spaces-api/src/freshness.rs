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

/// A live hub that has been silent for longer does not answer: it is asked every
/// 5 s, and a slow network may take some more.
const SILENT_AFTER_MS: u64 = 8_000;

impl Meta {
    /// Whether what was read is the present, as far as the daemon can know: the
    /// hub is live, and not silent for longer than a live one is.
    pub const fn is_current(&self) -> bool {
        matches!(self.hub, HubState::Live) && self.stale_for_ms < SILENT_AFTER_MS
    }

    /// How the hub is, for people: `live`, `syncing`, `offline`, or `silent` where it
    /// should answer and does not.
    pub const fn hub_word(&self) -> &'static str {
        match self.hub {
            HubState::Live if !self.is_current() => "silent",
            state => state.as_str(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{HubState, Meta};
    use crate::Timestamp;

    #[test]
    fn a_live_hub_that_is_silent_is_not_the_present() {
        for (hub, stale_for_ms, current, word) in [
            (HubState::Live, 0, true, "live"),
            (HubState::Live, 5_100, true, "live"),
            (HubState::Live, 9_000, false, "silent"),
            (HubState::Syncing, 0, false, "syncing"),
            (HubState::Offline, 0, false, "offline"),
        ] {
            let meta = Meta {
                as_of: Timestamp::from_micros(0),
                hub,
                stale_for_ms,
            };
            assert_eq!((meta.is_current(), meta.hub_word()), (current, word));
        }
    }
}
