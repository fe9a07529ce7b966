use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;
use spaces_api::Receipt;
use uuid::Uuid;

use super::store::{Refusal, is_damage};

/// Why the outbox cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("cannot use the outbox {}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("cannot use the outbox {}: {source}", path.display())]
    Sqlite {
        path: PathBuf,
        source: rusqlite::Error,
    },
    #[error("the outbox {} is in use by another process: is another spacesd running?", path.display())]
    InUse { path: PathBuf },
    #[error(
        "the outbox {} was made by a later version of Spaces (its schema is {found}): \
         upgrade spacesd, or send what is queued with the later version first",
        path.display()
    )]
    Newer { path: PathBuf, found: i64 },
    #[error("the outbox {} is damaged: {what}", path.display())]
    Damaged { path: PathBuf, what: String },
}

impl OpenError {
    pub(super) fn sqlite(path: &Path, refusal: Refusal) -> Self {
        let path = path.to_owned();
        match refusal {
            Refusal::Newer(found) => Self::Newer { path, found },
            Refusal::Damaged(what) => Self::Damaged { path, what },
            Refusal::Sqlite(error) if is_damage(&error) => Self::Damaged {
                path,
                what: error.to_string(),
            },
            Refusal::Sqlite(error)
                if matches!(
                    error.sqlite_error_code(),
                    Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
                ) =>
            {
                Self::InUse { path }
            }
            Refusal::Sqlite(source) => Self::Sqlite { path, source },
        }
    }
}

/// Why a submission was refused. Nothing of it was accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// The key is known with another content.
    #[error("the client key {0} was used for another content before")]
    KeyReused(Uuid),
    /// The outbox holds as much as it may.
    #[error(
        "the outbox is full: {items} items of at most {max_items}, {bytes} bytes of at most {max_bytes}"
    )]
    Full {
        items: u64,
        bytes: u64,
        max_items: u64,
        max_bytes: u64,
    },
    /// The disk is full or failing.
    #[error("the outbox cannot be written: {0}")]
    DiskFull(String),
    /// The disk or the file may not be written.
    #[error("the outbox is read-only: {0}")]
    ReadOnly(String),
    /// One call is larger than any may be.
    #[error("the call is {bytes} bytes; at most {max} are allowed")]
    TooLarge { bytes: u64, max: u64 },
    /// The daemon is ending.
    #[error("the outbox is closed: the daemon is ending")]
    Closed,
}

impl SubmitError {
    /// What a failed write means to who asked for it.
    pub(super) fn of_disk(error: &rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
                Self::ReadOnly(error.to_string())
            }
            _ => Self::DiskFull(error.to_string()),
        }
    }
}

/// Why nothing was done with an item.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ItemError {
    #[error("the outbox knows no write with this client key")]
    Unknown,
    /// Not in a state in which that can be done.
    #[error("the write is {}{}", .receipt.state.as_str(), why(*.tried))]
    WrongState {
        receipt: Box<Receipt>,
        /// Queued, and may have reached the hub.
        tried: bool,
    },
    #[error(transparent)]
    Store(#[from] SubmitError),
}

fn why(tried: bool) -> &'static str {
    if tried {
        " and may have reached the hub already"
    } else {
        ""
    }
}
