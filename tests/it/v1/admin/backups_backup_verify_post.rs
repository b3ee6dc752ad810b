//! `POST /admin/backups/{backup}/verify`: a backup is checked.

use std::io::{Seek as _, SeekFrom, Write as _};

use super::backups_get::{backing_up, idle, list};
use crate::v1::fixture::{Operation, person};

const VERIFY: Operation = Operation("POST", "/admin/backups/{backup}/verify");
const NAME: &str = "authd-20270115T080000Z.db";

#[tokio::test]
async fn a_whole_one_is_whole_and_a_damaged_one_is_not() {
    let to = tempfile::tempdir().unwrap();
    let app = backing_up(to.path(), &[]).await;
    let root = person(&app, "root", &["admin"]).await;
    let make = serde_json::json!(null);
    app.post("/v1/admin/backups", &make).bearer(&root).ok(202).await;
    idle(&app).await;
    let begun = VERIFY.at(&app, &[NAME]).bearer(&root).ok(202).await;
    assert_eq!(begun.body["data"]["task"], "check");
    idle(&app).await;
    let check = list(&app, &root.access).await["backups"][0]["check"].clone();
    assert_eq!(check["ok"], true, "{check}");
    assert!(check["answer"].as_str().unwrap().starts_with("whole, with 1 accounts"), "{check}");
    let mut file = std::fs::OpenOptions::new().write(true).open(to.path().join(NAME)).unwrap();
    file.seek(SeekFrom::Start(4096)).unwrap();
    file.write_all(&[0xff; 16_384]).unwrap();
    VERIFY.at(&app, &[NAME]).bearer(&root).ok(202).await;
    idle(&app).await;
    let check = list(&app, &root.access).await["backups"][0]["check"].clone();
    assert_eq!(check["ok"], false, "{check}");
    let last = app.audit().await.pop().unwrap();
    assert!(last.starts_with("backup_checked refused"), "{last}");
}

#[tokio::test]
async fn an_encrypted_one_and_a_foreign_name_are_refused() {
    let to = tempfile::tempdir().unwrap();
    let recipient = "age18j6g96yuf2lw6tv8sf338ngujrt6usferw5m82spqtvrzzlnny9sh6ufyu";
    let app = backing_up(to.path(), &[("backup.encrypt_to", recipient)]).await;
    let root = person(&app, "root", &["admin"]).await;
    app.post("/v1/admin/backups", &serde_json::json!(null)).bearer(&root).ok(202).await;
    idle(&app).await;
    let name = format!("{NAME}.age");
    let refused = VERIFY.at(&app, &[&name]).bearer(&root).refused(409, "CONFLICT").await;
    assert!(refused.text.contains("--identity"), "{}", refused.text);
    VERIFY.at(&app, &["authd.db"]).bearer(&root).refused(404, "NOT_FOUND").await;
}
