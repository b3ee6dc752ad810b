//! The real binary, killed while busy: acknowledged writes are present, ended sessions stay ended,
//! and clients that got no response continue with their old token. The long form is `LONG_TESTS=1
//! cargo test crash`.

use std::sync::Mutex;
use std::time::Duration;

use serde_json::json;

use crate::database::RawDatabase;
use crate::process::{CHEAP, Client, Folder, Reply, credentials, is_long};

const PASSWORD: &str = "correct-horse-battery-1";

/// The last known state of one client.
#[derive(Clone, Default)]
struct Known {
    /// Accounts whose creation was acknowledged.
    accounts: Vec<String>,
    /// Refresh tokens of sessions that no client ended: each the last one received.
    alive: Vec<String>,
    /// Refresh tokens of sessions whose end was acknowledged.
    ended: Vec<String>,
}

fn refresh(client: &Client, token: &str) -> Option<Reply> {
    client.post("/v1/auth/refresh", &json!({ "refreshToken": token }))
}

/// Signs up, logs in, refreshes and logs out until the server stops responding.
fn busy_client(client: &Client, name: &str, known: &Mutex<Known>) {
    let mut count = 0;
    loop {
        count += 1;
        let email = format!("{name}-{count}@example.com");
        let Some(reply) = client.post("/v1/auth/register", &credentials(&email, PASSWORD)) else {
            return;
        };
        assert_eq!(reply.status, 201, "{}", reply.body);
        known.lock().unwrap().accounts.push(email.clone());
        let Some(reply) = client.post("/v1/auth/login", &credentials(&email, PASSWORD)) else {
            return;
        };
        assert_eq!(reply.status, 200, "{}", reply.body);
        let mut token = reply.text("refreshToken");
        known.lock().unwrap().alive.push(token.clone());
        for _ in 0..2 {
            // Without a response, the session continues with the parent token.
            let Some(reply) = refresh(client, &token) else { return };
            assert_eq!(reply.status, 200, "{}", reply.body);
            token = reply.text("refreshToken");
            known.lock().unwrap().alive.last_mut().unwrap().clone_from(&token);
        }
        if count % 2 == 0 {
            // Without a response, it is unknown whether the session ended.
            known.lock().unwrap().alive.pop();
            let body = json!({ "refreshToken": token });
            let Some(reply) = client.post("/v1/auth/logout", &body) else { return };
            assert_eq!(reply.status, 200, "{}", reply.body);
            known.lock().unwrap().ended.push(token);
        }
    }
}

fn assert_kept(client: &Client, known: &Known) {
    for email in known.accounts.iter().rev().take(3) {
        let reply = client.post("/v1/auth/login", &credentials(email, PASSWORD)).unwrap();
        assert_eq!(reply.status, 200, "an account is lost: {}", reply.body);
    }
    for token in known.alive.iter().rev().take(3) {
        let reply = refresh(client, token).unwrap();
        assert_eq!(reply.status, 200, "a session is lost: {}", reply.body);
    }
    for token in known.ended.iter().rev().take(3) {
        let reply = refresh(client, token).unwrap();
        assert_eq!(
            (reply.status, reply.code()),
            (401, "TOKEN_REVOKED"),
            "a session is back: {}",
            reply.body
        );
    }
}

#[test]
fn nothing_acknowledged_is_lost_when_the_server_is_killed_under_load() {
    let (rounds, clients) = if is_long() { (200, 64) } else { (5, 24) };
    let folder = Folder::new();
    let open = ["--set", "signup.verify_email=false", "--set", "signup.reveal_existing=true"];
    let arguments = [&open[..], &CHEAP, &["--set", "limits.refresh=off"]].concat();
    for round in 0..rounds {
        let server = folder.serve(&arguments);
        let known: Vec<Mutex<Known>> = (0..clients).map(|_| Mutex::default()).collect();
        std::thread::scope(|scope| {
            for (n, known) in known.iter().enumerate() {
                let client = server.client();
                scope.spawn(move || busy_client(&client, &format!("r{round}-{n}"), known));
            }
            // Waits until enough is acknowledged, and then for a time that differs in each round.
            while known.iter().map(|known| known.lock().unwrap().accounts.len()).sum::<usize>()
                < clients
            {
                std::thread::park_timeout(Duration::from_millis(5));
            }
            std::thread::park_timeout(Duration::from_millis(17 * (round % 13) + 40));
            server.kill();
        });
        let server = folder.serve(&arguments);
        for known in &known {
            assert_kept(&server.client(), &known.lock().unwrap());
        }
        server.kill();
        let file = RawDatabase::at(folder.path("authd.db"));
        assert_eq!(file.texts("pragma integrity_check"), ["ok"]);
        assert_eq!(file.number("select count(*) from pragma_foreign_key_check"), 0);
    }
}

/// Checks in a trace that each of five registrations was on disk before its response was sent.
fn assert_synced_first(trace: &str) {
    let mut synced = false;
    let mut answers = 0;
    for line in trace.lines() {
        if (line.contains("fdatasync(") || line.contains("fsync(") || line.contains("sync resumed"))
            && line.ends_with("= 0")
        {
            synced = true;
        }
        if line.contains("HTTP/1.1 201") {
            answers += 1;
            assert!(std::mem::take(&mut synced), "answered before it was on disk: {line}");
        }
    }
    assert_eq!(answers, 5);
}

#[test]
fn a_change_is_on_disk_before_it_is_acknowledged() {
    let folder = Folder::new();
    let trace = folder.path("trace");
    let server = folder.serve(&CHEAP);
    let id = server.child.id().to_string();
    let strace = std::process::Command::new("strace")
        .args([
            "-f",
            "-qq",
            "-s",
            "40",
            "-e",
            "trace=fdatasync,fsync,writev,write,sendto",
            "-p",
            &id,
            "-o",
        ])
        .arg(&trace)
        .stderr(std::process::Stdio::piped())
        .spawn();
    let Ok(mut strace) = strace else {
        crate::tools::missing("a change is on disk before it is acknowledged", "strace");
        return;
    };
    let is_attached = || {
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        status.lines().any(|line| line.starts_with("TracerPid:") && !line.ends_with("\t0"))
    };
    for _ in 0..200 {
        if is_attached() || strace.try_wait().unwrap().is_some() {
            break;
        }
        std::thread::park_timeout(Duration::from_millis(10));
    }
    if !is_attached() {
        let _ = strace.kill();
        let _ = strace.wait();
        crate::tools::skip(
            "a change is on disk before it is acknowledged",
            "processes cannot be watched here",
        );
        return;
    }
    for n in 0..5 {
        let reply = server
            .post("/v1/auth/register", &credentials(&format!("u{n}@example.com"), PASSWORD))
            .unwrap();
        assert_eq!(reply.status, 201);
    }
    assert_eq!(server.end(), Some(0));
    strace.wait().unwrap();
    assert_synced_first(&std::fs::read_to_string(&trace).unwrap());
}
