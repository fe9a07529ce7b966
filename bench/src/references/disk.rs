//! The least that a durable answer can cost: the request's bytes appended to a
//! file, `fdatasync`, and the same bytes back over a Unix socket.

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::pair::timed;
use crate::readable::until_readable;
use crate::samples::Samples;

/// Which thread of the server syncs.
#[derive(Clone, Copy, Debug)]
pub enum SyncedBy {
    /// The one that reads and answers: it can do nothing else meanwhile.
    WhoAnswers,
    /// One that only writes, as a server needs that goes on with others'
    /// requests and lets those that come together share a sync.
    Writer,
}

/// Returns once the bytes are on disk.
type Keep = Box<dyn FnMut(&[u8]) + Send>;

/// A connection to a server that syncs what it is sent.
pub struct SyncedEcho {
    stream: UnixStream,
    received: Vec<u8>,
}

impl SyncedEcho {
    /// Serves requests of `bytes` bytes, kept in a file of `directory`.
    pub fn serve(directory: &Path, bytes: usize, by: SyncedBy) -> Self {
        let socket = directory.join("synced.sock");
        let listener = UnixListener::bind(&socket).expect("the directory is ours");
        let mut file = File::options()
            .create(true)
            .append(true)
            .open(directory.join("synced.log"))
            .expect("the directory is ours");
        let mut write = move |received: &[u8]| {
            file.write_all(received).expect("there is room");
            file.sync_data().expect("the disk works");
        };
        let mut keep: Keep = match by {
            SyncedBy::WhoAnswers => Box::new(write),
            SyncedBy::Writer => {
                let (tell, told) = mpsc::channel::<Vec<u8>>();
                let (done, written) = mpsc::channel();
                thread::spawn(move || {
                    // Ends with the server, as the server's waiting does.
                    for received in told {
                        write(&received);
                        let _ = done.send(());
                    }
                });
                Box::new(move |received| {
                    tell.send(received.to_vec()).expect("the writer listens");
                    written.recv().expect("the writer answers");
                })
            }
        };
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("we connect below");
            let mut received = vec![0; bytes];
            loop {
                until_readable(&stream);
                if stream.read_exact(&mut received).is_err() {
                    // It ends with the connection.
                    return;
                }
                keep(&received);
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
        until_readable(&self.stream);
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
