//! Reads that go on all the time, and how long each took.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use spaces_client::Client;
use spaces_tests::raw_call;

/// Between two reads of one reader.
const PAUSE: Duration = Duration::from_millis(3);

/// How long reads took, by what they said of the hub.
pub type Times = BTreeMap<String, Vec<Duration>>;

/// A reader of one machine.
pub struct Reads {
    stop: Arc<AtomicBool>,
    reader: Option<JoinHandle<Times>>,
}

impl Reads {
    pub fn start(socket: PathBuf) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let reader = std::thread::spawn(move || read_until(&stopped, &socket));
        Self {
            stop,
            reader: Some(reader),
        }
    }

    /// Ends the reading.
    pub fn finish(&mut self) -> Times {
        self.stop.store(true, Ordering::Relaxed);
        let reader = self.reader.take().expect("it is finished once");
        reader.join().expect("a reader does not panic")
    }
}

impl Drop for Reads {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn read_until(stopped: &AtomicBool, socket: &Path) -> Times {
    let reads: [(&str, Value); 3] = [
        ("message.list", json!({"channel": "#general"})),
        ("activity.list", json!({})),
        ("inbox.unread", json!({})),
    ];
    let mut times = Times::new();
    let mut client = Client::new(socket);
    for (method, params) in reads.iter().cycle() {
        if stopped.load(Ordering::Relaxed) {
            break;
        }
        let begun = Instant::now();
        // Without an answer the daemon has been killed: no read.
        if let Ok(answer) = raw_call(&mut client, method, params) {
            let hub = answer["meta"]["hub"]
                .as_str()
                .expect("a read says how fresh it is");
            times
                .entry(hub.to_owned())
                .or_default()
                .push(begun.elapsed());
        }
        std::thread::park_timeout(PAUSE);
    }
    times
}
