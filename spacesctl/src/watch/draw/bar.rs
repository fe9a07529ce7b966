//! The line above: how it stands. The line below: what can be done.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use spaces_client::spaces_api::HubState;
use spaces_client::spaces_api::model::DaemonStatus;

use super::words::{cut, width};
use super::{BAD, BOLD, CHOSEN, DIM, GOOD, WARN};
use crate::output::span;
use crate::watch::keys::{BINDINGS, LIST_KEYS, READING_KEYS, SEARCH_KEYS, TEXT_KEYS};
use crate::watch::state::{Link, Mode, State};

/// Hub, outbox and inbox; or that there is no daemon to tell of them.
pub fn top(frame: &mut Frame, area: Rect, state: &State) {
    let now = state.now.clock;
    let fault = match &state.link {
        Link::Following => None,
        Link::Away { since, why } => Some(format!(
            " spacesd is away for {}; waiting until it is back, shown is what it said last ({why})",
            span(since.millis_until(now))
        )),
        Link::Silent { since } => Some(format!(
            " spacesd does not answer for {}; see `spacesctl doctor`",
            span(since.millis_until(now))
        )),
    };
    if let Some(fault) = fault {
        let style = BAD.patch(CHOSEN);
        let line = Line::styled(cut(&fault, area.width), style);
        frame.render_widget(Paragraph::new(line).style(style), area);
        return;
    }
    let mut facts = vec![("Spaces".to_owned(), BOLD)];
    match &state.status {
        Some(status) => facts.extend(standing(status, state)),
        None => facts.push(("reading".to_owned(), DIM)),
    }
    frame.render_widget(Paragraph::new(fitting(facts, "  ", area.width)), area);
}

/// The facts, the most important first: what does not fit is left out.
fn standing(status: &DaemonStatus, state: &State) -> Vec<(String, Style)> {
    let hub = match status.hub.state {
        HubState::Live => ("\u{25cf} live".to_owned(), GOOD),
        HubState::Syncing => ("\u{25d0} syncing".to_owned(), WARN),
        HubState::Offline if !status.cache.ready => ("\u{25cb} offline".to_owned(), BAD),
        HubState::Offline => (
            format!(
                "\u{25cb} offline for {}",
                span(status.hub.as_of.millis_until(state.now.clock))
            ),
            BAD,
        ),
    };
    let outbox = match status.outbox.queued {
        0 => ("outbox empty".to_owned(), Style::new()),
        queued => (format!("outbox {queued} queued"), WARN),
    };
    let mut facts = vec![hub, outbox];
    if status.outbox.rejected > 0 {
        facts.push((format!("{} rejected", status.outbox.rejected), BAD));
    }
    if let Some(fault) = &status.outbox.fault {
        facts.push((cut(fault, 40), BAD));
    }
    if state.inbox > 0 {
        facts.push((format!("inbox {}", state.inbox), WARN));
    }
    if let Some(warning) = status.warnings.last() {
        facts.push((cut(&format!("! {warning}"), 40), WARN));
    }
    if let Some(name) = &status.hub.username {
        facts.push((cut(&format!("@{name}"), 40), Style::new()));
    }
    if let Some(uri) = &status.hub.uri {
        facts.push((cut(uri, 60), DIM));
    }
    facts
}

/// A remark, or the keys of what is done now.
pub fn bottom(frame: &mut Frame, area: Rect, state: &State) {
    if let Some(remark) = &state.remark {
        let style = if remark.bad { BAD.patch(BOLD) } else { GOOD };
        let line = Line::styled(cut(&format!(" {}", remark.text), area.width), style);
        frame.render_widget(Paragraph::new(line), area);
        return;
    }
    let browsing: Vec<_>;
    let keys: &[(&str, &str)] = match &state.mode {
        Mode::Browsing => {
            browsing = BINDINGS
                .iter()
                .filter_map(|binding| Some((binding.shown, binding.footer?)))
                .collect();
            &browsing
        }
        Mode::Writing => TEXT_KEYS,
        Mode::Searching(_) => SEARCH_KEYS,
        Mode::Hits { .. } | Mode::Threads { .. } => LIST_KEYS,
        Mode::Reading { .. } | Mode::Help { .. } => READING_KEYS,
    };
    let mut line = Line::default();
    for (key, what) in keys {
        line.push_span(Span::raw(" "));
        line.push_span(Span::styled((*key).to_owned(), BOLD));
        line.push_span(Span::styled(format!(" {what} "), DIM));
    }
    frame.render_widget(Paragraph::new(line), area);
}

fn fitting(facts: Vec<(String, Style)>, gap: &'static str, columns: u16) -> Line<'static> {
    let mut line = Line::raw(" ");
    let mut used = 1;
    for (text, style) in facts {
        let needed = width(&text) + width(gap);
        if used + needed > columns {
            continue;
        }
        used += needed;
        line.push_span(Span::styled(text, style));
        line.push_span(Span::raw(gap));
    }
    line
}
