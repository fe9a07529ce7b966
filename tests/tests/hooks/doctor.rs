//! `spacesctl doctor` beside a daemon that is well.

use std::fs;

use spaces_tests::Daemon;

use crate::check;

#[test]
fn the_doctor_finds_a_live_daemon_well_and_its_report_tells_no_secrets() {
    let daemon = Daemon::local();
    let cli = daemon.cli();
    let done = cli.run(&["doctor", "--json"]);
    assert_eq!(done.code, 0, "{}{}", done.out, done.err);
    for name in [
        "socket directory",
        "daemon",
        "version",
        "hub link",
        "outbox",
        "cache",
        "spool",
        "token",
        "state directory",
    ] {
        assert_eq!(check(&cli, name)["result"], "ok", "{name}");
    }
    let report = daemon.home().join("report.json");
    let path = report.to_str().expect("a path of text");
    assert_eq!(cli.run(&["doctor", "--bundle", path]).code, 0);
    let text = fs::read_to_string(&report).expect("the report");
    let token = fs::read_to_string(daemon.state_dir().join("token")).expect("a token");
    assert!(!text.contains(token.trim()), "the token is in the report");
    assert!(
        !text.contains(daemon.home().to_str().expect("text")),
        "the home directory is in the report"
    );
    assert_ne!(
        cli.run(&["doctor", "--bundle", path]).code,
        0,
        "no file is written over"
    );
}
