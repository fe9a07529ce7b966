//! What is where: a pure rule of the terminal's size and the focus.

use ratatui::layout::{Constraint, Layout, Rect};

use super::words;
use crate::watch::state::{Mode, Pane, State};

/// From this width on sessions and claims stand beside the messages.
const WIDE: u16 = 120;
/// Columns of the list of places.
const PLACES: u16 = 24;
/// Rows that the messages have at least, frame and all.
const MESSAGES: u16 = 8;

/// Where the parts are. A part that is not shown has no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Areas {
    pub bar: Rect,
    /// Everything between bar and footer.
    pub body: Rect,
    pub places: Option<Rect>,
    pub messages: Option<Rect>,
    /// Where a message is written.
    pub draft: Option<Rect>,
    pub sessions: Option<Rect>,
    pub claims: Option<Rect>,
    pub footer: Rect,
}

impl Areas {
    /// The places for a screen of this size.
    pub fn of(size: Rect, state: &State) -> Self {
        let [bar, body, footer] = Layout::vertical([
            Constraint::Length(1),
            Constraint::Fill(1),
            Constraint::Length(1),
        ])
        .areas(size);
        let mut areas = Self {
            bar,
            body,
            places: None,
            messages: None,
            draft: None,
            sessions: None,
            claims: None,
            footer,
        };
        if state.zoomed {
            match state.focus {
                Pane::Places => areas.places = Some(body),
                Pane::Messages => areas.messages = Some(body),
                Pane::Sessions => areas.sessions = Some(body),
                Pane::Claims => areas.claims = Some(body),
            }
        } else if body.width >= WIDE {
            areas.side_by_side(state);
        } else {
            areas.stacked(state);
        }
        areas.make_room_for_draft(state);
        areas
    }

    /// The place of a pane.
    pub fn of_pane(&self, pane: Pane) -> Option<Rect> {
        match pane {
            Pane::Places => self.places,
            Pane::Messages => self.messages,
            Pane::Sessions => self.sessions,
            Pane::Claims => self.claims,
        }
    }

    fn side_by_side(&mut self, state: &State) {
        let [places, messages, side] = Layout::horizontal([
            Constraint::Length(PLACES + 4),
            Constraint::Fill(3),
            Constraint::Fill(2),
        ])
        .areas(self.body);
        let claims_want = wanted(state.claims.items().len(), 1).min(side.height / 2);
        let [sessions, claims] =
            Layout::vertical([Constraint::Fill(1), Constraint::Length(claims_want)]).areas(side);
        self.places = Some(places);
        self.messages = Some(messages);
        self.sessions = Some(sessions);
        self.claims = Some(claims);
    }

    fn stacked(&mut self, state: &State) {
        let [places, rest] =
            Layout::horizontal([Constraint::Length(PLACES), Constraint::Fill(1)]).areas(self.body);
        // What the messages can spare, two parts for sessions, one for claims.
        let spare = rest.height.saturating_sub(MESSAGES);
        let claims_want = wanted(state.claims.items().len(), 1).min((spare / 3).max(3));
        let sessions_want =
            wanted(state.sessions.items().len(), 2).min(spare.saturating_sub(claims_want));
        let [messages, sessions, claims] = Layout::vertical([
            Constraint::Fill(1),
            Constraint::Length(sessions_want),
            Constraint::Length(claims_want),
        ])
        .areas(rest);
        self.places = Some(places);
        self.messages = Some(messages);
        self.sessions = Some(sessions);
        self.claims = Some(claims);
    }

    /// While something is written, and while something written waits.
    fn make_room_for_draft(&mut self, state: &State) {
        let writing = matches!(state.mode, Mode::Writing);
        if !writing && state.draft.text.is_empty() {
            return;
        }
        let Some(messages) = self.messages else {
            return;
        };
        let columns = inside(messages).width;
        let lines: usize = state
            .draft
            .text
            .lines()
            .iter()
            .map(|line| words::wrapped(line, columns).len().max(1))
            .sum();
        let most = (messages.height / 2).max(3);
        let rows = u16::try_from(lines + 2).unwrap_or(most).min(most);
        let [messages, draft] =
            Layout::vertical([Constraint::Fill(1), Constraint::Length(rows)]).areas(messages);
        self.messages = Some(messages);
        self.draft = Some(draft);
    }
}

/// Inside the frame of a pane.
pub fn inside(area: Rect) -> Rect {
    Rect {
        x: area.x.saturating_add(1),
        y: area.y.saturating_add(1),
        width: area.width.saturating_sub(2),
        height: area.height.saturating_sub(2),
    }
}

/// Rows for so many items, frame and all; one is kept for `none`.
fn wanted(items: usize, rows_each: usize) -> u16 {
    /// More are scrolled.
    const MOST: usize = 12;
    u16::try_from((items * rows_each).clamp(1, MOST) + 2).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;

    use super::{Areas, MESSAGES};
    use crate::watch::chooser::Chooser;
    use crate::watch::samples::{claim, session, state};
    use crate::watch::state::{Mode, Pane, State};

    fn busy() -> State {
        let mut state = state();
        let sessions = (0..9).map(|id| session(&id.to_string(), "t")).collect();
        let claims = (0..9)
            .map(|id| claim(id, "src/**", "2026-02-01T00:00:00Z"))
            .collect();
        state.sessions = Chooser::new(sessions);
        state.claims = Chooser::new(claims);
        state
    }

    fn shown(areas: &Areas) -> Vec<Rect> {
        [
            Some(areas.bar),
            areas.places,
            areas.messages,
            areas.draft,
            areas.sessions,
            areas.claims,
            Some(areas.footer),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    #[test]
    fn at_any_size_all_is_shown_and_nothing_overlaps() {
        for (width, height) in [(60, 16), (80, 24), (100, 30), (120, 24), (250, 70)] {
            for writing in [false, true] {
                for mut state in [state(), busy()] {
                    if writing {
                        state.mode = Mode::Writing;
                        state.draft.text.insert_str("one\ntwo");
                    }
                    let size = Rect::new(0, 0, width, height);
                    let areas = shown(&Areas::of(size, &state));
                    assert_eq!(areas.len(), if writing { 7 } else { 6 });
                    let covered: u32 = areas.iter().map(|area| area.area()).sum();
                    assert_eq!(covered, size.area(), "{width}x{height}: {areas:?}");
                    for area in &areas {
                        assert!(
                            area.height == 1 || area.height >= 3,
                            "{width}x{height}: {area:?} has no room"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn at_80x24_the_messages_keep_their_room() {
        let areas = Areas::of(Rect::new(0, 0, 80, 24), &busy());
        assert!(areas.messages.unwrap().height >= MESSAGES);
        assert!(areas.sessions.unwrap().height >= 6, "two sessions");
        assert!(areas.claims.unwrap().height >= 4, "two claims");
    }

    #[test]
    fn a_zoomed_pane_has_all_the_room() {
        for pane in Pane::ALL {
            let mut state = busy();
            state.zoomed = true;
            state.focus = pane;
            let areas = Areas::of(Rect::new(0, 0, 80, 24), &state);
            assert_eq!(areas.of_pane(pane), Some(areas.body));
            assert_eq!(shown(&areas).len(), 3);
        }
    }
}
