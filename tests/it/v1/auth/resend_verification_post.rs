//! `POST /auth/resend-verification`: another link for an address that is not verified yet.

use serde_json::json;

use crate::support::{Answer, App, app};
use crate::v1::fixture::{Operation, Trail, assert_limit, limited, person, suspend};
use crate::v1::links::assert_takes_an_address;

const RESEND: Operation = Operation("POST", "/auth/resend-verification");

async fn resend(app: &App, name: &str) -> Answer {
    RESEND.on(app).json(&json!({ "email": format!("{name}@example.com") })).send().await
}

#[tokio::test]
async fn the_address_has_its_rule() {
    assert_takes_an_address(RESEND, &[]).await;
}

#[tokio::test]
async fn its_limit_counts_no_other_operation() {
    let app = limited("resend", &[]).await;
    let body = json!({ "email": "ada@example.com" });
    let call = async |from: &str| RESEND.on(&app).json(&body).from(from).send().await;
    let other = async || app.post("/v1/auth/forgot-password", &body).send().await;
    assert_limit(&app, "REGISTRATION_RATE_LIMIT_EXCEEDED", call, other).await;
}

#[tokio::test]
async fn only_an_unverified_account_gets_a_letter_and_the_response_does_not_say_so() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    app.join("verified").await;
    app.register("pending").await.ok(201);
    let suspended = app.register("suspended").await.ok(201);
    suspend(&app, &root, suspended.body["data"]["userId"].as_str().unwrap()).await;
    app.mails().await;
    let mut trail = Trail::begin(&app).await;
    for name in ["pending", "verified", "suspended", "unknown"] {
        let answer = resend(&app, name).await.ok(200);
        let message = "Verification email sent if the account exists and is not verified";
        assert_eq!(answer.body, json!({ "success": true, "message": message }), "{name}");
        assert_eq!(trail.left_by(None, None).await, ["verification_requested done"], "{name}");
        assert_eq!(app.mails().await.len(), usize::from(name == "pending"), "{name}");
    }
}
