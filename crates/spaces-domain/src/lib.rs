//! Pure rules of Spaces used by the module and the daemon: names, limits, roles, validation

pub mod invite;
