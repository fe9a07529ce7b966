use super::Config;
use super::keys::{KEYS, Key, SECTIONS};

/// The reference of all keys as a configuration file: every key with its
/// documentation and default. Keys without a default are commented out.
pub fn template() -> String {
    let defaults = toml::Table::try_from(Config::default()).unwrap_or_default();
    let mut text = String::from(
        "# Settings of spacesd. Every key may be left out; the values shown are the defaults.\n\
         # Each may also be given by the environment: hub.mode as SPACES_HUB_MODE.\n\
         # Keys marked (live) are taken over while the daemon runs, the others at its next start.\n",
    );
    for key in KEYS.iter().filter(|key| !key.path.contains('.')) {
        text.push_str(&entry(key, &key.path, defaults.get(&key.path)));
    }
    for section in SECTIONS.iter() {
        text.push_str(&format!("\n# {}\n[{}]\n", section.doc, section.name));
        let default_of = |leaf: &str| defaults.get(&section.name)?.get(leaf);
        for key in KEYS.iter() {
            if let Some((name, leaf)) = key.path.split_once('.')
                && name == section.name
            {
                text.push_str(&entry(key, leaf, default_of(leaf)));
            }
        }
    }
    text
}

fn entry(key: &Key, name: &str, default: Option<&toml::Value>) -> String {
    let mut text = String::from("\n");
    let (doc, example) = match key.doc.split_once("Example:") {
        Some((doc, example)) => (doc.trim(), example.trim()),
        None => (key.doc.as_str(), "\"\""),
    };
    for line in doc.lines() {
        text.push_str(&format!("# {}\n", line.trim()));
    }
    if key.hot {
        text.push_str("# (live)\n");
    }
    match default {
        Some(value) => text.push_str(&format!("{name} = {value}\n")),
        None => text.push_str(&format!("#{name} = {example}\n")),
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::keys::KEYS;
    use super::{Config, template};

    #[test]
    fn is_a_valid_file_of_the_defaults_with_every_key() {
        let text = template();
        let config: Config = toml::from_str(&text).unwrap();
        assert_eq!(config, Config::default());
        for key in KEYS.iter() {
            let leaf = key.path.rsplit('.').next().unwrap();
            let shown = text.lines().any(|line| {
                let line = line.trim_start_matches('#');
                line.strip_prefix(leaf)
                    .is_some_and(|rest| rest.starts_with(" = "))
            });
            assert!(shown, "{} is missing", key.path);
        }
    }
}
