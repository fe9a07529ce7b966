//! The daemon's socket as its clients meet it: the real program, with no hub in
//! reach, over its Unix socket.

mod daemon;
mod events;
mod framing;
mod http;
mod lifecycle;
mod limits;
mod specification;
