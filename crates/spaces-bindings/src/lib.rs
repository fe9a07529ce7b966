//! SpacetimeDB client bindings of the Spaces module
