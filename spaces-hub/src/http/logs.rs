//! The module's log, for the owner of the database.

use std::sync::Arc;

use anyhow::Context;
use axum::Extension;
use axum::body::Body;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use http::header;
use serde::Deserialize;

use super::publish::only_the_owner;
use super::{Hub, Refusal};
use crate::identity::Caller;

#[derive(Deserialize)]
pub struct LogsQuery {
    /// How many of the last lines; all of today's if absent.
    num_lines: Option<u32>,
    /// Whether to go on with new lines as they come.
    #[serde(default)]
    follow: bool,
}

pub async fn logs(
    State(hub): State<Arc<Hub>>,
    Extension(caller): Extension<Caller>,
    Query(LogsQuery { num_lines, follow }): Query<LogsQuery>,
) -> Result<Response, Refusal> {
    only_the_owner(&hub, &caller, "read the logs")?;
    let module = hub.engine.module().await?;
    let lines = module
        .database_logger()
        .tail(num_lines, follow)
        .await
        .context("could not read the module's log")?;
    // A follower must not hold up the end of the hub.
    let stopping = hub.stopping.clone().cancelled_owned();
    let body = Body::from_stream(lines.take_until(stopping));
    Ok((
        [
            (header::CACHE_CONTROL, "no-cache"),
            (header::CONTENT_TYPE, "application/x-ndjson"),
        ],
        body,
    )
        .into_response())
}
