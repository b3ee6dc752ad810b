//! What operations share that take the token of a mailed link, or an address to mail to.

use serde_json::{Value, json};

use super::fixture::{Operation, Trail, assert_limit, assert_rules, end, letters, limited, person};
use crate::support::{app, app_with};

/// Asserts that the token of a link is needed and has its rule, in a body with nothing else.
pub async fn assert_takes_a_link(operation: Operation) {
    let app = app().await;
    let mut trail = Trail::begin(&app).await;
    for body in [json!({}), json!({ "token": null }), json!({ "token": "" })] {
        operation.on(&app).json(&body).refused(400, "MISSING_TOKEN").await;
    }
    let call = async |body: &Value| operation.on(&app).json(body).send().await;
    let rules = [
        ("token", json!(7), "VALIDATION_ERROR"),
        ("token", json!("a\0b"), "VALIDATION_ERROR"),
        ("token", letters(513), "FIELD_TOO_LONG"),
    ];
    assert_rules(call, &json!({}), &rules).await;
    assert_eq!(trail.left().await, [""; 0]);
}

/// Asserts that using links is limited for this operation alone, and not for another of its kind.
pub async fn assert_link_limit(operation: Operation, other: &'static str) {
    let app = limited("verify_email", &[]).await;
    let body = json!({ "token": "unknown" });
    let call = async |from: &str| operation.on(&app).json(&body).from(from).send().await;
    let other = async || Operation("POST", other).on(&app).json(&body).send().await;
    assert_limit(&app, "AUTH_RATE_LIMIT_EXCEEDED", call, other).await;
}

/// Asserts that an address is needed and has its rule, in a body with nothing else.
pub async fn assert_takes_an_address(operation: Operation, set: &[(&str, &str)]) {
    let app = app_with("standard", set).await;
    let mut trail = Trail::begin(&app).await;
    let call = async |body: &Value| operation.on(&app).json(body).send().await;
    let rules = [
        ("email", json!(null), "REQUIRED_FIELD_MISSING"),
        ("email", json!(""), "REQUIRED_FIELD_MISSING"),
        ("email", json!(["ada@example.com"]), "VALIDATION_ERROR"),
        ("email", json!("ada@"), "INVALID_EMAIL_FORMAT"),
        ("email", json!(format!("{}@example.com", "a".repeat(250))), "FIELD_TOO_LONG"),
    ];
    assert_rules(call, &json!({}), &rules).await;
    assert_eq!((trail.left().await, app.mails().await.len()), (vec![], 0));
}

/// Asserts that every address gets this message and leaves this record, and that only one with an
/// active account gets a letter.
pub async fn assert_mails_live_accounts(
    operation: Operation,
    set: &[(&str, &str)],
    message: &str,
    record: &str,
) {
    let app = app_with("standard", set).await;
    let root = person(&app, "root", &["admin"]).await;
    app.join("active").await;
    for state in ["suspended", "deleted"] {
        let id = person(&app, state, &[]).await.id;
        end(&app, &root, &id, state).await;
    }
    app.mails().await;
    let mut trail = Trail::begin(&app).await;
    for name in ["active", "suspended", "deleted", "unknown"] {
        let body = json!({ "email": format!("{name}@example.com") });
        let answer = operation.on(&app).json(&body).ok(200).await;
        assert_eq!(answer.body, json!({ "success": true, "message": message }), "{name}");
        assert_eq!(trail.left_by(None, None).await, [record], "{name}");
        assert_eq!(app.mails().await.len(), usize::from(name == "active"), "{name}");
    }
}
