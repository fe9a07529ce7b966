//! Text for the screen.

use spaces_client::spaces_api::Timestamp;
use spaces_client::spaces_api::model::{Context, Message};
use textwrap::{Options, WrapAlgorithm};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::output::{ago_from, clean, clean_line};
use crate::render;

/// Text of any length, harmless, on lines of at most `width` columns.
pub fn wrapped(text: &str, width: u16) -> Vec<String> {
    let options = Options::new(usize::from(width.max(1))).wrap_algorithm(WrapAlgorithm::FirstFit);
    clean(text)
        .replace('\t', "    ")
        .lines()
        .flat_map(|line| textwrap::wrap(line, &options))
        .map(|line| line.trim_end().to_owned())
        .collect()
}

/// Text on one line, harmless, of at most `width` columns.
pub fn cut(text: &str, width: u16) -> String {
    let line = clean_line(text);
    let width = usize::from(width);
    if line.width() <= width {
        return line.into_owned();
    }
    let mut cut = String::new();
    let mut used = 1;
    for character in line.chars() {
        used += character.width().unwrap_or(0);
        if used > width {
            break;
        }
        cut.push(character);
    }
    cut.push('\u{2026}');
    cut
}

/// Columns that a text takes.
pub fn width(text: &str) -> u16 {
    u16::try_from(text.width()).unwrap_or(u16::MAX)
}

/// `@alice/claude.app.main`, or `@alice`.
pub fn author(message: &Message) -> String {
    let name = match &message.author.agent {
        Some(agent) => agent.clone(),
        None => format!("@{}", message.author.username),
    };
    clean_line(&name).into_owned()
}

/// `acme/app main abc1234`, where known.
pub fn place(context: &Context) -> Option<String> {
    render::place(context)
}

/// `now`, `5m ago`
pub fn age(at: Timestamp, now: Timestamp) -> String {
    ago_from(at, now)
}

#[cfg(test)]
mod tests {
    use super::{cut, width, wrapped};

    #[test]
    fn lines_fit_and_nothing_is_left_out() {
        assert_eq!(wrapped("one two three", 8), ["one two", "three"]);
        assert_eq!(wrapped("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrapped("a\n\n  b", 10), ["a", "", "  b"]);
        for line in wrapped("\u{4e2d}\u{6587}\u{4e2d}\u{6587} \u{4e2d}", 5) {
            assert!(width(&line) <= 5, "{line}");
        }
        assert_eq!(wrapped("x", 0), ["x"]);
    }

    #[test]
    fn a_cut_line_says_so() {
        assert_eq!(cut("abcdef", 6), "abcdef");
        assert_eq!(cut("abcdefg", 6), "abcde\u{2026}");
        assert_eq!(cut("two\nlines", 20), "two lines");
        assert_eq!(width(&cut("\u{4e2d}\u{6587}\u{4e2d}", 4)), 3);
    }

    #[test]
    fn nothing_drives_the_terminal() {
        let hostile = "a\u{1b}[2Jb\u{1b}]0;owned\u{7}c\u{9b}31m\u{202e}d\r";
        for text in [wrapped(hostile, 40).join(""), cut(hostile, 40)] {
            assert!(!text.chars().any(char::is_control), "{text:?}");
            assert!(
                !text.contains("owned") && !text.contains('\u{202e}'),
                "{text:?}"
            );
        }
    }
}
