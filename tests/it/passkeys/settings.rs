//! The domain that keys are bound to, related origins, and passkeys that are off.

use authd::env::Env;
use authd::store::ProcessRole;
use serde_json::json;

use super::{add, log_in, login_options, outcome, server, with_passkey};
use crate::authenticator::Device;
use crate::support::{PASSWORD, UNLIMITED, app_with, config};

fn at(
    url: &'static str,
    more: &[(&'static str, &'static str)],
) -> Vec<(&'static str, &'static str)> {
    let own = [("server.public_url", url), ("server.trusted_proxies", "")];
    [&UNLIMITED[..], &own, more].concat()
}

#[tokio::test]
async fn the_first_key_fixes_the_domain() {
    let app = app_with("standard", &at("https://auth.example.com", &[])).await;
    let tokens = app.enter("ada").await;
    let mut device = Device { origin: "https://auth.example.com".to_owned(), ..Device::new() };
    add(&app, &tokens, &mut device, "passkey").await;
    // The server moves to another domain: the keys stay bound to theirs.
    let moved =
        at("https://login.example.net", &[("webauthn.origins", "https://login.example.net")]);
    let app = app.restart("standard", &moved).await;
    assert_eq!(login_options(&app).await["rpId"], "auth.example.com");
    device.origin = "https://login.example.net".to_owned();
    assert_eq!(log_in(&app, &mut device).await.status, 200);
    device.origin = "https://auth.example.com".to_owned();
    assert_eq!(outcome(&log_in(&app, &mut device).await), (401, "INVALID_PASSKEY"));
    // Another domain in the configuration is refused at start.
    let dir = app.dir.clone();
    drop(app);
    let wrong = at("https://login.example.net", &[("webauthn.rp_id", "example.net")]);
    let config = std::sync::Arc::new(config("standard", &wrong, dir.path()));
    let opened = loop {
        match authd::app::open(config.clone(), None, ProcessRole::Server, Env::real()).await {
            Err(error) if error.message().starts_with("another authd") => {
                tokio::task::yield_now().await;
            }
            opened => break opened,
        }
    };
    let refusal = opened.err().expect("refused").message().to_owned();
    assert!(refusal.contains("bound to auth.example.com"), "{refusal}");
}

#[tokio::test]
async fn related_origins_are_published_and_can_log_in() {
    let set = at(
        "https://auth.example.com",
        &[("webauthn.rp_id", "example.com"), ("webauthn.origins", "https://app.example.net")],
    );
    let app = app_with("standard", &set).await;
    let published = app.get("/.well-known/webauthn").ok(200).await;
    let expected = json!(["https://auth.example.com", "https://app.example.net"]);
    assert_eq!(published.body["origins"], expected);
    let tokens = app.enter("ada").await;
    let mut device = Device { origin: "https://app.example.net".to_owned(), ..Device::new() };
    add(&app, &tokens, &mut device, "passkey").await;
    assert_eq!(log_in(&app, &mut device).await.status, 200);
    device.origin = "https://other.example.com".to_owned();
    assert_eq!(outcome(&log_in(&app, &mut device).await), (401, "INVALID_PASSKEY"));
}

#[tokio::test]
async fn passkeys_can_be_off_and_security_keys_still_guard() {
    let app = server().await;
    let (tokens, mut device) = with_passkey(&app, "ada").await;
    let mut key = Device::security_key();
    add(&app, &tokens, &mut key, "security_key").await;
    let off = [&UNLIMITED[..], &[("webauthn.enabled", "false")]].concat();
    let app = app.restart("standard", &off).await;
    let options = app.call(poem::http::Method::POST, "/v1/auth/passkey/options").send().await;
    assert_eq!(outcome(&options), (403, "INSUFFICIENT_PERMISSIONS"));
    let made_up = json!({ "challenge": "AA", "rpId": "localhost", "allowCredentials": [] });
    let body = json!({ "credential": device.get(&made_up).unwrap() });
    let login = app.post("/v1/auth/passkey", &body).send().await;
    assert_eq!(outcome(&login), (403, "INSUFFICIENT_PERMISSIONS"));
    let token = crate::factors::waiting(&app.login("ada", PASSWORD).await);
    let asked = app.call(poem::http::Method::POST, "/v1/auth/mfa/passkey/options").bearer(&token);
    let credential = key.get(&super::options(&asked.send().await)).unwrap();
    let body = json!({ "credential": credential });
    app.post("/v1/auth/mfa/passkey", &body).bearer(&token).ok(200).await;
}
