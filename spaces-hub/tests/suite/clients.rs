//! WebSocket clients of the protocol's versions, with as much of it as the
//! tests need.

use std::net::TcpStream;
use std::time::Duration;

use spacetimedb_client_api_messages::websocket::v2::{
    CallReducer, CallReducerFlags, ClientMessage, ServerMessage,
};
use spacetimedb_lib::bsatn;
use tungstenite::client::IntoClientRequest;
use tungstenite::handshake::client::Response;
use tungstenite::{Error, Message, WebSocket};

use crate::harness::Hub;

pub type Socket = WebSocket<TcpStream>;

/// Opens a WebSocket with these subprotocols and query parameters.
pub fn open(
    hub: &Hub,
    subprotocols: &str,
    token: Option<&str>,
    query: &str,
) -> Result<(Socket, Response), Refused> {
    let stream = TcpStream::connect(("127.0.0.1", hub.port)).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    stream.set_nodelay(true).unwrap();
    let url = format!(
        "ws://127.0.0.1:{}/v1/database/spaces/subscribe?{query}",
        hub.port
    );
    let mut request = url.into_client_request().unwrap();
    request
        .headers_mut()
        .insert("sec-websocket-protocol", subprotocols.parse().unwrap());
    if let Some(token) = token {
        request
            .headers_mut()
            .insert("authorization", format!("Bearer {token}").parse().unwrap());
    }
    match tungstenite::client::client(request, stream) {
        Ok(open) => Ok(open),
        Err(tungstenite::HandshakeError::Failure(Error::Http(response))) => {
            let text = response.body().as_deref().unwrap_or_default();
            Err(Refused {
                status: response.status().as_u16(),
                text: String::from_utf8_lossy(text).into_owned(),
            })
        }
        Err(error) => panic!("{error}"),
    }
}

#[derive(Debug)]
pub struct Refused {
    pub status: u16,
    pub text: String,
}

/// A client of version 2 without compression.
pub struct Client {
    socket: Socket,
}

impl Client {
    pub fn connect(hub: &Hub, token: Option<&str>) -> Self {
        let (socket, _) = open(
            hub,
            "v2.bsatn.spacetimedb",
            token,
            "compression=None&confirmed=true",
        )
        .unwrap();
        let mut client = Self { socket };
        let greeting = client.receive().unwrap();
        assert!(
            matches!(greeting, ServerMessage::InitialConnection(_)),
            "{greeting:?}"
        );
        client
    }

    /// Queues the call of a reducer that takes one text; [`Client::receive`]
    /// brings its result.
    pub fn call(&mut self, request_id: u32, reducer: &str, text: &str) -> Result<(), Error> {
        let message = ClientMessage::CallReducer(CallReducer {
            request_id,
            flags: CallReducerFlags::Default,
            reducer: reducer.into(),
            args: bsatn::to_vec(text).unwrap().into(),
        });
        self.socket
            .send(Message::Binary(bsatn::to_vec(&message).unwrap().into()))
    }

    pub fn receive(&mut self) -> Result<ServerMessage, Error> {
        loop {
            if let Message::Binary(bytes) = self.socket.read()? {
                assert_eq!(
                    bytes[0], 0,
                    "a compressed message, though none was asked for"
                );
                return Ok(bsatn::from_slice(&bytes[1..]).unwrap());
            }
        }
    }
}
