//! The language that a link to the pages wishes for holds for the pages after it.

use poem::http::Method;
use serde_json::json;

use crate::support::{PASSWORD, UNLIMITED, app, app_with};
use crate::web::account::turn_on_second_step;
use crate::web::visitor::Visitor;

const GERMAN: &str = "<html lang=\"de\"";

#[tokio::test]
async fn a_language_that_was_wished_for_holds_through_a_login() {
    let set = [&UNLIMITED[..], &[("login.passwordless", "true")]].concat();
    let app = app_with("standard", &set).await;
    let mut owner = Visitor::owner(&app, "ada").await;
    let phone = turn_on_second_step(&app, &mut owner).await;
    app.turn_clock(std::time::Duration::from_mins(1));
    let mut ada = Visitor::at(&app, "/sign-in").await;
    ada.sees("<html lang=\"en\"");
    ada.open("/sign-in?lang=de&return_to=/account/record").await;
    ada.sees(GERMAN);
    ada.sign_in("ada", "wrong").await;
    assert_eq!(ada.page.status, 401);
    ada.sees(GERMAN);
    for path in ["/sign-up", "/sign-in/code", "/forgot-password", "/sign-up/done", "/sign-in"] {
        ada.open(path).await;
        ada.sees(GERMAN);
    }
    ada.open("/sign-in?return_to=nowhere").await;
    assert_eq!(ada.page.status, 400);
    ada.sees(GERMAN);
    ada.open("/sign-in").await;
    ada.sign_in("ada", PASSWORD).await;
    assert_eq!(ada.path, "/sign-in/factor");
    ada.sees(GERMAN);
    ada.submit("/sign-in/factor", &[("code", "000000")]).await;
    ada.sees(GERMAN);
    ada.submit("/sign-in/factor", &[("code", &phone.code(&app))]).await;
    assert_eq!(ada.path, "/account");
    ada.sees(GERMAN);
    ada.open("/account?lang=fr").await;
    ada.sees("<html lang=\"fr\"");
    ada.open("/account/profile").await;
    ada.sees("<html lang=\"fr\"");
    ada.submit("/sign-out", &[]).await;
    ada.sees("<html lang=\"fr\"");
}

#[tokio::test]
async fn the_language_of_an_account_comes_before_an_earlier_wish() {
    let app = app().await;
    let access = app.enter("ada").await.access;
    let body = json!({ "locale": "es" });
    app.put("/v1/users/me", &body).bearer(&access).ok(200).await;
    let mut ada = Visitor::at(&app, "/sign-in?lang=de").await;
    ada.sees(GERMAN);
    ada.sign_in("ada", PASSWORD).await;
    ada.sees("<html lang=\"es\"");
    ada.open("/account/profile").await;
    ada.submit("/account/profile", &[("locale", "")]).await;
    ada.sees("<html lang=\"en\"");
    assert!(!ada.cookies.contains_key("authd-language"), "{:?}", ada.cookies);
}

#[tokio::test]
async fn what_is_shown_instead_of_a_page_is_in_the_language_of_the_account() {
    let app = app().await;
    let access = app.enter("ada").await.access;
    let body = json!({ "locale": "es" });
    app.put("/v1/users/me", &body).bearer(&access).ok(200).await;
    let mut ada = Visitor::known(&app, "ada").await;
    ada.open("/account/passkeys/remove?id=unknown").await;
    assert_eq!(ada.page.status, 404);
    ada.sees("<html lang=\"es\"");
    let foreign = ada.send(Method::POST, "/account/profile", Some("form=abc".into())).await;
    assert_eq!(foreign.status, 403);
    assert!(foreign.text.contains("<html lang=\"es\""), "{}", foreign.text);
}

#[tokio::test]
async fn a_sign_up_keeps_the_language_that_was_wished_for() {
    let app = app().await;
    let mut ada = Visitor::at(&app, "/account?lang=de").await;
    assert_eq!(ada.path, "/sign-in");
    ada.sees(GERMAN);
    ada.open("/sign-up").await;
    ada.submit("/sign-up", &[("email", "ada@example.com"), ("new_password", PASSWORD)]).await;
    ada.sees(GERMAN);
    assert_eq!(app.database().texts("select locale from accounts"), ["de"]);
    let letter = &app.mails().await[0];
    assert!(letter.text.contains("Adresse"), "{}", letter.text);
}

#[tokio::test]
async fn a_language_that_the_server_has_not_is_no_wish_and_no_cookie_can_say_more() {
    let app = app().await;
    let mut ada = Visitor::at(&app, "/sign-in?lang=xx").await;
    ada.sees("<html lang=\"en\"");
    assert!(!ada.cookies.contains_key("authd-language"), "{:?}", ada.cookies);
    for planted in ["xx", "\"><script>", "de-x-nothing-but-a-very-long-tag", ""] {
        ada.cookies.insert("authd-language".into(), planted.into());
        ada.open("/sign-in").await;
        assert_eq!(ada.page.status, 200, "{planted}");
        assert!(!ada.page.text.contains("<script>"), "{planted}");
    }
}
