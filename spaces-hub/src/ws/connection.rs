//! One open WebSocket: what the client sends goes to the engine in order, what
//! the engine has for the client goes out.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use futures::stream::{SplitSink, SplitStream};
use futures::{FutureExt, SinkExt, StreamExt};
use spacetimedb::client::messages::{
    IdentityTokenMessage, InUseSerializeBuffer, SerializeBuffer, serialize, serialize_v2,
    serialize_v3,
};
use spacetimedb::client::{
    ClientConfig, ClientConnection, ClientConnectionReceiver, DataMessage, MessageHandleError,
    OutboundMessage, SessionReservation, WsVersion,
};
use spacetimedb::subscription::row_list_builder_pool::BsatnRowListBuilderPool;
use spacetimedb_client_api_messages::websocket::v2;
use spacetimedb_lib::identity::AuthCtx;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::task::AbortOnDropHandle;

use crate::http::{Hub, Presence};
use crate::identity::Caller;

const PING_INTERVAL: Duration = Duration::from_secs(15);
/// A client that sends nothing for so long, not even a pong, is gone.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a client may take to answer a close frame.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(250);

/// A client that the module has admitted.
pub struct Accepted {
    pub caller: Caller,
    pub config: ClientConfig,
    pub presence: Presence,
    pub session: Option<SessionReservation>,
}

/// Serves the client until it leaves, fails, or the hub stops.
pub async fn run(hub: Arc<Hub>, accepted: Accepted, socket: WebSocket) {
    let Accepted {
        caller,
        config,
        presence,
        session,
    } = accepted;
    let sql_auth = AuthCtx::new(hub.engine.owner_identity(), caller.identity());
    let (finished, is_finished) = oneshot::channel::<()>();
    let actor = move |client: ClientConnection, outbound: ClientConnectionReceiver| {
        if let Some(session) = &session {
            session.establish(&client.sender());
        }
        // Queued before the client can have asked for anything, so that it is
        // the first message.
        let greeted = client.send_message(None, greeting(&client, &caller));
        let client = Departure(Some(client));
        let serving = async move {
            // Dropped last: the session and the wait below end only after the
            // module knows that the client is gone.
            let _finished = finished;
            let _session = session;
            if greeted.is_ok() {
                serve(&hub, &client, socket, outbound).await;
            }
            client.depart().await;
        };
        serving.boxed()
    };
    presence.open(config, sql_auth, Box::new(actor)).await;
    // The engine runs the actor in a task of its own; this one lasts as long,
    // so that the hub can wait for its connections. An error is the end too.
    let _ = is_finished.await;
}

fn greeting(client: &ClientConnection, caller: &Caller) -> OutboundMessage {
    let (identity, connection_id) = (client.id.identity, client.id.connection_id);
    let token = caller.token.as_str().into();
    match client.config.version {
        WsVersion::V1 => OutboundMessage::V1(
            IdentityTokenMessage {
                identity,
                token,
                connection_id,
            }
            .into(),
        ),
        WsVersion::V2 | WsVersion::V3 => OutboundMessage::V2(v2::ServerMessage::InitialConnection(
            v2::InitialConnection {
                identity,
                connection_id,
                token,
            },
        )),
    }
}

/// Tells the module that the client is gone, also when the engine kills the
/// actor.
struct Departure(Option<ClientConnection>);

impl Departure {
    async fn depart(mut self) {
        if let Some(client) = self.0.take() {
            client.disconnect().await;
        }
    }
}

impl Drop for Departure {
    fn drop(&mut self) {
        // Without a runtime the hub is past its end, and the module is told on
        // the next start.
        if let (Some(client), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(client.disconnect());
        }
    }
}

async fn serve(
    hub: &Hub,
    client: &Departure,
    socket: WebSocket,
    outbound: ClientConnectionReceiver,
) {
    let Some(client) = &client.0 else { return };
    let (sink, stream) = socket.split();
    let (urgent, urgent_messages) = mpsc::channel(8);
    let writer = Writer {
        sink,
        outbound,
        urgent: urgent_messages,
        pool: hub.engine.row_list_pool(),
        config: client.config,
    };
    let mut writer = AbortOnDropHandle::new(tokio::spawn(writer.run()));
    let mut watcher = client.clone();

    let close = tokio::select! {
        close = read(client, stream, &urgent) => close,
        _ = &mut writer => return,
        _ = watcher.watch_module_host() => Some(away("the module was replaced: connect again")),
        () = hub.stopping.cancelled() => Some(away("the hub is stopping")),
    };
    // What cannot be said in time is not said: the client may be long gone.
    let _ = timeout(CLOSE_TIMEOUT, async {
        let _ = urgent.send(Message::Close(close)).await;
        let _ = (&mut writer).await;
    })
    .await;
}

fn away(reason: &'static str) -> CloseFrame {
    CloseFrame {
        code: close_code::AWAY,
        reason: reason.into(),
    }
}

/// Hands each message to the engine before it reads the next one, so that a
/// client that is too fast is slowed down by its own socket. Returns how to
/// close.
async fn read(
    client: &ClientConnection,
    mut stream: SplitStream<WebSocket>,
    urgent: &mpsc::Sender<Message>,
) -> Option<CloseFrame> {
    loop {
        let message = match timeout(IDLE_TIMEOUT, stream.next()).await {
            Ok(Some(Ok(message))) => message,
            Ok(Some(Err(error))) => {
                tracing::debug!(%error, client = %client.id, "the WebSocket failed");
                return None;
            }
            Ok(None) => return None,
            Err(_elapsed) => {
                tracing::info!(client = %client.id, "no sign of life from the client: the connection is ended");
                return Some(away("no sign of life"));
            }
        };
        let data = match message {
            Message::Text(text) => DataMessage::from(text.to_string()),
            Message::Binary(bytes) => DataMessage::Binary(bytes),
            Message::Ping(_) | Message::Pong(_) => continue,
            Message::Close(_) => return None,
        };
        if let ControlFlow::Break(close) = handle(client, data, urgent).await {
            return Some(close);
        }
    }
}

async fn handle(
    client: &ClientConnection,
    data: DataMessage,
    urgent: &mpsc::Sender<Message>,
) -> ControlFlow<CloseFrame> {
    let error = match client.handle_message(data, Instant::now()).await {
        Ok(()) => return ControlFlow::Continue(()),
        Err(error) => error,
    };
    match error {
        // Version 1 has a message for what could not be done; in the later
        // versions the engine answers by itself where there is an answer.
        MessageHandleError::Execution(error) if client.config.version == WsVersion::V1 => {
            tracing::debug!(error = %format!("{error:#}"), client = %client.id, "a request failed");
            let pool = BsatnRowListBuilderPool::new();
            let (_, data) = serialize(
                &pool,
                SerializeBuffer::new(client.config),
                error,
                client.config,
            );
            // If the writer is gone, the connection is about to end.
            let _ = urgent.send(to_frame(data)).await;
            ControlFlow::Continue(())
        }
        error => {
            tracing::debug!(error = %format!("{error:#}"), client = %client.id, "the client sent what cannot be handled");
            ControlFlow::Break(CloseFrame {
                code: close_code::ERROR,
                reason: shortened(&error.to_string()).into(),
            })
        }
    }
}

/// A close frame holds at most 123 bytes of text.
fn shortened(text: &str) -> String {
    let mut end = text.len().min(120);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

/// Sends what the engine has for the client, and pings.
struct Writer {
    sink: SplitSink<WebSocket, Message>,
    outbound: ClientConnectionReceiver,
    urgent: mpsc::Receiver<Message>,
    pool: BsatnRowListBuilderPool,
    config: ClientConfig,
}

impl Writer {
    async fn run(mut self) {
        if let Err(error) = self.write().await {
            tracing::debug!(%error, "writing to a WebSocket failed");
        }
    }

    async fn write(&mut self) -> Result<(), axum::Error> {
        let mut pings = interval(PING_INTERVAL);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut messages = Vec::new();
        let mut used = None;
        loop {
            tokio::select! {
                biased;
                urgent = self.urgent.recv() => match urgent {
                    Some(message @ Message::Close(_)) => {
                        self.sink.send(message).await?;
                        return self.sink.close().await;
                    }
                    Some(message) => self.sink.send(message).await?,
                    None => return Ok(()),
                },
                _ = pings.tick() => self.sink.send(Message::Ping(Default::default())).await?,
                count = self.outbound.recv_many(&mut messages, ClientConnectionReceiver::DEFAULT_RECV_MANY_LIMIT) => {
                    if count == 0 {
                        return Ok(());
                    }
                    self.send(&mut messages, &mut used).await?;
                }
            }
        }
    }

    /// Sends all `messages` and flushes once.
    async fn send(
        &mut self,
        messages: &mut Vec<OutboundMessage>,
        used: &mut Option<InUseSerializeBuffer>,
    ) -> Result<(), axum::Error> {
        let mut messages = messages.drain(..).peekable();
        while let Some(message) = messages.next() {
            let buffer = used
                .take()
                .and_then(InUseSerializeBuffer::try_reclaim)
                .unwrap_or_else(|| SerializeBuffer::new(self.config));
            let compression = self.config.compression;
            let (in_use, frame) = match message {
                OutboundMessage::V1(message) => {
                    let (in_use, data) = serialize(&self.pool, buffer, message, self.config);
                    (in_use, to_frame(data))
                }
                OutboundMessage::V2(message) if self.config.version == WsVersion::V3 => {
                    // Version 3 takes several messages in one frame.
                    let more = std::iter::from_fn(|| {
                        match messages.next_if(|next| matches!(next, OutboundMessage::V2(_))) {
                            Some(OutboundMessage::V2(message)) => Some(message),
                            _ => None,
                        }
                    });
                    let together = std::iter::once(message).chain(more.take(MOST_IN_A_FRAME - 1));
                    let (in_use, bytes) = serialize_v3(&self.pool, buffer, together, compression);
                    (in_use, Message::Binary(bytes))
                }
                OutboundMessage::V2(message) => {
                    let (in_use, bytes) = serialize_v2(&self.pool, buffer, message, compression);
                    (in_use, Message::Binary(bytes))
                }
            };
            self.sink.feed(frame).await?;
            *used = Some(in_use);
        }
        self.sink.flush().await
    }
}

/// How many messages of version 3 share a frame at most: enough to save
/// frames under load, few enough to keep frames small.
const MOST_IN_A_FRAME: usize = 64;

fn to_frame(data: DataMessage) -> Message {
    match data {
        DataMessage::Text(text) => Message::Text((&*text).into()),
        DataMessage::Binary(bytes) => Message::Binary(bytes),
    }
}
