//! The views of schema 1, as far as clients know them: names and columns.

use crate::schema::*;
use spacetimedb::{ViewContext, view};

macro_rules! views {
    ($($name:ident: $row:ident by $key:ident;)*) => {$(
        #[view(accessor = $name, public, primary_key = $key)]
        fn $name(_ctx: &ViewContext) -> Vec<$row> {
            Vec::new()
        }
    )*};
}

views! {
    my_inbox: InboxItem by id;
    my_read_markers: ReadMarker by id;
    my_channels: Channel by id;
    my_channel_members: ChannelMemberRow by id;
    my_threads: Thread by id;
    my_voice_states: VoiceState by identity;
    my_typing: PrivateTyping by identity;
    my_bans: Ban by id;
    my_audit: AuditEntry by id;
    my_invites: InviteRow by secret_hash;
}
