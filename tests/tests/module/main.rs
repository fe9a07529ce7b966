//! The module's rules, tried through the real hub by callers who talk to it
//! over plain HTTP.

mod doors;
mod inbox;
mod limits;
mod once;
mod privacy;
mod ranks;
mod retention;
mod roles;
mod world;
