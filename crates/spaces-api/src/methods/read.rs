//! `read.*`: how far the caller has read.

use crate::{ChannelRef, Written};

methods! {
    /// Moves the read mark of a channel forward; never back.
    Mark = "read.mark", Write, MarkParams => Written;
}

write_params! {
    MarkParams {
        channel: ChannelRef,
        /// The `seq` of the last message read; the newest cached one if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seq: Option<u64>,
    }
}
