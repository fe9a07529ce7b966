//! The Spaces sidecar daemon: one persistent hub connection, a durable outbox
//! and a local cache, behind a Unix socket.

pub mod activity;
mod agent_name;
pub mod arguments;
pub mod cache;
pub mod config;
pub mod daemon;
pub mod events;
pub mod followers;
pub mod hub_change;
pub mod hub_process;
pub mod limits;
pub mod link;
pub mod live_sessions;
pub mod lock;
mod log_pages;
pub mod logging;
pub mod metrics;
mod nearest;
pub mod operation;
pub mod outbox;
pub mod place;
pub mod redact;
pub mod row;
pub mod rpc;
pub mod service_manager;
pub mod session_ids;
pub mod sink;
pub mod socket;
pub mod spool;
pub mod uplink;
