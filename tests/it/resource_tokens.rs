//! Access tokens for another party's resource (RFC 9068): signed by this instance, and refused by
//! every wire of it.

use authd::token::{Audience, Grant};
use poem::http::Method;
use serde_json::json;

use crate::support::{App, app_with};

/// A profile, a call that needs an access token, and where its refusal shows which code.
const CALLS: [(&str, &str, &str, &str); 7] = [
    ("standard", "/v1/users/me", "/error/code", "INVALID_TOKEN"),
    ("perfect21", "/api/v1/users/me", "/error/code", "INVALID_TOKEN"),
    ("authbackend", "/v1/users/me", "/error/code", "INVALID_TOKEN"),
    ("authbackend", "/api/auth/sessions", "/code", "TOKEN_ERROR"),
    ("jobpsych", "/api/auth/profile", "/error", "TOKEN_VERIFICATION_FAILED"),
    ("siteworks", "/api/auth/profile", "/code", "INVALID_TOKEN"),
    ("jobpath", "/auth/me", "/error", "invalid_token"),
];

/// The resource that authd itself could be called by.
const AUDIENCES: [&str; 2] = ["https://files.example.org", "https://id.example.com"];

/// A token of the same session, for another audience.
fn for_resource(app: &App, access: &str, resource: &str) -> String {
    let first_party = app.core.tokens.verify(access).unwrap();
    let grant = Grant {
        account: first_party.account,
        session: first_party.session,
        session_ends: None,
        audience: Audience::Resource(resource.to_owned()),
        scope: Some("files.read".to_owned()),
        claims: Vec::new(),
    };
    app.core.tokens.sign(&grant).unwrap().token
}

#[tokio::test]
async fn every_wire_refuses_a_token_for_another_partys_resource() {
    for (profile, path, place, code) in CALLS {
        let app = app_with(profile, &[("login.otp", "off")]).await;
        let access = app.enter("ada").await.access;
        let mine = app.call(Method::GET, path).bearer(&access).send().await;
        assert_eq!(mine.status, 200, "{profile} {path}: {}", mine.body);
        for audience in AUDIENCES {
            let token = for_resource(&app, &access, audience);
            let refused = app.call(Method::GET, path).bearer(&token).send().await;
            assert_eq!(refused.status, 401, "{profile} {path}: {}", refused.body);
            assert_eq!(refused.body.pointer(place), Some(&json!(code)), "{}", refused.body);
        }
        let mine = app.call(Method::GET, path).bearer(&access).send().await;
        assert_eq!(mine.status, 200, "the session is unhurt");
    }
}

#[tokio::test]
async fn a_token_for_the_configured_audience_is_refused_by_its_type_alone() {
    let audience = "https://id.example.com";
    let app = app_with("standard", &[("tokens.audience", audience)]).await;
    let access = app.enter("ada").await.access;
    let token = for_resource(&app, &access, audience);
    let refused = app.get("/v1/users/me").bearer(&token).send().await;
    assert_eq!((refused.status.as_u16(), refused.code()), (401, "INVALID_TOKEN"));
}

#[tokio::test]
async fn introspection_calls_a_token_for_another_resource_inactive() {
    let app = app_with("standard", &[]).await;
    let access = app.enter("ada").await.access;
    let token = for_resource(&app, &access, AUDIENCES[0]);
    assert!(app.core.tokens.verify(&token).is_err());
    assert!(app.core.tokens.verify(&access).is_ok());
}
