//! What the measures stand on. Each thing is made when a measure first asks for
//! it, and shared by those that come after.

use std::cell::{OnceCell, RefCell, RefMut};

use tempfile::TempDir;

use crate::site::Site;

/// How much work is put into a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    Full,
    /// A tenth of the samples and of the long history: to see that it works.
    Quick,
}

pub struct Stage {
    effort: Effort,
    directory: TempDir,
    short: OnceCell<RefCell<Site>>,
    histories: OnceCell<RefCell<(Site, Site)>>,
}

/// Messages of the short and of the long history.
pub const SHORT: u64 = 1_000;
pub const LONG: u64 = 1_000_000;

impl Stage {
    pub fn new(effort: Effort) -> Self {
        Self {
            effort,
            directory: tempfile::tempdir().expect("a temporary directory"),
            short: OnceCell::new(),
            histories: OnceCell::new(),
        }
    }

    /// A hub with 1,000 messages, and a machine that has them.
    pub fn short(&self) -> RefMut<'_, Site> {
        self.short
            .get_or_init(|| RefCell::new(made(SHORT)))
            .borrow_mut()
    }

    /// A hub with 1,000,000 messages and one with 1,000, each with a machine that
    /// has them. Nothing happens to one that does not happen to the other.
    pub fn histories(&self) -> (RefMut<'_, Site>, RefMut<'_, Site>) {
        let long = match self.effort {
            Effort::Full => LONG,
            Effort::Quick => LONG / 10,
        };
        let both = self
            .histories
            .get_or_init(|| RefCell::new((made(long), made(SHORT))));
        RefMut::map_split(both.borrow_mut(), |(long, short)| (long, short))
    }

    /// How many rounds to make where `full` are wanted.
    pub fn rounds(&self, full: usize) -> usize {
        match self.effort {
            Effort::Full => full,
            Effort::Quick => (full / 10).max(5),
        }
    }

    /// A directory of this name for a measure's own files and sockets, on the
    /// file system that the daemons' data is on.
    pub fn directory(&self, name: &str) -> std::path::PathBuf {
        let path = self.directory.path().join(name);
        std::fs::create_dir_all(&path).expect("the directory is ours");
        path
    }
}

fn made(messages: u64) -> Site {
    eprintln!("   a hub with {messages} messages, and a machine that has them ...");
    let begun = std::time::Instant::now();
    let site = Site::with(messages);
    eprintln!("   ... {:.1} s", begun.elapsed().as_secs_f64());
    site
}
