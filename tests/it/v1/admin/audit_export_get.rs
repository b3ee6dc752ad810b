//! `GET /admin/audit/export`: the audit log as a file, oldest record first.

use serde_json::{Value, json};

use crate::support::{Answer, App, app};
use crate::v1::fixture::{Operation, Person, Trail, WRONG, person};

const EXPORT: Operation = Operation("GET", "/admin/audit/export");

async fn export(app: &App, root: &Person, query: &str) -> Answer {
    EXPORT.query(app, query).bearer(root).send().await
}

#[tokio::test]
async fn each_parameter_has_its_rule_and_a_bad_one_is_no_export() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    let mut trail = Trail::begin(&app).await;
    for query in ["format=xml", "since=yesterday", "until=today"] {
        let refused = export(&app, &root, query).await.refused(400, "VALIDATION_ERROR");
        assert_eq!(refused.body["error"]["details"][0]["field"], query.split_once('=').unwrap().0);
    }
    assert_eq!(trail.left().await, [""; 0]);
}

#[tokio::test]
async fn each_format_has_its_media_type_and_all_its_records() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    app.login("root", WRONG).await.refused(401, "INVALID_CREDENTIALS");
    let lines = export(&app, &root, "format=jsonl&event=login").await.ok(200);
    assert_eq!(lines.header("content-type"), "application/x-ndjson");
    let outcomes: Vec<Value> = lines
        .text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["outcome"].clone())
        .collect();
    assert_eq!(outcomes, [json!("done"), json!("refused")]);
    let table = export(&app, &root, "format=csv&event=login").await.ok(200);
    assert_eq!(
        (table.header("content-type"), table.text.matches("\r\n").count()),
        ("text/csv; charset=utf-8", 3)
    );
    assert_eq!(
        export(&app, &root, "event=login").await.ok(200).text.lines().count(),
        2,
        "jsonl unless it is named"
    );
}

#[tokio::test]
async fn a_user_agent_cannot_begin_a_formula_or_another_row() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    let body = json!({ "username": "nobody", "password": WRONG });
    let call = app.post("/v1/auth/login", &body).header("user-agent", "=cmd|' /C calc'!A0\",\"x");
    call.refused(401, "INVALID_CREDENTIALS").await;
    let table = export(&app, &root, "format=csv&outcome=refused").await.ok(200);
    assert_eq!(table.text.lines().count(), 2, "{}", table.text);
    assert!(!table.text.contains("\"=cmd"), "{}", table.text);
}

#[tokio::test]
async fn it_is_recorded_by_its_administrator() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    let mut trail = Trail::begin(&app).await;
    export(&app, &root, "event=login").await.ok(200);
    let records = trail.left_by(Some(&root.id), None).await;
    assert!(records.len() == 1 && records[0].starts_with("audit_exported done"), "{records:?}");
}
