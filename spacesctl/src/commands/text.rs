use std::io::{IsTerminal, Read};

use clap::Args;
use spaces_client::spaces_api::{ErrorKind, MAX_REQUEST_BYTES};
use spaces_domain::content::check_content;
use spaces_domain::limits::CONTENT_CHARS;

use crate::failure::Failure;

/// A text given as words or on stdin.
#[derive(Args, Debug)]
pub struct Text {
    /// The text; several words are joined, `-` reads stdin
    #[arg(value_name = "TEXT", num_args = 1..)]
    words: Vec<String>,
}

impl Text {
    /// A text that a hub takes as a message. Checked here, by the hub's own rule,
    /// so that nothing is left in the spool that can never be sent.
    ///
    /// # Errors
    /// Where it is empty, too long, not UTF-8, or holds control characters.
    pub fn read(&self) -> Result<String, Failure> {
        let text = self.read_any()?;
        check(&text)?;
        Ok(text)
    }

    /// Any text.
    ///
    /// # Errors
    /// Where it is empty, not UTF-8, or larger than any request may be.
    pub fn read_any(&self) -> Result<String, Failure> {
        let text = match self.words.as_slice() {
            [] if std::io::stdin().is_terminal() => {
                return Err(
                    empty().hint("give the text as an argument, or `-` to read it from stdin")
                );
            }
            [] => stdin()?,
            [dash] if dash == "-" => stdin()?,
            words => words.join(" "),
        };
        if text.trim().is_empty() {
            return Err(empty());
        }
        Ok(text)
    }

    /// The text, where one was given.
    ///
    /// # Errors
    /// As [`Text::read`], but nothing given is no error.
    pub fn read_if_given(&self) -> Result<Option<String>, Failure> {
        match self.words.is_empty() {
            true => Ok(None),
            false => self.read().map(Some),
        }
    }
}

/// Refuses, by the hub's own rule, what no hub takes as a message.
///
/// # Errors
/// Where it is empty, too long, or holds control characters.
pub fn check(text: &str) -> Result<(), Failure> {
    let characters = text.chars().count();
    if characters > CONTENT_CHARS {
        return Err(Failure::new(
            ErrorKind::TooLarge,
            format!("the text has {characters} characters; at most {CONTENT_CHARS} are allowed"),
        )
        .hint("say less, or send it in parts"));
    }
    check_content(text).map_err(|refusal| Failure::new(ErrorKind::InvalidParams, refusal.message))
}

fn empty() -> Failure {
    Failure::new(
        ErrorKind::InvalidParams,
        "the text is empty; nothing was sent",
    )
}

fn stdin() -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let most = MAX_REQUEST_BYTES as u64 + 1;
    std::io::stdin().take(most).read_to_end(&mut bytes)?;
    if bytes.len() > MAX_REQUEST_BYTES {
        return Err(Failure::new(
            ErrorKind::TooLarge,
            format!("the text on stdin is over {MAX_REQUEST_BYTES} bytes; nothing was sent"),
        )
        .hint("post a summary and say where the whole text is"));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        Failure::new(
            ErrorKind::InvalidParams,
            format!(
                "the text on stdin is not UTF-8: {}; nothing was sent",
                error.utf8_error()
            ),
        )
    })?;
    // The newline that ends the last line belongs to the pipe, not to the text.
    Ok(text.strip_suffix('\n').map_or(text.clone(), str::to_owned))
}
