//! `POST /admin/backups`: a backup is begun, one at a time.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use authd::identity::system::backup::BackupSchedule;
use authd::identity::system::backup_work::BackupTask;
use authd::model::{Progress, Time};
use serde_json::json;

use super::backups_get::{backing_up, idle, list};
use crate::database::RawDatabase;
use crate::support::app;
use crate::v1::fixture::{MINUTE, Operation, person};

const MAKE: Operation = Operation("POST", "/admin/backups");

#[tokio::test]
async fn it_is_made_checked_and_recorded_and_the_oldest_by_hand_goes_but_none_of_the_schedule() {
    let to = tempfile::tempdir().unwrap();
    let app = backing_up(to.path(), &[("backup.every", "366 days")]).await;
    let root = person(&app, "root", &["admin"]).await;
    BackupSchedule::of(Arc::clone(&app.core)).tick().await.unwrap();
    for _ in 0..4 {
        app.turn_clock(MINUTE);
        let begun = MAKE.on(&app).header("x-reason", "before a change").bearer(&root).ok(202).await;
        assert_eq!(begun.body["data"]["task"], "make");
        idle(&app).await;
    }
    let data = list(&app, &root.access).await;
    let names: Vec<_> = data["backups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        ["authd-20270115T080400Z.db", "authd-20270115T080300Z.db", "authd-20270115T080000Z.db",]
    );
    let file = to.path().join(names[0]);
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(RawDatabase::at(file).texts("pragma integrity_check"), ["ok"]);
    let record = app.records().await.into_iter().rfind(|one| one.event == "backup_made").unwrap();
    assert_eq!(record.actor.as_deref(), Some(root.id.as_str()));
    assert_eq!(record.detail.as_deref(), Some(names[0]));
    assert_eq!(record.reason.as_deref(), Some("before a change"));
}

#[tokio::test]
async fn a_second_one_at_the_same_time_is_a_conflict_and_the_schedule_waits() {
    let to = tempfile::tempdir().unwrap();
    let app = backing_up(to.path(), &[("backup.every", "1 day")]).await;
    let root = person(&app, "root", &["admin"]).await;
    let (work, progress) = (app.core.backup_work.clone(), Progress::default());
    let slot = work.begin(BackupTask::Make, "other.db", Time::from_seconds(1), &progress).unwrap();
    let refused = MAKE.on(&app).bearer(&root).refused(409, "CONFLICT").await;
    assert!(refused.text.contains("Work on other.db goes on"), "{}", refused.text);
    let schedule = BackupSchedule::of(Arc::clone(&app.core));
    schedule.tick().await.unwrap();
    assert_eq!(std::fs::read_dir(to.path()).unwrap().count(), 0);
    drop(slot);
    schedule.tick().await.unwrap();
    assert_eq!(std::fs::read_dir(to.path()).unwrap().count(), 1, "it was not its attempt");
}

#[tokio::test]
async fn why_it_failed_is_in_the_list_and_in_the_record() {
    let place = tempfile::tempdir().unwrap();
    let to = place.path().join("not mounted");
    let app = backing_up(&to, &[]).await;
    let root = person(&app, "root", &["admin"]).await;
    MAKE.on(&app).bearer(&root).ok(202).await;
    idle(&app).await;
    let data = list(&app, &root.access).await;
    assert_eq!(data["last"]["ok"], false, "{data}");
    assert!(data["last"]["answer"].as_str().unwrap().contains("not mounted"), "{data}");
    assert_eq!(data["backups"], json!([]));
    let last = app.audit().await.pop().unwrap();
    assert!(last.starts_with("backup_made refused"), "{last}");
}

#[tokio::test]
async fn without_a_folder_nothing_begins() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    MAKE.on(&app).bearer(&root).refused(409, "CONFLICT").await;
}
