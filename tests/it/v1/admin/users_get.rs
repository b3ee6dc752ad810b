//! `GET /admin/users`: accounts, page by page.

use serde_json::json;

use crate::admin::make;
use crate::support::{PASSWORD, app};
use crate::v1::fixture::{Operation, delete, keys, person, suspend};

const LIST: Operation = Operation("GET", "/admin/users");

#[tokio::test]
async fn each_parameter_has_its_rule() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    for (query, code) in [
        ("page=0", "FIELD_TOO_SHORT"),
        ("page=x", "VALIDATION_ERROR"),
        ("limit=0", "FIELD_TOO_SHORT"),
        ("limit=101", "FIELD_TOO_LONG"),
        ("status=asleep", "VALIDATION_ERROR"),
        ("search=%00", "VALIDATION_ERROR"),
    ] {
        let refused = LIST.query(&app, query).bearer(&root).refused(400, "VALIDATION_ERROR").await;
        let (field, row) = (query.split_once('=').unwrap().0, &refused.body["error"]["details"][0]);
        assert_eq!((&row["field"], &row["code"]), (&json!(field), &json!(code)), "{query}");
    }
    let long = format!("search={}", "a".repeat(256));
    LIST.query(&app, &long).bearer(&root).refused(400, "VALIDATION_ERROR").await;
    LIST.query(&app, &long[..long.len() - 1]).bearer(&root).ok(200).await;
}

#[tokio::test]
async fn all_broken_parameters_are_named_at_once() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    let refused =
        LIST.query(&app, "page=0&limit=1000").bearer(&root).refused(400, "VALIDATION_ERROR").await;
    let rows = refused.body["error"]["details"].as_array().unwrap();
    assert_eq!(
        rows.iter().map(|row| row["field"].as_str().unwrap()).collect::<Vec<_>>(),
        ["page", "limit"]
    );
}

#[tokio::test]
async fn each_status_finds_its_accounts() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    app.register("pending").await.ok(201);
    let (suspended, deleted) =
        (make(&app, "suspended", &[]).await, make(&app, "deleted", &[]).await);
    suspend(&app, &root, &suspended).await;
    delete(&app, &root, &deleted).await;
    for (status, name) in [
        ("active", "root"),
        ("pending", "pending"),
        ("suspended", "suspended"),
        ("deleted", "deleted"),
    ] {
        let list = LIST.query(&app, &format!("status={status}")).bearer(&root).ok(200).await;
        let users = list.body["data"]["users"].as_array().unwrap();
        let found: Vec<_> = users
            .iter()
            .map(|user| (user["username"].as_str().unwrap(), user["status"].as_str().unwrap()))
            .collect();
        assert_eq!(found, [(name, status)]);
    }
}

#[tokio::test]
async fn the_response_has_the_documented_fields_and_no_secret() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    let list = LIST.on(&app).bearer(&root).ok(200).await;
    assert_eq!(keys(&list.body["data"]), "users pagination");
    let fields =
        "id email username firstName lastName status emailVerified lastLogin createdAt roles";
    assert_eq!(keys(&list.body["data"]["users"][0]), fields);
    assert_eq!(
        list.body["data"]["pagination"],
        json!({ "page": 1, "limit": 20, "total": 1, "pages": 1 })
    );
    assert!(!list.text.contains("argon2") && !list.text.contains(PASSWORD), "{}", list.text);
}
