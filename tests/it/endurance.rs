//! A long load does not make the server grow: memory and descriptors stay flat.
//!
//! `LONG_TESTS=1` makes it an hour, `LOAD_MINUTES` another length; otherwise it takes seconds.

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::process::{CHEAP, Client, Folder, Server, credentials, is_long};
use crate::support::PASSWORD;

/// Clients that call at the same time.
const CLIENTS: usize = 8;
const MIB: u64 = 1024 * 1024;

#[allow(clippy::disallowed_methods, reason = "it is how the length is asked for")]
fn length() -> Duration {
    let minutes = std::env::var("LOAD_MINUTES").ok().and_then(|text| text.parse().ok());
    match minutes {
        Some(minutes) => Duration::from_mins(minutes),
        None if is_long() => Duration::from_hours(1),
        None => Duration::from_secs(5),
    }
}

/// The server's resident memory in bytes, and its open descriptors.
fn size_of(server: &Server) -> (u64, usize) {
    let process = format!("/proc/{}", server.child.id());
    let status = fs::read_to_string(format!("{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
    (kib * 1024, fs::read_dir(format!("{process}/fd")).unwrap().count())
}

/// What one person does: logs in, reads, refreshes, mistypes, logs out.
fn visit(client: &Client, number: usize) {
    let email = format!("user{number}@example.com");
    let login = client.post("/v1/auth/login", &credentials(&email, PASSWORD)).unwrap();
    assert_eq!(login.status, 200, "{}", login.body);
    let (access, refresh) = (login.text("accessToken"), login.text("refreshToken"));
    let bearer = format!("Authorization: Bearer {access}\r\n");
    assert_eq!(client.ask("GET", "/v1/users/me", &bearer, None).unwrap().status, 200);
    let body = json!({ "refreshToken": refresh });
    assert_eq!(client.post("/v1/auth/refresh", &body).unwrap().status, 200);
    let wrong = credentials("nobody@example.com", "a wrong passphrase");
    assert_eq!(client.post("/v1/auth/login", &wrong).unwrap().status, 401);
    let logout = client.ask("POST", "/v1/auth/logout", &bearer, Some(&json!({}))).unwrap();
    assert_eq!(logout.status, 200, "{}", logout.body);
}

#[test]
#[allow(clippy::disallowed_methods, reason = "the load has a length")]
fn memory_and_descriptors_stay_flat_under_load() {
    let folder = Folder::new();
    let more = ["--set", "throttle.enabled=false", "--set", "signup.verify_email=false"];
    let more = [&more[..], &["--set", "limits.refresh=off"]].concat();
    let server = folder.serve(&[&CHEAP[..], &more].concat());
    for number in 0..CLIENTS {
        let sign_up = credentials(&format!("user{number}@example.com"), PASSWORD);
        assert_eq!(server.post("/v1/auth/register", &sign_up).unwrap().status, 201);
    }
    let (length, began) = (length(), Instant::now());
    let (ends, visits) = (AtomicBool::new(false), AtomicU64::new(0));
    let (warm, loaded) = std::thread::scope(|scope| {
        for number in 0..CLIENTS {
            let (client, ends, visits) = (server.client(), &ends, &visits);
            scope.spawn(move || {
                while !ends.load(Ordering::Relaxed) {
                    visit(&client, number);
                    visits.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        // What is made once, such as caches and connections of readers, is there by then.
        std::thread::sleep(length / 4);
        let warm = size_of(&server);
        std::thread::sleep(length.saturating_sub(began.elapsed()));
        let loaded = size_of(&server);
        ends.store(true, Ordering::Relaxed);
        (warm, loaded)
    });
    let visits = visits.into_inner();
    println!(
        "{visits} visits in {:.0?}: {} to {} KiB, {} to {} descriptors",
        began.elapsed(),
        warm.0 / 1024,
        loaded.0 / 1024,
        warm.1,
        loaded.1
    );
    assert!(visits > 10, "{visits}");
    // Connections come and go, one for each client and a few that are being closed.
    assert!(loaded.1 <= warm.1 + 2 * CLIENTS, "descriptors: {} to {}", warm.1, loaded.1);
    let most = warm.0 + warm.0 / 10 + 8 * MIB;
    assert!(loaded.0 <= most, "memory: {} to {} bytes", warm.0, loaded.0);
    assert_eq!(server.end(), Some(0));
}
