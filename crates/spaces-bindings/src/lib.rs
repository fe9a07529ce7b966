//! SpacetimeDB client bindings of the Spaces module: what a program generated
//! by SpacetimeDB's own tools would hold, declared by one macro.

#[macro_use]
mod module_macro;
mod connection;
mod declared;
mod module;

pub use connection::{
    Calls, Completion, DbConnection, ErrorContext, EventContext, Procedure, ProcedureEventContext,
    ReducerEventContext, RemoteModule, SubscriptionEventContext, SubscriptionHandle,
};
pub use declared::{Declared, Shape};
pub use module::*;
