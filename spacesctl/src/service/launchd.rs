//! launchd: the jobs of the `launchd/` directory with the real places in them.

use std::path::{Path, PathBuf};

use spaces_client::Paths;

use super::plan::{Places, Plan, Step};
use super::{HubAddress, Unit, Verb, run};

const DAEMON: &str = include_str!("../../../launchd/dev.spaces.spacesd.plist");
const HUB: &str = include_str!("../../../launchd/dev.spaces.hub.plist");

/// Where the job of a hub has it listen.
const LISTEN: &str = "<string>127.0.0.1:3300</string>";

/// Installs and starts.
pub fn install(unit: Unit, places: &Places, address: &HubAddress) -> Plan {
    let file = job_file(unit, &places.home);
    let text = match unit {
        Unit::Daemon => daemon(places),
        Unit::Hub => hub(places, address),
    };
    let mut steps = vec![Step::Directory(places.paths.state_dir.clone())];
    if unit == Unit::Daemon {
        // launchd makes the socket, not its directory.
        steps.push(Step::Directory(places.paths.socket_dir().to_owned()));
    }
    steps.extend([
        // A job that is loaded is not read anew by itself.
        as_try(run(["launchctl", "bootout", &target(unit)])),
        Step::Write(file.clone(), text),
        run([
            "launchctl",
            "bootstrap",
            &domain(),
            &file.display().to_string(),
        ]),
    ]);
    Plan(steps)
}

/// Everything but the installation.
pub fn act(unit: Unit, home: &Path, paths: &Paths, verb: &Verb) -> Plan {
    let target = target(unit);
    let file = job_file(unit, home);
    Plan(match verb {
        Verb::Start => vec![
            as_try(run([
                "launchctl",
                "bootstrap",
                &domain(),
                &file.display().to_string(),
            ])),
            run(["launchctl", "kickstart", &target]),
        ],
        Verb::Stop => vec![run(["launchctl", "bootout", &target])],
        Verb::Restart => vec![run(["launchctl", "kickstart", "-k", &target])],
        Verb::Status => vec![as_shown(run(["launchctl", "print", &target]))],
        Verb::Logs { follow, lines } => {
            let log = log_file(unit, &paths.state_dir).display().to_string();
            let lines = lines.to_string();
            vec![as_shown(match follow {
                true => run(["tail", "-n", &lines, "-F", &log]),
                false => run(["tail", "-n", &lines, &log]),
            })]
        }
        Verb::Uninstall => vec![
            as_try(run(["launchctl", "bootout", &target])),
            Step::Remove(file),
        ],
    })
}

fn daemon(places: &Places) -> String {
    let variables: String = places
        .environment
        .iter()
        .map(|(name, value)| {
            format!(
                "\t\t<key>{name}</key>\n\t\t<string>{}</string>\n",
                escaped(value)
            )
        })
        .collect();
    let environment = match variables.is_empty() {
        true => "<dict/>".to_owned(),
        false => format!("<dict>\n{variables}\t</dict>"),
    };
    DAEMON
        .replace("/usr/local/bin/spacesd", &path(&places.program))
        .replace(
            "/usr/local/var/log/spacesd.log",
            &path(&log_file(Unit::Daemon, &places.paths.state_dir)),
        )
        .replace(
            "/usr/local/var/run/spaces/spacesd.sock",
            &path(&places.paths.socket),
        )
        .replacen("<dict/>", &environment, 1)
}

fn hub(places: &Places, address: &HubAddress) -> String {
    let word = |text: &str| format!("<string>{}</string>", escaped(text));
    let mut listen = match address.listen {
        Some(listen) => word(&listen.to_string()),
        None => LISTEN.to_owned(),
    };
    if let Some(uri) = &address.uri {
        listen += &format!("\n\t\t{}\n\t\t{}", word("--uri"), word(uri));
    }
    HUB.replace(LISTEN, &listen)
        .replace("/usr/local/bin/spaces-hub", &path(&places.program))
        .replace(
            "/usr/local/var/log/spaces-hub.log",
            &path(&log_file(Unit::Hub, &places.paths.state_dir)),
        )
        .replace(
            "/usr/local/var/spaces-hub",
            &path(&places.home.join("Library/Application Support/spaces-hub")),
        )
}

fn log_file(unit: Unit, state_dir: &Path) -> PathBuf {
    state_dir.join(format!("{}.log", unit.program()))
}

fn label(unit: Unit) -> &'static str {
    match unit {
        Unit::Daemon => "dev.spaces.spacesd",
        Unit::Hub => "dev.spaces.hub",
    }
}

/// Where the job of this program is, once installed.
pub fn job_file(unit: Unit, home: &Path) -> PathBuf {
    home.join("Library/LaunchAgents")
        .join(format!("{}.plist", label(unit)))
}

fn domain() -> String {
    format!("gui/{}", rustix::process::getuid().as_raw())
}

fn target(unit: Unit) -> String {
    format!("{}/{}", domain(), label(unit))
}

fn as_try(step: Step) -> Step {
    match step {
        Step::Run(words) => Step::Try(words),
        step => step,
    }
}

fn as_shown(step: Step) -> Step {
    match step {
        Step::Run(words) => Step::Show(words),
        step => step,
    }
}

fn path(path: &Path) -> String {
    escaped(&path.display().to_string())
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use plist::Value;
    use spaces_client::Paths;

    use super::{HubAddress, act, install};
    use crate::service::plan::{Places, Step};
    use crate::service::{Unit, Verb};

    fn places(root: &Path, program: &str) -> Places {
        let program = root.join(program);
        std::fs::copy("/bin/true", &program).unwrap();
        Places {
            program,
            home: root.join("Users/a & b"),
            config_dir: root.join("config"),
            paths: Paths {
                config_file: root.join("c.toml"),
                state_dir: root.join("state"),
                cache_dir: root.join("cache"),
                socket: root.join("run & socket/d.sock"),
            },
            environment: vec![("SPACES_SOCKET".into(), "/tmp/<x>/d.sock".into())],
        }
    }

    #[test]
    fn the_jobs_parse_and_name_real_places() {
        let dir = tempfile::tempdir().unwrap();
        for (unit, program) in [(Unit::Daemon, "spacesd"), (Unit::Hub, "spaces-hub")] {
            let elsewhere = HubAddress {
                listen: Some("0.0.0.0:4400".parse().unwrap()),
                uri: Some("http://hub.lan:4400/a&b".into()),
            };
            let plan = install(unit, &places(dir.path(), program), &elsewhere);
            let (file, text) = plan
                .0
                .iter()
                .find_map(|step| match step {
                    Step::Write(file, text) => Some((file, text)),
                    _ => None,
                })
                .unwrap();
            assert!(!text.contains("/usr/local"), "{text}");
            let job = Value::from_reader_xml(text.as_bytes()).unwrap();
            let job = job.as_dictionary().unwrap();
            let label = job["Label"].as_string().unwrap();
            assert_eq!(file.file_stem().unwrap(), label);
            let words = job["ProgramArguments"].as_array().unwrap();
            assert!(Path::new(words[0].as_string().unwrap()).is_file());
            assert_eq!(
                job["KeepAlive"].as_dictionary().unwrap()["SuccessfulExit"],
                Value::Boolean(false)
            );
            assert_eq!(job["Umask"].as_unsigned_integer(), Some(0o77));
            match unit {
                Unit::Daemon => {
                    let variables = job["EnvironmentVariables"].as_dictionary().unwrap();
                    assert_eq!(
                        variables["SPACES_SOCKET"].as_string(),
                        Some("/tmp/<x>/d.sock")
                    );
                    let sockets = job["Sockets"].as_dictionary().unwrap();
                    let socket = sockets["Listeners"].as_dictionary().unwrap();
                    // Where clients look, and theirs alone.
                    assert_eq!(
                        socket["SockPathName"].as_string(),
                        dir.path().join("run & socket/d.sock").to_str()
                    );
                    assert_eq!(socket["SockPathMode"].as_unsigned_integer(), Some(0o600));
                    let made = Step::Directory(dir.path().join("run & socket"));
                    assert!(plan.0.contains(&made), "{plan:?}");
                }
                Unit::Hub => {
                    let words: Vec<_> = words.iter().filter_map(Value::as_string).collect();
                    let address = [
                        "--listen",
                        "0.0.0.0:4400",
                        "--uri",
                        "http://hub.lan:4400/a&b",
                    ];
                    assert_eq!(words[1..5], address);
                    assert!(words[6].contains("a & b"), "{words:?}");
                }
            }
        }
    }

    #[test]
    fn uninstall_removes_the_job() {
        let dir = tempfile::tempdir().unwrap();
        let places = places(dir.path(), "spacesd");
        let plan = act(Unit::Daemon, &places.home, &places.paths, &Verb::Uninstall);
        let file = places
            .home
            .join("Library/LaunchAgents/dev.spaces.spacesd.plist");
        assert!(plan.0.contains(&Step::Remove(file)));
    }
}
