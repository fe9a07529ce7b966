//! Any other tool: plain text on standard output.

use crate::hook::event::Outcome;

pub fn write(outcome: &Outcome) -> String {
    [&outcome.deny, &outcome.context, &outcome.notice]
        .into_iter()
        .flatten()
        .map(|text| format!("{}\n", text.trim_end()))
        .collect()
}
