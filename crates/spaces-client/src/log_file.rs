//! The log of a program that no service manager keeps one for.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// A log larger than this is set aside when it is opened again.
const LARGEST: u64 = 8 * 1024 * 1024;

/// Opens a log to add to, for its owner alone. One that has become large is set
/// aside first, as `NAME.log.old`, in the place of the one before it.
///
/// # Errors
/// Where it can be neither set aside nor written.
pub fn open(path: &Path) -> io::Result<File> {
    if fs::metadata(path).is_ok_and(|log| log.len() > LARGEST) {
        fs::rename(path, path.with_extension("log.old"))?;
    }
    File::options()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
}
