//! What Spaces is measured against: as little as can do the same work.

pub mod disk;
pub mod echo;
pub mod redis;
