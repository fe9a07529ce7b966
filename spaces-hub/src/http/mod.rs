//! The HTTP interface: the routes of the official SpacetimeDB server that
//! concern one database, so that its command line and its client libraries
//! work unchanged.

mod call;
mod caller;
mod database;
mod identity;
mod logs;
mod metrics;
mod publish;
mod reply;
mod schema;
mod sql;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::middleware;
use axum::routing::{any, get, post};
use http::header;
use serde_json::json;
use spacetimedb_client_api_messages::name::DatabaseName;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_http::cors::{Any, CorsLayer};

use crate::engine::Engine;
use crate::identity::Issuer;
use crate::ws;

pub use caller::{Presence, random_connection_id};
pub use reply::Refusal;

/// The engine's release, which is what SpacetimeDB's tools ask for.
pub const ENGINE_VERSION: &str = "2.14.0";

/// The largest request, in bytes; also the largest WebSocket message. It is
/// the official server's limit for the latter.
pub const LARGEST_REQUEST: usize = 32 * 1024 * 1024;

/// Everything that a request handler may need.
pub struct Hub {
    pub engine: Engine,
    pub issuer: Issuer,
    /// The name under which clients find the one database.
    pub name: DatabaseName,
    /// Told when the hub begins to stop.
    pub stopping: CancellationToken,
    /// The open WebSockets.
    pub connections: TaskTracker,
}

pub fn router(hub: Arc<Hub>) -> Router {
    let database = Router::new()
        .route(
            "/",
            get(database::describe)
                .put(publish::publish)
                .post(publish::publish)
                .delete(database::fixed),
        )
        .route(
            "/names",
            get(database::names)
                .post(database::fixed)
                .put(database::fixed),
        )
        .route(
            "/default-name",
            get(database::default_name).post(database::fixed),
        )
        .route("/identity", get(database::identity))
        .route("/schema", get(schema::schema))
        .route("/call/{function}", post(call::call))
        .route("/sql", post(sql::sql))
        .route("/logs", get(logs::logs))
        .route("/pre_publish", post(publish::plan))
        .route("/reset", any(database::fixed))
        .route("/unstable/timestamp", get(database::timestamp))
        .route("/subscribe", get(ws::subscribe))
        .route_layer(middleware::from_fn_with_state(
            hub.clone(),
            caller::identify,
        ))
        .route_layer(middleware::from_fn_with_state(hub.clone(), database::find));

    let identity = Router::new()
        .route("/", post(identity::create))
        .route("/public-key", get(identity::public_key))
        .route("/websocket-token", post(identity::websocket_token))
        .route("/{identity}/verify", get(identity::verify))
        .route("/{identity}/databases", get(identity::databases));

    let v1 = Router::new()
        .route("/ping", get(async || ()))
        .route("/health", get(health))
        .route("/metrics", get(metrics::metrics))
        .route("/database", any(database::fixed))
        .nest("/database/{database}", database)
        // Nested routes take no trailing slash, but some clients send it.
        .route("/identity/", post(identity::create))
        .nest("/identity", identity)
        .layer(
            CorsLayer::new()
                .allow_origin(Any)
                .allow_methods(Any)
                .allow_headers([header::AUTHORIZATION, header::ACCEPT, header::CONTENT_TYPE]),
        );

    Router::new()
        .nest("/v1", v1)
        .route("/metrics", get(metrics::metrics))
        .fallback(async || Refusal::not_found("no such route; the interface begins with /v1/"))
        .layer(DefaultBodyLimit::max(LARGEST_REQUEST))
        .with_state(hub)
}

async fn health(State(hub): State<Arc<Hub>>) -> axum::Json<serde_json::Value> {
    axum::Json(json!({
        "package_name": env!("CARGO_PKG_NAME"),
        "version": ENGINE_VERSION,
        "hub_version": env!("CARGO_PKG_VERSION"),
        "nodes": [0],
        "schedulable": !hub.stopping.is_cancelled(),
    }))
}

#[cfg(test)]
mod tests {
    use super::ENGINE_VERSION;

    #[test]
    fn the_engines_release_is_the_one_that_is_linked() {
        let pinned = format!("spacetimedb-core = \"={ENGINE_VERSION}\"");
        assert!(
            include_str!("../../Cargo.toml").contains(&pinned),
            "{pinned}"
        );
    }
}
