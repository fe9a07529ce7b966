//! A daemon is replaced by one of another version, as an upgrade does it: what
//! was acknowledged is there once and in order, who posted meanwhile was told
//! what became of it, and the files of the one are good for the other.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::{Value, json};
use spaces_api::{ErrorKind, HubState, VERSION};
use spaces_client::{Client, Error};
use spaces_tests::{Cli, Daemon, Hub, Installation, eventually, raw_call};
use uuid::Uuid;

/// Of the length of ours, which the same program takes itself for.
const OTHER: &str = "0.0.1";
const CHANNEL: &str = "#agent-logs";
/// Posts that each writer makes before the upgrade and after it, at the least.
const SHARE: usize = 12;
/// The hub takes 20 calls in a second for long: the queue is not to grow.
const PAUSE: Duration = Duration::from_millis(40);

/// One who posts until it is stopped.
struct Writer {
    tale: Arc<Tale>,
    hand: JoinHandle<()>,
}

/// What a writer was told.
#[derive(Default)]
struct Tale {
    stop: AtomicBool,
    acknowledged: Mutex<Vec<String>>,
    /// Left in the spool, and the daemon has said nothing yet.
    spooled: Mutex<Vec<String>>,
    /// How often it met no daemon, or one that takes nothing more.
    refusals: AtomicUsize,
}

impl Tale {
    fn count(&self) -> usize {
        self.acknowledged.lock().expect("no writer panics").len()
    }

    fn met_the_gap(&self) -> bool {
        self.refusals.load(Ordering::Relaxed) > 0
            || !self.spooled.lock().expect("no writer panics").is_empty()
    }
}

impl Writer {
    fn begin(name: &'static str, mut post: impl FnMut(&Tale, String) + Send + 'static) -> Self {
        let tale = Arc::new(Tale::default());
        let told = Arc::clone(&tale);
        let hand = thread::spawn(move || {
            for number in 0.. {
                if told.stop.load(Ordering::Relaxed) {
                    break;
                }
                post(&told, format!("{name} {number:04}"));
                thread::park_timeout(PAUSE);
            }
        });
        Self { tale, hand }
    }

    /// Each post by a `spacesctl` of its own.
    fn shell(cli: Cli) -> Self {
        Self::begin("shell", move |tale, content| {
            let done = cli.run(&["post", CHANNEL, &content, "--json"]);
            assert_eq!(done.code, 0, "{}{}", done.out, done.err);
            let said: Value = serde_json::from_str(&done.out).expect("it prints JSON");
            match said["receipt"]["state"].as_str() {
                Some("queued" | "sent") => tale
                    .acknowledged
                    .lock()
                    .expect("no writer panics")
                    .push(content),
                Some("spooled") => tale.spooled.lock().expect("no writer panics").push(content),
                _ => panic!("{said}"),
            }
        })
    }

    /// A program that repeats under the same key what was not answered, as the
    /// error tells it to. It keeps its connection or makes one for each post.
    fn program(name: &'static str, socket: PathBuf, keeps: bool) -> Self {
        let mut client = Client::new(&socket);
        Self::begin(name, move |tale, content| {
            if !keeps {
                client = Client::new(&socket);
            }
            let post = json!({
                "channel": CHANNEL, "content": content, "client_key": Uuid::new_v4(),
            });
            eventually("a post is acknowledged", || {
                match raw_call(&mut client, "message.send", &post) {
                    Ok(said) => {
                        let state = &said["receipt"]["state"];
                        assert!(state == "queued" || state == "sent", "{said}");
                        Some(())
                    }
                    Err(error) => {
                        assert!(is_clear(&error), "{error:?}");
                        tale.refusals.fetch_add(1, Ordering::Relaxed);
                        None
                    }
                }
            });
            tale.acknowledged
                .lock()
                .expect("no writer panics")
                .push(content);
        })
    }

    fn end(self) -> Arc<Tale> {
        self.tale.stop.store(true, Ordering::Relaxed);
        self.hand.join().expect("the writer found nothing wrong");
        self.tale
    }
}

/// What a client may meet while the daemon is replaced: none, one that takes no
/// more, or one that is gone before it has answered.
fn is_clear(error: &Error) -> bool {
    match error {
        Error::DaemonUnreachable { .. } | Error::ConnectionLost { .. } => true,
        Error::Rpc(error) => error.kind() == ErrorKind::Busy,
        _ => false,
    }
}

fn until_each_has_posted(writers: &[Writer]) {
    let before: Vec<usize> = writers.iter().map(|writer| writer.tale.count()).collect();
    eventually("each writer goes on posting", || {
        let goes_on = |(writer, before): (&Writer, &usize)| {
            assert!(!writer.hand.is_finished(), "a writer has given up");
            writer.tale.count() >= before + SHARE
        };
        writers.iter().zip(&before).all(goes_on).then_some(())
    });
}

fn runs(cli: &Cli, arguments: &[&str]) -> String {
    let done = cli.run(arguments);
    assert_eq!(done.code, 0, "{arguments:?}: {}{}", done.out, done.err);
    done.out
}

#[test]
fn an_upgrade_under_load_loses_nothing_and_says_what_it_is() {
    let hub = Hub::start();
    let machine = Daemon::machine();
    let installation = Installation::within(machine.home());
    let cli = machine.cli().of(&installation);
    installation.install_as(OTHER);
    runs(&cli, &["join", &hub.owner_invite()]);
    machine.until_live();
    assert_eq!(machine.call("daemon.ping", json!({}))["version"], OTHER);
    assert!(!runs(&cli, &["status"]).contains("is running, spacesctl is"));

    let writers = [
        Writer::shell(cli.clone()),
        Writer::program("connects anew", machine.socket(), false),
        Writer::program("keeps its connection", machine.socket(), true),
    ];
    until_each_has_posted(&writers);
    installation.install();
    until_each_has_posted(&writers);

    let differs = format!(
        "spacesd {OTHER} is running, spacesctl is {VERSION}: \
         restart it with `spacesctl down && spacesctl up`"
    );
    let status = runs(&cli, &["status"]);
    assert!(status.contains(&differs), "{status}");
    let status = cli.run(&["status", "--json"]);
    assert!(status.err.contains(&differs), "{}", status.err);
    let status: Value = serde_json::from_str(&status.out).expect("the note is not in the output");
    assert_eq!(status["version"], OTHER);
    let doctor = cli.run(&["doctor"]);
    assert!(
        doctor.out.contains("spacesctl down && spacesctl up"),
        "{}",
        doctor.out
    );

    runs(&cli, &["down"]);
    eventually("each writer has met the gap", || {
        let all = writers.iter().all(|writer| writer.tale.met_the_gap());
        all.then_some(())
    });
    let status = runs(&cli, &["up"]);
    assert!(!status.contains("is running, spacesctl is"), "{status}");
    assert_eq!(machine.call("daemon.ping", json!({}))["version"], VERSION);
    until_each_has_posted(&writers);

    let tales = writers.map(Writer::end);
    eventually("the spool is taken in", || {
        let spool = &machine.call("daemon.status", json!({}))["spool"];
        assert_eq!(spool["set_aside"], 0);
        (spool["waiting"] == 0).then_some(())
    });
    machine.until_sent();
    let total: usize = tales
        .iter()
        .map(|tale| tale.count() + tale.spooled.lock().expect("no writer panics").len())
        .sum();
    let there = eventually("every post is on the hub", || {
        let there = machine.confirmed(CHANNEL);
        (there.len() >= total).then_some(there)
    });
    assert_eq!(there.len(), total, "something is there twice");
    for tale in tales {
        let (acknowledged, spooled) = (
            tale.acknowledged.lock().expect("no writer panics"),
            tale.spooled.lock().expect("no writer panics"),
        );
        let arrived: Vec<_> = there
            .iter()
            .filter(|post| acknowledged.contains(post))
            .collect();
        assert_eq!(
            arrived,
            acknowledged.iter().collect::<Vec<_>>(),
            "once each, in order"
        );
        for post in spooled.iter() {
            let times = there.iter().filter(|there| *there == post).count();
            assert_eq!(times, 1, "{post} was spooled");
        }
    }
}

/// SQLite's own place for the number of a schema, in the first page.
const SCHEMA_AT: u64 = 60;

fn schema(database: &Path) -> u32 {
    let mut number = [0; 4];
    let file = fs::File::open(database).expect("a database of ours");
    file.read_exact_at(&mut number, SCHEMA_AT)
        .expect("a database has a header");
    u32::from_be_bytes(number)
}

fn set_schema(database: &Path, number: u32) {
    let file = fs::File::options()
        .write(true)
        .open(database)
        .expect("a database of ours");
    file.write_all_at(&number.to_be_bytes(), SCHEMA_AT)
        .expect("it can be written");
}

#[test]
fn the_outbox_of_a_later_version_is_left_alone_and_sent_by_that_version() {
    let mut hub = Hub::start();
    let mut machine = Daemon::owner_of(&hub);
    hub.kill();
    machine.until_hub(HubState::Offline);
    for number in 0..5 {
        machine
            .post(CHANNEL, &format!("waits {number}"))
            .expect("it is queued");
    }
    machine.child().stop();
    let outbox = machine.state_dir().join("outbox.db");
    let (ours, later) = (schema(&outbox), 1_000);
    set_schema(&outbox, later);
    let before = fs::read(&outbox).expect("it is ours");

    let cli = machine.cli();
    let refused = cli.run(&["up"]);
    assert_ne!(refused.code, 0, "{}", refused.out);
    let said = format!("was made by a later version of Spaces (its schema is {later})");
    assert!(refused.err.contains(&said), "{}", refused.err);
    assert!(refused.err.contains("upgrade spacesd"), "{}", refused.err);
    assert!(
        fs::read(&outbox).expect("it is ours") == before,
        "not a byte is changed"
    );
    let spooled = cli.json(&["post", CHANNEL, "meanwhile", "--json"]);
    assert_eq!(spooled["receipt"]["state"], "spooled");

    set_schema(&outbox, ours);
    hub.run();
    machine.run();
    let expected: Vec<String> = (0..5)
        .map(|number| format!("waits {number}"))
        .chain(["meanwhile".to_owned()])
        .collect();
    eventually("everything arrives", || {
        (machine.confirmed(CHANNEL) == expected).then_some(())
    });
}

#[test]
fn the_cache_of_another_version_is_begun_anew_and_filled_from_the_hub() {
    let hub = Hub::start();
    let mut machine = Daemon::owner_of(&hub);
    machine.post(CHANNEL, "from before").expect("it is queued");
    machine.until_sent();
    let cache = machine.cache_dir().join("cache.db");
    machine.child().stop();
    let ours = schema(&cache);
    for other in [ours - 1, ours + 1] {
        set_schema(&cache, other);
        machine.run();
        let status = machine.call("daemon.status", json!({}));
        let said = format!("it has schema version {other}, this program uses {ours}");
        assert!(status["warnings"].to_string().contains(&said), "{status}");
        machine.until_live();
        eventually("the cache is filled", || {
            (machine.confirmed(CHANNEL) == ["from before"]).then_some(())
        });
        machine.child().stop();
        assert_eq!(schema(&cache), ours);
    }
}
