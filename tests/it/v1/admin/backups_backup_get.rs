//! `GET /admin/backups/{backup}`: the file, for a fresh login alone.

use authd::model::percent;
use serde_json::json;

use super::backups_get::{backing_up, idle};
use crate::support::App;
use crate::v1::fixture::{Operation, Person, person};

const DOWNLOAD: Operation = Operation("GET", "/admin/backups/{backup}");
const NAME: &str = "authd-20270115T080000Z.db";

async fn made(app: &App, root: &Person) {
    app.post("/v1/admin/backups", &json!(null)).bearer(root).ok(202).await;
    idle(app).await;
}

#[tokio::test]
async fn the_file_comes_whole_is_not_kept_and_is_recorded() {
    let to = tempfile::tempdir().unwrap();
    let app = backing_up(to.path(), &[]).await;
    let root = person(&app, "root", &["admin"]).await;
    made(&app, &root).await;
    let path = format!("/v1/admin/backups/{NAME}");
    let bytes = app.get(&path).bearer(&root).header("x-reason", "move").send_bytes().await;
    assert!(bytes.starts_with(b"SQLite format 3\0"));
    assert_eq!(bytes, std::fs::read(to.path().join(NAME)).unwrap());
    let head = app.get(&path).bearer(&root).send_head().await;
    assert_eq!(head["cache-control"], "no-store");
    assert_eq!(head["content-type"], "application/octet-stream");
    assert_eq!(head["content-length"], bytes.len().to_string());
    assert!(head["content-disposition"].to_str().unwrap().contains(NAME), "{head:?}");
    let records = app.records().await;
    let mut downloads = records.iter().filter(|record| record.event == "backup_downloaded");
    assert_eq!(downloads.next().unwrap().reason.as_deref(), Some("move"));
    assert_eq!(downloads.count(), 1);
}

#[tokio::test]
async fn no_other_file_is_reached_by_any_name() {
    let place = tempfile::tempdir().unwrap();
    let to = place.path().join("backups");
    std::fs::create_dir(&to).unwrap();
    let app = backing_up(&to, &[]).await;
    let root = person(&app, "root", &["admin"]).await;
    std::fs::write(place.path().join("secret"), "outside").unwrap();
    std::fs::write(to.join("authd-20000101T000000Z.db"), "no backup").unwrap();
    let names =
        ["../secret", "..%2fsecret", "/etc/passwd", "authd-20000101T000000Z.db", "..", "%00"];
    for name in names {
        DOWNLOAD.at(&app, &[&percent::encode(name)]).bearer(&root).refused(404, "NOT_FOUND").await;
    }
    made(&app, &root).await;
    std::fs::remove_file(to.join(NAME)).unwrap();
    DOWNLOAD.at(&app, &[NAME]).bearer(&root).refused(404, "NOT_FOUND").await;
    std::os::unix::fs::symlink(place.path().join("secret"), to.join(NAME)).unwrap();
    DOWNLOAD.at(&app, &[NAME]).bearer(&root).refused(404, "NOT_FOUND").await;
    let downloads = app.audit().await.into_iter().filter(|one| one.starts_with("backup_downl"));
    assert_eq!(downloads.count(), 0);
}

#[tokio::test]
async fn a_third_download_at_once_is_refused() {
    let to = tempfile::tempdir().unwrap();
    let app = backing_up(to.path(), &[]).await;
    let root = person(&app, "root", &["admin"]).await;
    made(&app, &root).await;
    let work = &app.core.backup_work;
    let downloads = [work.begin_download().unwrap(), work.begin_download().unwrap()];
    DOWNLOAD.at(&app, &[NAME]).bearer(&root).refused(409, "CONFLICT").await;
    drop(downloads);
    for _ in 0..3 {
        let path = format!("/v1/admin/backups/{NAME}");
        let file = app.get(&path).bearer(&root).send_bytes().await;
        assert!(file.starts_with(b"SQLite"), "a download that has ended counts no more");
    }
}
