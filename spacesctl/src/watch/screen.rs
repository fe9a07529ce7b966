//! The terminal: taken over for the view and given back in every case, at the
//! end, at a panic and at a signal.

use std::io::{self, Stdout, stdout};
use std::sync::mpsc::SyncSender;

use crossterm::event::{self, DisableBracketedPaste, EnableBracketedPaste, Event};
use crossterm::execute;
use crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::layout::{Position, Rect};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use super::draw::draw;
use super::state::State;
use super::update::Input;
use super::{Happening, run_aside};

/// The terminal while it is ours.
pub struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
}

impl Screen {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// Where it does not let itself be taken.
    pub fn open() -> io::Result<Self> {
        let former = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            give_back();
            former(panic);
        }));
        take_over()?;
        match Terminal::new(CrosstermBackend::new(stdout())) {
            Ok(terminal) => Ok(Self { terminal }),
            Err(error) => {
                give_back();
                Err(error)
            }
        }
    }

    /// Columns and rows.
    ///
    /// # Errors
    /// Where the terminal does not say it.
    pub fn size(&self) -> io::Result<(u16, u16)> {
        let size = self.terminal.size()?;
        Ok((size.width, size.height))
    }

    /// Shows the state.
    ///
    /// # Errors
    /// Where the terminal cannot be written.
    pub fn show(&mut self, state: &State) -> io::Result<()> {
        self.terminal.draw(|frame| draw(frame, state)).map(drop)
    }

    /// Draws everything anew at the next time.
    ///
    /// # Errors
    /// Where the terminal cannot be written.
    pub fn forget(&mut self) -> io::Result<()> {
        // `clear` would ask the terminal where the cursor is, and wait for the
        // answer, which the thread that follows the keys would take.
        let size = self.terminal.size()?;
        self.terminal.resize(Rect::from((Position::ORIGIN, size)))
    }

    /// Gives the terminal to the shell until this process is continued.
    ///
    /// # Errors
    /// Where the terminal cannot be given or taken.
    pub fn suspend(&mut self) -> io::Result<()> {
        give_back();
        emulate_default_handler(SIGTSTP)?;
        take_over()?;
        self.forget()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

fn take_over() -> io::Result<()> {
    enable_raw_mode()?;
    let taken = execute!(stdout(), EnterAlternateScreen, EnableBracketedPaste);
    if taken.is_err() {
        give_back();
    }
    taken
}

/// Harmless where it is given back already. A terminal that is gone needs nothing.
fn give_back() {
    let _ = execute!(
        stdout(),
        DisableBracketedPaste,
        LeaveAlternateScreen,
        crossterm::cursor::Show
    );
    let _ = disable_raw_mode();
}

/// Passes on keys, pastes and changes of size, in a thread of its own.
pub fn follow_keys(to: SyncSender<Happening>) {
    run_aside(to, |to| {
        loop {
            let happening = match event::read() {
                Ok(Event::Key(key)) => Happening::Input(Input::Key(key)),
                Ok(Event::Paste(text)) => Happening::Input(Input::Paste(text)),
                Ok(Event::Resize(columns, rows)) => Happening::Input(Input::Resize(columns, rows)),
                Ok(_) => continue,
                Err(error) => Happening::Failed(error.into()),
            };
            let last = matches!(happening, Happening::Failed(_));
            if to.send(happening).is_err() || last {
                return;
            }
        }
    });
}

/// Passes on the signals that end or suspend a program, in a thread of its own.
///
/// # Errors
/// Where the system does not let them be caught.
pub fn follow_signals(to: SyncSender<Happening>) -> io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGTSTP])?;
    run_aside(to, move |to| {
        for signal in signals.forever() {
            let happening = match signal {
                SIGTSTP => Happening::Suspend,
                signal => Happening::Signal(signal),
            };
            if to.send(happening).is_err() {
                return;
            }
        }
    });
    Ok(())
}

/// Ends this process as the signal would have done.
///
/// # Errors
/// Where it does not end it.
pub fn end_by(signal: i32) -> io::Result<()> {
    emulate_default_handler(signal)
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::Command;
    use std::time::{Duration, Instant};

    use super::Screen;

    /// Not a test of its own: run in a terminal by the one below.
    #[test]
    #[ignore = "needs a terminal; run by `a_panic_gives_the_terminal_back`"]
    fn panics_while_the_terminal_is_ours() {
        let screen = Screen::open().unwrap();
        assert!(screen.size().unwrap().0 > 0);
        panic!("on purpose");
    }

    #[test]
    fn a_panic_gives_the_terminal_back() {
        let dir = tempfile::tempdir().unwrap();
        let tmux = |words: &[&str]| {
            let done = Command::new("tmux")
                .arg("-S")
                .arg(dir.path().join("tmux.sock"))
                .args(["-f", "/dev/null"])
                .args(words)
                .output()
                .expect("tmux is needed for this test (`scripts/setup --test`)");
            String::from_utf8_lossy(&done.stdout).into_owned()
        };
        let program = std::env::current_exe().unwrap();
        let name = "watch::screen::tests::panics_while_the_terminal_is_ours";
        let script = format!(
            "stty -g > before; '{}' --ignored --exact {name} --nocapture 2> err; \
             stty -g > after; touch done; sleep 600",
            program.display()
        );
        std::fs::write(dir.path().join("script"), script).unwrap();
        let place = dir.path().to_str().unwrap();
        tmux(&[
            "new-session",
            "-d",
            "-x",
            "80",
            "-y",
            "24",
            "-c",
            place,
            "sh script",
        ]);
        let done = dir.path().join("done");
        let limit = Instant::now() + Duration::from_secs(60);
        while !done.exists() && Instant::now() < limit {
            std::thread::park_timeout(Duration::from_millis(5));
        }
        let alternate = tmux(&["display-message", "-p", "#{alternate_on}#{cursor_flag}"]);
        tmux(&["kill-server"]);
        let read = |name: &str| std::fs::read_to_string(Path::new(place).join(name)).unwrap();
        assert!(read("err").contains("on purpose"), "{}", read("err"));
        assert_eq!(read("before"), read("after"));
        assert_eq!(alternate.trim(), "01");
    }
}
