//! The spool: requests left on disk by clients while no daemon answered, one
//! file each in the state directory's `spool`. The daemon takes them in the
//! order of their names when it starts or when one appears, puts each into the
//! outbox, then deletes the file; one that it cannot take is set aside.
//!
//! A writer writes to a name that begins with a dot, syncs the file, renames it
//! to [`file_name`] and syncs the directory. So a file with a proper name is
//! whole.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::{PROTOCOL, Timestamp, VERSION};

/// A request in the spool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SpooledRequest {
    /// [`PROTOCOL`] of the writer.
    pub protocol: u32,
    /// Version of the writer.
    pub version: String,
    /// When the writer left it.
    pub spooled_at: Timestamp,
    /// `family.verb`; a write.
    pub method: String,
    /// Named parameters. They always hold a `client_key`: the request may have
    /// reached the daemon before it was spooled.
    pub params: Value,
}

impl SpooledRequest {
    /// A request left now.
    pub fn now(method: &str, params: Value) -> Self {
        Self {
            protocol: PROTOCOL,
            version: VERSION.to_owned(),
            spooled_at: Timestamp::now(),
            method: method.to_owned(),
            params,
        }
    }
}

/// The name of a spooled request's file: sorts by time.
pub fn file_name(spooled_at: Timestamp, client_key: Uuid) -> String {
    format!("{:020}-{client_key}.json", spooled_at.as_micros().max(0))
}

/// Whether a file of the spool directory is a whole request, by its name.
pub fn is_request(name: &str) -> bool {
    !name.starts_with('.') && name.ends_with(".json")
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{file_name, is_request};
    use crate::Timestamp;

    #[test]
    fn names_sort_by_time_and_are_told_from_unfinished_ones() {
        let early = file_name(Timestamp::from_micros(999), Uuid::max());
        let late = file_name(Timestamp::from_micros(1_000), Uuid::nil());
        assert!(early < late);
        assert!(is_request(&early));
        assert!(!is_request(&format!(".{early}")));
        assert!(!is_request("notes.txt"));
    }
}
