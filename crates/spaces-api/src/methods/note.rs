//! `note.*`: messages left for the next session on a repository or branch.

use crate::model::{Context, Note, results};
use crate::{ChannelRef, MessageRef, Meta, Written};

methods! {
    /// Leaves a note for the next session here.
    Leave = "note.leave", Write, LeaveParams => Written;
    /// Open notes for a place, newest first.
    List = "note.list", Read, ListParams => Notes;
    /// Marks a note as done.
    Done = "note.done", Write, DoneParams => Written;
}

write_params! {
    LeaveParams {
        /// 1 to 8,000 characters.
        content: String,
        /// The configured agent log if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        channel: Option<ChannelRef>,
        /// Directory of the work: the daemon reads repository and branch there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cwd: Option<String>,
        /// Said by the caller; goes before what `cwd` shows. Without a branch the
        /// note is for the whole repository.
        #[serde(default, skip_serializing_if = "Context::is_empty")]
        context: Context,
    }
    DoneParams {
        note: MessageRef,
    }
}

params! {
    #[derive(Default)]
    ListParams {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cwd: Option<String>,
        #[serde(default, skip_serializing_if = "Context::is_empty")]
        context: Context,
        /// Also those that are done.
        #[serde(default)]
        all: bool,
        /// 1 to 200; default 50.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<u32>,
    }
}

results! {
    Notes {
        notes: Vec<Note>,
        meta: Meta,
    }
}
