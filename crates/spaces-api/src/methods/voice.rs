//! `voice.*`: rosters and signalling. Audio itself is not carried.

use crate::model::{VoiceParticipant, results};
use crate::{ChannelRef, Meta, UserRef, Written};

methods! {
    /// Joins a voice channel.
    Join = "voice.join", Admin, JoinParams => Written;
    /// Leaves the voice channel.
    Leave = "voice.leave", Admin, LeaveParams => Written;
    /// Says whether one is muted, deafened or speaking.
    SetState = "voice.set_state", Admin, SetStateParams => Written;
    /// Who is in a voice channel.
    List = "voice.list", Read, ListParams => Roster;
    /// Sends an offer, answer or candidate to one participant, privately.
    Signal = "voice.signal", Admin, SignalParams => Written;
}

write_params! {
    JoinParams {
        channel: ChannelRef,
    }
    LeaveParams {}
    SetStateParams {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        muted: Option<bool>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deafened: Option<bool>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        speaking: Option<bool>,
    }
    SignalParams {
        to: UserRef,
        /// At most 16,384 bytes, for the other's client to read.
        payload: String,
    }
}

params! {
    ListParams {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        channel: Option<ChannelRef>,
    }
}

results! {
    Roster {
        participants: Vec<VoiceParticipant>,
        meta: Meta,
    }
}
