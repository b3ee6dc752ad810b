//! Long imports: killed while running, next to a busy server, and of a million rows.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::process::{CHEAP, Folder, credentials, is_long};

const PASSWORD: &str = "The old 1 pass-word";

/// A table of this many accounts, all with the same password.
fn table(numbers: std::ops::RangeInclusive<u32>) -> String {
    let hash = bcrypt::hash_with_salt(PASSWORD, 4, [7; 16])
        .unwrap()
        .format_for_version(bcrypt::Version::TwoB);
    let mut table = String::from("id,email,password,name,is_verified\n");
    for n in numbers {
        writeln!(table, "{n},user{n}@example.com,{hash},User {n},t").unwrap();
    }
    table
}

/// The audit log's records of imports, oldest first.
fn summaries(folder: &Folder) -> Vec<String> {
    let records: Value = serde_json::from_str(&folder.run(&["audit", "--json"]).out).unwrap();
    let imports =
        records.as_array().unwrap().iter().filter(|record| record["event"] == "accounts_imported");
    imports.map(|record| record["detail"].as_str().unwrap().to_owned()).collect()
}

/// A database without accounts.
fn begun() -> Folder {
    let folder = Folder::new();
    assert_eq!(folder.serve(&CHEAP).end(), Some(0));
    folder
}

#[test]
fn an_import_that_was_killed_goes_on_where_it_was_and_each_row_is_there_once() {
    let folder = begun();
    let all = table(1..=12_000);
    std::fs::write(folder.path("users.csv"), &all).unwrap();
    let mut import = folder
        .command(&["user", "import", "-", "--format", "csv"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = import.stdin.take().unwrap();
    // The rest of the input never arrives, so the import cannot end before it is killed.
    input.write_all(&all.as_bytes()[..all.len() / 6 * 5]).unwrap();
    let said = loop {
        match summaries(&folder).pop() {
            Some(said) => break said,
            None => std::thread::yield_now(),
        }
    };
    assert!(said.starts_with("begun, "), "{said}");
    import.kill().unwrap();
    import.wait().unwrap();
    // The audit record matches what was written before the process died.
    let said = summaries(&folder).pop().unwrap();

    let ran = folder.run(&["user", "import", "users.csv", "--json"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let summary: Value = serde_json::from_str(&ran.out).unwrap();
    let (imported, present) =
        (summary["imported"].as_u64().unwrap(), summary["present"].as_u64().unwrap());
    assert_eq!((imported + present, &summary["refused"]), (12_000, &json!(0)));
    assert!(imported > 0 && present > 0, "{summary}");
    assert_eq!(said, format!("begun, {present} imported so far"));
    assert_eq!(
        summaries(&folder),
        [said, format!("{imported} imported, {present} there already, 0 refused")]
    );

    let exported = folder.run(&["user", "export", "--format", "jsonl"]).out;
    let rows = exported.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut numbers: Vec<u64> = rows.map(|row| row["number"].as_u64().unwrap()).collect();
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq(1..=12_000));
}

#[test]
fn an_import_that_is_interrupted_says_how_to_go_on() {
    let folder = begun();
    let mut import = folder
        .command(&["user", "import", "-", "--format", "csv"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = import.stdin.take().unwrap();
    input.write_all(table(1..=6_000).as_bytes()).unwrap();
    while summaries(&folder).is_empty() {
        std::thread::yield_now();
    }
    kill_process(Pid::from_child(&import), Signal::INT).unwrap();
    let ended = import.wait_with_output().unwrap();
    let (out, err) =
        (String::from_utf8(ended.stdout).unwrap(), String::from_utf8(ended.stderr).unwrap());
    assert_eq!(ended.status.code(), Some(1), "{err}");
    assert!(err.contains("interrupted") && err.contains("hint: run it again to continue"), "{err}");
    assert!(out.starts_with("imported 5000 of 5000 rows"), "{out}");
    assert_eq!(summaries(&folder), ["5000 imported, 0 there already, 0 refused"]);
    drop(input);
}

#[test]
#[allow(clippy::disallowed_methods, reason = "how long a refresh takes is the question")]
fn an_import_beside_a_busy_server_lets_everybody_through() {
    let rows = if is_long() { 100_000 } else { 3_000 };
    let folder = Folder::new();
    std::fs::write(folder.path("users.csv"), table(10..=rows)).unwrap();
    std::fs::write(folder.path("first.csv"), table(1..=4)).unwrap();
    let server = folder.serve(&CHEAP);
    assert_eq!(folder.run(&["user", "import", "first.csv"]).code, Some(0));
    let is_over = AtomicBool::new(false);
    let mut took: Vec<Duration> = std::thread::scope(|scope| {
        let clients: Vec<_> = (1..=4)
            .map(|n| {
                let (client, is_over) = (server.client(), &is_over);
                scope.spawn(move || {
                    let login = credentials(&format!("user{n}@example.com"), PASSWORD);
                    let mut token =
                        client.post("/v1/auth/login", &login).unwrap().text("refreshToken");
                    let mut took = Vec::new();
                    while !is_over.load(Ordering::Relaxed) {
                        let began = Instant::now();
                        let refreshed = client
                            .post("/v1/auth/refresh", &json!({ "refreshToken": token }))
                            .unwrap();
                        assert_eq!(refreshed.status, 200, "{}", refreshed.body);
                        took.push(began.elapsed());
                        token = refreshed.text("refreshToken");
                    }
                    took
                })
            })
            .collect();
        let ran = folder.run(&["user", "import", "users.csv", "--json"]);
        is_over.store(true, Ordering::Relaxed);
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        let summary: Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!((&summary["imported"], &summary["refused"]), (&json!(rows - 9), &json!(0)));
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    });
    took.sort_unstable();
    let slow = took[took.len() * 99 / 100];
    assert!(
        slow <= Duration::from_millis(if is_long() { 100 } else { 1000 }),
        "{slow:?} of {}",
        took.len()
    );
    let wal = std::fs::metadata(folder.path("authd.db-wal")).unwrap().len();
    assert!(wal <= 64 << 20, "{wal}");
    let last = credentials(&format!("user{rows}@example.com"), PASSWORD);
    assert_eq!(server.post("/v1/auth/login", &last).unwrap().status, 200);
    assert_eq!(server.end(), Some(0));
}

/// The peak memory of a process, in KiB.
fn peak(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[test]
#[allow(clippy::disallowed_methods, reason = "how long it takes is the question")]
fn a_million_rows_move_in_and_one_of_them_logs_in_with_the_old_password() {
    let rows = if is_long() { 1_000_000 } else { 10_000 };
    let folder = begun();
    std::fs::write(folder.path("users.csv"), table(1..=rows)).unwrap();
    let began = Instant::now();
    let mut import = folder.command(&["user", "import", "users.csv", "--json"]).spawn().unwrap();
    let mut most = 0;
    while import.try_wait().unwrap().is_none() {
        most = peak(import.id()).unwrap_or(0).max(most);
        std::thread::park_timeout(Duration::from_millis(5));
    }
    let took = began.elapsed();
    let said = std::io::read_to_string(import.stdout.take().unwrap()).unwrap();
    let summary: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((&summary["imported"], &summary["refused"]), (&json!(rows), &json!(0)));
    assert!(most <= 200 << 10, "{most} KiB");
    if is_long() {
        let figures =
            format!("{:.1} s, limit 60 s; {} MiB, limit 200 MiB", took.as_secs_f64(), most >> 10);
        let _ = writeln!(std::io::stderr(), "import of {rows} rows: {figures}");
    }
    if is_long() && !cfg!(debug_assertions) {
        assert!(took <= Duration::from_mins(1), "{took:?}");
    }

    let server = folder.serve(&CHEAP);
    let middle = credentials(&format!("user{}@example.com", rows / 2), PASSWORD);
    assert_eq!(server.post("/v1/auth/login", &middle).unwrap().status, 200);
    let again = server.post("/v1/auth/login", &middle).unwrap();
    assert_eq!(again.status, 200, "with the new hash");
    let wrong = credentials(&format!("user{}@example.com", rows / 2), "another pass-word");
    assert_eq!(server.post("/v1/auth/login", &wrong).unwrap().status, 401);
    assert_eq!(server.end(), Some(0));
}
