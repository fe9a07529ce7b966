//! The contract's words as the words of the rules that hub and daemon share.

use spaces_api::model as api;
use spaces_domain::{Action, ChannelType, MessageKind, Refusal, Role};

pub(super) fn channel_type(of: api::ChannelType) -> ChannelType {
    match of {
        api::ChannelType::Text => ChannelType::Text,
        api::ChannelType::Voice => ChannelType::Voice,
        api::ChannelType::Announcement => ChannelType::Announcement,
        api::ChannelType::AgentLog => ChannelType::AgentLog,
    }
}

pub(super) fn message_kind(of: api::MessageKind) -> MessageKind {
    match of {
        api::MessageKind::Text => MessageKind::Text,
        api::MessageKind::System => MessageKind::System,
        api::MessageKind::AgentEvent => MessageKind::AgentEvent,
        api::MessageKind::Join => MessageKind::Join,
        api::MessageKind::Leave => MessageKind::Leave,
        api::MessageKind::Summary => MessageKind::Summary,
        api::MessageKind::Note => MessageKind::Note,
    }
}

fn role(of: api::Role) -> Role {
    match of {
        api::Role::Owner => Role::Owner,
        api::Role::Admin => Role::Admin,
        api::Role::Moderator => Role::Moderator,
        api::Role::Member => Role::Member,
        api::Role::Agent => Role::Agent,
    }
}

/// Whether a member of this tier may post here; the refusal names the tiers that may.
pub(super) fn may_post(
    of: api::Role,
    channel: api::ChannelType,
    for_session: bool,
) -> Result<(), Refusal> {
    let tier = if for_session {
        role(of).for_agent_session()
    } else {
        role(of)
    };
    tier.require(match channel {
        api::ChannelType::Text | api::ChannelType::Voice => Action::PostText,
        api::ChannelType::AgentLog => Action::PostAgentLog,
        api::ChannelType::Announcement => Action::PostAnnouncement,
    })
}

#[cfg(test)]
mod tests {
    use spaces_api::model as api;

    use super::{channel_type, may_post, message_kind, role};

    #[test]
    fn both_sides_use_the_same_words() {
        for of in api::ChannelType::ALL {
            assert_eq!(of.as_str(), channel_type(*of).as_str());
        }
        for of in api::MessageKind::ALL {
            assert_eq!(of.as_str(), message_kind(*of).as_str());
        }
        for of in api::Role::ALL {
            assert_eq!(of.as_str(), role(*of).as_str());
        }
    }

    #[test]
    fn an_owners_agent_session_is_held_to_the_agent_tier() {
        let announcement = api::ChannelType::Announcement;
        assert!(may_post(api::Role::Owner, announcement, false).is_ok());
        assert!(may_post(api::Role::Owner, announcement, true).is_err());
    }
}
