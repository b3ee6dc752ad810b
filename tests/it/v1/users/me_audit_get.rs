//! `GET /users/me/audit`: the audit records about the caller.

use serde_json::{Value, json};

use crate::support::app;
use crate::v1::fixture::{Operation, Trail, keys, person, suspend};

const LIST: Operation = Operation("GET", "/users/me/audit");

#[tokio::test]
async fn the_limit_has_its_rule() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    for (query, code) in [
        ("limit=0", "FIELD_TOO_SHORT"),
        ("limit=-1", "FIELD_TOO_SHORT"),
        ("limit=101", "FIELD_TOO_LONG"),
        ("limit=x", "VALIDATION_ERROR"),
    ] {
        let refused = LIST.query(&app, query).bearer(&ada).refused(400, "VALIDATION_ERROR").await;
        let row = &refused.body["error"]["details"][0];
        assert_eq!((&row["field"], &row["code"]), (&json!("limit"), &json!(code)), "{query}");
    }
    LIST.query(&app, "limit=100").bearer(&ada).ok(200).await;
}

#[tokio::test]
async fn the_newest_come_first_page_by_page() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    for name in ["One", "Two", "Three"] {
        app.put("/v1/users/me", &json!({ "firstName": name })).bearer(&ada).ok(200).await;
    }
    let (mut query, mut events) = ("limit=2".to_owned(), Vec::new());
    loop {
        let page = LIST.query(&app, &query).bearer(&ada).ok(200).await.body["data"].take();
        events.extend(
            page["records"]
                .as_array()
                .unwrap()
                .iter()
                .map(|record| record["event"].as_str().unwrap().to_owned()),
        );
        let Value::String(next) = &page["next"] else { break };
        query = format!("limit=2&before={next}");
    }
    assert_eq!(
        events,
        ["profile_changed", "profile_changed", "profile_changed", "login", "account_created"]
    );
}

#[tokio::test]
async fn a_record_has_the_documented_fields_and_reading_leaves_none() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    let mut trail = Trail::begin(&app).await;
    let list = LIST.on(&app).bearer(&ada).ok(200).await;
    assert_eq!(keys(&list.body["data"]), "records next");
    let fields =
        "id at event outcome accountId sessionId actor ipAddress userAgent requestId detail count";
    assert_eq!(keys(&list.body["data"]["records"][0]), fields);
    assert_eq!(trail.left().await, [""; 0]);
}

#[tokio::test]
async fn an_administrators_act_is_listed_without_the_administrator() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    let ada = person(&app, "ada", &[]).await;
    suspend(&app, &root, &ada.id).await;
    let path = format!("/v1/admin/users/{}", ada.id);
    app.put(&path, &json!({ "status": "active" })).bearer(&root).ok(200).await;
    let access = app.login("ada", crate::support::PASSWORD).await.tokens().access;
    let list = LIST.on(&app).bearer(&access).ok(200).await;
    let events: Vec<_> = list.body["data"]["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|record| &record["event"])
        .collect();
    assert!(
        events.contains(&&json!("suspended")) && events.contains(&&json!("unsuspended")),
        "{events:?}"
    );
    assert!(!list.text.contains(&root.id), "{}", list.text);
}
