//! Password recovery with a mailed code, through v1's own three steps.

use serde_json::{Value, json};

use crate::admin::said;
use crate::support::{Answer, App, PASSWORD, app_with};

const NEW: &str = "another long passphrase";

async fn allowing() -> App {
    app_with("standard", &[("password.reset_by_code", "true")]).await
}

async fn step(app: &App, name: &str, body: &Value) -> Answer {
    app.post(&format!("/v1/auth/reset-code/{name}"), body).send().await
}

async fn mailed_code(app: &App) -> String {
    let mails = app.mails().await;
    let mut lines = mails.iter().flat_map(|mail| mail.text.lines());
    lines
        .find(|line| line.len() == 6 && line.bytes().all(|b| b.is_ascii_digit()))
        .expect("a code")
        .to_owned()
}

#[tokio::test]
async fn a_code_is_asked_for_looked_at_and_used_once() {
    let app = allowing().await;
    let tokens = app.enter("ada").await;
    let email = json!({ "email": "ada@example.com" });
    let asked = step(&app, "request", &email).await;
    assert_eq!(
        asked.body,
        json!({ "success": true, "message": "Password reset code sent if account exists" })
    );
    let code = mailed_code(&app).await;
    let shown = json!({ "email": "ADA@example.com", "code": code });
    for _ in 0..2 {
        assert_eq!(
            step(&app, "verify", &shown).await.body["message"],
            "Code verified successfully"
        );
    }
    let with = |password: &str| json!({ "email": "ada@example.com", "code": code, "newPassword": password });
    assert_eq!(said(&step(&app, "confirm", &with("short")).await), (400, "VALIDATION_ERROR"));
    let done = step(&app, "confirm", &with(NEW)).await;
    assert_eq!(
        done.body,
        json!({ "success": true, "message": "Password reset successfully" }),
        "{}",
        done.text
    );
    assert_eq!(said(&step(&app, "confirm", &with(PASSWORD)).await), (400, "INVALID_CODE"));
    assert_eq!(app.get("/v1/users/me").bearer(&tokens.access).send().await.code(), "TOKEN_REVOKED");
    assert_eq!(app.login("ada", PASSWORD).await.status, 401);
    assert_eq!(app.login("ada", NEW).await.status, 200);
}

#[tokio::test]
async fn an_unknown_address_is_answered_like_a_known_one() {
    let app = allowing().await;
    app.join("ada").await;
    for (name, more) in [
        ("request", json!({})),
        ("verify", json!({ "code": "000000" })),
        ("confirm", json!({ "code": "000000", "newPassword": NEW })),
    ] {
        let mut answers = Vec::new();
        for email in ["ada@example.com", "eve@example.com"] {
            let mut body = more.clone();
            body["email"] = email.into();
            let mut answer = step(&app, name, &body).await;
            for field in ["timestamp", "requestId"] {
                answer.body.as_object_mut().unwrap().remove(field);
            }
            answers.push((answer.status, answer.body));
        }
        assert_eq!(answers[0], answers[1], "{name}");
    }
    assert_eq!(app.mails().await.iter().filter(|mail| mail.to.contains("eve")).count(), 0);
}

#[tokio::test]
async fn where_the_policy_does_not_allow_it_there_is_no_such_call() {
    for profile in ["standard", "perfect21", "siteworks", "jobpath", "jobpsych"] {
        let app = app_with(profile, &[("tokens.algorithm", "ES256")]).await;
        for (name, more) in [
            ("request", json!({})),
            ("verify", json!({ "code": "000000" })),
            ("confirm", json!({ "code": "000000", "newPassword": NEW })),
        ] {
            let mut body = more;
            body["email"] = "ada@example.com".into();
            assert_eq!(step(&app, name, &body).await.status, 404, "{profile}: {name}");
        }
        assert!(app.mails().await.is_empty());
    }
}
