//! Every table of schema 1. Frozen.

mod deliveries;
mod hub;
mod kinds;
mod messages;
mod people;
mod servers;
mod timers;
mod work;

pub use deliveries::*;
pub use hub::*;
pub use kinds::*;
pub use messages::*;
pub use people::*;
pub use servers::*;
pub use timers::*;
pub use work::*;

pub const SCHEMA_VERSION: u32 = 1;
