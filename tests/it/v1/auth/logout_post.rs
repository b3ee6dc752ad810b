//! `POST /auth/logout`: the end of a session, named by any of its tokens.

use serde_json::json;

use crate::support::{PASSWORD, app};
use crate::v1::fixture::{HOUR, Operation, Trail, person, token_error};

const LOGOUT: Operation = Operation("POST", "/auth/logout");

#[tokio::test]
async fn a_token_of_the_session_is_needed() {
    let app = app().await;
    LOGOUT.on(&app).refused(401, "MISSING_AUTH_HEADER").await;
    LOGOUT.on(&app).json(&json!({ "refreshToken": "" })).refused(401, "MISSING_AUTH_HEADER").await;
    LOGOUT.on(&app).header("authorization", "Basic YTpi").refused(401, "INVALID_AUTH_FORMAT").await;
    LOGOUT.on(&app).bearer("a.b.c").refused(401, "INVALID_TOKEN").await;
    LOGOUT
        .on(&app)
        .json(&json!({ "refreshToken": "x" }))
        .refused(401, "INVALID_REFRESH_TOKEN")
        .await;
}

#[tokio::test]
async fn each_kind_of_token_ends_its_session_alone_and_leaves_one_record() {
    let app = app().await;
    let kept = person(&app, "ada", &[]).await;
    for kind in ["access", "cookie", "body"] {
        let ended = app.login("ada", PASSWORD).await.tokens();
        let mut trail = Trail::begin(&app).await;
        let call = match kind {
            "access" => LOGOUT.on(&app).bearer(&ended),
            "cookie" => {
                LOGOUT.on(&app).header("cookie", &format!("refreshToken={}", ended.refresh))
            }
            _ => LOGOUT.on(&app).json(&json!({ "refreshToken": ended.refresh })),
        };
        let done = call.ok(200).await;
        assert_eq!(done.body, json!({ "success": true, "message": "Logged out successfully" }));
        assert!(
            done.header("set-cookie").starts_with("refreshToken=; Max-Age=0; Path=/v1/auth"),
            "{kind}"
        );
        assert_eq!(token_error(&app, &ended).await, "TOKEN_REVOKED", "{kind}");
        assert_eq!(
            trail.left_by(Some(&kept.id), Some(&kept.id)).await,
            ["session_ended done logout"],
            "{kind}"
        );
    }
    assert_eq!(token_error(&app, &kept).await, "");
}

#[tokio::test]
async fn an_expired_access_token_does_not_stop_a_logout_by_refresh_token() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    app.turn_clock(HOUR);
    LOGOUT.on(&app).bearer(&ada).refused(401, "TOKEN_EXPIRED").await;
    LOGOUT.on(&app).bearer(&ada).json(&json!({ "refreshToken": ada.refresh })).ok(200).await;
    let refreshed =
        app.post("/v1/auth/refresh", &json!({ "refreshToken": ada.refresh })).send().await;
    refreshed.refused(401, "TOKEN_REVOKED");
}

#[tokio::test]
async fn a_session_that_has_ended_is_not_ended_again() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    LOGOUT.on(&app).bearer(&ada).ok(200).await;
    let mut trail = Trail::begin(&app).await;
    LOGOUT.on(&app).bearer(&ada).refused(401, "TOKEN_REVOKED").await;
    LOGOUT
        .on(&app)
        .json(&json!({ "refreshToken": ada.refresh }))
        .refused(401, "TOKEN_REVOKED")
        .await;
    assert_eq!(trail.left().await, [""; 0]);
}

#[tokio::test]
async fn a_field_of_the_wrong_type_ends_nothing() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    for body in [json!({ "logoutAllDevices": "yes" }), json!({ "refreshToken": 7 })] {
        LOGOUT.on(&app).bearer(&ada).json(&body).refused(400, "VALIDATION_ERROR").await;
    }
    assert_eq!(token_error(&app, &ada).await, "");
}

#[tokio::test]
async fn a_page_of_another_origin_cannot_use_the_cookie() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    let call = LOGOUT.on(&app).header("cookie", &format!("refreshToken={}", ada.refresh));
    call.header("origin", "https://evil.example").refused(403, "ORIGIN_NOT_ALLOWED").await;
    assert_eq!(token_error(&app, &ada).await, "");
}
