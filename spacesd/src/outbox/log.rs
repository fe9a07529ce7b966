//! The log beside `outbox.db`, to which a post is synced.
//!
//! A sync of bytes that the file had before is one write of the disk. Where the
//! file grows, the file system must keep its own account besides: on ext4 that
//! makes 110 us of a post's sync 160 to 200 us. So the log is made as long as it
//! gets in a time without posts, and begun anew before it is longer.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::log_pages::LogPages;

/// How long the log is made, in bytes.
pub(super) const ROOM: u64 = 8 * 1024 * 1024;
/// Written at once; a post that comes meanwhile waits for it, some milliseconds.
const STEP: u64 = 2 * 1024 * 1024;
/// Left to others: on a disk with less than so many times [`ROOM`] free, the log
/// takes what it needs and no more.
const TIMES_FREE: u64 = 32;
/// Pages after which the log is begun anew even in a busy time: that takes some
/// milliseconds once in several hundred posts. They and the head of each fit
/// into [`ROOM`].
const FULL: u32 = 2000;
/// Pages after which a quiet time is used for it. The first post after that costs
/// a second sync, for the head of the new log; so it is not done for a few.
const WORTH_MOVING: u32 = 500;

pub(super) struct Log {
    path: PathBuf,
    pages: LogPages,
    wants_room: bool,
}

impl Log {
    /// Of the database at this path. Takes the place of an automatic checkpoint.
    pub fn watch(database: &Path, connection: &mut Connection) -> rusqlite::Result<Self> {
        let mut path = database.as_os_str().to_owned();
        path.push("-wal");
        Ok(Self {
            path: path.into(),
            pages: LogPages::watch(connection)?,
            wants_room: true,
        })
    }

    pub fn is_full(&self) -> bool {
        self.pages.reach(FULL)
    }

    pub fn is_worth_moving(&self) -> bool {
        self.pages.reach(WORTH_MOVING)
    }

    /// Its pages are in the database: the next commit begins it anew.
    pub fn moved(&mut self) {
        self.pages.moved();
    }

    /// It could not be moved: tried again when it is longer by as much.
    pub fn not_moved(&mut self) {
        self.pages.not_moved(FULL);
    }

    pub fn wants_room(&self) -> bool {
        self.wants_room
    }

    /// Makes the log somewhat longer, as long as it wants room. Zeros behind its
    /// end are no part of it: the checksum of a page says whether it is one.
    pub fn make_room(&mut self) {
        match self.lengthen() {
            Ok(more) => self.wants_room = more,
            Err(error) => {
                // Posts go on as long as there is room for them.
                tracing::debug!(%error, "the outbox's log was not made longer beforehand");
                self.wants_room = false;
            }
        }
    }

    /// True if there is more to do.
    fn lengthen(&self) -> io::Result<bool> {
        let file = OpenOptions::new().write(true).open(&self.path)?;
        let length = file.metadata()?.len();
        if length >= ROOM || free(&file)? < ROOM * TIMES_FREE {
            return Ok(false);
        }
        let end = (length + STEP).min(ROOM);
        let zeros = vec![0; usize::try_from(end - length).unwrap_or(0)];
        file.write_all_at(&zeros, length)?;
        file.sync_all()?;
        Ok(end < ROOM)
    }
}

/// Bytes that the disk of a file has for us.
fn free(file: &File) -> io::Result<u64> {
    let disk = rustix::fs::fstatvfs(file)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}
