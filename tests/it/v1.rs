//! v1 over HTTP, on the real program: envelopes, cookies, content types, pages and documents here;
//! each operation in its own file, `v1/<first part of the path>/<rest>_<verb>.rs`.

mod every;
pub mod fixture;
mod health_get;
mod layout;
mod links;
mod rights;

mod auth {
    mod change_password_put;
    mod confirm_email_post;
    mod forgot_password_post;
    mod login_post;
    mod logout_all_post;
    mod logout_post;
    mod mfa_backup_codes_post;
    mod mfa_challenge_post;
    mod mfa_passkey_options_post;
    mod mfa_passkey_post;
    mod mfa_setup_post;
    mod mfa_verify_post;
    mod otp_request_post;
    mod otp_verify_post;
    mod passkey_options_post;
    mod passkey_post;
    mod providers_callback_post;
    mod providers_code_post;
    mod providers_complete_post;
    mod providers_get;
    mod providers_name_begin_post;
    mod providers_name_token_post;
    mod reauthenticate_passkey_options_post;
    mod reauthenticate_passkey_post;
    mod reauthenticate_post;
    mod refresh_post;
    mod register_post;
    mod resend_verification_post;
    mod reset_code_confirm_post;
    mod reset_code_request_post;
    mod reset_code_verify_post;
    mod reset_password_post;
    mod undo_email_post;
    mod verify_email_disown_post;
    mod verify_email_post;
    mod verify_token_post;
}

mod users {
    mod me_audit_get;
    mod me_delete;
    mod me_email_post;
    mod me_export_get;
    mod me_files_file_id_delete;
    mod me_files_file_id_get;
    mod me_files_get;
    mod me_files_post;
    mod me_get;
    mod me_identities_begin_post;
    mod me_identities_get;
    mod me_identities_id_delete;
    mod me_identities_id_token_post;
    mod me_identities_post;
    mod me_mfa_get;
    mod me_mfa_id_delete;
    mod me_mfa_id_patch;
    mod me_mfa_id_put;
    mod me_passkeys_get;
    mod me_passkeys_id_delete;
    mod me_passkeys_id_patch;
    mod me_passkeys_options_post;
    mod me_passkeys_post;
    mod me_put;
    mod me_quota_get;
    mod me_sessions_delete;
    mod me_sessions_get;
    mod me_sessions_session_id_delete;
}

mod admin {
    mod apps_app_id_delete;
    mod apps_app_id_rotate_post;
    mod apps_get;
    mod apps_post;
    mod audit_export_get;
    mod audit_get;
    mod backups_backup_get;
    mod backups_backup_verify_post;
    mod backups_get;
    mod backups_post;
    mod findings_get;
    mod keys_get;
    mod keys_rotate_post;
    mod letters_get;
    mod letters_letter_get;
    mod limits_get;
    mod locks_get;
    mod mail_get;
    mod mail_message_id_retry_post;
    mod mail_test_post;
    mod providers_get;
    mod providers_provider_delete;
    mod providers_provider_get;
    mod providers_provider_patch;
    mod providers_provider_post;
    mod providers_provider_test_post;
    mod roles_get;
    mod roles_post;
    mod roles_role_delete;
    mod roles_role_put;
    mod searches_get;
    mod searches_post;
    mod searches_search_name_delete;
    mod settings_get;
    mod stats_activity_get;
    mod stats_get;
    mod stats_logins_get;
    mod users_get;
    mod users_post;
    mod users_user_id_delete;
    mod users_user_id_get;
    mod users_user_id_login_get;
    mod users_user_id_mfa_delete;
    mod users_user_id_passkeys_get;
    mod users_user_id_passkeys_passkey_id_delete;
    mod users_user_id_put;
    mod users_user_id_quota_put;
    mod users_user_id_reset_password_post;
    mod users_user_id_restore_post;
    mod users_user_id_sessions_delete;
    mod users_user_id_sessions_get;
    mod users_user_id_sessions_session_id_delete;
    mod users_user_id_unlock_post;
    mod users_user_id_verify_post;
}

mod service {
    mod introspect_post;
    mod jwt_info_get;
    mod quota_count_post;
    mod quota_email_get;
}

use poem::http::Method;
use serde_json::json;

use crate::support::{PASSWORD, app, app_with, token_in};

#[tokio::test]
async fn every_request_error_comes_in_the_envelope() {
    let app = app().await;
    let login = |kind: &str, body: &str| {
        app.call(Method::POST, "/v1/auth/login").body(kind, body.to_owned())
    };
    let big = format!("{{\"email\":\"{}\"}}", "a".repeat(70_000));
    let json = "application/json";
    for (call, status, code) in [
        (app.get("/v1/nothing"), 404, "NOT_FOUND"),
        (app.get("/nothing"), 404, "NOT_FOUND"),
        (app.get("/api/%ff"), 404, "NOT_FOUND"),
        (app.get("/v1/auth/login"), 405, "METHOD_NOT_ALLOWED"),
        (login("text/plain", "{}"), 415, "UNSUPPORTED_MEDIA_TYPE"),
        (login("application/x-www-form-urlencoded", "a=b"), 415, "UNSUPPORTED_MEDIA_TYPE"),
        (login(json, &big), 413, "PAYLOAD_TOO_LARGE"),
        (login(json, ""), 400, "VALIDATION_ERROR"),
        (login(json, "{"), 400, "VALIDATION_ERROR"),
        (login(json, "{\"email\":\"a\",\"email\":\"b\"}"), 400, "VALIDATION_ERROR"),
        (login(json, "{\"email\":\"a\\u0000\",\"password\":\"x\"}"), 400, "VALIDATION_ERROR"),
        (login("application/json; charset=utf-8", "{}"), 400, "MISSING_CREDENTIALS"),
        (app.get("/v1/users/me"), 401, "MISSING_AUTH_HEADER"),
        (app.get("/v1/users/me").header("authorization", "Basic YTpi"), 401, "INVALID_AUTH_FORMAT"),
        (app.get("/v1/users/me").bearer("a.b.c"), 401, "INVALID_TOKEN"),
        (app.post("/v1/auth/refresh", &json!({})), 400, "MISSING_REFRESH_TOKEN"),
        (
            app.call(Method::POST, "/v1/auth/refresh").body("text/plain", ""),
            400,
            "MISSING_REFRESH_TOKEN",
        ),
        (
            app.post("/v1/auth/refresh", &json!({ "refreshToken": "x" })),
            401,
            "INVALID_REFRESH_TOKEN",
        ),
        (
            app.call(Method::POST, "/v1/auth/logout").body("text/plain", ""),
            401,
            "MISSING_AUTH_HEADER",
        ),
        (app.post("/v1/auth/verify-email", &json!({})), 400, "MISSING_TOKEN"),
        (app.post("/v1/auth/verify-email", &json!({ "token": "x" })), 404, "INVALID_TOKEN"),
        (app.post("/v1/auth/verify-email/disown", &json!({ "token": "x" })), 404, "INVALID_TOKEN"),
    ] {
        let answer = call.send().await;
        assert_eq!((answer.status.as_u16(), answer.code()), (status, code), "{}", answer.text);
        assert_eq!(answer.body["success"], false);
        assert_eq!(answer.body["requestId"], answer.header("x-request-id"));
        assert_eq!(answer.headers.contains_key("allow"), status == 405);
        assert_eq!(
            answer.headers.contains_key("www-authenticate"),
            status == 401 && code != "INVALID_REFRESH_TOKEN"
        );
    }
}

#[tokio::test]
async fn the_refresh_token_travels_in_the_cookie_of_its_mount() {
    let app = app().await;
    app.join("ada").await;
    let body = json!({ "username": "ada", "password": PASSWORD });
    let login = app.post("/api/v1/auth/login", &body).send().await;
    let set = login.header("set-cookie").to_owned();
    assert!(
        set.contains("; Max-Age=")
            && set.ends_with("; Path=/api/v1/auth; HttpOnly; SameSite=Strict"),
        "{set}"
    );
    let cookie = set.split(';').next().unwrap().to_owned();
    assert_eq!(cookie, format!("refreshToken={}", login.tokens().refresh));

    let refresh = || app.call(Method::POST, "/api/v1/auth/refresh");
    let foreign =
        refresh().header("cookie", &cookie).header("origin", "https://evil.example").send().await;
    assert_eq!((foreign.status.as_u16(), foreign.code()), (403, "ORIGIN_NOT_ALLOWED"));
    let twice = refresh().header("cookie", &format!("{cookie}; {cookie}")).send().await;
    assert_eq!((twice.status.as_u16(), twice.code()), (400, "VALIDATION_ERROR"));

    let refreshed =
        refresh().header("cookie", &cookie).json(&json!({ "refreshToken": "x" })).send().await;
    assert_eq!(refreshed.status, 200, "{}", refreshed.text);
    assert!(refreshed.body["data"].get("refreshToken").is_none(), "{}", refreshed.text);
    let successor = refreshed.header("set-cookie").split(';').next().unwrap().to_owned();
    assert_ne!(successor, cookie);

    let out =
        app.call(Method::POST, "/api/v1/auth/logout").header("cookie", &successor).send().await;
    assert_eq!(out.status, 200, "{}", out.text);
    assert!(out.header("set-cookie").starts_with("refreshToken=; Max-Age=0; Path=/api/v1/auth"));
    assert_eq!(refresh().header("cookie", &successor).send().await.code(), "TOKEN_REVOKED");
}

#[tokio::test]
async fn a_short_login_leaves_no_cookie_behind_and_https_marks_it_secure() {
    let app = app_with("standard", &[("server.public_url", "https://auth.example.com")]).await;
    app.join("ada").await;
    let body = json!({ "email": "ada@example.com", "password": PASSWORD, "rememberMe": false });
    let login = app.post("/v1/auth/login", &body).send().await;
    let set = login.header("set-cookie");
    assert!(set.starts_with("__Secure-refreshToken=") && set.ends_with("; Secure"), "{set}");
    assert!(!set.contains("Max-Age"), "{set}");
}

#[tokio::test]
async fn a_profile_is_shown_and_changed_field_by_field() {
    let app = app().await;
    let access = app.enter("ada").await.access;
    let put = |body| app.put("/v1/users/me", &body).bearer(&access).send();
    let changed = put(
        json!({ "firstName": "Ada", "phone": "+1234567890", "roles": ["admin"], "status": "x" }),
    )
    .await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    let fields: Vec<_> =
        changed.body["data"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(fields, ["id", "email", "username", "firstName", "lastName", "phone", "updatedAt"]);
    assert_eq!(put(json!({ "phone": null })).await.body["data"]["phone"], json!(null));
    let me = app.get("/v1/users/me").bearer(&access).send().await.body;
    assert_eq!((&me["data"]["firstName"], &me["data"]["phone"]), (&json!("Ada"), &json!(null)));
    assert_eq!(me["data"]["roles"], json!(["user"]));
    let refused = put(json!({ "firstName": 7, "phone": "1".repeat(21) })).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (400, "VALIDATION_ERROR"));
    let codes: Vec<_> = refused.body["error"]["details"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["code"])
        .collect();
    assert_eq!(codes, ["VALIDATION_ERROR", "FIELD_TOO_LONG"]);
}

#[tokio::test]
async fn a_link_is_used_by_its_button_and_never_by_being_opened() {
    let app = app().await;
    app.register("ada").await;
    let token = token_in(&app.mails().await, "/v1/verify-email?token=");
    let form = || format!("token={token}");
    for mount in ["", "/v1", "/api/v1"] {
        let page = app.get(&format!("{mount}/verify-email?token={token}")).send().await;
        assert_eq!(page.status, 200);
        assert!(page.text.contains(&format!("action=\"{mount}/verify-email\"")), "{}", page.text);
        assert_eq!(page.header("referrer-policy"), "strict-origin");
        assert_eq!(page.header("cache-control"), "no-store");
        assert!(!page.header("content-security-policy").contains("unsafe"));
    }
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    assert_eq!(app.post("/v1/auth/login", &body).send().await.status, 401);

    let post =
        |path: &str| app.call(Method::POST, path).body("application/x-www-form-urlencoded", form());
    let pressed = post("/v1/verify-email").send().await;
    assert!(
        pressed.status == 200 && pressed.text.contains("Email address verified"),
        "{}",
        pressed.text
    );
    assert!(post("/v1/verify-email").send().await.text.contains("Already verified"));
    assert_eq!(app.post("/v1/auth/login", &body).send().await.status, 200);
    for path in ["/v1/verify-email", "/v1/verify-email?token=%3Cscript%3E"] {
        assert_eq!(app.get(path).send().await.status, 400, "{path}");
    }
    let unknown = app
        .call(Method::POST, "/v1/verify-email")
        .body("application/x-www-form-urlencoded", "token=abc");
    assert_eq!(unknown.send().await.status, 404);
}

#[tokio::test]
async fn documents_health_and_keys_are_open_to_everybody() {
    let app = app().await;
    for path in [
        "/docs",
        "/openapi.json",
        "/openapi/v1.json",
        "/openapi/v1-admin.json",
        "/livez",
        "/readyz",
        "/.well-known/jwks.json",
    ] {
        let answer = app.get(path).send().await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        assert!(!answer.headers.contains_key("x-ratelimit-limit"), "{path}");
    }
    let health = app.get("/v1/health").send().await;
    assert_eq!(health.status, 200);
    let services = json!({ "database": "healthy", "redis": "not used", "email": "not configured" });
    assert_eq!((&health.body["status"], &health.body["services"]), (&json!("OK"), &services));
}

#[tokio::test]
async fn the_uptime_is_that_of_the_process_after_a_reload() {
    let app = app().await;
    app.turn_clock(std::time::Duration::from_secs(90));
    // The effect of a SIGHUP: other routes on the same core.
    let limiter =
        authd::http::limits::Limiter::new(app.core.config.limits.clone(), app.core.env.clone());
    let swapped = authd::app::endpoint(&app.core, &limiter);
    let request =
        poem::Request::builder().uri_str("/v1/health").header("host", "localhost").finish();
    let health = poem::Endpoint::get_response(&swapped, request)
        .await
        .into_body()
        .into_string()
        .await
        .unwrap();
    let health: serde_json::Value = serde_json::from_str(&health).unwrap();
    assert_eq!(health["uptime"], 90, "{health}");
}
