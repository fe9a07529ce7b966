//! The rules of Spaces, each written once: the module enforces them, the
//! daemon explains them. Pure functions over plain values; no I/O, no clock, no
//! SpacetimeDB. Compiled for the host and for `wasm32-unknown-unknown`.

pub mod block;
pub mod content;
pub mod errors;
pub mod invite;
pub mod kinds;
pub mod limits;
pub mod names;
pub mod overlap;
pub mod permissions;
pub mod rate;
pub mod sweep;

pub use errors::{ErrorKind, Refusal};
pub use kinds::{ChannelType, ClaimTarget, MessageKind, SessionState};
pub use permissions::{Action, Role};
