//! How the statements of the console find their rows, whatever the tables hold: never by reading all rows
//! of one that grows with the accounts.

use std::collections::BTreeSet;

use serde_json::Value;

use super::fill::Filling;
use super::now;
use super::visit::{ConsoleSession, make_administrator, paths};
use crate::database::RawDatabase;
use crate::process::{CHEAP, Folder};

/// Tables that stay small, however many accounts there are.
const SMALL: [&str; 12] = [
    "activity_counts",
    "api_calls",
    "apps",
    "backups",
    "instance",
    "login_counts",
    "providers",
    "refresh_keys",
    "role_permissions",
    "roles",
    "search_segments",
    "signing_keys",
];

/// Statements that read a table or an index from its beginning, and why they end soon or hold nobody up.
const BOUNDED: [(&str, &str); 9] = [
    ("select 1 from accounts limit 1 offset", "it looks whether there are more than a bound"),
    ("select 1 from sessions limit 1 offset", "it looks whether there are more than a bound"),
    (
        "select count(*) from accounts where",
        "the totals are counted off the request path, and kept",
    ),
    ("deleted_at is null limit $", "the index has the suspended accounts alone"),
    ("deleted_at is null order by created_at, number limit $", "the same"),
    ("deleted_at is not null order by created_at, number limit $", "the index has these alone"),
    ("email is not null limit $", "the index has the accounts that are not verified alone"),
    ("email is not null order by created_at, number limit $", "the same"),
    ("email_key is null) order by created_at, number limit $", "it has no other active account"),
];

/// The statements that a server has run so far, from its log.
fn statements(folder: &Folder) -> BTreeSet<String> {
    let log = std::fs::read_to_string(folder.path("log")).unwrap();
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter_map(|line| Some(line["sql"].as_str()?.to_owned())).collect()
}

/// The parts of a plan that read a whole table or a whole index.
fn scans(database: &RawDatabase, sql: &str) -> Vec<String> {
    let is_scan = |step: &String| {
        let Some(of) = step.strip_prefix("SCAN ") else { return false };
        let table = of.split(' ').next().unwrap();
        // Rows of a select that has a limit are called `few`.
        !["CONSTANT", "few"].contains(&table) && !SMALL.contains(&table)
    };
    database.plan(sql).into_iter().filter(is_scan).collect()
}

#[test]
fn no_statement_of_a_page_reads_a_whole_table_that_grows() {
    let folder = Folder::new();
    assert_eq!(folder.serve(&CHEAP).end(), Some(0));
    make_administrator(&folder);
    Filling { accounts: 2_000, now: now() }.write(folder.path("authd.db"));
    let traced = ["--set", "log.level=trace", "--set", "log.format=json"];
    let server = folder.serve(&[&CHEAP[..], &traced].concat());
    let root = ConsoleSession::begin(&server);
    let before = statements(&folder);
    for path in paths() {
        let page = root.get(&path);
        assert!(page.status < 500, "{path}: {}", page.text);
    }
    assert_eq!(server.end(), Some(0));
    let run: Vec<_> = statements(&folder).difference(&before).cloned().collect();
    let reads: Vec<_> = run.iter().filter(|sql| sql.starts_with("select")).collect();
    assert!(reads.len() > 60, "{} statements", reads.len());
    let database = RawDatabase::at(folder.path("authd.db"));
    for (part, _) in BOUNDED {
        assert!(reads.iter().any(|sql| sql.contains(part)), "no statement has {part:?} any more");
    }
    let mut found = Vec::new();
    for sql in reads {
        let scans = scans(&database, sql);
        let is_bounded = BOUNDED.iter().any(|(part, _)| sql.contains(part));
        if !scans.is_empty() && !is_bounded {
            found.push(format!("{}\n  {sql}", scans.join("; ")));
        }
    }
    assert!(found.is_empty(), "{} statements\n{}", found.len(), found.join("\n"));
}
