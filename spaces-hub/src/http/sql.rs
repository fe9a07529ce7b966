//! SQL over HTTP.

use std::sync::Arc;
use std::time::Instant;

use axum::Extension;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use spacetimedb::sql::execute;
use spacetimedb_client_api_messages::http::{SqlStmtResult, SqlStmtStats};
use spacetimedb_lib::identity::AuthCtx;
use spacetimedb_lib::{ProductType, ProductTypeElement};

use super::call::add_duration;
use super::caller::{Presence, random_connection_id};
use super::{Hub, Refusal};
use crate::engine::durable;
use crate::identity::Caller;

#[derive(Deserialize)]
pub struct SqlQuery {
    /// Whether to answer only once all that the result shows is on disk.
    #[serde(default = "on")]
    confirmed: bool,
}

fn on() -> bool {
    true
}

/// `POST /v1/database/NAME/sql` with one statement as the body. The engine
/// decides what the caller may see.
///
/// Unlike the official server, a hub asks the module to admit the caller
/// first: otherwise the public tables of a closed hub could be read by anyone
/// who reaches its port. The owner of the database needs no admission.
pub async fn sql(
    State(hub): State<Arc<Hub>>,
    Extension(caller): Extension<Caller>,
    Query(SqlQuery { confirmed }): Query<SqlQuery>,
    statement: String,
) -> Result<Response, Refusal> {
    let presence = if caller.identity() == hub.engine.owner_identity() {
        None
    } else {
        Some(Presence::begin(&hub, &caller, random_connection_id()).await?)
    };
    let reply = run(&hub, &caller, statement, confirmed).await;
    if let Some(presence) = presence {
        presence.end().await;
    }
    reply
}

async fn run(
    hub: &Hub,
    caller: &Caller,
    statement: String,
    confirmed: bool,
) -> Result<Response, Refusal> {
    let module = hub.engine.module().await?;
    let auth = AuthCtx::new(hub.engine.owner_identity(), caller.identity());
    let started = Instant::now();
    let mut columns = Vec::new();
    let result = execute::run(
        module.relational_db().clone(),
        statement,
        auth,
        Some(module.subscriptions().clone()),
        Some(module.clone()),
        &mut columns,
    )
    .await
    .map_err(|error| Refusal::bad_request(error.to_string()))?;
    if confirmed {
        durable(&module, result.tx_offset).await?;
    }
    let duration = started.elapsed();

    let schema: ProductType = columns
        .into_iter()
        .map(|(name, kind)| ProductTypeElement::new(kind, Some(name)))
        .collect();
    let mut reply = axum::Json([SqlStmtResult {
        schema,
        rows: result.rows,
        total_duration_micros: u64::try_from(duration.as_micros()).unwrap_or(u64::MAX),
        stats: SqlStmtStats::from_metrics(&result.metrics),
    }])
    .into_response();
    add_duration(&mut reply, duration);
    Ok(reply)
}
