//! Identities and the tokens that prove them.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use http::{StatusCode, header};
use serde_json::{Value, json};
use spacetimedb_lib::Identity;

use super::caller::Known;
use super::{Hub, Refusal};

/// How long a token may be used that stands in the address of a WebSocket.
const WEBSOCKET_TOKEN_LIFETIME: Duration = Duration::from_secs(60);

pub async fn create(State(hub): State<Arc<Hub>>) -> Result<axum::Json<Value>, Refusal> {
    let caller = hub.issuer.new_identity()?;
    Ok(axum::Json(
        json!({ "identity": caller.identity(), "token": caller.token }),
    ))
}

pub async fn public_key(State(hub): State<Arc<Hub>>) -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "application/pem-certificate-chain")],
        hub.issuer.public_key_pem().to_vec(),
    )
}

pub async fn websocket_token(
    State(hub): State<Arc<Hub>>,
    Known(caller): Known,
) -> Result<axum::Json<Value>, Refusal> {
    let caller = caller.ok_or_else(token_required)?;
    let token = hub.issuer.short_lived(&caller, WEBSOCKET_TOKEN_LIFETIME)?;
    Ok(axum::Json(json!({ "token": token })))
}

pub async fn verify(
    Path(identity): Path<String>,
    Known(caller): Known,
) -> Result<StatusCode, Refusal> {
    let identity = parse(&identity)?;
    let caller = caller.ok_or_else(token_required)?;
    if caller.identity() != identity {
        return Err(Refusal::bad_request("the token is of another identity"));
    }
    Ok(StatusCode::NO_CONTENT)
}

pub async fn databases(
    State(hub): State<Arc<Hub>>,
    Path(identity): Path<String>,
) -> Result<axum::Json<Value>, Refusal> {
    let owns = parse(&identity)? == hub.engine.owner_identity();
    let identities: Vec<Identity> = owns
        .then(|| hub.engine.database_identity())
        .into_iter()
        .collect();
    Ok(axum::Json(json!({ "identities": identities })))
}

fn parse(identity: &str) -> Result<Identity, Refusal> {
    Identity::from_hex(identity).map_err(|_| {
        Refusal::bad_request(format!(
            "{identity:?} is not an identity: 64 hexadecimal digits are one"
        ))
    })
}

fn token_required() -> Refusal {
    Refusal::unauthorized("a token is required: send it as `Authorization: Bearer TOKEN`")
}
