//! Backups that the server makes by itself: when, how many are kept, and what is said when they fail.

use std::path::PathBuf;
use std::time::Duration;

use authd::identity::system::backup::BackupSchedule;

use super::*;
use crate::support::{App, app_with};

const DAY: Duration = Duration::from_hours(24);
const HOUR: Duration = Duration::from_hours(1);

/// A server that backs up into a folder daily, and its schedule.
async fn daily(to: &Path, more: &[(&str, &str)]) -> (App, BackupSchedule) {
    let to = to.to_str().unwrap();
    let set = [("backup.every", "1 day"), ("backup.to", to), ("backup.keep", "2")];
    let set = [&set[..], &[("alerts.mail", "ops@example.com")], more].concat();
    let app = app_with("standard", &set).await;
    let schedule = BackupSchedule::of(app.core.clone());
    (app, schedule)
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

async fn page(app: &App, path: &str, from: &str) -> String {
    app.get(path).from(from).ok(200).await.text
}

#[tokio::test]
async fn a_backup_is_made_when_due_and_only_old_ones_of_the_schedule_are_removed() {
    let to = tempfile::tempdir().unwrap();
    let foreign = to.path().join("authd-20000101T000000Z.db");
    fs::write(&foreign, "not ours").unwrap();
    let (app, schedule) = daily(to.path(), &[]).await;
    let by_schedule = || {
        let files = files_in(to.path());
        files.into_iter().filter(|file| *file != foreign).collect::<Vec<_>>()
    };
    schedule.tick().await.unwrap();
    let first = by_schedule();
    assert_eq!(first, [to.path().join("authd-20270115T080000Z.db")]);
    assert_eq!(mode(&first[0]), 0o600);
    app.turn_clock(Duration::from_secs(24 * 3600 - 1));
    schedule.tick().await.unwrap();
    assert_eq!(by_schedule(), first, "not due yet");
    let metrics = page(&app, "/metrics", "127.0.0.1").await;
    assert!(metrics.contains("\nauthd_backup_age_seconds 86399.0\n"), "{metrics}");
    for count in [2, 2, 2] {
        app.turn_clock(DAY);
        schedule.tick().await.unwrap();
        assert_eq!(by_schedule().len(), count);
    }
    assert!(!first[0].exists() && fs::read(&foreign).unwrap() == b"not ours");
    let made = app.audit().await.into_iter().filter(|line| line.starts_with("backup_made done"));
    assert_eq!(made.count(), 4);
    for file in by_schedule() {
        assert_eq!(RawDatabase::at(file).texts("pragma integrity_check"), ["ok"]);
    }
}

#[tokio::test]
async fn a_restart_makes_no_backup_before_it_is_due() {
    let to = tempfile::tempdir().unwrap();
    let (app, schedule) = daily(to.path(), &[]).await;
    schedule.tick().await.unwrap();
    app.turn_clock(HOUR);
    BackupSchedule::of(app.core.clone()).tick().await.unwrap();
    assert_eq!(files_in(to.path()).len(), 1);
}

#[tokio::test]
async fn scheduled_backups_are_encrypted_if_the_configuration_says_so() {
    let to = tempfile::tempdir().unwrap();
    let recipient = "age18j6g96yuf2lw6tv8sf338ngujrt6usferw5m82spqtvrzzlnny9sh6ufyu";
    let (_app, schedule) = daily(to.path(), &[("backup.encrypt_to", recipient)]).await;
    schedule.tick().await.unwrap();
    let [file] = files_in(to.path()).try_into().unwrap();
    assert!(file.to_str().unwrap().ends_with("Z.db.age"), "{file:?}");
    assert!(fs::read(file).unwrap().starts_with(b"age-encryption.org/v1\n"));
}

#[tokio::test]
async fn an_overdue_backup_is_told_once_an_episode_and_to_local_probes() {
    let place = tempfile::tempdir().unwrap();
    let to = place.path().join("not mounted");
    let (app, schedule) = daily(&to, &[]).await;
    schedule.tick().await.unwrap();
    app.turn_clock(2 * DAY);
    schedule.tick().await.unwrap();
    assert_eq!(app.mails().await.len(), 0, "not overdue yet");
    assert_eq!(page(&app, "/readyz", "127.0.0.1").await, "ok");
    app.turn_clock(HOUR / 2);
    for _ in 0..3 {
        schedule.tick().await.unwrap();
        app.turn_clock(HOUR / 2);
    }
    let [letter] = app.mails().await.try_into().unwrap();
    assert_eq!(letter.to, "ops@example.com");
    assert!(letter.text.contains("The last backup is older"), "{}", letter.text);
    assert!(letter.text.contains("authd audit --event backup_made"), "{}", letter.text);
    let ready = page(&app, "/readyz", "127.0.0.1").await;
    assert!(ready.starts_with("ok\nwarning: a backup is overdue"), "{ready}");
    assert_eq!(page(&app, "/readyz", "203.0.113.9").await, "ok", "strangers get no warnings");
    fs::create_dir(&to).unwrap();
    schedule.tick().await.unwrap();
    assert_eq!(files_in(&to).len(), 1);
    assert_eq!(page(&app, "/readyz", "127.0.0.1").await, "ok");
}

#[tokio::test]
async fn a_failed_backup_is_tried_again_after_ten_minutes() {
    let place = tempfile::tempdir().unwrap();
    let to = place.path().join("not mounted");
    let (app, schedule) = daily(&to, &[]).await;
    schedule.tick().await.unwrap();
    fs::create_dir(&to).unwrap();
    app.turn_clock(Duration::from_mins(9));
    schedule.tick().await.unwrap();
    assert_eq!(files_in(&to).len(), 0);
    app.turn_clock(Duration::from_mins(1));
    schedule.tick().await.unwrap();
    assert_eq!(files_in(&to).len(), 1);
}

#[tokio::test]
async fn a_stopping_server_leaves_no_unfinished_backup() {
    let to = tempfile::tempdir().unwrap();
    let (app, schedule) = daily(to.path(), &[]).await;
    schedule.cancel();
    schedule.tick().await.unwrap();
    assert_eq!(files_in(to.path()).len(), 0);
    BackupSchedule::of(app.core.clone()).tick().await.unwrap();
    assert_eq!(files_in(to.path()).len(), 1, "the next server makes it");
}

#[test]
fn a_server_makes_the_first_backup_at_its_start() {
    let here = folder();
    fs::create_dir(here.path("backup")).unwrap();
    let set = ["--set", "backup.every=1 day", "--set", "backup.to=backup"];
    let server = here.serve(&set);
    while files_in(&here.path("backup")).is_empty() {}
    while files_in(&here.path("backup"))[0].extension().is_none_or(|ending| ending == "part") {}
    assert_eq!(server.end(), Some(0));
    let [file] = files_in(&here.path("backup")).try_into().unwrap();
    done(&here, &["backup", "verify", file.to_str().unwrap()]);
    let refused = here.run(&["serve", "--set", "backup.every=1 day"]);
    assert!(refused.code != Some(0) && refused.err.contains("backup.to"), "{}", refused.err);
}
