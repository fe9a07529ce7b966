//! Leaving a write on disk while no daemon answers; see
//! [`spaces_api::spool`] for the form.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use spaces_api::spool::{SpooledRequest, file_name};
use spaces_api::{Access, Method, Timestamp};
use thiserror::Error;
use uuid::Uuid;

use crate::paths::Paths;

/// A write that is on disk and will be taken by the daemon when it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spooled {
    /// The key under which the daemon will know it: `outbox.show` finds it.
    pub client_key: Uuid,
    /// When it was left.
    pub spooled_at: Timestamp,
    /// Where it waits.
    pub file: PathBuf,
}

/// Why a write could not be left in the spool: nothing was kept.
#[derive(Debug, Error)]
pub enum SpoolError {
    /// Not a write that may be queued.
    #[error("`{0}` needs the daemon; it cannot be left in the spool")]
    NotQueueable(&'static str),
    /// The parameters have no JSON form as an object.
    #[error("the parameters of `{method}` cannot be written as JSON: {why}")]
    NotJson {
        /// The method.
        method: &'static str,
        /// What serde says.
        why: String,
    },
    /// The system refused.
    #[error("cannot write to the spool {}: {source}", .dir.display())]
    Io {
        /// The spool directory.
        dir: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Leaves a write in the spool. When this returns, it is on disk for good. If
/// `params` carry no client key, one is made. A second write of the same key is
/// harmless: the daemon takes a key once.
///
/// ```no_run
/// use spaces_api::methods::message;
/// use spaces_client::{Client, Paths, spool};
///
/// # fn post(params: message::SendParams) -> Result<(), Box<dyn std::error::Error>> {
/// let paths = Paths::from_env()?;
/// match Client::new(&paths.socket).call::<message::Send>(&params) {
///     Ok(written) => println!("{}", written.receipt.state.as_str()),
///     Err(error) if error.is_daemon_down() => {
///         let spooled = spool::write::<message::Send>(&paths, &params)?;
///         println!("spooled under {}", spooled.client_key);
///     }
///     Err(error) => return Err(error.into()),
/// }
/// # Ok(())
/// # }
/// ```
///
/// After an error of unknown fate ([`crate::Error::Timeout`],
/// [`crate::Error::ConnectionLost`]) pass the same `client_key` that the call
/// carried, as here.
///
/// # Errors
/// [`SpoolError`]: nothing was kept.
pub fn write<M: Method>(paths: &Paths, params: &M::Params) -> Result<Spooled, SpoolError> {
    if M::ACCESS != Access::Write {
        return Err(SpoolError::NotQueueable(M::NAME));
    }
    let not_json = |why: String| SpoolError::NotJson {
        method: M::NAME,
        why,
    };
    let mut params = serde_json::to_value(params).map_err(|error| not_json(error.to_string()))?;
    let fields = params
        .as_object_mut()
        .ok_or_else(|| not_json("they are not an object".to_owned()))?;
    let client_key = match fields.get("client_key").and_then(Value::as_str) {
        Some(key) => key
            .parse()
            .map_err(|_| not_json("`client_key` is not a UUID".to_owned()))?,
        None => {
            let key = Uuid::now_v7();
            fields.insert("client_key".to_owned(), json!(key));
            key
        }
    };
    // No daemon would wait for a file's answer.
    fields.remove("wait");
    fields.remove("timeout_ms");
    let request = SpooledRequest::now(M::NAME, params);
    let bytes = serde_json::to_vec(&request).map_err(|error| not_json(error.to_string()))?;
    let dir = paths.spool_dir();
    let name = file_name(request.spooled_at, client_key);
    let file = dir.join(&name);
    store(&dir, &name, &bytes).map_err(|source| SpoolError::Io { dir, source })?;
    Ok(Spooled {
        client_key,
        spooled_at: request.spooled_at,
        file,
    })
}

fn store(dir: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let unfinished = dir.join(format!(".{name}"));
    let stored = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&unfinished)
        .and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        })
        .and_then(|()| std::fs::rename(&unfinished, dir.join(name)));
    if stored.is_err() {
        // What is left is not a request; a disk that is full may even need the room.
        let _ = std::fs::remove_file(&unfinished);
        return stored;
    }
    File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use serde_json::json;
    use spaces_api::methods::{channel, message};
    use spaces_api::spool::{SpooledRequest, is_request};

    use super::{SpoolError, write};
    use crate::paths::Paths;

    fn paths(dir: &Path) -> Paths {
        Paths {
            config_file: dir.join("config.toml"),
            state_dir: dir.join("state"),
            cache_dir: dir.join("cache"),
            socket: dir.join("d.sock"),
        }
    }

    fn post(text: &str) -> message::SendParams {
        serde_json::from_value(json!({ "channel": "#a", "content": text, "wait": "sent" })).unwrap()
    }

    #[test]
    fn a_spooled_post_is_a_whole_private_request() {
        let dir = tempfile::tempdir().unwrap();
        let paths = paths(dir.path());
        let spooled = write::<message::Send>(&paths, &post("hello")).unwrap();
        let read: SpooledRequest =
            serde_json::from_slice(&std::fs::read(&spooled.file).unwrap()).unwrap();
        assert_eq!(read.method, "message.send");
        assert_eq!(read.params["content"], "hello");
        assert_eq!(read.params["client_key"], json!(spooled.client_key));
        assert!(read.params.get("wait").is_none(), "{}", read.params);
        // The daemon parses it as any other request.
        serde_json::from_value::<message::SendParams>(read.params).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&spooled.file), 0o600);
        assert_eq!(mode(&paths.spool_dir()), 0o700);
    }

    #[test]
    fn posts_keep_their_order_and_leave_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let paths = paths(dir.path());
        let written: Vec<_> = (0..20)
            .map(|number| {
                write::<message::Send>(&paths, &post(&number.to_string()))
                    .unwrap()
                    .file
            })
            .collect();
        let mut names: Vec<_> = std::fs::read_dir(paths.spool_dir())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        names.sort();
        assert_eq!(names, written);
        assert!(
            names
                .iter()
                .all(|path| is_request(path.file_name().unwrap().to_str().unwrap()))
        );
    }

    #[test]
    fn the_callers_key_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let key = uuid::Uuid::new_v4();
        let mut params = post("once");
        params.client_key = Some(key);
        let spooled = write::<message::Send>(&paths(dir.path()), &params).unwrap();
        assert_eq!(spooled.client_key, key);
    }

    #[test]
    fn admin_work_is_not_spooled() {
        let dir = tempfile::tempdir().unwrap();
        let params = serde_json::from_value(json!({ "name": "x" })).unwrap();
        let error = write::<channel::Create>(&paths(dir.path()), &params).unwrap_err();
        assert!(matches!(error, SpoolError::NotQueueable("channel.create")));
    }

    #[test]
    fn a_spool_that_cannot_be_written_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("state"), "a file, not a directory").unwrap();
        let error = write::<message::Send>(&paths(dir.path()), &post("x")).unwrap_err();
        assert!(matches!(error, SpoolError::Io { .. }), "{error}");
    }
}
