//! The administrators' search in a million accounts, and what the writing of its index costs others.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};

use crate::server::Server;
use crate::{Figure, PASSWORD, email, load, server};

const ACCOUNTS: usize = 1_000_000;
/// How often each text is searched for.
const SEARCHES: usize = 10;
/// A bcrypt hash, which no one has to match.
const HASH: &str = "$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy";
/// What is searched for: one account, a part of many, parts that none has, and the shortest texts.
const TEXTS: [&str; 9] =
    ["user999999x", "99999", "smith", "@mail3", "mail1.example", "zzqzz", "qz", "e", "li4"];

/// Searches in an index that the server has written while a client made small changes.
pub async fn measure() -> Vec<Figure> {
    let folder = tempfile::tempdir().unwrap();
    let first = Server::start(folder.path()).await;
    Server::create_user(folder.path(), &email(0), PASSWORD);
    Server::create_user(folder.path(), "root@example.com", PASSWORD);
    drop(first);
    run(folder.path(), &["user", "role", "root@example.com", "--give", "admin"]);
    import(folder.path());
    let index_bytes = index_bytes(folder.path());
    forget_index(folder.path());
    let server = Server::start(folder.path()).await;
    let took = Instant::now();
    let writes = while_index_is_written(&server, folder.path()).await;
    let took = took.elapsed().as_secs_f64();
    let searches = searches(&server, "root@example.com", &TEXTS).await;
    vec![
        Figure {
            name: "search in 1,000,000 accounts, slowest",
            measured: searches.0,
            limit: "100 ms".to_owned(),
            holds: searches.1 <= 100.0,
        },
        Figure {
            name: "index of the search",
            measured: format!("{:.0} MiB, written in {took:.0} s", index_bytes / 1024.0 / 1024.0),
            limit: "256 MiB".to_owned(),
            holds: index_bytes <= 256.0 * 1024.0 * 1024.0,
        },
        writes,
    ]
}

fn run(folder: &Path, arguments: &[&str]) {
    let mut command = Command::new(server::binary());
    command.current_dir(folder).args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
    assert!(command.status().unwrap().success(), "{arguments:?}");
}

fn import(folder: &Path) {
    let first =
        ["anna", "ben", "carla", "david", "elif", "farid", "grace", "hugo", "ines", "jonas"];
    let last = ["smith", "li", "garcia", "okafor", "novak", "ivanov", "meyer", "rossi", "tanaka"];
    let mut table = String::from("id,email,password,name,is_verified\n");
    for n in 10..10 + ACCOUNTS {
        let (given, family) = (first[n * 7 % first.len()], last[n * 5 % last.len()]);
        let (scrambled, host) = (n * 7_919_317 % 1_000_003, n % 5);
        let name =
            if n % 2 == 0 { format!("{given}.{family}{scrambled}") } else { format!("user{n}x") };
        writeln!(table, "{n},{name}@mail{host}.example,{HASH},{given} {family},t").unwrap();
    }
    std::fs::write(folder.join("users.csv"), table).unwrap();
    run(folder, &["user", "import", "users.csv"]);
}

fn open(folder: &Path) -> Connection {
    Connection::open_with_flags(folder.join("authd.db"), OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap()
}

fn number(database: &Connection, sql: &str) -> Option<i64> {
    database.query_row(sql, [], |row| row.get(0)).ok().flatten()
}

/// The size of the table, with its key.
fn index_bytes(folder: &Path) -> f64 {
    let sizes = "select sum(pgsize) from dbstat where name like '%account_trigrams%'";
    number(&open(folder), sizes).unwrap() as f64
}

/// Leaves the database as an upgrade would: with accounts, and without the index.
fn forget_index(folder: &Path) {
    let database = open(folder);
    database.execute_batch("delete from account_trigrams; vacuum;").unwrap();
    database.execute("delete from instance where name like 'search_%'", []).unwrap();
}

/// How long refreshes on one connection wait until the index is complete.
async fn while_index_is_written(server: &Server, folder: &Path) -> Figure {
    let mut token = server.login(&email(0), PASSWORD).await.refresh;
    let mut wire = load::Wire::open(server.address).await;
    let database = open(folder);
    let segments =
        number(&database, "select number / 4096 from instance where name = 'next_account'");
    let mut took = Vec::new();
    let done = "select number from instance where name = 'search_segment'";
    while number(&database, done) < segments {
        for _ in 0..20 {
            let body = serde_json::json!({ "refreshToken": token }).to_string();
            let sent = Instant::now();
            let (status, body) = wire.call(&load::post("/v1/auth/refresh", &body)).await;
            took.push(sent.elapsed());
            assert_eq!(status, 200, "{}", String::from_utf8_lossy(body));
            let answer: serde_json::Value = serde_json::from_slice(body).unwrap();
            answer["data"]["refreshToken"].as_str().unwrap().clone_into(&mut token);
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
    took.sort_unstable();
    let at = |percent: usize| took[(took.len() - 1) * percent / 100].as_secs_f64() * 1000.0;
    Figure {
        name: "a refresh while the index is written, longest",
        measured: format!(
            "{:.1} ms, half {:.1}, p99 {:.1} of {}",
            at(100),
            at(50),
            at(99),
            took.len()
        ),
        limit: "100 ms".to_owned(),
        holds: at(100) <= 100.0,
    }
}

/// The times of all texts as a line, and the slowest in milliseconds.
pub async fn searches(server: &Server, administrator: &str, texts: &[&str]) -> (String, f64) {
    let token = server.login(administrator, PASSWORD).await.access;
    let (mut line, mut slowest) = (String::new(), 0.0_f64);
    for text in texts {
        let request = load::get(&format!("/v1/admin/users?search={text}"), &token);
        let (mut most, mut found) = (0.0_f64, serde_json::Value::Null);
        for _ in 0..SEARCHES {
            let sent = Instant::now();
            let body = load::once(server.address, &request).await;
            most = most.max(sent.elapsed().as_secs_f64() * 1000.0);
            let answer: serde_json::Value = serde_json::from_slice(&body).unwrap();
            found = answer["data"]["pagination"]["total"].clone();
        }
        println!("     search {text:<16} {most:>7.1} ms, {found} found");
        slowest = slowest.max(most);
    }
    write!(line, "{slowest:.1} ms of {} texts", texts.len()).unwrap();
    (line, slowest)
}
