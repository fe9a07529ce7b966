//! `spaces-hub`: the SpacetimeDB engine with the Spaces module inside.

mod acknowledging;
mod args;
mod data_dir;
mod engine;
mod http;
mod identity;
mod invite;
mod logging;
mod module;
mod publish;
mod record;
mod serve;
mod ws;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
// Gives the linker the symbols that the engine expects of V8.
use v8_absent as _;

use args::Args;
use data_dir::DataDir;
use engine::Engine;
use http::Hub;
use identity::Issuer;
use module::Module;
use record::Record;

/// How long the engine's last background work may take once all is written.
const BACKGROUND_DEADLINE: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    let args = Args::parse();
    if let Err(error) = logging::init(args.log_format) {
        eprintln!("spaces-hub: {error:#}");
        return ExitCode::from(2);
    }
    match start(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start(args: Args) -> anyhow::Result<()> {
    prepare_process();
    let dir = match &args.data_dir {
        Some(path) => DataDir::open(path)?,
        None => DataDir::ephemeral()?,
    };
    let runtime = tokio::runtime::Runtime::new()?;
    let ended = runtime.block_on(run(args, &dir));
    // The engine may be at a snapshot, which is not needed: the log is whole.
    logging::expect_panics();
    runtime.shutdown_timeout(BACKGROUND_DEADLINE);
    ended
}

async fn run(args: Args, dir: &DataDir) -> anyhow::Result<()> {
    let (listener, address) = serve::bind(args.listen).await?;
    let issuer = Issuer::open(dir)?;
    let mut record = Record::open(dir, &issuer)?;
    let offered = match &args.module {
        Some(file) => Module::read(file)?,
        None => Module::built_in(),
    };
    let engine = Engine::new(dir, &record, &issuer, &offered, address.port())?;
    let module = publish::bring_up(&engine, &mut record, &offered).await?;
    let uri = args
        .uri
        .unwrap_or_else(|| format!("http://{}", invite::reachable(address)));
    invite::write_once(dir, &mut record, &issuer, module, &uri, &args.database).await?;

    let hub = Arc::new(Hub {
        engine,
        issuer,
        name: args.database,
        stopping: CancellationToken::new(),
        connections: TaskTracker::new(),
    });
    tokio::spawn(logging::follow_module(hub.clone()));
    let served = serve::until_signal(&hub, listener, args.port_file.as_deref()).await;
    hub.engine.stop().await?;
    tracing::info!("the hub has stopped; all that it confirmed is on disk");
    served
}

/// Makes what the engine writes private, and lets the process hold as many
/// files and connections as its limits allow at most.
fn prepare_process() {
    use rustix::process::{Resource, getrlimit, setrlimit, umask};
    umask(rustix::fs::Mode::from_raw_mode(0o077));
    let mut files = getrlimit(Resource::Nofile);
    files.current = files.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, files) {
        tracing::debug!(%error, "the limit of open files stays as it is");
    }
}
