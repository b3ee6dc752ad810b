//! `GET /admin/findings`: what needs the operator.

use crate::support::app;
use crate::v1::fixture::{Operation, keys, person};

const LIST: Operation = Operation("GET", "/admin/findings");

#[tokio::test]
async fn a_missing_backup_is_found_with_its_remedy() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    let list = LIST.on(&app).bearer(&root).ok(200).await;
    let found = list.body["data"].as_array().unwrap();
    assert_eq!(keys(&found[0]), "level key message remedy");
    let backup = found.iter().find(|finding| finding["key"] == "backup").unwrap();
    assert_eq!(backup["level"], "warning");
    assert!(backup["remedy"].as_str().unwrap().starts_with("run authd backup FILE"));
}
