//! `thread.*`

use crate::model::{Thread, results};
use crate::{ChannelRef, Meta, Receipt, Written};

methods! {
    /// Threads of a channel, the last active first.
    List = "thread.list", Read, ListParams => Threads;
    /// Starts a thread.
    Create = "thread.create", Admin, CreateParams => Created;
    /// Closes a thread.
    Archive = "thread.archive", Admin, ThreadParams => Written;
    /// Opens a thread again.
    Unarchive = "thread.unarchive", Admin, ThreadParams => Written;
}

params! {
    ListParams {
        channel: ChannelRef,
        /// Also archived ones.
        #[serde(default)]
        all: bool,
    }
}

write_params! {
    CreateParams {
        channel: ChannelRef,
        /// 1 to 64 characters.
        name: String,
    }
    ThreadParams {
        id: u64,
    }
}

results! {
    Threads {
        threads: Vec<Thread>,
        meta: Meta,
    }
    Created {
        thread: Thread,
        receipt: Receipt,
    }
}
