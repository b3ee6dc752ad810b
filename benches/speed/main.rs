//! `cargo bench`: authd's performance next to the machine's maximum, measured in the same run.
//!
//! The server under test is the real binary in a separate process; so is the minimal handler that
//! it is compared with. The exit code is 1 if a target is missed. `cargo bench -- quick` uses
//! shorter measurements, and `cargo bench -- logins` runs only one kind: logins, passkeys, checks,
//! beside, refreshes, pages. Start, memory and size are always measured. `cargo bench -- search`
//! measures the search in a million accounts, and `cargo bench -- postgres` what PostgreSQL costs beside
//! `pgbench`; both take minutes and are done only if they are named.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a benchmark ends at the first surprise and reads the clock"
)]
#![allow(clippy::cast_precision_loss, reason = "counts are small")]

#[path = "../../tests/it/authenticator.rs"]
#[allow(dead_code, reason = "the tests use all of it")]
mod authenticator;
mod load;
mod passkeys;
mod postgres;
mod raw;
mod search;
mod server;

use std::process::ExitCode;
use std::time::Duration;

use serde_json::json;

use server::Server;

const CONNECTIONS: usize = 64;
/// How often logins and token checks alternate with their reference measurement, because the speed
/// of a machine varies over time.
const ROUNDS: u32 = 4;
const PASSWORD: &str = "correct horse battery staple";
/// The account whose pages are opened; it has no other session.
const READER: &str = "reader@example.com";
/// The measurements that can be selected by name.
const KINDS: [&str; 6] = ["logins", "passkeys", "checks", "beside", "refreshes", "pages"];

/// The measurements that are made only if they are named.
const SEARCH: &str = "search";
const POSTGRES: &str = "postgres";

/// One line of the table.
struct Figure {
    name: &'static str,
    measured: String,
    limit: String,
    holds: bool,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.iter().any(|argument| argument == "bare-handler") {
        raw::serve_bare_handler();
        return ExitCode::SUCCESS;
    }
    let span = Duration::from_secs(if arguments.iter().any(|argument| argument == "quick") {
        2
    } else {
        8
    });
    let kinds: Vec<&str> = KINDS
        .into_iter()
        .chain([SEARCH, POSTGRES])
        .filter(|kind| arguments.iter().any(|argument| argument == kind))
        .collect();
    let kinds = if kinds.is_empty() { KINDS.to_vec() } else { kinds };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let figures = runtime.block_on(measure(span, &kinds));
    for figure in &figures {
        let verdict = if figure.holds { "ok  " } else { "MISS" };
        println!("{verdict} {:<44} {:<44} limit {}", figure.name, figure.measured, figure.limit);
    }
    if figures.iter().all(|figure| figure.holds) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn measure(span: Duration, kinds: &[&str]) -> Vec<Figure> {
    let folder = tempfile::tempdir().unwrap();
    let mut figures = Vec::new();
    let first = Server::start(folder.path()).await;
    figures.push(start("start to first 200, new database", first.took));
    drop(first);
    let server = Server::start(folder.path()).await;
    figures.push(start("start to first 200, existing database", server.took));
    tokio::time::sleep(Duration::from_secs(1)).await;
    figures.push(memory(&server));
    if kinds.iter().any(|kind| KINDS.contains(kind)) {
        for n in 0..CONNECTIONS {
            Server::create_user(folder.path(), &email(n), PASSWORD);
        }
        Server::create_user(folder.path(), READER, PASSWORD);
    }
    if kinds.contains(&"logins") {
        figures.push(logins(&server, span).await);
    }
    if kinds.contains(&"passkeys") {
        figures.push(passkey_logins(&server, span).await);
    }
    if kinds.contains(&"checks") {
        figures.extend(token_checks(&server, span).await);
    }
    if kinds.contains(&"beside") {
        figures.extend(beside(&server, span).await);
    }
    if kinds.contains(&"refreshes") {
        figures.extend(refreshes(&server, span).await);
    }
    if kinds.contains(&"pages") {
        figures.extend(pages(&server, span).await);
    }
    drop(server);
    if kinds.contains(&SEARCH) {
        figures.extend(search::measure().await);
    }
    if kinds.contains(&POSTGRES) {
        figures.extend(postgres::measure(span).await);
    }
    figures.push(size());
    figures
}

fn start(name: &'static str, took: Duration) -> Figure {
    let milliseconds = took.as_secs_f64() * 1000.0;
    Figure {
        name,
        measured: format!("{milliseconds:.1} ms"),
        limit: "50 ms".to_owned(),
        holds: milliseconds <= 50.0,
    }
}

fn memory(server: &Server) -> Figure {
    let mebibytes = server.resident_kib() / 1024.0;
    Figure {
        name: "memory, idle",
        measured: format!("{mebibytes:.1} MiB"),
        limit: "16 MiB".to_owned(),
        holds: mebibytes <= 16.0,
    }
}

fn size() -> Figure {
    let mebibytes = std::fs::metadata(server::binary()).unwrap().len() as f64 / 1024.0 / 1024.0;
    Figure {
        name: "binary",
        measured: format!("{mebibytes:.1} MiB"),
        limit: "30 MiB".to_owned(),
        holds: mebibytes <= 30.0,
    }
}

/// The address that a connection logs in with.
fn email(connection: usize) -> String {
    format!("bench{connection}@example.com")
}

fn login(connection: usize) -> Vec<u8> {
    load::post(
        "/v1/auth/login",
        &json!({ "email": email(connection), "password": PASSWORD }).to_string(),
    )
}

async fn logins(server: &Server, span: Duration) -> Figure {
    load::run(server.address, CONNECTIONS, Duration::from_secs(1), login).await;
    let (mut ours, mut alone) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        alone.push(raw::hashes_per_second(span / ROUNDS));
        // Longer, because the measurement waits for the logins in progress at its end.
        ours.push(load::run(server.address, CONNECTIONS, span / 2, login).await.per_second);
    }
    ratio("logins, 64 connections", mean(&ours), "raw argon2id", mean(&alone), 0.95)
}

/// Logins with a passkey, beside those with a password in the same run.
async fn passkey_logins(server: &Server, span: Duration) -> Figure {
    let mut devices = Vec::new();
    for n in 0..CONNECTIONS {
        let access = server.login(&email(n), PASSWORD).await.access;
        devices.push(passkeys::add(server.address, &access).await);
    }
    let passwords = load::run(server.address, CONNECTIONS, span / 2, login).await.per_second;
    let ours = passkeys::logins_per_second(server.address, devices, span / 2).await;
    ratio("passkey logins, 64 connections", ours, "password logins", passwords, 10.0)
}

async fn token_checks(server: &Server, span: Duration) -> Vec<Figure> {
    let token = server.login(&email(0), PASSWORD).await.access;
    let request = load::get("/v1/users/me", &token);
    let answer = load::once(server.address, &request).await;
    let bare = Server::bare(&answer);
    let (mut ours, mut alone, mut calls) = (Vec::new(), Vec::new(), 0);
    let cpu = server.cpu_seconds();
    for _ in 0..ROUNDS {
        alone.push(
            load::run(bare.address, CONNECTIONS, span / ROUNDS, |_| request.clone())
                .await
                .per_second,
        );
        let checks =
            load::run(server.address, CONNECTIONS, span / ROUNDS, |_| request.clone()).await;
        ours.push(checks.per_second);
        calls += checks.calls;
    }
    let each = (server.cpu_seconds() - cpu) * 1e6 / calls as f64;
    vec![
        ratio("token checks, 64 connections", mean(&ours), "a bare handler", mean(&alone), 0.6),
        Figure {
            name: "CPU for one token check",
            measured: format!("{each:.1} µs"),
            limit: "30 µs".to_owned(),
            holds: each <= 30.0,
        },
    ]
}

/// Token checks on a few connections during many logins: neither may block the other.
async fn beside(server: &Server, span: Duration) -> Vec<Figure> {
    let token = server.login(&email(CONNECTIONS - 1), PASSWORD).await.access;
    let check = load::get("/v1/users/me", &token);
    let hashing = raw::hashes_per_second(span / 2);
    let alone = load::run(server.address, 8, span / 2, |_| check.clone()).await;
    let (checks, logins) = tokio::join!(
        load::run(server.address, 8, span, |_| check.clone()),
        load::run(server.address, 32, span, login)
    );
    let slowest = checks.percentile(99).as_secs_f64() * 1000.0;
    vec![
        ratio(
            "token checks on 8 beside 32 logins",
            checks.per_second,
            "the same alone",
            alone.per_second,
            0.7,
        ),
        Figure {
            name: "99 of 100 of them take at most",
            measured: format!("{slowest:.1} ms"),
            limit: "10 ms".to_owned(),
            holds: slowest <= 10.0,
        },
        ratio("32 logins beside those checks", logins.per_second, "raw argon2id", hashing, 0.7),
    ]
}

async fn refreshes(server: &Server, span: Duration) -> Vec<Figure> {
    let mut tokens = Vec::new();
    for n in 0..CONNECTIONS {
        tokens.push(server.login(&email(n), PASSWORD).await.refresh);
    }
    let before = raw::group_commits_per_second(span / 2, CONNECTIONS).await;
    let cpu = server.cpu_seconds();
    let (ours, _) = load::refresh(server.address, tokens, span).await;
    let each = (server.cpu_seconds() - cpu) * 1e6 / ours.calls as f64;
    let after = raw::group_commits_per_second(span / 2, CONNECTIONS).await;
    let alone = f64::midpoint(before, after);
    let name = "refreshes, durable, 64 connections";
    vec![
        ratio(name, ours.per_second, "the statements alone", alone, 0.5),
        Figure {
            name: "CPU for one refresh",
            measured: format!("{each:.1} µs"),
            limit: "60 µs".to_owned(),
            holds: each <= 60.0,
        },
    ]
}

/// Pages for people: the sign-in page, and the first page of an account.
async fn pages(server: &Server, span: Duration) -> Vec<Figure> {
    let cookie = server.enter_pages(READER, PASSWORD).await;
    let mut figures = Vec::new();
    for (name, path) in
        [("CPU for the sign-in page", "/sign-in?again"), ("CPU for an account page", "/account")]
    {
        let request = load::page(path, &cookie);
        let cpu = server.cpu_seconds();
        let load = load::run(server.address, 8, span / 2, |_| request.clone()).await;
        let each = (server.cpu_seconds() - cpu) * 1e6 / load.calls as f64;
        figures.push(Figure {
            name,
            measured: format!("{each:.1} µs"),
            limit: "100 µs".to_owned(),
            holds: each <= 100.0,
        });
    }
    figures
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn ratio(name: &'static str, ours: f64, against: &str, alone: f64, least: f64) -> Figure {
    Figure {
        name,
        measured: format!("{ours:.0}/s = {:.2} of {alone:.0}/s", ours / alone),
        limit: format!("{least} of {against}"),
        holds: ours / alone >= least,
    }
}
