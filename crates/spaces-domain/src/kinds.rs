//! The closed sets of words of the vocabulary, with the names that people and
//! the socket API use for them.

use std::fmt;
use std::str::FromStr;

/// The text is none of the words of the set; `expected` lists them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownWord {
    pub word: String,
    pub expected: Vec<&'static str>,
}

impl fmt::Display for UnknownWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is none of: {}",
            self.word,
            self.expected.join(", ")
        )
    }
}

impl std::error::Error for UnknownWord {}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = $crate::kinds::UnknownWord;

            fn from_str(word: &str) -> Result<Self, Self::Err> {
                Self::ALL.iter().copied().find(|one| one.as_str() == word).ok_or_else(|| {
                    $crate::kinds::UnknownWord {
                        word: word.to_owned(),
                        expected: Self::ALL.iter().map(|one| one.as_str()).collect(),
                    }
                })
            }
        }
    };
}
pub(crate) use words;

words! {
    /// What a channel is for.
    ChannelType {
        Text = "text",
        Voice = "voice",
        /// Moderators and up post, everybody reads.
        Announcement = "announcement",
        /// What agents did: summaries, notes, events.
        AgentLog = "agent_log",
    }
}

words! {
    /// What a message is.
    MessageKind {
        Text = "text",
        /// Written by the hub itself.
        System = "system",
        AgentEvent = "agent_event",
        /// Written by the hub when a member joins.
        Join = "join",
        /// Written by the hub when a member leaves.
        Leave = "leave",
        Summary = "summary",
        Note = "note",
    }
}

words! {
    /// What an agent session is doing.
    SessionState {
        Active = "active",
        Idle = "idle",
        Blocked = "blocked",
        Waiting = "waiting",
        Ended = "ended",
    }
}

words! {
    /// What a claim is on.
    ClaimTarget {
        /// A glob on paths of a repository.
        Paths = "paths",
        /// A task by its name.
        Task = "task",
    }
}

impl ChannelType {
    /// Whether a user may post a message of `kind` here. What the hub writes by
    /// itself (`system`, `join`, `leave`) no user may post anywhere.
    pub const fn accepts(self, kind: MessageKind) -> bool {
        match kind {
            MessageKind::System | MessageKind::Join | MessageKind::Leave => false,
            MessageKind::Text => true,
            MessageKind::Summary | MessageKind::Note | MessageKind::AgentEvent => {
                matches!(self, Self::AgentLog | Self::Text)
            }
        }
    }
}

impl SessionState {
    /// Whether a session may be set from this state to `next`. An ended
    /// session stays ended; ending has a call of its own.
    pub const fn may_become(self, next: SessionState) -> bool {
        !matches!(self, Self::Ended) && !matches!(next, Self::Ended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_back() {
        for kind in MessageKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(*kind));
        }
        let unknown = "txt".parse::<ChannelType>().unwrap_err();
        assert_eq!(
            unknown.to_string(),
            "\"txt\" is none of: text, voice, announcement, agent_log"
        );
    }

    #[test]
    fn nobody_posts_what_the_hub_writes() {
        for channel in ChannelType::ALL {
            for kind in [MessageKind::System, MessageKind::Join, MessageKind::Leave] {
                assert!(!channel.accepts(kind));
            }
            assert!(channel.accepts(MessageKind::Text));
        }
        assert!(!ChannelType::Voice.accepts(MessageKind::Summary));
        assert!(!ChannelType::Announcement.accepts(MessageKind::AgentEvent));
    }

    #[test]
    fn an_ended_session_stays_ended() {
        for state in SessionState::ALL {
            assert!(!SessionState::Ended.may_become(*state));
            assert!(!state.may_become(SessionState::Ended));
        }
        assert!(SessionState::Blocked.may_become(SessionState::Active));
    }
}
