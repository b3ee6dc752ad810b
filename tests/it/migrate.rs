//! A database that moves from a file to PostgreSQL and back.

use std::path::Path;
use std::sync::Arc;

use authd::backup::migrate;
use authd::backup::migrate::MovedTable;
use authd::env::Env;
use authd::error::Result;
use authd::model::Database;
use authd::store::tables::whole;
use authd::store::{ProcessRole, Store};
use poem::http::Method;
use serde_json::json;

use crate::cluster;
use crate::cluster::TestDatabase;
use crate::process::Folder;
use crate::support::{App, PASSWORD, START, Tokens, app_on};

fn server(scenario: &str) -> Option<Arc<TestDatabase>> {
    cluster::shared(scenario).map(|cluster| Arc::new(cluster.database()))
}

fn file(folder: &Path) -> Database {
    Database::File(folder.join("authd.db"))
}

async fn moved(from: &Database, to: &Database) -> Result<Vec<MovedTable>> {
    migrate::migrate(from, to, &Env::real(), |_| {}).await
}

fn rows(moved: &[MovedTable], name: &str) -> u64 {
    moved.iter().find(|table| table.name == name).unwrap().rows
}

async fn is_let_in(app: &App, tokens: &Tokens) -> bool {
    let call = app.call(Method::GET, "/v1/users/me");
    call.bearer(tokens).send().await.status == 200
}

async fn refresh(app: &App, token: &str) -> Tokens {
    app.post("/v1/auth/refresh", &json!({ "refreshToken": token })).send().await.tokens()
}

#[tokio::test]
async fn a_session_goes_on_after_a_move_to_postgresql_and_back() {
    let Some(server) = server("a migration") else { return };
    let app = app_on(&[], START, |_| {}).await;
    let ada = app.enter("ada").await;
    let bob = app.enter("bob").await;
    let events = app.audit().await;
    let closed = app.close();
    let (source, target) = (file(closed.dir.path()), server.place());

    let there = moved(&source, &target).await.unwrap();
    assert_eq!((rows(&there, "accounts"), rows(&there, "sessions")), (2, 2));
    let folder = closed.dir.clone();
    let app = closed.open(Some(server.clone())).await;
    assert!(is_let_in(&app, &ada).await && is_let_in(&app, &bob).await);
    assert_eq!(app.audit().await, events);
    let ada = refresh(&app, &ada.refresh).await;
    app.enter("eve").await;

    let closed = app.close();
    let refused = moved(&source, &target).await.unwrap_err();
    assert!(refused.message().contains("has data"), "{refused}");
    std::fs::remove_file(folder.path().join("authd.db")).unwrap();
    std::fs::remove_file(folder.path().join("authd.db.lock")).unwrap();
    let back = moved(&target, &source).await.unwrap();
    assert_eq!(rows(&back, "accounts"), 3);
    let app = closed.open(None).await;
    assert!(is_let_in(&app, &ada).await);
    refresh(&app, &ada.refresh).await;
}

#[tokio::test]
async fn a_moved_database_is_used_no_more_unless_the_move_is_abandoned() {
    let Some(server) = server("a moved database") else { return };
    let app = app_on(&[], START, |_| {}).await;
    app.enter("ada").await;
    let source = file(app.dir.path());
    let served = moved(&source, &server.place()).await.unwrap_err();
    assert!(served.message().contains("another authd"), "{served}");
    let folder = app.close().dir;
    moved(&source, &server.place()).await.unwrap();
    let here = Folder::new();
    let database = folder.path().join("authd.db");
    let list = ["user", "list", "--db", database.to_str().unwrap()];
    let ran = here.run(&list);
    assert_eq!(ran.code, Some(1), "{}", ran.out);
    assert!(ran.err.contains("was moved to postgres://authd@127.0.0.1"), "{}", ran.err);
    let ran = here.run(&["migrate", "--abandon", "--db", database.to_str().unwrap()]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let ran = here.run(&list);
    assert!(ran.out.contains("ada@example.com"), "{}{}", ran.out, ran.err);
    let ran = here.run(&["migrate", "--abandon", "--db", database.to_str().unwrap()]);
    assert_eq!(ran.code, Some(1), "{}", ran.out);
}

#[tokio::test]
async fn an_interrupted_migration_goes_on_and_its_target_serves_only_when_it_is_complete() {
    let Some(server) = server("an interrupted migration") else { return };
    let app = app_on(&[], START, |_| {}).await;
    for name in ["ada", "bob", "eve"] {
        app.register(name).await;
    }
    let closed = app.close();
    let (source, target) = (file(closed.dir.path()), server.place());
    let (from, to) = (source.to_string(), target.to_string());
    // What a process leaves behind that is killed after the first account.
    let first = Store::open(&source, ProcessRole::Server, &Env::real()).unwrap();
    let second = Store::open(&target, ProcessRole::Server, &Env::real()).unwrap();
    let tables = Arc::new(whole::tables(Store::schema()).unwrap());
    let accounts = tables.iter().find(|table| table.name == "accounts").unwrap().clone();
    first.write(move |db| whole::set_moved_to(db, &to)).await.unwrap();
    let table = accounts.clone();
    let rows = first.read(move |db| table.page(db, None, 1)).await.unwrap();
    second
        .write(move |db| {
            whole::set_moved_from(db, &from)?;
            accounts.insert(db, &rows)
        })
        .await
        .unwrap();
    drop((first, second));

    let here = Folder::new();
    let mut serve = here.command(&["user", "list", "--db", &server.url()]);
    let ran = serve.env("AUTHD_MASTER_KEY", "0".repeat(64)).output().unwrap();
    let err = String::from_utf8(ran.stderr).unwrap();
    assert!(err.contains("has only a part of"), "{err}");

    let all = moved(&source, &target).await.unwrap();
    assert_eq!(self::rows(&all, "accounts"), 3);
    let app = closed.open(Some(server)).await;
    assert_eq!(app.database().number("select count(*) from accounts"), 3);
}

#[test]
fn a_mistyped_target_is_not_taken_for_a_file() {
    let here = crate::cli::Folder::new();
    let create = ["user", "create", "--email", "ada@example.com", "--password-stdin"];
    assert_eq!(here.run_with_input(&create, PASSWORD).code, Some(0));
    let ran = here.run(&["migrate", "--to", "postgre//authd@db.example.com/authd"]);
    assert_eq!(ran.code, Some(1), "{}", ran.out);
    assert!(ran.err.contains("postgres://USER@HOST/DATABASE"), "{}", ran.err);
    let ran = here.run(&["user", "list"]);
    assert!(ran.out.contains("ada@example.com"), "{}{}", ran.out, ran.err);
}

#[test]
fn a_password_on_the_command_line_is_refused() {
    let here = Folder::new();
    let ran = here.run(&["migrate", "--to", "postgres://me:hush@127.0.0.1/d"]);
    assert_eq!((ran.code, ran.err.contains("hush")), (Some(2), false), "{}", ran.err);
    assert!(ran.err.contains("PGPASSWORD"), "{}", ran.err);
}

#[test]
fn a_server_on_postgresql_makes_no_master_key_and_says_what_is_for_files_alone() {
    let Some(server) = server("commands on PostgreSQL") else { return };
    let (here, url) = (Folder::new(), server.url());
    let ran = here.run(&["serve", "--db", &url, "--set", "server.listen=127.0.0.1:0"]);
    assert_eq!(ran.code, Some(1), "{}", ran.out);
    assert!(ran.err.contains("AUTHD_MASTER_KEY"), "{}", ran.err);
    assert!(!here.path("authd.key").exists());
    let with_key = |arguments: &[&str]| {
        let mut command = here.command(arguments);
        let ran = command.env("AUTHD_MASTER_KEY", "0".repeat(64)).output().unwrap();
        (ran.status.code(), String::from_utf8(ran.stderr).unwrap())
    };
    for arguments in [
        &["backup", "copy.db", "--db", &url][..],
        &["rollback", "--yes", "--db", &url],
        &["key", "replace-master", "--yes", "--db", &url],
        &["restore", "copy.db", "--db", &url],
    ] {
        let (code, err) = with_key(arguments);
        assert_eq!(code, Some(1), "{arguments:?}: {err}");
        if arguments[0] != "restore" {
            assert!(err.contains("pg_dump"), "{arguments:?}: {err}");
        }
    }
    let set =
        ["config", "show", "--db", &url, "--set", "backup.every=1 day", "--set", "backup.to=."];
    let (code, err) = with_key(&set);
    assert!(code != Some(0) && err.contains("pg_dump"), "{err}");
}
