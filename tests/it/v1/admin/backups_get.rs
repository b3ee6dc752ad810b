//! `GET /admin/backups`: those in the folder, and what goes on with them.

use std::path::Path;
use std::sync::Arc;

use authd::identity::system::backup::BackupSchedule;
use serde_json::{Value, json};

use crate::support::{App, app, app_with};
use crate::v1::fixture::{MINUTE, Operation, keys, person};

const BACKUPS: Operation = Operation("GET", "/admin/backups");

/// A server that backs up into this folder.
pub async fn backing_up(to: &Path, more: &[(&str, &str)]) -> App {
    let set = [("backup.to", to.to_str().unwrap()), ("backup.keep", "2")];
    app_with("standard", &[&set[..], more].concat()).await
}

/// Waits until no work on backups goes on.
pub async fn idle(app: &App) {
    while app.core.backup_work.running().is_some() {
        tokio::task::yield_now().await;
    }
}

pub async fn list(app: &App, bearer: &str) -> Value {
    let found = app.get("/v1/admin/backups").bearer(bearer).ok(200).await;
    found.body["data"].clone()
}

#[tokio::test]
async fn those_of_the_schedule_and_of_administrators_are_listed_the_newest_first() {
    let to = tempfile::tempdir().unwrap();
    let app = backing_up(to.path(), &[("backup.every", "1 day")]).await;
    let root = person(&app, "root", &["admin"]).await;
    let empty = BACKUPS.on(&app).bearer(&root).ok(200).await.body["data"].clone();
    assert_eq!(keys(&empty), "problem folder backups");
    assert_eq!(empty["backups"], json!([]));
    BackupSchedule::of(Arc::clone(&app.core)).tick().await.unwrap();
    app.turn_clock(5 * MINUTE);
    std::fs::write(to.path().join("authd-20000101T000000Z.db"), "not ours").unwrap();
    app.post("/v1/admin/backups", &json!(null)).bearer(&root).ok(202).await;
    idle(&app).await;
    let found = BACKUPS.on(&app).bearer(&root).ok(200).await.body["data"].clone();
    let names: Vec<_> = found["backups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            assert!(one["size"].as_u64().unwrap() > 10_000, "{one}");
            (one["name"].as_str().unwrap(), one["maker"].as_str().unwrap())
        })
        .collect();
    assert_eq!(
        names,
        [("authd-20270115T080500Z.db", "administrator"), ("authd-20270115T080000Z.db", "schedule"),]
    );
    assert_eq!(found["backups"][0]["madeAt"], "2027-01-15T08:05:00Z");
    assert_eq!(found["last"]["ok"], true, "{found}");
    assert_eq!(found["running"], json!(null));
}

#[tokio::test]
async fn without_a_folder_it_says_what_to_set() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    let found = BACKUPS.on(&app).bearer(&root).ok(200).await.body["data"].clone();
    assert_eq!(found["problem"], "There is no folder for backups; set backup.to");
}
