//! The Spaces sidecar daemon: one persistent hub connection, a durable outbox
//! and a local cache, behind a Unix socket.

pub mod cache;
pub mod config;
pub mod events;
pub mod hub_process;
pub mod lock;
pub mod logging;
mod nearest;
pub mod operation;
pub mod outbox;
pub mod place;
pub mod redact;
pub mod row;
pub mod spool;
pub mod uplink;
