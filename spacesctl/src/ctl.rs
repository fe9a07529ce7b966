use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;
use spaces_client::spaces_api::{ErrorKind, Method, Receipt, ReceiptState, Wait, Written};
use spaces_client::{Client, Paths, spool};

use crate::delivery::{Authority, Delivery};
use crate::failure::Failure;
use crate::output::{BAD, DIM, GOOD, Out, WARN, clean};

/// What a command works with: the places, the daemon and the output.
#[derive(Debug)]
pub struct Ctl {
    /// Where the files live.
    pub paths: Paths,
    /// The daemon. Connects at the first call.
    pub client: Client,
    /// Stdout.
    pub out: Out,
}

/// Longest wait for the answer to a read: it comes from memory.
const READ_LIMIT: Duration = Duration::from_secs(10);

impl Ctl {
    /// Does not connect yet: some commands need no daemon.
    ///
    /// # Errors
    /// Where the places of the files cannot be told.
    pub fn new(as_json: bool, socket: Option<PathBuf>) -> Result<Self, Failure> {
        let mut paths = Paths::from_env().map_err(spaces_client::Error::from)?;
        if let Some(socket) = socket {
            paths.socket = std::path::absolute(socket)?;
        }
        Ok(Self {
            client: Client::new(&paths.socket),
            out: Out::new(as_json),
            paths,
        })
    }

    /// Calls a read or a local method and prints its result: with `--json` as it
    /// is, else by `show`.
    ///
    /// # Errors
    /// The daemon's, or that it cannot be reached.
    pub fn read<M: Method>(
        &mut self,
        params: &M::Params,
        show: impl FnOnce(&mut Out, &M::Result),
    ) -> Result<(), Failure> {
        self.ask::<M>(params, READ_LIMIT, show).map(drop)
    }

    /// As [`Ctl::read`] with a limit of its own, and gives the result.
    ///
    /// # Errors
    /// As [`Ctl::read`].
    pub fn ask<M: Method>(
        &mut self,
        params: &M::Params,
        limit: Duration,
        show: impl FnOnce(&mut Out, &M::Result),
    ) -> Result<M::Result, Failure> {
        let raw = self.client.call_raw(M::NAME, params, limit)?;
        let result = self.client.read_result(M::NAME, &raw)?;
        if self.out.is_json() {
            self.out.json_text(raw.get());
        } else {
            show(&mut self.out, &result);
        }
        self.out.flush()?;
        Ok(result)
    }

    /// Calls a write whose result is a receipt and says what became of it.
    ///
    /// # Errors
    /// The daemon's, that it cannot be reached, or that the hub refused.
    pub fn write<M: Method<Result = Written>>(
        &mut self,
        how: &impl Deliver,
        what: &str,
        params: &M::Params,
    ) -> Result<(), Failure> {
        self.make::<M>(
            how,
            params,
            |result| &result.receipt,
            |out, result| out.line(receipt_line(&result.receipt, what)),
        )
    }

    /// Calls a write that makes something worth showing.
    ///
    /// # Errors
    /// As [`Ctl::write`].
    pub fn make<M: Method>(
        &mut self,
        how: &impl Deliver,
        params: &M::Params,
        receipt: fn(&M::Result) -> &Receipt,
        show: impl FnOnce(&mut Out, &M::Result),
    ) -> Result<(), Failure> {
        let result = self.ask::<M>(params, how.call_limit(), |out, result| {
            if receipt(result).state != ReceiptState::Rejected {
                show(out, result);
            }
        })?;
        self.judge(receipt(&result), how.wait())
    }

    /// As [`Ctl::make`], for writes that may be left in the spool while no daemon
    /// answers, or one that stops takes none any more.
    ///
    /// # Errors
    /// As [`Ctl::write`]; without a daemon, where the spool cannot be written.
    pub fn write_or_spool<M: Method>(
        &mut self,
        how: &Delivery,
        what: &str,
        params: &M::Params,
        receipt: fn(&M::Result) -> &Receipt,
        show: impl FnOnce(&mut Out, &M::Result),
    ) -> Result<(), Failure> {
        match self.make::<M>(how, params, receipt, show) {
            Err(failure) if failure.daemon_down || failure.kind == ErrorKind::Busy => {
                self.spool::<M>(what, params, &failure)
            }
            outcome => outcome,
        }
    }

    fn spool<M: Method>(
        &mut self,
        what: &str,
        params: &M::Params,
        why: &Failure,
    ) -> Result<(), Failure> {
        let spooled = spool::write::<M>(&self.paths, params).map_err(|error| {
            let mut failure = Failure::from(error);
            failure.message = format!("{}; and {}", why.message, failure.message);
            failure
        })?;
        if self.out.is_json() {
            self.out.json(&json!({ "receipt": {
                "client_key": spooled.client_key,
                "state": "spooled",
                "spooled_at": spooled.spooled_at,
            }}))?;
        } else {
            self.out.line(format_args!(
                "{WARN}spooled{WARN:#}: {} {DIM}(client key {}){DIM:#}",
                clean(what),
                spooled.client_key
            ));
            note(&format!(
                "{}; it is on this machine's disk, not queued yet: the daemon takes it when it \
                 starts (`spacesctl up`)",
                why.message
            ));
        }
        self.out.flush()
    }

    /// Ends a write by its receipt.
    ///
    /// # Errors
    /// Where the hub refused it.
    pub fn judge(&self, receipt: &Receipt, wait: Wait) -> Result<(), Failure> {
        if receipt.state == ReceiptState::Rejected {
            return Err(Failure::rejected(receipt));
        }
        if wait == Wait::Sent && receipt.state == ReceiptState::Queued && !self.out.is_json() {
            note(
                "the hub has not confirmed it yet; it stays in the outbox and is sent by itself \
                 (see `spacesctl outbox list`)",
            );
        }
        Ok(())
    }
}

/// How a write is delivered.
pub trait Deliver {
    /// What it waits for.
    fn wait(&self) -> Wait;
    /// How long to wait for the daemon's answer.
    fn call_limit(&self) -> Duration;
}

impl Deliver for Delivery {
    fn wait(&self) -> Wait {
        Self::wait(self)
    }

    fn call_limit(&self) -> Duration {
        Self::call_limit(self)
    }
}

impl Deliver for Authority {
    fn wait(&self) -> Wait {
        Self::wait(self)
    }

    fn call_limit(&self) -> Duration {
        Duration::from_secs(30)
    }
}

/// `sent: post to #general (message 12)`
pub fn receipt_line(receipt: &Receipt, what: &str) -> String {
    let state = receipt.state.as_str();
    let style = match receipt.state {
        ReceiptState::Sent => GOOD,
        ReceiptState::Queued => WARN,
        ReceiptState::Rejected => BAD,
    };
    let which = match receipt.message_id {
        Some(id) => format!("id {id}"),
        None => format!("client key {}", receipt.client_key),
    };
    format!(
        "{style}{state}{style:#}: {} {DIM}({which}){DIM:#}",
        clean(what)
    )
}

/// A remark on stderr that is neither output nor failure.
pub fn note(text: &str) {
    anstream::eprintln!("{DIM}note: {}{DIM:#}", clean(text));
}
