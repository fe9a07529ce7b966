//! Single HTTP requests to the hub, for what a WebSocket cannot do: making an
//! identity, redeeming an invite, asking why a connection was refused.

use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::http::request::Builder;
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// Larger answers than this are not the hub's.
const LARGEST_ANSWER: usize = 4 * 1024 * 1024;

pub(crate) struct Answer {
    pub status: u16,
    pub text: String,
}

/// `POST {uri}{path}` with a JSON body.
///
/// # Errors
/// What could not be done: unreachable, no TLS, no HTTP, no answer in time.
pub(crate) async fn post(
    uri: &str,
    path: &str,
    token: Option<&str>,
    body: String,
    within: Duration,
) -> Result<Answer, String> {
    send_within(uri, Request::post(path), token, body, within).await
}

/// `GET {uri}{path}`.
///
/// # Errors
/// As for [`post`].
pub(crate) async fn get(uri: &str, path: &str, within: Duration) -> Result<Answer, String> {
    send_within(uri, Request::get(path), None, String::new(), within).await
}

async fn send_within(
    uri: &str,
    request: Builder,
    token: Option<&str>,
    body: String,
    within: Duration,
) -> Result<Answer, String> {
    let target = Target::parse(uri)?;
    match tokio::time::timeout(within, send(&target, request, token, body)).await {
        Ok(answer) => answer,
        Err(_) => Err(format!(
            "{} gave no answer within {within:?}",
            target.authority()
        )),
    }
}

struct Target {
    tls: bool,
    host: String,
    port: u16,
    /// Path before `/v1`, without a slash at its end.
    prefix: String,
}

impl Target {
    fn parse(uri: &str) -> Result<Self, String> {
        let wrong =
            || format!("`{uri}` is not the address of a hub, such as http://127.0.0.1:3300");
        let parsed: Uri = uri.parse().map_err(|_| wrong())?;
        let tls = match parsed.scheme_str() {
            Some("http" | "ws") => false,
            Some("https" | "wss") => true,
            _ => return Err(wrong()),
        };
        let host = parsed.host().ok_or_else(wrong)?;
        Ok(Self {
            tls,
            host: host
                .trim_start_matches('[')
                .trim_end_matches(']')
                .to_owned(),
            port: parsed.port_u16().unwrap_or(if tls { 443 } else { 80 }),
            prefix: parsed.path().trim_end_matches('/').to_owned(),
        })
    }

    fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

async fn send(
    target: &Target,
    request: Builder,
    token: Option<&str>,
    body: String,
) -> Result<Answer, String> {
    let stream = TcpStream::connect((target.host.as_str(), target.port))
        .await
        .map_err(|error| format!("cannot reach {}: {error}", target.authority()))?;
    if !target.tls {
        return exchange(stream, target, request, token, body).await;
    }
    // It reads every certificate of the system, for which calls are not to wait.
    let connector = tokio::task::spawn_blocking(native_tls::TlsConnector::new)
        .await
        .map_err(|error| format!("no TLS: {error}"))?
        .map_err(|error| format!("no TLS: {error}"))?;
    let stream = tokio_native_tls::TlsConnector::from(connector)
        .connect(&target.host, stream)
        .await
        .map_err(|error| without_tls(target, &error))?;
    exchange(stream, target, request, token, body).await
}

fn without_tls(target: &Target, error: &native_tls::Error) -> String {
    let said = error.to_string();
    // The library tells its kinds apart only in words.
    let hint = match said.contains("certificate") {
        true => {
            "; this machine must trust who signed its certificate: add the authority to the \
             system's (update-ca-certificates), or start the daemon with SSL_CERT_FILE"
        }
        false => "",
    };
    format!("no TLS with {}: {said}{hint}", target.authority())
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    target: &Target,
    request: Builder,
    token: Option<&str>,
    body: String,
) -> Result<Answer, String> {
    let failed = |error: &dyn std::fmt::Display| {
        format!(
            "{} does not speak HTTP as a hub does: {error}",
            target.authority()
        )
    };
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| failed(&error))?;
    let connection = tokio::spawn(connection);
    let path = request.uri_ref().map(Uri::path).unwrap_or_default();
    let query = request.uri_ref().and_then(Uri::query).unwrap_or_default();
    let whole = match query {
        "" => format!("{}{path}", target.prefix),
        query => format!("{}{path}?{query}", target.prefix),
    };
    let mut request = request
        .uri(whole)
        .header(HOST, target.authority())
        .header(CONTENT_TYPE, "application/json");
    if let Some(token) = token {
        request = request.header(AUTHORIZATION, format!("Bearer {token}"));
    }
    let request = request
        .body(Full::new(Bytes::from(body)))
        .map_err(|error| failed(&error))?;
    let response = sender
        .send_request(request)
        .await
        .map_err(|error| failed(&error))?;
    let status = response.status().as_u16();
    let body = Limited::new(response.into_body(), LARGEST_ANSWER)
        .collect()
        .await
        .map_err(|error| failed(&error))?;
    connection.abort();
    let text = String::from_utf8_lossy(&body.to_bytes()).into_owned();
    Ok(Answer { status, text })
}

#[cfg(test)]
mod tests {
    use super::Target;

    #[test]
    fn addresses() {
        let of = |uri| Target::parse(uri).map(|t| (t.tls, t.authority(), t.prefix));
        let plain = |port: &str| Ok((false, format!("127.0.0.1:{port}"), String::new()));
        assert_eq!(of("http://127.0.0.1:3300"), plain("3300"));
        assert_eq!(of("ws://127.0.0.1/"), plain("80"));
        let prefixed = (true, "[::1]:443".to_owned(), "/spaces".to_owned());
        assert_eq!(of("wss://[::1]/spaces/"), Ok(prefixed));
        for wrong in ["127.0.0.1:3300", "ftp://x", "", "http://"] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }
}
