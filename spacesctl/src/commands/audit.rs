use std::collections::HashMap;

use clap::Args;
use spaces_client::Client;
use spaces_client::spaces_api::ServerRef;
use spaces_client::spaces_api::methods::{audit, user};
use spaces_client::spaces_api::model::Older;

use crate::ctl::Ctl;
use crate::failure::Failure;
use crate::names;
use crate::output::{BOLD, DIM, ago, clean_line};

/// An identity of SpacetimeDB in hexadecimal.
const IDENTITY_DIGITS: usize = 64;
const IDENTITY_BEGINS: &str = "c200";

/// Show who did what in a server, newest first (moderators and up)
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  spacesctl audit --limit 20")]
pub struct Audit {
    /// The server; not needed where there is only one
    #[arg(long, add = names::servers())]
    server: Option<ServerRef>,
    /// Most entries to show, 1 to 500
    #[arg(long, short = 'n')]
    limit: Option<u32>,
    /// Only entries with a lower id
    #[arg(long, value_name = "ID")]
    before: Option<u64>,
}

impl Audit {
    /// Shows the entries.
    pub fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        let params = audit::ListParams {
            server: self.server,
            limit: self.limit,
            before: self.before,
        };
        if ctl.out.is_json() {
            return ctl.read::<audit::List>(&params, |_, _| {});
        }
        let list = ctl.client.call::<audit::List>(&params)?;
        let mut users = Users::default();
        if list.entries.is_empty() {
            ctl.out.line("no entries");
        }
        for entry in &list.entries {
            let said: Vec<_> = [entry.target.as_deref(), entry.detail.as_deref()]
                .into_iter()
                .flatten()
                .map(|text| users.named_in(text, &mut ctl.client))
                .collect();
            ctl.out.line(format_args!(
                "{BOLD}@{}{BOLD:#} {} {} {DIM}{} · id {}{DIM:#}",
                clean_line(&entry.actor),
                clean_line(&entry.action),
                clean_line(&said.join(": ")),
                ago(entry.at),
                entry.id,
            ));
        }
        match (list.older, list.entries.last()) {
            (Older::More, Some(last)) => ctl
                .out
                .line(format_args!("{DIM}(older: --before {}){DIM:#}", last.id)),
            (Older::OnHub, _) => ctl.out.line(format_args!(
                "{DIM}(older entries, if any, are on the hub, which cannot be asked now){DIM:#}"
            )),
            _ => {}
        }
        ctl.out.freshness(&list.meta);
        ctl.out.flush()
    }
}

/// The log holds identities, which stay when names change. People read names.
#[derive(Default)]
struct Users(HashMap<String, Option<String>>);

impl Users {
    /// The text with the present names of users for their identities.
    fn named_in(&mut self, text: &str, client: &mut Client) -> String {
        let words = text.split_inclusive(|c: char| !c.is_ascii_alphanumeric());
        words
            .map(|word| {
                let identity = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
                match self.name(identity, client) {
                    Some(name) => word.replace(identity, &format!("@{name}")),
                    None => word.to_owned(),
                }
            })
            .collect()
    }

    fn name(&mut self, identity: &str, client: &mut Client) -> Option<&str> {
        if identity.len() != IDENTITY_DIGITS || !identity.starts_with(IDENTITY_BEGINS) {
            return None;
        }
        let known = self.0.entry(identity.to_owned()).or_insert_with(|| {
            let user = identity.into();
            let shown = client.call::<user::Show>(&user::ShowParams { user });
            Some(shown.ok()?.user.username)
        });
        known.as_deref()
    }
}
