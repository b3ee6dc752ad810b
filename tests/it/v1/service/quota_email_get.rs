//! `GET /service/quota/{email}`: the upload quota of an address, for a service.

use serde_json::{Value, json};

use crate::support::app;
use crate::v1::fixture::{Operation, SERVICE, Trail, assert_services_only, delete, person};

const GET: Operation = Operation("GET", "/service/quota/{email}");

#[tokio::test]
async fn only_a_service_may_ask() {
    assert_services_only(GET, &["ada@example.com"], Value::Null).await;
}

#[tokio::test]
async fn the_address_has_its_rule() {
    let app = app().await;
    for email in ["ada", "@example.com", "a%00@example.com"] {
        let refused = GET.at(&app, &[email]).from(SERVICE).refused(400, "VALIDATION_ERROR").await;
        let row = &refused.body["error"]["details"][0];
        assert_eq!(
            (&row["field"], &row["code"]),
            (&json!("email"), &json!("INVALID_EMAIL_FORMAT")),
            "{email}"
        );
    }
}

#[tokio::test]
async fn an_address_without_an_account_or_with_a_deleted_one_is_not_found() {
    let app = app().await;
    let (root, ada) = (person(&app, "root", &["admin"]).await, person(&app, "ada", &[]).await);
    delete(&app, &root, &ada.id).await;
    for email in ["ada@example.com", "nobody@example.com"] {
        GET.at(&app, &[email]).from(SERVICE).refused(404, "USER_NOT_FOUND").await;
    }
}

#[tokio::test]
async fn the_address_is_compared_without_case_and_asking_leaves_no_record() {
    let app = app().await;
    person(&app, "ada", &[]).await;
    let mut trail = Trail::begin(&app).await;
    let quota = json!({ "filesUploaded": 0, "limit": 10, "remaining": 10, "percentage": 0 });
    for email in ["ada@example.com", "ADA@Example.com"] {
        let found = GET.at(&app, &[email]).from(SERVICE).ok(200).await;
        assert_eq!(found.body["data"]["quota"], quota, "{email}");
    }
    assert_eq!(trail.left().await, [""; 0]);
}
