//! `GET /admin/settings`: the configuration in force.

use serde_json::{Value, json};

use crate::support::app_with;
use crate::v1::fixture::{Operation, keys, person};

const SETTINGS: Operation = Operation("GET", "/admin/settings");

#[tokio::test]
async fn each_value_has_its_origin_and_no_secret_is_shown() {
    let secret = "canary-0123456789-0123456789-0123456789";
    let set = [
        ("tokens.algorithm", "HS256"),
        ("tokens.secret", secret),
        ("mail.smtp_url", "smtp://me:canary-password@127.0.0.1:2525"),
        ("sessions.max", "7"),
    ];
    let app = app_with("standard", &set).await;
    let root = person(&app, "root", &["admin"]).await;
    let found = SETTINGS.on(&app).bearer(&root).ok(200).await;
    assert!(!found.text.contains("canary"), "{}", found.text);
    let data = &found.body["data"];
    assert_eq!(keys(data), "settings findings");
    let of = |key: &str| -> Value {
        let all = data["settings"].as_array().unwrap();
        all.iter().find(|one| one["key"] == key).unwrap_or_else(|| panic!("no {key}")).clone()
    };
    assert_eq!(
        of("sessions.max"),
        json!({
            "key": "sessions.max",
            "value": "7",
            "origin": "flag --set sessions.max",
            "about": "How many sessions an account may have.",
            "allowed": "an integer from 1 to 10000",
        })
    );
    assert_eq!(of("tokens.secret")["value"], "***");
    assert_eq!(of("mail.smtp_url")["value"], "smtp://***@127.0.0.1:2525");
    assert_eq!(of("tokens.audience")["value"], json!(null));
    assert_eq!(of("limits.sign_in.count")["about"], "Logins.");
    let findings = data["findings"].as_array().unwrap();
    let public = findings.iter().find(|one| one["key"] == "server.public_url").unwrap();
    assert_eq!(public["level"], "error", "{public}");
}
