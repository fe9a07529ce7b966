//! The keys: one table decides what a key does, what the footer shows and what
//! the help says.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::state::Pane;

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Up,
    Down,
    PageUp,
    PageDown,
    First,
    Last,
    NextPane,
    PreviousPane,
    Focus(Pane),
    Open,
    Back,
    Write,
    Reply,
    Search,
    Thread,
    Threads,
    MarkRead,
    Zoom,
    Help,
    Redraw,
    Suspend,
    /// Closes what stands before the panes; else quits.
    Leave,
    Quit,
}

/// A row of the table.
pub struct Binding {
    keys: &'static [(KeyModifiers, KeyCode)],
    action: Action,
    /// How the keys are written.
    pub shown: &'static str,
    /// What they do, as the help says it.
    pub help: &'static str,
    /// In a word, for the footer; not there if absent.
    pub footer: Option<&'static str>,
}

const NONE: KeyModifiers = KeyModifiers::NONE;
const CTRL: KeyModifiers = KeyModifiers::CONTROL;

macro_rules! bindings {
    ($($($modifiers:ident $code:expr),+ => $action:expr, $shown:literal, $help:literal, $footer:expr;)*) => {
        &[$(Binding {
            keys: &[$(($modifiers, $code)),+],
            action: $action,
            shown: $shown,
            help: $help,
            footer: $footer,
        },)*]
    };
}

/// Every key of the view; while a text is written, see [`TEXT_KEYS`].
pub const BINDINGS: &[Binding] = bindings! {
    NONE KeyCode::Tab => Action::NextPane, "Tab", "next pane", Some("pane");
    NONE KeyCode::BackTab => Action::PreviousPane, "Shift-Tab", "pane before", None;
    NONE KeyCode::Char('1') => Action::Focus(Pane::Places), "1", "channels", None;
    NONE KeyCode::Char('2') => Action::Focus(Pane::Messages), "2", "messages", None;
    NONE KeyCode::Char('3') => Action::Focus(Pane::Sessions), "3", "sessions", None;
    NONE KeyCode::Char('4') => Action::Focus(Pane::Claims), "4", "claims", None;
    NONE KeyCode::Up, NONE KeyCode::Char('k') => Action::Up, "\u{2191} k", "up; older messages come by themselves", None;
    NONE KeyCode::Down, NONE KeyCode::Char('j') => Action::Down, "\u{2193} j", "down", None;
    NONE KeyCode::PageUp, CTRL KeyCode::Char('b') => Action::PageUp, "PgUp", "a page up", None;
    NONE KeyCode::PageDown, CTRL KeyCode::Char('f') => Action::PageDown, "PgDn", "a page down", None;
    NONE KeyCode::Home, NONE KeyCode::Char('g') => Action::First, "Home g", "the first that is loaded", None;
    NONE KeyCode::End, NONE KeyCode::Char('G') => Action::Last, "End G", "the newest, and follow what comes", None;
    NONE KeyCode::Enter => Action::Open, "Enter", "open the channel, or show all of the item", Some("open");
    NONE KeyCode::Esc => Action::Back, "Esc", "close, or from a thread back to its channel", None;
    NONE KeyCode::Char('w'), NONE KeyCode::Char('i') => Action::Write, "w i", "write into what is open", Some("write");
    NONE KeyCode::Char('r') => Action::Reply, "r", "reply to the chosen message", None;
    NONE KeyCode::Char('/') => Action::Search, "/", "search; Enter on a hit jumps to it", Some("search");
    NONE KeyCode::Char('t') => Action::Thread, "t", "jump to the thread, or to what the message answers", Some("thread");
    NONE KeyCode::Char('T') => Action::Threads, "T", "threads of the channel", None;
    NONE KeyCode::Char('m') => Action::MarkRead, "m", "mark the channel as read", None;
    NONE KeyCode::Char('z') => Action::Zoom, "z", "show this pane alone, or all", Some("zoom");
    CTRL KeyCode::Char('l') => Action::Redraw, "Ctrl-L", "draw anew", None;
    CTRL KeyCode::Char('z') => Action::Suspend, "Ctrl-Z", "suspend; `fg` comes back", None;
    NONE KeyCode::Char('?'), NONE KeyCode::F(1) => Action::Help, "?", "this help", Some("help");
    NONE KeyCode::Char('q') => Action::Leave, "q", "close, or quit", Some("quit");
    CTRL KeyCode::Char('c') => Action::Quit, "Ctrl-C", "quit", None;
};

/// The keys while a text is written.
pub const TEXT_KEYS: &[(&str, &str)] = &[
    ("Enter", "send"),
    ("Alt-Enter", "new line"),
    ("Esc", "keep for later"),
];

/// The keys while something to search for is written.
pub const SEARCH_KEYS: &[(&str, &str)] = &[("Enter", "search"), ("Esc", "back")];

/// The keys in a list that stands before the panes.
pub const LIST_KEYS: &[(&str, &str)] = &[
    ("\u{2191} \u{2193}", "choose"),
    ("Enter", "jump"),
    ("Esc", "back"),
];

/// The keys in a text that stands before the panes.
pub const READING_KEYS: &[(&str, &str)] = &[("\u{2191} \u{2193}", "scroll"), ("Esc", "back")];

/// What a key does while nothing is written.
pub fn action(key: &KeyEvent) -> Option<Action> {
    // A terminal says Shift beside the capital letter or not, as it likes.
    let modifiers = key.modifiers - KeyModifiers::SHIFT;
    BINDINGS
        .iter()
        .find(|binding| binding.keys.contains(&(modifiers, key.code)))
        .map(|binding| binding.action)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

    use super::{Action, BINDINGS, action};

    #[test]
    fn no_key_has_two_meanings() {
        let mut seen = HashSet::new();
        for binding in BINDINGS {
            for key in binding.keys {
                assert!(seen.insert(*key), "{key:?} stands twice");
            }
        }
    }

    #[test]
    fn shift_makes_no_difference_to_a_capital_letter() {
        for modifiers in [KeyModifiers::NONE, KeyModifiers::SHIFT] {
            let key = KeyEvent::new(KeyCode::Char('G'), modifiers);
            assert_eq!(action(&key), Some(Action::Last));
            let key = KeyEvent::new(KeyCode::BackTab, modifiers);
            assert_eq!(action(&key), Some(Action::PreviousPane));
        }
        let alt = KeyEvent::new(KeyCode::Char('q'), KeyModifiers::ALT);
        assert_eq!(action(&alt), None);
    }
}
