//! Replies that refuse, and values in the engine's own JSON.

use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use spacetimedb_lib::ser::Serialize;
use spacetimedb_lib::ser::serde::SerializeWrapper;

/// A status with a plain text that says why.
#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    text: String,
}

impl Refusal {
    pub fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self {
            status,
            text: text.into(),
        }
    }

    pub fn bad_request(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, text)
    }

    pub fn unauthorized(text: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, text)
    }

    pub fn forbidden(text: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, text)
    }

    pub fn not_found(text: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, text)
    }
}

/// A failure of the hub itself: logged here, since the caller cannot help it.
impl From<anyhow::Error> for Refusal {
    fn from(error: anyhow::Error) -> Self {
        let text = format!("{error:#}");
        tracing::error!(error = %text, "a request failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, text)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, self.text).into_response()
    }
}

/// A reply in SATS-JSON, the encoding of the engine's own types.
pub fn sats_json(value: &impl Serialize) -> Result<Response, Refusal> {
    let body = serde_json::to_vec(SerializeWrapper::from_ref(value))
        .map_err(|error| anyhow::Error::new(error).context("could not encode the reply"))?;
    Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}
