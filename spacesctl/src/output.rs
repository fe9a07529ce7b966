use std::borrow::Cow;
use std::fmt;
use std::io::{self, Write};

use serde::Serialize;
use spaces_client::spaces_api::{Meta, Timestamp};

use crate::failure::Failure;

/// What a command prints: gathered, then written at once, so that a command
/// costs one write and a half-written page never passes for a whole one.
#[derive(Debug)]
pub struct Out {
    as_json: bool,
    text: String,
}

impl Out {
    /// Prints text, or with `as_json` one JSON value a line.
    pub fn new(as_json: bool) -> Self {
        Self {
            as_json,
            text: String::new(),
        }
    }

    /// Whether programs read the output.
    pub fn is_json(&self) -> bool {
        self.as_json
    }

    /// Adds a line of text.
    pub fn line(&mut self, line: impl fmt::Display) {
        use fmt::Write as _;
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "{line}");
    }

    /// Adds JSON text as a line. Characters that a terminal could take as
    /// commands are escaped; to a JSON parser nothing changes.
    pub fn json_text(&mut self, json: &str) {
        for character in json.chars() {
            if matches!(character, '\u{7f}'..='\u{9f}') {
                use fmt::Write as _;
                let _ = write!(self.text, "\\u{:04x}", u32::from(character));
            } else {
                self.text.push(character);
            }
        }
        self.text.push('\n');
    }

    /// Adds a value as a line of JSON.
    ///
    /// # Errors
    /// Where the value has no JSON form.
    pub fn json(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(value).map_err(io::Error::other)?;
        self.json_text(&text);
        Ok(())
    }

    /// Writes what was gathered.
    ///
    /// # Errors
    /// Where stdout cannot be written.
    pub fn flush(&mut self) -> Result<(), Failure> {
        let mut stdout = anstream::stdout().lock();
        stdout.write_all(self.text.as_bytes())?;
        stdout.flush()?;
        self.text.clear();
        Ok(())
    }

    /// What was gathered and not yet written.
    #[cfg(test)]
    pub fn gathered(&self) -> &str {
        &self.text
    }

    /// Says below a page how fresh it is, when it is not the present.
    pub fn freshness(&mut self, meta: &Meta) {
        if !meta.is_current() {
            self.line(format_args!(
                "{DIM}(hub {}; as of {}){DIM:#}",
                meta.hub_word(),
                ago(meta.as_of)
            ));
        }
    }
}

/// Style of what is less important.
pub const DIM: anstyle::Style = anstyle::Style::new().dimmed();
/// Style of names and headings.
pub const BOLD: anstyle::Style = anstyle::Style::new().bold();
/// Style of what is well.
pub const GOOD: anstyle::Style = anstyle::AnsiColor::Green.on_default();
/// Style of what needs attention.
pub const WARN: anstyle::Style = anstyle::AnsiColor::Yellow.on_default();
/// Style of what is wrong.
pub const BAD: anstyle::Style = anstyle::AnsiColor::Red.on_default();

/// Text from others made harmless for a terminal: escape sequences, control
/// characters and characters that reorder text are taken out; line ends and
/// tabs stay.
pub fn clean(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_harmful) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(
        anstream::adapter::strip_str(text)
            .to_string()
            .chars()
            .filter(|character| !is_harmful(*character))
            .collect(),
    )
}

/// As [`clean`], on one line.
pub fn clean_line(text: &str) -> Cow<'_, str> {
    match clean(text) {
        cleaned if cleaned.contains(['\n', '\t']) => {
            Cow::Owned(cleaned.split_whitespace().collect::<Vec<_>>().join(" "))
        }
        cleaned => cleaned,
    }
}

fn is_harmful(character: char) -> bool {
    match character {
        '\n' | '\t' => false,
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        other => other.is_control(),
    }
}

/// `now`, `40s ago`, `5m ago`, `3h ago`, `2d ago`, or the date.
pub fn ago(at: Timestamp) -> String {
    ago_from(at, Timestamp::now())
}

/// As [`ago`], as of a given moment.
pub fn ago_from(at: Timestamp, now: Timestamp) -> String {
    let seconds = at.millis_until(now) / 1000;
    match seconds {
        0..5 => "now".to_owned(),
        5..1_209_600 => format!("{} ago", span(seconds * 1000)),
        _ => at.to_string().chars().take(10).collect(),
    }
}

/// A length of time in its largest unit: `40s`, `5m`, `3h`, `2d`.
pub fn span(millis: u64) -> String {
    let seconds = millis / 1000;
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..86_400 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// Time until a moment to come: `in 5m`, or `over`.
pub fn until(at: Timestamp) -> String {
    until_from(at, Timestamp::now())
}

/// As [`until`], as of a given moment.
pub fn until_from(at: Timestamp, now: Timestamp) -> String {
    match now.millis_until(at) {
        0 => "over".to_owned(),
        // Rounded: an hour that was just given is an hour, not 59 minutes.
        millis => format!("in {}", span(millis.saturating_add(30_000))),
    }
}

/// A size with its unit: `640 B`, `1.5 MB`.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["B", "kB", "MB", "GB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1000.0 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    match unit {
        0 => format!("{bytes} B"),
        _ => format!("{value:.1} {}", UNITS[unit]),
    }
}

/// `1 message`, `2 messages`.
pub fn count(number: u64, thing: &str) -> String {
    match number {
        1 => format!("1 {thing}"),
        _ => format!("{number} {thing}s"),
    }
}

#[cfg(test)]
mod tests {
    use spaces_client::spaces_api::Timestamp;

    use super::{Out, ago_from, clean, clean_line, size};

    #[test]
    fn escape_sequences_do_not_reach_the_terminal() {
        for (given, harmless) in [
            ("plain \u{e9}\u{4e2d}", "plain \u{e9}\u{4e2d}"),
            ("a\u{1b}[31mred\u{1b}[0m b", "ared b"),
            ("\u{1b}]52;c;aGk=\u{7}clip", "clip"),
            ("\u{1b}]8;;http://x\u{1b}\\link\u{1b}]8;;\u{1b}\\", "link"),
            ("bell\u{7} back\u{8} cr\r", "bell back cr"),
            ("bidi \u{202e}gnp.exe", "bidi gnp.exe"),
            ("line\n\tkept", "line\n\tkept"),
        ] {
            assert_eq!(clean(given), harmless, "{given:?}");
        }
        assert!(!clean("\u{9b}31mc1").contains('\u{9b}'));
        assert_eq!(clean_line("two\n  lines"), "two lines");
    }

    #[test]
    fn json_stays_the_same_value_and_is_harmless() {
        let mut out = Out::new(true);
        let value = serde_json::json!({ "text": "\u{1b}[31m \u{9b}31m \u{7f}" });
        out.json(&value).unwrap();
        assert!(!out.text.trim_end().chars().any(char::is_control));
        let read: serde_json::Value = serde_json::from_str(&out.text).unwrap();
        assert_eq!(read, value);
    }

    #[test]
    fn ages_are_short() {
        let now = Timestamp::from_micros(1_700_000_000_000_000);
        let before = |seconds: i64| {
            ago_from(
                Timestamp::from_micros(now.as_micros() - seconds * 1_000_000),
                now,
            )
        };
        assert_eq!(before(0), "now");
        assert_eq!(before(-30), "now");
        assert_eq!(before(59), "59s ago");
        assert_eq!(before(60), "1m ago");
        assert_eq!(before(7_200), "2h ago");
        assert_eq!(before(86_400 * 3), "3d ago");
        assert_eq!(before(86_400 * 30), "2023-10-15");
    }

    #[test]
    fn sizes_are_short() {
        assert_eq!(size(999), "999 B");
        assert_eq!(size(1_500_000), "1.5 MB");
    }
}
