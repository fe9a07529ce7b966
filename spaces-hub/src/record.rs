//! `hub.json`: the few facts about this hub that are not in the database
//! itself.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use spacetimedb_lib::{Hash, Identity};

use crate::data_dir::{DataDir, write_atomically};
use crate::identity::Issuer;

const FILE: &str = "hub.json";
/// The token of the database's owner, for `spacesctl module publish` and the
/// `spacetime` command line. Mode 0600.
pub const OWNER_TOKEN_FILE: &str = "owner.token";

pub struct Record {
    path: PathBuf,
    facts: Facts,
}

#[derive(Clone, Serialize, Deserialize)]
struct Facts {
    database_identity: Identity,
    owner_identity: Identity,
    /// The module that the hub's binary (or `--module`) brought when it was
    /// last published from there; absent before the first publish.
    #[serde(skip_serializing_if = "Option::is_none")]
    published: Option<Hash>,
    /// Whether `owner.invite` was written and the module knows it.
    #[serde(default)]
    owner_invited: bool,
}

impl Record {
    /// Reads the record or, on the first start, chooses the identities of the
    /// database and its owner and writes the owner's token.
    ///
    /// # Errors
    /// When a file cannot be read, understood or written.
    pub fn open(dir: &DataDir, issuer: &Issuer) -> anyhow::Result<Self> {
        let path = dir.file(FILE);
        match fs::read(&path) {
            Ok(text) => {
                let facts = serde_json::from_slice(&text).with_context(|| {
                    format!("{} is damaged: restore it from a backup", path.display())
                })?;
                Ok(Self { path, facts })
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let owner = issuer.new_identity()?;
                let facts = Facts {
                    database_identity: issuer.new_identity()?.identity(),
                    owner_identity: owner.identity(),
                    published: None,
                    owner_invited: false,
                };
                write_atomically(
                    &dir.file(OWNER_TOKEN_FILE),
                    format!("{}\n", owner.token).as_bytes(),
                    0o600,
                )?;
                let record = Self { path, facts };
                record.save()?;
                Ok(record)
            }
            Err(error) => Err(error).with_context(|| format!("could not read {}", path.display())),
        }
    }

    pub fn database_identity(&self) -> Identity {
        self.facts.database_identity
    }

    pub fn owner_identity(&self) -> Identity {
        self.facts.owner_identity
    }

    pub fn published(&self) -> Option<Hash> {
        self.facts.published
    }

    pub fn owner_invited(&self) -> bool {
        self.facts.owner_invited
    }

    /// # Errors
    /// When the file cannot be written.
    pub fn set_published(&mut self, module: Hash) -> anyhow::Result<()> {
        self.facts.published = Some(module);
        self.save()
    }

    /// # Errors
    /// When the file cannot be written.
    pub fn set_owner_invited(&mut self) -> anyhow::Result<()> {
        self.facts.owner_invited = true;
        self.save()
    }

    fn save(&self) -> anyhow::Result<()> {
        let mut text = serde_json::to_vec_pretty(&self.facts)?;
        text.push(b'\n');
        write_atomically(&self.path, &text, 0o600)
    }
}
