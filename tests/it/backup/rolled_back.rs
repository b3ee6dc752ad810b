//! The copy that is made before an upgrade, put back in one command.

use super::*;
use crate::process::CHEAP;
use crate::upgrade::{put_into, value};

/// A folder with a database of version 1 that a server has upgraded and used.
fn upgraded() -> Folder {
    let here = folder();
    put_into(&here.path(""));
    assert_eq!(here.serve(&CHEAP).end(), Some(0));
    create(&here, "since");
    here
}

fn version(here: &Folder) -> i64 {
    RawDatabase::at(here.path("authd.db")).number("select user_version from pragma_user_version")
}

fn accounts(path: impl Into<std::path::PathBuf>) -> i64 {
    RawDatabase::at(path).number("select count(*) from accounts")
}

#[test]
fn an_upgrade_is_undone_in_one_command_and_loses_nothing() {
    let here = upgraded();
    let after = accounts(here.path("authd.db"));
    let refused = here.run(&["rollback"]);
    assert!(refused.code == Some(2) && refused.err.contains("--yes"), "{}", refused.err);
    assert_eq!(version(&here), 2);
    let put = done(&here, &["rollback", "--yes"]);
    assert_eq!((&put["schema"], version(&here)), (&json!(1), 1));
    assert!(put["ended"]["sessions"].as_i64().unwrap() > 3, "{put}");
    let raw = RawDatabase::at(here.path("authd.db"));
    for left in [
        "sessions where ended_at is null",
        "links where spent_at is null",
        "alarms where spent_at is null",
        "codes where spent_at is null",
        "challenges where spent_at is null",
    ] {
        assert_eq!(raw.number(&format!("select count(*) from {left}")), 0, "{left}");
    }
    assert_eq!(raw.number("select count(*) from audit where event = 'upgrade_rolled_back'"), 1);
    assert_eq!(mode(&here.path("authd.db")), 0o600);
    let aside = put["setAside"][0].as_str().unwrap();
    assert_eq!(accounts(aside), after, "what was written since");
    assert_eq!(accounts(here.path("authd.db")), after - 1);
    // Again there is nothing to undo.
    assert!(fails(&here, &["rollback", "--yes"]).contains("nothing to roll back"));
    // This version upgrades it again.
    let server = here.serve(&CHEAP);
    assert_eq!(version(&here), 2);
    let login = credentials("bob@example.com", value("bob.password"));
    assert_eq!(server.post("/v1/auth/login", &login).unwrap().status, 200);
    let refresh = json!({ "refreshToken": value("grace.refresh") });
    assert_eq!(server.post("/v1/auth/refresh", &refresh).unwrap().status, 401);
}

#[test]
fn a_database_in_use_is_not_rolled_back_and_a_damaged_copy_neither() {
    let here = upgraded();
    let server = here.serve(&CHEAP);
    assert!(fails(&here, &["rollback", "--yes"]).contains("another authd"));
    assert_eq!(server.end(), Some(0));
    let copy = names_in(&here).into_iter().find(|name| name.contains(".bak")).unwrap();
    let bytes = fs::read(here.path(&copy)).unwrap();
    fs::write(here.path(&copy), &bytes[..bytes.len() / 2]).unwrap();
    let error = fails(&here, &["rollback", "--yes"]);
    assert!(error.contains("cannot be put back") && error.contains("damaged"), "{error}");
    assert_eq!(version(&here), 2);
    assert!(!names_in(&here).iter().any(|name| name.contains(".replaced")));
    fs::remove_file(here.path(&copy)).unwrap();
    assert!(fails(&here, &["rollback", "--yes"]).contains("nothing to roll back"));
}

#[test]
fn an_older_version_says_which_command_helps_and_leaves_a_newer_database_alone() {
    let here = upgraded();
    RawDatabase::at(here.path("authd.db")).tamper("pragma user_version = 1000");
    let before = fs::read(here.path("authd.db")).unwrap();
    for command in [&["serve"][..], &["user", "list"], &["backup", "copy.db"]] {
        let error = fails(&here, command);
        assert!(error.contains("newer authd") && error.contains("authd rollback"), "{error}");
    }
    assert!(fs::read(here.path("authd.db")).unwrap() == before);
    assert_eq!(done(&here, &["rollback", "--yes"])["schema"], 1);
    assert_eq!(here.serve(&CHEAP).end(), Some(0));
}

#[test]
fn a_backup_of_an_earlier_version_is_restored_with_the_schema_of_this_one() {
    let here = upgraded();
    let copy = names_in(&here).into_iter().find(|name| name.contains(".bak")).unwrap();
    let there = folder();
    let (copy, key) = (at(&here, &copy), at(&here, "authd.key"));
    let put = done(&there, &["restore", &copy, "--key-file", &key]);
    assert_eq!((&put["schema"], version(&there)), (&json!(1), 2));
    let server = there.serve(&CHEAP);
    let login = credentials("bob@example.com", value("bob.password"));
    assert_eq!(server.post("/v1/auth/login", &login).unwrap().status, 200);
    assert!(!names_in(&there).iter().any(|name| name.contains(".bak")), "the backup is the copy");
}
