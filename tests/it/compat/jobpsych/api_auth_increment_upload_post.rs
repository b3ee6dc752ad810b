//! `POST /api/auth/increment-upload`: counts an upload, for a second service.

use serde_json::{Value, json};

use crate::compat::{EMAIL, LOOPBACK, WireApp, WireCall};

use super::{code, is_for_services_alone, jobpsych, jobpsych_with};

const PATH: &str = "/api/auth/increment-upload";

fn increment<'a>(wire: &'a WireApp, email: &str) -> WireCall<'a> {
    wire.post(PATH).json(&json!({ "email": email })).from(LOOPBACK)
}

#[tokio::test]
async fn it_is_for_services_alone() {
    let wire = jobpsych().await;
    is_for_services_alone(&wire, &|| wire.post(PATH).json(&json!({ "email": EMAIL }))).await;
}

#[tokio::test]
async fn its_field_is_checked_by_its_rule() {
    let wire = jobpsych().await;
    let bad = [
        ("email", Value::Null, "Email is required"),
        ("email", json!(""), "Email is required"),
        ("email", json!(7), "Email must be a string"),
        ("email", json!("rubbish"), "Email must be a valid email address"),
    ];
    wire.refuses_fields(&|| wire.post(PATH).from(LOOPBACK), &json!({ "email": EMAIL }), &bad).await;
}

#[tokio::test]
async fn an_unknown_or_deleted_account_is_a_404_with_a_count_of_zero() {
    let wire = jobpsych().await;
    wire.join(EMAIL).await;
    wire.remove(EMAIL).await;
    for email in [EMAIL, "nobody@example.com"] {
        let (answer, recorded) = wire.recorded(increment(&wire, email)).await;
        assert_eq!(wire.refusal(&answer), (404, "USER_NOT_FOUND", "User not found"));
        assert_eq!(answer.body["filesUploaded"], 0);
        assert!(recorded.is_empty(), "{recorded:?}");
    }
}

#[tokio::test]
async fn an_upload_beyond_the_limit_is_refused_and_not_counted() {
    let wire = jobpsych_with(&[("files.limit", "2")]).await;
    wire.join(EMAIL).await;
    for (count, remaining) in [(1, 1), (2, 0)] {
        let (answer, recorded) = wire.recorded(increment(&wire, EMAIL)).await;
        let figures = (&answer.body["filesUploaded"], &answer.body["remaining"]);
        assert_eq!(figures, (&json!(count), &json!(remaining)));
        assert_eq!(recorded, ["upload_counted done"]);
    }
    let (answer, recorded) = wire.recorded(increment(&wire, EMAIL)).await;
    assert_eq!(code(&wire, &answer), (429, "UPLOAD_LIMIT_REACHED"));
    assert!(recorded.is_empty(), "{recorded:?}");
    let asked = wire.get("/api/auth/user-uploads/user@example.com").from(LOOPBACK).send().await;
    assert_eq!(asked.body["filesUploaded"], 2);
}

#[tokio::test]
async fn each_account_has_its_own_quota() {
    let wire = jobpsych_with(&[("files.limit", "1")]).await;
    for email in [EMAIL, "other@example.com"] {
        wire.join(email).await;
        assert_eq!(increment(&wire, email).send().await.status, 200);
        assert_eq!(increment(&wire, email).send().await.status, 429);
    }
}
