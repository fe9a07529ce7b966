use std::net::TcpStream;

use serde_json::{Value, json};
use tungstenite::client::IntoClientRequest;
use tungstenite::{Error, HandshakeError, Message, WebSocket};

use crate::{Caller, PATIENCE};

/// A WebSocket to a hub, as any client may open one, in SpacetimeDB's JSON
/// protocol. All that arrives is kept as it came.
pub struct Wire {
    socket: WebSocket<TcpStream>,
    heard: String,
    asked: u32,
}

impl Wire {
    /// Opens one for a caller.
    ///
    /// # Errors
    /// The HTTP status and text where the hub does not let the caller in.
    pub fn open(port: u16, caller: &Caller) -> Result<Self, (u16, String)> {
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("the hub listens");
        stream
            .set_nodelay(true)
            .and_then(|()| stream.set_read_timeout(Some(PATIENCE)))
            .expect("a TCP socket takes options");
        let uri = format!("ws://127.0.0.1:{port}/v1/database/spaces/subscribe?compression=None");
        let mut request = uri.into_client_request().expect("a good address");
        let headers = request.headers_mut();
        let token = format!("Bearer {}", caller.token());
        headers.insert("authorization", token.parse().expect("a token is ASCII"));
        let protocol = "v1.json.spacetimedb".parse().expect("ASCII");
        headers.insert("sec-websocket-protocol", protocol);
        match tungstenite::client(request, stream) {
            Ok((socket, _)) => {
                let mut wire = Self {
                    socket,
                    heard: String::new(),
                    asked: 0,
                };
                wire.until("IdentityToken");
                Ok(wire)
            }
            Err(HandshakeError::Failure(Error::Http(response))) => {
                let text = response.body().as_deref().unwrap_or_default();
                Err((
                    response.status().as_u16(),
                    String::from_utf8_lossy(text).into_owned(),
                ))
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// Subscribes to one query; whether the hub does that.
    pub fn subscribes(&mut self, query: &str) -> bool {
        self.asked += 1;
        let id = self.asked;
        self.say(&json!({ "SubscribeSingle": {
            "query": query, "request_id": id, "query_id": { "id": id },
        } }));
        let answer = self.answer(&["SubscribeApplied", "SubscriptionError"]);
        answer.get("SubscribeApplied").is_some()
    }

    /// Asks one query, once; the rows, or the error's text.
    pub fn asks(&mut self, query: &str) -> Result<Value, String> {
        self.asked += 1;
        let id = self.asked.to_be_bytes();
        self.say(&json!({ "OneOffQuery": { "message_id": id, "query_string": query } }));
        let answer = self.answer(&["OneOffQueryResponse"]);
        let answer = &answer["OneOffQueryResponse"];
        match answer["error"]["some"].as_str() {
            None => Ok(answer["tables"].clone()),
            Some(error) => Err(error.to_owned()),
        }
    }

    /// Calls a procedure; its answer whole.
    pub fn calls_procedure(&mut self, procedure: &str, arguments: &Value) -> Value {
        self.asked += 1;
        self.say(&json!({ "CallProcedure": {
            "procedure": procedure, "args": arguments.to_string(),
            "request_id": self.asked, "flags": 0,
        } }));
        self.answer(&["ProcedureResult"])
    }

    /// Reads until this has arrived; all that has. What was committed before it
    /// came before it.
    ///
    /// # Panics
    /// If it does not arrive.
    pub fn until(&mut self, text: &str) -> &str {
        while !self.heard.contains(text) {
            self.read();
        }
        &self.heard
    }

    /// Forgets what has arrived.
    pub fn forget(&mut self) {
        self.heard.clear();
    }

    fn say(&mut self, message: &Value) {
        self.socket
            .send(Message::text(message.to_string()))
            .expect("the hub reads");
    }

    /// Reads until one of these messages.
    fn answer(&mut self, kinds: &[&str]) -> Value {
        loop {
            let message: Value = serde_json::from_str(&self.read()).expect("JSON");
            if kinds.iter().any(|kind| message.get(kind).is_some()) {
                return message;
            }
        }
    }

    /// The next text.
    fn read(&mut self) -> String {
        loop {
            match self.socket.read() {
                Ok(Message::Text(text)) => {
                    self.heard.push_str(&text);
                    self.heard.push('\n');
                    return text.to_string();
                }
                Ok(_) => {}
                Err(error) => panic!("{error} after {}", self.heard),
            }
        }
    }
}
