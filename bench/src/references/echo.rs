//! A Unix socket that gives back as many bytes as Spaces would.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::thread;

/// A server of one-request connections: accept, read, answer, close.
pub struct OneShotEcho {
    path: PathBuf,
}

impl OneShotEcho {
    /// Serves at `path` for as long as the program runs: each request of
    /// `request` bytes is answered with `reply` bytes.
    pub fn serve(path: &Path, request: usize, reply: usize) -> Self {
        let listener = UnixListener::bind(path).expect("the directory is ours");
        thread::spawn(move || {
            let mut received = vec![0; request];
            let answer = vec![b'x'; reply];
            for mut stream in listener.incoming().flatten() {
                // A client that gave up is the client's affair.
                let _ = stream
                    .read_exact(&mut received)
                    .and_then(|()| stream.write_all(&answer));
            }
        });
        Self {
            path: path.to_owned(),
        }
    }

    /// One request on a connection of its own, read to its end; how many bytes
    /// came back.
    pub fn ask(&self, request: &[u8]) -> usize {
        ask_once(&self.path, request)
    }
}

/// Connects, sends, reads until the other side closes.
pub fn ask_once(path: &Path, request: &[u8]) -> usize {
    let mut stream = UnixStream::connect(path).expect("the server listens");
    stream.write_all(request).expect("the server reads");
    let mut piece = [0; 64 * 1024];
    let mut received = 0;
    loop {
        match stream.read(&mut piece).expect("the server answers") {
            0 => return received,
            count => received += count,
        }
    }
}
