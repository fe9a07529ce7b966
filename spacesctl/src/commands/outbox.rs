use std::time::Duration;

use clap::{Args, Subcommand};
use spaces_client::spaces_api::ReceiptState;
use spaces_client::spaces_api::methods::outbox;
use spaces_client::spaces_api::model::OutboxItem;
use uuid::Uuid;

use crate::confirm::Confirm;
use crate::ctl::{Ctl, receipt_line};
use crate::failure::Failure;
use crate::output::{BAD, DIM, Out, ago, clean_line, count, size};

/// The durable queue of writes that the hub has not confirmed yet
#[derive(Debug, Subcommand)]
pub enum Outbox {
    /// List what waits, and what the hub refused, oldest first
    List(List),
    /// Show the receipt of a write
    Show(Show),
    /// Queue a refused write again
    Retry(Retry),
    /// Take a refused write out of the outbox
    Drop(Drop),
    /// Wait until nothing is queued
    Flush(Flush),
}

/// List what waits, and what the hub refused, oldest first
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  spacesctl outbox list
  spacesctl outbox list --rejected")]
pub struct List {
    /// Only refused ones
    #[arg(long)]
    rejected: bool,
    /// Most to show, 1 to 1,000
    #[arg(long, short = 'n')]
    limit: Option<u32>,
}

/// Show the receipt of a write
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  spacesctl outbox show 0198c0de-7000-7000-8000-000000000001")]
pub struct Show {
    /// Client key of the write
    key: Uuid,
}

/// Queue a refused write again
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  spacesctl outbox retry 0198c0de-7000-7000-8000-000000000001")]
pub struct Retry {
    /// Client key of the write
    key: Uuid,
}

/// Take a refused write out of the outbox
///
/// A queued one can be taken out only if it was never tried.
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  spacesctl outbox drop 0198c0de-7000-7000-8000-000000000001 --yes"
)]
pub struct Drop {
    /// Client key of the write
    key: Uuid,
    #[command(flatten)]
    confirm: Confirm,
}

/// Wait until nothing is queued
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  spacesctl outbox flush --timeout 60s")]
pub struct Flush {
    /// Longest wait, at most 60s
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = crate::words::duration)]
    timeout: Duration,
}

impl Outbox {
    /// Does what was asked.
    pub fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        match self {
            Self::List(list) => list.run(ctl),
            Self::Show(show) => ctl.read::<outbox::Show>(
                &outbox::KeyParams {
                    client_key: show.key,
                },
                one,
            ),
            Self::Retry(retry) => ctl.read::<outbox::Retry>(
                &outbox::KeyParams {
                    client_key: retry.key,
                },
                one,
            ),
            Self::Drop(drop) => {
                drop.confirm
                    .ask(&format!("Drop the write {} unsent", drop.key))?;
                ctl.read::<outbox::Drop>(
                    &outbox::KeyParams {
                        client_key: drop.key,
                    },
                    |out, shown| out.line(format_args!("dropped {}", shown.receipt.client_key)),
                )
            }
            Self::Flush(flush) => flush.run(ctl),
        }
    }
}

impl List {
    fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        let params = outbox::ListParams {
            rejected: self.rejected,
            limit: self.limit,
        };
        ctl.read::<outbox::List>(&params, |out, list| {
            for row in &list.items {
                item(out, row);
            }
            let status = &list.status;
            out.line(format_args!(
                "{DIM}{} queued, {} rejected, {}; room for {} and {}{DIM:#}",
                status.queued,
                status.rejected,
                size(status.bytes),
                count(status.max_items, "write"),
                size(status.max_bytes)
            ));
        })
    }
}

impl Flush {
    fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        let params = outbox::FlushParams {
            timeout_ms: Some(u64::try_from(self.timeout.as_millis()).unwrap_or(u64::MAX)),
        };
        let limit = self.timeout + Duration::from_secs(5);
        ctl.ask::<outbox::Flush>(&params, limit, |out, flushed| match flushed.still_queued {
            0 => out.line("nothing is queued"),
            queued => out.line(format_args!("{} still queued", count(queued, "write"))),
        })
        .map(drop)
    }
}

fn one(out: &mut Out, shown: &outbox::Shown) {
    match &shown.item {
        Some(row) => item(out, row),
        None => out.line(receipt_line(&shown.receipt, "write")),
    }
}

fn item(out: &mut Out, row: &OutboxItem) {
    let receipt = &row.receipt;
    out.line(receipt_line(
        receipt,
        &format!("{} to {}", row.method, row.target),
    ));
    let tries = match row.attempts {
        0 => "not tried yet".to_owned(),
        attempts => format!("{attempts} tries"),
    };
    out.line(format_args!(
        "    {DIM}{} · queued {} · {tries}{DIM:#}",
        size(row.bytes),
        ago(receipt.queued_at)
    ));
    let reason = match receipt.state {
        ReceiptState::Rejected => receipt.reason.as_ref(),
        _ => row.last_error.as_ref(),
    };
    if let Some(reason) = reason {
        out.line(format_args!("    {BAD}{}{BAD:#}", clean_line(reason)));
    }
}
