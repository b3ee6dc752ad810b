//! `GET /admin/audit`: the audit log, newest first.

use serde_json::json;

use crate::support::{Answer, App, app};
use crate::v1::fixture::{MINUTE, Operation, Person, WRONG, keys, person};

const LIST: Operation = Operation("GET", "/admin/audit");

async fn list(app: &App, root: &Person, query: &str) -> Answer {
    LIST.query(app, query).bearer(root).send().await
}

fn events(answer: &Answer) -> String {
    let records = answer.body["data"]["records"].as_array().unwrap().iter();
    records.map(|record| record["event"].as_str().unwrap()).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn each_parameter_has_its_rule() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    for (query, code) in [
        ("limit=0", "FIELD_TOO_SHORT"),
        ("limit=101", "FIELD_TOO_LONG"),
        ("limit=x", "VALIDATION_ERROR"),
        ("since=yesterday", "VALIDATION_ERROR"),
        ("until=2027-13-01T00:00:00Z", "VALIDATION_ERROR"),
    ] {
        let refused = list(&app, &root, query).await.refused(400, "VALIDATION_ERROR");
        let (field, row) = (query.split_once('=').unwrap().0, &refused.body["error"]["details"][0]);
        assert_eq!((&row["field"], &row["code"]), (&json!(field), &json!(code)), "{query}");
    }
}

#[tokio::test]
async fn each_filter_selects_its_records() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    let ada = person(&app, "ada", &[]).await;
    app.turn_clock(MINUTE);
    app.login("ada", WRONG).await.refused(401, "INVALID_CREDENTIALS");
    for (query, expected) in [
        (format!("userId={}", ada.id), "login login account_created"),
        (format!("userId={}&outcome=refused", ada.id), "login"),
        (format!("userId={}&event=account_created", ada.id), "account_created"),
        ("outcome=refused".to_owned(), "login"),
        ("since=2027-01-15T08:01:00Z".to_owned(), "login"),
        ("event=login&until=2027-01-15T08:01:00Z".to_owned(), "login login"),
        ("event=nothing".to_owned(), ""),
        ("userId=nobody".to_owned(), ""),
    ] {
        let found = list(&app, &root, &query).await.ok(200);
        assert_eq!(events(&found), expected, "{query}");
    }
}

#[tokio::test]
async fn the_pages_join_without_gap_or_repetition() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    person(&app, "ada", &[]).await;
    let ids = |answer: &Answer| -> Vec<String> {
        let records = answer.body["data"]["records"].as_array().unwrap().iter();
        records.map(|record| record["id"].as_str().unwrap().to_owned()).collect()
    };
    let whole = ids(&list(&app, &root, "limit=100").await.ok(200));
    let (mut query, mut found) = ("limit=2".to_owned(), Vec::new());
    loop {
        let page = list(&app, &root, &query).await.ok(200);
        found.extend(ids(&page));
        let Some(next) = page.body["data"]["next"].as_str() else { break };
        query = format!("limit=2&before={next}");
    }
    assert_eq!(found, whole);
}

#[tokio::test]
async fn a_record_shows_who_did_what_from_where() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    let body = json!({ "username": "root", "password": WRONG });
    let call =
        app.post("/v1/auth/login", &body).from("198.51.100.7").header("user-agent", "Tester/1.0");
    let request = call.refused(401, "INVALID_CREDENTIALS").await.header("x-request-id").to_owned();
    let found = list(&app, &root, "outcome=refused").await.ok(200);
    let record = &found.body["data"]["records"][0];
    let fields =
        "id at event outcome accountId sessionId actor ipAddress userAgent requestId detail count";
    assert_eq!(keys(record), fields);
    let expected = json!({
        "id": record["id"], "at": "2027-01-15T08:00:00.000Z", "event": "login", "outcome": "refused",
        "accountId": root.id, "sessionId": null, "actor": null, "ipAddress": "198.51.100.7", "userAgent": "Tester/1.0",
        "requestId": request, "detail": "wrong_password", "count": 1,
    });
    assert_eq!(record, &expected);
}

#[tokio::test]
async fn no_record_holds_a_secret() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    app.join("ada").await;
    let body = json!({ "email": "ada@example.com" });
    app.post("/v1/auth/forgot-password", &body).ok(200).await;
    let token = crate::support::token_in(&app.mails().await, "reset-password?token=");
    let found = list(&app, &root, "limit=100").await.ok(200);
    for secret in [
        token.as_str(),
        &root.refresh,
        &root.access,
        "argon2",
        "ada@example.com",
        crate::support::PASSWORD,
    ] {
        assert!(!found.text.contains(secret), "{secret}");
    }
}
