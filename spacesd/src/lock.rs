//! Exclusive locks that say who holds them.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Held until it is dropped or the process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Why a lock was not taken.
#[derive(Debug, Error)]
pub enum LockError {
    #[error("another spacesd (process {holder}) holds {}", path.display())]
    Held { path: PathBuf, holder: String },
    #[error("cannot lock {}: {source}", path.display())]
    Io {
        path: PathBuf,
        source: std::io::Error,
    },
}

impl LockError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Held { holder, .. } => format!(
                "it runs already: a socket of its own that was taken away comes back within 5 s; if it has another one, end it with `kill {holder}`, or name another state directory with SPACES_STATE_DIR"
            ),
            Self::Io { .. } => "spacesd accepts nothing that it cannot keep: make the directory writable, or name another with SPACES_STATE_DIR".to_owned(),
        }
    }
}

impl Lock {
    /// Takes the lock of this file, which is made if it is not there, without waiting.
    ///
    /// # Errors
    /// [`LockError::Held`] with the process that holds it.
    pub fn take(path: &Path) -> Result<Self, LockError> {
        let failed = |source| LockError::Io {
            path: path.to_owned(),
            source,
        };
        // Not truncated: the holder's process id stands in it.
        let mut options = OpenOptions::new();
        options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600);
        let mut file = options.open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                file.read_to_string(&mut holder).map_err(failed)?;
                let holder = holder.trim().to_owned();
                return Err(LockError::Held {
                    path: path.to_owned(),
                    holder: if holder.is_empty() {
                        "unknown".into()
                    } else {
                        holder
                    },
                });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        // Says who holds it; a full disk does not weaken the lock.
        let noted = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()));
        if let Err(error) = noted {
            tracing::warn!(path = %path.display(), %error, "the lock does not tell who holds it");
        }
        Ok(Self { _file: file })
    }
}

#[cfg(test)]
mod tests {
    use super::{Lock, LockError};

    #[test]
    fn a_second_taker_learns_who_holds_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let first = Lock::take(&path).unwrap();
        match Lock::take(&path).unwrap_err() {
            LockError::Held { holder, .. } => assert_eq!(holder, std::process::id().to_string()),
            other => panic!("{other}"),
        }
        drop(first);
        Lock::take(&path).unwrap();
    }
}
