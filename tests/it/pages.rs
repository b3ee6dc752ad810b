//! The pages without a browser: effects of a GET, a link scanner, another site and an invalid form.

use authd::model::Page;
use authd::model::page::MOUNTS;
use poem::http::Method;
use serde_json::json;

use crate::support::{Answer, App, PASSWORD, app, app_with, token_in};

const FORM: &str = "application/x-www-form-urlencoded";
const NEW: &str = "N3w!correct horse-staple";

async fn link(app: &App, path: &str) -> String {
    app.post("/v1/auth/forgot-password", &json!({ "email": "ada@example.com" })).send().await;
    token_in(&app.mails().await, path)
}

async fn post(app: &App, path: &str, form: &str) -> Answer {
    app.call(Method::POST, path).body(FORM, form).send().await
}

fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |all, byte| format!("{all}%{byte:02X}"))
}

#[tokio::test]
async fn every_page_has_a_route_under_each_mount() {
    let app = app().await;
    for page in Page::ALL {
        let asks_for_address = matches!(page, Page::ForgotPassword | Page::ResendVerification);
        for path in MOUNTS.map(|mount| format!("{mount}{}", page.path())) {
            let opened = app.get(&path).send().await;
            assert_eq!(opened.status, if asks_for_address { 200 } else { 400 }, "{path}");
            assert_eq!(opened.header("content-type"), "text/html; charset=utf-8", "{path}");
            let action = format!("<form method=\"post\" action=\"{path}\">");
            assert_eq!(opened.text.contains(&action), asks_for_address, "{path}: {}", opened.text);
            assert_eq!(post(&app, &path, "").await.status, 400, "{path}");
            let refused = app.call(Method::PUT, &path).send().await;
            assert_eq!(
                (refused.status.as_u16(), refused.header("allow")),
                (405, "GET, HEAD, POST"),
                "{path}"
            );
        }
    }
}

#[tokio::test]
async fn forms_and_links_lead_to_the_mount_that_was_opened() {
    let app = app().await;
    app.register("ada").await;
    let token = token_in(&app.mails().await, "/v1/verify-email?token=");
    for mount in MOUNTS {
        let page = app.get(&format!("{mount}/verify-email?token={token}")).send().await;
        for part in [
            format!("<form method=\"post\" action=\"{mount}/verify-email\">"),
            format!("href=\"{mount}/verify-email/disown?token={token}\""),
        ] {
            assert!(page.text.contains(&part), "{part} in {}", page.text);
        }
    }
}

#[tokio::test]
async fn a_scanner_opens_every_link_and_uses_none() {
    let app = app().await;
    let access = app.enter("ada").await.access;
    app.post("/v1/users/me/email", &json!({ "newEmail": "new@example.org" }))
        .bearer(&access)
        .send()
        .await;
    let mails = app.mails().await;
    let reset = link(&app, "/v1/reset-password?token=").await;
    let links = [
        ("reset-password", reset),
        ("confirm-email", token_in(&mails, "/v1/confirm-email?token=")),
        ("undo-email", token_in(&mails, "/v1/undo-email?token=")),
    ];
    let audited = app.audit().await.len();
    for mount in ["", "/v1", "/api/v1"] {
        for (page, token) in &links {
            for method in [Method::HEAD, Method::GET, Method::GET, Method::GET] {
                let seen = app.call(method, &format!("{mount}/{page}?token={token}")).send().await;
                assert_eq!(seen.status, 200, "{mount}/{page}");
                assert!(!seen.headers.contains_key("x-ratelimit-limit"));
                assert_eq!(
                    (seen.header("cache-control"), seen.header("referrer-policy")),
                    ("no-store", "strict-origin")
                );
                let policy = seen.header("content-security-policy");
                assert!(
                    policy.starts_with("default-src 'none'") && !policy.contains("unsafe"),
                    "{policy}"
                );
            }
        }
    }
    assert_eq!(app.audit().await.len(), audited);
    for (page, token) in &links {
        let form = format!("token={token}&newPassword={}", encoded(NEW));
        let pressed = post(&app, &format!("/v1/{page}"), &form).await;
        let expected = if *page == "reset-password" { 200 } else { 404 };
        assert_eq!(
            pressed.status, expected,
            "{page}: a new password voids the rest, but not the way back"
        );
        if *page == "confirm-email" {
            break;
        }
    }
    assert_eq!(post(&app, "/v1/undo-email", &format!("token={}", links[2].1)).await.status, 200);
}

#[tokio::test]
async fn a_form_from_another_site_changes_nothing() {
    let app = app_with("standard", &[("server.public_url", "https://id.example.com")]).await;
    app.join("ada").await;
    let token = link(&app, "https://id.example.com/v1/reset-password?token=").await;
    let form = format!("token={token}&newPassword={}", encoded(NEW));
    let send = |lines: &[(&'static str, &str)]| {
        let call = app.call(Method::POST, "/v1/reset-password").body(FORM, form.clone());
        lines.iter().fold(call, |call, (name, value)| call.header(name, value)).send()
    };
    for lines in [
        vec![("origin", "https://evil.example")],
        vec![("origin", "null")],
        vec![("origin", "http://localhost")],
        vec![("sec-fetch-site", "cross-site")],
        vec![("origin", "https://evil.example"), ("sec-fetch-site", "same-origin")],
    ] {
        let refused = send(&lines).await;
        assert_eq!(refused.status, 403, "{lines:?}");
        assert!(refused.text.contains("Nothing was changed"), "{}", refused.text);
    }
    assert_eq!(app.login("ada", PASSWORD).await.status, 200);
    for path in ["/v1/forgot-password", "/v1/resend-verification"] {
        let call = app.call(Method::POST, path).body(FORM, "email=ada%40example.com");
        assert_eq!(call.header("origin", "https://evil.example").send().await.status, 403);
    }
    assert!(app.mails().await.is_empty());
    let own = [("origin", "https://id.example.com"), ("sec-fetch-site", "same-origin")];
    assert_eq!(send(&own).await.status, 200);
}

#[tokio::test]
async fn without_a_public_url_a_form_may_come_from_the_host_it_goes_to() {
    let app = app().await;
    let send = |host: &'static str, origin: &'static str| {
        let mut call =
            app.call(Method::POST, "/v1/forgot-password").body(FORM, "email=a%40example.com");
        call = call.set_header("host", host);
        call.header("origin", origin).send()
    };
    assert_eq!(send("box.lan:3000", "http://box.lan:3000").await.status, 200);
    assert_eq!(send("box.lan:3000", "http://evil.example").await.status, 403);
}

#[tokio::test]
async fn a_bad_password_shows_the_reasons_and_keeps_the_link() {
    let app = app_with("perfect21", &[]).await;
    app.join("ada").await;
    let token = link(&app, "/v1/reset-password?token=").await;
    for _ in 0..5 {
        let refused =
            post(&app, "/v1/reset-password", &format!("token={token}&newPassword=short")).await;
        assert_eq!(refused.status, 400);
        for reason in
            ["at least 12 characters", "an uppercase letter", "a number", "a special character"]
        {
            assert!(refused.text.contains(reason), "{reason} in {}", refused.text);
        }
        assert!(
            refused.text.contains(&format!("value=\"{token}\""))
                && !refused.text.contains("short\"")
        );
    }
    let empty = post(&app, "/v1/reset-password", &format!("token={token}")).await;
    assert_eq!(empty.status, 400);
    let form = format!("token={token}&newPassword={}", encoded("Ünïcode & Paß+wört 🔑 4"));
    assert_eq!(post(&app, "/api/v1/reset-password", &form).await.status, 200);
    assert_eq!(app.login("ada", "Ünïcode & Paß+wört 🔑 4").await.status, 200);
}

#[tokio::test]
async fn a_dead_link_says_so_at_once_and_shows_a_way_on() {
    let app = app().await;
    app.join("ada").await;
    let old = link(&app, "/v1/reset-password?token=").await;
    let token = link(&app, "/v1/reset-password?token=").await;
    let replaced = app.get(&format!("/v1/reset-password?token={old}")).send().await;
    assert_eq!(replaced.status, 404);
    app.turn_clock(std::time::Duration::from_hours(1));
    let expired = app.get(&format!("/api/v1/reset-password?token={token}")).send().await;
    assert_eq!(expired.status, 410);
    assert!(expired.text.contains("action=\"/api/v1/forgot-password\""), "{}", expired.text);
    let pressed =
        post(&app, "/reset-password", &format!("token={token}&newPassword={}", encoded(NEW))).await;
    assert_eq!(pressed.status, 410);
    assert!(pressed.text.contains("action=\"/forgot-password\""), "{}", pressed.text);
    let other = app.get(&format!("/v1/verify-email?token={token}")).send().await;
    assert_eq!(other.status, 404, "a link of another purpose");
    assert!(other.text.contains("action=\"/v1/resend-verification\""), "{}", other.text);
    let cut = app.get(&format!("/v1/reset-password?token={}", &token[..20])).send().await;
    assert_eq!(cut.status, 404);
    assert_eq!(app.get("/v1/reset-password").send().await.status, 400);
}

#[tokio::test]
async fn the_page_that_asks_for_a_link_says_the_same_of_every_address_and_is_limited() {
    let app = app_with("perfect21", &[]).await;
    app.join("ada").await;
    let known = post(&app, "/v1/forgot-password", "email=ada%40example.com").await;
    let unknown = post(&app, "/v1/forgot-password", "email=nobody%40example.com").await;
    assert_eq!((known.status.as_u16(), &known.text), (200, &unknown.text));
    let bad = post(&app, "/v1/forgot-password", "email=%22%3E%3Cscript%3E").await;
    assert_eq!(bad.status, 400);
    assert!(bad.text.contains("value=\"&#34;&#62;&#60;script&#62;\""), "{}", bad.text);
    assert_eq!(app.mails().await.len(), 1);
    let call =
        app.post("/v1/auth/forgot-password", &json!({ "email": "x@example.com" })).send().await;
    assert_eq!(call.status, 200);
    assert_eq!(
        post(&app, "/v1/forgot-password", "email=ada%40example.com").await.status,
        429,
        "one limit with the API call"
    );
    app.register("bob").await;
    app.mails().await;
    assert_eq!(post(&app, "/v1/resend-verification", "email=bob%40example.com").await.status, 200);
    token_in(&app.mails().await, "/v1/verify-email?token=");
}

#[tokio::test]
async fn links_lead_to_the_configured_pages_and_never_to_the_requests_host() {
    let keys = [
        ("links.reset", "https://app.example.com/#/reset/{token}"),
        ("links.confirm_email", "myapp://confirm?t={token}"),
        ("server.public_url", "https://id.example.com"),
    ];
    let app = app_with("standard", &keys).await;
    let access = app.enter("ada").await.access;
    let forgot = app.post("/v1/auth/forgot-password", &json!({ "email": "ada@example.com" }));
    let forgot =
        forgot.header("x-forwarded-host", "evil.example").set_header("host", "evil.example");
    assert_eq!(forgot.send().await.status, 200);
    let token = token_in(&app.mails().await, "https://app.example.com/#/reset/");
    app.post("/v1/users/me/email", &json!({ "newEmail": "new@example.org" }))
        .bearer(&access)
        .send()
        .await;
    let mails = app.mails().await;
    token_in(&mails, "myapp://confirm?t=");
    token_in(&mails, "https://id.example.com/v1/undo-email?token=");
    let body = json!({ "token": token, "newPassword": NEW });
    assert_eq!(app.post("/v1/auth/reset-password", &body).send().await.status, 200);
}
