use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::{Child, binary, eventually};

/// A real hub on a loopback port, with a data directory of its own.
pub struct Hub {
    /// Before the directory: its log is shown when a test fails.
    child: Option<Child>,
    directory: TempDir,
    port: u16,
    module: Option<PathBuf>,
}

impl Hub {
    /// Starts a hub on a free port and waits until it serves.
    pub fn start() -> Self {
        Self::start_with(None)
    }

    /// Starts a hub with another module than its own.
    pub fn start_with(module: Option<&Path>) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let mut hub = Self {
            directory,
            port: 0,
            module: module.map(Path::to_owned),
            child: None,
        };
        hub.run();
        hub
    }

    /// Stops it by SIGTERM and starts it again on the same port and data, with
    /// the module that its binary brings.
    pub fn upgrade(&mut self) {
        let ended = self.child().stop();
        assert!(ended.success(), "the hub ended with {ended}");
        self.module = None;
        self.run();
    }

    /// `http://127.0.0.1:PORT`
    pub fn uri(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where the hub keeps everything.
    pub fn data_dir(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// The invite that the hub wrote on its first start.
    pub fn owner_invite(&self) -> String {
        let path = self.data_dir().join("owner.invite");
        fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
            .trim()
            .to_owned()
    }

    /// The file with the token of the identity that published the module.
    pub fn publisher_token_file(&self) -> PathBuf {
        self.data_dir().join("owner.token")
    }

    /// The token of the identity that published the module.
    pub fn publisher_token(&self) -> String {
        let path = self.publisher_token_file();
        fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
            .trim()
            .to_owned()
    }

    /// kill -9.
    pub fn kill(&mut self) {
        self.child().kill();
        self.child = None;
    }

    /// Starts it again on the same port and data, after [`Hub::kill`].
    pub fn run(&mut self) {
        let port_file = self.directory.path().join("port");
        let _ = fs::remove_file(&port_file);
        let mut command = Command::new(binary("spaces-hub"));
        command
            .arg("--listen")
            .arg(format!("127.0.0.1:{}", self.port))
            .arg("--data-dir")
            .arg(self.data_dir())
            .arg("--port-file")
            .arg(&port_file);
        if let Some(module) = &self.module {
            command.arg("--module").arg(module);
        }
        self.child = Some(Child::spawn(
            &mut command,
            &self.directory.path().join("hub.log"),
        ));
        self.port = eventually("the hub serves", || {
            if let Some(status) = self.child().exited() {
                panic!("the hub ended with {status} at its start");
            }
            fs::read_to_string(&port_file).ok()?.trim().parse().ok()
        });
    }

    pub fn child(&mut self) -> &mut Child {
        self.child.as_mut().expect("the hub runs")
    }
}
