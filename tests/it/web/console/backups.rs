//! The backups on the pages of the console.

use std::time::Duration;

use authd::identity::system::backup_work::BackupTask;
use authd::model::{Progress, Time};
use poem::http::Method;

use super::administrator;
use crate::support::{App, PASSWORD, UNLIMITED, app, app_with};
use crate::web::visitor::Visitor;

const BACKUPS: &str = "/console/backups";
const NAME: &str = "authd-20270115T080000Z.db";

async fn backing_up(to: &std::path::Path) -> App {
    let set = [("backup.to", to.to_str().unwrap())];
    app_with("standard", &[&UNLIMITED[..], &set].concat()).await
}

async fn idle(app: &App) {
    while app.core.backup_work.running().is_some() {
        tokio::task::yield_now().await;
    }
}

async fn back_up(root: &mut Visitor<'_>, app: &App) {
    root.open("/console/backups/new").await;
    root.submit("/console/backups/new", &[("reason", "before a change")]).await;
    root.sees("The backup is being made.");
    idle(app).await;
    root.open(BACKUPS).await;
}

#[tokio::test]
async fn a_backup_is_made_checked_and_downloaded_with_a_fresh_proof() {
    let to = tempfile::tempdir().unwrap();
    let app = backing_up(to.path()).await;
    let mut root = administrator(&app, "root", &["admin"]).await;
    root.open(BACKUPS).await;
    root.sees("There are no backups yet.");
    back_up(&mut root, &app).await;
    root.sees(NAME);
    root.submit(&format!("{BACKUPS}/{NAME}/verify"), &[]).await;
    root.sees("The backup is being checked.");
    idle(&app).await;
    root.open(BACKUPS).await;
    root.sees("<span class=\"tag good\">whole</span>");
    app.turn_clock(Duration::from_mins(16));
    let path = format!("{BACKUPS}/{NAME}/download");
    root.open(&path).await;
    root.sees("The master key is not in it");
    root.sees("it is not encrypted");
    root.submit(&path, &[]).await;
    assert_eq!(root.page.status, 400);
    root.sees("proof_password");
    let form = root.form(&path, &[("proof_password", PASSWORD), ("reason", "move")]);
    let cookie = format!("authd={}", root.cookies["authd"]);
    let post = || {
        let call = app.call(Method::POST, &path).header("cookie", &cookie);
        call.body(crate::web::visitor::FORM, form.clone()).header("origin", "http://localhost")
    };
    assert_eq!(post().send_bytes().await, std::fs::read(to.path().join(NAME)).unwrap());
    assert_eq!(post().send_head().await["cache-control"], "no-store");
    let records = app.records().await;
    let download = records.iter().find(|record| record.event == "backup_downloaded").unwrap();
    assert_eq!(download.reason.as_deref(), Some("move"));
    let foreign = post().header("origin", "https://evil.example").send().await;
    assert_eq!(foreign.status, 403, "{}", foreign.text);
}

#[tokio::test]
async fn a_second_backup_at_once_and_a_full_disk_are_answered_in_words() {
    let place = tempfile::tempdir().unwrap();
    let to = place.path().join("not mounted");
    let app = backing_up(&to).await;
    let mut root = administrator(&app, "root", &["admin"]).await;
    let work = app.core.backup_work.clone();
    let progress = Progress::default();
    progress.begin("copying", 4);
    progress.reach(1);
    let slot = work.begin(BackupTask::Make, "other.db", Time::from_seconds(1), &progress).unwrap();
    root.open(BACKUPS).await;
    root.sees("<code>other.db</code> is being made: copying, 25 %.");
    root.open("/console/backups/new").await;
    root.submit("/console/backups/new", &[]).await;
    assert_eq!(root.page.status, 409);
    root.sees("Work on other.db goes on; wait until it is done");
    drop(slot);
    back_up(&mut root, &app).await;
    root.sees("The last backup failed at");
    root.sees("not mounted");
}

#[tokio::test]
async fn without_a_folder_the_page_says_what_to_set() {
    let app = app().await;
    let mut root = administrator(&app, "root", &["admin"]).await;
    root.open(BACKUPS).await;
    root.sees("There is no folder for backups; set backup.to");
    assert!(!root.page.text.contains("/console/backups/new"), "{}", root.page.text);
    for name in ["nothing.db", "..%2Fauthd.db", "%00"] {
        root.open(&format!("{BACKUPS}/{name}/download")).await;
        assert_eq!(root.page.status, 404, "{name}");
    }
}
