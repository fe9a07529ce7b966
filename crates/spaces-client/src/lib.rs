//! Clients of the Spaces socket, and the places where the files of Spaces live.
//!
//! - [`Client`] is blocking and needs no runtime: made for programs that live
//!   for milliseconds, and for one caller at a time.
//! - `AsyncClient` (feature `tokio`) carries many calls at once over one
//!   connection and has a stream of events: made for programs that stay.
//!
//! Both connect when they are first used, keep the connection, come back after
//! a restart of the daemon, and hold a deadline even where the daemon is
//! stopped. What can go wrong is an [`Error`], which says what to do next.
//! Parameters and results of the methods are types of [`spaces_api`].
//!
//! A write that found no daemon can be left in the [`spool`], from where the
//! daemon takes it when it starts. The `examples` directory has whole programs.

#[cfg(feature = "tokio")]
mod async_client;
mod client;
mod connect;
mod error;
mod frame;
pub mod log_file;
pub mod paths;
pub mod spool;

#[cfg(feature = "tokio")]
pub use async_client::{AsyncClient, EventStream};
pub use client::{Client, Sent, Subscription};
pub use error::{Error, Unreachable};
pub use paths::{PathError, Paths};
pub use spaces_api;
