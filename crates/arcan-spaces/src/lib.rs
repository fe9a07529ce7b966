//! The bridge between the [Arcan](https://crates.io/crates/arcan-core) agent
//! runtime and the Spaces daemon.
//!
//! Six tools for the agent, a middleware that writes its activity to the agent
//! log, and [`SpacesdPort`], with which an installation of the published
//! `arcan-spaces` crate talks to the daemon instead of a database:
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use arcan_core::runtime::{Middleware, ToolRegistry};
//! use arcan_spaces::{SpacesActivityMiddleware, SpacesDaemon, register_spaces_tools};
//!
//! # fn main() -> Result<(), spaces_client::Error> {
//! let daemon = SpacesDaemon::from_env()?;
//! let mut tools = ToolRegistry::default();
//! register_spaces_tools(&mut tools, &daemon);
//! let middleware: Arc<dyn Middleware> =
//!     Arc::new(SpacesActivityMiddleware::new(&daemon, "#agent-logs"));
//! # let _ = middleware;
//! # Ok(())
//! # }
//! ```
//!
//! Every call is blocking, as Arcan's traits ask, and has a time budget (see
//! [`SpacesDaemon::budget`]): a daemon that is down, stopped or slow costs the
//! agent loop at most that. From async code, call them in
//! `tokio::task::spawn_blocking`.

mod daemon;
mod middleware;
mod port;
mod tools;

use arcan_core::runtime::ToolRegistry;

pub use daemon::SpacesDaemon;
pub use middleware::SpacesActivityMiddleware;
pub use port::SpacesdPort;
pub use tools::{
    SpacesCreateChannel, SpacesListChannels, SpacesListMembers, SpacesReadMessages, SpacesSendDm,
    SpacesSendMessage, SpacesTool,
};

/// Registers the six tools: `spaces_list_channels`, `spaces_send_message`,
/// `spaces_read_messages`, `spaces_send_dm`, `spaces_create_channel` and
/// `spaces_list_members`.
pub fn register_spaces_tools(registry: &mut ToolRegistry, daemon: &SpacesDaemon) {
    registry.register(SpacesTool::<SpacesListChannels>::new(daemon));
    registry.register(SpacesTool::<SpacesSendMessage>::new(daemon));
    registry.register(SpacesTool::<SpacesReadMessages>::new(daemon));
    registry.register(SpacesTool::<SpacesSendDm>::new(daemon));
    registry.register(SpacesTool::<SpacesCreateChannel>::new(daemon));
    registry.register(SpacesTool::<SpacesListMembers>::new(daemon));
}
