//! The holes of `docs/rescue.md` that no other scenario plays, with the real program: stuck mail, and a
//! stolen database with and without its key.

use std::fs;
use std::io::Write;
use std::process::Stdio;

use authd::model::secret;
use rustix::process::Signal;
use serde_json::Value;

use crate::doctor::{about, doctor, has_passed};
use crate::process::{CHEAP, Folder, Server, credentials};
use crate::support::PASSWORD;

/// Writes a configuration whose mail goes to this port.
fn mail_to(folder: &Folder, port: u16) {
    let text = format!(
        "hashing.memory = 64\nhashing.passes = 1\n[mail]\nfrom = \"noreply@example.com\"\n\
         smtp_url = \"smtp://127.0.0.1:{port}\"\n"
    );
    fs::write(folder.path("authd.toml"), text).unwrap();
}

/// Lists messages until one is as expected. Each look takes a process, so this does not spin.
fn until_listed(folder: &Folder, state: &str, is_so: impl Fn(&Value) -> bool) {
    for _ in 0..200 {
        let ran = folder.run(&["mail", "list", "--state", state, "--json"]);
        let listed: Value = serde_json::from_str(&ran.out).unwrap();
        if listed.as_array().unwrap().iter().any(&is_so) {
            return;
        }
    }
    panic!("no message is {state}: {}", folder.run(&["mail", "list"]).out);
}

#[tokio::test]
async fn stuck_mail_is_found_and_goes_out_once_the_mail_server_is_right() {
    let working = crate::mail::server::Server::start(Vec::new()).await;
    let port = working.port;
    let play = move || {
        let closed =
            std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = Folder::new();
        mail_to(&folder, closed);
        let server = folder.serve(&[]);
        let sign_up = credentials("ada@example.com", PASSWORD);
        assert_eq!(server.post("/v1/auth/register", &sign_up).unwrap().status, 201);
        until_listed(&folder, "waiting", |message| message["lastError"].is_string());
        let (found, code) = doctor(&folder, &[]);
        assert_eq!(code, Some(1));
        assert!(about(&found, "mail").iter().any(|(level, _)| level == "error"), "{found}");
        assert!(
            about(&found, "mail.smtp_url").iter().any(|(level, _)| level == "error"),
            "{found}"
        );

        mail_to(&folder, port);
        server.signal(Signal::HUP);
        assert_eq!(folder.run(&["mail", "retry", "--all"]).code, Some(0));
        until_listed(&folder, "delivered", |message| message["recipient"] == "ada@example.com");
        let (found, _) = doctor(&folder, &[]);
        assert!(has_passed(&found, "mail", "no message waits"), "{found}");
        assert!(has_passed(&found, "mail.smtp_url", "EHLO"), "{found}");
        assert_eq!(server.end(), Some(0));
    };
    tokio::task::spawn_blocking(play).await.unwrap();
    assert!(working.heard().contains("RCPT TO:<ada@example.com>"), "{}", working.heard());
}

/// Runs a command that reads a password.
fn with_password(folder: &Folder, arguments: &[&str], password: &str) {
    let mut child = folder.command(arguments).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(password.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success(), "{arguments:?}");
}

fn log_in(server: &Server, password: &str) -> String {
    let reply = server.post("/v1/auth/login", &credentials("bob@example.com", password)).unwrap();
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.text("accessToken")
}

/// The id of the key that signed a token.
fn key_of(token: &str) -> String {
    let header = secret::decode(token.split('.').next().unwrap()).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

fn publishes(server: &Server, kid: &str) -> bool {
    let keys = server.get("/.well-known/jwks.json").unwrap();
    keys.body["keys"].as_array().unwrap().iter().any(|key| key["kid"] == kid)
}

fn me(server: &Server, token: &str) -> u16 {
    let bearer = format!("Authorization: Bearer {token}\r\n");
    server.client().ask("GET", "/v1/users/me", &bearer, None).unwrap().status
}

#[test]
fn a_stolen_database_opens_nothing_without_its_key_and_with_it_nothing_after_the_revocation() {
    let folder = Folder::new();
    let server = folder.serve(&CHEAP);
    let create = ["user", "create", "--email", "bob@example.com", "--verified", "--password-stdin"];
    with_password(&folder, &create, PASSWORD);
    let own = log_in(&server, PASSWORD);
    assert_eq!(folder.run(&["backup", "loot.db"]).code, Some(0));
    let thief = Folder::new();
    fs::copy(folder.path("loot.db"), thief.path("authd.db")).unwrap();
    let alone = thief.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert!(alone.code == Some(1) && alone.err.contains("master key"), "{}", alone.err);
    let whole: Vec<u8> = fs::read(thief.path("authd.db")).unwrap();
    let holds = |text: &str| whole.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(holds("bob@example.com") && !holds(PASSWORD) && !holds(&own));

    // With the key too, the thief signs what other services accept.
    fs::copy(folder.path("authd.key"), thief.path("authd.key")).unwrap();
    let set = ["user", "set-password", "bob@example.com", "--password-stdin"];
    with_password(&thief, &set, "Another-Horse-8-Battery");
    let forger = thief.serve(&CHEAP);
    let forged = log_in(&forger, "Another-Horse-8-Battery");
    assert!(publishes(&server, &key_of(&forged)));
    assert_eq!(me(&server, &own), 200);
    assert_eq!(folder.run(&["key", "rotate", "--revoke", "--yes"]).code, Some(0));
    assert!(!publishes(&server, &key_of(&forged)) && !publishes(&server, &key_of(&own)));
    assert_eq!((me(&server, &forged), me(&server, &own)), (401, 401));
    let new = log_in(&server, PASSWORD);
    assert_eq!(me(&server, &new), 200, "everybody logs in again");
}
