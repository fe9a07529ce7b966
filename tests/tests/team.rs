//! A hub for a team: a TLS proxy stands before it, and members come in by an
//! invite that names the proxy.

use std::fs;
use std::net::TcpListener as Listener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use native_tls::Identity;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};
use spaces_api::HubState;
use spaces_tests::{Cli, Daemon, Hub, Proxy, eventually};
use tempfile::TempDir;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio_native_tls::TlsAcceptor;

/// A proxy that speaks TLS with everybody and plain text with the hub. Its
/// certificate is signed by an authority of its own.
struct TlsProxy {
    uri: String,
    directory: TempDir,
    /// Carries the connections until it is dropped.
    _runtime: Runtime,
}

impl TlsProxy {
    fn before(hub: &Hub) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let acceptor = acceptor(&directory.path().join("authority.pem"));
        let listener = Listener::bind("127.0.0.1:0").expect("a free loopback port");
        let port = listener.local_addr().expect("it is bound").port();
        listener.set_nonblocking(true).expect("a socket can wait");
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.spawn(carry(listener, Arc::new(acceptor), hub.port()));
        Self {
            uri: format!("https://localhost:{port}"),
            directory,
            _runtime: runtime,
        }
    }

    /// The certificate of who signed the proxy's.
    fn authority(&self) -> PathBuf {
        self.directory.path().join("authority.pem")
    }

    /// This invite, for those who come by way of the proxy.
    fn readdressed(&self, invite: &str, hub: &Hub) -> String {
        assert!(invite.ends_with(&hub.uri()), "an invite ends with the hub");
        invite.replace(&hub.uri(), &self.uri)
    }
}

/// Makes an authority, writes its certificate there, and has it sign ours.
fn acceptor(authority: &Path) -> TlsAcceptor {
    let mut ours = CertificateParams::new(Vec::new()).expect("no names");
    ours.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ours.distinguished_name
        .push(DnType::CommonName, "An authority of the team's own");
    let key = KeyPair::generate().expect("a key");
    let own = ours.self_signed(&key).expect("an authority signs itself");
    fs::write(authority, own.pem()).expect("the directory is ours");
    let issuer = Issuer::new(ours, key);

    let key = KeyPair::generate().expect("a key");
    let proxy = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
    let signed = proxy.signed_by(&key, &issuer).expect("it signs the proxy");
    let identity = Identity::from_pkcs8(signed.pem().as_bytes(), key.serialize_pem().as_bytes());
    let acceptor = native_tls::TlsAcceptor::new(identity.expect("certificate and key"));
    acceptor.expect("TLS").into()
}

async fn carry(listener: Listener, acceptor: Arc<TlsAcceptor>, hub: u16) {
    let listener = TcpListener::from_std(listener).expect("a runtime");
    while let Ok((client, _)) = listener.accept().await {
        let acceptor = Arc::clone(&acceptor);
        tokio::spawn(async move {
            // What fails here, the client at the other end is told by its end.
            let Ok(mut client) = acceptor.accept(client).await else {
                return;
            };
            if let Ok(mut hub) = TcpStream::connect(("127.0.0.1", hub)).await {
                let _ = copy_bidirectional(&mut client, &mut hub).await;
            }
        });
    }
}

fn joined(cli: &Cli, invite: &str) -> Value {
    let done = cli.run(&["join", invite]);
    assert_eq!(done.code, 0, "{}{}", done.err, done.out);
    cli.json(&["status", "--json"])
}

#[test]
fn its_members_join_and_write_and_read_by_way_of_a_tls_proxy() {
    let mut hub = Hub::start();
    let proxy = TlsProxy::before(&hub);
    let (alice, bob) = (Daemon::machine(), Daemon::machine());
    let (alices, bobs) = (
        alice.cli().trusting(&proxy.authority()),
        bob.cli().trusting(&proxy.authority()),
    );

    let owner = proxy.readdressed(&hub.owner_invite(), &hub);
    let status = joined(&alices, &owner);
    assert_eq!(status["hub"]["state"], "live");
    assert_eq!(status["hub"]["uri"], proxy.uri);

    // Made by one who uses the proxy, it leads to the proxy.
    let made = alices.json(&["invite", "create", "--json"]);
    let invite = made["invite"].as_str().expect("an invite");
    assert!(invite.ends_with(&proxy.uri), "{invite}");
    joined(&bobs, invite);

    let post = ["post", "#general", "by TLS", "--wait", "sent", "--json"];
    assert_eq!(bobs.json(&post)["receipt"]["state"], "sent");
    eventually("the post has come", || {
        alices
            .run(&["read", "#general"])
            .out
            .contains("by TLS")
            .then_some(())
    });

    hub.kill();
    alice.until_hub(HubState::Offline);
    let post = ["post", "#general", "while it was away", "--json"];
    assert_eq!(alices.json(&post)["receipt"]["state"], "queued");
    hub.run();
    alice.until_sent();
    eventually("the post has come", || {
        let read = bobs.run(&["read", "#general"]);
        read.out.contains("while it was away").then_some(())
    });

    // The command line asks servers itself, without the daemon.
    let schema = ["module", "schema", "--server", &proxy.uri, "--json"];
    assert!(alices.json(&schema).to_string().contains("send_message"));
}

#[test]
fn one_who_worked_alone_goes_over_to_the_team_and_back_and_nothing_goes_along() {
    let mut hub = Hub::start();
    let owner = Daemon::owner_of(&hub);
    let made = owner.cli().json(&["invite", "create", "--json"]);
    let invite = made["invite"].as_str().expect("an invite");
    let machine = Daemon::machine();
    let cli = machine.cli();
    let config = machine.home().join("config/spaces/config.toml");
    let write = |text: &str, state: &str| {
        let receipt = cli.json(&["post", "#general", text, "--json"]);
        assert_eq!(receipt["receipt"]["state"], state, "{receipt}");
    };
    let done = |arguments: &[&str]| {
        let done = cli.run(arguments);
        assert_eq!(done.code, 0, "{arguments:?}: {}{}", done.err, done.out);
        done
    };

    done(&["up"]);
    let alone = machine.username();
    write("of my own", "queued");
    machine.until_sent();
    // Is not taken over unasked.
    let refused = cli.run(&["join", invite]);
    assert_ne!(refused.code, 0);
    assert!(refused.err.contains("`--switch`"), "{}", refused.err);
    done(&["down"]);
    write("for my own hub, left in the spool", "spooled");

    let joined = done(&["join", invite]);
    assert!(
        joined
            .out
            .contains("another hub than before (local spaces)"),
        "{}",
        joined.out
    );
    assert_ne!(machine.username(), alone);
    assert_eq!(machine.confirmed("#general"), [""; 0]);
    let post = [
        "post",
        "#general",
        "to the team",
        "--wait",
        "sent",
        "--json",
    ];
    assert_eq!(cli.json(&post)["receipt"]["state"], "sent");
    hub.kill();
    machine.until_hub(HubState::Offline);
    write("to the team, later", "queued");
    done(&["down"]);

    fs::remove_file(&config).expect("it is ours");
    done(&["up"]);
    assert_eq!(machine.username(), alone);
    machine.until_sent();
    eventually("what was left for it has come", || {
        let mine = ["of my own", "for my own hub, left in the spool"];
        (machine.confirmed("#general") == mine).then_some(())
    });

    // And back again, while the daemon runs.
    hub.run();
    owner.until_live();
    let made = owner.cli().json(&["invite", "create", "--json"]);
    let invite = made["invite"].as_str().expect("an invite");
    let spoiled = invite.replacen(":1:", ":1:0", 1);
    let refused = cli.run(&["join", "--switch", &spoiled]);
    assert_ne!(refused.code, 0);
    assert!(refused.err.contains("served before"), "{}", refused.err);
    assert!(
        !config.exists(),
        "an invite that is worth nothing leads nowhere"
    );
    machine.until_live();
    assert_eq!(machine.username(), alone);
    let back = done(&["join", "--switch", invite]);
    assert!(back.err.contains("already a member"), "{}", back.err);
    assert!(
        !back.out.contains("another hub than before"),
        "{}",
        back.out
    );
    machine.until_sent();
    let theirs = ["to the team", "to the team, later"];
    assert_eq!(machine.confirmed("#general"), theirs);
    eventually("the owner has both", || {
        (owner.confirmed("#general") == theirs).then_some(())
    });
}

#[test]
fn an_invite_that_is_no_more_is_told_from_none() {
    let hub = Hub::start();
    let owner = Daemon::owner_of(&hub);
    let cli = owner.cli();
    let create = || {
        let made = cli.json(&["invite", "create", "--json"]);
        made["invite"].as_str().expect("an invite").to_owned()
    };
    let used = create();
    let _member = Daemon::joined(&used);
    let revoked = create();
    let list = cli.json(&["invite", "list", "--json"]);
    let id = list["invites"][0]["id"].to_string();
    assert_eq!(cli.run(&["invite", "revoke", &id]).code, 0);

    let machine = Daemon::machine();
    for invite in [used, revoked] {
        let refused = machine.cli().run(&["join", &invite]);
        assert_ne!(refused.code, 0, "{}", refused.out);
        for part in ["used up, revoked or expired", "spacesctl invite create"] {
            assert!(refused.err.contains(part), "{}", refused.err);
        }
    }
    // The daemon that was started for it takes another.
    joined(&machine.cli(), &create());
}

#[test]
fn a_hub_that_moved_is_followed_by_the_command_that_status_tells() {
    let hub = Hub::start();
    let machine = Daemon::machine();
    let cli = machine.cli();
    let name = joined(&cli, &hub.owner_invite())["hub"]["username"].clone();
    let proxy = Proxy::start(hub.port());
    let moved = proxy.uri();
    let config = machine.home().join("config/spaces/config.toml");
    let text = fs::read_to_string(&config).expect("`join` wrote it");
    assert_eq!(cli.run(&["down"]).code, 0);
    fs::write(&config, text.replace(&hub.uri(), &moved)).expect("it is ours");

    // Who is at the other address is nobody's guess: it is not shown our token.
    assert_eq!(cli.run(&["up", "--no-wait-hub"]).code, 0);
    let status = cli.json(&["status", "--json"]);
    let told = status["warnings"][0].as_str().expect("it is told");
    assert!(told.contains(&hub.uri()), "{told}");
    let command = told.split('`').find(|part| part.starts_with("cp -a "));
    let command = command.expect("a command");

    assert_eq!(cli.run(&["down"]).code, 0);
    let ended = Command::new("sh").args(["-c", command]).status();
    assert!(ended.expect("a shell").success(), "{command}");
    let up = cli.run(&["up"]);
    assert_eq!(up.code, 0, "{}{}", up.err, up.out);
    let status = cli.json(&["status", "--json"]);
    assert_eq!(status["hub"]["uri"], moved);
    assert_eq!(status["hub"]["username"], name);
}

#[test]
fn who_does_not_trust_the_proxys_authority_is_told_what_to_do() {
    let hub = Hub::start();
    let proxy = TlsProxy::before(&hub);
    let machine = Daemon::machine();
    let cli = machine.cli();

    let invite = proxy.readdressed(&hub.owner_invite(), &hub);
    let done = cli.run(&["join", &invite, "--timeout", "1s"]);
    assert_ne!(done.code, 0, "{}", done.out);
    assert!(done.err.contains("certificate"), "{}", done.err);
    assert!(done.err.contains("SSL_CERT_FILE"), "{}", done.err);
    let schema = cli.run(&["module", "schema", "--server", &proxy.uri]);
    assert_ne!(schema.code, 0, "{}", schema.out);

    // The invite was not used up: with the authority known, it does.
    assert_eq!(cli.run(&["down"]).code, 0);
    let status = joined(&cli.trusting(&proxy.authority()), &invite);
    assert_eq!(status["hub"]["state"], "live");
}

#[test]
fn an_invite_says_the_address_that_it_was_given() {
    let hub = Hub::start();
    let owner = Daemon::owner_of(&hub);
    let cli = owner.cli();

    let made = cli.run(&["invite", "create"]);
    assert!(made.out.trim().ends_with(&hub.uri()), "{}", made.out);
    let alone = format!("only programs on this machine reach {}", hub.uri());
    assert!(made.err.contains(&alone), "{}", made.err);

    let made = cli.run(&["invite", "create", "--uri", "https://hub.example.org/"]);
    let end = ":spaces:https://hub.example.org";
    assert!(made.out.trim().ends_with(end), "{}", made.out);
    assert!(!made.err.contains("only programs"), "{}", made.err);

    let wrong = cli.run(&["invite", "create", "--uri", "hub.example.org"]);
    assert_eq!(wrong.code, 2, "{}", wrong.out);
    assert!(wrong.err.contains("https://HOST"), "{}", wrong.err);
    let refused = owner.refusal("invite.create", json!({"uri": "hub.example.org"}));
    assert!(refused.message.contains("`hub.example.org`"), "{refused:?}");
}
