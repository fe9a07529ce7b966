use std::path::PathBuf;
use std::process::Command;

use uuid::Uuid;

use crate::{Cli, eventually};

/// A real terminal with a shell in it (tmux): keys go in, the screen comes out.
/// Ends with the test, and everything that runs in it; shown when the test fails.
pub struct Terminal {
    cli: Cli,
    socket: PathBuf,
}

impl Terminal {
    /// A shell of this user in a terminal of that size.
    pub fn open(cli: &Cli, columns: u16, rows: u16) -> Self {
        let bash = "env PS1='ready> ' bash --norc --noprofile -i";
        Self::running(cli, columns, rows, bash)
    }

    /// As [`Terminal::open`] with a shell of one's own choice, whose prompt is
    /// `ready> `.
    pub fn running(cli: &Cli, columns: u16, rows: u16, shell: &str) -> Self {
        let terminal = Self {
            cli: cli.clone(),
            // Of its own: the server of the terminal before may not be gone yet.
            socket: cli
                .home()
                .join(format!("tmux-{}.sock", Uuid::new_v4().simple())),
        };
        let size = [columns.to_string(), rows.to_string()];
        terminal.tmux(&[
            "-f",
            "/dev/null",
            "new-session",
            "-d",
            "-x",
            &size[0],
            "-y",
            &size[1],
            shell,
        ]);
        terminal.until_shows("ready>");
        terminal
    }

    /// Types a text, as it is.
    pub fn types(&self, text: &str) {
        self.tmux(&["send-keys", "-l", text]);
    }

    /// Presses keys by their names in tmux: `Enter`, `Escape`, `C-c`, `Down`.
    pub fn presses(&self, keys: &[&str]) {
        self.tmux(&[&["send-keys"], keys].concat());
    }

    /// Types a line and presses Enter.
    pub fn enters(&self, line: &str) {
        self.types(line);
        self.presses(&["Enter"]);
    }

    /// Pastes a text.
    pub fn pastes(&self, text: &str) {
        self.tmux(&["set-buffer", text]);
        // -p: bracketed where the program has asked for it.
        self.tmux(&["paste-buffer", "-p"]);
    }

    /// Changes the size.
    pub fn resizes(&self, columns: u16, rows: u16) {
        self.tmux(&[
            "resize-window",
            "-x",
            &columns.to_string(),
            "-y",
            &rows.to_string(),
        ]);
    }

    /// What is on the screen, a line a row.
    pub fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p"])
    }

    /// The screen with the sequences for colours and the like.
    pub fn coloured_screen(&self) -> String {
        self.tmux(&["capture-pane", "-p", "-e"])
    }

    /// Waits until the screen shows a text; gives the screen.
    pub fn until_shows(&self, text: &str) -> String {
        self.until(&format!("the screen shows {text:?}"), |screen| {
            screen.contains(text)
        })
    }

    /// Waits until this is true of the screen; gives the screen.
    pub fn until(&self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        eventually(what, || {
            let screen = self.screen();
            wanted(&screen).then_some(screen)
        })
    }

    /// A variable of tmux: `alternate_on`, `cursor_flag`.
    pub fn variable(&self, name: &str) -> String {
        self.tmux(&["display-message", "-p", &format!("#{{{name}}}")])
            .trim()
            .to_owned()
    }

    /// The modes of the line, as `stty -g` says them.
    pub fn line_modes(&self) -> String {
        let tty = self.variable("pane_tty");
        let said = Command::new("stty")
            .args(["-g", "-F", &tty])
            .output()
            .expect("stty runs");
        String::from_utf8_lossy(&said.stdout).trim().to_owned()
    }

    fn tmux(&self, words: &[&str]) -> String {
        let done = self
            .command(words)
            .output()
            .expect("tmux is needed for this test (`scripts/setup --test`)");
        assert!(
            done.status.success(),
            "tmux {words:?}: {}",
            String::from_utf8_lossy(&done.stderr)
        );
        String::from_utf8_lossy(&done.stdout).into_owned()
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = self.cli.command("tmux".as_ref());
        command
            .env("LANG", "C.UTF-8")
            .args(["-u", "-S"])
            .arg(&self.socket)
            .args(words);
        command
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Ok(done) = self.command(&["capture-pane", "-p"]).output()
        {
            eprintln!("---- the screen\n{}", String::from_utf8_lossy(&done.stdout));
        }
        let _ = self.command(&["kill-server"]).output();
    }
}
