//! The samples are put together at run time: no scanner that reads this file
//! finds a secret in it.

use std::borrow::Cow;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use proptest::prelude::*;

use super::text;

/// Characters that look random and are the same in each run.
fn random(alphabet: &str, length: usize, seed: u64) -> String {
    let letters: Vec<char> = alphabet.chars().collect();
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            letters[(state % letters.len() as u64) as usize]
        })
        .collect()
}

const ALNUM: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const HEX: &str = "0123456789abcdef";
const BASE64: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The form's name, and a secret of that form.
fn samples() -> Vec<(&'static str, String)> {
    let alnum = |length| random(ALNUM, length, length as u64);
    let hex = |length| random(HEX, length, length as u64 + 1);
    let base64 = |length| random(BASE64, length, length as u64 + 2);
    let pem = |what: &str| {
        format!(
            "-----BEGIN {what}PRIVATE KEY-----\n{}\n{}\n-----END {what}PRIVATE KEY-----",
            base64(64),
            base64(48)
        )
    };
    let jwt = format!("eyJ{}.eyJ{}.{}", alnum(33), alnum(60), alnum(43));
    vec![
        ("private-key", pem("")),
        ("private-key", pem("RSA ")),
        ("private-key", pem("EC ")),
        ("private-key", pem("OPENSSH ")),
        ("private-key", pem("ENCRYPTED ")),
        (
            "private-key",
            pem("PGP ").replace("KEY-----", "KEY BLOCK-----"),
        ),
        (
            "age-key",
            format!(
                "AGE-SECRET-KEY-{}{}",
                1,
                random("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58, 3)
            ),
        ),
        ("github-token", format!("ghp_{}", alnum(36))),
        ("github-token", format!("gho_{}", alnum(36))),
        ("github-token", format!("ghs_{}", alnum(36))),
        (
            "github-token",
            format!("github_{}_{}_{}", "pat", alnum(22), alnum(59)),
        ),
        ("gitlab-token", format!("glpat-{}", alnum(20))),
        ("gitlab-token", format!("glrt-{}", alnum(24))),
        (
            "slack-token",
            format!(
                "xoxb-{}-{}-{}",
                123_456_789_012_u64,
                987_654_321_098_u64,
                alnum(24)
            ),
        ),
        (
            "slack-token",
            format!(
                "xapp-1-A{}-{}-{}",
                random(UPPER, 10, 4),
                1_234_567_890_u64,
                hex(64)
            ),
        ),
        (
            "slack-webhook",
            format!(
                "T{}/B{}/{}",
                random(UPPER, 8, 5),
                random(UPPER, 10, 6),
                alnum(24)
            ),
        ),
        (
            "discord-token",
            format!("M{}.{}.{}", alnum(25), alnum(6), alnum(38)),
        ),
        (
            "telegram-token",
            format!("{}:AA{}", 1_234_567_890, alnum(33)),
        ),
        ("aws-access-key", format!("AKIA{}", random(UPPER, 16, 7))),
        ("aws-access-key", format!("ASIA{}", random(UPPER, 16, 8))),
        ("google-api-key", format!("AIza{}", alnum(35))),
        ("google-oauth-token", format!("ya29.{}", alnum(120))),
        ("google-oauth-secret", format!("GOCSPX-{}", alnum(28))),
        ("anthropic-key", format!("sk-ant-api03-{}AA", alnum(93))),
        ("openai-key", format!("sk-proj-{}", alnum(120))),
        (
            "openai-key",
            format!("sk-{}T3Blbk{}{}", alnum(20), "FJ", alnum(20)),
        ),
        ("openrouter-key", format!("sk-or-v1-{}", hex(64))),
        ("api-key", format!("sk-{}", hex(32))),
        (
            "huggingface-token",
            format!("hf_{}", random(LETTERS, 34, 9)),
        ),
        ("replicate-token", format!("r8_{}", alnum(37))),
        ("groq-key", format!("gsk_{}", alnum(52))),
        ("xai-key", format!("xai-{}", alnum(80))),
        ("perplexity-key", format!("pplx-{}", alnum(48))),
        ("stripe-key", format!("sk_{}_{}", "live", alnum(24))),
        ("stripe-key", format!("rk_{}_{}", "test", alnum(99))),
        ("stripe-webhook-secret", format!("whsec_{}", alnum(32))),
        ("npm-token", format!("npm_{}", alnum(36))),
        ("pypi-token", format!("pypi-AgEIcHlwaS5vcmc{}", alnum(120))),
        ("crates-io-token", format!("cio{}", alnum(32))),
        ("rubygems-key", format!("rubygems_{}", hex(48))),
        ("docker-token", format!("dckr_pat_{}", alnum(27))),
        ("sendgrid-key", format!("SG.{}.{}", alnum(22), alnum(43))),
        ("mailgun-key", format!("key-{}", hex(32))),
        ("mailchimp-key", format!("{}-us12", hex(32))),
        ("twilio-key", format!("SK{}", hex(32))),
        ("digitalocean-token", format!("dop_v1_{}", hex(64))),
        (
            "azure-client-secret",
            format!("{}8Q~{}", alnum(3), alnum(34)),
        ),
        ("vault-token", format!("hvs.{}", alnum(90))),
        ("doppler-token", format!("dp.pt.{}", alnum(43))),
        ("pulumi-token", format!("pul-{}", hex(40))),
        (
            "terraform-token",
            format!("{}.atlasv1.{}", alnum(14), alnum(67)),
        ),
        ("databricks-token", format!("dapi{}", hex(32))),
        ("new-relic-key", format!("NRAK-{}", random(UPPER, 27, 10))),
        ("grafana-token", format!("glsa_{}_{}", alnum(32), hex(8))),
        ("sentry-token", format!("sntrys_{}", base64(80))),
        ("linear-key", format!("lin_api_{}", alnum(40))),
        ("notion-token", format!("ntn_{}", alnum(46))),
        ("figma-token", format!("figd_{}", alnum(40))),
        ("atlassian-token", format!("ATATT3xFfGF0{}", alnum(170))),
        ("postman-key", format!("PMAK-{}-{}", hex(24), hex(34))),
        ("shopify-token", format!("shpat_{}", hex(32))),
        ("supabase-key", format!("sbp_{}", hex(40))),
        ("planetscale-token", format!("pscale_tkn_{}", alnum(43))),
        ("flyio-token", format!("fo1_{}", alnum(43))),
        (
            "tailscale-key",
            format!("tskey-auth-{}-{}", alnum(12), alnum(32)),
        ),
        ("heroku-key", format!("HRKU-{}", alnum(40))),
        ("jwt", jwt),
    ]
}

#[test]
fn each_known_form_is_taken_out_wherever_it_stands() {
    for (form, secret) in samples() {
        let mark = format!("[redacted:{form}]");
        let wrappings = if form == "slack-webhook" {
            vec![("see https://hooks.slack.com/services/", " now")]
        } else {
            vec![
                ("", ""),
                ("it printed ", " and went on"),
                ("`", "`"),
                ("{\"value\":\"", "\"}"),
                ("é ", "\nnext line"),
            ]
        };
        for (before, after) in wrappings {
            let clean = text(&format!("{before}{secret}{after}")).into_owned();
            assert_eq!(
                clean,
                format!("{before}{mark}{after}"),
                "{form} in `{before}…{after}`"
            );
        }
        let assigned = text(&format!("export THE_TOKEN={secret}")).into_owned();
        if form != "slack-webhook" {
            assert!(
                assigned.starts_with("export THE_TOKEN=[redacted:"),
                "{form}: {assigned}"
            );
            assert!(!assigned.contains(&secret));
        }
    }
}

#[test]
fn what_stands_around_a_secret_stays() {
    let token = random(ALNUM, 40, 20);
    let cases = [
        (
            "Authorization: Bearer {}",
            "Authorization: Bearer [redacted:authorization]",
        ),
        (
            "curl -H 'authorization: token {}' x",
            "curl -H 'authorization: token [redacted:authorization]' x",
        ),
        (
            "-H \"X-Api-Key: {}\"",
            "-H \"X-Api-Key: [redacted:authorization]\"",
        ),
        (
            "PRIVATE-TOKEN: {}",
            "PRIVATE-TOKEN: [redacted:authorization]",
        ),
        (
            "postgres://app:{}@db:5432/app",
            "postgres://app:[redacted:password]@db:5432/app",
        ),
        (
            "git clone https://x:{}@example.com/r.git",
            "git clone https://x:[redacted:password]@example.com/r.git",
        ),
        ("redis://:{}@cache", "redis://:[redacted:password]@cache"),
        ("DB_PASSWORD={}", "DB_PASSWORD=[redacted:secret]"),
        ("\"apiKey\": \"{}\",", "\"apiKey\": \"[redacted:secret]\","),
        (
            "client_secret = '{}'",
            "client_secret = '[redacted:secret]'",
        ),
        (
            "mytool --auth-token {} --fast",
            "mytool --auth-token [redacted:secret] --fast",
        ),
        ("token token={}", "token token=[redacted:secret]"),
        (
            "aws_secret_access_key = {}",
            "aws_secret_access_key = [redacted:aws-secret-key]",
        ),
        (
            "AccountName=a;AccountKey={}==;x",
            "AccountName=a;AccountKey=[redacted:azure-key];x",
        ),
        (
            "//registry.npmjs.org/:_authToken={}",
            "//registry.npmjs.org/:_authToken=[redacted:npm-token]",
        ),
        (
            "Cookie: sid={}; a=b\nnext",
            "Cookie: [redacted:cookie]\nnext",
        ),
    ];
    for (sample, expected) in cases {
        assert_eq!(text(&sample.replace("{}", &token)), expected);
    }
    let short = format!("PASSWORD={}", ["Tr0ub", "4dor&3"].concat());
    assert_eq!(text(&short), "PASSWORD=[redacted:secret]");
}

#[test]
fn several_secrets_and_a_key_that_is_cut_off() {
    let (first, second) = (random(ALNUM, 36, 1), random(HEX, 64, 2));
    let sample = format!("ghp_{first} then dop_v1_{second}.");
    assert_eq!(
        text(&sample),
        "[redacted:github-token] then [redacted:digitalocean-token]."
    );
    let cut = format!("log:\n-----BEGIN OPENSSH PRIVATE {}-----\n{second}", "KEY");
    assert_eq!(text(&cut), "log:\n[redacted:private-key]");
}

#[test]
fn ordinary_text_is_not_touched() {
    let samples = [
        "Rebased onto 43cd193b8bdc784a2d2312ebff211dece743cd19 and pushed.",
        "commit 9fceb02d0ae598e95dc970b74767f19372d61af8",
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  empty.txt",
        "sha512-9NK4iO5dJ6v2S1nQ2mW0pE5lqYx0GzV8bX3rT7uH4aK1cF6dJ9sL2oP5iU8yT0rE3wQ6aS9dF2gH5jK8lZ1xC4==",
        "client_key: 6f1c2a4e-8b0d-4c3e-9a7f-2d5b8e1c4f60",
        "session 018f6b0c-7c3a-7e21-9d4b-5a6f7e8d9c0b started",
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
        "/home/alice/work/spaces/spacesd/src/outbox/writer/group.rs:147:13",
        "C:\\Users\\alice\\AppData\\Local\\Programs\\tool.exe",
        "let token = self.tokens.next().ok_or(ParseError::UnexpectedEnd)?;",
        "token: TokenKind::LeftParenthesis, password: String, secret: Option<Secret>,",
        "fn verify_password(password: &str, hashed_password: &HashedPassword) -> bool",
        "password = os.environ['DATABASE_PASSWORD']",
        "api_key = config.get_required_value(\"api_key\")",
        "export GITHUB_TOKEN=$(gh auth token) OPENAI_API_KEY=${OPENAI_API_KEY}",
        "PASSWORD=<your password here> TOKEN=xxxxxxxxxxxxxxxxxxxxxxxx API_KEY=****************",
        "token_file = \"/run/secrets/github_token_for_ci_2024\"",
        "max_tokens=4096 total_tokens: 1234567 token: 12345678",
        "The secret management documentation explains authentication2factor.",
        "https://example.com:8443/a/b@c?token_type=access_token&page=2",
        "ssh://git@github.com:22/owner/repo.git and git@github.com:owner/repo.git",
        "mailto:alice@example.com, http://localhost:3000/@scope/package",
        "restore-keys: cargo-key-d41d8cd98f00b204e9800998ecf8427e",
        "AbstractSingletonProxyFactoryBeanConfigurationPostProcessor",
        "a_very_long_identifier_with_many_words_that_goes_on_and_on_0123456789",
        "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUQ\n-----END CERTIFICATE-----",
        "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGmWnBqPzq0c3l5WwOaQeYlV0Z1Yx2 alice@host",
        "version = \"1.2.3-beta.4+build.20240131\" integrity checksum = \"0.9.12+spec-1.1.0\"",
        "key-value, sk-learn, whsec, SG.1, eyJ, ghp_, xoxb-, AKIA, sk-ant",
        "日本語のテキスト: パスワード=ひみつ です 🔑🔑🔑",
        "access_key_id is read from AwsCredentialsProviderChain; secret_key: load_secret_key_from_file",
        "authorization: required for moderators; bearer of bad news",
        "the password: must be at least twelve characters",
    ];
    for sample in samples {
        let clean = text(sample);
        assert_eq!(clean, sample);
        assert!(
            matches!(clean, Cow::Borrowed(_)),
            "copied for nothing: {sample}"
        );
    }
}

#[test]
fn a_mark_is_not_taken_for_a_secret() {
    for (_, secret) in samples() {
        for frame in [
            "password=\"{}\"",
            "https://a:{}@b",
            "api_key: {}",
            "Authorization: Bearer {}",
        ] {
            let once = text(&frame.replace("{}", &secret)).into_owned();
            assert_eq!(text(&once), once);
        }
    }
}

/// Read at once in some seconds, even unoptimised and on a busy machine; its
/// square would be 160 thousand million steps.
const LENGTH: usize = 400_000;
const HANG: Duration = Duration::from_secs(150);

#[test]
fn time_grows_no_faster_than_the_text() {
    let hostile = [
        "eyJ",
        "ghp_",
        "password=",
        "-----BEGIN ",
        "://a:",
        "token token ",
        "a.",
        "xoxb-1-",
        "\"",
    ];
    for part in hostile {
        let sample = part.repeat(LENGTH / part.len());
        let (tell, told) = mpsc::channel();
        thread::spawn(move || tell.send(text(&sample).len()));
        told.recv_timeout(HANG)
            .unwrap_or_else(|error| panic!("{part}: {error}"));
    }
}

proptest! {
    #[test]
    fn any_text_is_cleaned_once_and_grows_by_marks_alone(
        parts in prop::collection::vec(
            prop_oneof![
                any::<String>(),
                "[ -~]{0,40}",
                prop::sample::select(samples()).prop_map(|(_, secret)| secret),
                prop::sample::select(vec![
                    "password=", "token: ", "\"", "'", "://u:", "@", "-----BEGIN PRIVATE KEY-----",
                    "Authorization: Bearer ", "--token ", "[redacted:", "]", "_authToken=", "\n", "=",
                ]).prop_map(str::to_owned),
            ],
            0..12,
        )
    ) {
        let sample = parts.concat();
        let once = text(&sample).into_owned();
        let marks = once.matches("[redacted:").count();
        prop_assert!(once.len() <= sample.len() + marks * 40);
        prop_assert_eq!(text(&once).into_owned(), once.clone());
    }
}
