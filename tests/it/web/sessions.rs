//! The session of the pages: what ends it, how long it lives, and how it is kept.

use std::time::Duration;

use serde_json::json;

use crate::support::{App, PASSWORD, app, app_with, token_in};
use crate::web::visitor::Visitor;

#[tokio::test]
async fn whatever_ends_a_session_ends_that_of_the_pages() {
    let app = app().await;
    let mut ada = Visitor::owner(&app, "ada").await;
    let access = app.login("ada", PASSWORD).await.tokens().access;
    app.post("/v1/auth/logout-all", &json!({})).bearer(&access).ok(200).await;
    ada.open("/account").await;
    assert_eq!(ada.path, "/sign-in");
    ada.sees("Please sign in again.");
    assert!(!ada.cookies.contains_key("authd"));

    let mut ada = Visitor::known(&app, "ada").await;
    ada.open("/account/profile").await;
    app.post("/v1/auth/forgot-password", &json!({ "email": "ada@example.com" })).send().await;
    let token = token_in(&app.mails().await, "/reset-password?token=");
    let body = json!({ "token": token, "newPassword": "N3w!correct horse-staple" });
    app.post("/v1/auth/reset-password", &body).ok(200).await;
    ada.submit("/account/profile", &[("first_name", "Eve")]).await;
    assert_eq!(ada.path, "/sign-in", "a form that was open does nothing");

    let mut bob = Visitor::owner(&app, "bob").await;
    let by = authd::identity::By::command_line();
    authd::identity::admin::accounts::suspend(&app.core, &by, "bob@example.com").await.unwrap();
    bob.open("/account").await;
    assert_eq!(bob.path, "/sign-in");
    bob.sign_in("bob", PASSWORD).await;
    assert_eq!(bob.page.status, 403);
    bob.sees("This account is suspended.");
    authd::identity::admin::accounts::reinstate(&app.core, &by, "bob@example.com").await.unwrap();
    bob.open("/account").await;
    assert_eq!(bob.path, "/sign-in", "nothing comes back");
}

#[tokio::test]
async fn signing_out_ends_what_the_app_had_too() {
    let app = app().await;
    app.join("ada").await;
    let mut ada = Visitor::at(&app, "/sign-in").await;
    let fields = [("name", "ada@example.com"), ("password", PASSWORD)];
    let form = ada.form("/sign-in", &fields);
    let entered = ada.send(poem::http::Method::POST, "/sign-in", Some(form)).await;
    let lines = entered.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap());
    let lines: Vec<_> = lines.collect();
    let page = lines.iter().find(|line| line.starts_with("authd=")).unwrap();
    assert!(!page.contains("Max-Age"), "without `remember` it goes with the browser: {page}");
    let refresh = lines.iter().find(|line| line.starts_with("refreshToken=")).unwrap();
    let refresh = refresh.split(';').next().unwrap().to_owned();
    ada.open("/account").await;
    ada.submit("/sign-out", &[]).await;
    let call = app.post("/v1/auth/refresh", &json!({})).header("cookie", &refresh);
    assert_eq!(call.send().await.status, 401);
}

/// Lets what a request left to do in the background be written.
async fn settle(app: &App) {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    // A write is done after those before it.
    app.core.store.write(|_| Ok(())).await.unwrap();
}

#[tokio::test]
async fn a_session_ends_without_use_and_lives_on_with_it() {
    let set = [("sessions.idle", "2h"), ("sessions.absolute", "10h")];
    let app = app_with("standard", &set).await;
    let mut used = Visitor::owner(&app, "ada").await;
    let mut unused = Visitor::known(&app, "ada").await;
    for _ in 0..5 {
        app.turn_clock(Duration::from_mins(90));
        used.open("/account").await;
        assert_eq!(used.path, "/account");
        settle(&app).await;
    }
    unused.open("/account").await;
    assert_eq!(unused.path, "/sign-in", "it was not used for two hours");
    app.turn_clock(Duration::from_mins(90));
    used.open("/account").await;
    settle(&app).await;
    app.turn_clock(Duration::from_mins(61));
    used.open("/account").await;
    assert_eq!(used.path, "/sign-in", "no use makes it longer than ten hours");
}

#[tokio::test]
async fn the_secret_is_stored_as_a_digest_and_is_no_token_elsewhere() {
    let app = app().await;
    let ada = Visitor::owner(&app, "ada").await;
    let secret = ada.cookies["authd"].clone();
    assert_eq!(app.get("/v1/users/me").bearer(&secret).send().await.status, 401);
    let body = json!({ "refreshToken": secret });
    assert_eq!(app.post("/v1/auth/refresh", &body).send().await.status, 401);
    for file in std::fs::read_dir(app.dir.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        let is_in = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!is_in);
    }
}

#[tokio::test]
async fn over_https_only_this_host_can_set_the_cookies() {
    let set = [("server.public_url", "https://auth.example.com")];
    let app = app_with("standard", &set).await;
    app.join("ada").await;
    let opened = app.get("/sign-in").set_header("host", "auth.example.com").send().await;
    let cookie = opened.header("set-cookie");
    let expected = "; Path=/; HttpOnly; SameSite=Lax; Secure";
    assert!(cookie.starts_with("__Host-authd-visitor=") && cookie.ends_with(expected), "{cookie}");
    let plain = app_with("standard", &[]).await;
    let refused = plain.get("/sign-in").set_header("host", "box.lan:3000").send().await;
    assert_eq!(refused.status, 403);
    assert!(refused.text.contains("This page needs a secure connection"));
}
