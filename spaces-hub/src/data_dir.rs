//! The directory that holds everything a hub keeps, and the lock that makes
//! it this process's own.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

/// An exclusively held data directory. Dropping it releases the lock and, for
/// an ephemeral one, removes the directory.
pub struct DataDir {
    path: PathBuf,
    _lock: File,
    _temporary: Option<tempfile::TempDir>,
}

impl DataDir {
    /// Creates (mode 0700) or opens `path` and locks it.
    ///
    /// # Errors
    /// When it cannot be created, or another process holds the lock: the text
    /// then names that process.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .with_context(|| format!("could not create the data directory {}", path.display()))?;
        // The engine disables its compile cache, silently, for a relative path.
        let path = fs::canonicalize(path)
            .with_context(|| format!("could not resolve the data directory {}", path.display()))?;
        let lock = lock(&path)?;
        Ok(Self {
            path,
            _lock: lock,
            _temporary: None,
        })
    }

    /// Makes a temporary directory that lives as long as the value.
    ///
    /// Its compile cache is shared with other ephemeral hubs of this user, so
    /// that only the first one pays for compiling the module.
    ///
    /// # Errors
    /// When the directory cannot be made.
    pub fn ephemeral() -> anyhow::Result<Self> {
        let temporary = tempfile::Builder::new()
            .prefix("spaces-hub-")
            .tempdir()
            .context("could not make a temporary data directory")?;
        let path = fs::canonicalize(temporary.path())?;
        if let Err(error) = share_compile_cache(&path) {
            tracing::debug!(%error, "this ephemeral hub has a compile cache of its own");
        }
        let lock = lock(&path)?;
        Ok(Self {
            path,
            _lock: lock,
            _temporary: Some(temporary),
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

fn lock(dir: &Path) -> anyhow::Result<File> {
    let path = dir.join("hub.lock");
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .mode(0o600)
        .open(&path)
        .with_context(|| format!("could not open the lock file {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            // The text is for the message only; a hub that has just taken the
            // lock may not have written it yet.
            let _ = file.read_to_string(&mut holder);
            let holder = match holder.trim() {
                "" => String::new(),
                pid => format!(" (process {pid})"),
            };
            bail!(
                "another spaces-hub{holder} is using the data directory {}: stop it first, or give this one another --data-dir",
                dir.display()
            );
        }
        Err(TryLockError::Error(error)) => {
            return Err(error).with_context(|| format!("could not lock {}", path.display()));
        }
    }
    file.set_len(0)?;
    writeln!(file, "{}", std::process::id())?;
    Ok(file)
}

fn share_compile_cache(dir: &Path) -> anyhow::Result<()> {
    let base = match std::env::var_os("XDG_CACHE_HOME").filter(|value| !value.is_empty()) {
        Some(cache) => PathBuf::from(cache),
        None => PathBuf::from(std::env::var_os("HOME").context("HOME is not set")?).join(".cache"),
    };
    let shared = base.join("spaces-hub");
    // What lies here is machine code that will be run: nobody else may write it.
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&shared)?;
    std::os::unix::fs::symlink(&shared, dir.join("cache"))?;
    Ok(())
}

/// Replaces `path` by a file with this content and mode in one step that
/// survives a crash: a reader sees the old file or the whole new one.
///
/// # Errors
/// Any error of the file system; the old file is then still there.
pub fn write_atomically(path: &Path, content: &[u8], mode: u32) -> anyhow::Result<()> {
    let dir = match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    };
    let write = || -> anyhow::Result<()> {
        let mut file = tempfile::Builder::new()
            .prefix(".new-")
            .permissions(permissions(mode))
            .tempfile_in(dir)?;
        // The mode above is subject to the umask.
        file.as_file().set_permissions(permissions(mode))?;
        file.write_all(content)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        File::open(dir)?.sync_all()?;
        Ok(())
    };
    write().with_context(|| format!("could not write {}", path.display()))
}

fn permissions(mode: u32) -> fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(mode)
}
