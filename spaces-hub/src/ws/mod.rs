//! `GET /v1/database/NAME/subscribe`: the WebSocket that client libraries use.

mod connection;

use std::sync::Arc;

use axum::Extension;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Query, State};
use axum::response::Response;
use http::HeaderValue;
use serde::Deserialize;
use spacetimedb::client::{ClientConfig, Protocol, SessionId, WsVersion};
use spacetimedb_client_api_messages::websocket::common::{Compression, SESSION_BUSY_CLOSE_CODE};
use spacetimedb_client_api_messages::websocket::{v1, v2, v3};
use spacetimedb_lib::ConnectionId;
use spacetimedb_lib::connection_id::ConnectionIdForUrl;

use crate::http::{Hub, LARGEST_REQUEST, Presence, Refusal, random_connection_id};
use crate::identity::Caller;
use connection::Accepted;

/// The subprotocols, the one to prefer first.
const SUBPROTOCOLS: [(&str, Protocol, WsVersion); 4] = [
    (v3::BIN_PROTOCOL, Protocol::Binary, WsVersion::V3),
    (v2::BIN_PROTOCOL, Protocol::Binary, WsVersion::V2),
    (v1::BIN_PROTOCOL, Protocol::Binary, WsVersion::V1),
    (v1::TEXT_PROTOCOL, Protocol::Text, WsVersion::V1),
];

#[derive(Deserialize)]
pub struct SubscribeQuery {
    connection_id: Option<ConnectionIdForUrl>,
    #[serde(default)]
    compression: Compression,
    /// Whether the client wants only the rows that changed, without the call
    /// that changed them (version 1).
    #[serde(default)]
    light: bool,
    /// Whether to send only what is on disk.
    #[serde(default = "on")]
    confirmed: bool,
    /// 32 hexadecimal digits that a client keeps across its reconnects, so
    /// that a new connection takes the place of a dead one.
    session_id: Option<String>,
}

fn on() -> bool {
    true
}

pub async fn subscribe(
    State(hub): State<Arc<Hub>>,
    Extension(caller): Extension<Caller>,
    Query(query): Query<SubscribeQuery>,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Refusal> {
    let upgrade = upgrade
        .protocols(SUBPROTOCOLS.map(|(name, ..)| name))
        .max_message_size(LARGEST_REQUEST)
        .max_frame_size(LARGEST_REQUEST);
    let (protocol, version) = negotiated(upgrade.selected_protocol()).ok_or_else(|| {
        let known = SUBPROTOCOLS.map(|(name, ..)| name).join(", ");
        Refusal::bad_request(format!(
            "no valid protocol selected: ask for one of the subprotocols {known}"
        ))
    })?;
    let config = ClientConfig {
        protocol,
        version,
        compression: query.compression,
        tx_update_full: !query.light,
        confirmed_reads: query.confirmed,
    };
    let connection_id = query
        .connection_id
        .map_or_else(random_connection_id, ConnectionId::from);
    if connection_id == ConnectionId::ZERO {
        return Err(Refusal::bad_request(
            "the connection_id of all zeros is reserved",
        ));
    }
    let session_id = query.session_id.as_deref().map(parse_session).transpose()?;

    // Admission comes before the upgrade, so that a refused client can be told
    // why: a WebSocket that is closed at once gives no reason.
    let presence = Presence::begin(&hub, &caller, connection_id).await?;
    let session = match session_id {
        None => None,
        Some(id) => match hub.engine.clients.sessions().try_reserve(
            hub.engine.database_identity(),
            presence.id(),
            id,
        ) {
            Ok(session) => Some(session),
            Err(_busy) => {
                presence.end().await;
                return Ok(upgrade.on_upgrade(close_as_busy));
            }
        },
    };
    let accepted = Accepted {
        caller,
        config,
        presence,
        session,
    };
    let connections = hub.connections.clone();
    Ok(upgrade
        .on_failed_upgrade(
            |error| tracing::debug!(%error, "a client went away during the WebSocket upgrade"),
        )
        // Dropping `accepted` on a failed upgrade tells the module.
        .on_upgrade(move |socket| connections.track_future(connection::run(hub, accepted, socket))))
}

fn negotiated(selected: Option<&HeaderValue>) -> Option<(Protocol, WsVersion)> {
    let selected = selected?;
    SUBPROTOCOLS
        .iter()
        .find(|(name, ..)| selected == name)
        .map(|(_, protocol, version)| (*protocol, *version))
}

fn parse_session(text: &str) -> Result<SessionId, Refusal> {
    u128::from_str_radix(text, 16)
        .map(SessionId::from_u128)
        .map_err(|_| Refusal::bad_request("session_id must be 32 hexadecimal digits"))
}

/// The connection that holds the session is being ended; the client is to try
/// again shortly.
async fn close_as_busy(mut socket: WebSocket) {
    let frame = CloseFrame {
        code: SESSION_BUSY_CLOSE_CODE,
        reason: "the session is still held".into(),
    };
    // A client that is gone already needs no farewell.
    let _ = socket.send(Message::Close(Some(frame))).await;
}
