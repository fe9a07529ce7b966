//! A small blocking client of the Spaces socket, and the places where the files
//! of Spaces live.

pub mod paths;

pub use paths::{PathError, Paths};
