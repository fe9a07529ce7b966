//! `status --prompt` is on the hot path: see `main.rs`.

use std::time::{Duration, Instant};

use clap::Args;
use spaces_client::spaces_api::methods::{None as NoParams, daemon, inbox};
use spaces_client::spaces_api::model::{DaemonStatus, HubStatus};
use spaces_client::spaces_api::{HubState, VERSION};

use crate::ctl::{Ctl, note};
use crate::failure::Failure;
use crate::output::{BAD, BOLD, DIM, GOOD, Out, WARN, ago, clean_line, count, size, span};
use crate::skew;

/// Show how daemon, hub, outbox and cache are
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  spacesctl status
  spacesctl status --json | jq -r .hub.state
  PS1='$(spacesctl status --prompt) $ '     one short line, at once, never a failure")]
pub struct Status {
    /// One short line for a shell prompt or a status bar
    #[arg(long)]
    prompt: bool,
}

/// A prompt must not wait, in all: better to say that nothing is known.
const PROMPT_LIMIT: Duration = Duration::from_millis(100);
const LIMIT: Duration = Duration::from_secs(10);

impl Status {
    /// Shows the status. A prompt never fails.
    pub fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        if self.prompt {
            let line = prompt(ctl);
            ctl.out.line(line);
            return ctl.out.flush();
        }
        let status = ctl.ask::<daemon::Status>(&NoParams {}, LIMIT, show)?;
        if ctl.out.is_json()
            && let Some(notice) = skew::notice(&status.version)
        {
            note(&notice);
        }
        Ok(())
    }
}

fn prompt(ctl: &mut Ctl) -> String {
    let deadline = Instant::now() + PROMPT_LIMIT;
    let status = match ctl
        .client
        .call_within::<daemon::Status>(&NoParams {}, PROMPT_LIMIT)
    {
        Ok(status) => status,
        Err(spaces_client::Error::DaemonUnreachable { .. }) => {
            return "spaces down".to_owned();
        }
        Err(_) => return "spaces ?".to_owned(),
    };
    let left = deadline.saturating_duration_since(Instant::now());
    let unread = ctl
        .client
        .call_within::<inbox::Unread>(&NoParams {}, left)
        .map_or(0, |unread| unread.inbox);
    prompt_line(&status, unread)
}

fn prompt_line(status: &DaemonStatus, unread: u64) -> String {
    let mut facts = vec![match status.hub.state {
        HubState::Live => "live".to_owned(),
        HubState::Syncing => "syncing".to_owned(),
        HubState::Offline if status.cache.ready => {
            format!("offline {}", span(status.hub.stale_for_ms))
        }
        HubState::Offline => "offline".to_owned(),
    }];
    if status.outbox.queued > 0 {
        facts.push(format!("{} queued", status.outbox.queued));
    }
    if status.outbox.rejected > 0 {
        facts.push(format!("{} rejected", status.outbox.rejected));
    }
    if unread > 0 {
        facts.push(format!("{unread} unread"));
    }
    if !status.warnings.is_empty() || status.outbox.fault.is_some() || status.version != VERSION {
        facts.push("!".to_owned());
    }
    format!("spaces {}", facts.join(" "))
}

/// Shows a status as text.
pub fn show(out: &mut Out, status: &DaemonStatus) {
    out.line(format_args!(
        "{BOLD}spacesd {}{BOLD:#}  pid {}, up {}, {}",
        clean_line(&status.version),
        status.pid,
        span(status.uptime_ms),
        count(status.connections, "connection"),
    ));
    if let Some(notice) = skew::notice(&status.version) {
        out.line(format_args!("  {WARN}!{WARN:#} {notice}"));
    }
    hub(out, status);
    outbox(out, status);
    let ready = match status.cache.ready {
        true => format!("{GOOD}ready{GOOD:#}"),
        false => format!("{WARN}loading{WARN:#}"),
    };
    out.line(format_args!(
        "  cache    {ready}  {}, {}",
        count(status.cache.messages, "message"),
        size(status.cache.bytes)
    ));
    if status.spool.waiting > 0 || status.spool.set_aside > 0 {
        out.line(format_args!(
            "  spool    {WARN}{} waiting, {} set aside{WARN:#}",
            status.spool.waiting, status.spool.set_aside
        ));
    }
    out.line(format_args!("  socket   {}", clean_line(&status.socket)));
    out.line(format_args!("  state    {}", clean_line(&status.state_dir)));
    for warning in &status.warnings {
        out.line(format_args!("  {WARN}!{WARN:#} {}", clean_line(warning)));
    }
}

fn hub(out: &mut Out, status: &DaemonStatus) {
    let hub = &status.hub;
    let (style, sign) = match hub.state {
        HubState::Live => (GOOD, "●"),
        HubState::Syncing => (WARN, "◐"),
        HubState::Offline => (BAD, "○"),
    };
    let mut facts = vec![hub.mode.to_string()];
    facts.extend(hub.uri.clone());
    facts.push(hub.database.clone());
    if let Some(millis) = hub.round_trip_ms {
        facts.push(format!("{millis:.1} ms"));
    }
    if let Some(pid) = hub.pid {
        facts.push(format!("pid {pid}"));
    }
    out.line(format_args!(
        "  hub      {style}{sign} {}{style:#}  {}",
        hub.state.as_str(),
        clean_line(&facts.join("  "))
    ));
    if hub.state != HubState::Live {
        let age = match status.cache.ready {
            true => format!("as of {}", ago(hub.as_of)),
            false => "nothing loaded yet".to_owned(),
        };
        out.line(format_args!(
            "           {}; {age}",
            clean_line(&hub.detail)
        ));
        if let Some(error) = further_trouble(hub) {
            out.line(format_args!("           {DIM}{}{DIM:#}", clean_line(error)));
        }
    }
    if let Some(username) = &hub.username {
        out.line(format_args!("  you      @{}", clean_line(username)));
    }
}

/// The last error of the link, where its state does not tell it already.
pub fn further_trouble(hub: &HubStatus) -> Option<&str> {
    let error = hub.last_error.as_deref();
    error.filter(|error| !hub.detail.contains(error))
}

fn outbox(out: &mut Out, status: &DaemonStatus) {
    let outbox = &status.outbox;
    let waiting = match (outbox.queued, outbox.oldest_queued_at) {
        (0, _) => format!("{GOOD}empty{GOOD:#}"),
        (queued, Some(oldest)) => {
            format!("{WARN}{queued} queued{WARN:#} (oldest {})", ago(oldest))
        }
        (queued, None) => format!("{WARN}{queued} queued{WARN:#}"),
    };
    out.line(format_args!(
        "  outbox   {waiting}  {} sent since the start",
        outbox.sent_total
    ));
    if outbox.rejected > 0 {
        out.line(format_args!(
            "           {BAD}{} rejected{BAD:#}: see `spacesctl outbox list --rejected`",
            outbox.rejected
        ));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use spaces_client::spaces_api::model::DaemonStatus;

    use super::{prompt_line, show};
    use crate::output::Out;

    fn status(hub_state: &str, queued: u64) -> DaemonStatus {
        let at = "2026-01-31T12:00:00Z";
        serde_json::from_value(json!({
            "version": "0.1.0", "protocol": 1, "pid": 7, "started_at": at, "uptime_ms": 61_000,
            "socket": "/run/x.sock", "config_file": null, "state_dir": "/s", "cache_dir": "/c",
            "hub": {
                "state": hub_state, "mode": "local", "uri": "http://127.0.0.1:1", "database": "spaces",
                "detail": "waiting", "since": at, "as_of": at, "stale_for_ms": 125_000, "reconnects": 0
            },
            "outbox": {
                "queued": queued, "bytes": 0, "rejected": 0, "max_items": 1, "max_bytes": 1, "sent_total": 3
            },
            "cache": { "ready": true, "messages": 1, "last_seq": 1, "bytes": 2_000, "schema": 1 },
            "connections": 1, "subscribers": 0, "requests": 1,
            "spool": { "waiting": 0, "accepted_total": 0, "set_aside": 0 },
            "warnings": []
        }))
        .unwrap()
    }

    #[test]
    fn a_prompt_is_one_short_line() {
        assert_eq!(prompt_line(&status("live", 0), 0), "spaces live");
        assert_eq!(
            prompt_line(&status("offline", 2), 3),
            "spaces offline 2m 2 queued 3 unread"
        );
    }

    #[test]
    fn what_was_never_loaded_has_no_age() {
        let mut status = status("offline", 0);
        let shown = |status: &DaemonStatus| {
            let mut out = Out::new(false);
            show(&mut out, status);
            anstream::adapter::strip_str(out.gathered()).to_string()
        };
        assert!(shown(&status).contains("as of 2026-01-31"));
        status.cache.ready = false;
        let text = shown(&status);
        assert!(
            text.contains("nothing loaded yet") && !text.contains("as of"),
            "{text}"
        );
        assert_eq!(prompt_line(&status, 0), "spaces offline");
    }

    #[test]
    fn the_text_names_hub_outbox_and_socket() {
        let mut out = Out::new(false);
        show(&mut out, &status("offline", 2));
        let text = anstream::adapter::strip_str(out.gathered()).to_string();
        for part in [
            "spacesd 0.1.0",
            "○ offline",
            "2 queued",
            "/run/x.sock",
            "up 1m",
        ] {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
    }
}
