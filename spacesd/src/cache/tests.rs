//! The cache as a whole: a real file in a temporary directory.

mod messages;
mod model;
mod overlay;
mod past;
mod sync;
