//! The module's tables, types, reducers, procedures and views.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;
use spacetimedb_lib::db::raw_def::v9::RawModuleDefV9;
use spacetimedb_lib::db::raw_def::v10::RawModuleDefV10;

use super::reply::sats_json;
use super::{Hub, Refusal};

#[derive(Deserialize)]
pub struct SchemaQuery {
    version: Option<u8>,
}

pub async fn schema(
    State(hub): State<Arc<Hub>>,
    Query(SchemaQuery { version }): Query<SchemaQuery>,
) -> Result<Response, Refusal> {
    let module = hub.engine.module().await?;
    let definition = (*module.info.module_def).clone();
    match version {
        Some(9) => sats_json(&RawModuleDefV9::from(definition)),
        Some(10) => sats_json(&RawModuleDefV10::from(definition)),
        _ => Err(Refusal::bad_request(
            "the parameter `version` must be 9 or 10",
        )),
    }
}
