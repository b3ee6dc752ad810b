//! `POST /service/quota/count`: one upload more, for a service.

use serde_json::{Value, json};

use crate::support::{Answer, App, app, app_with};
use crate::v1::fixture::{
    Operation, SERVICE, Trail, assert_rules, assert_services_only, delete, person,
};

const COUNT: Operation = Operation("POST", "/service/quota/count");

async fn count(app: &App, name: &str) -> Answer {
    COUNT
        .on(app)
        .json(&json!({ "email": format!("{name}@example.com") }))
        .from(SERVICE)
        .send()
        .await
}

#[tokio::test]
async fn only_a_service_may_count() {
    assert_services_only(COUNT, &[], json!({ "email": "ada@example.com" })).await;
}

#[tokio::test]
async fn the_field_has_its_rule() {
    let app = app().await;
    let call = async |body: &Value| COUNT.on(&app).json(body).from(SERVICE).send().await;
    let rules = [
        ("email", json!(null), "REQUIRED_FIELD_MISSING"),
        ("email", json!(7), "VALIDATION_ERROR"),
        ("email", json!("ada"), "INVALID_EMAIL_FORMAT"),
    ];
    assert_rules(call, &json!({}), &rules).await;
}

#[tokio::test]
async fn an_address_without_an_account_or_with_a_deleted_one_is_not_found() {
    let app = app().await;
    let (root, ada) = (person(&app, "root", &["admin"]).await, person(&app, "ada", &[]).await);
    delete(&app, &root, &ada.id).await;
    for name in ["ada", "nobody"] {
        count(&app, name).await.refused(404, "USER_NOT_FOUND");
    }
}

#[tokio::test]
async fn an_upload_beyond_the_limit_is_not_counted() {
    let app = app_with("standard", &[("files.limit", "2")]).await;
    let ada = person(&app, "ada", &[]).await;
    let mut trail = Trail::begin(&app).await;
    for left in [1, 0] {
        let counted = count(&app, "ada").await.ok(200);
        assert_eq!(
            (&counted.body["message"], &counted.body["data"]["quota"]["remaining"]),
            (&json!("Upload counted"), &json!(left))
        );
    }
    assert_eq!(trail.left_by(Some("network"), Some(&ada.id)).await, ["upload_counted done"; 2]);
    count(&app, "ada").await.refused(429, "UPLOAD_LIMIT_REACHED");
    assert_eq!(trail.left().await, [""; 0]);
    let quota = app.get("/v1/users/me/quota").bearer(&ada).ok(200).await;
    assert_eq!(quota.body["data"]["filesUploaded"], 2);
}
