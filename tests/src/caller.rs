use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Map, Value, json};
use spaces_domain::Refusal;
use uuid::Uuid;

/// A user of a hub who talks to it over plain HTTP, as anybody might: no daemon
/// and no binding stands between the test and the module.
#[derive(Clone, Debug)]
pub struct Caller {
    port: u16,
    token: String,
    /// 64 hexadecimal digits.
    pub identity: String,
}

impl Caller {
    /// A fresh identity, which the hub knows nothing of.
    pub fn stranger(port: u16) -> Self {
        let (status, body) = request(port, "POST", "/v1/identity", None, "");
        assert_eq!(status, 200, "{body}");
        let made: Value = serde_json::from_str(&body).expect("an identity is JSON");
        let text = |name: &str| made[name].as_str().expect("a text").to_owned();
        Self {
            port,
            token: text("token"),
            identity: text("identity"),
        }
    }

    /// The holder of a token that the hub has issued.
    pub fn with_token(port: u16, token: &str) -> Self {
        Self {
            port,
            token: token.to_owned(),
            identity: identity_in(token),
        }
    }

    /// Calls a reducer without a key.
    ///
    /// # Panics
    /// Where the hub neither carries it out nor refuses it: a test that does not
    /// fit the module.
    pub fn call(&self, reducer: &str, arguments: Value) -> Result<(), Refusal> {
        let path = format!("/v1/database/spaces/call/{reducer}");
        let (status, body) = self.post(&path, &arguments.to_string());
        match status {
            200 => Ok(()),
            403 | 530 => Err(Refusal::parse(&body)),
            _ => panic!("{reducer} {arguments}: {status} {body}"),
        }
    }

    /// Calls a reducer under a key of its own.
    pub fn keyed(&self, reducer: &str, arguments: Value) -> Result<(), Refusal> {
        self.under(&Uuid::new_v4().to_string(), reducer, arguments)
    }

    /// Calls a reducer under a given key.
    pub fn under(&self, key: &str, reducer: &str, arguments: Value) -> Result<(), Refusal> {
        let Value::Array(mut all) = arguments else {
            panic!("arguments are an array")
        };
        all.insert(0, json!(key));
        self.call(reducer, Value::Array(all))
    }

    /// As [`Caller::keyed`], for what must succeed.
    pub fn does(&self, reducer: &str, arguments: Value) {
        if let Err(refusal) = self.keyed(reducer, arguments.clone()) {
            panic!("{reducer} {arguments}: {refusal}");
        }
    }

    /// Calls a procedure.
    pub fn asks(&self, procedure: &str, arguments: Value) -> Value {
        let path = format!("/v1/database/spaces/call/{procedure}");
        let (status, body) = self.post(&path, &arguments.to_string());
        assert_eq!(status, 200, "{procedure} {arguments}: {body}");
        serde_json::from_str(&body).expect("a procedure answers JSON")
    }

    /// The rows of a query, each by its columns' names.
    pub fn rows(&self, query: &str) -> Vec<Map<String, Value>> {
        let (status, body) = self.sql(query);
        assert_eq!(status, 200, "{query}: {body}");
        let answer: Value = serde_json::from_str(&body).expect("SQL answers JSON");
        let columns = answer[0]["schema"]["elements"]
            .as_array()
            .expect("a schema");
        let rows = answer[0]["rows"].as_array().expect("rows");
        let name = |column: &Value| {
            column["name"]["some"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        rows.iter()
            .map(|row| {
                let values = row.as_array().expect("a row is an array");
                columns
                    .iter()
                    .map(name)
                    .zip(values.iter().cloned())
                    .collect()
            })
            .collect()
    }

    /// The rows of a query, each as its values in order.
    pub fn values(&self, query: &str) -> Vec<Vec<Value>> {
        let (status, body) = self.sql(query);
        assert_eq!(status, 200, "{query}: {body}");
        let mut answer: Value = serde_json::from_str(&body).expect("SQL answers JSON");
        serde_json::from_value(answer[0]["rows"].take()).expect("rows are arrays")
    }

    /// The answer to a query, whatever it is: status and body.
    pub fn sql(&self, query: &str) -> (u16, String) {
        self.post("/v1/database/spaces/sql", query)
    }

    /// A GET: status and body.
    pub fn gets(&self, path: &str) -> (u16, String) {
        request(self.port, "GET", path, Some(&self.token), "")
    }

    /// What proves to the hub who this is.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The argument that names this caller.
    pub fn id(&self) -> Value {
        json!({ "__identity__": format!("0x{}", self.identity) })
    }

    /// Whether a column holds this caller's identity.
    pub fn is(&self, column: &Value) -> bool {
        column[0].as_str() == Some(&format!("0x{}", self.identity))
    }

    fn post(&self, path: &str, body: &str) -> (u16, String) {
        request(self.port, "POST", path, Some(&self.token), body)
    }
}

/// Reads the identity that a hub wrote into the payload of its token.
fn identity_in(token: &str) -> String {
    let payload = token.split('.').nth(1).expect("a token has three parts");
    let claims: Value = serde_json::from_slice(&base64url(payload)).expect("claims are JSON");
    claims["hex_identity"]
        .as_str()
        .expect("a hub's token names its identity")
        .to_owned()
}

fn base64url(text: &str) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let digit = |byte: u8| {
        DIGITS
            .iter()
            .position(|one| *one == byte)
            .expect("base64url")
    };
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0usize, 0);
    for byte in text.bytes() {
        bits = (bits << 6 | digit(byte)) & 0xffff;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    bytes
}

/// One HTTP request on a connection of its own: status and body.
fn request(port: u16, method: &str, path: &str, token: Option<&str>, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the hub listens");
    let credentials = token.map_or(String::new(), |token| {
        format!("Authorization: Bearer {token}\r\n")
    });
    // HTTP/1.0: the answer ends with the connection and is never chunked.
    let head = format!(
        "{method} {path} HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         {credentials}Content-Length: {}\r\n\r\n",
        body.len()
    );
    stream
        .write_all(head.as_bytes())
        .and_then(|()| stream.write_all(body.as_bytes()))
        .expect("the hub reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the hub answers");
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .expect("an HTTP answer has a head");
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    (
        status.expect("an HTTP answer has a status"),
        body.to_owned(),
    )
}

/// An absent argument.
pub fn none() -> Value {
    json!({ "none": [] })
}

/// A present one.
pub fn some(value: impl Into<Value>) -> Value {
    json!({ "some": value.into() })
}

/// A word of a closed set, as the hub's JSON writes it: `agentLog`.
pub fn word(name: &str) -> Value {
    json!({ name: [] })
}

/// A change of the hub's settings, of these only.
pub fn hub_settings(given: &[(&str, Value)]) -> Value {
    let names = [
        "hub_name",
        "admission",
        "rate_per_sec",
        "rate_burst",
        "message_days",
        "messages_per_channel",
        "delivery_days",
        "idempotency_days",
        "audit_days",
        "session_days",
        "session_timeout_secs",
    ];
    let change = names.iter().map(|name| {
        let value = given.iter().find(|(one, _)| one == name);
        (
            (*name).to_owned(),
            value.map_or_else(none, |(_, value)| some(value.clone())),
        )
    });
    Value::Object(change.collect())
}
