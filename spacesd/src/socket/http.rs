//! HTTP/1.1 over the socket: `POST /rpc`, `GET /events`, health, readiness and
//! metrics. Made for `curl --unix-socket`.

use std::convert::Infallible;
use std::io::{self, Cursor};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HOST, HeaderValue, ORIGIN, REFERER, RETRY_AFTER,
};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use spaces_api::jsonrpc::Id;
use spaces_api::{ErrorKind, MAX_REQUEST_BYTES, PROTOCOL, RpcError, VERSION};
use tokio::io::AsyncReadExt;
use tokio::net::unix::OwnedWriteHalf;
use tokio::sync::watch;
use tokio::time::timeout;

use super::lines::too_large;
use super::patience::Reading;
use super::seats::Seat;
use super::sse;
use super::{REQUEST_DEADLINE, all_taken, stop_asked};
use crate::rpc::{self, Rpc};

/// Largest header block in bytes.
const MAX_HEADER_BYTES: usize = 64 * 1024;

/// A body must be complete after this time.
const BODY_DEADLINE: Duration = Duration::from_secs(30);

const VERSION_HEADER: &str = "spaces-version";
const PROTOCOL_HEADER: &str = "spaces-protocol";
const JSON: &str = "application/json";

pub(super) type Body = UnsyncBoxBody<Bytes, Infallible>;

/// Serves one connection of which `begun` has been read.
pub(super) async fn serve(
    read: Reading<'_>,
    write: OwnedWriteHalf,
    begun: BytesMut,
    rpc: Rpc,
    seat: &Seat,
    mut stopping: watch::Receiver<bool>,
) -> io::Result<()> {
    let stream = tokio::io::join(Cursor::new(begun).chain(read), write);
    let client = rpc::Client::on_http();
    let stop = stopping.clone();
    let service = service_fn(|request| {
        let seated = seat.keep();
        let (rpc, client, stop) = (rpc.clone(), client.clone(), stop.clone());
        async move {
            let answered = match seated {
                true => route(request, rpc, client, stop).await,
                false => Err((StatusCode::SERVICE_UNAVAILABLE, all_taken())),
            };
            Ok::<_, Infallible>(signed(answered))
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(REQUEST_DEADLINE)
        .max_buf_size(MAX_HEADER_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => return ended.map_err(io::Error::other),
        () = stop_asked(&mut stopping) => connection.as_mut().graceful_shutdown(),
    }
    connection.await.map_err(io::Error::other)
}

fn signed(answered: Result<Response<Body>, Refused>) -> Response<Body> {
    let mut response = answered.unwrap_or_else(|(status, error)| refusal(status, &error));
    let headers = response.headers_mut();
    headers.insert(VERSION_HEADER, HeaderValue::from_static(VERSION));
    headers.insert(PROTOCOL_HEADER, HeaderValue::from(PROTOCOL));
    response
}

type Refused = (StatusCode, RpcError);

async fn route(
    request: Request<Incoming>,
    rpc: Rpc,
    client: Arc<rpc::Client>,
    stopping: watch::Receiver<bool>,
) -> Result<Response<Body>, Refused> {
    check_caller(&request)?;
    check_protocol(&request)?;
    let allowed = match request.uri().path() {
        "/rpc" => Method::POST,
        "/events" | "/healthz" | "/readyz" | "/metrics" => Method::GET,
        other => {
            let message = format!("there is nothing at {other}");
            let error = RpcError::new(ErrorKind::NotFound, message)
                .hint("POST /rpc, GET /events, GET /healthz, GET /readyz, GET /metrics");
            return Err((StatusCode::NOT_FOUND, error));
        }
    };
    if *request.method() != allowed {
        let message = format!("{} is not for {}", request.uri().path(), request.method());
        let error =
            RpcError::new(ErrorKind::InvalidRequest, message).hint(format!("use {allowed}"));
        let mut response = refusal(StatusCode::METHOD_NOT_ALLOWED, &error);
        let allowed = HeaderValue::from_str(allowed.as_str()).expect("a verb is a header value");
        response.headers_mut().insert(ALLOW, allowed);
        return Ok(response);
    }
    match request.uri().path() {
        "/rpc" => call(request, rpc, client).await,
        "/events" => {
            sse::stream(&request, &rpc, stopping).map_err(|error| (status_of(&error), error))
        }
        "/healthz" => Ok(text(
            StatusCode::OK,
            "text/plain; charset=utf-8",
            "ok\n".into(),
        )),
        "/readyz" => match rpc.daemon().readiness() {
            Ok(()) => Ok(text(
                StatusCode::OK,
                "text/plain; charset=utf-8",
                "ready\n".into(),
            )),
            Err(error) => Err((StatusCode::SERVICE_UNAVAILABLE, error)),
        },
        _ => {
            let metrics = rpc.daemon().metrics_text();
            Ok(text(
                StatusCode::OK,
                "application/openmetrics-text; version=1.0.0; charset=utf-8",
                metrics.into(),
            ))
        }
    }
}

/// Refuses what a browser was made to send. A program of the user's own has no
/// origin and names the host that it was told.
fn check_caller(request: &Request<Incoming>) -> Result<(), Refused> {
    let headers = request.headers();
    let refused = |message: String| {
        let error = RpcError::new(ErrorKind::PermissionDenied, message)
            .hint("the socket is for programs of its owner, not for browsers");
        Err((StatusCode::FORBIDDEN, error))
    };
    for header in [ORIGIN, REFERER] {
        if headers.contains_key(&header) {
            return refused(format!("requests with the header `{header}` are refused"));
        }
    }
    for host in headers.get_all(HOST) {
        let name = host
            .as_bytes()
            .split(|byte| *byte == b':')
            .next()
            .unwrap_or_default();
        if !name.eq_ignore_ascii_case(b"localhost") && !name.eq_ignore_ascii_case(b"spacesd") {
            return refused("the host of a request must be `localhost` or `spacesd`".into());
        }
    }
    Ok(())
}

fn check_protocol(request: &Request<Incoming>) -> Result<(), Refused> {
    let Some(header) = request.headers().get(PROTOCOL_HEADER) else {
        return Ok(());
    };
    let given = header
        .to_str()
        .ok()
        .and_then(|text| text.trim().parse().ok());
    let Some(protocol) = given else {
        let error = RpcError::new(
            ErrorKind::InvalidRequest,
            "the header `Spaces-Protocol` is not a number",
        );
        return Err((StatusCode::BAD_REQUEST, error));
    };
    rpc::check_protocol(protocol).map_err(|error| (StatusCode::BAD_REQUEST, error))
}

async fn call(
    request: Request<Incoming>,
    rpc: Rpc,
    client: Arc<rpc::Client>,
) -> Result<Response<Body>, Refused> {
    let body = Limited::new(request.into_body(), MAX_REQUEST_BYTES).collect();
    let body = match timeout(BODY_DEADLINE, body).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            return Err((StatusCode::PAYLOAD_TOO_LARGE, too_large()));
        }
        Ok(Err(error)) => {
            let message = format!("the body did not arrive whole: {error}");
            return Err((
                StatusCode::BAD_REQUEST,
                RpcError::new(ErrorKind::InvalidRequest, message),
            ));
        }
        Err(_) => {
            let message = format!(
                "the body was not complete after {} s",
                BODY_DEADLINE.as_secs()
            );
            return Err((
                StatusCode::REQUEST_TIMEOUT,
                RpcError::new(ErrorKind::InvalidRequest, message),
            ));
        }
    };
    Ok(match rpc.answer(client, body).await {
        Some(reply) => text(StatusCode::OK, JSON, reply.into()),
        None => empty(StatusCode::NO_CONTENT),
    })
}

/// An error as JSON-RPC writes it, whatever was asked for.
fn refusal(status: StatusCode, error: &RpcError) -> Response<Body> {
    let mut response = text(status, JSON, rpc::error_reply(&Id::Null, error).into());
    if let Some(millis) = error.data.retry_after_ms {
        response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from(millis.div_ceil(1000)));
    }
    // What was not read of the request must not be taken for the next one.
    response
        .headers_mut()
        .insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

fn status_of(error: &RpcError) -> StatusCode {
    match error.kind() {
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::CursorExpired => StatusCode::GONE,
        ErrorKind::NotReady | ErrorKind::Busy => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::BAD_REQUEST,
    }
}

fn text(status: StatusCode, kind: &'static str, body: Bytes) -> Response<Body> {
    let mut response = Response::new(Full::new(body).boxed_unsync());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Full::default().boxed_unsync());
    *response.status_mut() = status;
    response
}

/// A whole answer for a client that is turned away before HTTP is spoken.
pub(super) fn raw_unavailable(body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: {JSON}\r\nContent-Length: {}\r\nRetry-After: 1\r\n\
         Connection: close\r\nSpaces-Version: {VERSION}\r\nSpaces-Protocol: {PROTOCOL}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}
