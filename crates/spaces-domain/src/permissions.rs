//! Who may do what in a server: one table of five tiers by all actions, and the
//! rules about whom an act may be done to.

use crate::errors::Refusal;
use crate::kinds::words;
use std::fmt;
use std::str::FromStr;

words! {
    /// A member's tier in a server, the highest first.
    Role {
        Owner = "owner",
        Admin = "admin",
        Moderator = "moderator",
        Member = "member",
        /// Machine accounts, and every call that is made for an agent session.
        Agent = "agent",
    }
}

words! {
    /// What a member may want to do.
    Action {
        ReadChannel = "read open channels",
        React = "react",
        MarkRead = "mark read",
        PostText = "post in text and voice channels",
        PostAgentLog = "post in agent_log channels",
        PostAnnouncement = "post in announcement channels",
        CreateThread = "create threads",
        ArchiveOwnThread = "archive own threads",
        ArchiveAnyThread = "archive any thread",
        EditOwnMessage = "edit own messages",
        DeleteOwnMessage = "delete own messages",
        DeleteOtherMessage = "delete others' messages",
        MuteMember = "mute",
        KickMember = "kick",
        InviteAgent = "invite agents",
        InviteMember = "invite members",
        InviteHigher = "invite any lower role",
        CreateChannel = "create channels",
        UpdateChannel = "update channels",
        ArchiveChannel = "archive channels",
        DeleteChannel = "delete channels",
        ManageChannelMembers = "add and remove channel members",
        BanMember = "ban and unban",
        SetRole = "set roles",
        UpdateServer = "update the server",
        ReadAudit = "read the audit",
        ManageHub = "admit to the hub and set its limits",
        DeleteServer = "delete the server",
        TransferOwnership = "transfer ownership",
    }
}

/// The five tiers in the order of the columns of [`MATRIX`].
pub const ROLES: [Role; 5] = [
    Role::Owner,
    Role::Admin,
    Role::Moderator,
    Role::Member,
    Role::Agent,
];

const Y: bool = true;
const N: bool = false;

/// One row for each action: owner, admin, moderator, member, agent.
#[rustfmt::skip]
pub const MATRIX: [(Action, [bool; 5]); 29] = [
    (Action::ReadChannel,          [Y, Y, Y, Y, Y]),
    (Action::React,                [Y, Y, Y, Y, Y]),
    (Action::MarkRead,             [Y, Y, Y, Y, Y]),
    (Action::PostText,             [Y, Y, Y, Y, Y]),
    (Action::PostAgentLog,         [Y, Y, Y, Y, Y]),
    (Action::PostAnnouncement,     [Y, Y, Y, N, N]),
    (Action::CreateThread,         [Y, Y, Y, Y, Y]),
    (Action::ArchiveOwnThread,     [Y, Y, Y, Y, Y]),
    (Action::ArchiveAnyThread,     [Y, Y, Y, N, N]),
    (Action::EditOwnMessage,       [Y, Y, Y, Y, Y]),
    (Action::DeleteOwnMessage,     [Y, Y, Y, Y, Y]),
    (Action::DeleteOtherMessage,   [Y, Y, Y, N, N]),
    (Action::MuteMember,           [Y, Y, Y, N, N]),
    (Action::KickMember,           [Y, Y, Y, N, N]),
    (Action::InviteAgent,          [Y, Y, Y, Y, N]),
    (Action::InviteMember,         [Y, Y, Y, N, N]),
    (Action::InviteHigher,         [Y, Y, N, N, N]),
    (Action::CreateChannel,        [Y, Y, N, N, N]),
    (Action::UpdateChannel,        [Y, Y, N, N, N]),
    (Action::ArchiveChannel,       [Y, Y, N, N, N]),
    (Action::DeleteChannel,        [Y, Y, N, N, N]),
    (Action::ManageChannelMembers, [Y, Y, N, N, N]),
    (Action::BanMember,            [Y, Y, N, N, N]),
    (Action::SetRole,              [Y, Y, N, N, N]),
    (Action::UpdateServer,         [Y, Y, N, N, N]),
    (Action::ReadAudit,            [Y, Y, Y, N, N]),
    (Action::ManageHub,            [Y, Y, N, N, N]),
    (Action::DeleteServer,         [Y, N, N, N, N]),
    (Action::TransferOwnership,    [Y, N, N, N, N]),
];

impl Role {
    /// Higher is more; owner is 4.
    pub const fn rank(self) -> u8 {
        4 - self as u8
    }

    pub const fn outranks(self, other: Role) -> bool {
        self.rank() > other.rank()
    }

    /// The tier that a call made for an agent session is held to.
    pub const fn for_agent_session(self) -> Role {
        Role::Agent
    }

    /// The matrix cell.
    pub fn may(self, action: Action) -> bool {
        MATRIX
            .iter()
            .find(|(one, _)| *one == action)
            .is_some_and(|(_, row)| row[usize::from(4 - self.rank())])
    }

    /// The matrix cell as a refusal that names the tiers that may.
    pub fn require(self, action: Action) -> Result<(), Refusal> {
        if self.may(action) {
            return Ok(());
        }
        let who: Vec<_> = ROLES
            .iter()
            .filter(|role| role.may(action))
            .map(|role| role.as_str())
            .collect();
        Err(Refusal::denied(format!(
            "the {self} tier may not {action}; it takes one of: {}",
            who.join(", ")
        )))
    }

    /// Refuses an act on somebody of an equal or higher tier.
    pub fn require_outranks(self, target: Role) -> Result<(), Refusal> {
        if self.outranks(target) {
            return Ok(());
        }
        Err(Refusal::denied(format!(
            "the {self} tier may not act on the {target} tier, only on lower ones"
        )))
    }

    /// What a member of this tier must be allowed in order to invite to `role`.
    pub const fn invite_action(role: Role) -> Action {
        match role {
            Role::Agent => Action::InviteAgent,
            Role::Member => Action::InviteMember,
            Role::Owner | Role::Admin | Role::Moderator => Action::InviteHigher,
        }
    }

    /// Refuses an invite of this tier to `role`.
    pub fn require_invite(self, role: Role) -> Result<(), Refusal> {
        self.require(Self::invite_action(role))?;
        self.require_outranks(role)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_matrix_has_one_row_for_each_action() {
        for action in Action::ALL {
            assert_eq!(
                MATRIX.iter().filter(|(one, _)| one == action).count(),
                1,
                "{action}"
            );
        }
        assert_eq!(MATRIX.len(), Action::ALL.len());
    }

    #[test]
    fn a_higher_tier_may_all_that_a_lower_one_may() {
        for (action, row) in MATRIX {
            assert!(row.is_sorted_by(|high, low| high >= low), "{action}");
        }
    }

    #[test]
    fn the_agent_tier_is_not_the_member_tier() {
        assert!(Role::Member.may(Action::InviteAgent));
        assert!(!Role::Agent.may(Action::InviteAgent));
    }

    #[test]
    fn a_refusal_names_who_may() {
        let refusal = Role::Member.require(Action::BanMember).unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "permission_denied: the member tier may not ban and unban; it takes one of: owner, admin"
        );
    }

    fn role() -> impl Strategy<Value = Role> {
        prop::sample::select(ROLES.to_vec())
    }

    proptest! {
        #[test]
        fn nobody_acts_on_an_equal_or_higher_tier(actor in role(), target in role()) {
            prop_assert_eq!(actor.require_outranks(target).is_ok(), actor.rank() > target.rank());
            prop_assert!(!(actor.outranks(target) && target.outranks(actor)));
        }

        #[test]
        fn an_invite_never_gives_the_inviter_s_tier(actor in role(), invited in role()) {
            if actor.require_invite(invited).is_ok() {
                prop_assert!(actor.outranks(invited));
            }
        }

        #[test]
        fn an_agent_session_never_gains(role in role(), at in 0..MATRIX.len()) {
            let (action, _) = MATRIX[at];
            prop_assert!(role.may(action) || !role.for_agent_session().may(action));
        }
    }
}
