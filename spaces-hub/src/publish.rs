//! Brings the database to the module that this hub offers at its start.

use anyhow::Context;
use spacetimedb::host::{ModuleHost, UpdateDatabaseResult};
use spacetimedb_schema::auto_migrate::MigrationPolicy;

use crate::engine::Engine;
use crate::module::Module;
use crate::record::Record;

/// Publishes `offered` to a new database, or upgrades an existing one to it.
///
/// A module that was published over HTTP stays, until the hub comes with
/// another module than the one it brought before. If the tables cannot be
/// migrated, the old module keeps running and the log says why.
///
/// # Errors
/// When the database cannot be started, or a new one not with this module.
pub async fn bring_up(
    engine: &Engine,
    record: &mut Record,
    offered: &Module,
) -> anyhow::Result<ModuleHost> {
    let Some(published) = record.published() else {
        engine.check(offered).await?;
        let module = engine.launch().await?;
        // A start that was cut off here may have left the module of that time.
        if module.info.module_hash != offered.hash() {
            return upgrade(engine, record, module, offered).await;
        }
        record.set_published(offered.hash())?;
        tracing::info!(module = %offered.hash(), "published the module to a new database");
        return Ok(module);
    };

    let module = engine.launch().await?;
    let running = module.info.module_hash;
    if running == offered.hash() {
        record.set_published(running)?;
        tracing::info!(module = %running, "started the database");
        return Ok(module);
    }
    if published == offered.hash() {
        tracing::info!(
            module = %running, offered = %offered.hash(),
            "started the database with the module that its owner has published"
        );
        return Ok(module);
    }
    upgrade(engine, record, module, offered).await
}

async fn upgrade(
    engine: &Engine,
    record: &mut Record,
    running: ModuleHost,
    offered: &Module,
) -> anyhow::Result<ModuleHost> {
    let (from, to) = (running.info.module_hash, offered.hash());
    // No client is connected yet, so none can be broken.
    let policy = MigrationPolicy::BreakClients(engine.migration_token(from, to));
    let refusal = match engine.update(offered, policy).await {
        Ok(UpdateDatabaseResult::AutoMigrateError(reasons)) => reasons.to_string(),
        Ok(UpdateDatabaseResult::ErrorExecutingMigration(error)) => format!("{error:#}"),
        Ok(_) => {
            record.set_published(to)?;
            tracing::info!(%from, %to, "upgraded the module");
            return engine
                .module()
                .await
                .context("the upgraded module is not running");
        }
        Err(error) => format!("{error:#}"),
    };
    tracing::error!(
        %from, %to, reason = %refusal,
        "the module of this hub cannot replace the one in the database: the old module keeps running. \
         Publish a compatible module, or start with an empty data directory"
    );
    Ok(running)
}
