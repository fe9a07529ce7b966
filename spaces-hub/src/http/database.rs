//! What the one database is called and what it is.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{RawPathParams, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::StatusCode;
use serde_json::{Value, json};
use spacetimedb_client_api_messages::name::{DatabaseName, GetNamesResponse};
use spacetimedb_lib::ser::Serialize;
use spacetimedb_lib::ser::serde::SerializeWrapper;
use spacetimedb_lib::{Identity, Timestamp};

use super::reply::sats_json;
use super::{Hub, Refusal};

/// How the client named the database in the address.
#[derive(Clone)]
pub struct NamedBy(pub Option<DatabaseName>);

/// Middleware: refuses an address that names another database than this one.
pub async fn find(
    State(hub): State<Arc<Hub>>,
    params: RawPathParams,
    mut request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    let asked = params
        .iter()
        .find(|(key, _)| *key == "database")
        .map(|(_, value)| value)
        .unwrap_or_default();
    let named_by = if asked == hub.name.as_ref() {
        NamedBy(Some(hub.name.clone()))
    } else if Identity::from_hex(asked)
        .is_ok_and(|identity| identity == hub.engine.database_identity())
    {
        NamedBy(None)
    } else {
        return Err(Refusal::not_found(format!(
            "no database {asked:?} here: this hub has one, named {:?}",
            hub.name.as_ref()
        )));
    };
    request.extensions_mut().insert(named_by);
    Ok(next.run(request).await)
}

pub async fn describe(State(hub): State<Arc<Hub>>) -> Result<axum::Json<Value>, Refusal> {
    let database = hub.engine.database();
    Ok(axum::Json(json!({
        "database_identity": sats(&database.database_identity)?,
        "owner_identity": sats(&database.owner_identity)?,
        "host_type": sats(&database.host_type)?,
        "initial_program": sats(&database.initial_program)?,
    })))
}

fn sats(value: &impl Serialize) -> Result<Value, Refusal> {
    serde_json::to_value(SerializeWrapper::from_ref(value))
        .map_err(|error| anyhow::Error::new(error).into())
}

pub async fn names(State(hub): State<Arc<Hub>>) -> axum::Json<GetNamesResponse> {
    axum::Json(GetNamesResponse {
        names: vec![hub.name.clone()],
    })
}

pub async fn default_name(State(hub): State<Arc<Hub>>) -> axum::Json<DatabaseName> {
    axum::Json(hub.name.clone())
}

pub async fn identity(State(hub): State<Arc<Hub>>) -> String {
    hub.engine.database_identity().to_string()
}

pub async fn timestamp(Extension(NamedBy(_)): Extension<NamedBy>) -> Result<Response, Refusal> {
    sats_json(&Timestamp::now())
}

/// What the official server can do with databases and a hub cannot.
pub async fn fixed(State(hub): State<Arc<Hub>>) -> Refusal {
    Refusal::new(
        StatusCode::NOT_IMPLEMENTED,
        format!(
            "a hub has exactly one database: it can be updated at /v1/database/{0}, but none can be created, \
             renamed, reset or deleted. The name is set by --database; for an empty database, start the hub \
             with an empty data directory",
            hub.name.as_ref()
        ),
    )
}
