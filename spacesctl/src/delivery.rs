use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use spaces_client::spaces_api::Wait;
use spaces_client::spaces_api::model::Context;
use uuid::Uuid;

/// What every write takes.
#[derive(Args, Clone, Debug, Default)]
pub struct Delivery {
    /// Wait until it is on this machine's disk (queued) or confirmed by the hub (sent)
    #[arg(long, value_name = "STATE", default_value = "queued",
          value_parser = ["queued", "sent"], help_heading = "Delivery")]
    wait: String,
    /// Longest wait for `sent`; afterwards the receipt says truthfully `queued`
    #[arg(long, value_name = "TIME", default_value = "10s",
          value_parser = crate::words::duration, help_heading = "Delivery")]
    wait_timeout: Duration,
    /// Idempotency key: a repeat with the same key and content writes once
    #[arg(long, value_name = "UUID", help_heading = "Delivery")]
    client_key: Option<Uuid>,
    /// The agent session for which this is done
    #[arg(
        long = "as-session",
        value_name = "ID",
        env = "SPACES_SESSION",
        help_heading = "Delivery"
    )]
    pub session: Option<String>,
}

impl Delivery {
    /// What to wait for.
    pub fn wait(&self) -> Wait {
        match self.wait.as_str() {
            "sent" => Wait::Sent,
            _ => Wait::Queued,
        }
    }

    /// The key of this write: the given one, or a new one. Made here and not by
    /// the daemon, so that a write whose fate is unknown can be left in the spool
    /// without being written twice.
    pub fn key(&self) -> Uuid {
        self.client_key.unwrap_or_else(Uuid::now_v7)
    }

    /// The wait limit for the daemon, in milliseconds.
    pub fn timeout_ms(&self) -> Option<u64> {
        (self.wait() == Wait::Sent)
            .then(|| u64::try_from(self.wait_timeout.as_millis()).unwrap_or(u64::MAX))
    }

    /// How long to wait for the daemon's answer: its own wait, and time to spare.
    pub fn call_limit(&self) -> Duration {
        let spare = Duration::from_secs(10);
        match self.wait() {
            Wait::Sent => self.wait_timeout + spare,
            Wait::Queued => spare,
        }
    }
}

/// Builds the parameters of a write with a [`Delivery`].
macro_rules! write_params {
    ($delivery:expr, $family:ident::$type:ident { $($field:ident $(: $value:expr)?),* $(,)? }) => {
        $family::$type {
            $($field $(: $value)?,)*
            client_key: Some($delivery.key()),
            wait: $delivery.wait(),
            timeout_ms: $delivery.timeout_ms(),
            session: $delivery.session.clone(),
        }
    };
}
pub(crate) use write_params;

/// Where the work happens; by default the daemon looks at the present directory.
#[derive(Args, Clone, Debug, Default)]
pub struct Place {
    /// Directory of the work, where the daemon reads repository, branch and commit
    #[arg(long, value_name = "DIR", help_heading = "Place")]
    cwd: Option<PathBuf>,
    /// Repository, as `github.com/acme/app`
    #[arg(long, help_heading = "Place")]
    repo: Option<String>,
    /// Branch
    #[arg(long, help_heading = "Place")]
    branch: Option<String>,
    /// Commit hash
    #[arg(long, help_heading = "Place")]
    commit: Option<String>,
    /// Path that the work touches, relative to the repository (repeatable)
    #[arg(long = "path", value_name = "PATH", help_heading = "Place")]
    paths: Vec<String>,
}

impl Place {
    /// The directory for the daemon to look at, absolute.
    pub fn cwd(&self) -> Option<String> {
        let dir = match &self.cwd {
            Some(dir) => std::path::absolute(dir).ok(),
            None => std::env::current_dir().ok(),
        };
        dir.and_then(|dir| dir.into_os_string().into_string().ok())
    }

    /// What was said on the command line; goes before what the directory shows.
    pub fn context(&self) -> Context {
        Context {
            repo: self.repo.clone(),
            branch: self.branch.clone(),
            commit: self.commit.clone(),
            paths: self.paths.clone(),
        }
    }
}

/// What a write takes that needs the hub at once: it is never queued.
#[derive(Args, Clone, Debug, Default)]
pub struct Authority {
    /// Idempotency key: a repeat with the same key and content acts once
    #[arg(long, value_name = "UUID", help_heading = "Delivery")]
    client_key: Option<Uuid>,
    /// The agent session for which this is done; holds it to the agent tier
    #[arg(
        long = "as-session",
        value_name = "ID",
        env = "SPACES_SESSION",
        help_heading = "Delivery"
    )]
    pub session: Option<String>,
}

impl Authority {
    /// The key of this write: the given one, or a new one.
    pub fn key(&self) -> Uuid {
        self.client_key.unwrap_or_else(Uuid::now_v7)
    }

    /// Always until the hub has confirmed it.
    pub fn wait(&self) -> Wait {
        Wait::Sent
    }

    /// The daemon's own limit.
    pub fn timeout_ms(&self) -> Option<u64> {
        None
    }
}
