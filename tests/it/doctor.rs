//! `authd doctor` on deployments that are right and on those that are not.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;
use std::time::Duration;

use authd::doctor::{self, DoctorScope, Reach};
use authd::identity::system::operator_token::{self, TokenPurpose};
use authd::model::finding::{CheckReport, Severity};
use authd::outbound::NameServer;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpSocket;

use crate::process::{CHEAP, Folder, Server};
use crate::support::{App, app, app_with};

/// Where the proxy connects from.
const PROXY: &str = "127.0.0.3";

/// How a proxy treats `X-Forwarded-For`.
#[derive(Clone, Copy)]
enum Forwarding {
    /// Adds a client's address, as if it came from elsewhere.
    Appends,
    PassesOn,
    Removes,
}

/// A proxy before a server. Returns its URL.
fn proxy(server: &Server, forwarding: Forwarding) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let upstream: SocketAddr = server.address.parse().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut client) = stream else { return };
            let head = head_of(&mut client);
            let mut lines: Vec<String> = head.trim_end().lines().map(str::to_owned).collect();
            for line in &mut lines {
                let Some(forged) = line.strip_prefix("x-forwarded-for: ") else { continue };
                *line = match forwarding {
                    Forwarding::Appends => format!("x-forwarded-for: {forged}, 198.51.100.7"),
                    Forwarding::PassesOn => line.clone(),
                    Forwarding::Removes => "x-removed: yes".to_owned(),
                };
            }
            lines.push("Connection: close\r\n\r\n".to_owned());
            let answer = relay(upstream, lines.join("\r\n").as_bytes());
            let _ = client.write_all(&answer.unwrap());
        }
    });
    url
}

/// Sends a request from the proxy's address and reads the whole response.
fn relay(upstream: SocketAddr, request: &[u8]) -> std::io::Result<Vec<u8>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::new(PROXY.parse().unwrap(), 0))?;
        let mut server = socket.connect(upstream).await?;
        server.write_all(request).await?;
        let mut answer = Vec::new();
        server.read_to_end(&mut answer).await?;
        Ok(answer)
    })
}

fn head_of(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

/// What the doctor prints, and its exit code.
pub fn doctor(folder: &Folder, more: &[&str]) -> (Value, Option<i32>) {
    let ran = folder.run(&[&["doctor", "--json"], more].concat());
    let printed = serde_json::from_str(&ran.out);
    (printed.unwrap_or_else(|error| panic!("{error}: {}{}", ran.out, ran.err)), ran.code)
}

/// The doctor of a server whose public URL is this one.
fn doctor_at(folder: &Folder, server: &Server, public_url: &str) -> Value {
    let (url, listen) =
        (format!("server.public_url={public_url}"), format!("server.listen={}", server.address));
    doctor(folder, &["--set", &url, "--set", &listen]).0
}

/// The findings about a key: severity and message.
pub fn about(report: &Value, key: &str) -> Vec<(String, String)> {
    let findings = report["findings"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    findings
        .iter()
        .filter(|finding| finding["key"] == key)
        .map(|finding| (text(&finding["level"]), text(&finding["message"])))
        .collect()
}

pub fn has_passed(report: &Value, key: &str, word: &str) -> bool {
    let passed = report["passed"].as_array().unwrap();
    passed.iter().any(|one| one["key"] == key && one["message"].as_str().unwrap().contains(word))
}

fn folder_with_server(trusted: &str) -> (Folder, Server) {
    let folder = Folder::new();
    let set = format!("server.trusted_proxies={trusted}");
    let server = folder.serve(&[&CHEAP[..], &["--set", &set]].concat());
    (folder, server)
}

#[test]
fn a_chain_of_proxies_is_seen_from_outside_and_each_fault_has_its_finding() {
    let (folder, trusting) = folder_with_server(PROXY);
    for (forwarding, key, level, word) in [
        (Forwarding::PassesOn, "proxy", "error", "any client can choose its client IP"),
        (Forwarding::Removes, "proxy", "error", "does not say which client"),
    ] {
        let report = doctor_at(&folder, &trusting, &proxy(&trusting, forwarding));
        assert!(has_passed(&report, "server.public_url", "leads to this server"), "{report}");
        let found = about(&report, key);
        assert_eq!(found.len(), 1, "{report}");
        assert!(found[0].0 == level && found[0].1.contains(word), "{found:?}");
    }
    let right = doctor_at(&folder, &trusting, &proxy(&trusting, Forwarding::Appends));
    assert_eq!(about(&right, "proxy"), [], "{right}");
    assert!(has_passed(&right, "proxy", "the client IP is 198.51.100.7"), "{right}");
    assert!(has_passed(&right, "server", "answers at"), "{right}");
    assert!(has_passed(&right, "clock", "it agrees"), "{right}");
    assert_eq!(trusting.end(), Some(0));

    let unaware = folder.serve(&[&CHEAP[..], &["--set", "server.trusted_proxies=[]"]].concat());
    let report = doctor_at(&folder, &unaware, &proxy(&unaware, Forwarding::Appends));
    let found = about(&report, "server.trusted_proxies");
    assert!(
        found.iter().any(|(level, message)| level == "error" && message.contains(PROXY)),
        "{report}"
    );
}

/// The hole "the public URL was wrong": the doctor names it, and the correction passes.
#[test]
fn a_public_url_that_leads_elsewhere_is_an_error_until_it_is_corrected() {
    let (folder, server) = folder_with_server("[]");
    let stranger = TcpListener::bind("127.0.0.1:0").unwrap();
    let elsewhere = format!("http://{}", stranger.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in stranger.incoming() {
            let Ok(mut stream) = stream else { return };
            head_of(&mut stream);
            let _ = stream.write_all(
                b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello",
            );
        }
    });
    let wrong = doctor_at(&folder, &server, &elsewhere);
    let found = about(&wrong, "server.public_url");
    let says = |word: &str| {
        found.iter().any(|(level, message)| level == "error" && message.contains(word))
    };
    assert!(says("does not lead to this server: it answers with 200"), "{found:?}");
    // Another authd, with a key of its own, is another server too.
    let (_elses, other) = folder_with_server("[]");
    let wrong = doctor_at(&folder, &server, &format!("http://{}", other.address));
    assert!(!about(&wrong, "server.public_url").is_empty());
    assert!(!has_passed(&wrong, "server.public_url", ""), "{wrong}");
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let wrong = doctor_at(&folder, &server, &format!("http://{closed}"));
    let found = about(&wrong, "server.public_url");
    assert!(found.iter().any(|(_, message)| message.contains("cannot be reached")), "{found:?}");
    let right = doctor_at(&folder, &server, &format!("http://{}", server.address));
    assert!(has_passed(&right, "server.public_url", "leads to this server"), "{right}");
    assert!(has_passed(&right, "proxy", "directly"), "{right}");
}

#[tokio::test]
async fn only_the_doctor_learns_how_a_request_arrived_and_only_once() {
    let app = app().await;
    let unknown = app.get("/.well-known/authd/nothing").send().await;
    let without = app.get(operator_token::ARRIVAL).send().await;
    let error = |answer: &crate::support::Answer| answer.body["error"].clone();
    assert_eq!((without.status, error(&without)), (unknown.status, error(&unknown)));
    assert_eq!(without.status, 404);
    let other = crate::support::app().await;
    let stolen = operator_token::ask(&other.core.master, &app.core.env, TokenPurpose::Arrival)
        .unwrap()
        .token;
    let question =
        operator_token::ask(&app.core.master, &app.core.env, TokenPurpose::Arrival).unwrap();
    for (token, status) in
        [("x", 404), (stolen.as_str(), 404), (&question.token, 200), (&question.token, 404)]
    {
        let answer = app
            .get(operator_token::ARRIVAL)
            .header(operator_token::HEADER, token)
            .header("x-forwarded-for", "192.0.2.1")
            .header("cookie", "session=hush")
            .header("authorization", "Bearer hush")
            .send()
            .await;
        assert_eq!(answer.status, status, "{token}");
        assert!(!answer.text.contains("hush"), "{}", answer.text);
        if status == 200 {
            assert_eq!(answer.body["proof"], question.proof.as_str());
            assert_eq!(
                answer.body["forwarded"],
                serde_json::json!([["x-forwarded-for", "192.0.2.1"]])
            );
        }
    }
}

fn scope(reach: Reach) -> DoctorScope {
    DoctorScope {
        reach,
        send_to: None,
        dkim_selector: None,
        name_server: None,
        authorities: None,
        env_file: None,
    }
}

async fn examined(app: &App) -> CheckReport {
    doctor::examine(&app.core, &scope(Reach::ThisMachine)).await
}

fn levels(report: &CheckReport, key: &str) -> Vec<Severity> {
    report.findings.iter().filter(|one| one.key == key).map(|one| one.level).collect()
}

#[tokio::test]
async fn keys_backups_mail_and_the_clock_are_judged_by_what_the_database_says() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().to_str().unwrap();
    let set = [
        ("backup.every", "1 day"),
        ("backup.to", to),
        ("mail.smtp_url", "smtp://127.0.0.1:9"),
        ("tokens.rotate_every", "30 days"),
    ];
    let app = app_with("standard", &set).await;
    app.enter("ada").await;
    let path = std::path::Path::new("copy.db");
    authd::identity::system::backup::record(&app.core, path).await.unwrap();
    let fine = examined(&app).await;
    for key in ["backup", "tokens.rotate_every", "mail", "clock", "database"] {
        assert_eq!(levels(&fine, key), [], "{key}: {:?}", fine.findings);
    }
    app.turn_clock(Duration::from_hours(32 * 24));
    app.database()
        .tamper("update outbox set state = 'waiting', last_error = '451 later', channel = 'mail'");
    let ill = examined(&app).await;
    assert_eq!(levels(&ill, "backup"), [Severity::Error], "{:?}", ill.findings);
    assert_eq!(levels(&ill, "tokens.rotate_every"), [Severity::Warning]);
    assert_eq!(levels(&ill, "mail"), [Severity::Error]);
    app.database().tamper("update audit set at = at + 40 * 86400000");
    assert_eq!(levels(&examined(&app).await, "clock"), [Severity::Error]);
}

#[tokio::test]
async fn passkeys_that_the_public_url_cannot_use_are_an_error() {
    let bind = |app: &App| {
        app.database()
            .tamper("insert into instance (name, text_value) values ('rp_id', 'id.example.com')");
    };
    let of = async |url: &str| {
        let app = app_with("standard", &[("server.public_url", url)]).await;
        bind(&app);
        levels(&examined(&app).await, "server.public_url")
    };
    assert_eq!(of("https://id.example.com").await, []);
    assert_eq!(of("https://login.id.example.com").await, []);
    assert_eq!(of("https://example.org").await, [Severity::Error]);
}

#[test]
fn it_works_without_a_server_and_without_a_database_and_its_exit_code_says_what_it_found() {
    let folder = Folder::new();
    let (none, code) = doctor(&folder, &["--local"]);
    assert_eq!(
        (about(&none, "database").len(), code, &none["ok"]),
        (1, Some(1), &Value::Bool(false))
    );
    assert_eq!(folder.serve(&CHEAP).end(), Some(0));
    let (stopped, code) = doctor(&folder, &["--local"]);
    assert_eq!(about(&stopped, "server").len(), 1, "{stopped}");
    assert_eq!(about(&stopped, "backup").len(), 1, "none was made yet");
    assert!(has_passed(&stopped, "database", "in order") && code == Some(1), "{stopped}");
    assert!(folder.run(&["backup", "copy.db"]).code == Some(0));
    std::fs::write(folder.path("secrets"), "AUTHD_TOKENS__ISSUER=https://id.example.com\n")
        .unwrap();
    std::fs::set_permissions(folder.path("secrets"), std::fs::Permissions::from_mode(0o644))
        .unwrap();
    let (backed_up, _) = doctor(&folder, &["--local", "--env-file", "secrets"]);
    assert!(has_passed(&backed_up, "backup", "within the hour"), "{backed_up}");
    let open = about(&backed_up, "env_file");
    assert!(open.len() == 1 && open[0].1.contains("0644"), "{open:?}");
    let text = folder.run(&["doctor", "--local"]);
    assert_eq!(text.code, Some(1));
    assert!(
        text.out.starts_with("error: ") && text.out.contains("\nok: database: "),
        "{}",
        text.out
    );
    assert!(!text.out.contains("ready for production"), "{}", text.out);
    let damaged = folder.path("authd.db");
    let mut bytes = std::fs::read(&damaged).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 4096].fill(0x5a);
    std::fs::write(&damaged, bytes).unwrap();
    let (ill, code) = doctor(&folder, &["--local"]);
    assert!(!about(&ill, "database").is_empty() && code == Some(1), "{ill}");
}

#[test]
fn a_file_that_a_checkpoint_is_being_written_to_is_not_damaged() {
    let folder = Folder::new();
    assert_eq!(folder.serve(&CHEAP).end(), Some(0));
    let _log = crate::database::RawDatabase::at(folder.path("authd.db")).begin_checkpoint();
    let (found, _) = doctor(&folder, &["--local"]);
    assert_eq!(about(&found, "database"), [], "{found}");
    assert!(has_passed(&found, "database", "in order"), "{found}");
}

#[test]
fn a_right_configuration_without_errors_exits_with_0_and_strictly_with_1() {
    let folder = Folder::new();
    let server = folder.serve(&CHEAP);
    let settings = format!(
        "[server]\nlisten = \"{}\"\npublic_url = \"https://id.example.com\"\nenvironment = \"production\"\n\
         trusted_proxies = [\"127.0.0.1\"]\n[mail]\nfrom = \"noreply@authd-test.dev\"\n\
         smtp_url = \"smtp://localhost\"\n",
        server.address
    );
    std::fs::write(folder.path("authd.toml"), settings).unwrap();
    let (report, code) = doctor(&folder, &["--local"]);
    assert_eq!((code, &report["ok"]), (Some(0), &Value::Bool(true)), "{report}");
    let (report, code) = doctor(&folder, &["--local", "--strict"]);
    assert_eq!(code, Some(1), "no backup was made: {report}");
    let ran = folder
        .command(&["doctor", "--local", "--to", "a@example.com"])
        .stderr(Stdio::null())
        .status();
    assert_eq!(ran.unwrap().code(), Some(2));
}

#[tokio::test]
async fn the_mail_server_is_greeted_and_gets_no_message_unless_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = crate::support::config("standard", &[], folder.path());
    config.mail.from = "Example <noreply@example.com>".to_owned();
    let env = authd::env::Env::real();
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let names = Some(NameServer::at(silent, &env));
    let scope = DoctorScope { name_server: names, ..scope(Reach::Network) };
    let server = crate::mail::server::Server::start(Vec::new()).await;
    config.mail.smtp = Some(server.config());
    let found = doctor::examine_mail(&config, &env, &scope).await;
    let steps = found.passed.iter().find(|one| one.key == "mail.smtp_url").unwrap();
    assert!(steps.message.contains("connect, banner, EHLO"), "{}", steps.message);
    assert!(!server.heard().contains("MAIL FROM"), "{}", server.heard());
    assert_eq!(levels(&found, "dns"), [Severity::Hint], "{:?}", found.findings);
    let to = authd::model::Email::parse("you@example.com");
    let sending = DoctorScope { send_to: to, ..scope.clone() };
    doctor::examine_mail(&config, &env, &sending).await;
    assert!(server.heard().contains("MAIL FROM"), "{}", server.heard());

    let refusing = crate::mail::server::Server::start(vec![("EHLO", "550 go away")]).await;
    config.mail.smtp = Some(refusing.config());
    let found = doctor::examine_mail(&config, &env, &scope).await;
    assert_eq!(levels(&found, "mail.smtp_url"), [Severity::Error], "{:?}", found.findings);
    let nothing = doctor::examine_mail(&config, &env, &self::scope(Reach::ThisMachine)).await;
    assert_eq!(nothing, CheckReport::default());
}
