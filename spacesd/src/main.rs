//! From top to bottom: arguments, settings, logs, directories and locks, stores,
//! socket, uplink, serve, drain, stop.

use std::fs::DirBuilder;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use clap::Parser;
use spaces_api::model::HubMode;
use spaces_client::Paths;
use spacesd::activity::Activity;
use spacesd::arguments::Arguments;
use spacesd::cache::{self, Cache};
use spacesd::config::{self, Config, Settings};
use spacesd::daemon::{Daemon, Hub, Lifetime, Notices, Places};
use spacesd::followers;
use spacesd::hub_change::{self, Change};
use spacesd::hub_process::{HubPaths, HubProcess};
use spacesd::limits;
use spacesd::link::UplinkLink;
use spacesd::live_sessions::LiveSessions;
use spacesd::lock::Lock;
use spacesd::logging::{self, LevelHandle};
use spacesd::metrics::Metrics;
use spacesd::outbox::{self, Outbox};
use spacesd::rpc::{Destinations, Renderings, Rpc};
use spacesd::service_manager;
use spacesd::session_ids::SessionIds;
use spacesd::sink::CacheSink;
use spacesd::socket::{self, Bound};
use spacesd::spool::Spool;
use spacesd::uplink::{Timing, Uplink, UplinkConfig};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{oneshot, watch};
use tracing::{info, warn};

/// Connections have so long to finish what they have begun.
const GRACE: Duration = Duration::from_secs(5);

/// The queue has so long to empty itself at the end, while the hub is live.
const LAST_SENDING: Duration = Duration::from_secs(2);

/// The system's keeps, for each of a dozen threads, the most that it ever held at
/// once. C libraries go on with it: an allocator that took its place would be asked
/// by whatever is loaded before the daemon, as libfaketime is in tests.
/// `.cargo/config.toml` has settings.
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Threads that serve calls. Reads are short; more would only cost memory.
const WORKERS: usize = 4;

/// Open files that are enough for every connection and all else.
const ENOUGH_FILES: u64 = 65_536;

/// Exit codes of sysexits.h: a mistake in the settings, and everything else.
const EXIT_CONFIG: u8 = 78;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.print_config {
        print!("{}", config::template());
        return ExitCode::SUCCESS;
    }
    let places = match arguments.places() {
        Ok(places) => places,
        Err(error) => {
            eprintln!("spacesd: {error}\n{}", error.hint());
            return ExitCode::from(EXIT_CONFIG);
        }
    };
    let source = arguments.settings_source(&places);
    let config = match config::load(&source) {
        Ok(config) => config,
        Err(problems) => {
            eprintln!("{problems}");
            return ExitCode::from(EXIT_CONFIG);
        }
    };
    if arguments.check_config {
        println!("{}: no mistakes", places.config_file.display());
        return ExitCode::SUCCESS;
    }
    match run(&places, Settings::new(source, config)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("spacesd: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(places: &Paths, settings: Settings) -> anyhow::Result<()> {
    let config = settings.current();
    let level = logging::start(&config.log)?;
    info!(
        version = spaces_api::VERSION,
        pid = std::process::id(),
        "spacesd starts"
    );
    allow_many_files();

    make_private(&places.state_dir)?;
    make_private(&places.cache_dir)?;
    let _lock = Lock::take(&places.state_dir.join("spacesd.lock"))
        .map_err(|error| anyhow!("{error}\n{}", error.hint()))?;
    let bound = Bound::acquire(&places.socket).map_err(|error| match error.hint() {
        Some(hint) => anyhow!("{error}\n{hint}"),
        None => anyhow!(error),
    })?;
    info!(socket = %bound.path.display(), handed_over = bound.handed_over(), "socket");

    let change = hub_change::settle(places, &config.hub)
        .context("cannot keep apart what belongs to the hubs of this machine")?;
    let outbox = Outbox::open(&places.state_dir, limits::outbox(&config))?;
    let cache = Cache::open(&places.cache_dir)?;
    cache.cache.set_limits(limits::cache(&config));
    let heard_to = cache.cache.events().last_receipt_change();
    outbox.outbox.number_beyond(heard_to);

    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let outcome = runtime.block_on(serve(places, settings, level, bound, change, outbox, cache));
    // What still runs is done with: connections and stores are closed.
    runtime.shutdown_timeout(Duration::from_secs(1));
    info!("spacesd stopped");
    outcome.map(drop)
}

async fn serve(
    places: &Paths,
    settings: Settings,
    level: LevelHandle,
    bound: Bound,
    change: Option<Change>,
    outbox: outbox::Opened,
    cache: cache::Opened,
) -> anyhow::Result<Bound> {
    let config = settings.current();
    let notices = Notices::default();
    let another_hub = change.and_then(|change| change.notice(&places.state_dir));
    [another_hub, outbox.warning, cache.warning]
        .into_iter()
        .flatten()
        .for_each(|warning| notices.add(warning));
    let (outbox, cache) = (outbox.outbox, cache.cache);

    let local_hub =
        (config.hub.mode == HubMode::Local).then(|| HubProcess::start(hub_paths(places, &config)));
    let uri = match &local_hub {
        Some(hub) => hub.uri(),
        None => watch::channel(config.hub.uri.clone()).1,
    };
    let spool = Spool::open(&places.spool_dir())
        .inspect_err(|error| {
            notices.add(format!(
                "writes left in the spool are not taken in: {error}"
            ))
        })
        .ok();
    let session_ids =
        SessionIds::of_installation(&places.state_dir).context("cannot use the state directory")?;
    let directories = spacesd::place::Places::default();
    let sessions = Arc::new(LiveSessions::default());
    let sink = CacheSink {
        cache: cache.clone(),
        outbox: outbox.clone(),
        sessions: sessions.clone(),
    };
    let uplink = Uplink::start(uplink_config(places, &config, uri.clone()), Arc::new(sink));
    let daemon = Arc::new(Daemon {
        settings: Arc::new(settings),
        events: cache.events(),
        cache: cache.clone(),
        outbox: outbox.clone(),
        uplink: uplink.clone(),
        sessions,
        hub: Hub {
            mode: config.hub.mode,
            database: config.hub.database.clone(),
            uri,
            process: local_hub.as_ref().map(HubProcess::state),
            link: uplink.status(),
        },
        places: Places {
            socket: bound.path.clone(),
            state_dir: places.state_dir.clone(),
            cache_dir: places.cache_dir.clone(),
        },
        activity: Activity::new(cache.clone(), directories.clone()),
        session_ids,
        directories,
        metrics: Metrics::default(),
        renderings: Renderings::default(),
        destinations: Destinations::default(),
        spool: spool.clone(),
        notices,
        lifetime: Lifetime::default(),
    });

    let (stop_sender, sender_stopped) = oneshot::channel::<()>();
    let sender = outbox::sender::run(outbox.clone(), UplinkLink::new(uplink.clone()), async {
        // Dropped or sent, both mean: stop.
        let _ = sender_stopped.await;
    });
    let sender = tokio::spawn(sender);
    followers::start(&daemon, level);
    tokio::spawn(config::follow_file(daemon.settings.clone()));
    tokio::spawn(service_manager::keep_watchdog_fed());
    follow_signals(&daemon)?;

    let status = format!("serving on {}", bound.path.display());
    service_manager::ready(&status);
    let rpc = Rpc::new(daemon.clone());
    if let Some(spool) = spool {
        let rpc = rpc.clone();
        let accept = move |method, params| rpc.clone().take_in(method, params);
        tokio::spawn(spool.run(accept, daemon.lifetime.stopped()));
    }
    // In a task: this thread would have to be woken for each connection, by a
    // worker, which then serves it.
    let serving = tokio::spawn(socket::serve(
        bound,
        rpc,
        config.socket.max_connections,
        daemon.lifetime.stopped(),
        GRACE,
    ));
    let served = serving.await;

    service_manager::stopping();
    info!("stopping");
    if daemon.link().state == spaces_api::HubState::Live {
        let still_queued = outbox.flush(LAST_SENDING).await;
        if still_queued > 0 {
            info!(still_queued, "what is queued is sent after the next start");
        }
    }
    drop(stop_sender);
    if let Err(error) = sender.await {
        warn!(%error, "the sender ended badly");
    }
    uplink.shutdown().await;
    outbox.close().await;
    // Waits for its thread, which must not hold up the runtime.
    tokio::task::spawn_blocking(move || cache.close())
        .await
        .context("the cache was not closed")?;
    if let Some(hub) = local_hub {
        hub.stop().await;
    }
    // A service manager starts again only what ended badly.
    served
        .context("the socket was served no longer")?
        .context("cannot use the socket")
}

fn uplink_config(
    places: &Paths,
    config: &Config,
    uri: watch::Receiver<Option<String>>,
) -> UplinkConfig {
    UplinkConfig {
        uri,
        database: config.hub.database.clone(),
        token_file: config
            .hub
            .token_file
            .clone()
            .unwrap_or_else(|| places.token_file()),
        owner_invite: (config.hub.mode == HubMode::Local)
            .then(|| hub_paths(places, config).owner_invite()),
        window_days: config.cache.window_days,
        window_messages: config.cache.window_messages,
        timing: Timing::default(),
    }
}

fn hub_paths(places: &Paths, config: &Config) -> HubPaths {
    HubPaths {
        binary: config.hub.program.clone(),
        ..HubPaths::in_state(&places.state_dir, &config.hub.database)
    }
}

/// SIGTERM and SIGINT stop, SIGHUP reads the settings again.
fn follow_signals(daemon: &Arc<Daemon>) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    let mut hang_up = signal(SignalKind::hangup()).context("cannot listen for SIGHUP")?;
    let daemon = daemon.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => daemon.stop(),
                _ = interrupt.recv() => daemon.stop(),
                _ = hang_up.recv() => config::report(&daemon.settings.reload()),
            }
        }
    });
    Ok(())
}

/// Makes a directory that only its owner can use.
fn make_private(dir: &Path) -> anyhow::Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.with_context(|| format!("cannot make the directory {}", dir.display()))?;
    let mode = std::fs::metadata(dir).map(|facts| facts.permissions().mode());
    if mode.is_ok_and(|mode| mode & 0o777 == 0o700) {
        return Ok(());
    }
    let owner_only = std::fs::Permissions::from_mode(0o700);
    std::fs::set_permissions(dir, owner_only)
        .with_context(|| format!("cannot protect the directory {}", dir.display()))
}

/// Each connection is an open file; the usual soft limit is below what we serve.
fn allow_many_files() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    let Some(soft) = limit.current else {
        return;
    };
    limit.current = Some(
        limit
            .maximum
            .map_or(ENOUGH_FILES, |most| most.min(ENOUGH_FILES))
            .max(soft),
    );
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        warn!(%error, "the limit of open files stays as it was");
    }
}
