//! Upgrades from the schemas of earlier releases: what an instance has and has promised is kept.
//!
//! `tests/fixtures` says what is in the databases.

mod interrupted;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use authd::env::{Env, Later};
use authd::error::Result;
use authd::model::Database;
use authd::outbox::{Deliver, Delivery, OpenedMessage};
use authd::store::tables::outbox::Channel;
use authd::store::{ProcessRole, Store, Value};
use poem::http::Method;
use serde_json::json;

use crate::admin::get;
use crate::database::RawDatabase;
use crate::process::{CHEAP, Folder, credentials};
use crate::support::{Answer, App, app_on, token_in};

const DUMP: &str = include_str!("../fixtures/schema-1.sql");
const KEY: &str = include_str!("../fixtures/schema-1.key");
const README: &str = include_str!("../fixtures/schema-1.md");

/// A value that the fixture's README names.
pub fn value(name: &str) -> &'static str {
    let found = README.lines().find_map(|line| {
        line.strip_prefix("- ")?.strip_prefix(name)?.strip_prefix(": `")?.strip_suffix('`')
    });
    found.unwrap_or_else(|| panic!("no {name}"))
}

/// Puts the database of version 1 and its key into a folder.
pub fn put_into(folder: &Path) -> RawDatabase {
    let database = RawDatabase::at(folder.join("authd.db"));
    database.load(DUMP);
    let key = folder.join("authd.key");
    fs::write(&key, KEY).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    database
}

/// The program on the upgraded database, a second after it stopped under version 1.
async fn upgraded() -> App {
    let texts = [
        ("sms.preset", "twilio"),
        ("sms.url", "http://127.0.0.1:9"),
        ("sms.account", "AC123"),
        ("sms.secret", "hush"),
        ("sms.from", "+15005550006"),
        ("sms.countries", "49"),
    ];
    let now: i64 = value("clock").parse().unwrap();
    app_on(&texts, now + 1000, |folder| drop(put_into(folder))).await
}

/// Type, name and definition of everything in the schema, without comments and layout.
fn schema_of(database: &RawDatabase) -> BTreeSet<(String, String, String)> {
    let found = database.query(
        "select type, name, coalesce(sql, '') from sqlite_schema where name <> 'sqlite_sequence'",
    );
    let plain = |sql: &str| {
        let code: Vec<&str> =
            sql.lines().map(|line| line.split("--").next().unwrap_or_default()).collect();
        let mut words = code.join(" ").replace('"', "").to_lowercase();
        for sign in [",", "(", ")"] {
            words = words.replace(sign, &format!(" {sign} "));
        }
        words.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let text = |value: &Value| match value {
        Value::Text(text) => text.clone(),
        other => panic!("{other:?}"),
    };
    found.rows.iter().map(|row| (text(&row[0]), text(&row[1]), plain(&text(&row[2])))).collect()
}

/// Every row of every table, as text.
fn rows_of(database: &RawDatabase) -> Vec<(String, Vec<String>)> {
    let rows = |table: &str| {
        let all = database.query(&format!("select * from {table} order by rowid"));
        all.rows.iter().map(|row| format!("{row:?}")).collect()
    };
    database.tables().into_iter().map(|table| (table.clone(), rows(&table))).collect()
}

fn version_of(database: &RawDatabase) -> i64 {
    database.number("select user_version from pragma_user_version")
}

fn copies_in(folder: &Path) -> Vec<RawDatabase> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files
        .filter(|file| file.extension().is_some_and(|ending| ending == "bak"))
        .map(RawDatabase::at)
        .collect()
}

async fn refresh(app: &App, token: &str) -> Answer {
    app.post("/v1/auth/refresh", &json!({ "refreshToken": token })).send().await
}

async fn verify(app: &App, token: &str, code: &str) -> Answer {
    app.post("/v1/auth/mfa/verify", &json!({ "code": code })).bearer(token).send().await
}

/// What ada's authenticator shows.
fn authenticator_code(app: &App) -> String {
    let secret = totp_rs::Secret::try_from_base32(value("ada.totp")).unwrap();
    let totp = totp_rs::Builder::new().with_secret(secret).build().unwrap();
    totp.generate(u64::try_from(app.core.env.wall().seconds()).unwrap()).to_string()
}

/// The methods and level of the newest session, and whether it is the owner's own login.
fn newest_session(app: &App) -> (String, i64, bool) {
    let database = app.database();
    let newest = "from sessions order by created_at desc, id desc limit 1";
    let own = "kind = 'first_party' and coalesce(client_id, scope, resource, parent) is null";
    (
        database.texts(&format!("select methods {newest}")).pop().unwrap(),
        database.number(&format!("select level {newest}")),
        database.number(&format!("select {own} {newest}")) == 1,
    )
}

#[tokio::test]
async fn the_upgraded_schema_is_the_schema_of_a_new_database() {
    let app = upgraded().await;
    let new = tempfile::tempdir().unwrap();
    let path = new.path().join("authd.db");
    drop(Store::open(&Database::File(path.clone()), ProcessRole::Server, &Env::real()).unwrap());
    let (upgraded, new) = (app.database(), RawDatabase::at(path));
    assert_eq!(version_of(&upgraded), version_of(&new));
    let (upgraded, new) = (schema_of(&upgraded), schema_of(&new));
    let only = |one: &BTreeSet<_>, other: &BTreeSet<_>| {
        one.difference(other).cloned().collect::<Vec<(String, String, String)>>()
    };
    assert_eq!(only(&upgraded, &new), only(&new, &upgraded));
    assert!(new.len() > 50, "{}", new.len());
}

#[tokio::test]
async fn a_copy_of_the_database_before_the_upgrade_is_kept() {
    let before = tempfile::tempdir().unwrap();
    let before = put_into(before.path());
    let app = upgraded().await;
    let copies = copies_in(app.dir.path());
    let [copy] = copies.as_slice() else { panic!("{} copies", copies.len()) };
    assert_eq!(version_of(copy), 1);
    assert_eq!(schema_of(copy), schema_of(&before));
    assert_eq!(rows_of(copy), rows_of(&before));
}

/// What a table was called in version 1.
fn old_name(new: &str) -> String {
    match new {
        "attempts" => "tries".to_owned(),
        "known_ips" => "known_clients".to_owned(),
        "login_alerts" => "alarms".to_owned(),
        same => same.to_owned(),
    }
}

#[tokio::test]
async fn every_row_is_carried_over() {
    let app = upgraded().await;
    let before = tempfile::tempdir().unwrap();
    let before = put_into(before.path());
    let after = app.database();
    // Version 2 has more tables, which begin empty or are filled from others.
    let new = [
        "account_activity",
        "account_trigrams",
        "activity_counts",
        "identities",
        "identity_tokens",
        "passkeys",
        "providers",
        "saved_searches",
    ];
    let is_new = |table: &str| new.contains(&table);
    let tables = after.tables().into_iter().filter(|table| !is_new(table));
    let tables: Vec<String> = tables.collect();
    assert_eq!(tables.len(), before.tables().len());
    for table in tables {
        let count = |database: &RawDatabase, table: &str| {
            database.number(&format!("select count(*) from {table}"))
        };
        // The built-in role has more permissions: for providers, settings and backups.
        let new = if table == "role_permissions" { 3 } else { 0 };
        let old = count(&before, &old_name(&table)) + new;
        assert_eq!(count(&after, &table), old, "{table}");
        assert!(old > 0, "the fixture has no {table}");
    }
}

#[tokio::test]
async fn what_rows_hold_is_carried_over() {
    let app = upgraded().await;
    let before = tempfile::tempdir().unwrap();
    let before = put_into(before.path());
    let after = app.database();
    let kept = |renamed: &str, table: &str, column: &str| {
        let list = |database: &RawDatabase, table: &str, column: &str| {
            database.query(&format!("select {column} from {table} order by 1")).rows
        };
        assert_eq!(
            list(&after, table, renamed),
            list(&before, &old_name(table), column),
            "{table}"
        );
    };
    kept(
        "id, credential_version, password_hash, files_uploaded, created_at",
        "accounts",
        "id, stamp, password_hash, files_uploaded, created_at",
    );
    kept(
        "id, secret_hash, rotated_at, client_ip, ended_at, end_reason",
        "sessions",
        "id, secret_hash, turned_at, client, ended_at, end_reason",
    );
    kept("key, count, block_count, expires_at", "attempts", "key, count, waits, forget_at");
    kept(
        "hash, credential_version, client_ip, attempts",
        "challenges",
        "hash, stamp, client, tries",
    );
    kept("account_id, hash, spent_at", "backup_codes", "account_id, hash, used_at");
    kept(
        "id, sealed, state, next_at, last_error",
        "outbox",
        "id, sealed, state, next_at, last_error",
    );
    kept("id, client_ip, count", "audit", "id, client, times");
    kept("name, text_value", "instance", "name, words");
    kept("hash, session_id, email_key", "login_alerts", "hash, session_id, email_key");
    kept("username_key, expires_at", "username_reservations", "username_key, until");
    let logins = |sql: &str, database: &RawDatabase| database.query(sql).rows;
    assert_eq!(
        logins("select begins, count from activity_counts where unit = 'day'", &after),
        logins("select day, logins from login_counts", &before),
    );
}

#[tokio::test]
async fn every_account_gets_a_handle_of_its_own() {
    let app = upgraded().await;
    let database = app.database();
    let accounts = database.number("select count(*) from accounts");
    assert_eq!(accounts, 9);
    let distinct = "select count(distinct handle) from accounts where length(handle) = 32";
    assert_eq!(database.number(distinct), accounts);
    let other = upgraded().await;
    let handles =
        |database: &RawDatabase| database.query("select handle from accounts order by id").rows;
    assert_ne!(
        handles(&database)[0],
        handles(&other.database())[0],
        "they are random, not derived"
    );
    app.register("irene").await;
    assert_eq!(database.number(distinct), 10, "a new account has one too");
}

#[tokio::test]
async fn every_message_gets_its_channel() {
    let app = upgraded().await;
    let waiting = "select channel || ' ' || kind || ' ' || state from outbox
        where state <> 'delivered' order by 1";
    assert_eq!(
        app.database().texts(waiting),
        [
            "job change_email requested",
            "job reset requested",
            "job welcome requested",
            "mail verify_email waiting",
            "sms sms waiting",
        ]
    );
    let sent = "select distinct channel from outbox where state = 'delivered'";
    assert_eq!(app.database().texts(sent), ["mail"]);
}

#[tokio::test]
async fn every_password_still_logs_in_and_every_state_still_refuses() {
    let app = upgraded().await;
    for name in ["root", "grace", "frank"] {
        assert_eq!(app.login(name, value("password")).await.status, 200, "{name}");
        assert_eq!(newest_session(&app), ("pwd".to_owned(), 1, true));
    }
    let stored = "select password_hash from accounts where email_key = 'bob@example.com'";
    assert!(app.database().texts(stored)[0].starts_with("$2b$"));
    assert_eq!(app.login("bob", value("bob.password")).await.status, 200);
    assert!(app.database().texts(stored)[0].starts_with("$argon2id$"), "and is hashed better");
    assert_eq!(app.login("bob", value("bob.password")).await.status, 200);
    for (name, code) in [
        ("carol", "INVALID_CREDENTIALS"),
        ("dave", "ACCOUNT_SUSPENDED"),
        ("eve", "ACCOUNT_DELETED"),
        ("ada", "MFA_REQUIRED"),
    ] {
        assert_eq!(app.login(name, value("password")).await.code(), code, "{name}");
    }
}

#[tokio::test]
async fn attempts_are_counted_on_under_the_same_keys() {
    let app = upgraded().await;
    let guess = async || {
        let body = json!({ "email": "nobody@example.com", "password": "wrong password" });
        app.post("/v1/auth/login", &body).from("203.0.113.9").send().await.status.as_u16()
    };
    let pairs = "select count || ' ' || block_count from attempts where scope = 'pair'";
    assert_eq!(app.database().texts(pairs), ["10 1"]);
    assert_eq!(guess().await, 401, "the first block is over");
    assert_eq!(app.database().texts(pairs), ["11 2"]);
    assert_eq!(guess().await, 429, "one more attempt blocks again");
}

#[tokio::test]
async fn an_authenticator_and_backup_codes_still_complete_a_login() {
    let app = upgraded().await;
    let waiting = async || {
        let login = app.login("ada", value("password")).await;
        login.body["error"]["mfaToken"].as_str().unwrap().to_owned()
    };
    let done = verify(&app, value("ada.pending"), &authenticator_code(&app)).await;
    assert_eq!(done.status, 200, "a login that began before the upgrade: {}", done.text);
    assert_eq!(newest_session(&app), ("otp".to_owned(), 1, true), "its first factor is unknown");
    app.turn_clock(Duration::from_secs(30));
    assert_eq!(verify(&app, &waiting().await, &authenticator_code(&app)).await.status, 200);
    assert_eq!(newest_session(&app), ("pwd otp".to_owned(), 2, true));
    app.turn_clock(Duration::from_secs(30));
    let token = waiting().await;
    assert_eq!(verify(&app, &token, value("ada.backup used")).await.code(), "MFA_BACKUP_CODE_USED");
    assert_eq!(verify(&app, &token, value("ada.backup")).await.status, 200);
    assert_eq!(newest_session(&app), ("pwd backup_code".to_owned(), 2, true));
}

#[tokio::test]
async fn every_session_goes_on() {
    let app = upgraded().await;
    for name in ["ada.refresh", "grace.refresh", "frank.refresh"] {
        let first = refresh(&app, value(name)).await.tokens();
        assert_eq!(refresh(&app, &first.refresh).await.status, 200, "{name}");
    }
    assert_eq!(refresh(&app, value("dave.refresh")).await.status, 401, "it had ended");
    let me = app.get("/v1/users/me").bearer(value("grace.access")).send().await;
    assert_eq!(me.body["data"]["id"], value("grace.id"), "{}", me.text);
    let sessions = app.get("/v1/users/me/sessions").bearer(value("grace.access")).send().await;
    assert_eq!(sessions.body["data"].as_array().unwrap().len(), 3, "{}", sessions.text);
    let stale =
        "select count(*) from sessions where methods = '' and level = 1 and kind = 'first_party'";
    assert_eq!(app.database().number(stale), 12);
    let again = json!({ "password": value("password") });
    let proved =
        app.post("/v1/auth/reauthenticate", &again).bearer(value("grace.access")).send().await;
    assert_eq!(proved.status, 200, "{}", proved.text);
    assert_eq!(app.database().number(stale), 11, "a proof after the upgrade is recorded");
}

#[tokio::test]
async fn roles_files_services_and_records_are_as_before() {
    let app = upgraded().await;
    let grace = value("grace.access");
    assert_eq!(get(&app, "/v1/admin/users", grace).await.status, 200, "by her role `support`");
    let files = app.get("/v1/users/me/files").bearer(grace).send().await;
    let id = files.body["data"][0]["id"].as_str().unwrap_or_else(|| panic!("{}", files.text));
    let file = app.get(&format!("/v1/users/me/files/{id}")).bearer(grace).send().await;
    assert_eq!(file.text, "two words");
    let token = json!({ "token": grace });
    let asked = app
        .post("/v1/service/introspect", &token)
        .header("x-service-key", value("service key"))
        .from("127.0.0.1")
        .send()
        .await;
    assert_eq!(asked.body["data"]["active"], true, "{}", asked.text);
    let root = app.login("root", value("password")).await.tokens().access;
    let records = get(&app, "/v1/admin/audit?event=limit_hit", &root).await;
    let hit = &records.body["data"]["records"][0];
    assert_eq!(
        (&hit["count"], &hit["ipAddress"]),
        (&json!(2), &json!("203.0.113.9")),
        "{records:?}",
        records = records.text
    );
    let exported = get(&app, "/v1/admin/audit/export", &root).await;
    assert!(exported.text.contains("\"event\":\"suspended\""), "{}", exported.text);
    assert!(app.audit().await.len() > 50);
}

/// Accepts every text message.
#[derive(Default)]
struct Phones(Mutex<Vec<String>>);

impl Deliver for Phones {
    fn channel(&self) -> Channel {
        Channel::Sms
    }

    fn deliver<'a>(&'a self, text: &'a OpenedMessage) -> Later<'a, Result<Delivery>> {
        self.0.lock().unwrap().push(text.recipient().unwrap().to_owned());
        Box::pin(std::future::ready(Ok(Delivery::Delivered)))
    }

    fn is_configured(&self) -> bool {
        true
    }
}

#[tokio::test]
async fn what_waited_is_delivered_and_its_links_work() {
    let app = upgraded().await;
    app.turn_clock(Duration::from_mins(1));
    let mails = app.mails().await;
    let to = |address: &str| {
        let found: Vec<_> = mails.iter().filter(|mail| mail.to == address).cloned().collect();
        assert_eq!(found.len(), 1, "{address}: {mails:?}");
        found
    };
    for name in ["carol", "heidi"] {
        let token = token_in(&to(&format!("{name}@example.com")), "verify-email?token=");
        let verified = app.post("/v1/auth/verify-email", &json!({ "token": token })).send().await;
        assert_eq!(verified.status, 200, "{name}: {}", verified.text);
        assert_eq!(app.login(name, value("password")).await.status, 200, "{name}");
    }
    to("grace@example.com");
    let token = token_in(&to("grace@new.example.com"), "confirm-email?token=");
    let confirmed = app.post("/v1/auth/confirm-email", &json!({ "token": token })).send().await;
    assert_eq!(confirmed.status, 200, "{}", confirmed.text);
    let reset = token_in(&to("ada@example.com"), "reset-password?token=");
    for token in [reset.as_str(), value("frank.reset")] {
        let new = json!({ "token": token, "newPassword": "another plaice 7!" });
        let done = app.post("/v1/auth/reset-password", &new).send().await;
        assert_eq!(done.status, 200, "{}", done.text);
    }

    let phones = Arc::new(Phones::default());
    let worker = authd::app::text_worker(&app.core, phones.clone());
    while worker.run_once().await.unwrap() > 0 {}
    let texts = phones.0.lock().unwrap();
    assert_eq!(*texts, ["+491701234567"]);
}

#[tokio::test]
async fn an_account_that_was_deleted_can_still_be_restored() {
    let app = upgraded().await;
    let root = app.login("root", value("password")).await.tokens().access;
    let found = get(&app, "/v1/admin/users?status=deleted", &root).await;
    let id =
        found.body["data"]["users"][0]["id"].as_str().unwrap_or_else(|| panic!("{}", found.text));
    let path = format!("/v1/admin/users/{id}/restore");
    let restored = app.call(Method::POST, &path).bearer(&root).send().await;
    assert_eq!(restored.status, 200, "{}", restored.text);
    assert_eq!(app.login("eve", value("password")).await.status, 200);
}

#[test]
fn the_profile_of_an_older_database_is_known_before_its_upgrade() {
    let folder = tempfile::tempdir().unwrap();
    let database = put_into(folder.path());
    let place = Database::File(folder.path().join("authd.db"));
    assert_eq!(authd::app::recorded_profile(&place).unwrap().as_deref(), Some("standard"));
    assert_eq!(version_of(&database), 1);
    drop(Store::open(&place, ProcessRole::Server, &Env::real()).unwrap());
    assert_eq!(authd::app::recorded_profile(&place).unwrap().as_deref(), Some("standard"));
}

#[test]
fn the_real_server_upgrades_and_commands_leave_that_to_it() {
    let folder = Folder::new();
    let database = put_into(folder.path("authd.db").parent().unwrap());
    let refused = folder.run(&["user", "list"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.err.contains("`authd serve` upgrades it"), "{}", refused.err);
    assert_eq!(version_of(&database), 1);
    let server = folder.serve(&CHEAP);
    let login = credentials("root@example.com", value("password"));
    assert_eq!(server.post("/v1/auth/login", &login).unwrap().status, 200);
    let listed = folder.run(&["user", "list", "--json"]);
    assert!(listed.out.contains("grace@example.com"), "{}{}", listed.out, listed.err);
    assert_eq!(server.end(), Some(0));
    assert_eq!(version_of(&database), 2);
    assert_eq!(copies_in(folder.path("authd.db").parent().unwrap()).len(), 1);
    let log = fs::read_to_string(folder.path("log")).unwrap();
    assert!(log.contains("backed up the database before upgrading it"), "{log}");
}
