use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};
use spaces_client::spaces_api::ErrorKind;
use spaces_module_wasm::WASM;

use super::super::launch::make_private_dir;
use crate::ctl::{Ctl, note};
use crate::failure::Failure;
use crate::http::{Method, Server};
use crate::output::{clean, size};

/// Publish the module to a server, or update it there
///
/// Works with any SpacetimeDB 2.x server and with Maincloud. The identity that
/// publishes first owns the hub. Before an update the server says what it would
/// change; an update that it cannot make leaves everything as it was.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  spacesctl module publish --server http://127.0.0.1:3000
  spacesctl module publish --server https://maincloud.spacetimedb.com --database acme-spaces \\
      --token-file ~/.config/spacetime/token
  spacesctl module publish --server http://127.0.0.1:3000 --plan      only say what would change")]
pub struct Publish {
    /// Address of the server, http(s)://HOST[:PORT]
    #[arg(long, value_name = "URI")]
    server: String,
    /// Name of the database
    #[arg(long, value_name = "NAME", default_value = "spaces")]
    database: String,
    /// File with the token of the identity that publishes; one is made and kept if absent
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Another module than the one inside spacesctl
    #[arg(long, value_name = "FILE")]
    module: Option<PathBuf>,
    /// Only say what would change
    #[arg(long)]
    plan: bool,
    /// Consent to an update that disconnects the clients of the present module
    #[arg(long)]
    break_clients: bool,
}

impl Publish {
    /// Publishes, or plans.
    pub fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        let wasm = match &self.module {
            Some(file) => std::fs::read(file).map_err(|error| cannot_read(file, &error))?,
            None => WASM.to_vec(),
        };
        let mut server = Server::new(&self.server)?;
        server
            .get("/v1/ping")?
            .accepted(&format!("{} is no SpacetimeDB server", server.uri))?;
        progress(ctl, &format!("{} answers", server.uri));
        let token = self.token(ctl, &server)?;
        server.speak_for(token);

        let path = format!("/v1/database/{}", self.database);
        let there = server.get(&path)?;
        let mut query = String::from("?host_type=Wasm");
        let mut plan = Value::Null;
        if there.status == 404 {
            progress(
                ctl,
                &format!("{} is not there yet: it will be made", self.database),
            );
        } else {
            there.accepted(&format!("cannot look at {}", self.database))?;
            progress(
                ctl,
                &format!(
                    "{} is there: asking what an update would change",
                    self.database
                ),
            );
            plan = self.asked(&server, &path, &wasm)?;
            query.push_str(&self.policy(&plan)?);
        }
        if self.plan {
            return show_plan(ctl, &plan);
        }
        progress(
            ctl,
            &format!("sending the module, {}", size(wasm.len() as u64)),
        );
        let answer = server
            .send(Method::Put, &format!("{path}{query}"), &wasm)?
            .accepted(&format!(
                "the module was not published to {}",
                self.database
            ))
            .map_err(|failure| hint_for(failure, &self.database))?
            .json()?;
        let done = &answer["Success"];
        if done.is_null() {
            return Err(Failure::new(
                ErrorKind::Rejected,
                format!(
                    "the module was not published to {}: {answer}",
                    self.database
                ),
            ));
        }
        if ctl.out.is_json() {
            ctl.out.json(done)?;
        } else {
            ctl.out.line(format_args!(
                "published to {} at {}",
                self.database, server.uri
            ));
        }
        ctl.out.flush()
    }

    /// What an update would change, by the server's word.
    fn asked(&self, server: &Server, path: &str, wasm: &[u8]) -> Result<Value, Failure> {
        let plan = server
            .send(
                Method::Post,
                &format!("{path}/pre_publish?pretty_print_style=NoColor&host_type=Wasm"),
                wasm,
            )?
            .accepted("the server does not plan the update")
            .map_err(|failure| hint_for(failure, &self.database))?
            .json()?;
        if let Some(manual) = plan.get("ManualMigrate") {
            return Err(Failure::new(
                ErrorKind::Rejected,
                format!(
                    "{} cannot be updated to this module without losing data; nothing was changed:\n{}",
                    self.database,
                    manual["reason"].as_str().unwrap_or("no reason was given")
                ),
            )
            .hint(
                "publish under another --database, or keep the present module: clients of this \
                 version need its schema",
            ));
        }
        Ok(plan["AutoMigrate"].clone())
    }

    /// The consent that the server asks for, as part of the request.
    fn policy(&self, plan: &Value) -> Result<String, Failure> {
        if plan["break_clients"] != json!(true) || self.plan {
            return Ok(String::new());
        }
        if !self.break_clients {
            return Err(Failure::new(
                ErrorKind::Conflict,
                format!(
                    "the update disconnects the clients of the present module; nothing was changed:\n{}",
                    plan["migrate_plan"].as_str().unwrap_or_default()
                ),
            )
            .hint("daemons connect again by themselves; consent with --break-clients"));
        }
        Ok(format!(
            "&policy=BreakClients&token={}",
            plan["token"].as_str().unwrap_or_default()
        ))
    }

    /// The token of the publisher: the given one, or the one made for this server
    /// before, or a new one.
    fn token(&self, ctl: &Ctl, server: &Server) -> Result<String, Failure> {
        if let Some(file) = &self.token_file {
            let token = std::fs::read_to_string(file).map_err(|error| cannot_read(file, &error))?;
            return Ok(token.trim().to_owned());
        }
        let name: String = server
            .uri
            .replace("://", "-")
            .chars()
            .map(|character| match character {
                'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '-' => character,
                _ => '_',
            })
            .collect();
        let file = ctl
            .paths
            .state_dir
            .join("publishers")
            .join(format!("{name}.token"));
        if let Ok(token) = std::fs::read_to_string(&file) {
            return Ok(token.trim().to_owned());
        }
        let made = server
            .send(Method::Post, "/v1/identity", b"")?
            .accepted("the server gives no identity")?
            .json()?;
        let token = made["token"].as_str().ok_or_else(|| {
            Failure::new(
                ErrorKind::Internal,
                "the server's new identity has no token",
            )
        })?;
        // Before it is used: who loses the token loses the hub.
        keep(&file, token)?;
        progress(
            ctl,
            &format!(
                "a new identity publishes; its token is kept in {}",
                file.display()
            ),
        );
        Ok(token.to_owned())
    }
}

fn show_plan(ctl: &mut Ctl, plan: &Value) -> Result<(), Failure> {
    if ctl.out.is_json() {
        ctl.out.json(plan)?;
    } else {
        match plan["migrate_plan"].as_str() {
            Some(text) => ctl.out.line(clean(text.trim_end())),
            None => ctl.out.line("a new database would be made"),
        }
        if plan["break_clients"] == json!(true) {
            ctl.out
                .line("the update disconnects clients: it needs --break-clients");
        }
    }
    ctl.out.flush()
}

fn hint_for(failure: Failure, database: &str) -> Failure {
    match failure.kind {
        ErrorKind::PermissionDenied => failure.hint(format!(
            "{database} belongs to another identity: give its token with --token-file (of a \
             spaces-hub it is owner.token in the data directory)"
        )),
        _ => failure,
    }
}

fn keep(file: &Path, token: &str) -> Result<(), Failure> {
    if let Some(dir) = file.parent() {
        make_private_dir(dir)?;
    }
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .and_then(|mut file| {
            file.write_all(token.as_bytes())?;
            file.sync_all()
        })
        .map_err(|error| {
            let mut failure = Failure::from(error);
            failure.message = format!(
                "cannot keep the token in {}: {}",
                file.display(),
                failure.message
            );
            failure
        })
}

fn cannot_read(file: &Path, error: &std::io::Error) -> Failure {
    Failure::new(
        ErrorKind::InvalidParams,
        format!("cannot read {}: {error}", file.display()),
    )
}

fn progress(ctl: &Ctl, what: &str) {
    if !ctl.out.is_json() {
        note(what);
    }
}
