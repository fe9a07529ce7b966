use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::de::DeTable;

use super::Config;
use super::keys::{KEYS, SECTIONS, find, is_section};
use crate::nearest::nearest;

/// A value given on the command line.
#[derive(Clone, Debug)]
pub struct Flag {
    /// The key that it sets.
    pub key: &'static str,
    /// As the user wrote it: `--log-format`.
    pub name: &'static str,
    pub value: String,
}

/// Where the settings come from.
#[derive(Clone, Debug)]
pub struct Source {
    pub file: PathBuf,
    /// True where the user named the file, so that it must be there.
    pub must_exist: bool,
    /// `SPACES_*` variables of the environment.
    pub environment: HashMap<String, String>,
    pub flags: Vec<Flag>,
}

/// One mistake and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// `config.toml:3:5`, `SPACES_LOG_LEVEL` or `--log-format`.
    pub place: String,
    pub message: String,
}

/// All the mistakes of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{}: {}", problem.place, problem.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// Reads the settings from all their sources.
///
/// # Errors
/// Every mistake in any of them, with its place; nothing is half-applied.
pub fn load(source: &Source) -> Result<Config, Problems> {
    let mut reading = Reading {
        table: toml::Table::try_from(Config::default()).unwrap_or_default(),
        config: Config::default(),
        origins: HashMap::new(),
        problems: Vec::new(),
    };
    reading.file(source);
    for key in KEYS.iter() {
        let variable = format!("SPACES_{}", key.path.replace('.', "_").to_uppercase());
        if let Some(value) = source.environment.get(&variable) {
            reading.set(&key.path, words(value), variable);
        }
    }
    for flag in &source.flags {
        reading.set(flag.key, words(&flag.value), flag.name.to_owned());
    }
    reading.finish(&source.file)
}

struct Reading {
    /// The settings so far; always a valid `config`.
    table: toml::Table,
    config: Config,
    /// Where each key's value came from.
    origins: HashMap<String, String>,
    problems: Vec<Problem>,
}

impl Reading {
    fn file(&mut self, source: &Source) {
        let text = match std::fs::read_to_string(&source.file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !source.must_exist => {
                return;
            }
            Err(error) => {
                let message = format!("cannot read the configuration file: {error}");
                return self.problem(source.file.display().to_string(), message);
            }
        };
        let at = |span: Option<Range<usize>>| {
            place(&source.file, &text, span.map_or(0, |span| span.start))
        };
        let (spans, errors) = DeTable::parse_recoverable(&text);
        for error in &errors {
            self.problem(at(error.span()), error.message().to_owned());
        }
        let Ok(values) = text.parse::<toml::Table>() else {
            return;
        };
        for (name, value) in spans.get_ref() {
            let name_at = at(Some(name.span()));
            let name: &str = name.get_ref();
            match (is_section(name), value.get_ref().as_table()) {
                (true, Some(section)) => {
                    for (leaf, value) in section {
                        let path = format!("{name}.{}", leaf.get_ref());
                        let given = values
                            .get(name)
                            .and_then(|section| section.get(leaf.get_ref().as_ref()));
                        let (leaf_at, value_at) = (at(Some(leaf.span())), at(Some(value.span())));
                        self.leaf(&path, given, leaf_at, value_at);
                    }
                }
                (true, None) => {
                    let message =
                        format!("`{name}` is a section: write [{name}] and its keys below");
                    self.problem(name_at, message);
                }
                (false, _) => self.leaf(name, values.get(name), name_at, at(Some(value.span()))),
            }
        }
    }

    fn leaf(&mut self, path: &str, value: Option<&toml::Value>, name_at: String, value_at: String) {
        match (find(path), value) {
            (Some(_), Some(value)) => self.set(path, Given::Value(value.clone()), value_at),
            _ => self.problem(name_at, unknown(path)),
        }
    }

    /// Takes one value over, if the settings are still valid with it.
    fn set(&mut self, path: &str, given: Given, place: String) {
        let mut fault = None;
        for value in given.readings() {
            let mut table = self.table.clone();
            insert(&mut table, path, value);
            match Config::deserialize(toml::Value::Table(table.clone())) {
                Ok(config) => {
                    self.table = table;
                    self.config = config;
                    self.origins.insert(path.to_owned(), place);
                    return;
                }
                Err(error) => fault = Some(error.message().to_owned()),
            }
        }
        let fault = fault.unwrap_or_else(|| "has no value".into());
        self.problem(place, format!("`{path}`: {fault}"));
    }

    fn problem(&mut self, place: String, message: String) {
        let message = in_one_line(&message);
        self.problems.push(Problem { place, message });
    }

    fn finish(mut self, file: &Path) -> Result<Config, Problems> {
        for (key, fault) in self.config.faults() {
            let place = match self.origins.get(key) {
                Some(place) => place.clone(),
                None => file.display().to_string(),
            };
            self.problem(place, format!("`{key}` {fault}"));
        }
        if self.problems.is_empty() {
            Ok(self.config)
        } else {
            Err(Problems(self.problems))
        }
    }
}

/// A value as its source gives it.
enum Given {
    Value(toml::Value),
    /// Of the environment or the command line: a number or truth value if it
    /// reads as one and the key takes one, else text.
    Words(String),
}

fn words(text: &str) -> Given {
    Given::Words(text.to_owned())
}

impl Given {
    fn readings(self) -> Vec<toml::Value> {
        match self {
            Self::Value(value) => vec![value],
            Self::Words(text) => {
                let mut readings = Vec::new();
                if let Ok(number) = text.parse::<i64>() {
                    readings.push(toml::Value::Integer(number));
                }
                if let Ok(truth) = text.parse::<bool>() {
                    readings.push(toml::Value::Boolean(truth));
                }
                readings.push(toml::Value::String(text));
                readings
            }
        }
    }
}

fn insert(table: &mut toml::Table, path: &str, value: toml::Value) {
    match path.split_once('.') {
        None => {
            table.insert(path.to_owned(), value);
        }
        Some((section, leaf)) => {
            if let Some(section) = table.get_mut(section).and_then(toml::Value::as_table_mut) {
                section.insert(leaf.to_owned(), value);
            }
        }
    }
}

/// A message may quote what the file says, control characters and all.
fn in_one_line(message: &str) -> String {
    let mut line = String::new();
    for character in message.replace('\n', ", ").chars() {
        match character.is_control() {
            true => line.extend(character.escape_default()),
            false => line.push(character),
        }
    }
    line
}

fn unknown(path: &str) -> String {
    let all = KEYS.iter().map(|key| key.path.as_str());
    let section = path.split_once('.').map(|(section, _)| section);
    let in_section: Vec<&str> = match section {
        Some(section) => all
            .clone()
            .filter(|key| key.split_once('.').is_some_and(|(name, _)| name == section))
            .collect(),
        None => {
            let top = all.clone().filter(|key| !key.contains('.'));
            top.chain(SECTIONS.iter().map(|section| section.name.as_str()))
                .collect()
        }
    };
    let leaf = path.rsplit('.').next().unwrap_or(path);
    let meant = nearest(path, in_section.iter().copied()).or_else(|| {
        all.clone()
            .find(|key| key.rsplit('.').next() == Some(leaf))
            .or_else(|| nearest(path, all))
    });
    match meant {
        Some(meant) => format!("unknown key `{path}`; did you mean `{meant}`?"),
        None => format!(
            "unknown key `{path}`; known here: {}",
            in_section.join(", ")
        ),
    }
}

/// `file:line:column`, both from 1, the column in characters.
fn place(file: &Path, text: &str, offset: usize) -> String {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        + 1;
    format!("{}:{line}:{column}", file.display())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use spaces_api::model::HubMode;

    use super::{Config, Flag, Problem, Source, load};

    fn with(
        text: &str,
        environment: &[(&str, &str)],
        flags: Vec<Flag>,
    ) -> Result<Config, Vec<Problem>> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config.toml");
        std::fs::write(&file, text).unwrap();
        let environment = environment
            .iter()
            .map(|(k, v)| (k.to_string(), v.to_string()))
            .collect();
        let source = Source {
            file: file.clone(),
            must_exist: true,
            environment,
            flags,
        };
        let prefix = dir.path().display().to_string() + "/";
        load(&source).map_err(|problems| {
            let strip = |mut problem: Problem| {
                problem.place = problem.place.replace(&prefix, "");
                problem
            };
            problems.0.into_iter().map(strip).collect()
        })
    }

    fn lines(problems: Vec<Problem>) -> Vec<String> {
        problems
            .into_iter()
            .map(|problem| format!("{}: {}", problem.place, problem.message))
            .collect()
    }

    #[test]
    fn later_sources_go_before_earlier_ones() {
        let text = "[log]\nlevel = \"warn\"\n[hub]\nmode = \"remote\"\nuri = \"http://a\"\n";
        let flags = vec![Flag {
            key: "log.format",
            name: "--log-format",
            value: "json".into(),
        }];
        let config = with(
            text,
            &[
                ("SPACES_LOG_LEVEL", "debug"),
                ("SPACES_OUTBOX_MAX_ITEMS", "7"),
            ],
            flags,
        )
        .unwrap();
        assert_eq!(config.log.level, "debug");
        assert_eq!(config.log.format, super::super::LogFormat::Json);
        assert_eq!(config.outbox.max_items, 7);
        assert_eq!(config.hub.mode, HubMode::Remote);
    }

    #[test]
    fn a_number_stays_text_where_text_is_meant() {
        let config = with("", &[("SPACES_SERVER", "42")], vec![]).unwrap();
        assert_eq!(config.server.as_deref(), Some("42"));
    }

    #[test]
    fn all_mistakes_are_told_at_once_with_their_places() {
        let text = "agent_logs = \"#a\"\n[hub]\nmdoe = \"local\"\ndatabase = 5\n\n[outbox]\n  max_items = 0\n[log]\nformat = \"xml\"\nuri = \"x\"\n";
        let problems = lines(with(text, &[("SPACES_LOG_LEVEL", "lou=d=er")], vec![]).unwrap_err());
        let expect = [
            "config.toml:1:1: unknown key `agent_logs`; did you mean `agent_log`?",
            "config.toml:3:1: unknown key `hub.mdoe`; did you mean `hub.mode`?",
            "config.toml:10:1: unknown key `log.uri`; did you mean `hub.uri`?",
        ];
        for line in expect {
            assert!(
                problems.iter().any(|problem| problem == line),
                "{line} not in {problems:#?}"
            );
        }
        for start in [
            "config.toml:4:12: `hub.database`: ",
            "config.toml:7:15: `outbox.max_items` must",
            "config.toml:9:10: `log.format`: ",
            "SPACES_LOG_LEVEL: `log.level` ",
        ] {
            assert!(
                problems.iter().any(|problem| problem.starts_with(start)),
                "{start} not in {problems:#?}"
            );
        }
        assert_eq!(problems.len(), 7, "{problems:#?}");
    }

    #[test]
    fn broken_toml_and_values_that_clash_have_places() {
        let problems = lines(with("[hub\nmode = \"local\"\n", &[], vec![]).unwrap_err());
        assert!(problems[0].starts_with("config.toml:1:"), "{problems:?}");
        let problems = lines(with("[hub]\nmode = \"remote\"\n", &[], vec![]).unwrap_err());
        assert!(problems[0].contains("`hub.uri` is needed"), "{problems:?}");
        let problems = lines(with("hub = \"remote\"\n", &[], vec![]).unwrap_err());
        assert!(problems[0].contains("is a section"), "{problems:?}");
    }

    #[test]
    fn what_a_file_says_is_quoted_in_one_printable_line() {
        let text = "[hub]\nmode = \"rem\\u0000ote\\u001b[2J\\nx\"\n\"a\\u0007b\" = 1\n";
        let problems = with(text, &[], vec![]).unwrap_err();
        assert_eq!(problems.len(), 2, "{problems:?}");
        for Problem { message, .. } in problems {
            assert!(!message.contains(char::is_control), "{message:?}");
        }
    }

    #[test]
    fn a_missing_file_is_fine_unless_it_was_named() {
        let mut source = Source {
            file: "/nonexistent/config.toml".into(),
            must_exist: false,
            environment: HashMap::new(),
            flags: vec![],
        };
        assert_eq!(load(&source).unwrap(), Config::default());
        source.must_exist = true;
        assert!(load(&source).is_err());
    }
}
