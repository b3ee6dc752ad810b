//! `GET /admin/mail`: the messages of the outbox, without their content.

use serde_json::json;

use crate::support::{Answer, App, app, token_in};
use crate::v1::fixture::{Operation, Person, keys, person};

const LIST: Operation = Operation("GET", "/admin/mail");

async fn list(app: &App, root: &Person, query: &str) -> Answer {
    LIST.query(app, query).bearer(root).send().await
}

fn kinds(answer: &Answer) -> String {
    let letters = answer.body["data"]["letters"].as_array().unwrap().iter();
    letters.map(|letter| letter["kind"].as_str().unwrap()).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn each_parameter_has_its_rule() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    for (query, code) in [
        ("limit=0", "FIELD_TOO_SHORT"),
        ("limit=101", "FIELD_TOO_LONG"),
        ("state=lost", "VALIDATION_ERROR"),
    ] {
        let refused = list(&app, &root, query).await.refused(400, "VALIDATION_ERROR");
        let (field, row) = (query.split_once('=').unwrap().0, &refused.body["error"]["details"][0]);
        assert_eq!((&row["field"], &row["code"]), (&json!(field), &json!(code)), "{query}");
    }
}

#[tokio::test]
async fn a_message_has_the_documented_fields_and_neither_link_nor_text() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    app.register("ada").await.ok(201);
    let waiting = list(&app, &root, "").await.ok(200);
    let token = token_in(&app.mails().await, "verify-email?token=");
    let delivered = list(&app, &root, "state=delivered").await.ok(200);
    let fields = "id kind accountId recipient state attempts nextAt lastError createdAt finishedAt";
    for answer in [&waiting, &delivered] {
        assert_eq!(keys(&answer.body["data"]), "letters next");
        assert_eq!(keys(&answer.body["data"]["letters"][0]), fields);
        assert!(!answer.text.contains(&token) && !answer.text.contains("http"), "{}", answer.text);
    }
}

#[tokio::test]
async fn the_newest_come_first_by_state_and_page_by_page() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    app.register("ada").await.ok(201);
    app.mails().await;
    app.post("/v1/auth/forgot-password", &json!({ "email": "ada@example.com" })).ok(200).await;
    assert_eq!(kinds(&list(&app, &root, "").await.ok(200)), "reset verify_email");
    assert_eq!(kinds(&list(&app, &root, "state=requested").await.ok(200)), "reset");
    assert_eq!(kinds(&list(&app, &root, "state=failed").await.ok(200)), "");
    let first = list(&app, &root, "limit=1").await.ok(200);
    let next = first.body["data"]["next"].as_str().unwrap();
    let second = list(&app, &root, &format!("limit=1&before={next}")).await.ok(200);
    assert_eq!(kinds(&second), "verify_email");
    assert_eq!(second.body["data"]["next"], json!(null));
}

#[tokio::test]
async fn the_messages_of_one_account_are_its_own() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    app.register("ada").await.ok(201);
    app.register("bob").await.ok(201);
    app.mails().await;
    let all = list(&app, &root, "").await.ok(200);
    let letters = all.body["data"]["letters"].as_array().unwrap();
    let bob = letters.iter().find(|letter| letter["recipient"] == "bob@example.com").unwrap();
    let query = format!("userId={}", bob["accountId"].as_str().unwrap());
    let own = list(&app, &root, &query).await.ok(200);
    assert_eq!(own.body["data"]["letters"], json!([bob]));
    assert_eq!(kinds(&list(&app, &root, &format!("{query}&state=failed")).await.ok(200)), "");
    assert_eq!(kinds(&list(&app, &root, "userId=nobody").await.ok(200)), "");
}
