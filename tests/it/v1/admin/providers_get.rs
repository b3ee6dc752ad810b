//! `GET /admin/providers`: the providers with their settings, without their secrets.

use serde_json::json;

use crate::support::{app, app_with};
use crate::v1::fixture::{Operation, keys, person};

const LIST: Operation = Operation("GET", "/admin/providers");
const CREATE: Operation = Operation("POST", "/admin/providers/{provider}");

#[tokio::test]
async fn a_provider_has_the_documented_fields_and_no_secret() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    let body = json!({ "clientId": "c-1", "clientSecret": "hush hush" });
    CREATE.at(&app, &["google"]).json(&body).bearer(&root).ok(201).await;
    let list = LIST.on(&app).bearer(&root).ok(200).await;
    let fields = "name origin inForce problem redirectAddress preset label issuer clientId hasKey \
                  tenant teamId keyId scopes redirectUris audiences provedBy trustedAcr keepTokens createdAt \
                  updatedAt";
    assert_eq!(keys(&list.body["data"][0]), fields);
    assert!(!list.text.contains("hush"), "{}", list.text);
}

#[tokio::test]
async fn that_of_the_configuration_is_used_and_the_other_says_so() {
    let set = [("providers.github.client_id", "c-1"), ("providers.github.client_secret", "s")];
    let app = app_with("standard", &set).await;
    let root = person(&app, "root", &["admin"]).await;
    let stored = "insert into providers values ('github', '{\"client_id\":\"c-2\"}', null, 1, 1)";
    assert_eq!(app.database().tamper(stored), 1);
    let list = LIST.on(&app).bearer(&root).ok(200).await;
    let row = |n: usize| {
        let row = &list.body["data"][n];
        (row["origin"].clone(), row["clientId"].clone(), row["inForce"].clone())
    };
    assert_eq!(row(0), (json!("configuration"), json!("c-1"), json!(true)));
    assert_eq!(row(1), (json!("database"), json!("c-2"), json!(false)));
    let problem = list.body["data"][1]["problem"].as_str().unwrap();
    assert!(problem.contains("configuration"), "{problem}");
    let offered = app.get("/v1/auth/providers").ok(200).await;
    assert_eq!(offered.body["data"].as_array().unwrap().len(), 1, "{}", offered.text);
}
