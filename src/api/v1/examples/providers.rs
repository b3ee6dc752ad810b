//! Logins with providers, and connected accounts.

use serde_json::{Value, json};

use super::{EMAIL, ID, done, login_answer};
use crate::error::Kind;
use crate::http::docs::openapi::Described;

const FLOW: &str = "AX3kq80x...";
const TOKEN: &str = "AWb2o4Vt...";
const PAGE: &str = "https://app.example.com/callback";

pub(super) fn operations() -> Vec<Described> {
    let log_in = [
        Kind::ProviderRejected,
        Kind::ProviderStepRequired,
        Kind::NotFound,
        Kind::EmailUnverified,
        Kind::AccountSuspended,
        Kind::AccountDeleted,
        Kind::Conflict,
    ];
    let complete = [&log_in[..], &[Kind::CodeInvalid]].concat();
    let link = [
        Kind::ProviderRejected,
        Kind::AlreadyExists,
        Kind::Forbidden,
        Kind::ReauthenticationRequired,
        Kind::NotFound,
        Kind::Conflict,
    ];
    let remove =
        [Kind::ReauthenticationRequired, Kind::NotFound, Kind::Conflict, Kind::LastLoginMethod];
    let token = [
        Kind::ReauthenticationRequired,
        Kind::Forbidden,
        Kind::NotFound,
        Kind::Conflict,
        Kind::ProviderLoginRequired,
    ];
    let begin = [Kind::ProviderRejected, Kind::NotFound];
    let begin_identity = [&begin[..], &[Kind::Forbidden, Kind::ReauthenticationRequired]].concat();
    let sent = json!({ "success": true, "data": {
        "providerToken": TOKEN, "email": EMAIL, "expiresIn": 1200,
    } });
    vec![
        Described::new(
            "listProviders",
            &[],
            json!({ "success": true, "data": [
                { "name": "google", "label": "Google", "preset": "google" },
            ] }),
        ),
        Described::new("beginProviderLogin", &begin, begun())
            .taking("page", json!({ "redirectUri": PAGE, "rememberMe": true })),
        Described::new("completeProviderLogin", &log_in, login_answer()).taking("answer", answer()),
        Described::new("providerTokenLogin", &log_in, login_answer())
            .taking("token", json!({ "idToken": "eyJhbGciOi...", "nonce": "n-0S6_WzA2Mj" })),
        Described::new("requestProviderCode", &[Kind::ProviderRejected, Kind::NotFound], sent)
            .taking("token", json!({ "providerToken": TOKEN, "email": EMAIL })),
        Described::new("completeProviderStep", &complete, login_answer())
            .taking("code", json!({ "providerToken": TOKEN, "code": "BCDFG-HJKLM" })),
        Described::new("listIdentities", &[], json!({ "success": true, "data": [identity()] })),
        Described::new("beginIdentity", &begin_identity, begun())
            .taking("provider", json!({ "provider": "google", "redirectUri": PAGE })),
        Described::new("linkIdentity", &link, json!({ "success": true, "data": identity() }))
            .taking("answer", json!({ "callback": answer() })),
        Described::new("unlinkIdentity", &remove, done("Account disconnected")),
        Described::new("getProviderToken", &token, provider_token()),
    ]
}

fn begun() -> Value {
    json!({ "success": true, "data": {
        "authorizationUrl": "https://accounts.google.com/o/oauth2/v2/auth?...",
        "flow": FLOW, "expiresIn": 600,
    } })
}

fn answer() -> Value {
    json!({ "flow": FLOW, "code": "SplxlOBe...", "state": "af0ifjsl..." })
}

fn provider_token() -> Value {
    json!({ "success": true, "data": {
        "accessToken": "ya29.a0Af...", "expiresAt": "2023-12-01T11:30:00Z",
        "scope": "openid email profile",
    } })
}

fn identity() -> Value {
    json!({
        "id": ID, "provider": "google", "issuer": "https://accounts.google.com", "subject": "1137", "email": EMAIL, "name": "John Doe",
        "createdAt": "2023-12-01T10:30:00Z", "lastUsed": null,
    })
}
