//! The socket's place: made by us, or handed over by systemd (`LISTEN_FDS`) or
//! launchd.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use spaces_client::paths::{PathError, check_socket_path};
use thiserror::Error;

#[cfg(target_os = "macos")]
use super::launchd::handed_over;
use crate::lock::{Lock, LockError};

/// A socket that listens.
#[derive(Debug)]
pub struct Bound {
    pub listener: UnixListener,
    /// Where clients find it.
    pub path: PathBuf,
    /// Present where we made the socket and so take it away at the end.
    own: Option<Own>,
}

#[derive(Debug)]
struct Own {
    inode: u64,
    /// None only after [`Bound::renew`] has failed.
    lock: Option<Lock>,
}

/// Why there is no socket to serve on.
#[derive(Debug, Error)]
pub enum BindError {
    #[error("{0}")]
    Path(#[from] PathError),
    #[error("{0}: it may be running already; see `spacesctl status`")]
    Lock(#[from] LockError),
    #[error("the socket's directory {} {fault}", dir.display())]
    UnsafeDir { dir: PathBuf, fault: String },
    #[error("{} is there and is not a socket; move it away or set another socket path", .0.display())]
    NotASocket(PathBuf),
    #[error("another program answers on {}; stop it or set another socket path", .0.display())]
    InUse(PathBuf),
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        what: &'static str,
        path: PathBuf,
        source: io::Error,
    },
}

impl BindError {
    /// What to do about it, where the message does not say it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Path(error) => Some(error.hint()),
            _ => None,
        }
    }
}

impl Bound {
    /// The socket that was handed over, else one made at `path`.
    ///
    /// # Errors
    /// Where the place is not safe, is too long, or is in use.
    pub fn acquire(path: &Path) -> Result<Self, BindError> {
        let handed = handed_over()
            .map_err(|source| failed("use the handed-over socket for", path, source))?;
        match handed {
            Some(listener) => {
                let address = listener.local_addr().ok();
                let path = address
                    .as_ref()
                    .and_then(|address| address.as_pathname())
                    .unwrap_or(path);
                Ok(Self {
                    path: path.to_owned(),
                    listener,
                    own: None,
                })
            }
            None => Self::make(path),
        }
    }

    fn make(path: &Path) -> Result<Self, BindError> {
        check_socket_path(path)?;
        let dir = path.parent().unwrap_or(Path::new("/"));
        secure_dir(dir)?;
        let mut lock_file = path.as_os_str().to_owned();
        lock_file.push(".lock");
        let lock = Lock::take(Path::new(&lock_file))?;
        remove_stale(path)?;
        let listener = UnixListener::bind(path).map_err(|source| failed("bind", path, source))?;
        let owner_only = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(path, owner_only)
            .map_err(|source| failed("protect", path, source))?;
        let metadata =
            std::fs::symlink_metadata(path).map_err(|source| failed("inspect", path, source))?;
        Ok(Self {
            listener,
            path: path.to_owned(),
            own: Some(Own {
                inode: metadata.ino(),
                lock: Some(lock),
            }),
        })
    }

    /// True where systemd or launchd made the socket and keeps it.
    pub fn handed_over(&self) -> bool {
        self.own.is_none()
    }

    /// For the runtime to accept connections with.
    ///
    /// # Errors
    /// Mostly for want of file handles.
    pub fn listen(&self) -> io::Result<tokio::net::UnixListener> {
        let listener = self.listener.try_clone()?;
        listener.set_nonblocking(true)?;
        tokio::net::UnixListener::from_std(listener)
    }

    /// Makes our socket anew where it was taken away, and perhaps its directory
    /// with it: a runtime directory goes when its user logs out, a temporary one is
    /// swept. Nothing while it is in its place.
    ///
    /// # Errors
    /// As [`Bound::acquire`]; it may be tried again.
    pub fn renew(&mut self) -> Result<Option<tokio::net::UnixListener>, BindError> {
        let Some(own) = &mut self.own else {
            return Ok(None);
        };
        if is_at(&self.path, own.inode) {
            return Ok(None);
        }
        // The lock would be in our own way; its file may be gone as well.
        own.lock = None;
        let new = Self::make(&self.path)?;
        let listener = new
            .listen()
            .map_err(|source| failed("listen on", &self.path, source))?;
        *self = new;
        Ok(Some(listener))
    }
}

fn is_at(path: &Path, inode: u64) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|now| now.ino() == inode)
}

impl Drop for Bound {
    fn drop(&mut self) {
        let Some(own) = &self.own else { return };
        // Only our own socket: another may stand there by now.
        if is_at(&self.path, own.inode) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[cfg(not(target_os = "macos"))]
fn handed_over() -> io::Result<Option<UnixListener>> {
    listenfd::ListenFd::from_env().take_unix_listener(0)
}

/// Makes the directory where it is missing and refuses one that others could
/// reach into.
fn secure_dir(dir: &Path) -> Result<(), BindError> {
    let unsafe_dir = |fault: &str| BindError::UnsafeDir {
        dir: dir.to_owned(),
        fault: fault.to_owned(),
    };
    let metadata = match std::fs::symlink_metadata(dir) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut builder = DirBuilder::new();
            builder.recursive(true).mode(0o700);
            builder
                .create(dir)
                .map_err(|source| failed("make the directory", dir, source))?;
            std::fs::symlink_metadata(dir).map_err(|source| failed("inspect", dir, source))?
        }
        Err(source) => return Err(failed("inspect", dir, source)),
    };
    if metadata.is_symlink() {
        return Err(unsafe_dir("is a symbolic link; name the directory itself"));
    }
    if !metadata.is_dir() {
        return Err(unsafe_dir("is not a directory"));
    }
    let own = rustix::process::getuid().as_raw();
    if metadata.uid() != own {
        let fault = format!(
            "belongs to user {} and spacesd runs as user {own}; use a directory of your own",
            metadata.uid()
        );
        return Err(unsafe_dir(&fault));
    }
    let mode = metadata.mode() & 0o777;
    if mode & 0o077 != 0 {
        let fault = format!(
            "is open to other users (mode {mode:03o}); run: chmod 700 {}",
            dir.display()
        );
        return Err(unsafe_dir(&fault));
    }
    Ok(())
}

/// Takes away what a dead daemon left. Only under the lock.
fn remove_stale(path: &Path) -> Result<(), BindError> {
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(failed("inspect", path, source)),
        Ok(metadata) if !metadata.file_type().is_socket() => {
            return Err(BindError::NotASocket(path.to_owned()));
        }
        Ok(_) => {}
    }
    match UnixStream::connect(path) {
        Ok(_) => Err(BindError::InUse(path.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            std::fs::remove_file(path)
                .map_err(|source| failed("remove the stale socket", path, source))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(failed("find out who serves", path, source)),
    }
}

fn failed(what: &'static str, path: &Path, source: io::Error) -> BindError {
    BindError::Io {
        what,
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::path::Path;

    use super::{BindError, Bound};

    fn mode(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    fn private_dir() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        mode(dir.path(), 0o700);
        dir
    }

    #[test]
    fn makes_a_private_place_and_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/spacesd.sock");
        let bound = Bound::make(&path).unwrap();
        assert_eq!(
            std::fs::metadata(path.parent().unwrap()).unwrap().mode() & 0o777,
            0o700
        );
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert!(matches!(Bound::make(&path), Err(BindError::Lock(_))));
        drop(bound);
        assert!(!path.exists());
    }

    #[test]
    fn takes_a_dead_daemons_place_but_not_a_living_ones() {
        let dir = private_dir();
        let path = dir.path().join("spacesd.sock");
        let other = UnixListener::bind(&path).unwrap();
        assert!(matches!(Bound::make(&path), Err(BindError::InUse(_))));
        drop(other);
        assert!(path.exists(), "the stale socket is the point of this test");
        Bound::make(&path).unwrap();
    }

    #[tokio::test]
    async fn comes_back_to_its_place_once_nobody_else_is_there() {
        let dir = private_dir();
        let path = dir.path().join("run/spacesd.sock");
        let mut bound = Bound::make(&path).unwrap();
        assert!(bound.renew().unwrap().is_none());

        std::fs::remove_file(&path).unwrap();
        let listener = bound.renew().unwrap().unwrap();
        UnixStream::connect(&path).unwrap();
        listener.accept().await.unwrap();

        std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
        let other = Bound::make(&path).unwrap();
        assert!(matches!(bound.renew(), Err(BindError::Lock(_))));
        drop(other);
        let listener = bound.renew().unwrap().unwrap();
        UnixStream::connect(&path).unwrap();
        listener.accept().await.unwrap();
        assert!(bound.renew().unwrap().is_none());
    }

    #[test]
    fn refuses_places_that_others_can_reach() {
        let dir = tempfile::tempdir().unwrap();
        let real = dir.path().join("real");
        std::fs::create_dir(&real).unwrap();
        for open in [0o770, 0o777, 0o755, 0o720] {
            mode(&real, open);
            let error = Bound::make(&real.join("s")).unwrap_err();
            assert!(error.to_string().contains("chmod 700"), "{error}");
        }
        mode(&real, 0o700);
        let link = dir.path().join("link");
        symlink(&real, &link).unwrap();
        let error = Bound::make(&link.join("s")).unwrap_err();
        assert!(error.to_string().contains("symbolic link"), "{error}");
    }

    #[test]
    fn refuses_a_file_in_its_place_and_a_long_path() {
        let dir = private_dir();
        let file = dir.path().join("spacesd.sock");
        std::fs::write(&file, "precious").unwrap();
        assert!(matches!(Bound::make(&file), Err(BindError::NotASocket(_))));
        assert_eq!(std::fs::read(&file).unwrap(), b"precious");
        let error = Bound::make(&dir.path().join("x".repeat(110))).unwrap_err();
        assert!(error.hint().is_some(), "{error}");
    }
}
