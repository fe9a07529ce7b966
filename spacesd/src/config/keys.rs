//! The keys of the configuration, read from the types themselves, so that
//! checks, the printed reference and reloading cannot miss one.

use std::sync::LazyLock;

use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::Config;

/// One key, such as `hub.mode`.
#[derive(Debug)]
pub struct Key {
    /// Sections and name, joined by dots.
    pub path: String,
    /// Its documentation.
    pub doc: String,
    /// True where a new value is taken over without a restart.
    pub hot: bool,
}

/// A section, such as `hub`.
#[derive(Debug)]
pub struct Section {
    pub name: String,
    pub doc: String,
}

/// Keys of which a new value is taken over while the daemon runs.
const HOT: &[&str] = &[
    "cache.max_age_days",
    "cache.max_messages",
    "outbox.max_age_days",
    "outbox.max_bytes",
    "outbox.max_items",
    "server",
    "agent_log",
    "log.level",
    "hooks.deny_claimed",
];

static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    let generator = SchemaSettings::draft2020_12()
        .with(|settings| settings.inline_subschemas = true)
        .into_generator();
    generator.into_root_schema_for::<Config>().to_value()
});

/// Every key, the ones without a section first.
pub static KEYS: LazyLock<Vec<Key>> = LazyLock::new(|| {
    let mut keys = Vec::new();
    for (name, schema) in properties(&SCHEMA) {
        match schema.get("properties") {
            None => keys.push(key(name.clone(), schema)),
            Some(_) => {
                let inner = properties(schema);
                keys.extend(inner.map(|(leaf, schema)| key(format!("{name}.{leaf}"), schema)));
            }
        }
    }
    keys.sort_by_key(|key| key.path.contains('.'));
    keys
});

/// Every section.
pub static SECTIONS: LazyLock<Vec<Section>> = LazyLock::new(|| {
    properties(&SCHEMA)
        .filter(|(_, schema)| schema.get("properties").is_some())
        .map(|(name, schema)| Section {
            name: name.clone(),
            doc: doc(schema),
        })
        .collect()
});

/// The key of this path.
pub fn find(path: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.path == path)
}

/// True for the name of a section.
pub fn is_section(name: &str) -> bool {
    SECTIONS.iter().any(|section| section.name == name)
}

fn key(path: String, schema: &Value) -> Key {
    Key {
        hot: HOT.contains(&path.as_str()),
        path,
        doc: doc(schema),
    }
}

fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
}

fn doc(schema: &Value) -> String {
    let text = schema.get("description").and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{HOT, KEYS, find};

    #[test]
    fn every_key_is_documented_and_hot_ones_exist() {
        for key in KEYS.iter() {
            assert!(key.doc.len() > 10, "{} has no documentation", key.path);
        }
        for path in HOT {
            assert!(find(path).is_some_and(|key| key.hot), "{path}");
        }
        assert!(KEYS.len() >= 15);
    }
}
