//! `POST /admin/searches`: a search under a name.

use serde_json::json;

use crate::support::app;
use crate::v1::fixture::{Operation, person};

const SAVE: Operation = Operation("POST", "/admin/searches");

#[tokio::test]
async fn each_field_has_its_rule() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    for (field, value) in [
        ("name", json!("")),
        ("name", json!("a".repeat(61))),
        ("name", json!("a\nb")),
        ("query", json!("q=a b")),
        ("query", json!("a".repeat(1001))),
        ("query", json!("q=\u{e4}")),
    ] {
        let mut body = json!({ "name": "Pending", "query": "state=pending" });
        body[field] = value.clone();
        let refused =
            SAVE.on(&app).json(&body).bearer(&root).refused(400, "VALIDATION_ERROR").await;
        assert_eq!(refused.body["error"]["details"][0]["field"], field, "{value}");
    }
}

#[tokio::test]
async fn a_name_is_there_once_and_there_are_at_most_fifty() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    for number in 0..50 {
        let body = json!({ "name": format!("search {number}"), "query": "role=user" });
        SAVE.on(&app).json(&body).bearer(&root).ok(201).await;
    }
    let again = json!({ "name": "search 7", "query": "role=admin" });
    let saved = SAVE.on(&app).json(&again).bearer(&root).ok(201).await;
    assert_eq!(saved.body["data"]["query"], "role=admin");
    let more = json!({ "name": "one more", "query": "role=user" });
    SAVE.on(&app).json(&more).bearer(&root).refused(400, "VALIDATION_ERROR").await;
    let count = app.database().number("select count(*) from saved_searches");
    assert_eq!(count, 50);
}
