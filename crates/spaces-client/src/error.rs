use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use spaces_api::{ErrorKind, PROTOCOL, RpcError, VERSION};
use uuid::Uuid;

use crate::PathError;

/// What can go wrong between a client and its daemon. `Display` says what was
/// tried and what happened, [`Error::hint`] what to do next.
#[derive(Debug)]
pub enum Error {
    /// No daemon answers: nothing was sent.
    DaemonUnreachable {
        /// Where it was looked for.
        socket: PathBuf,
        /// What happened there.
        why: Unreachable,
    },
    /// The answer did not come in time. A write may or may not have been
    /// accepted; repeating it with the same key is safe.
    Timeout {
        /// The method that was called.
        method: String,
        /// How long it was waited for.
        after: Duration,
        /// The key with which the write may be repeated; absent for reads.
        client_key: Option<Uuid>,
    },
    /// The connection closed before the answer. As with `Timeout`, a write may
    /// be repeated with the same key.
    ConnectionLost {
        /// The method that was called.
        method: String,
        /// What the system said.
        why: String,
        /// The key with which the write may be repeated; absent for reads.
        client_key: Option<Uuid>,
    },
    /// The daemon answered with an error.
    Rpc(RpcError),
    /// Daemon and client are of versions that do not understand each other.
    VersionSkew {
        /// Version of the daemon that runs.
        daemon_version: String,
        /// Its protocol.
        daemon_protocol: u32,
    },
    /// The answer is not what the contract says, though the versions agree.
    Malformed {
        /// The method that was called.
        method: String,
        /// What is wrong with the answer.
        why: String,
    },
    /// The places of the files could not be told.
    Paths(PathError),
}

/// Why a daemon could not be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreachable {
    /// There is no socket.
    NoSocket,
    /// There is a socket, left behind by a daemon that is gone.
    Refused,
    /// The socket does not belong to this user.
    NotAllowed,
    /// Something else than this user (or root) serves the socket.
    ServedByAnother {
        /// The user id of the server.
        uid: u32,
    },
    /// A daemon is there and does not take connections: stopped or overloaded.
    NotAccepting {
        /// How long it was waited for.
        after: Duration,
    },
    /// Anything else, in the system's words.
    Other(String),
}

impl Error {
    /// The kind of the error, as the contract names it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::DaemonUnreachable { .. } | Self::ConnectionLost { .. } => {
                ErrorKind::DaemonUnreachable
            }
            Self::Timeout { .. } => ErrorKind::Timeout,
            Self::Rpc(error) => error.kind(),
            Self::VersionSkew { .. } => ErrorKind::VersionSkew,
            Self::Malformed { .. } => ErrorKind::Internal,
            Self::Paths(_) => ErrorKind::InvalidParams,
        }
    }

    /// What to do next, where there is something to do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::DaemonUnreachable { why, .. } => Some(why.hint().to_owned()),
            Self::Timeout { client_key, .. } | Self::ConnectionLost { client_key, .. } => {
                Some(match client_key {
                    Some(key) => format!(
                        "it is not known whether the write was accepted: repeat it with the \
                         client key {key}, which cannot write twice"
                    ),
                    None => "look at the daemon with `spacesctl status`".to_owned(),
                })
            }
            Self::Rpc(error) => error.data.hint.clone(),
            Self::VersionSkew {
                daemon_protocol, ..
            } => Some(if *daemon_protocol > PROTOCOL {
                format!("upgrade this client from {VERSION}")
            } else {
                "restart the daemon with `spacesctl service restart`, or with `spacesctl down` and \
                 `spacesctl up`"
                    .to_owned()
            }),
            Self::Malformed { .. } => {
                Some("this is a fault of the program; please report it".to_owned())
            }
            Self::Paths(error) => Some(error.hint()),
        }
    }

    /// Names that were perhaps meant, best first.
    pub fn candidates(&self) -> &[String] {
        match self {
            Self::Rpc(error) => &error.data.candidates,
            _ => &[],
        }
    }

    /// True where the call certainly did not reach a working daemon or its fate
    /// is unknown: the cases in which a write belongs into the spool.
    pub fn is_daemon_down(&self) -> bool {
        matches!(
            self,
            Self::DaemonUnreachable { .. } | Self::Timeout { .. } | Self::ConnectionLost { .. }
        )
    }
}

impl Unreachable {
    const fn hint(&self) -> &'static str {
        match self {
            Self::NoSocket | Self::Refused => "start it with `spacesctl up`",
            Self::NotAllowed | Self::ServedByAnother { .. } => {
                "point SPACES_SOCKET at the socket of your own daemon"
            }
            Self::NotAccepting { .. } | Self::Other(_) => {
                "look at the daemon with `spacesctl doctor`"
            }
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DaemonUnreachable { socket, why } => {
                let socket = socket.display();
                match why {
                    Unreachable::NoSocket => {
                        write!(f, "spacesd is not running (there is no socket at {socket})")
                    }
                    Unreachable::Refused => write!(
                        f,
                        "spacesd is not running (nothing listens on its old socket {socket})"
                    ),
                    Unreachable::NotAllowed => {
                        write!(f, "the socket {socket} is not yours to use")
                    }
                    Unreachable::ServedByAnother { uid } => write!(
                        f,
                        "the socket {socket} is served by another user (uid {uid}), not by your daemon"
                    ),
                    Unreachable::NotAccepting { after } => write!(
                        f,
                        "spacesd did not take the connection to {socket} within {} ms: it is stopped or overloaded",
                        after.as_millis()
                    ),
                    Unreachable::Other(what) => {
                        write!(f, "the socket {socket} cannot be reached: {what}")
                    }
                }
            }
            Self::Timeout { method, after, .. } => write!(
                f,
                "spacesd did not answer `{method}` within {} ms",
                after.as_millis()
            ),
            Self::ConnectionLost { method, why, .. } => write!(
                f,
                "the connection to spacesd was lost before it answered `{method}`: {why}"
            ),
            Self::Rpc(error) => error.fmt(f),
            Self::VersionSkew {
                daemon_version,
                daemon_protocol,
            } => write!(
                f,
                "spacesd {daemon_version} (protocol {daemon_protocol}) is running, this client is \
                 {VERSION} (protocol {PROTOCOL})"
            ),
            Self::Malformed { method, why } => {
                write!(
                    f,
                    "the answer of spacesd to `{method}` cannot be read: {why}"
                )
            }
            Self::Paths(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Rpc(error) => Some(error),
            Self::Paths(error) => Some(error),
            _ => None,
        }
    }
}

impl From<RpcError> for Error {
    fn from(error: RpcError) -> Self {
        Self::Rpc(error)
    }
}

impl From<PathError> for Error {
    fn from(error: PathError) -> Self {
        Self::Paths(error)
    }
}
