//! A small client of the Spaces socket, and the places where the files of
//! Spaces live.
//!
//! [`Client`] is blocking and needs no runtime: made for programs that live for
//! milliseconds. Types of parameters and results come from [`spaces_api`].

mod client;
mod connect;
mod error;
mod frame;
pub mod paths;
pub mod spool;

pub use client::{Client, Subscription};
pub use error::{Error, Unreachable};
pub use paths::{PathError, Paths};
pub use spaces_api;
