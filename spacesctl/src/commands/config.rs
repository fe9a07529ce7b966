use std::io;
use std::path::Path;

use clap::{Args, Subcommand};
use serde_json::json;
use spaces_client::spaces_api::ErrorKind;
use toml_edit::{DocumentMut, value};

use super::launch::make_private_dir;
use crate::ctl::Ctl;
use crate::failure::Failure;

/// The configuration file
#[derive(Debug, Subcommand)]
pub enum Config {
    /// Print where the configuration file is
    Path(Where),
    /// Print the configuration file
    #[command(alias = "show")]
    Print(Print),
}

/// Print where the configuration file is
///
/// The file need not exist: every setting has a default.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  spacesctl config path
  $EDITOR \"$(spacesctl config path)\" && spacesctl reload
  spacesctl config path --json      all the places of Spaces")]
pub struct Where {}

/// Print the configuration file
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  spacesctl config print")]
pub struct Print {}

impl Config {
    /// Does what was asked.
    pub fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        let paths = &ctl.paths;
        match self {
            Self::Path(Where {}) if ctl.out.is_json() => {
                let places = json!({
                    "config_file": paths.config_file,
                    "state_dir": paths.state_dir,
                    "cache_dir": paths.cache_dir,
                    "socket": paths.socket,
                    "log_file": paths.log_file(),
                });
                ctl.out.json(&places)?;
            }
            Self::Path(Where {}) => {
                let line = paths.config_file.display().to_string();
                ctl.out.line(line);
            }
            Self::Print(Print {}) => print(ctl)?,
        }
        ctl.out.flush()
    }
}

fn print(ctl: &mut Ctl) -> Result<(), Failure> {
    let file = ctl.paths.config_file.clone();
    let text = read(&file)?;
    if ctl.out.is_json() {
        return ctl
            .out
            .json(&json!({ "file": file, "exists": text.is_some(), "text": text }));
    }
    match text {
        Some(text) => ctl.out.line(text.trim_end()),
        None => ctl.out.line(format_args!(
            "# {} does not exist: every setting has its default",
            file.display()
        )),
    }
    Ok(())
}

/// The file's text; nothing where there is no file.
fn read(file: &Path) -> Result<Option<String>, Failure> {
    match std::fs::read_to_string(file) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::new(
            ErrorKind::InvalidParams,
            format!("cannot read {}: {error}", file.display()),
        )),
    }
}

/// The configuration as it was before it was changed.
pub struct Before<'a> {
    file: &'a Path,
    text: Option<String>,
}

impl Before<'_> {
    /// Has it be so again.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn put_back(self) -> Result<(), Failure> {
        match self.text {
            Some(text) => replace(self.file, &text),
            None => Ok(std::fs::remove_file(self.file)?),
        }
    }
}

/// Points the configuration at a remote hub, and leaves all else in the file,
/// comments too, as it is.
///
/// # Errors
/// Where the file is not TOML, or cannot be written; then it is as it was.
pub fn point_at<'a>(file: &'a Path, uri: &str, database: &str) -> Result<Before<'a>, Failure> {
    let text = read(file)?;
    let mut document: DocumentMut =
        text.as_deref()
            .unwrap_or_default()
            .parse()
            .map_err(|error| {
                Failure::new(
                    ErrorKind::InvalidParams,
                    format!("{} is not valid TOML: {error}", file.display()),
                )
                .hint("correct the file; nothing was changed")
            })?;
    let hub = document
        .entry("hub")
        .or_insert(toml_edit::table())
        .as_table_like_mut()
        .ok_or_else(|| {
            Failure::new(
                ErrorKind::InvalidParams,
                format!("`hub` in {} is not a table", file.display()),
            )
        })?;
    hub.insert("mode", value("remote"));
    hub.insert("uri", value(uri));
    hub.insert("database", value(database));
    replace(file, &document.to_string())?;
    Ok(Before { file, text })
}

/// Writes the whole file beside, then puts it in place: never half a file.
fn replace(file: &Path, text: &str) -> Result<(), Failure> {
    if let Some(dir) = file.parent() {
        make_private_dir(dir)?;
    }
    // A link, to a directory of dotfiles for example, stays a link.
    let file = file.canonicalize().unwrap_or_else(|_| file.to_owned());
    let beside = file.with_extension("toml.new");
    std::fs::write(&beside, text)
        .and_then(|()| std::fs::File::open(&beside)?.sync_all())
        .and_then(|()| std::fs::rename(&beside, &file))
        .map_err(|error| {
            Failure::new(
                ErrorKind::InvalidParams,
                format!("cannot write {}: {error}", file.display()),
            )
        })
}

#[cfg(test)]
mod tests {
    use super::point_at;

    #[test]
    fn only_the_hub_changes() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config.toml");
        std::fs::write(
            &file,
            "# mine\nagent_log = \"#work\" # kept\n\n[hub] # here\nmode = \"local\"\n\n[log]\nlevel = \"debug\"\n",
        )
        .unwrap();
        let before = point_at(&file, "https://hub.example.org", "team").unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        assert_eq!(
            text,
            "# mine\nagent_log = \"#work\" # kept\n\n[hub] # here\nmode = \"remote\"\n\
             uri = \"https://hub.example.org\"\ndatabase = \"team\"\n\n[log]\nlevel = \"debug\"\n"
        );
        before.put_back().unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(
            text.contains("[hub] # here\nmode = \"local\"\n\n"),
            "{text}"
        );
    }

    #[test]
    fn a_missing_file_is_made_and_a_broken_one_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("new/config.toml");
        let before = point_at(&file, "http://a:1", "spaces").unwrap();
        assert!(
            std::fs::read_to_string(&file)
                .unwrap()
                .contains("mode = \"remote\"")
        );
        before.put_back().unwrap();
        assert!(!file.exists());
        std::fs::write(&file, "mode = [").unwrap();
        assert!(point_at(&file, "http://b:1", "spaces").is_err());
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "mode = [");
    }
}
