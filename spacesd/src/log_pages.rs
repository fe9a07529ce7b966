//! How long SQLite's write-ahead log is: its owner moves it into the database
//! when nobody waits, where SQLite would do it within a commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rusqlite::Connection;

/// Pages in the log of one connection's database.
pub(crate) struct LogPages {
    /// What the last commit left.
    count: Arc<AtomicU32>,
    /// Before so many it is not moved: the last try failed.
    not_before: u32,
}

impl LogPages {
    /// Takes the place of an automatic checkpoint.
    pub fn watch(connection: &mut Connection) -> rusqlite::Result<Self> {
        let count = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&count);
        connection.wal_hook(Some(move |_: &mut _, pages| {
            counted.store(u32::try_from(pages).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        }))?;
        Ok(Self {
            count,
            not_before: 0,
        })
    }

    /// Whether there are so many that may be moved.
    pub fn reach(&self, pages: u32) -> bool {
        self.count.load(Ordering::Relaxed) >= pages.max(self.not_before)
    }

    /// They are in the database: the next commit begins the log anew.
    pub fn moved(&mut self) {
        self.count.store(0, Ordering::Relaxed);
        self.not_before = 0;
    }

    /// They could not be moved: not tried again before there are so many more.
    pub fn not_moved(&mut self, more: u32) {
        self.not_before = self.count.load(Ordering::Relaxed).saturating_add(more);
    }
}
