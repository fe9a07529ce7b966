//! Reads, one file per family. Each file has the public query on [`Cache`] and
//! the row readers that the writer shares with it to make events.
//!
//! [`Cache`]: super::Cache

pub mod admin;
pub mod channel;
pub mod claim;
pub mod dm;
pub mod inbox;
pub mod member;
pub mod message;
pub mod note;
pub mod past;
mod recent;
mod resolve;
pub mod search;
pub mod server;
pub mod session;
pub mod thread;
pub mod user;
pub mod voice;

pub use resolve::Resolved;
