//! The least that a durable answer can cost: the request's bytes appended to a
//! file, `fdatasync`, and the same bytes back over a Unix socket.

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::pair::timed;
use crate::samples::Samples;

/// A connection to a server that syncs what it is sent.
pub struct SyncedEcho {
    stream: UnixStream,
    received: Vec<u8>,
}

impl SyncedEcho {
    /// Serves requests of `bytes` bytes, kept in a file of `directory`.
    pub fn serve(directory: &Path, bytes: usize) -> Self {
        let socket = directory.join("synced.sock");
        let listener = UnixListener::bind(&socket).expect("the directory is ours");
        let mut file = File::options()
            .create(true)
            .append(true)
            .open(directory.join("synced.log"))
            .expect("the directory is ours");
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("we connect below");
            let mut received = vec![0; bytes];
            // Ends with the connection.
            while stream.read_exact(&mut received).is_ok() {
                file.write_all(&received).expect("there is room");
                file.sync_data().expect("the disk works");
                stream.write_all(&received).expect("we read");
            }
        });
        Self {
            stream: UnixStream::connect(&socket).expect("it listens"),
            received: vec![0; bytes],
        }
    }

    /// Sends as many bytes as `serve` was told, and waits for them to come back.
    pub fn ask(&mut self, request: &[u8]) {
        self.stream.write_all(request).expect("it reads");
        self.stream
            .read_exact(&mut self.received)
            .expect("it answers");
    }
}

/// How long an append and its `fdatasync` take in `directory`, at the median.
pub fn sync_time(directory: &Path) -> Duration {
    let mut file = File::options()
        .create(true)
        .append(true)
        .open(directory.join("sync-time.log"))
        .expect("the directory is ours");
    let mut samples = Samples::default();
    for _ in 0..100 {
        samples.push(timed(|| {
            file.write_all(&[b'x'; 400]).expect("there is room");
            file.sync_data().expect("the disk works");
        }));
    }
    samples.p50()
}
