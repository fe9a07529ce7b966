//! The HTTP interface of a SpacetimeDB server, for the few things that are not
//! asked of the daemon.

use std::time::Duration;

use serde_json::Value;
use spaces_client::spaces_api::ErrorKind;
use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig};

use crate::failure::Failure;
use crate::output::clean_line;

/// Longest wait for one answer: a server may compile a module before it answers.
const LIMIT: Duration = Duration::from_secs(300);
/// Longest wait for a connection.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// The largest answer that is read.
const LARGEST_ANSWER: u64 = 32 * 1024 * 1024;

/// One server.
#[derive(Debug)]
pub struct Server {
    agent: Agent,
    /// `http(s)://HOST[:PORT]`, without a path.
    pub uri: String,
    token: Option<String>,
}

/// What a server answered.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub text: String,
}

impl Server {
    /// A server at `http(s)://` or `ws(s)://`. Does not connect yet.
    ///
    /// # Errors
    /// Where the address is of another form.
    pub fn new(uri: &str) -> Result<Self, Failure> {
        let uri = uri.trim_end_matches('/');
        let known = [
            ("http://", "http://"),
            ("https://", "https://"),
            ("ws://", "http://"),
            ("wss://", "https://"),
        ];
        let uri = known
            .iter()
            .find_map(|(given, used)| Some(format!("{used}{}", uri.strip_prefix(given)?)))
            .ok_or_else(|| {
                Failure::new(
                    ErrorKind::InvalidParams,
                    format!("`{uri}` is not the address of a server"),
                )
                .hint("write it as http://HOST:PORT or https://HOST")
            })?;
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT_LIMIT))
            .timeout_global(Some(LIMIT))
            // As the daemon does it: whom the system trusts, it trusts.
            .tls_config(
                TlsConfig::builder()
                    .root_certs(RootCerts::PlatformVerifier)
                    .build(),
            )
            .user_agent(concat!("spacesctl/", env!("CARGO_PKG_VERSION")))
            .build()
            .into();
        Ok(Self {
            agent,
            uri,
            token: None,
        })
    }

    /// Speaks for the identity of this token from now on.
    pub fn speak_for(&mut self, token: String) {
        self.token = Some(token);
    }

    /// `GET`.
    ///
    /// # Errors
    /// Where no answer came; a refusal is an answer.
    pub fn get(&self, path: &str) -> Result<Answer, Failure> {
        let mut request = self.agent.get(self.at(path));
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        self.answer(path, request.call())
    }

    /// `POST` or `PUT` of bytes.
    ///
    /// # Errors
    /// Where no answer came; a refusal is an answer.
    pub fn send(&self, method: Method, path: &str, body: &[u8]) -> Result<Answer, Failure> {
        let mut request = match method {
            Method::Post => self.agent.post(self.at(path)),
            Method::Put => self.agent.put(self.at(path)),
        }
        .header("Content-Type", "application/octet-stream");
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        self.answer(path, request.send(body))
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.uri)
    }

    fn answer(
        &self,
        path: &str,
        outcome: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<Answer, Failure> {
        let unreachable = |error: ureq::Error| {
            Failure::new(
                ErrorKind::HubUnreachable,
                format!("{}{path} did not answer: {error}", self.uri),
            )
            .hint("check the address, and that a SpacetimeDB 2.x server runs there")
        };
        let mut response = outcome.map_err(unreachable)?;
        let status = response.status().as_u16();
        let text = response
            .body_mut()
            .with_config()
            .limit(LARGEST_ANSWER)
            .read_to_string()
            .map_err(unreachable)?;
        Ok(Answer { status, text })
    }
}

/// How bytes are sent.
#[derive(Clone, Copy, Debug)]
pub enum Method {
    /// `POST`
    Post,
    /// `PUT`
    Put,
}

impl Answer {
    /// The answer, if it is not a refusal.
    ///
    /// # Errors
    /// The server's reason.
    pub fn accepted(self, what: &str) -> Result<Self, Failure> {
        if (200..300).contains(&self.status) {
            return Ok(self);
        }
        let kind = match self.status {
            401 | 403 => ErrorKind::PermissionDenied,
            404 => ErrorKind::NotFound,
            409 => ErrorKind::Conflict,
            413 => ErrorKind::TooLarge,
            429 => ErrorKind::RateLimited,
            _ => ErrorKind::Rejected,
        };
        Err(Failure::new(
            kind,
            format!(
                "{what}: the server answers {}: {}",
                self.status,
                clean_line(&self.text)
            ),
        ))
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// Where it is none.
    pub fn json(&self) -> Result<Value, Failure> {
        serde_json::from_str(&self.text).map_err(|error| {
            Failure::new(
                ErrorKind::Internal,
                format!("the server's answer is not JSON: {error}"),
            )
        })
    }
}
