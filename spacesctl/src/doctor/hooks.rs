//! The hooks of agent tools, and what has gone wrong in them.

use std::collections::BTreeMap;

use spaces_api::{ErrorKind, Timestamp};
use spaces_client::Paths;

use super::report::Check;
use crate::hook::failures::{self, Failure, Kept};
use crate::hooks;
use crate::output::count;
use crate::settings::{Installed, Scope, State};

/// How far back failures are told.
const DAY_US: i64 = 24 * 3600 * 1_000_000;

pub fn checks(paths: &Paths) -> Vec<Check> {
    let mut checks = Vec::new();
    if let Ok(here) = std::env::current_dir() {
        let found = hooks::TOOLS
            .into_iter()
            .filter_map(|tool| hooks::look(tool, Scope::User, &here));
        checks.extend(installed(found.collect()));
    }
    checks.push(recent_failures(paths));
    checks
}

fn installed(found: Vec<Installed>) -> Vec<Check> {
    let mut checks = Vec::new();
    let mut names = Vec::new();
    for tool in found {
        let name = format!("{} hooks", tool.tool);
        let again = format!("`spacesctl hooks install {}`", tool.tool);
        let file = tool.file.display();
        match tool.state {
            State::Installed => names.push(tool.tool),
            State::Absent => {}
            State::Outdated => checks.push(Check::warn(
                &name,
                format!("{file} has some of the hooks, or those of another spacesctl"),
                again,
            )),
            State::Unreadable(why) => checks.push(Check::warn(
                &name,
                why,
                format!("correct {file}, then {again}"),
            )),
        }
    }
    if names.is_empty() && checks.is_empty() {
        return vec![Check::warn(
            "hooks",
            "no agent tool has the hooks",
            "`spacesctl hooks install claude-code` (or codex, gemini, cursor, opencode, git)",
        )];
    }
    if !names.is_empty() {
        checks.insert(
            0,
            Check::ok("hooks", format!("installed for {}", names.join(", "))),
        );
    }
    checks
}

fn recent_failures(paths: &Paths) -> Check {
    let since = Timestamp::from_micros(Timestamp::now().as_micros() - DAY_US);
    match failures::since(&paths.state_dir, since) {
        Ok(failures) => judge(&failures),
        Err(error) => Check::warn(
            NAME,
            format!("the failure log can't be read: {error}"),
            format!("look at {}", paths.state_dir.join(failures::FILE).display()),
        ),
    }
}

const NAME: &str = "hook failures";

fn judge(failures: &[Failure]) -> Check {
    let Some(last) = failures.last() else {
        return Check::ok(NAME, "none in the last 24 hours");
    };
    let mut reasons = BTreeMap::<&str, u64>::new();
    for failure in failures {
        *reasons.entry(&failure.reason).or_default() += 1;
    }
    let reasons: Vec<_> = reasons
        .iter()
        .map(|(reason, number)| format!("{number} {reason}"))
        .collect();
    let kept = |kept| {
        failures
            .iter()
            .filter(|failure| failure.outcome == kept)
            .count() as u64
    };
    let (spooled, lost) = (kept(Kept::Spooled), kept(Kept::Lost));
    let evidence = format!(
        "{} in the last 24 hours ({}); {spooled} spooled, {lost} lost; last at {}: {} {}: {}",
        count(failures.len() as u64, "failure"),
        reasons.join(", "),
        last.at,
        last.tool,
        last.event,
        last.detail
    );
    if lost > 0 {
        Check::fail(
            NAME,
            ErrorKind::Rejected,
            evidence,
            "correct the cause above; what was lost is with the agent that wrote it",
        )
    } else {
        Check::warn(
            NAME,
            evidence,
            "agents went on without Spaces in these calls; the checks above say why",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::judge;
    use crate::doctor::report::Outcome;
    use crate::hook::failures::{Failure, Kept};

    #[test]
    fn failures_are_counted_by_reason_and_a_loss_is_a_failure() {
        let failure = |reason, kept| Failure::now("stop", "codex", reason, "x", kept);
        assert_eq!(judge(&[]).outcome, Outcome::Ok);
        let spooled = [
            failure("timeout", Kept::Spooled),
            failure("timeout", Kept::Skipped),
        ];
        let check = judge(&spooled);
        assert_eq!(check.outcome, Outcome::Warn);
        assert!(check.evidence.contains("2 timeout") && check.evidence.contains("1 spooled"));
        assert_eq!(
            judge(&[failure("spool", Kept::Lost)]).outcome,
            Outcome::Fail
        );
    }
}
