//! The JSON-RPC contract of the Spaces socket: the only place where a method,
//! a parameter, a result or an error kind is named.
//!
//! Both ends use these types: `spacesd` parses requests into them, clients
//! build requests from them, and `rpc.discover` is generated from them (feature
//! `schema`), so that the three cannot drift apart.

mod error;
mod freshness;
pub mod jsonrpc;
pub mod methods;
pub mod model;
mod name;
#[cfg(feature = "schema")]
mod openrpc;
mod receipt;
pub mod spool;
mod timestamp;

pub use error::{ErrorData, ErrorKind, RpcError};
pub use freshness::{HubState, Meta};
pub use methods::{Access, METHODS, Method, MethodInfo};
pub use name::{AgentRef, ChannelRef, MessageRef, ServerRef, UserRef};
#[cfg(feature = "schema")]
pub use openrpc::openrpc_document;
pub use receipt::{Delivery, Receipt, ReceiptState, Wait, WriteParams, Written};
pub use timestamp::Timestamp;

/// Version of the contract. The daemon serves this one and the one before.
/// Raised by a change that an older client would misread.
pub const PROTOCOL: u32 = 1;

/// The oldest protocol that this version still serves.
pub const OLDEST_PROTOCOL: u32 = PROTOCOL;

/// The version of this build of Spaces, as reported in headers and errors.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Largest request in bytes; a larger one is answered `too_large` and closed.
pub const MAX_REQUEST_BYTES: usize = 1024 * 1024;

/// Most calls in one JSON-RPC batch.
pub const MAX_BATCH: usize = 100;

/// Most connections that the daemon serves at once.
pub const MAX_CONNECTIONS: usize = 1024;
