use std::time::Duration;

use clap::Args;
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use serde_json::Value;
use spaces_client::spaces_api::{ErrorKind, METHODS};

use crate::ctl::Ctl;
use crate::failure::Failure;

/// Call a method of the daemon by name and print its result as JSON
///
/// `rpc.discover` describes every method.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  spacesctl rpc daemon.ping
  spacesctl rpc message.list '{\"channel\": \"#agent-logs\", \"limit\": 5}'
  echo '{\"channel\": \"general\", \"content\": \"hi\"}' | spacesctl rpc message.send -
  spacesctl rpc rpc.discover | jq -r '.methods[].name'")]
pub struct Rpc {
    /// `family.verb`
    #[arg(add = methods())]
    method: String,
    /// The named parameters as one JSON object; `-` reads them from stdin
    #[arg(value_name = "JSON", default_value = "{}")]
    params: String,
    /// Longest wait for the answer
    #[arg(long, value_name = "TIME", default_value = "70s", value_parser = crate::words::duration)]
    timeout: Duration,
}

impl Rpc {
    /// Calls the method.
    pub fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        let text = match self.params.as_str() {
            "-" => std::io::read_to_string(std::io::stdin())?,
            _ => self.params,
        };
        let params: Value = serde_json::from_str(&text).map_err(|error| {
            Failure::new(
                ErrorKind::ParseError,
                format!("the parameters are not valid JSON: {error}"),
            )
        })?;
        if !params.is_object() {
            return Err(Failure::new(
                ErrorKind::InvalidParams,
                "the parameters are not a JSON object",
            )
            .hint("name them: '{\"channel\": \"#general\"}'"));
        }
        let result = ctl.client.call_raw(&self.method, &params, self.timeout)?;
        ctl.out.json_text(result.get());
        ctl.out.flush()
    }
}

fn methods() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        METHODS
            .iter()
            .map(|method| CompletionCandidate::new(method.name).help(Some(method.summary.into())))
            .collect()
    })
}
