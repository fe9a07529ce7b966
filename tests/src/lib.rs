//! The harness of the end-to-end tests: it starts the real `spaces-hub`, real
//! `spacesd` processes and the real `spacesctl`, each with directories, sockets
//! and ports of its own. Nothing here pretends to be a part of Spaces.
//!
//! The binaries are taken from `SPACES_BIN_DIR`, else from the directory that
//! the running program was built into (`make test` builds them there).

mod activity_watch;
mod caller;
mod child;
mod cli;
mod clock;
mod daemon;
mod disk;
mod git;
mod hub;
mod installation;
mod module;
mod proxy;
mod terminal;
mod wait;
mod wire;

use std::path::PathBuf;

pub use activity_watch::ActivityWatch;
pub use caller::{Caller, hub_settings, none, some, word};
pub use child::Child;
pub use cli::{Cli, Finished};
pub use clock::Clock;
pub use daemon::{Daemon, raw_call};
pub use disk::Disk;
pub use git::{git, repository, repository_of};
pub use hub::Hub;
pub use installation::Installation;
pub use module::module;
pub use proxy::Proxy;
pub use terminal::Terminal;
pub use wait::{PATIENCE, ends, eventually};
pub use wire::Wire;

/// The path of one of our binaries.
///
/// # Panics
/// If it has not been built.
pub fn binary(name: &str) -> PathBuf {
    let directory = std::env::var_os("SPACES_BIN_DIR").map_or_else(
        || {
            let program = std::env::current_exe().expect("a running program has a path");
            let directory = program.parent().expect("a program is in a directory");
            // Tests are in <target>/<profile>/deps.
            match directory.ends_with("deps") {
                true => directory.parent().unwrap_or(directory).to_owned(),
                false => directory.to_owned(),
            }
        },
        PathBuf::from,
    );
    let path = directory.join(name);
    assert!(
        path.is_file(),
        "{} is not there: build it first, with `make build`",
        path.display()
    );
    path
}
