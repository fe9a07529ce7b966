//! `owner.invite`: what the first user of a new hub redeems.

use std::net::SocketAddr;

use spacetimedb::host::ModuleHost;
use spacetimedb_client_api_messages::name::DatabaseName;

use crate::data_dir::DataDir;
use crate::identity::Issuer;
use crate::record::Record;

pub fn reachable(address: SocketAddr) -> SocketAddr { address }

pub async fn write_once(_dir: &DataDir, _record: &mut Record, _issuer: &Issuer, _module: &ModuleHost, _uri: &str, _database: &DatabaseName) -> anyhow::Result<()> { Ok(()) }
