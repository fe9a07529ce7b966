//! `invite.*`: how people and agents come in.

use crate::model::{Invite, Role, results};
use crate::{Meta, Receipt, ServerRef, Timestamp, Written};

methods! {
    /// Makes an invite: one line of text to send to the joiner.
    Create = "invite.create", Admin, CreateParams => Created;
    /// Redeems an invite on the hub that this daemon is connected to.
    Redeem = "invite.redeem", Admin, RedeemParams => Written;
    /// Invites in force that the caller may see.
    List = "invite.list", Read, ListParams => Invites;
    /// Makes an invite void.
    Revoke = "invite.revoke", Admin, RevokeParams => Written;
}

params! {
    #[derive(Default)]
    ListParams {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        server: Option<ServerRef>,
    }
}

write_params! {
    CreateParams {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        server: Option<ServerRef>,
        /// Default `member`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        role: Option<Role>,
        /// 1 to 1,000; default 1.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max_uses: Option<u32>,
        /// Default: in 7 days.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expires_at: Option<Timestamp>,
        /// Address by which the joiner reaches the hub, `https://HOST[:PORT]`.
        /// Default: the one that this daemon uses.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        uri: Option<String>,
    }
    RedeemParams {
        /// The whole line, `spaces-invite:1:...`.
        invite: String,
    }
    RevokeParams {
        id: u64,
    }
}

results! {
    Created {
        /// Secret: whoever has it may join once. Shown only here.
        invite: String,
        role: Role,
        expires_at: Timestamp,
        receipt: Receipt,
    }
    Invites {
        invites: Vec<Invite>,
        meta: Meta,
    }
}
