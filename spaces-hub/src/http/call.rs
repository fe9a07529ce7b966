//! Calls of reducers and procedures.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;
use spacetimedb::client::ClientActorId;
use spacetimedb::host::{
    FunctionArgs, ModuleHost, ProcedureCallError, ReducerCallError, ReducerCallResult,
    ReducerOutcome,
};

use super::caller::{Presence, random_connection_id};
use super::reply::sats_json;
use super::{Hub, Refusal};
use crate::engine::durable;
use crate::identity::Caller;

#[derive(Deserialize)]
pub struct CallQuery {
    /// Whether to answer only once the change is on disk.
    #[serde(default = "on")]
    confirmed: bool,
}

fn on() -> bool {
    true
}

/// `POST /v1/database/NAME/call/FUNCTION` with the arguments as a JSON array.
/// Status 530 means that the reducer refused; its text is the body.
pub async fn call(
    State(hub): State<Arc<Hub>>,
    Extension(caller): Extension<Caller>,
    Path((_, function)): Path<(String, String)>,
    Query(CallQuery { confirmed }): Query<CallQuery>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let args = arguments(&headers, body)?;
    let presence = Presence::begin(&hub, &caller, random_connection_id()).await?;
    let module = hub.engine.module().await?;
    let reply = call_function(&module, presence.id(), &function, args, confirmed).await;
    presence.end().await;
    reply
}

fn arguments(headers: &HeaderMap, body: Bytes) -> Result<FunctionArgs, Refusal> {
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let mime = content_type.split(';').next().unwrap_or_default().trim();
    if !mime.eq_ignore_ascii_case("application/json") {
        return Err(Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "send the arguments as a JSON array with `Content-Type: application/json`",
        ));
    }
    let json = body
        .try_into()
        .map_err(|_| Refusal::bad_request("the arguments are not valid UTF-8"))?;
    Ok(FunctionArgs::Json(json))
}

async fn call_function(
    module: &ModuleHost,
    id: ClientActorId,
    function: &str,
    args: FunctionArgs,
    confirmed: bool,
) -> Result<Response, Refusal> {
    let connection = Some(id.connection_id);
    let called = module
        .call_reducer_with_offset(
            id.identity,
            connection,
            None,
            None,
            None,
            function,
            args.clone(),
        )
        .await;
    match called {
        Ok(called) => {
            if confirmed && called.result.is_ok() {
                durable(module, called.tx_offset).await?;
            }
            Ok(reducer_reply(called.result))
        }
        Err(ReducerCallError::NoSuchReducer | ReducerCallError::ScheduleReducerNotFound) => {
            let called = module
                .call_procedure(id.identity, connection, None, function, args, confirmed)
                .await;
            if let (true, Some(offset)) = (confirmed, called.tx_offset) {
                durable(module, offset).await?;
            }
            let value = called
                .result
                .map_err(|error| procedure_refusal(error, function))?;
            let mut reply = sats_json(&value.return_val)?;
            add_duration(&mut reply, value.execution_duration);
            Ok(reply)
        }
        Err(error) => Err(reducer_refusal(error)),
    }
}

fn reducer_reply(result: ReducerCallResult) -> Response {
    let mut reply = match result.outcome {
        ReducerOutcome::Committed => StatusCode::OK.into_response(),
        // Not a registered code, but the one that SpacetimeDB's clients know.
        ReducerOutcome::Failed(text) => match StatusCode::from_u16(530) {
            Ok(status) => (status, text.into_string()).into_response(),
            Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, text.into_string()).into_response(),
        },
        ReducerOutcome::BudgetExceeded => (
            StatusCode::PAYMENT_REQUIRED,
            "the reducer used more than its budget of computing time",
        )
            .into_response(),
    };
    add_duration(&mut reply, result.execution_duration);
    reply
}

pub fn add_duration(reply: &mut Response, duration: Duration) {
    let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    reply.headers_mut().insert(
        "spacetime-execution-duration-micros",
        HeaderValue::from(micros),
    );
}

fn reducer_refusal(error: ReducerCallError) -> Refusal {
    let status = match &error {
        ReducerCallError::Args(_) | ReducerCallError::LifecycleReducer(_) => {
            StatusCode::BAD_REQUEST
        }
        ReducerCallError::NoSuchReducer
        | ReducerCallError::ScheduleReducerNotFound
        | ReducerCallError::NoSuchModule(_) => StatusCode::NOT_FOUND,
        ReducerCallError::WorkerError(_) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    Refusal::new(status, format!("{:#}", anyhow::Error::new(error)))
}

fn procedure_refusal(error: ProcedureCallError, function: &str) -> Refusal {
    let status = match &error {
        ProcedureCallError::NoSuchProcedure => {
            return Refusal::not_found(format!(
                "the module has no reducer or procedure {function:?}"
            ));
        }
        ProcedureCallError::Args(_) => StatusCode::BAD_REQUEST,
        ProcedureCallError::NoSuchModule(_) => StatusCode::NOT_FOUND,
        ProcedureCallError::OutOfEnergy => StatusCode::PAYMENT_REQUIRED,
        ProcedureCallError::InternalError(_) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    Refusal::new(status, format!("{:#}", anyhow::Error::new(error)))
}
