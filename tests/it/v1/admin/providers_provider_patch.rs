//! `PATCH /admin/providers/{provider}`: other settings, in force at the next request.

use serde_json::json;

use crate::support::app_with;
use crate::v1::fixture::{Operation, Trail, person};

const CHANGE: Operation = Operation("PATCH", "/admin/providers/{provider}");

#[tokio::test]
async fn what_is_absent_stays_what_is_null_is_taken_away_and_it_is_recorded() {
    let app = app_with("standard", &[("providers.github.client_id", "c-1")]).await;
    let root = person(&app, "root", &["admin"]).await;
    let body =
        json!({ "clientId": "c-1", "clientSecret": "hush", "label": "Search", "scopes": ["a"] });
    app.post("/v1/admin/providers/google", &body).bearer(&root).ok(201).await;
    let mut trail = Trail::begin(&app).await;
    let body = json!({ "label": null, "redirectUris": ["https://app.example.com/back"] });
    let changed = CHANGE.at(&app, &["google"]).json(&body).bearer(&root).ok(200).await;
    let data = &changed.body["data"];
    assert_eq!((&data["label"], &data["clientId"]), (&json!("Google"), &json!("c-1")));
    assert_eq!((&data["hasKey"], &data["scopes"]), (&json!(true), &json!(["a"])));
    let records = trail.left_by(Some(&root.id), None).await;
    assert_eq!(records, ["provider_changed done google"]);
    let offered = app.get("/v1/auth/providers").ok(200).await;
    assert_eq!(offered.body["data"][1]["label"], "Google", "{}", offered.text);

    let bad = json!({ "clientId": null });
    CHANGE.at(&app, &["google"]).json(&bad).bearer(&root).refused(400, "VALIDATION_ERROR").await;
    let public = json!({ "clientSecret": null });
    let changed = CHANGE.at(&app, &["google"]).json(&public).bearer(&root).ok(200).await;
    assert_eq!(changed.body["data"]["hasKey"], false);
    CHANGE.at(&app, &["acme"]).json(&public).bearer(&root).refused(404, "NOT_FOUND").await;
    // The configuration is changed in the configuration.
    CHANGE.at(&app, &["github"]).json(&public).bearer(&root).refused(409, "CONFLICT").await;
}

/// Who changes the address need not know the secret, and could read it there.
#[tokio::test]
async fn a_stored_secret_is_not_sent_to_another_issuer() {
    let app = app_with("standard", &[]).await;
    let root = person(&app, "root", &["admin"]).await;
    let body =
        json!({ "clientId": "c-1", "clientSecret": "hush", "issuer": "https://id.example.com" });
    app.post("/v1/admin/providers/acme", &body).bearer(&root).ok(201).await;
    let elsewhere = json!({ "issuer": "https://evil.example" });
    let change = CHANGE.at(&app, &["acme"]).json(&elsewhere);
    change.bearer(&root).refused(400, "VALIDATION_ERROR").await;
    let shown = app.get("/v1/admin/providers/acme").bearer(&root).ok(200).await;
    assert_eq!(shown.body["data"]["issuer"], "https://id.example.com");
    for key in [json!("another"), json!("another"), json!(null)] {
        let issuer = format!("https://{}.example", if key.is_null() { "open" } else { "id" });
        let body = json!({ "issuer": issuer, "clientSecret": key });
        CHANGE.at(&app, &["acme"]).json(&body).bearer(&root).ok(200).await;
    }
}

/// As after the master key was replaced.
#[tokio::test]
async fn a_secret_that_no_key_opens_takes_the_provider_out_until_it_is_set_again() {
    let app = app_with("standard", &[]).await;
    let root = person(&app, "root", &["admin"]).await;
    let body = json!({ "clientId": "c-1", "clientSecret": "hush" });
    app.post("/v1/admin/providers/google", &body).bearer(&root).ok(201).await;
    assert_eq!(app.database().tamper("update providers set sealed = x'0102'"), 1);
    let offered = async || app.get("/v1/auth/providers").ok(200).await.body["data"].clone();
    assert_eq!(offered().await, json!([]), "it is no public client");
    let shown = app.get("/v1/admin/providers/google").bearer(&root).ok(200).await;
    let problem = shown.body["data"]["problem"].as_str().unwrap();
    assert!(problem.contains("master key"), "{problem}");
    // Another change does not drop it: it may be opened again, with the key that sealed it.
    let label = CHANGE.at(&app, &["google"]).json(&json!({ "label": "Search" })).bearer(&root);
    let refused = label.refused(400, "VALIDATION_ERROR").await;
    assert!(refused.text.contains("restore that key"), "{}", refused.text);
    let kept = "select count(*) from providers where sealed = x'0102'";
    assert_eq!(app.database().number(kept), 1);
    let again = json!({ "clientSecret": "hush" });
    CHANGE.at(&app, &["google"]).json(&again).bearer(&root).ok(200).await;
    assert_eq!(offered().await[0]["name"], "google");
    assert_eq!(app.database().tamper("update providers set sealed = x'0102'"), 1);
    let none = json!({ "clientSecret": null });
    let public = CHANGE.at(&app, &["google"]).json(&none).bearer(&root).ok(200).await;
    assert_eq!(public.body["data"]["hasKey"], false);
}
