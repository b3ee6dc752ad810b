//! `POST /auth/refresh`: the next access token of a session.

use serde_json::{Value, json};

use crate::support::{Answer, App, PASSWORD, app};
use crate::v1::fixture::{
    ELSEWHERE, HOUR, NEW, Operation, Trail, assert_rules, assert_used_up, delete, keys, letters,
    limited, person, suspend,
};

const REFRESH: Operation = Operation("POST", "/auth/refresh");

async fn refresh(app: &App, token: &str) -> Answer {
    REFRESH.on(app).json(&json!({ "refreshToken": token })).send().await
}

#[tokio::test]
async fn a_token_is_needed() {
    let app = app().await;
    for body in [
        json!({}),
        json!({ "refreshToken": "" }),
        json!({ "refreshToken": null }),
        json!({ "token": "x" }),
    ] {
        REFRESH.on(&app).json(&body).refused(400, "MISSING_REFRESH_TOKEN").await;
    }
    REFRESH.on(&app).refused(400, "MISSING_REFRESH_TOKEN").await;
}

#[tokio::test]
async fn the_field_has_its_rule() {
    let app = app().await;
    let call = async |body: &Value| REFRESH.on(&app).json(body).send().await;
    let rules = [
        ("refreshToken", json!(7), "VALIDATION_ERROR"),
        ("refreshToken", json!("a\nb"), "VALIDATION_ERROR"),
        ("refreshToken", letters(513), "FIELD_TOO_LONG"),
    ];
    assert_rules(call, &json!({}), &rules).await;
}

#[tokio::test]
async fn an_invalid_token_is_refused_without_www_authenticate() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    let reversed: String = ada.refresh.chars().rev().collect();
    let cut = &ada.refresh[..ada.refresh.len() - 1];
    for token in ["x", &ada.access, &reversed, cut] {
        let answer = refresh(&app, token).await.refused(401, "INVALID_REFRESH_TOKEN");
        assert!(answer.header("www-authenticate").is_empty(), "the client would try to refresh");
    }
    refresh(&app, &ada.refresh).await.ok(200);
}

#[tokio::test]
async fn failures_use_up_the_limit_and_successes_do_not() {
    let app = limited("refresh", &[]).await;
    let mut token = person(&app, "ada", &[]).await.refresh;
    for _ in 0..3 {
        let refreshed = refresh(&app, &token).await.ok(200);
        assert_eq!(refreshed.header("x-ratelimit-remaining"), "2");
        token = refreshed.tokens().refresh;
    }
    for _ in 0..2 {
        refresh(&app, "x").await.refused(401, "INVALID_REFRESH_TOKEN");
    }
    assert_used_up(&refresh(&app, "x").await, "AUTH_RATE_LIMIT_EXCEEDED");
    assert_used_up(&refresh(&app, &token).await, "AUTH_RATE_LIMIT_EXCEEDED");
    let elsewhere =
        REFRESH.on(&app).json(&json!({ "refreshToken": token })).from(ELSEWHERE).send().await;
    let token = elsewhere.tokens().refresh;
    app.login("ada", PASSWORD).await.ok(200);
    app.turn_clock(HOUR);
    refresh(&app, &token).await.ok(200);
}

#[tokio::test]
async fn an_ended_session_cannot_be_refreshed() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    for name in ["suspended", "deleted", "changed", "logged_out"] {
        let ada = person(&app, name, &[]).await;
        let other = app.login(name, PASSWORD).await.tokens();
        match name {
            "suspended" => suspend(&app, &root, &ada.id).await,
            "deleted" => delete(&app, &root, &ada.id).await,
            "changed" => {
                let body = json!({ "currentPassword": PASSWORD, "newPassword": NEW });
                app.put("/v1/auth/change-password", &body).bearer(&other).ok(200).await;
            }
            _ => {
                app.post("/v1/auth/logout", &json!({})).bearer(&ada).ok(200).await;
            }
        }
        refresh(&app, &ada.refresh).await.refused(401, "TOKEN_REVOKED");
    }
}

#[tokio::test]
async fn the_response_has_the_documented_fields_and_the_session_is_recorded_once_a_day() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    let mut trail = Trail::begin(&app).await;
    let by_body = refresh(&app, &ada.refresh).await.ok(200);
    assert_eq!(keys(&by_body.body), "success data");
    assert_eq!(keys(&by_body.body["data"]), "accessToken refreshToken expiresIn tokenType");
    assert!(by_body.cookie().is_none());
    let cookie = format!("refreshToken={}", by_body.tokens().refresh);
    let by_cookie = REFRESH.on(&app).header("cookie", &cookie).ok(200).await;
    assert_eq!(keys(&by_cookie.body["data"]), "accessToken expiresIn tokenType");
    assert_eq!(trail.left().await, ["session_refreshed done"]);
}

#[tokio::test]
async fn a_page_of_another_origin_cannot_use_the_cookie() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    let call = || REFRESH.on(&app).header("cookie", &format!("refreshToken={}", ada.refresh));
    call().header("origin", "https://evil.example").refused(403, "ORIGIN_NOT_ALLOWED").await;
    call().header("origin", "http://localhost").ok(200).await;
}
