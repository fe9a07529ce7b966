use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use notify::{RecursiveMode, Watcher};
use tokio::sync::{mpsc, watch};
use tracing::{info, warn};

use super::keys::KEYS;
use super::{Config, Problems, Source, load};

/// The settings in force. Some may change while the daemon runs.
#[derive(Debug)]
pub struct Settings {
    source: Source,
    in_force: watch::Sender<Arc<Config>>,
}

/// What a new reading of the settings changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    /// Keys whose new value is in force.
    pub applied: Vec<String>,
    /// Keys whose new value waits for the next start.
    pub needs_restart: Vec<String>,
}

impl Settings {
    pub fn new(source: Source, config: Config) -> Self {
        Self {
            source,
            in_force: watch::Sender::new(Arc::new(config)),
        }
    }

    /// The settings now.
    pub fn current(&self) -> Arc<Config> {
        self.in_force.borrow().clone()
    }

    /// Told of each change.
    pub fn subscribe(&self) -> watch::Receiver<Arc<Config>> {
        self.in_force.subscribe()
    }

    /// The file that they are read from.
    pub fn file(&self) -> &Path {
        &self.source.file
    }

    /// Reads them again and takes over what can be taken over.
    ///
    /// # Errors
    /// Every mistake; then all stays as it was.
    pub fn reload(&self) -> Result<Changed, Problems> {
        let new = load(&self.source)?;
        let mut changed = Changed::default();
        self.in_force.send_if_modified(|current| {
            let (config, difference) = merge(current, &new);
            changed = difference;
            let modified = !changed.applied.is_empty();
            if modified {
                *current = Arc::new(config);
            }
            modified
        });
        Ok(changed)
    }
}

/// The present settings with the changed hot keys of the new ones.
fn merge(current: &Config, new: &Config) -> (Config, Changed) {
    let before = toml::Table::try_from(current).unwrap_or_default();
    let after = toml::Table::try_from(new).unwrap_or_default();
    let mut changed = Changed::default();
    for key in KEYS.iter() {
        if value(&before, &key.path) != value(&after, &key.path) {
            let list = if key.hot {
                &mut changed.applied
            } else {
                &mut changed.needs_restart
            };
            list.push(key.path.clone());
        }
    }
    let mut merged = before;
    for path in &changed.applied {
        put(&mut merged, path, value(&after, path).cloned());
    }
    // Both were valid, and the keys that are taken over depend on no other.
    let merged = merged.try_into().unwrap_or_else(|_| current.clone());
    (merged, changed)
}

fn put(table: &mut toml::Table, path: &str, value: Option<toml::Value>) {
    let (table, leaf) = match path.split_once('.') {
        None => (Some(table), path),
        Some((section, leaf)) => (
            table.get_mut(section).and_then(toml::Value::as_table_mut),
            leaf,
        ),
    };
    if let Some(table) = table {
        match value {
            Some(value) => table.insert(leaf.to_owned(), value),
            None => table.remove(leaf),
        };
    }
}

fn value<'a>(table: &'a toml::Table, path: &str) -> Option<&'a toml::Value> {
    match path.split_once('.') {
        None => table.get(path),
        Some((section, leaf)) => table.get(section)?.get(leaf),
    }
}

/// Editors write a file in several steps; wait until they are done.
const SETTLE: Duration = Duration::from_millis(200);

/// Reloads whenever the file changes. Ends with the runtime.
pub async fn follow_file(settings: Arc<Settings>) {
    let file = settings.file().to_owned();
    let (Some(dir), Some(name)) = (file.parent(), file.file_name().map(ToOwned::to_owned)) else {
        return;
    };
    let (changed, mut changes) = mpsc::channel(1);
    let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let ours = event.is_ok_and(|event| {
            !event.kind.is_access()
                && event
                    .paths
                    .iter()
                    .any(|path| path.file_name() == Some(&name))
        });
        if ours {
            // A full channel already holds the news.
            let _ = changed.try_send(());
        }
    });
    // The directory, not the file: editors replace a file by renaming.
    let mut watcher = match watcher {
        Ok(watcher) => watcher,
        Err(error) => return warn!(%error, "cannot watch the configuration file"),
    };
    if let Err(error) = watcher.watch(dir, RecursiveMode::NonRecursive) {
        // Without a directory there is no file yet; SIGHUP still reloads.
        return tracing::debug!(%error, dir = %dir.display(), "the configuration directory is not watched");
    }
    while changes.recv().await.is_some() {
        tokio::time::sleep(SETTLE).await;
        while changes.try_recv().is_ok() {}
        report(&settings.reload());
    }
}

/// Logs what a reload did.
pub fn report(outcome: &Result<Changed, Problems>) {
    match outcome {
        Ok(changed) if *changed == Changed::default() => {}
        Ok(changed) => info!(
            applied = changed.applied.join(" "),
            needs_restart = changed.needs_restart.join(" "),
            "configuration reloaded"
        ),
        Err(problems) => {
            for problem in &problems.0 {
                warn!(
                    place = problem.place,
                    "configuration not reloaded: {}", problem.message
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Arc;
    use std::time::Duration;

    use super::{Changed, Settings, follow_file, merge};
    use crate::config::{Config, Source, load};

    #[test]
    fn hot_keys_are_taken_over_and_cold_ones_named() {
        let mut new = Config::default();
        new.log.level = "debug".into();
        new.server = Some("x".into());
        new.hub.database = "other".into();
        new.log.format = crate::config::LogFormat::Json;
        let (merged, changed) = merge(&Config::default(), &new);
        assert_eq!(changed.applied, ["server", "log.level"]);
        assert_eq!(changed.needs_restart, ["hub.database", "log.format"]);
        assert_eq!(merged.log.level, "debug");
        assert_eq!(merged.hub.database, "spaces");
        assert_eq!(merged.log.format, crate::config::LogFormat::Text);
    }

    #[tokio::test]
    async fn a_changed_file_is_taken_over_and_a_broken_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config.toml");
        std::fs::write(&file, "").unwrap();
        let source = Source {
            file: file.clone(),
            must_exist: true,
            environment: HashMap::new(),
            flags: vec![],
        };
        let config = load(&source).unwrap();
        let settings = Arc::new(Settings::new(source, config));
        let mut news = settings.subscribe();
        let follower = tokio::spawn(follow_file(settings.clone()));
        // The watch may not be in place at once: write until it is seen.
        let seen = async {
            while !news.has_changed().unwrap() {
                std::fs::write(&file, "agent_log = \"#work\"\n").unwrap();
                let _ = tokio::time::timeout(Duration::from_millis(300), news.changed()).await;
                if settings.current().agent_log == "#work" {
                    break;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(10), seen)
            .await
            .unwrap();
        assert_eq!(settings.current().agent_log, "#work");
        std::fs::write(&file, "agent_lgo = 1\n").unwrap();
        assert!(settings.reload().is_err());
        assert_eq!(settings.current().agent_log, "#work");
        std::fs::write(&file, "agent_log = \"#work\"\n").unwrap();
        assert_eq!(settings.reload().unwrap(), Changed::default());
        follower.abort();
    }
}
