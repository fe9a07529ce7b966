use anstyle::{AnsiColor, Style};
use serde::Serialize;
use spaces_api::ErrorKind;

use crate::output::{DIM, Out, clean_line};

/// What one check found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Check {
    pub name: String,
    #[serde(rename = "result")]
    pub outcome: Outcome,
    /// What was tried and seen.
    pub evidence: String,
    /// What to do, where there is something to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// Of a failure: decides the exit code.
    #[serde(skip)]
    pub kind: Option<ErrorKind>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Ok,
    /// Works, with something to know of.
    Warn,
    Fail,
    /// Could not be checked, because something before it failed.
    Skipped,
}

impl Check {
    pub fn ok(name: &str, evidence: impl Into<String>) -> Self {
        Self::new(name, Outcome::Ok, evidence)
    }

    pub fn warn(name: &str, evidence: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            remedy: Some(remedy.into()),
            ..Self::new(name, Outcome::Warn, evidence)
        }
    }

    pub fn fail(
        name: &str,
        kind: ErrorKind,
        evidence: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            remedy: Some(remedy.into()),
            kind: Some(kind),
            ..Self::new(name, Outcome::Fail, evidence)
        }
    }

    pub fn skipped(name: &str, evidence: impl Into<String>) -> Self {
        Self::new(name, Outcome::Skipped, evidence)
    }

    fn new(name: &str, outcome: Outcome, evidence: impl Into<String>) -> Self {
        Self {
            name: name.to_owned(),
            outcome,
            evidence: evidence.into(),
            remedy: None,
            kind: None,
        }
    }

    pub fn show(&self, out: &mut Out) {
        let (word, style) = match self.outcome {
            Outcome::Ok => ("ok", AnsiColor::Green.on_default()),
            Outcome::Warn => ("warn", AnsiColor::Yellow.on_default()),
            Outcome::Fail => ("FAIL", AnsiColor::Red.on_default().bold()),
            Outcome::Skipped => ("skip", Style::new().dimmed()),
        };
        out.line(format_args!(
            "{style}{word:<4}{style:#}  {:<18} {}",
            self.name,
            clean_line(&self.evidence)
        ));
        if let Some(remedy) = &self.remedy {
            out.line(format_args!(
                "{:26}{DIM}→ {}{DIM:#}",
                "",
                clean_line(remedy)
            ));
        }
    }
}
