//! Updates of the module by the owner of the database.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Query, State};
use bytes::Bytes;
use http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};
use spacetimedb::host::UpdateDatabaseResult;
use spacetimedb_client_api_messages::name::{
    self, MigrationPolicy as PolicyName, PrePublishAutoMigrateResult,
    PrePublishManualMigrateResult, PrePublishResult, PublishOp,
};
use spacetimedb_lib::Hash;
use spacetimedb_schema::auto_migrate::{MigrationPolicy, PrettyPrintStyle};

use super::database::NamedBy;
use super::{Hub, Refusal};
use crate::engine::MigrationPlan;
use crate::identity::Caller;
use crate::module::Module;

#[derive(Deserialize)]
pub struct PublishQuery {
    #[serde(default)]
    clear: bool,
    #[serde(default)]
    policy: PolicyName,
    /// The acknowledgement that `pre_publish` gave, for an update that
    /// disconnects clients.
    token: Option<Hash>,
    host_type: Option<String>,
}

/// `PUT /v1/database/NAME` with the module as the body.
pub async fn publish(
    State(hub): State<Arc<Hub>>,
    Extension(caller): Extension<Caller>,
    Extension(NamedBy(domain)): Extension<NamedBy>,
    Query(query): Query<PublishQuery>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<axum::Json<Value>, Refusal> {
    only_the_owner(&hub, &caller, "publish a module")?;
    if headers
        .keys()
        .any(|name| name.as_str().starts_with("spacetime-environment"))
    {
        return Err(Refusal::bad_request(
            "a hub keeps no environment variables for its module",
        ));
    }
    if query.clear {
        return Err(Refusal::bad_request(
            "a hub does not clear its database: start it with an empty data directory instead",
        ));
    }
    let policy = match (query.policy, query.token) {
        (PolicyName::Compatible, _) => MigrationPolicy::Compatible,
        (PolicyName::BreakClients, Some(token)) => MigrationPolicy::BreakClients(token),
        (PolicyName::BreakClients, None) => {
            return Err(Refusal::bad_request(
                "policy=BreakClients needs the token that POST .../pre_publish gives for this module",
            ));
        }
    };
    let module = module(query.host_type.as_deref(), body)?;
    let refused = |reason: String| Refusal::bad_request(format!("the update is refused: {reason}"));
    match hub.engine.update(&module, policy).await {
        Ok(UpdateDatabaseResult::AutoMigrateError(reasons)) => {
            return Err(refused(reasons.to_string()));
        }
        Ok(UpdateDatabaseResult::ErrorExecutingMigration(error)) => {
            return Err(refused(format!("{error:#}")));
        }
        Err(error) => return Err(refused(format!("{error:#}"))),
        Ok(UpdateDatabaseResult::NoUpdateNeeded) => {
            tracing::info!(module = %module.hash(), "the module is published already")
        }
        Ok(_) => tracing::info!(module = %module.hash(), "the owner published a module"),
    }
    Ok(axum::Json(json!({
        "Success": {
            "domain": domain,
            "database_identity": hub.engine.database_identity(),
            "op": PublishOp::Updated,
        }
    })))
}

#[derive(Deserialize)]
pub struct PlanQuery {
    #[serde(default)]
    pretty_print_style: name::PrettyPrintStyle,
    host_type: Option<String>,
}

/// `POST /v1/database/NAME/pre_publish`: what publishing this module would do.
pub async fn plan(
    State(hub): State<Arc<Hub>>,
    Extension(caller): Extension<Caller>,
    Query(query): Query<PlanQuery>,
    body: Bytes,
) -> Result<axum::Json<PrePublishResult>, Refusal> {
    only_the_owner(&hub, &caller, "plan an update")?;
    let module = module(query.host_type.as_deref(), body)?;
    let style = match query.pretty_print_style {
        name::PrettyPrintStyle::AnsiColor => PrettyPrintStyle::AnsiColor,
        name::PrettyPrintStyle::NoColor => PrettyPrintStyle::NoColor,
    };
    let plan = hub
        .engine
        .plan_update(&module, style)
        .await
        .map_err(|error| {
            Refusal::bad_request(format!("the module cannot be planned for: {error:#}"))
        })?;
    Ok(axum::Json(match plan {
        MigrationPlan::Possible {
            text,
            breaks_clients,
            token,
            major_version_upgrade,
        } => PrePublishResult::AutoMigrate(PrePublishAutoMigrateResult {
            migrate_plan: text,
            break_clients: breaks_clients,
            token,
            major_version_upgrade,
        }),
        MigrationPlan::Impossible {
            reason,
            major_version_upgrade,
        } => PrePublishResult::ManualMigrate(PrePublishManualMigrateResult {
            reason,
            major_version_upgrade,
        }),
    }))
}

fn module(host_type: Option<&str>, body: Bytes) -> Result<Module, Refusal> {
    if host_type.is_some_and(|kind| !kind.eq_ignore_ascii_case("wasm")) {
        return Err(Refusal::bad_request(
            "spaces-hub runs no JavaScript modules: publish a module compiled to .wasm (host_type=Wasm)",
        ));
    }
    Module::new(body).map_err(|error| Refusal::bad_request(format!("{error:#}")))
}

/// # Errors
/// Status 403 for everyone but the owner of the database.
pub fn only_the_owner(hub: &Hub, caller: &Caller, what: &str) -> Result<(), Refusal> {
    if caller.identity() == hub.engine.owner_identity() {
        return Ok(());
    }
    Err(Refusal::forbidden(format!(
        "only the owner of the database may {what}: use the token in owner.token of the hub's data directory"
    )))
}
