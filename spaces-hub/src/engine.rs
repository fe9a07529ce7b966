//! The embedded SpacetimeDB engine, running one database.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use spacetimedb::client::ClientActorIndex;
use spacetimedb::config::{ModuleHttpConfig, V8Config, WasmConfig};
use spacetimedb::db::persistence::LocalPersistenceProvider;
use spacetimedb::db::{Config, Storage};
use spacetimedb::energy::NullEnergyMonitor;
use spacetimedb::host::{
    HostController, HostRuntimeConfig, IdcConfig, MigratePlanResult, ModuleHost,
    UpdateDatabaseResult,
};
use spacetimedb::messages::control_db::{Database, HostType};
use spacetimedb::subscription::module_subscription_manager::TransactionOffset;
use spacetimedb::subscription::row_list_builder_pool::BsatnRowListBuilderPool;
use spacetimedb::util::jobs::JobCores;
use spacetimedb_datastore::system_tables::ModuleKind;
use spacetimedb_datastore::traits::Program;
use spacetimedb_lib::{Hash, Identity};
use spacetimedb_paths::FromPathUnchecked;
use spacetimedb_paths::server::ServerDataDir;
use spacetimedb_schema::auto_migrate::{MigrationPolicy, MigrationToken, PrettyPrintStyle};
use tokio::sync::watch;

use crate::data_dir::DataDir;
use crate::identity::Issuer;
use crate::module::Module;
use crate::record::Record;

/// A hub runs one database in one replica, so both numbers are fixed.
const DATABASE_ID: u64 = 1;
pub const REPLICA_ID: u64 = 1;

/// How long a stop may take to run the last reducers and write the log out.
const STOP_DEADLINE: Duration = Duration::from_secs(30);

pub struct Engine {
    controller: HostController,
    database: Database,
    pub clients: ClientActorIndex,
}

/// What an update would do.
pub enum MigrationPlan {
    Possible {
        text: Box<str>,
        breaks_clients: bool,
        token: Hash,
        major_version_upgrade: bool,
    },
    Impossible {
        reason: String,
        major_version_upgrade: bool,
    },
}

impl Engine {
    /// Prepares the engine; nothing runs until [`Engine::launch`].
    ///
    /// `offered` initialises the database if it is new. `port` is where the
    /// hub listens.
    ///
    /// # Errors
    /// When the engine refuses its configuration.
    pub fn new(
        dir: &DataDir,
        record: &Record,
        issuer: &Issuer,
        offered: &Module,
        port: u16,
    ) -> anyhow::Result<Self> {
        let data_dir = Arc::new(ServerDataDir::from_path_unchecked(dir.path()));
        let config = Config {
            storage: Storage::Disk,
            page_pool_max_size: None,
        };
        // A module of a hub has no business on the network.
        let runtimes = HostRuntimeConfig::new(
            WasmConfig::default(),
            V8Config::default(),
            ModuleHttpConfig { enabled: false },
        );
        let (offered_hash, bytes) = (offered.hash(), offered.bytes().clone());
        let programs = Arc::new(move |hash: Hash| {
            let program = (hash == offered_hash).then(|| Box::from(&bytes[..]));
            std::future::ready(Ok(program))
        });
        let controller = HostController::new(
            data_dir.clone(),
            config,
            runtimes,
            programs,
            Arc::new(NullEnergyMonitor),
            Arc::new(()),
            Arc::new(LocalPersistenceProvider::new(data_dir)),
            JobCores::without_pinned_cores(),
        );
        controller.set_idc_config(IdcConfig {
            http_port: port,
            token_signer: issuer.between_databases(),
        })?;
        let database = Database {
            id: DATABASE_ID,
            database_identity: record.database_identity(),
            owner_identity: record.owner_identity(),
            host_type: HostType::Wasm,
            initial_program: offered_hash,
            bootstrap_generation: 0,
        };
        Ok(Self {
            controller,
            database,
            clients: ClientActorIndex::new(),
        })
    }

    pub fn database(&self) -> &Database {
        &self.database
    }

    pub fn database_identity(&self) -> Identity {
        self.database.database_identity
    }

    pub fn owner_identity(&self) -> Identity {
        self.database.owner_identity
    }

    /// Runs the module in a database of its own in memory, then forgets both.
    ///
    /// The engine must see a module that cannot run here first: a failed
    /// launch of a real database makes it try JavaScript instead, which this
    /// binary has not.
    ///
    /// # Errors
    /// What is wrong with the module.
    pub async fn check(&self, module: &Module) -> anyhow::Result<()> {
        let program = Program::from_bytes(ModuleKind::WASM, module.to_boxed());
        self.controller
            .check_module_validity(self.database.clone(), program)
            .await
            .context("the module cannot run")?;
        Ok(())
    }

    /// Opens the database from disk, creating it with the offered module if
    /// there is none, and waits until its module is durably there.
    ///
    /// # Errors
    /// When the data cannot be read or the module cannot start.
    pub async fn launch(&self) -> anyhow::Result<ModuleHost> {
        let launched = self
            .controller
            .get_or_launch_module_host_with_bootstrap(self.database.clone(), REPLICA_ID)
            .await
            .context("could not start the database")?;
        if let Some(bootstrap) = launched.bootstrap_completion {
            bootstrap.wait().await?;
        }
        Ok(launched.module)
    }

    /// Buffers for row lists, shared by all connections.
    pub fn row_list_pool(&self) -> BsatnRowListBuilderPool {
        self.controller.bsatn_rlb_pool.clone()
    }

    /// The running module. It is started again if it crashed.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn module(&self) -> anyhow::Result<ModuleHost> {
        self.controller
            .get_or_launch_module_host(self.database.clone(), REPLICA_ID)
            .await
    }

    /// The running module, and each one that replaces it.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn watch_module(&self) -> anyhow::Result<watch::Receiver<ModuleHost>> {
        self.controller
            .watch_maybe_launch_module_host(self.database.clone(), REPLICA_ID)
            .await
    }

    /// Replaces the running module and migrates its tables; the old one keeps
    /// running if that is refused. Waits until a change is durable.
    ///
    /// # Errors
    /// When the new module cannot be started. A refused migration is not an
    /// error but an [`UpdateDatabaseResult`].
    pub async fn update(
        &self,
        module: &Module,
        policy: MigrationPolicy,
    ) -> anyhow::Result<UpdateDatabaseResult> {
        use UpdateDatabaseResult::{UpdatePerformed, UpdatePerformedWithClientDisconnect};
        let mut result = self
            .controller
            .update_module_host(
                self.database.clone(),
                HostType::Wasm,
                REPLICA_ID,
                module.to_boxed(),
                policy,
                Default::default(),
            )
            .await?;
        if let UpdatePerformed {
            tx_offset,
            durable_offset,
        }
        | UpdatePerformedWithClientDisconnect {
            tx_offset,
            durable_offset,
        } = &mut result
            && let Some(durable) = durable_offset
        {
            let offset = tx_offset
                .await
                .context("the engine dropped the update's transaction")?;
            durable
                .wait_for(offset)
                .await
                .context("the database was closed before the update was durable")?;
        }
        Ok(result)
    }

    /// What [`Engine::update`] would do.
    ///
    /// # Errors
    /// When the new module cannot be loaded.
    pub async fn plan_update(
        &self,
        module: &Module,
        style: PrettyPrintStyle,
    ) -> anyhow::Result<MigrationPlan> {
        let plan = self
            .controller
            .migrate_plan(
                self.database.clone(),
                HostType::Wasm,
                REPLICA_ID,
                module.to_boxed(),
                style,
            )
            .await?;
        Ok(match plan {
            MigratePlanResult::Success {
                old_module_hash,
                new_module_hash,
                plan,
                breaks_client,
                major_version_upgrade,
            } => MigrationPlan::Possible {
                text: plan,
                breaks_clients: breaks_client,
                token: self.migration_token(old_module_hash, new_module_hash),
                major_version_upgrade,
            },
            MigratePlanResult::AutoMigrationError {
                error,
                major_version_upgrade,
            } => MigrationPlan::Impossible {
                reason: error.to_string(),
                major_version_upgrade,
            },
        })
    }

    /// The acknowledgement that an update from `old` to `new` may disconnect
    /// clients.
    pub fn migration_token(&self, old_module_hash: Hash, new_module_hash: Hash) -> Hash {
        let database_identity = self.database_identity();
        MigrationToken {
            database_identity,
            old_module_hash,
            new_module_hash,
        }
        .hash()
    }

    /// Stops the module and closes the database after its log is on disk.
    ///
    /// # Errors
    /// When that takes too long.
    pub async fn stop(&self) -> anyhow::Result<()> {
        self.controller
            .exit_module_host(REPLICA_ID, STOP_DEADLINE)
            .await
    }
}

/// Waits until the transaction at `offset` is on disk.
///
/// # Errors
/// When the database is closed before that: whether it is kept is then unknown.
pub async fn durable(module: &ModuleHost, offset: TransactionOffset) -> anyhow::Result<()> {
    const LOST: &str = "the database was closed before the change was durable: it may be lost";
    let Some(mut durable) = module.durable_tx_offset() else {
        return Ok(());
    };
    let offset = offset.await.context(LOST)?;
    durable.wait_for(offset).await.context(LOST)?;
    Ok(())
}
