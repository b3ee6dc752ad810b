//! The console of a large instance: how its statements find their rows, how long its pages take, what they
//! weigh, and what becomes of others meanwhile.
//!
//! `LONG_TESTS=1` makes it a million accounts with three million sessions. The figures count in a release
//! build alone.

mod fill;
mod plans;
mod visit;

use std::io::Write as _;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use self::fill::Filling;
use self::visit::{ConsoleSession, EMAIL, SEARCHES, make_administrator, paths};
use crate::database::RawDatabase;
use crate::process::{CHEAP, Client, Folder, Server, credentials, is_long};
use crate::support::PASSWORD;

/// How long a page may take, and a search.
const PAGE: Duration = Duration::from_millis(50);
const SEARCH: Duration = Duration::from_millis(100);
/// How long 99 of 100 token checks may take while administrators search.
const CHECK: Duration = Duration::from_millis(10);
/// How much a page may weigh, and the first one with all that it loads.
const WEIGHT: usize = 15_000;
const FIRST_WEIGHT: usize = 60_000;
/// Administrators who search at the same time.
const ADMINISTRATORS: usize = 10;

/// Milliseconds since 1970.
#[allow(clippy::disallowed_methods, reason = "the server of these tests has the real clock")]
fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

/// Waits until the server has counted the accounts and has written the index of the search.
fn wait_until_ready(folder: &Folder, root: &ConsoleSession, accounts: u32) {
    let database = RawDatabase::at(folder.path("authd.db"));
    let segments = i64::from(accounts + 100) / 4096;
    let written = || {
        let found = database.numbers("select number from instance where name = 'search_segment'");
        found.first().copied().unwrap_or(0)
    };
    while written() < segments || root.get("/console/overview").text.contains("are being counted") {
        std::thread::park_timeout(Duration::from_millis(50));
    }
}

fn say(line: &str) {
    if is_long() {
        let _ = writeln!(std::io::stderr(), "{line}");
    }
}

/// The files that a page loads, in bytes.
fn files(root: &ConsoleSession) -> usize {
    let page = root.get("/console/accounts").text;
    let loaded = page.split("=\"/pages/").skip(1).map(|rest| rest.split('"').next().unwrap());
    loaded.map(|name| root.get(&format!("/pages/{name}")).length).sum()
}

/// Opens every page a few times; returns those that take too long.
#[allow(clippy::disallowed_methods, reason = "how long a page takes is the question")]
fn measure(root: &ConsoleSession) -> Vec<String> {
    let files = files(root);
    say(&format!("{files} bytes of style and script"));
    let mut slow = Vec::new();
    let mut measured = Vec::new();
    for path in paths() {
        let mut took = Vec::new();
        let mut weight = 0;
        for _ in 0..5 {
            let began = Instant::now();
            let page = root.get(&path);
            took.push(began.elapsed());
            assert!(page.status < 500, "{path}: {}", page.text);
            weight = page.length;
        }
        took.sort_unstable();
        assert!(weight <= WEIGHT && weight + files <= FIRST_WEIGHT, "{path}: {weight} and {files}");
        let limit = if path.contains("q=") { SEARCH } else { PAGE };
        if took[2] > limit {
            slow.push(format!("{:?} {path}", took[2]));
        }
        measured.push((took[2], took[4], weight, path));
    }
    measured.sort_unstable();
    for (median, most, weight, path) in &measured {
        say(&format!("{median:>12.2?} {most:>12.2?} {weight:>6} bytes  {path}"));
    }
    slow
}

/// How long 99 of 100 token checks take, until this is over.
#[allow(clippy::disallowed_methods, reason = "how long a check takes is the question")]
fn checks(client: &Client, token: &str, is_over: impl Fn(usize) -> bool) -> Duration {
    let bearer = format!("Authorization: Bearer {token}\r\n");
    let mut took = Vec::new();
    while !is_over(took.len()) {
        let began = Instant::now();
        let answer = client.ask("GET", "/v1/users/me", &bearer, None).unwrap();
        took.push(began.elapsed());
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    took.sort_unstable();
    took[took.len() * 99 / 100]
}

/// Token checks while administrators search, a second apart each.
fn beside_searches(server: &Server) -> Duration {
    let login = server.post("/v1/auth/login", &credentials(EMAIL, PASSWORD)).unwrap();
    let token = login.text("accessToken");
    let seconds = if is_long() { 20 } else { 1 };
    let alone = checks(&server.client(), &token, |count| count == 1_000);
    let (is_over, searches) = (AtomicBool::new(false), AtomicUsize::new(0));
    let beside = std::thread::scope(|scope| {
        let administrators: Vec<_> = (0..ADMINISTRATORS)
            .map(|number| {
                let (root, is_over, searches) =
                    (ConsoleSession::begin(server), &is_over, &searches);
                scope.spawn(move || {
                    let mut texts = SEARCHES.iter().cycle().skip(number);
                    for _ in 0..seconds {
                        let text = texts.next().unwrap();
                        assert_eq!(root.get(&format!("/console/accounts?q={text}")).status, 200);
                        searches.fetch_add(1, Ordering::Relaxed);
                        std::thread::park_timeout(Duration::from_secs(u64::from(is_long())));
                    }
                    is_over.store(true, Ordering::Relaxed);
                })
            })
            .collect();
        let slowest =
            checks(&server.client(), &token, |count| count > 0 && is_over.load(Ordering::Relaxed));
        for one in administrators {
            one.join().unwrap();
        }
        slowest
    });
    let searches = searches.into_inner();
    assert_eq!(searches, ADMINISTRATORS * seconds);
    say(&format!(
        "99 of 100 token checks: {alone:.2?} alone, {beside:.2?} beside {searches} searches, limit {CHECK:?}"
    ));
    beside
}

#[test]
fn the_pages_of_a_large_instance_are_quick_and_light_and_hold_up_nobody() {
    let accounts = if is_long() { 1_000_000 } else { 5_000 };
    let folder = Folder::new();
    assert_eq!(folder.serve(&CHEAP).end(), Some(0));
    make_administrator(&folder);
    Filling { accounts, now: now() }.write(folder.path("authd.db"));
    let server = folder.serve(&CHEAP);
    let root = ConsoleSession::begin(&server);
    wait_until_ready(&folder, &root, accounts);
    let slow = measure(&root);
    let beside = beside_searches(&server);
    assert_eq!(server.end(), Some(0));
    if is_long() && !cfg!(debug_assertions) {
        assert!(slow.is_empty(), "{}", slow.join("\n"));
        assert!(beside <= CHECK, "{beside:?}");
    }
}
