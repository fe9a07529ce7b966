//! systemd: the units of the `systemd/` directory with the real places in them.

use std::path::{Path, PathBuf};

use super::plan::{Places, Plan, Step};
use super::{HubAddress, Unit, Verb, run};

const DAEMON: &str = include_str!("../../../systemd/spacesd.service");
const SOCKET: &str = include_str!("../../../systemd/spacesd.socket");
const HUB: &str = include_str!("../../../systemd/spaces-hub.service");
const SYSTEM_HUB: &str = include_str!("../../../systemd/system/spaces-hub.service");

/// Where the units of a hub have it listen.
const LISTEN: &str = "--listen 127.0.0.1:3300";
/// Where units of the system are.
const SYSTEM_UNITS: &str = "/etc/systemd/system";

/// Installs and starts.
pub fn install(unit: Unit, system: bool, places: &Places, address: &HubAddress) -> Plan {
    let dir = unit_dir(system, &places.config_dir);
    let mut steps = Vec::new();
    match unit {
        Unit::Daemon => {
            steps.push(Step::Directory(places.paths.state_dir.clone()));
            steps.push(Step::Directory(places.paths.cache_dir.clone()));
            steps.push(Step::Write(dir.join("spacesd.socket"), socket(places)));
            steps.push(Step::Write(daemon_file(&places.config_dir), daemon(places)));
        }
        Unit::Hub => {
            if !system {
                steps.push(Step::Directory(hub_data(places)));
            }
            steps.push(Step::Write(
                dir.join("spaces-hub.service"),
                hub(system, places, address),
            ));
        }
    }
    steps.push(systemctl(system, &["daemon-reload"]));
    steps.push(match unit {
        Unit::Daemon => systemctl(
            system,
            &["enable", "--now", "spacesd.socket", "spacesd.service"],
        ),
        Unit::Hub => systemctl(system, &["enable", "--now", "spaces-hub.service"]),
    });
    Plan(steps)
}

/// Everything but the installation.
pub fn act(unit: Unit, system: bool, config_dir: &Path, verb: &Verb) -> Plan {
    let names: &[&str] = match unit {
        Unit::Daemon => &["spacesd.socket", "spacesd.service"],
        Unit::Hub => &["spaces-hub.service"],
    };
    let service = names[names.len() - 1];
    let with = |word: &str, names: &[&str]| systemctl(system, &[&[word], names].concat());
    Plan(match verb {
        Verb::Start => vec![with("start", names)],
        Verb::Stop => vec![with("stop", names)],
        Verb::Restart => vec![with("restart", &[service])],
        Verb::Status => vec![as_shown(with("status", &[&["--no-pager"], names].concat()))],
        Verb::Logs { follow, lines } => vec![logs(system, service, *follow, *lines)],
        Verb::Uninstall => {
            let dir = unit_dir(system, config_dir);
            let stop = [&["disable", "--now"], names].concat();
            let mut steps = vec![as_try(systemctl(system, &stop))];
            steps.extend(names.iter().map(|name| Step::Remove(dir.join(name))));
            steps.push(systemctl(system, &["daemon-reload"]));
            steps
        }
    })
}

/// Where the daemon's unit is, once installed.
pub fn daemon_file(config_dir: &Path) -> PathBuf {
    unit_dir(false, config_dir).join("spacesd.service")
}

fn socket(places: &Places) -> String {
    SOCKET.replace("%t/spaces/spacesd.sock", &escaped(&places.paths.socket))
}

fn daemon(places: &Places) -> String {
    let text = DAEMON
        .replace("/usr/local/bin/spacesd", &word(&places.program))
        .replace(
            "-%h/.local/state/spaces",
            &optional(&places.paths.state_dir),
        )
        .replace("-%h/.cache/spaces", &optional(&places.paths.cache_dir))
        .replace("-%t/spaces", &optional(places.paths.socket_dir()));
    with_environment(&text, &places.environment)
}

fn hub(system: bool, places: &Places, address: &HubAddress) -> String {
    let data = hub_data(places);
    let mut arguments = match address.listen {
        Some(listen) => format!("--listen {listen}"),
        None => LISTEN.to_owned(),
    };
    if let Some(uri) = &address.uri {
        arguments += &format!(" --uri {}", quoted(uri));
    }
    let template = if system { SYSTEM_HUB } else { HUB };
    template
        .replace("/usr/local/bin/spaces-hub", &word(&places.program))
        .replace("-%h/.local/share/spaces-hub", &optional(&data))
        .replace("%h/.local/share/spaces-hub", &word(&data))
        .replace(LISTEN, &arguments)
}

fn hub_data(places: &Places) -> PathBuf {
    places.home.join(".local/share/spaces-hub")
}

fn with_environment(unit: &str, environment: &[(String, String)]) -> String {
    let lines: String = environment
        .iter()
        .map(|(name, value)| format!("Environment={}\n", quoted(&format!("{name}={value}"))))
        .collect();
    unit.replacen("ExecStart=", &format!("{lines}ExecStart="), 1)
}

fn unit_dir(system: bool, config_dir: &Path) -> PathBuf {
    match system {
        true => SYSTEM_UNITS.into(),
        false => config_dir.join("systemd/user"),
    }
}

fn systemctl(system: bool, words: &[&str]) -> Step {
    let scope: &[&str] = if system { &[] } else { &["--user"] };
    Step::Run(
        [&["systemctl"], scope, words]
            .concat()
            .into_iter()
            .map(str::to_owned)
            .collect(),
    )
}

fn logs(system: bool, service: &str, follow: bool, lines: u32) -> Step {
    let unit = if system { "--unit" } else { "--user-unit" };
    let lines = lines.to_string();
    let step = match follow {
        true => run([
            "journalctl",
            unit,
            service,
            "--no-pager",
            "--lines",
            &lines,
            "--follow",
        ]),
        false => run(["journalctl", unit, service, "--no-pager", "--lines", &lines]),
    };
    as_shown(step)
}

fn as_shown(step: Step) -> Step {
    match step {
        Step::Run(words) => Step::Show(words),
        step => step,
    }
}

fn as_try(step: Step) -> Step {
    match step {
        Step::Run(words) => Step::Try(words),
        step => step,
    }
}

/// A path as one word of a unit: percent signs are specifiers there.
fn word(path: &Path) -> String {
    quoted(&path.display().to_string())
}

/// A path that need not exist, in a list of paths.
fn optional(path: &Path) -> String {
    quoted(&format!("-{}", path.display()))
}

fn quoted(text: &str) -> String {
    let text = text.replace('%', "%%");
    if text.contains([' ', '"', '\'', '\\', '\t', '$']) {
        let inside = text
            .replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('$', "$$");
        return format!("\"{inside}\"");
    }
    text
}

/// A path that is the whole value.
fn escaped(path: &Path) -> String {
    path.display().to_string().replace('%', "%%")
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};
    use std::process::Command;

    use spaces_client::Paths;

    use super::{act, install};
    use crate::service::plan::{Places, Plan, Step};
    use crate::service::{HubAddress, Unit, Verb};

    fn places(root: &Path) -> Places {
        let program = |name: &str| {
            let path = root.join(name);
            std::fs::copy("/bin/true", &path).unwrap();
            path
        };
        program("spaces-hub");
        Places {
            program: program("spacesd"),
            home: root.join("ho me"),
            config_dir: root.join("config"),
            paths: Paths {
                config_file: root.join("c.toml"),
                state_dir: root.join("st 100%"),
                cache_dir: root.join("cache"),
                socket: root.join("run/d.sock"),
            },
            environment: vec![(
                "SPACES_STATE_DIR".into(),
                root.join("st 100%").display().to_string(),
            )],
        }
    }

    fn at_default() -> HubAddress {
        HubAddress::default()
    }

    fn elsewhere() -> HubAddress {
        HubAddress {
            listen: Some("[::]:4400".parse().unwrap()),
            uri: Some("https://hub.example.org/a%20b".into()),
        }
    }

    fn files(plan: &Plan) -> Vec<(PathBuf, String)> {
        plan.0
            .iter()
            .filter_map(|step| match step {
                Step::Write(path, text) => Some((path.clone(), text.clone())),
                _ => None,
            })
            .collect()
    }

    /// CI has the program; elsewhere its absence is no fault of the units.
    fn has_systemd_analyze() -> bool {
        let there = Command::new("systemd-analyze")
            .arg("--version")
            .output()
            .is_ok();
        assert!(
            there || std::env::var_os("CI").is_none(),
            "CI must have systemd-analyze"
        );
        there
    }

    #[test]
    fn the_units_name_real_places_and_pass_systemds_own_checks() {
        let dir = tempfile::tempdir().unwrap();
        let places = places(dir.path());
        let hub = Places {
            program: dir.path().join("spaces-hub"),
            ..places.clone()
        };
        let plans = [
            (
                "--user",
                install(Unit::Daemon, false, &places, &at_default()),
            ),
            ("--user", install(Unit::Hub, false, &hub, &at_default())),
            ("--system", install(Unit::Hub, true, &hub, &elsewhere())),
        ];
        for (scope, plan) in plans {
            let units = dir.path().join(format!("units{scope}"));
            std::fs::create_dir_all(&units).unwrap();
            let mut names = Vec::new();
            for (path, text) in files(&plan) {
                assert!(
                    !text.contains("/usr/local") && !text.contains("%h") && !text.contains("%t"),
                    "{text}"
                );
                let unit = units.join(path.file_name().unwrap());
                std::fs::write(&unit, text).unwrap();
                names.push(unit);
            }
            if !has_systemd_analyze() {
                continue;
            }
            let verified = Command::new("systemd-analyze")
                .args(["verify", "--man=no", scope])
                .args(&names)
                .env("XDG_RUNTIME_DIR", dir.path())
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&verified.stderr);
            assert!(verified.status.success() && said.is_empty(), "{said}");
            for service in names
                .iter()
                .filter(|unit| unit.extension().is_some_and(|e| e == "service"))
            {
                let judged = Command::new("systemd-analyze")
                    .args(["security", "--offline=true", "--threshold=30"])
                    .arg(service)
                    .output()
                    .unwrap();
                let said = String::from_utf8_lossy(&judged.stdout);
                assert!(judged.status.success(), "{said}");
            }
        }
    }

    #[test]
    fn an_installed_unit_listens_where_clients_look() {
        let dir = tempfile::tempdir().unwrap();
        let places = places(dir.path());
        let plan = install(Unit::Daemon, false, &places, &at_default());
        let units = files(&plan);
        assert!(
            units[0]
                .1
                .contains(&format!("ListenStream={}\n", places.paths.socket.display()))
        );
        assert!(units[1].1.contains("st 100%%\"\n"), "{}", units[1].1);
        assert!(
            matches!(plan.0.last(), Some(Step::Run(words)) if words.join(" ") == "systemctl --user enable --now spacesd.socket spacesd.service")
        );
    }

    #[test]
    fn a_hub_listens_where_it_was_told_and_says_how_others_reach_it() {
        let dir = tempfile::tempdir().unwrap();
        let places = places(dir.path());
        for system in [false, true] {
            let run = |address: &HubAddress| {
                let plan = install(Unit::Hub, system, &places, address);
                let (_, unit) = files(&plan).remove(0);
                let line = unit.lines().find(|line| line.starts_with("ExecStart="));
                line.unwrap().to_owned()
            };
            let by_default = run(&at_default());
            assert!(by_default.contains(" --listen 127.0.0.1:3300 --data-dir "));
            let elsewhere = run(&elsewhere());
            assert!(
                elsewhere.contains(
                    " --listen [::]:4400 --uri https://hub.example.org/a%%20b --data-dir "
                ),
                "{elsewhere}"
            );
        }
    }

    #[test]
    fn uninstall_removes_what_install_wrote() {
        let dir = tempfile::tempdir().unwrap();
        let places = places(dir.path());
        for (unit, system) in [(Unit::Daemon, false), (Unit::Hub, false), (Unit::Hub, true)] {
            let written: Vec<_> = files(&install(unit, system, &places, &at_default()))
                .into_iter()
                .map(|(path, _)| Step::Remove(path))
                .collect();
            let plan = act(unit, system, &places.config_dir, &Verb::Uninstall);
            for removal in written {
                assert!(plan.0.contains(&removal), "{removal:?}");
            }
        }
    }

    #[test]
    fn a_restart_leaves_the_socket_open() {
        let plan = act(Unit::Daemon, false, Path::new("/c"), &Verb::Restart);
        assert_eq!(
            plan.describe(),
            ["run systemctl --user restart spacesd.service"]
        );
    }
}
