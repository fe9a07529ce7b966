//! The real parts of a daemon, put together as `spacesd` does it, with nothing
//! to connect to.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use spaces_api::Timestamp;
use spaces_api::model::{ChannelType, Context, HubMode, MessageKind, Role, UserKind, Visibility};
use spacesd::activity::Activity;
use spacesd::cache::Cache;
use spacesd::config::{Config, Settings, Source};
use spacesd::daemon::{Daemon, Hub, Lifetime, Notices, Places};
use spacesd::limits;
use spacesd::live_sessions::LiveSessions;
use spacesd::metrics::Metrics;
use spacesd::outbox::Outbox;
use spacesd::row::{
    Batch, Change, ChannelRow, Identity, MemberRow, MessageRow, Row, ServerRow, Table, UserRow,
};
use spacesd::rpc::{Client, Destinations, Renderings, Rpc};
use spacesd::session_ids::SessionIds;
use spacesd::sink::CacheSink;
use spacesd::uplink::{Timing, Uplink, UplinkConfig};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, watch};

const ME: Identity = Identity([1; 32]);
const BOB: Identity = Identity([2; 32]);

/// Calls that wait for the hub are given up, as by a client that goes away.
const PATIENCE: Duration = Duration::from_millis(50);

/// So many writes may wait before all begins anew.
const MOST_QUEUED: u64 = 200;

pub struct Rig {
    rpc: Rpc,
    runtime: Runtime,
    /// The daemon's directories, deleted with it.
    _home: TempDir,
}

impl Rig {
    pub fn start() -> Self {
        let home = tempfile::tempdir().expect("a temporary directory");
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let daemon = {
            let _within = runtime.enter();
            assemble(home.path())
        };
        Self {
            rpc: Rpc::new(Arc::new(daemon)),
            runtime,
            _home: home,
        }
    }

    /// The reply to what came over a line connection of its own; the outer
    /// nothing where it was not waited for.
    pub fn answer(&self, request: &[u8]) -> Option<Option<Vec<u8>>> {
        let (pushes, _pushed) = mpsc::channel(64);
        let client = Client::on_lines(pushes);
        let answer = self
            .rpc
            .clone()
            .answer(client, Bytes::copy_from_slice(request));
        self.runtime
            .block_on(async { tokio::time::timeout(PATIENCE, answer).await })
            .ok()
    }

    /// Whether what came before weighs on what is to come.
    pub fn is_worn(&self) -> bool {
        let daemon = self.rpc.daemon();
        daemon.outbox.status().queued > MOST_QUEUED || daemon.accepting().is_err()
    }
}

fn assemble(home: &Path) -> Daemon {
    let config = Config::default();
    let outbox = Outbox::open(home, limits::outbox(&config));
    let outbox = outbox.expect("a new outbox").outbox;
    let cache = Cache::open(home).expect("a new cache").cache;
    fill(&cache);
    let sessions = Arc::new(LiveSessions::default());
    let sink = CacheSink {
        cache: cache.clone(),
        outbox: outbox.clone(),
        sessions: sessions.clone(),
    };
    let uri = watch::channel(None).1;
    let uplink = Uplink::start(
        UplinkConfig {
            uri: uri.clone(),
            database: config.hub.database.clone(),
            token_file: home.join("token"),
            owner_invite: None,
            window_days: config.cache.window_days,
            window_messages: config.cache.window_messages,
            timing: Timing::default(),
        },
        Arc::new(sink),
    );
    let source = Source {
        file: home.join("config.toml"),
        must_exist: false,
        environment: HashMap::new(),
        flags: Vec::new(),
    };
    let directories = spacesd::place::Places::default();
    Daemon {
        events: cache.events(),
        outbox,
        hub: Hub {
            mode: HubMode::Remote,
            database: config.hub.database.clone(),
            uri,
            process: None,
            link: uplink.status(),
        },
        settings: Arc::new(Settings::new(source, config)),
        uplink,
        sessions,
        places: Places {
            socket: home.join("spacesd.sock"),
            state_dir: home.to_owned(),
            cache_dir: home.to_owned(),
        },
        activity: Activity::new(cache.clone(), directories.clone()),
        cache,
        session_ids: SessionIds::of_installation(home).expect("the directory is ours"),
        directories,
        metrics: Metrics::default(),
        renderings: Renderings::default(),
        destinations: Destinations::default(),
        spool: None,
        notices: Notices::default(),
        lifetime: Lifetime::default(),
    }
}

/// Two users, a server with two channels, some messages.
fn fill(cache: &Cache) {
    drop(cache.bind("hub", Some(ME)));
    let names = [(ME, "alice"), (BOB, "bob")];
    let channels = [
        (10, "general", ChannelType::Text),
        (11, "agent-logs", ChannelType::AgentLog),
    ];
    let rows = std::iter::once(server())
        .chain(names.map(|(identity, name)| user(identity, name)))
        .chain(names.map(|(identity, _)| member(identity)))
        .chain(channels.map(|(id, name, channel_type)| channel(id, name, channel_type)))
        .chain((100..150).map(message));
    let applied = cache.apply(Batch {
        changes: rows.map(Change::Put).collect(),
        snapshot_of: vec![Table::User, Table::Server, Table::Member, Table::Channel],
        synced_to: Some(150),
    });
    applied.blocking_recv().expect("the cache takes the rows");
}

fn at(id: u64) -> Timestamp {
    Timestamp::from_micros(1_800_000_000_000_000 + id.cast_signed() * 1_000_000)
}

fn server() -> Row {
    Row::Server(ServerRow {
        id: 1,
        name: "Spaces Hub".to_owned(),
        description: None,
        icon_url: None,
        visibility: Visibility::Open,
        created_at: at(0),
    })
}

fn user(identity: Identity, username: &str) -> Row {
    Row::User(UserRow {
        identity,
        username: username.to_owned(),
        display_name: None,
        bio: None,
        avatar_url: None,
        kind: UserKind::Human,
        created_at: at(0),
    })
}

fn member(identity: Identity) -> Row {
    Row::Member(MemberRow {
        id: u64::from(identity.0[0]),
        server_id: 1,
        identity,
        role: Role::Owner,
        joined_at: at(0),
        muted_until: None,
    })
}

fn channel(id: u64, name: &str, channel_type: ChannelType) -> Row {
    Row::Channel(ChannelRow {
        id,
        server_id: 1,
        name: name.to_owned(),
        topic: None,
        channel_type,
        visibility: Visibility::Open,
        position: 0,
        slow_mode_secs: 0,
        archived: false,
        created_at: at(0),
        dm_between: Vec::new(),
    })
}

fn message(id: u64) -> Row {
    let kinds = [MessageKind::Text, MessageKind::Summary, MessageKind::Note];
    Row::Message(MessageRow {
        id,
        seq: id,
        channel_id: 10 + id % 2,
        ordinal: id.div_ceil(2),
        thread_id: None,
        author: if id.is_multiple_of(3) { ME } else { BOB },
        agent_address: Some("@bob/claude.app.main".to_owned()),
        session_id: None,
        kind: kinds[(id % 3) as usize],
        content: format!("the outbox of session {id} was flushed"),
        context: Context {
            repo: Some("github.com/acme/app".to_owned()),
            branch: Some("main".to_owned()),
            commit: None,
            paths: vec!["src/outbox.rs".to_owned()],
        },
        reply_to: None,
        mentions: vec![ME],
        reactions: Vec::new(),
        created_at: at(id),
        edited_at: None,
        deleted: false,
        note_done: None,
        private: false,
        client_key: None,
    })
}
