//! Calls of other services: authorized by network or by key, through v1 and the wires that have
//! such calls.

use std::fmt::Write as _;

use authd::identity::By;
use authd::identity::access::api_client as apps;
use authd::model::app::ApiClientKind;
use poem::http::Method;
use serde_json::{Value, json};

use crate::admin::said;
use crate::support::{Answer, App, PASSWORD, app, app_with};

const SECRET: &str = "6f1c0f7d5a8e4b2c9d3e7a1b5c8f0d2e4a6b8c0d2e4f6a8b0c2d4e6f8a0b2c4d";
/// A caller from `server.service_networks`: the local host.
const HOME: &str = "127.0.0.1";

async fn key(app: &App, kind: ApiClientKind) -> String {
    let (_, key) = apps::create(&app.core, &By::command_line(), "an app", kind).await.unwrap();
    key.reveal().to_owned()
}

async fn call(
    app: &App,
    (method, path, body): &(Method, &str, Value),
    key: Option<&str>,
) -> Answer {
    let call = app.call(method.clone(), path);
    let call = if body.is_null() { call } else { call.json(body) };
    match key {
        Some(key) => call.header("x-service-key", key).send().await,
        None => call.send().await,
    }
}

#[tokio::test]
async fn a_service_s_key_opens_its_calls_and_a_client_s_opens_none() {
    let app = app_with("jobpsych", &[("tokens.secret", SECRET)]).await;
    let person = json!({ "name": "Ada", "email": "ada@example.com", "password": PASSWORD, "company_name": "A" });
    let entered = app.post("/api/auth/register", &person).send().await;
    let token = json!({ "token": entered.body["accessToken"] });
    let (service, client) =
        (key(&app, ApiClientKind::Service).await, key(&app, ApiClientKind::Client).await);
    let calls = [
        (Method::GET, "/api/auth/user-uploads/ada@example.com", Value::Null),
        (Method::POST, "/api/auth/increment-upload", json!({ "email": "ada@example.com" })),
        (Method::GET, "/api/auth/jwt-info", Value::Null),
        (Method::GET, "/v1/service/quota/ada@example.com", Value::Null),
        (Method::POST, "/v1/service/quota/count", json!({ "email": "ada@example.com" })),
        (Method::GET, "/v1/service/jwt-info", Value::Null),
        (Method::POST, "/v1/service/introspect", token),
    ];
    for one in &calls {
        for refused in [None, Some(client.as_str()), Some("guessed")] {
            assert_eq!(call(&app, one, refused).await.status, 403, "{} {refused:?}", one.1);
        }
        let opened = call(&app, one, Some(&service)).await;
        assert_eq!(
            (opened.status.as_u16(), &opened.body["success"]),
            (200, &json!(true)),
            "{}",
            opened.text
        );
    }
    let quota = call(&app, &calls[3], Some(&service)).await;
    let figures = json!({ "filesUploaded": 2, "limit": 10, "remaining": 8, "percentage": 20 });
    assert_eq!(
        quota.body["data"],
        json!({ "email": "ada@example.com", "quota": figures }),
        "one quota on both wires"
    );
    for (path, status, code) in
        [("no@example.com", 404, "USER_NOT_FOUND"), ("rubbish", 400, "VALIDATION_ERROR")]
    {
        let answer = app.get(&format!("/v1/service/quota/{path}")).from(HOME).send().await;
        assert_eq!(said(&answer), (status, code), "{path}");
    }
    for _ in 2..10 {
        assert_eq!(call(&app, &calls[4], Some(&service)).await.status, 200);
    }
    assert_eq!(said(&call(&app, &calls[4], Some(&service)).await), (429, "UPLOAD_LIMIT_REACHED"));
}

#[tokio::test]
async fn a_token_is_described_to_its_holder_and_introspected_by_a_service() {
    let app = app().await;
    let tokens = app.enter("ada").await;
    let body = json!({ "token": tokens.access });
    let verified = app.post("/v1/auth/verify-token", &body).send().await;
    assert_eq!(
        (verified.status.as_u16(), &verified.body["message"]),
        (200, &json!("Token is valid"))
    );
    let data = verified.body["data"].clone();
    let fields: Vec<_> = data.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = [
        "userId",
        "email",
        "username",
        "sessionId",
        "roles",
        "permissions",
        "issuedAt",
        "expiresAt",
    ];
    assert_eq!(fields, expected);
    assert_eq!((&data["email"], &data["roles"]), (&json!("ada@example.com"), &json!(["user"])));

    let introspect = |body: &Value| app.post("/v1/service/introspect", body).from(HOME).send();
    let found = introspect(&body).await;
    assert_eq!(found.body, json!({ "success": true, "data": { "active": true, "token": data } }));
    let nothing = json!({ "success": true, "data": { "active": false } });
    for dead in [json!({ "token": "rubbish" }), json!({ "token": tokens.refresh })] {
        assert_eq!(introspect(&dead).await.body, nothing, "{dead}");
        assert_eq!(
            said(&app.post("/v1/auth/verify-token", &dead).send().await),
            (401, "INVALID_TOKEN")
        );
    }
    app.post("/v1/auth/logout", &json!({})).bearer(&tokens.access).send().await;
    assert_eq!(introspect(&body).await.body, nothing, "revocation is seen at once");
    assert_eq!(
        said(&app.post("/v1/auth/verify-token", &body).send().await),
        (401, "TOKEN_REVOKED")
    );
    assert_eq!(
        said(&app.post("/v1/auth/verify-token", &json!({})).send().await),
        (400, "VALIDATION_ERROR")
    );
}

#[tokio::test]
async fn a_token_as_long_as_rs256_makes_it_is_described_too() {
    let app = app_with("perfect21", &[]).await;
    let access = app.enter("ada").await.access;
    assert!(access.len() > 512, "{}", access.len());
    let body = json!({ "token": access });
    let verified = app.post("/v1/auth/verify-token", &body).send().await;
    assert_eq!(verified.status, 200, "{}", verified.text);
    let found = app.post("/v1/service/introspect", &body).from(HOME).send().await;
    assert_eq!(found.body.pointer("/data/active"), Some(&json!(true)), "{}", found.text);
}

#[tokio::test]
async fn in_production_no_character_of_the_secret_is_shown_and_its_fingerprint_tells_it() {
    let production = [
        ("server.environment", "production"),
        ("server.service_networks", "127.0.0.1"),
        ("tokens.secret", SECRET),
        ("hashing.memory", "19456"),
        ("hashing.passes", "2"),
    ];
    let app = app_with("jobpsych", &production).await;
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, SECRET.as_bytes());
    let mut hex = String::new();
    for byte in digest.as_ref() {
        write!(hex, "{byte:02x}").unwrap();
    }
    for (path, place) in [
        ("/api/auth/jwt-info", "/jwtInfo/secretFingerprint"),
        ("/v1/service/jwt-info", "/data/secret/fingerprint"),
    ] {
        let info = app.get(path).from(HOME).send().await;
        assert_eq!(info.status, 200, "{}", info.text);
        assert_eq!(info.body.pointer(place).unwrap(), &hex[..16], "{path}");
        for piece in SECRET.as_bytes().windows(4) {
            let piece = std::str::from_utf8(piece).unwrap();
            assert!(
                !info.text.contains(piece) || hex[..16].contains(piece),
                "{piece} in {}",
                info.text
            );
        }
    }
    let shown = app_with("jobpsych", &[("tokens.secret", SECRET)])
        .await
        .get("/v1/service/jwt-info")
        .from(HOME)
        .send()
        .await;
    let secret = json!({ "length": 64, "fingerprint": &hex[..16] });
    assert_eq!(shown.body["data"]["secret"], secret, "nor here, where it is development");
    assert_eq!(shown.body["data"]["accessExpiresIn"], 900);
}
