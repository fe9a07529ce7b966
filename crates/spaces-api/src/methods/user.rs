//! `user.*`: people, machine accounts and their agents.

use super::None;
use crate::model::{Agent, Member, User, results};
use crate::{Meta, Receipt, UserRef, Written};

methods! {
    /// Who the caller is on the hub, and in which roles.
    Me = "user.me", Read, None => Whoami;
    /// One user and their agents.
    Show = "user.show", Read, ShowParams => Shown;
    /// Users of the hub.
    List = "user.list", Read, ListParams => Users;
    /// Changes one's own name, display name, bio or status.
    SetProfile = "user.set_profile", Write, SetProfileParams => Written;
    /// Registers a durable agent address.
    RegisterAgent = "user.register_agent", Write, RegisterAgentParams => Registered;
}

params! {
    ShowParams {
        user: UserRef,
    }
    #[derive(Default)]
    ListParams {
        /// Only those who are online.
        #[serde(default)]
        online: bool,
        /// 1 to 1,000; default 200.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<u32>,
    }
}

write_params! {
    SetProfileParams {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        username: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        display_name: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bio: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        avatar_url: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status_text: Option<String>,
    }
    RegisterAgentParams {
        /// `claude.spaces.main`
        name: String,
        tool: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        description: Option<String>,
    }
}

results! {
    Whoami {
        user: User,
        agents: Vec<Agent>,
        memberships: Vec<Member>,
        meta: Meta,
    }
    Shown {
        user: User,
        agents: Vec<Agent>,
        meta: Meta,
    }
    Users {
        users: Vec<User>,
        meta: Meta,
    }
    Registered {
        /// `@alice/claude.spaces.main`
        address: String,
        receipt: Receipt,
    }
}
