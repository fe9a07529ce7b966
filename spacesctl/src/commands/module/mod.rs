//! The Spaces module on SpacetimeDB servers.

mod publish;
mod schema;

use clap::Subcommand;

use crate::ctl::Ctl;
use crate::failure::Failure;

/// The Spaces module: the server side, on any SpacetimeDB 2.x server
#[derive(Debug, Subcommand)]
pub enum Module {
    /// Publish the module to a server, or update it there
    Publish(publish::Publish),
    /// Show the tables, views and reducers that a hub has
    Schema(schema::Schema),
}

impl Module {
    /// Does what was asked.
    pub fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        match self {
            Self::Publish(publish) => publish.run(ctl),
            Self::Schema(schema) => schema.run(ctl),
        }
    }
}
