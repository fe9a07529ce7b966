//! Who makes a request, and that the module admits them.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Query, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use futures::future::BoxFuture;
use http::{HeaderValue, StatusCode, header, request};
use serde::Deserialize;
use spacetimedb::auth::identity::ConnectionAuthCtx;
use spacetimedb::client::{
    ClientActorId, ClientConfig, ClientConnection, ClientConnectionReceiver,
};
use spacetimedb::host::ModuleHost;
use spacetimedb::host::module_host::ClientConnectedError;
use spacetimedb_lib::ConnectionId;
use spacetimedb_lib::identity::AuthCtx;
use tokio::runtime::Handle;

use super::{Hub, Refusal};
use crate::engine::REPLICA_ID;
use crate::identity::Caller;

/// The caller, if the request carries a token.
pub struct Known(pub Option<Caller>);

#[derive(Deserialize)]
struct TokenParameter {
    token: Option<String>,
}

impl FromRequestParts<Arc<Hub>> for Known {
    type Rejection = Refusal;

    async fn from_request_parts(
        parts: &mut request::Parts,
        hub: &Arc<Hub>,
    ) -> Result<Self, Refusal> {
        let Some(token) = token(parts)? else {
            return Ok(Self(None));
        };
        hub.issuer
            .check(&token)
            .await
            .map(|caller| Self(Some(caller)))
            .map_err(Refusal::unauthorized)
    }
}

/// The bearer token, or else the query parameter `token`, which is for
/// browsers: they cannot add a header to a WebSocket.
fn token(parts: &request::Parts) -> Result<Option<String>, Refusal> {
    if let Some(value) = parts.headers.get(header::AUTHORIZATION) {
        let bearer = value.to_str().ok().and_then(|value| value.split_once(' '));
        return match bearer {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
                Ok(Some(token.trim().to_owned()))
            }
            _ => Err(Refusal::bad_request(
                "the Authorization header must be `Bearer TOKEN`",
            )),
        };
    }
    Ok(Query::<TokenParameter>::try_from_uri(&parts.uri)
        .ok()
        .and_then(|query| query.0.token))
}

/// Middleware: gives the handler a [`Caller`], made anew for a request without
/// a token, and tells the client in the headers of the reply who it is.
pub async fn identify(
    State(hub): State<Arc<Hub>>,
    Known(known): Known,
    mut request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    let caller = match known {
        Some(caller) => caller,
        None => hub.issuer.new_identity()?,
    };
    request.extensions_mut().insert(caller.clone());
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    if let Ok(identity) = HeaderValue::from_str(caller.identity().to_hex().as_str()) {
        headers.insert("spacetime-identity", identity);
    }
    if let Ok(mut token) = HeaderValue::from_str(&caller.token) {
        token.set_sensitive(true);
        headers.insert("spacetime-identity-token", token);
    }
    Ok(response)
}

/// A caller that the module has admitted (`client_connected`). Its end is told
/// to the module (`client_disconnected`) when the value is dropped, so also
/// when the request is abandoned halfway.
pub struct Presence {
    id: ClientActorId,
    /// Whom to tell of the end, and how to make a connection of it. Absent
    /// once that is done or is someone else's duty.
    open: Option<(ModuleHost, Opening)>,
}

/// Serves a client, to the end of its connection.
pub type Actor =
    Box<dyn FnOnce(ClientConnection, ClientConnectionReceiver) -> BoxFuture<'static, ()> + Send>;

/// Makes an admission into a connection of the engine. A closure, because the
/// engine's proof of the admission has a type without a public name.
type Opening = Box<dyn FnOnce(ClientConfig, AuthCtx, Actor) -> BoxFuture<'static, ()> + Send>;

impl Presence {
    /// # Errors
    /// The module's own text with status 403 if it refuses the caller.
    pub async fn begin(
        hub: &Hub,
        caller: &Caller,
        connection_id: ConnectionId,
    ) -> Result<Self, Refusal> {
        let mut modules = hub.engine.watch_module().await?;
        let id = ClientActorId {
            identity: caller.identity(),
            connection_id,
            name: hub.engine.clients.next_client_name(),
        };
        let auth = ConnectionAuthCtx::try_from(caller.claims.clone())?;
        // In a task of its own: a client that hangs up meanwhile must not leave
        // a connection that the module believes in. The task then finishes
        // alone, and dropping its result ends the presence.
        let admission = tokio::spawn(async move {
            let proof = ClientConnection::call_client_connected_maybe_reject(
                &mut modules,
                id,
                auth.clone(),
            )
            .await?;
            let module = modules.borrow().clone();
            let opening: Opening = Box::new(move |config, sql_auth, actor| {
                let connection = ClientConnection::spawn(
                    id, auth, sql_auth, config, REPLICA_ID, modules, actor, proof,
                );
                Box::pin(async move { drop(connection.await) })
            });
            Ok::<_, ClientConnectedError>(Self {
                id,
                open: Some((module, opening)),
            })
        });
        match admission.await.map_err(anyhow::Error::new)? {
            Ok(presence) => Ok(presence),
            Err(ClientConnectedError::Rejected(text)) => Err(Refusal::forbidden(text)),
            Err(error @ ClientConnectedError::OutOfEnergy) => Err(Refusal::new(
                StatusCode::SERVICE_UNAVAILABLE,
                error.to_string(),
            )),
            Err(error) => Err(anyhow::Error::new(error)
                .context("the module could not be asked to admit the caller")
                .into()),
        }
    }

    pub fn id(&self) -> ClientActorId {
        self.id
    }

    /// Tells the module now, and waits until it has been told.
    pub async fn end(mut self) {
        if let Some((module, _)) = self.open.take() {
            module.disconnect_client(self.id).await;
        }
    }

    /// Starts `actor` in a task of its own as a connection of the engine, whose
    /// duty it then is to tell the module of the end.
    pub async fn open(mut self, config: ClientConfig, sql_auth: AuthCtx, actor: Actor) {
        if let Some((_, opening)) = self.open.take() {
            opening(config, sql_auth, actor).await;
        }
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        // Without a runtime the hub is past its end, and the module is told on
        // the next start.
        if let (Some((module, _)), Ok(runtime)) = (self.open.take(), Handle::try_current()) {
            let id = self.id;
            runtime.spawn(async move { module.disconnect_client(id).await });
        }
    }
}

pub fn random_connection_id() -> ConnectionId {
    ConnectionId::from_le_byte_array(rand::random())
}
