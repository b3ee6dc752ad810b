//! `GET /admin/searches`: the caller's own saved searches.

use serde_json::json;

use crate::support::app;
use crate::v1::fixture::{Operation, keys, person};

const LIST: Operation = Operation("GET", "/admin/searches");
const SAVE: Operation = Operation("POST", "/admin/searches");

#[tokio::test]
async fn each_administrator_sees_their_own() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    let other = person(&app, "other", &["admin"]).await;
    for name in ["b", "a"] {
        let body = json!({ "name": name, "query": "state=pending" });
        SAVE.on(&app).json(&body).bearer(&root).ok(201).await;
    }
    let list = LIST.on(&app).bearer(&root).ok(200).await;
    let names: Vec<_> =
        list.body["data"].as_array().unwrap().iter().map(|one| one["name"].clone()).collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(keys(&list.body["data"][0]), "name query createdAt");
    let list = LIST.on(&app).bearer(&other).ok(200).await;
    assert_eq!(list.body["data"], json!([]));
}
