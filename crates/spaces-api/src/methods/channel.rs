//! `channel.*`

use crate::model::{Channel, ChannelType, Member, User, Visibility, results};
use crate::{ChannelRef, Meta, Receipt, ServerRef, UserRef, Written};

methods! {
    /// Channels that the caller may see, by server and position.
    List = "channel.list", Read, ListParams => Channels;
    /// Makes a channel.
    Create = "channel.create", Admin, CreateParams => Created;
    /// Changes a channel's name, topic, position or slow mode.
    Update = "channel.update", Admin, UpdateParams => Written;
    /// Closes a channel to new messages, or opens it again.
    Archive = "channel.archive", Admin, ArchiveParams => Written;
    /// Deletes a channel and all that is in it.
    Delete = "channel.delete", Admin, ChannelParams => Written;
    /// Who is in a channel.
    Members = "channel.members", Read, MembersParams => ChannelMembers;
    /// Lets a user into a private channel.
    AddMember = "channel.add_member", Admin, MemberParams => Written;
    /// Takes a user out of a private channel.
    RemoveMember = "channel.remove_member", Admin, MemberParams => Written;
}

params! {
    #[derive(Default)]
    ListParams {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        server: Option<ServerRef>,
        /// Also archived ones.
        #[serde(default)]
        all: bool,
    }
    MembersParams {
        channel: ChannelRef,
    }
}

write_params! {
    CreateParams {
        /// 1 to 64 of `a-z 0-9 - _`; a leading `#` is dropped.
        name: String,
        /// The only server, or the configured one, if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        server: Option<ServerRef>,
        #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
        channel_type: Option<ChannelType>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        visibility: Option<Visibility>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        topic: Option<String>,
    }
    UpdateParams {
        channel: ChannelRef,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        topic: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        position: Option<u32>,
        /// 0 to 21,600 seconds between two messages of one member.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        slow_mode_secs: Option<u32>,
    }
    ArchiveParams {
        channel: ChannelRef,
        /// False opens it again.
        #[serde(default = "yes")]
        archived: bool,
    }
    ChannelParams {
        channel: ChannelRef,
    }
    MemberParams {
        channel: ChannelRef,
        user: UserRef,
    }
}

fn yes() -> bool {
    true
}

results! {
    Channels {
        channels: Vec<Channel>,
        meta: Meta,
    }
    Created {
        channel: Channel,
        receipt: Receipt,
    }
    ChannelMembers {
        /// Of an open channel: the members of its server.
        members: Vec<Member>,
        /// Of a private channel: who may read it.
        users: Vec<User>,
        meta: Meta,
    }
}
