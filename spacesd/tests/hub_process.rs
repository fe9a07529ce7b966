//! The local hub as a child: started, restarted, adopted, ended.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::net::TcpListener;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use spaces_tests::PATIENCE;
use spacesd::hub_process::{HubPaths, HubProcess, HubProcessState};
use tokio::time::timeout;

fn paths(state: &Path) -> HubPaths {
    HubPaths {
        binary: Some(spaces_tests::binary("spaces-hub")),
        ..HubPaths::in_state(state, "spaces")
    }
}

/// The process and the address, once it serves.
async fn serving(hub: &HubProcess, other_than: Option<u32>) -> (u32, String, bool) {
    let mut state = hub.state();
    let running = state.wait_for(|state| {
        matches!(state, HubProcessState::Running { pid, .. } if pid.is_some() && *pid != other_than)
    });
    let running = timeout(PATIENCE, running).await.unwrap().unwrap().clone();
    let HubProcessState::Running {
        pid: Some(pid),
        adopted,
    } = running
    else {
        unreachable!("it was waited for");
    };
    let uri = hub.uri().borrow().clone().unwrap();
    (pid, uri, adopted)
}

fn process(pid: u32) -> Pid {
    Pid::from_raw(i32::try_from(pid).unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn is_restarted_when_it_dies_and_ends_when_it_is_told() {
    let state = tempfile::tempdir().unwrap();
    let hub = HubProcess::start(paths(state.path()));
    let (first, uri, adopted) = serving(&hub, None).await;
    assert!(!adopted);
    assert!(paths(state.path()).owner_invite().is_file());

    kill_process(process(first), Signal::KILL).unwrap();
    let (second, again, _) = serving(&hub, Some(first)).await;
    assert_eq!(again, uri, "on the same port");

    hub.stop().await;
    assert!(test_kill_process(process(second)).is_err(), "it has ended");

    // Whoever was told of it, by an invite, finds it after a restart.
    let hub = HubProcess::start(paths(state.path()));
    assert_eq!(serving(&hub, None).await.1, uri, "on the same port");
    hub.stop().await;

    let port = uri.rsplit(':').next().unwrap().parse::<u16>().unwrap();
    let _another_program = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let hub = HubProcess::start(paths(state.path()));
    assert_ne!(serving(&hub, None).await.1, uri, "that port was taken");
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_daemon_left_is_adopted() {
    let state = tempfile::tempdir().unwrap();
    let left = HubProcess::start(paths(state.path()));
    let (pid, uri, _) = serving(&left, None).await;
    // As if the daemon had been killed: nobody tells the hub to end.
    drop(left);

    let hub = HubProcess::start(paths(state.path()));
    assert_eq!(serving(&hub, None).await, (pid, uri.clone(), true));

    kill_process(process(pid), Signal::KILL).unwrap();
    let (own, _, adopted) = serving(&hub, Some(pid)).await;
    assert!(
        !adopted,
        "an adopted hub that died is followed by one of our own"
    );
    drop(hub);

    let hub = HubProcess::start(paths(state.path()));
    assert_eq!(serving(&hub, None).await.0, own);
    hub.stop().await;
    let gone = async {
        while test_kill_process(process(own)).is_ok() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, gone)
        .await
        .expect("an adopted hub ends when it is told");
}

#[tokio::test]
async fn a_missing_binary_is_said() {
    let state = tempfile::tempdir().unwrap();
    let hub = HubProcess::start(HubPaths {
        binary: Some(state.path().join("nothing")),
        ..paths(state.path())
    });
    let mut seen = hub.state();
    let down = seen.wait_for(|state| matches!(state, HubProcessState::Down(_)));
    let down = timeout(PATIENCE, down).await.unwrap().unwrap().clone();
    assert!(matches!(down, HubProcessState::Down(why) if why.contains("is not there")));
    hub.stop().await;
}
