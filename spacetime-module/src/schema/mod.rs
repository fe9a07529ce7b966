//! Every table of the hub.
//!
//! The order of columns is the wire format. Columns are only ever added at the
//! end of a table, with `#[default(..)]`; none is removed, moved or retyped.
//! Whatever a client must not see lies in a table without `public` and is read
//! through a view or a procedure.

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

/// Grows by one with every change of a table, view, reducer or procedure that
/// a client can notice. A client compares it on connect.
pub const SCHEMA_VERSION: u32 = 3;
