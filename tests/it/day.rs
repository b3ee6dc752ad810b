//! One day of the operator, as a transcript (`day/day.sh`): install the package, first administrator,
//! certificate, traffic, backup under traffic, upgrades, restore elsewhere, roll back, rotate keys, revoke
//! everything, uninstall. `cargo test --test it -- day:: --nocapture` prints it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::database::RawDatabase;
use crate::debian::SystemCopy;
use crate::tools::missing;
use crate::upgrade::put_into;

/// What the operator does, in this order.
const STEPS: [&str; 13] = [
    "install the package",
    "make the first administrator",
    "get a certificate",
    "serve people",
    "back up under traffic",
    "upgrade the package",
    "upgrade a database of the oldest version",
    "restore elsewhere",
    "roll back",
    "rotate the signing key",
    "revoke everything",
    "uninstall",
    "the day is over",
];

/// The steps of a transcript with what was typed and seen in each.
fn steps(transcript: &str) -> Vec<(&str, &str)> {
    let parts = transcript.split("\n== ").skip(1);
    parts.map(|part| part.split_once('\n').unwrap_or((part, ""))).collect()
}

fn lines(path: &Path) -> BTreeSet<String> {
    fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

/// The addresses of all accounts.
fn accounts(database: &RawDatabase) -> BTreeSet<String> {
    database.texts("select email_key from accounts where deleted_at is null").into_iter().collect()
}

#[test]
fn an_operator_gets_through_a_day() {
    let copy = match SystemCopy::new() {
        Ok(copy) => copy,
        Err(tool) => return missing("the day of an operator", tool),
    };
    // Some of them only print how they are used.
    let can_start = |tool: &&str| Command::new(tool).arg("--version").output().is_ok();
    let tools = ["pebble", "age", "openssl", "curl", "jq", "python3"];
    if let Some(tool) = tools.iter().find(|tool| !can_start(tool)) {
        return missing("the day of an operator", tool);
    }
    copy.add_packages();
    fs::create_dir(copy.path("oldest")).unwrap();
    drop(put_into(&copy.path("oldest")));
    fs::write(copy.path("mail_server.py"), include_str!("day/mail_server.py")).unwrap();
    let transcript = copy.run(include_str!("day/day.sh"));
    println!("{transcript}");
    let steps = steps(&transcript);
    assert_eq!(steps.iter().map(|(name, _)| *name).collect::<Vec<_>>(), STEPS);
    for (step, seen) in [
        ("make the first administrator", "admin@example.com"),
        ("get a certificate", "\nready\n"),
        ("get a certificate", "issuer=CN = Pebble Intermediate CA"),
        ("get a certificate", "Verify return code: 0 (ok)"),
        ("get a certificate", "308 https://id.example.com/sign-in"),
        ("serve people", "POST /v1/auth/verify-email: 200"),
        ("serve people", "authd 0.1.0  https://id.example.com"),
        ("serve people", "sign-ups"),
        ("back up under traffic", "0 errors, 0 warnings"),
        ("back up under traffic", "ok: certificate: "),
        ("back up under traffic", "ok: metrics: "),
        ("upgrade a database of the oldest version", "authd.db.v1-"),
        ("upgrade a database of the oldest version", "root@example.com"),
        ("restore elsewhere", "POST /v1/auth/refresh: 401"),
        ("roll back", "authd.db."),
        ("revoke everything", "keys_revoked"),
        ("uninstall", "left in /var/lib/authd"),
        ("uninstall", "\nauthd.db\n"),
    ] {
        let (_, said) = steps.iter().find(|(name, _)| *name == step).unwrap();
        assert!(said.contains(seen), "{step}: {seen}");
    }
    facts(&copy);
}

/// What the databases say that the day has left.
fn facts(copy: &SystemCopy) {
    assert!(!copy.path("failures").exists(), "every sign-up was acknowledged");
    let (ledger, before) = (lines(&copy.path("ledger")), lines(&copy.path("ledger.before")));
    assert!(before.len() >= 5 && ledger.len() > before.len(), "{}", ledger.len());
    let live = RawDatabase::at(copy.path("revoked.db"));
    assert!(accounts(&live).is_superset(&ledger), "an acknowledged sign-up is lost");
    assert_eq!(live.number("select count(*) from sessions where ended_at is null"), 0);
    let restored = RawDatabase::at(copy.path("restored.db"));
    assert!(accounts(&restored).is_superset(&before), "the backup lacks a sign-up before it");
    let sessions = "select count(*) from sessions where ended_at is null";
    assert_eq!(restored.number(sessions), 1, "only the login after the restore");
    let rolled_back = RawDatabase::at(copy.path("rolled-back.db"));
    assert_eq!(rolled_back.number("select user_version from pragma_user_version"), 1);
    // What the server of this day has logged is one object a line, without a secret.
    let log = fs::read_to_string(copy.path("log")).unwrap();
    let objects = log.lines().filter(|line| line.starts_with('{'));
    assert!(objects.clone().count() > 20, "{log}");
    assert!(objects.clone().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
    assert!(!log.contains("Correct-Horse"), "a password is in the log");
}
