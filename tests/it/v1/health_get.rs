//! `GET /health`: the status of the service and its parts.

use serde_json::json;

use crate::support::{app, app_with};
use crate::v1::fixture::{MINUTE, Operation, Trail, keys};

const HEALTH: Operation = Operation("GET", "/health");

#[tokio::test]
async fn the_response_has_the_documented_fields_and_no_envelope() {
    let app = app().await;
    app.turn_clock(MINUTE);
    let mut trail = Trail::begin(&app).await;
    let health = HEALTH.on(&app).ok(200).await;
    assert_eq!(keys(&health.body), "status timestamp version uptime services");
    assert_eq!((&health.body["status"], &health.body["uptime"]), (&json!("OK"), &json!(60)));
    assert_eq!(health.body["timestamp"], "2027-01-15T08:01:00Z");
    assert_eq!(keys(&health.body["services"]), "database redis email");
    assert_eq!(trail.left().await, [""; 0]);
}

#[tokio::test]
async fn it_shows_nothing_of_the_configuration() {
    let app =
        app_with("standard", &[("mail.smtp_url", "smtp://user:hunter22@127.0.0.1:2525")]).await;
    let health = HEALTH.on(&app).send().await;
    for secret in ["hunter22", "127.0.0.1", "authd.db", "smtp"] {
        assert!(!health.text.contains(secret), "{secret} in {}", health.text);
    }
}

#[tokio::test]
async fn it_asks_for_no_token_and_no_limit_counts_it() {
    let rate = [
        ("limits.general.count", "1"),
        ("limits.general.window", "1h"),
        ("limits.general.shape", "window"),
    ];
    let app = app_with("standard", &rate).await;
    for _ in 0..3 {
        let health = HEALTH.on(&app).header("authorization", "Bearer a.b.c").ok(200).await;
        assert!(health.header("x-ratelimit-limit").is_empty());
    }
}
