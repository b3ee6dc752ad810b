//! Sign-up, sign-in, second factor and sign-out, without JavaScript.

use serde_json::json;

use crate::support::{PASSWORD, app, app_with, token_in};
use crate::web::account::turn_on_second_step;
use crate::web::visitor::Visitor;

#[tokio::test]
async fn an_account_is_made_verified_used_and_left() {
    let app = app().await;
    let mut ada = Visitor::at(&app, "/sign-up").await;
    let password = "a plum sits in the tree";
    ada.submit("/sign-up", &[("email", "ada@example.com"), ("new_password", password)]).await;
    assert_eq!((ada.path.as_str(), ada.page.status.as_u16()), ("/sign-up/done", 200));
    ada.sees("Check your email");
    let fields = [("name", "ada@example.com"), ("password", password)];
    ada.open("/sign-in").await;
    ada.submit("/sign-in", &fields).await;
    assert_eq!(ada.page.status, 401, "the address is not verified");
    let token = token_in(&app.mails().await, "/verify-email?token=");
    ada.open(&format!("/verify-email?token={token}")).await;
    ada.submit("/verify-email", &[]).await;
    ada.sees("Email address verified");
    ada.open("/sign-in").await;
    ada.submit("/sign-in", &fields).await;
    assert_eq!((ada.path.as_str(), ada.page.status.as_u16()), ("/account", 200));
    ada.sees("ada@example.com");
    ada.open("/sign-in").await;
    ada.sees("You are signed in as ada@example.com.");
    ada.submit("/sign-in/continue", &[]).await;
    assert_eq!(ada.path, "/account");
    ada.submit("/sign-out", &[]).await;
    ada.sees("You are signed out.");
    ada.open("/account").await;
    assert_eq!(ada.path, "/sign-in");
    assert_eq!(ada.redirects, ["/sign-in?return_to=%2Faccount"]);
    ada.open("/sign-in").await;
    assert!(!ada.page.text.contains("signed out"), "a notice is shown once");
}

#[tokio::test]
async fn an_account_that_needs_no_verified_address_is_used_at_once() {
    let set = [
        ("signup.verify_email", "false"),
        ("signup.reveal_existing", "true"),
        ("signup.logs_in", "true"),
        ("signup.require", "username,firstName"),
    ];
    let app = app_with("standard", &set).await;
    let mut ada = Visitor::at(&app, "/sign-up").await;
    let mut fields = vec![
        ("email", "ada@example.com"),
        ("username", "ada"),
        ("first_name", ""),
        ("new_password", PASSWORD),
    ];
    ada.submit("/sign-up", &fields).await;
    assert_eq!(ada.page.status, 400);
    ada.sees("id=\"first_name-reason\"");
    ada.sees("aria-describedby=\"first_name-reason \" autofocus");
    fields[2].1 = "Ada";
    ada.submit("/sign-up", &fields).await;
    assert_eq!(ada.path, "/account", "{}", ada.page.text);
    let mut bob = Visitor::at(&app, "/sign-up").await;
    bob.submit("/sign-up", &fields).await;
    assert_eq!(bob.page.status, 409);
    bob.sees("There is an account with this email address already.");
    bob.sees("value=\"ada@example.com\"");
    let mut again = Visitor::at(&app, "/sign-in").await;
    again.submit("/sign-in", &[("name", "ada"), ("password", PASSWORD)]).await;
    assert_eq!(again.path, "/account", "a user name works too");
}

#[tokio::test]
async fn a_refused_form_says_why_beside_the_field_and_keeps_what_was_typed() {
    let app = app().await;
    let mut ada = Visitor::at(&app, "/sign-up").await;
    let fields = [("email", "not an address"), ("new_password", "short")];
    ada.submit("/sign-up", &fields).await;
    assert_eq!(ada.page.status, 400);
    ada.sees("value=\"not an address\"");
    ada.sees("<p class=\"reasons\" id=\"email-reason\">");
    assert!(!ada.page.text.contains("value=\"short\""), "a password is never shown again");
    let fields = [("email", "ada@example.com"), ("new_password", "short")];
    ada.submit("/sign-up", &fields).await;
    ada.sees("Password must be at least 12 characters");
    ada.sees("aria-describedby=\"new_password-reason new_password-hint\" autofocus");
    ada.open("/sign-in").await;
    ada.submit("/sign-in", &[("name", "ada@example.com"), ("password", "")]).await;
    assert_eq!(ada.page.status, 400);
    ada.sees("id=\"password-reason\"");
    ada.submit("/sign-in", &[("name", "ada@example.com"), ("password", "wrong")]).await;
    assert_eq!(ada.page.status, 401);
    ada.sees("value=\"ada@example.com\"");
    for field in [
        "name=\"name\" type=\"text\"",
        "autocomplete=\"username webauthn\"",
        "autocomplete=\"current-password\"",
    ] {
        ada.sees(field);
    }
}

#[tokio::test]
async fn a_second_factor_is_asked_for_before_there_is_a_session() {
    let app = app().await;
    let mut ada = Visitor::owner(&app, "ada").await;
    let phone = turn_on_second_step(&app, &mut ada).await;
    app.turn_clock(std::time::Duration::from_mins(1));
    let mut other = Visitor::at(&app, "/sign-in?return_to=/account/sessions").await;
    other.sign_in("ada", PASSWORD).await;
    assert_eq!(other.redirects, ["/sign-in/factor?return_to=%2Faccount%2Fsessions"]);
    assert!(!other.cookies.contains_key("authd"), "{:?}", other.cookies);
    let pending = other.cookies["authd-login"].clone();
    assert!(!other.page.text.contains(&pending), "the pending login is only in the cookie");
    other.sees("autocomplete=\"one-time-code\"");
    other.submit("/sign-in/factor", &[("code", "")]).await;
    assert_eq!(other.page.status, 400);
    other.submit("/sign-in/factor", &[("code", "000000")]).await;
    assert_eq!(other.page.status, 400);
    other.sees("This code is not right.");
    other.submit("/sign-in/factor", &[("code", &phone.code(&app))]).await;
    assert_eq!(other.path, "/account/sessions");
    assert!(!other.cookies.contains_key("authd-login"));
    let mut late = Visitor::at(&app, "/sign-in").await;
    late.sign_in("ada", PASSWORD).await;
    app.turn_clock(std::time::Duration::from_mins(6));
    late.submit("/sign-in/factor", &[("code", &phone.code(&app))]).await;
    assert_eq!(late.path, "/sign-in");
    late.sees("This sign-in took too long");
    late.open("/sign-in/factor").await;
    assert_eq!(late.path, "/sign-in", "nothing is pending");
}

#[tokio::test]
async fn a_code_that_is_mailed_can_be_sent_again() {
    let app = app_with("standard", &[("login.otp", "email")]).await;
    app.join("ada").await;
    let mut ada = Visitor::at(&app, "/sign-in").await;
    ada.sign_in("ada", PASSWORD).await;
    ada.sees("Type the code that we have sent to your email address.");
    app.mails().await;
    ada.submit("/sign-in/factor/send", &[("method", "email")]).await;
    ada.sees("We have sent a new code.");
    let mails = app.mails().await;
    let code: String = mails[0]
        .text
        .split(|c: char| !c.is_ascii_digit())
        .find(|word| word.len() == 6)
        .unwrap()
        .into();
    ada.submit("/sign-in/factor", &[("code", &code)]).await;
    assert_eq!(ada.path, "/account", "{}", ada.page.text);
}

#[tokio::test]
async fn a_login_leads_to_a_listed_app_which_then_refreshes_by_its_cookie() {
    let set = [("pages.return_to", "https://app.example.com/in?x=1,myapp://in")];
    let app = app_with("standard", &set).await;
    app.join("ada").await;
    for target in ["https://app.example.com/in?x=1", "myapp://in"] {
        let place = format!("/sign-in?return_to={}", authd::model::percent::encode(target));
        let mut ada = Visitor::at(&app, &place).await;
        let form = ada.form(
            "/sign-in",
            &[("name", "ada@example.com"), ("password", PASSWORD), ("remember", "yes")],
        );
        let answer = ada.send(poem::http::Method::POST, "/sign-in", Some(form)).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (303, target));
        let policy = ada.page.header("content-security-policy");
        let allowed = "form-action 'self' https://app.example.com myapp:;";
        assert!(policy.contains(allowed), "{policy}");
        let cookies: Vec<_> = answer.headers.get_all("set-cookie").iter().collect();
        let refresh = cookies
            .iter()
            .find_map(|line| line.to_str().unwrap().strip_prefix("refreshToken="))
            .unwrap();
        assert!(refresh.contains("Path=/v1/auth; HttpOnly; SameSite=Strict"), "{refresh}");
        let cookie = format!("refreshToken={}", refresh.split(';').next().unwrap());
        let call = app.post("/v1/auth/refresh", &json!({})).header("cookie", &cookie);
        call.ok(200).await;
    }
    let access = app.login("ada", PASSWORD).await.tokens().access;
    let listed = app.get("/v1/users/me/sessions").bearer(&access).ok(200).await;
    let count = listed.body["data"].as_array().unwrap().len();
    assert_eq!(count, 3, "the cookies of the page and of the app are one session");
}

#[tokio::test]
async fn signing_in_as_another_person_ends_the_session_before() {
    let app = app().await;
    app.join("bob").await;
    let mut browser = Visitor::owner(&app, "ada").await;
    let before = browser.cookies["authd"].clone();
    browser.open("/sign-in?again").await;
    browser.sign_in("bob", PASSWORD).await;
    browser.sees("bob@example.com");
    assert_ne!(browser.cookies["authd"], before, "the secret is never kept over a login");
    browser.cookies.insert("authd".into(), before);
    browser.open("/account").await;
    assert_eq!(browser.path, "/sign-in");
}

#[tokio::test]
async fn a_documents_profile_has_the_pages_only_if_they_are_switched_on() {
    for profile in ["siteworks", "jobpath", "jobpsych", "authbackend", "perfect21"] {
        let app = app_with(profile, &[]).await;
        for path in ["/sign-in", "/sign-up", "/account"] {
            let answer = app.get(path).send().await;
            let is_page = answer.text.contains("<form");
            assert!(!is_page, "{profile} {path}: {}", answer.text);
        }
    }
    let app = app_with("siteworks", &[("pages.enabled", "true")]).await;
    let opened = app.get("/sign-in").send().await;
    assert_eq!(opened.status, 200);
    assert!(opened.text.contains("autocomplete=\"current-password\""));
    let required = app_with("standard", &[("apps.required", "true")]).await;
    assert_eq!(required.get("/sign-in").send().await.status, 404, "no browser sends app headers");
}
