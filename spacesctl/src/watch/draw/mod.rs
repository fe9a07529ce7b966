//! The state as it is seen. Everything that peers wrote passes through
//! [`words`], so that none of it drives the terminal.

mod bar;
mod before;
mod layout;
mod messages;
mod panes;
mod words;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::widgets::Paragraph;

use super::state::{Pane, State};
pub use before::scroll_end;
use layout::Areas;
pub use messages::lines_of as message_lines;

/// Names and headings.
const BOLD: Style = Style::new().add_modifier(Modifier::BOLD);
/// What is less important.
const DIM: Style = Style::new().add_modifier(Modifier::DIM);
/// What has the focus or is chosen; told by more than a colour.
const CHOSEN: Style = Style::new().add_modifier(Modifier::REVERSED);
const GOOD: Style = Style::new().fg(Color::Green);
const WARN: Style = Style::new().fg(Color::Yellow);
const BAD: Style = Style::new().fg(Color::Red);

/// Columns and rows without which nothing useful can be shown.
const LEAST: (u16, u16) = (60, 16);

/// Draws everything.
pub fn draw(frame: &mut Frame, state: &State) {
    let size = frame.area();
    if size.width < LEAST.0 || size.height < LEAST.1 {
        return too_small(frame, size);
    }
    let areas = Areas::of(size, state);
    bar::top(frame, areas.bar, state);
    if let Some(area) = areas.places {
        panes::places(frame, area, state);
    }
    if let Some(area) = areas.messages {
        messages::show(frame, area, state);
    }
    if let Some(area) = areas.draft {
        panes::draft(frame, area, state);
    }
    if let Some(area) = areas.sessions {
        panes::sessions(frame, area, state);
    }
    if let Some(area) = areas.claims {
        panes::claims(frame, area, state);
    }
    bar::bottom(frame, areas.footer, state);
    before::show(frame, areas.body, state);
}

/// Columns and rows inside a pane, as it is or would be drawn.
pub fn pane_size(state: &State, pane: Pane) -> (u16, u16) {
    let size = Rect::new(0, 0, state.size.0, state.size.1);
    let area = Areas::of(size, state).of_pane(pane).unwrap_or_default();
    let inside = layout::inside(area);
    (inside.width, inside.height)
}

fn too_small(frame: &mut Frame, size: Rect) {
    let text = format!(
        "The terminal is {}x{}.\nspacesctl watch needs {}x{}.\nMake it larger, or q to quit.",
        size.width, size.height, LEAST.0, LEAST.1
    );
    frame.render_widget(Paragraph::new(text), size);
}

#[cfg(test)]
mod tests;
