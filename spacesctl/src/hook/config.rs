//! The few settings that hooks need, straight from the configuration file: the
//! daemon, which checks the whole file, may not be there.

use std::path::Path;

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(default)]
pub struct Config {
    /// Channel for summaries.
    pub agent_log: String,
    pub hooks: Hooks,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Hooks {
    /// Refuse an edit of a path that another session claims exclusively.
    pub deny_claimed: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            agent_log: "#agent-logs".to_owned(),
            hooks: Hooks::default(),
        }
    }
}

/// The settings, with defaults for a file that is not there.
///
/// # Errors
/// The file can't be read or understood, in words; the defaults then hold.
pub fn load(file: &Path) -> Result<Config, String> {
    match std::fs::read_to_string(file) {
        Ok(text) => toml::from_str(&text)
            .map_err(|error| format!("{}: {}", file.display(), error.message())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Config::default()),
        Err(error) => Err(format!("{}: {error}", file.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::load;

    #[test]
    fn settings_of_others_are_passed_over_and_a_broken_file_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config.toml");
        assert_eq!(load(&file).unwrap().agent_log, "#agent-logs");
        std::fs::write(
            &file,
            "agent_log = \"#x\"\n[hub]\nmode = \"local\"\n[hooks]\ndeny_claimed = true\n",
        )
        .unwrap();
        let config = load(&file).unwrap();
        assert_eq!(config.agent_log, "#x");
        assert!(config.hooks.deny_claimed);
        std::fs::write(&file, "agent_log = ").unwrap();
        assert!(load(&file).unwrap_err().contains("config.toml"));
    }
}
