//! `member.*`: who is in a server, in which role.

use crate::model::{Ban as BanEntry, Member, Role, results};
use crate::{Meta, ServerRef, Timestamp, UserRef, Written};

methods! {
    /// Members of a server, highest role first.
    List = "member.list", Read, ListParams => Members;
    /// Gives a member a role below one's own.
    SetRole = "member.set_role", Admin, SetRoleParams => Written;
    /// Takes a member out of a server.
    Kick = "member.kick", Admin, MemberParams => Written;
    /// Takes a user out and keeps them out.
    Ban = "member.ban", Admin, BanParams => Written;
    /// Lets a banned user come back.
    Unban = "member.unban", Admin, MemberParams => Written;
    /// Bans in force, for moderators and up.
    Bans = "member.bans", Read, ListParams => BanList;
    /// Stops a member from posting for a time.
    Mute = "member.mute", Admin, MuteParams => Written;
    /// Lets a muted member post again.
    Unmute = "member.unmute", Admin, MemberParams => Written;
    /// Hands the server to another member; the caller becomes an admin.
    TransferOwnership = "member.transfer_ownership", Admin, MemberParams => Written;
}

params! {
    #[derive(Default)]
    ListParams {
        /// The only server, or the configured one, if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        server: Option<ServerRef>,
    }
}

write_params! {
    SetRoleParams {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        server: Option<ServerRef>,
        user: UserRef,
        role: Role,
    }
    MemberParams {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        server: Option<ServerRef>,
        user: UserRef,
    }
    BanParams {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        server: Option<ServerRef>,
        user: UserRef,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// For ever if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
    }
    MuteParams {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        server: Option<ServerRef>,
        user: UserRef,
        until: Timestamp,
    }
}

results! {
    Members {
        members: Vec<Member>,
        meta: Meta,
    }
    BanList {
        bans: Vec<BanEntry>,
        meta: Meta,
    }
}
