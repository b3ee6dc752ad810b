//! Access tokens for another party's resource (RFC 9068): signed by this instance, and refused by
//! every wire of it.

use authd::token::{Audience, Grant};
use poem::http::Method;
use serde_json::{Value, json};

use crate::support::{App, PASSWORD, app_with, registration, token_in};

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

/// A first-party token. Where the profile asks for them, through an API client and a mailed code.
async fn access_token(app: &App) -> String {
    let (id, key) = app.api_client("web", "client").await;
    let post = async |path: &str, body: &Value, bearer: &str| {
        let call = app.post(path, body).header("x-app-id", &id).header("x-service-key", &key);
        if bearer.is_empty() { call.send().await } else { call.bearer(bearer).send().await }
    };
    assert_eq!(post("/v1/auth/register", &registration("ada"), "").await.status, 201);
    if let Some(mail) = app.mails().await.iter().find(|mail| mail.text.contains("verify-email?")) {
        let token = token_in(std::slice::from_ref(mail), "verify-email?token=");
        post("/v1/auth/verify-email", &json!({ "token": token }), "").await;
    }
    let credentials = json!({ "email": "ada@example.com", "password": PASSWORD });
    let login = post("/v1/auth/login", &credentials, "").await;
    if login.status == 200 {
        return login.tokens().access;
    }
    let challenge = login.body["error"]["mfaToken"].as_str().unwrap().to_owned();
    let mail = app.mails().await.pop().unwrap().text;
    let is_code = |word: &&str| word.len() == 6 && word.bytes().all(|b| b.is_ascii_digit());
    let code = json!({ "code": mail.split_whitespace().find(is_code).unwrap() });
    post("/v1/auth/mfa/verify", &code, &challenge).await.tokens().access
}

#[tokio::test]
async fn every_wire_refuses_a_token_for_another_partys_resource() {
    for (profile, path, place, code) in CALLS {
        let app = app_with(profile, &[]).await;
        let access = access_token(&app).await;
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
async fn introspection_calls_such_a_token_inactive() {
    let app = app_with("standard", &[]).await;
    let access = app.enter("ada").await.access;
    let (_, key) = app.api_client("files", "service").await;
    for (token, active) in
        [(access.clone(), true), (for_resource(&app, &access, AUDIENCES[0]), false)]
    {
        let asked = app.post("/v1/service/introspect", &json!({ "token": token }));
        let answer = asked.header("x-service-key", &key).send().await;
        assert_eq!(answer.body["data"]["active"], active, "{}", answer.body);
    }
}
