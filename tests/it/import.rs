//! Migration: files of the old backends, imported by the real program next to a running server.

use authd::model::Account;
use authd::store::tables::transfer;
use authd::store::tables::transfer::AccountExport;
use serde_json::{Value, json};

use crate::cli::{Folder, Ran};
use crate::support::{App, PASSWORD, app};
use crate::tools::{is_here, missing, succeed};

/// A bcrypt hash with the prefix that each of four libraries uses.
fn bcrypt(version: bcrypt::Version) -> String {
    bcrypt::hash_with_salt(PASSWORD, 4, [7; 16]).unwrap().format_for_version(version)
}

/// Runs `authd user` on the scenario's database.
pub fn user(app: &App, arguments: &[&str], input: &str) -> Ran {
    let db = app.dir.path().join("authd.db");
    Folder::new().run_with_input(
        &[&["user"], arguments, &["--json", "--db", db.to_str().unwrap()]].concat(),
        input,
    )
}

fn import(app: &App, arguments: &[&str], input: &str) -> Value {
    let ran = user(app, &[&["import", "-"], arguments].concat(), input);
    assert_eq!(ran.code, Some(0), "{}\n{}", ran.out, ran.err);
    ran.json()
}

async fn account(app: &App, email: &str) -> Account {
    let key = email.to_owned();
    let found = app
        .core
        .store
        .read(move |db| authd::store::tables::accounts::find_by_email(db, &key))
        .await
        .unwrap();
    found.unwrap_or_else(|| panic!("no {email}"))
}

async fn whole(app: &App) -> Vec<AccountExport> {
    app.core.store.scan(|db| transfer::page(db, "", 1000)).await.unwrap()
}

fn counts(summary: &Value) -> [u64; 4] {
    ["rows", "imported", "present", "refused"].map(|name| summary[name].as_u64().unwrap())
}

#[tokio::test]
async fn a_table_of_postgresql_moves_in_and_its_people_log_in_with_their_old_passwords() {
    let app = app().await;
    let file = format!(
        "id,name,email,company_name,password,refresh_token,files_uploaded,created_at,updated_at\n\
         7,\"Jane \"\"J\"\" Doe\",Jane@Example.com,\"Doe, Inc.\",{},$2b$10$gone,3,2023-12-01 09:00:00.5,2023-12-02 09:00:00\n\
         12,Jo,jo@example.com,,{},,0,2023-12-01 09:00:00,2023-12-01 09:00:00\n",
        bcrypt(bcrypt::Version::TwoB),
        bcrypt(bcrypt::Version::TwoA),
    );
    let summary = import(&app, &["--format", "csv", "--assume-verified"], &file);
    assert_eq!(counts(&summary), [2, 2, 0, 0], "{summary}");
    assert_eq!(summary["leftColumns"], json!(["refresh_token"]));
    let jane = account(&app, "jane@example.com").await;
    assert_eq!((jane.number, jane.email_text()), (7, Some("Jane@Example.com".to_owned())));
    assert_eq!(
        (jane.name.as_deref(), jane.company_name.as_deref()),
        (Some("Jane \"J\" Doe"), Some("Doe, Inc."))
    );
    assert_eq!(jane.created_at.to_millis_text(), "2023-12-01T09:00:00.500Z");
    assert_eq!(whole(&app).await.iter().map(|one| one.files_uploaded).sum::<i64>(), 3);
    assert_eq!(app.login("jane", PASSWORD).await.status, 200);
    assert_eq!(app.login("jo", PASSWORD).await.status, 200);
    assert_eq!(app.login("jo", "not-his-password-1").await.status, 401);
    assert!(
        account(&app, "jane@example.com").await.password_hash.unwrap().starts_with("$argon2id$")
    );
    app.join("new").await;
    assert_eq!(account(&app, "new@example.com").await.number, 13);
    assert!(
        app.audit()
            .await
            .contains(&"accounts_imported done 2 imported, 0 there already, 0 refused".to_owned())
    );
}

#[tokio::test]
async fn exports_of_mysql_are_read_with_their_backslashes_and_nulls() {
    let app = app().await;
    let hash = bcrypt(bcrypt::Version::TwoY);
    let csv = format!(
        "\"id\",\"email\",\"password_hash\",\"first_name\",\"is_active\",\"email_verified\",\"last_login\"\n\
         \"6f9619ff-8b86-d011-b42d-00c04fc964ff\",\"a@example.com\",\"{hash}\",\"A \\\"x\\\"\",\"1\",\"1\",\\N\n\
         \"6f9619ff-8b86-d011-b42d-00c04fc964fe\",\"b@example.com\",\"{hash}\",\\N,\"0\",\"1\",\"0000-00-00 00:00:00\"\n"
    );
    let summary = import(&app, &["--format", "csv", "--escape", "backslash"], &csv);
    assert_eq!(counts(&summary), [2, 2, 0, 0], "{summary}");
    let a = account(&app, "a@example.com").await;
    assert_eq!(
        (a.id.as_str(), a.first_name.as_deref()),
        ("6f9619ff-8b86-d011-b42d-00c04fc964ff", Some("A \"x\""))
    );
    let b = account(&app, "b@example.com").await;
    assert!(b.suspended_at.is_some() && b.first_name.is_none() && b.last_login_at.is_none());
    assert_eq!(app.login("a", PASSWORD).await.status, 200);
    assert_ne!(app.login("b", PASSWORD).await.status, 200);
    let batch = "email\tname\tpassword\tisVerified\nc@example.com\tC\\tC\tNULL\tt\nd@example.com\tD\tNULL\tt\n";
    let without = import(&app, &["--format", "csv", "--without-passwords"], batch);
    assert_eq!((counts(&without), &without["changed"]), ([2, 1, 0, 1], &json!(0)), "{without}");
    assert_eq!(account(&app, "d@example.com").await.password_hash, None);
}

#[tokio::test]
async fn the_fields_that_the_other_documents_show_are_known() {
    let app = app().await;
    let hash = bcrypt(bcrypt::Version::TwoX);
    let argon = "$argon2id$v=19$m=64,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g";
    let lines = [
        json!({ "userId": 1, "email": "a@example.com", "passwordHash": hash, "firstName": "John", "lastName": "Doe",
                "role": "user", "isEmailVerified": true, "createdAt": "2025-09-29T10:00:00Z" }),
        json!({ "id": "123e4567-e89b-12d3-a456-426614174000", "email": "b@example.com", "username": "johndoe",
                "password_hash": argon, "status": "active", "emailVerified": true, "phone": "+1234567890",
                "phoneVerified": false, "lastLogin": null, "roles": ["user"], "permissions": ["users.read"] }),
        json!({ "id": "user_id", "email": "c@example.com", "name": "John Doe", "isVerified": true, "isActive": false,
                "lastLoginAt": "2024-01-01T00:00:00.000Z" }),
        json!({ "id": "7b0e", "email": "d@example.com", "password_hash": hash, "is_active": true, "created_at": 1_700_000_000 }),
    ];
    let file = lines.map(|line| line.to_string()).join("\n");
    let summary = import(&app, &["--format", "jsonl", "--without-passwords"], &file);
    assert_eq!(counts(&summary), [4, 4, 0, 0], "{summary}");
    assert_eq!(summary["unknownColumns"], json!([]));
    assert_eq!(account(&app, "a@example.com").await.number, 1);
    assert_eq!(account(&app, "b@example.com").await.username.as_deref(), Some("johndoe"));
    assert!(account(&app, "c@example.com").await.suspended_at.is_some());
    assert_eq!(app.login("a", PASSWORD).await.status, 200);
    let d = account(&app, "d@example.com").await;
    assert_eq!((d.id.as_str(), d.email_verified_at), ("7b0e", None));
    authd::identity::system::cleanup::purge(&app.core).await.unwrap();
    account(&app, "d@example.com").await;
}

#[tokio::test]
async fn a_row_that_cannot_be_imported_is_reported_with_its_line_and_stops_nothing() {
    let app = app().await;
    app.join("taken").await;
    let good = bcrypt(bcrypt::Version::TwoB);
    let file = format!(
        "id,email,password,username,role\n\
         100,first@example.com,{good},first,user\n\
         101,First@EXAMPLE.com,{good},,user\n\
         102,plain@example.com,canary-password,,user\n\
         103,bomb@example.com,\"$argon2id$v=19$m=4294967295,t=4294967295,p=1$c29tZXNhbHRzb21l$aGFzaGhhc2hoYXNoaGFzaGhhc2g\",,user\n\
         104,slow@example.com,$2b$31$abcdefghijklmnopqrstuuK3F8Tz8F0XqB1u2q9pV7nJ5cXh3mD2s,,user\n\
         105,not an address,{good},,user\n\
         106,\"open@example.com,{good},,user\n\
         107,short@example.com\n\
         108,taken@example.com,{good},,user\n\
         1,number@example.com,{good},,user\n\
         109,name@example.com,{good},FIRST,user\n\
         ../../etc,id@example.com,{good},,user\n\
         110,boss@example.com,{good},,admin\n\
         111,last@example.com,{good},,king\n"
    );
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.jsonl");
    let arguments = ["--format", "csv", "--report", report.to_str().unwrap()];
    let dry = import(&app, &["--format", "csv", "--dry-run"], &file);
    assert_eq!((counts(&dry), whole(&app).await.len()), ([14, 3, 0, 11], 1), "{dry}");
    let summary = import(&app, &arguments, &file);
    assert_eq!((counts(&summary), &summary["changed"]), ([14, 3, 0, 11], &json!(2)), "{summary}");
    let report = std::fs::read_to_string(report).unwrap();
    assert!(!report.contains("canary"));
    let seen: Vec<Value> = report.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for (line, word) in [
        (3, "line 2"),
        (4, "plain text"),
        (5, "64 MiB"),
        (6, "cost 31"),
        (7, "e-mail address"),
        (8, "quote"),
        (9, "columns"),
        (10, "number 1"),
        (11, "number is that of"),
        (12, "user name"),
        (13, "its id"),
        (14, "--allow-roles admin"),
        (15, "no role king"),
    ] {
        let reason = seen
            .iter()
            .find(|remark| remark["line"] == line)
            .unwrap_or_else(|| panic!("{line}: {report}"));
        assert!(reason["reason"].as_str().unwrap().contains(word), "{line}: {reason}");
    }
    let again = import(&app, &["--format", "csv"], &file);
    assert_eq!(counts(&again), [14, 0, 3, 11], "{again}");
    assert_eq!(
        app.audit().await.iter().filter(|line| line.starts_with("accounts_imported")).count(),
        1
    );
    assert_eq!(user(&app, &["import", "-", "--format", "csv", "--strict"], &file).code, Some(1));
    app.join("next").await;
    assert_eq!(account(&app, "next@example.com").await.number, 112);
}

#[tokio::test]
async fn a_role_that_does_not_exist_cannot_be_allowed() {
    let app = app().await;
    let arguments = ["import", "-", "--format", "csv", "--allow-roles", "wizard"];
    let ran = user(&app, &arguments, "email\na@example.com\n");
    assert_eq!(ran.code, Some(1), "{}", ran.out);
    assert!(ran.err.contains("There is no role named \"wizard\""), "{}", ran.err);
    assert_eq!(whole(&app).await.len(), 0);
}

#[tokio::test]
async fn a_role_that_may_do_more_comes_along_only_when_it_is_allowed() {
    let app = app().await;
    let file =
        "email,roles\na@example.com,\"{admin,user}\"\nb@example.com,\"[\"\"moderator\"\"]\"\n";
    let arguments = ["--format", "csv", "--allow-roles", "admin", "--without-passwords"];
    let summary = import(&app, &arguments, file);
    assert_eq!((counts(&summary), &summary["changed"]), ([2, 2, 0, 0], &json!(1)), "{summary}");
    let mut accounts = whole(&app).await;
    accounts.sort_by(|a, b| a.account.email_key().cmp(&b.account.email_key()));
    assert_eq!(accounts[0].roles, ["admin", "user"]);
    assert_eq!(accounts[1].roles, ["user"]);
}

#[tokio::test]
async fn what_is_exported_with_hashes_is_imported_as_the_same() {
    let from = app().await;
    let hash = bcrypt(bcrypt::Version::TwoB);
    let lines = [
        json!({ "id": 41, "email": "A@example.com", "password": hash, "name": "Says \"hi\", \\ and; \tx", "role": "user" }),
        json!({ "id": "x-1", "email": "b@example.com", "username": "Bee", "suspended_at": "2024-02-03T04:05:06.007Z",
                "files_uploaded": 9, "upload_limit": 20, "phone": "+41", "phone_verified_at": 1_700_000_000 }),
        json!({ "email": "c@example.com", "roles": ["moderator"], "email_verified_at": "2024-02-03T04:05:06Z" }),
    ];
    let file = lines.map(|line| line.to_string()).join("\n");
    // A name that contains a tab is invalid.
    assert_eq!(
        counts(&import(
            &from,
            &["--format", "jsonl", "--allow-roles", "moderator", "--without-passwords"],
            &file
        )),
        [3, 2, 0, 1]
    );
    let file = file.replace("\\t", "");
    assert_eq!(
        counts(&import(
            &from,
            &["--format", "jsonl", "--allow-roles", "moderator", "--without-passwords"],
            &file
        )),
        [3, 1, 2, 0]
    );
    from.join("dora").await;
    for format in ["jsonl", "csv"] {
        let exported = user(&from, &["export", "--with-hashes", "--format", format], "");
        assert_eq!(exported.code, Some(0), "{}", exported.err);
        let to = app().await;
        let summary = import(
            &to,
            &["--format", format, "--allow-roles", "moderator", "--without-passwords"],
            &exported.out,
        );
        assert_eq!(counts(&summary), [4, 4, 0, 0], "{format}: {summary}\n{}", exported.out);
        // The scenario's clock is ahead of the command's, and creation times in the future are not
        // imported.
        let dated = |accounts: Vec<AccountExport>| {
            let mut moved: Vec<_> =
                accounts.into_iter().filter(|one| one.account.number != 42).collect();
            // The version belongs to the instance and does not move.
            for one in &mut moved {
                one.account.credential_version = 0;
            }
            moved
        };
        assert_eq!(
            format!("{:?}", dated(whole(&to).await)),
            format!("{:?}", dated(whole(&from).await)),
            "{format}"
        );
        assert_eq!(to.login("dora", PASSWORD).await.status, 200);
    }
    let without = user(&from, &["export"], "");
    assert!(!without.out.contains("$argon2") && !without.out.contains("$2b$"), "{}", without.out);
}

#[test]
fn a_file_of_an_unknown_format_is_reported_as_such() {
    let folder = Folder::new();
    let server = folder.serve();
    folder.write("array.json", "[{\"email\":\"a@example.com\"}]");
    folder.write("nameless.csv", "a,b\n1,2\n");
    folder.write("twice.csv", "email,mail\na@example.com,b@example.com\n");
    folder.write("empty.csv", "");
    folder.write("users.txt", "email\na@example.com\n");
    for (file, code, word) in [
        ("array.json", 1, "jq"),
        ("nameless.csv", 1, "e-mail address"),
        ("twice.csv", 1, "--column"),
        ("empty.csv", 1, "empty"),
        ("missing.csv", 1, "missing.csv"),
        ("users.txt", 2, "--format"),
    ] {
        let ran = folder.run(&["user", "import", file]);
        assert_eq!(ran.code, Some(code), "{file}: {}", ran.err);
        assert!(ran.err.contains(word), "{file}: {}", ran.err);
    }
    let ran =
        folder.run(&["user", "import", "twice.csv", "--column", "mail=-", "--without-passwords"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(ran.out.contains("imported 1 of 1 rows"), "{}", ran.out);
    assert_eq!(server.end(), Some(0));
}

#[tokio::test]
async fn imported_hashes_of_every_scheme_work_and_are_upgraded_unless_stronger() {
    let app = app().await;
    let salt = "/OK.fbVrR/bpIqNJ5ianF.";
    let bcrypt = |version| format!("${version}$04${salt}RYxan6GqoWFZ.Gvlr69TFErQfu72DzK");
    let hashes = [
        bcrypt("2a"),
        bcrypt("2b"),
        bcrypt("2x"),
        bcrypt("2y"),
        "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8"
            .to_owned(),
        "$argon2i$v=19$m=256,t=2,p=2$c29tZXNhbHQ$T/XOJ2mh1/TIpJHfCdQan76Q5esCFVoT5MAeIM1Oq2E"
            .to_owned(),
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
            .to_owned(),
        "$argon2i$m=256,t=2,p=1$c29tZXNhbHQ$/U3YPXYsSb3q9XxHvc0MLxur+GP960kN9j7emXX8zwY".to_owned(),
    ];
    let rows = hashes.iter().enumerate();
    let file: String = rows
        .map(|(n, hash)| {
            json!({ "email": format!("u{n}@example.com"), "password": hash }).to_string() + "\n"
        })
        .collect();
    let summary = import(&app, &["--format", "jsonl", "--assume-verified"], &file);
    assert_eq!(counts(&summary), [8, 8, 0, 0], "{summary}");
    for (n, hash) in hashes.iter().enumerate() {
        let (name, email) = (format!("u{n}"), format!("u{n}@example.com"));
        assert_eq!(app.login(&name, "passwore").await.status, 401, "{hash}");
        assert_eq!(
            account(&app, &email).await.password_hash.as_ref(),
            Some(hash),
            "only the correct password replaces its hash"
        );
        assert_eq!(app.login(&name, "password").await.status, 200, "{hash}");
        let made = account(&app, &email).await.password_hash.unwrap();
        let is_costlier = hash.starts_with("$argon2id$");
        assert_eq!(made == *hash, is_costlier, "{made}");
        assert!(is_costlier || made.starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{made}");
        assert_eq!(app.login(&name, "password").await.status, 200, "{hash}");
    }
}

#[tokio::test]
async fn a_second_run_takes_nothing_back_that_has_changed_since() {
    let app = app().await;
    let hash = bcrypt(bcrypt::Version::TwoB);
    let file = format!(
        "id,email,password,name,role\n7,jo@example.com,{hash},Jo,user\n8,ann@example.com,{hash},Ann,user\n"
    );
    assert_eq!(
        counts(&import(&app, &["--format", "csv", "--assume-verified"], &file)),
        [2, 2, 0, 0]
    );
    let set = user(
        &app,
        &["set-password", "jo@example.com", "--password-stdin"],
        "Another-Horse-8-Battery",
    );
    assert_eq!(set.code, Some(0), "{}", set.err);
    for command in
        [&["lock", "ann@example.com"][..], &["role", "jo@example.com", "--give", "moderator"]]
    {
        assert_eq!(user(&app, command, "").code, Some(0));
    }
    let before = format!("{:?}", whole(&app).await);
    // This time with another row, another spelling and other values.
    let file = file.replace("jo@", "Jo@").replace(",Jo,", ",Joseph,")
        + &format!("9,new@example.com,{hash},New,user\n");
    assert_eq!(
        counts(&import(&app, &["--format", "csv", "--assume-verified"], &file)),
        [3, 1, 2, 0]
    );
    let after =
        whole(&app).await.into_iter().filter(|one| one.account.number != 9).collect::<Vec<_>>();
    assert_eq!(format!("{after:?}"), before);
    assert_eq!(app.login("jo", PASSWORD).await.status, 401);
    assert_eq!(app.login("jo", "Another-Horse-8-Battery").await.status, 200);
    assert_eq!(app.login("new", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn spellings_of_one_address_are_one_address() {
    let app = app().await;
    let file = "email\nann@bücher.example\nAnn@xn--bcher-kva.example\nANN@BÜCHER.example\n  ann@bücher.example \nann@bucher.example\n";
    let arguments = ["--format", "csv", "--without-passwords"];
    let summary = import(&app, &arguments, file);
    assert_eq!(counts(&summary), [5, 2, 0, 3], "{summary}");
    // Another file knows nothing of the lines of this one, but the database does.
    assert_eq!(
        counts(&import(&app, &arguments, "email\nANN@xn--BCHER-kva.example\n")),
        [1, 0, 1, 0]
    );
    let two = "id,email\n55,ANN@bücher.example\n";
    let ran = user(&app, &[&["import", "-"][..], &arguments].concat(), two);
    assert_eq!(counts(&ran.json()), [1, 0, 0, 1], "an id of its own makes it another's address");
}

#[test]
fn a_terminal_sees_how_far_an_import_has_come() {
    if !is_here("script") {
        return missing("the progress bar", "script(1)");
    }
    let folder = Folder::new();
    assert_eq!(folder.serve().end(), Some(0));
    let rows: Vec<String> = (0..6000).map(|n| format!("u{n}@example.com")).collect();
    folder.write("users.csv", &format!("email\n{}\n", rows.join("\n")));
    let mut terminal = std::process::Command::new("script");
    let command =
        format!("{} user import users.csv --without-passwords", env!("CARGO_BIN_EXE_authd"));
    terminal.args(["-qec", &command, "/dev/null"]).current_dir(folder.0.path());
    let seen = succeed(&mut terminal);
    assert!(
        seen.contains("[####") && seen.contains(" % ") && seen.contains("0 there already"),
        "{seen}"
    );
    assert!(seen.contains("imported 6000 of 6000 rows"), "{seen}");
    // A pipe shows no progress.
    let again = folder.run(&["user", "import", "users.csv", "--without-passwords"]);
    assert_eq!((again.code, again.err.as_str()), (Some(0), ""));
}

#[tokio::test]
async fn ids_that_stand_for_something_else_and_times_before_all_clocks_are_refused() {
    let app = app().await;
    let mut rows = vec!["id,email,created_at".to_owned()];
    let reserved = ["cli", "CLI", "schedule", "administrator", ".", ".."];
    for (number, id) in reserved.iter().enumerate() {
        rows.push(format!("{id},a{number}@example.com,2020-01-01"));
    }
    for (number, at) in ["-100000000000", "1969-12-31", "-1199-01-01"].iter().enumerate() {
        rows.push(format!("id-{number},b{number}@example.com,{at}"));
    }
    rows.push("client,c@example.com,1970-01-01\n".to_owned());
    let file = rows.join("\n");
    let arguments = ["--format", "csv", "--assume-verified", "--without-passwords"];
    let summary = import(&app, &arguments, &file);
    assert_eq!(counts(&summary), [10, 1, 0, 9], "{summary}");
    assert_eq!(account(&app, "c@example.com").await.id.as_str(), "client");
}

#[tokio::test]
async fn what_would_be_a_formula_is_guarded_in_an_exported_table_and_comes_back_as_it_was() {
    let from = app().await;
    let row = json!({
        "id": "u-1", "email": "ada@example.com", "first_name": "=cmd|'/c calc'!A1",
        "last_name": "'+kept", "name": "@SUM(1+1)", "company_name": "-2+3", "phone": "+4915112345678",
    });
    let arguments = ["--format", "jsonl", "--assume-verified", "--without-passwords"];
    let summary = import(&from, &arguments, &row.to_string());
    assert_eq!(counts(&summary), [1, 1, 0, 0], "{summary}");
    let exported = user(&from, &["export", "--format", "csv"], "").out;
    for cell in ["'=cmd|'/c calc'!A1", "''+kept", "'@SUM(1+1)", "'-2+3", "'+4915112345678"] {
        assert!(exported.contains(&format!(",{cell},")), "{cell}: {exported}");
    }
    let to = app().await;
    let summary = import(&to, &["--format", "csv", "--without-passwords"], &exported);
    assert_eq!(counts(&summary), [1, 1, 0, 0], "{summary}");
    let (before, after) = (&whole(&from).await[0].account, &whole(&to).await[0].account);
    assert_eq!(
        (&after.first_name, &after.last_name, &after.name, &after.company_name, &after.phone),
        (&before.first_name, &before.last_name, &before.name, &before.company_name, &before.phone)
    );
    assert_eq!(after.first_name.as_deref(), Some("=cmd|'/c calc'!A1"));
}
