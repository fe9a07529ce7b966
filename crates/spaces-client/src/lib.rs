//! A small client of the Spaces socket, and the places where the files of
//! Spaces live.
//!
//! [`Client`] is blocking and needs no runtime: made for programs that live for
//! milliseconds. `AsyncClient` (feature `tokio`) is for programs that run on tokio
//! and have many calls under way at once. Types of parameters and results come from [`spaces_api`].

#[cfg(feature = "tokio")]
mod asynchronous;
mod client;
mod connect;
mod error;
mod frame;
pub mod paths;
pub mod spool;

#[cfg(feature = "tokio")]
pub use asynchronous::{AsyncClient, EventStream};
pub use client::{Client, Subscription};
pub use error::{Error, Unreachable};
pub use paths::{PathError, Paths};
pub use spaces_api;
