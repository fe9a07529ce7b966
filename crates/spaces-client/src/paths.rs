//! Where the files of Spaces live: one answer for the daemon, the command line,
//! hooks and libraries.
//!
//! | what | default | override |
//! |---|---|---|
//! | configuration | `$XDG_CONFIG_HOME/spaces/config.toml` (`~/.config`) | `SPACES_CONFIG` |
//! | state: outbox, token, spool, log, local hub | `$XDG_STATE_HOME/spaces` (`~/.local/state`) | `SPACES_STATE_DIR` |
//! | cache | `$XDG_CACHE_HOME/spaces` (`~/.cache`) | `SPACES_CACHE_DIR` |
//! | socket | `$XDG_RUNTIME_DIR/spaces/spacesd.sock` | `SPACES_SOCKET` |
//!
//! Without a runtime directory (macOS, cron, `su`) the socket is in
//! `/run/user/$UID/spaces` if that user directory is there, else in
//! `$TMPDIR/spaces-$UID`, else in `/tmp/spaces-$UID`. The socket's place is never
//! taken from the configuration file: clients do not read that file.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Longest socket path in bytes. A socket address holds 104 bytes on macOS (108
/// on Linux), of which the last is a closing zero; the same limit everywhere
/// keeps a configuration portable.
pub const MAX_SOCKET_PATH_BYTES: usize = 103;

/// All variables that may decide a place, but HOME, which every process has.
const VARIABLES: [&str; 9] = [
    "SPACES_CONFIG",
    "SPACES_STATE_DIR",
    "SPACES_CACHE_DIR",
    "SPACES_SOCKET",
    "XDG_CONFIG_HOME",
    "XDG_STATE_HOME",
    "XDG_CACHE_HOME",
    "XDG_RUNTIME_DIR",
    "TMPDIR",
];

/// The places of one user's Spaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// The configuration file; it need not exist.
    pub config_file: PathBuf,
    /// What must survive: outbox, token, spool, event cursors, log.
    pub state_dir: PathBuf,
    /// What may be deleted at any time.
    pub cache_dir: PathBuf,
    /// The daemon's Unix socket.
    pub socket: PathBuf,
}

/// Why the places could not be found.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PathError {
    /// Neither an override nor a home directory is known.
    #[error("cannot tell where Spaces keeps its {what}: neither {variable} nor HOME is set")]
    NoHome {
        /// What was looked for.
        what: &'static str,
        /// The variable that would say it.
        variable: &'static str,
    },
    /// An override that is not an absolute path: it would mean another place in
    /// each working directory.
    #[error("{variable} is `{}`, which is not an absolute path", .value.display())]
    Relative {
        /// The variable at fault.
        variable: &'static str,
        /// What it says.
        value: PathBuf,
    },
    /// The socket's path does not fit into a socket address.
    #[error(
        "the socket path is {} bytes long, over the system's limit of {MAX_SOCKET_PATH_BYTES}: {}",
        .path.as_os_str().len(), .path.display()
    )]
    SocketPathTooLong {
        /// The path at fault.
        path: PathBuf,
    },
}

impl PathError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::NoHome { variable, .. } => format!("set HOME or {variable}"),
            Self::Relative { variable, .. } => format!("give {variable} a path that begins with /"),
            Self::SocketPathTooLong { .. } => {
                "set SPACES_SOCKET to a shorter path, for example /tmp/spaces-me/spacesd.sock"
                    .to_owned()
            }
        }
    }
}

impl Paths {
    /// The places for this process, from its environment.
    ///
    /// # Errors
    /// [`PathError`] where a place cannot be told or cannot work; see its `hint`.
    pub fn from_env() -> Result<Self, PathError> {
        Self::resolve(&Surroundings {
            variable: &|name| std::env::var_os(name),
            home: std::env::home_dir(),
            uid: rustix::process::getuid().as_raw(),
            user_runtime_dir: &own_user_runtime_dir,
        })
    }

    /// The variables of this process without which the places would be others,
    /// with their values: what to hand to a process that is started without this
    /// environment. Values that are not UTF-8 are left out.
    pub fn variables() -> Vec<(&'static str, String)> {
        Self::deciding(&Surroundings {
            variable: &|name| std::env::var_os(name),
            home: std::env::home_dir(),
            uid: rustix::process::getuid().as_raw(),
            user_runtime_dir: &own_user_runtime_dir,
        })
    }

    fn deciding(around: &Surroundings<'_>) -> Vec<(&'static str, String)> {
        let now = Self::resolve(around);
        let decides = |variable: &&&str| {
            let without = Surroundings {
                variable: &|name| {
                    (name != **variable)
                        .then(|| (around.variable)(name))
                        .flatten()
                },
                home: around.home.clone(),
                ..*around
            };
            Self::resolve(&without) != now
        };
        VARIABLES
            .iter()
            .filter(decides)
            .filter_map(|name| Some((*name, (around.variable)(name)?.into_string().ok()?)))
            .collect()
    }

    fn resolve(around: &Surroundings<'_>) -> Result<Self, PathError> {
        let config_file = match around.set_path("SPACES_CONFIG")? {
            Some(file) => file,
            None => around
                .base("configuration", "XDG_CONFIG_HOME", ".config")?
                .join("spaces/config.toml"),
        };
        let state_dir = match around.set_path("SPACES_STATE_DIR")? {
            Some(dir) => dir,
            None => around
                .base("state", "XDG_STATE_HOME", ".local/state")?
                .join("spaces"),
        };
        let cache_dir = match around.set_path("SPACES_CACHE_DIR")? {
            Some(dir) => dir,
            None => around
                .base("cache", "XDG_CACHE_HOME", ".cache")?
                .join("spaces"),
        };
        let socket = match around.set_path("SPACES_SOCKET")? {
            Some(file) => file,
            None => around.socket_dir().join("spacesd.sock"),
        };
        check_socket_path(&socket)?;
        Ok(Self {
            config_file,
            state_dir,
            cache_dir,
            socket,
        })
    }

    /// The durable queue of writes.
    pub fn outbox_db(&self) -> PathBuf {
        self.state_dir.join("outbox.db")
    }

    /// The local read model; may be deleted.
    pub fn cache_db(&self) -> PathBuf {
        self.cache_dir.join("cache.db")
    }

    /// The token of this user's identity on the hub; mode 0600.
    pub fn token_file(&self) -> PathBuf {
        self.state_dir.join("token")
    }

    /// Requests left on disk while no daemon answered.
    pub fn spool_dir(&self) -> PathBuf {
        self.state_dir.join("spool")
    }

    /// The log of a daemon that was started by `spacesctl up`.
    pub fn log_file(&self) -> PathBuf {
        self.state_dir.join("spacesd.log")
    }

    /// The data directory of the local hub.
    pub fn hub_dir(&self) -> PathBuf {
        self.state_dir.join("hub")
    }

    /// The directory of the socket.
    pub fn socket_dir(&self) -> &Path {
        self.socket.parent().unwrap_or(Path::new("/"))
    }

    /// Whether nobody but this user reaches into the directory of the socket.
    pub fn socket_dir_is_private(&self) -> bool {
        is_private(self.socket_dir(), rustix::process::getuid().as_raw())
    }
}

/// Refuses a socket path that does not fit into a socket address.
///
/// # Errors
/// [`PathError::SocketPathTooLong`] over [`MAX_SOCKET_PATH_BYTES`].
pub fn check_socket_path(socket: &Path) -> Result<(), PathError> {
    if socket.as_os_str().as_bytes().len() > MAX_SOCKET_PATH_BYTES {
        return Err(PathError::SocketPathTooLong {
            path: socket.to_owned(),
        });
    }
    Ok(())
}

/// What the places depend on, apart from the rules: given by tests as values.
struct Surroundings<'a> {
    variable: &'a dyn Fn(&str) -> Option<OsString>,
    home: Option<PathBuf>,
    uid: u32,
    user_runtime_dir: &'a dyn Fn(u32) -> Option<PathBuf>,
}

impl Surroundings<'_> {
    /// Our own variable: if it is set, it must be usable.
    fn set_path(&self, variable: &'static str) -> Result<Option<PathBuf>, PathError> {
        let Some(value) = (self.variable)(variable).filter(|value| !value.is_empty()) else {
            return Ok(None);
        };
        let value = PathBuf::from(value);
        if value.is_relative() {
            return Err(PathError::Relative { variable, value });
        }
        Ok(Some(value))
    }

    /// A variable of the XDG specification, which says that relative paths in
    /// it are to be ignored.
    fn xdg(&self, variable: &str) -> Option<PathBuf> {
        (self.variable)(variable)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    }

    fn base(
        &self,
        what: &'static str,
        variable: &'static str,
        below_home: &str,
    ) -> Result<PathBuf, PathError> {
        if let Some(base) = self.xdg(variable) {
            return Ok(base);
        }
        match &self.home {
            Some(home) if home.is_absolute() => Ok(home.join(below_home)),
            _ => Err(PathError::NoHome { what, variable }),
        }
    }

    fn socket_dir(&self) -> PathBuf {
        let runtime = self
            .xdg("XDG_RUNTIME_DIR")
            .or_else(|| (self.user_runtime_dir)(self.uid));
        if let Some(runtime) = runtime {
            return runtime.join("spaces");
        }
        let temporary = self.xdg("TMPDIR").unwrap_or_else(|| "/tmp".into());
        temporary.join(format!("spaces-{}", self.uid))
    }
}

/// The runtime directory that systemd keeps for a user who is logged in
/// somewhere. A process started by cron or `su` has no variable that says so,
/// and must still find the daemon of the login session.
fn own_user_runtime_dir(uid: u32) -> Option<PathBuf> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let dir = PathBuf::from(format!("/run/user/{uid}"));
    is_private(&dir, uid).then_some(dir)
}

/// A directory, and not a link to one, that is this user's alone.
fn is_private(dir: &Path, uid: u32) -> bool {
    dir.symlink_metadata()
        .is_ok_and(|facts| facts.is_dir() && facts.uid() == uid && facts.mode() & 0o077 == 0)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::ffi::OsString;
    use std::path::{Path, PathBuf};

    use super::{MAX_SOCKET_PATH_BYTES, PathError, Paths, Surroundings};

    fn resolve(variables: &[(&str, &str)], home: Option<&str>) -> Result<Paths, PathError> {
        resolve_with_login(variables, home, None)
    }

    fn resolve_with_login(
        variables: &[(&str, &str)],
        home: Option<&str>,
        login: Option<&str>,
    ) -> Result<Paths, PathError> {
        let variables: HashMap<_, _> = variables.iter().copied().collect();
        Paths::resolve(&Surroundings {
            variable: &|name: &str| variables.get(name).map(OsString::from),
            home: home.map(PathBuf::from),
            uid: 1000,
            user_runtime_dir: &|_| login.map(PathBuf::from),
        })
    }

    #[test]
    fn home_and_runtime_directory_are_enough() {
        let paths = resolve(&[("XDG_RUNTIME_DIR", "/run/user/1000")], Some("/home/a")).unwrap();
        assert_eq!(
            paths.config_file,
            Path::new("/home/a/.config/spaces/config.toml")
        );
        assert_eq!(paths.state_dir, Path::new("/home/a/.local/state/spaces"));
        assert_eq!(paths.cache_dir, Path::new("/home/a/.cache/spaces"));
        assert_eq!(
            paths.socket,
            Path::new("/run/user/1000/spaces/spacesd.sock")
        );
        assert_eq!(paths.socket_dir(), Path::new("/run/user/1000/spaces"));
        assert_eq!(
            paths.spool_dir(),
            Path::new("/home/a/.local/state/spaces/spool")
        );
    }

    #[test]
    fn xdg_directories_go_before_home_unless_they_are_relative() {
        let paths = resolve(
            &[("XDG_STATE_HOME", "/var/s"), ("XDG_CACHE_HOME", "cache")],
            Some("/home/a"),
        )
        .unwrap();
        assert_eq!(paths.state_dir, Path::new("/var/s/spaces"));
        assert_eq!(paths.cache_dir, Path::new("/home/a/.cache/spaces"));
    }

    #[test]
    fn own_variables_go_before_everything() {
        let paths = resolve(
            &[
                ("SPACES_CONFIG", "/c/x.toml"),
                ("SPACES_STATE_DIR", "/s"),
                ("SPACES_CACHE_DIR", "/k"),
                ("SPACES_SOCKET", "/r/d.sock"),
                ("XDG_STATE_HOME", "/elsewhere"),
            ],
            None,
        )
        .unwrap();
        assert_eq!(
            paths,
            Paths {
                config_file: "/c/x.toml".into(),
                state_dir: "/s".into(),
                cache_dir: "/k".into(),
                socket: "/r/d.sock".into(),
            }
        );
    }

    #[test]
    fn an_empty_variable_counts_as_not_set() {
        let paths = resolve(&[("SPACES_STATE_DIR", "")], Some("/home/a")).unwrap();
        assert_eq!(paths.state_dir, Path::new("/home/a/.local/state/spaces"));
    }

    #[test]
    fn a_relative_override_is_refused_by_name() {
        let error = resolve(&[("SPACES_SOCKET", "d.sock")], Some("/home/a")).unwrap_err();
        assert!(error.to_string().contains("SPACES_SOCKET"), "{error}");
        assert!(error.hint().contains('/'));
    }

    #[test]
    fn without_a_runtime_directory_the_socket_is_in_a_temporary_one() {
        let mac = resolve(&[("TMPDIR", "/var/folders/x")], Some("/Users/a")).unwrap();
        assert_eq!(
            mac.socket,
            Path::new("/var/folders/x/spaces-1000/spacesd.sock")
        );
        let bare = resolve(&[], Some("/home/a")).unwrap();
        assert_eq!(bare.socket, Path::new("/tmp/spaces-1000/spacesd.sock"));
    }

    #[test]
    fn a_process_without_the_variable_finds_the_login_sessions_socket() {
        let paths = resolve_with_login(
            &[("TMPDIR", "/var/tmp")],
            Some("/home/a"),
            Some("/run/user/1000"),
        )
        .unwrap();
        assert_eq!(
            paths.socket,
            Path::new("/run/user/1000/spaces/spacesd.sock")
        );
    }

    #[test]
    fn no_home_says_what_to_set() {
        let error = resolve(&[], None).unwrap_err();
        assert!(error.hint().contains("XDG_CONFIG_HOME"), "{error}");
    }

    #[test]
    fn a_socket_path_at_the_limit_is_taken_and_one_over_it_refused() {
        let fitting = format!("/{}", "a".repeat(MAX_SOCKET_PATH_BYTES - 1));
        assert!(resolve(&[("SPACES_SOCKET", &fitting)], Some("/home/a")).is_ok());
        let long = format!("{fitting}a");
        let error = resolve(&[("SPACES_SOCKET", &long)], Some("/home/a")).unwrap_err();
        assert!(matches!(error, PathError::SocketPathTooLong { .. }));
        assert!(error.hint().contains("SPACES_SOCKET"));
    }

    #[test]
    fn only_variables_that_decide_a_place_are_handed_on() {
        let variables = [
            ("XDG_STATE_HOME", "/home/a/.local/state"),
            ("XDG_CACHE_HOME", "/var/k"),
            ("XDG_RUNTIME_DIR", "/run/user/1000"),
            ("SPACES_SOCKET", ""),
            ("TMPDIR", "/var/tmp"),
        ];
        let values: HashMap<_, _> = variables.into_iter().collect();
        let deciding = |login: Option<&str>| {
            Paths::deciding(&Surroundings {
                variable: &|name: &str| values.get(name).map(OsString::from),
                home: Some("/home/a".into()),
                uid: 1000,
                user_runtime_dir: &|_| login.map(PathBuf::from),
            })
        };
        let cache = ("XDG_CACHE_HOME", "/var/k".to_owned());
        let runtime = ("XDG_RUNTIME_DIR", "/run/user/1000".to_owned());
        assert_eq!(
            *deciding(Some("/run/user/1000")),
            *std::slice::from_ref(&cache)
        );
        assert_eq!(deciding(None), [cache, runtime]);
    }

    #[test]
    fn this_process_has_places() {
        let paths = Paths::from_env().unwrap();
        assert!(paths.socket.is_absolute());
    }
}
