//! References: the things that people name. Each is a name or an id, and
//! stays text until the daemon resolves it against its cache.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! reference {
    ($(#[$doc:meta])* $name:ident, $expecting:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(untagged, expecting = $expecting)]
        pub enum $name {
            Id(u64),
            Name(String),
        }

        impl From<&str> for $name {
            /// Digits alone are an id, everything else a name.
            fn from(text: &str) -> Self {
                text.parse().map_or_else(|_| Self::Name(text.to_owned()), Self::Id)
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                text.as_str().into()
            }
        }

        impl From<u64> for $name {
            fn from(id: u64) -> Self {
                Self::Id(id)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    Self::Id(id) => id.fmt(f),
                    Self::Name(name) => name.fmt(f),
                }
            }
        }
    };
}

reference! {
    /// A channel: `#agent-logs`, `agent-logs`, `Spaces Hub/#general`, or its id.
    ChannelRef, "a channel is given by its name or its id"
}
reference! {
    /// A server: its name or its id.
    ServerRef, "a server is given by its name or its id"
}
reference! {
    /// An agent: `@alice/claude.spaces.main`, `claude.spaces.main` (one's own), or its id.
    AgentRef, "an agent is given by its address or its id"
}
reference! {
    /// A message: its id, or the client key of a write that is still pending.
    MessageRef, "a message is given by its id, or by the client key of a write that is still pending"
}

/// A user: `@alice`, `alice`, or an identity in hexadecimal. An agent's address
/// stands for its user.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct UserRef(pub String);

impl From<&str> for UserRef {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for UserRef {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Display for UserRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
