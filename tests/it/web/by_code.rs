//! The page that logs in with a mailed code, without JavaScript.

use std::time::Duration;

use authd::mail::Mail;

use crate::support::{App, PASSWORD, UNLIMITED, app, app_with, unlimited_but};
use crate::web::account::turn_on_second_step;
use crate::web::visitor::Visitor;

const ON: (&str, &str) = ("login.passwordless", "true");
const SEND: &str = "/sign-in/code/send";
const CODE: &str = "/sign-in/code";

/// The code of a letter.
pub fn code_in(mail: &Mail) -> String {
    let mut words = mail.text.split(|c: char| !c.is_ascii_digit());
    words.find(|word| word.len() == 6).unwrap_or_else(|| panic!("{}", mail.text)).to_owned()
}

/// Asks for a code; returns what was mailed.
async fn ask(app: &App, visitor: &mut Visitor<'_>, email: &str) -> Vec<Mail> {
    visitor.open(CODE).await;
    visitor.submit(SEND, &[("email", email)]).await;
    app.mails().await
}

#[tokio::test]
async fn an_account_is_entered_with_a_mailed_code() {
    let app = app_with("standard", &[ON, ("pages.return_to", "https://app.example.com/in")]).await;
    app.join("ada").await;
    let mut ada = Visitor::at(&app, "/sign-in?return_to=/account/sessions").await;
    ada.sees("<a class=\"button plain\" href=\"/sign-in/code?return_to=%2Faccount%2Fsessions\">");
    ada.open("/sign-in/code?return_to=/account/sessions").await;
    ada.sees("autocomplete=\"username\"");
    ada.submit(SEND, &[("email", "no address")]).await;
    assert_eq!(ada.page.status, 400);
    ada.sees("id=\"email-reason\"");
    ada.sees("value=\"no address\"");
    ada.submit(SEND, &[("email", "ada@example.com")]).await;
    assert_eq!(ada.page.status, 200);
    ada.sees("If there is an account with the address ada@example.com, we have sent it a code.");
    ada.sees("autocomplete=\"one-time-code\"");
    let code = code_in(&app.mails().await[0]);
    ada.submit(CODE, &[("code", "")]).await;
    assert_eq!(ada.page.status, 400);
    let wrong = if code == "000000" { "000001" } else { "000000" };
    ada.submit(CODE, &[("code", wrong)]).await;
    assert_eq!(ada.page.status, 400);
    ada.sees("This code is not right.");
    ada.sees("id=\"code-reason\"");
    assert!(!ada.page.text.contains(" checked"), "what was chosen is kept");
    ada.submit(CODE, &[("code", &code), ("remember", "yes")]).await;
    assert_eq!(ada.path, "/account/sessions", "{}", ada.page.text);
    ada.submit("/sign-out", &[]).await;
    let again = ask(&app, &mut ada, "ada@example.com").await;
    ada.submit(CODE, &[("code", &code)]).await;
    assert_eq!(ada.page.status, 400, "a code works once");
    let new = code_in(&again[0]);
    app.turn_clock(Duration::from_hours(1));
    ada.submit(CODE, &[("code", &new)]).await;
    assert_eq!(ada.page.status, 400, "and not for long");
}

#[tokio::test]
async fn the_page_says_nothing_about_which_accounts_exist() {
    let app = app_with("standard", &[&UNLIMITED[..], &[ON]].concat()).await;
    app.join("ada").await;
    app.register("bob").await;
    app.mails().await;
    let mut seen = Vec::new();
    for name in ["ada", "bob", "cyd"] {
        let email = format!("{name}@example.com");
        let mut visitor = Visitor::at(&app, CODE).await;
        let mut pages = Vec::new();
        for (action, fields) in
            [(SEND, ("email", email.as_str())), (CODE, ("code", "12345")), (SEND, ("x", "y"))]
        {
            visitor.submit(action, &[fields]).await;
            let page = visitor.page.text.replace(name, "NAME");
            let token = visitor.form(SEND, &[]);
            let token = token.split('&').next().unwrap().strip_prefix("form=").unwrap();
            pages.push((visitor.page.status, page.replace(token, "TOKEN")));
        }
        seen.push(pages);
    }
    assert_eq!(seen[0], seen[2]);
    assert_eq!(seen[1], seen[2]);
    let to: Vec<_> = app.mails().await.iter().map(|mail| mail.to.clone()).collect();
    assert!(!to.iter().any(|to| to.contains("cyd")), "{to:?}");
}

#[tokio::test]
async fn a_second_factor_is_asked_for_after_the_code_too() {
    let app = app_with("standard", &[&UNLIMITED[..], &[ON]].concat()).await;
    let mut ada = Visitor::owner(&app, "ada").await;
    let phone = turn_on_second_step(&app, &mut ada).await;
    app.mails().await;
    app.turn_clock(Duration::from_mins(1));
    let mut other = Visitor::at(&app, CODE).await;
    let code = code_in(&ask(&app, &mut other, "ada@example.com").await[0]);
    other.submit(CODE, &[("code", &code)]).await;
    assert_eq!(other.path, "/sign-in/factor");
    assert!(!other.cookies.contains_key("authd"), "{:?}", other.cookies);
    other.submit("/sign-in/factor", &[("code", &phone.code(&app))]).await;
    assert_eq!(other.path, "/account");
}

#[tokio::test]
async fn guesses_and_requests_are_limited_as_on_the_api() {
    let few = [("limits.code.count", "2"), ON];
    let app = app_with("standard", &unlimited_but(&few)).await;
    app.join("ada").await;
    let mut eve = Visitor::at(&app, CODE).await;
    ask(&app, &mut eve, "ada@example.com").await;
    let mut statuses = Vec::new();
    for _ in 0..3 {
        eve.submit(CODE, &[("code", "12345")]).await;
        statuses.push(eve.page.status.as_u16());
    }
    assert_eq!(statuses, [400, 400, 429][..]);
    eve.sees("Too many attempts. Please wait a moment, then try again.");
    assert!(!eve.page.header("retry-after").is_empty());
}

#[tokio::test]
async fn there_is_no_such_page_where_the_policy_does_not_allow_it() {
    let app = app().await;
    app.join("ada").await;
    let mut ada = Visitor::at(&app, "/sign-in").await;
    assert!(!ada.page.text.contains(CODE), "{}", ada.page.text);
    let form = ada.form("/sign-in", &[("email", "ada@example.com"), ("code", "123456")]);
    for path in [SEND, CODE] {
        let answer = ada.send(poem::http::Method::POST, path, Some(form.clone())).await;
        assert_eq!(answer.status, 404, "{path}");
    }
    ada.open(CODE).await;
    assert_eq!(ada.page.status, 404);
    assert!(app.mails().await.is_empty());
    ada.open("/sign-in").await;
    ada.sign_in("ada", PASSWORD).await;
    assert_eq!(ada.path, "/account");
}

#[tokio::test]
async fn an_owner_without_password_proves_by_a_new_code_who_they_are() {
    let app = app_with("standard", &[&UNLIMITED[..], &[ON]].concat()).await;
    let mut ada = Visitor::owner(&app, "ada").await;
    app.database().tamper("update accounts set password_hash = null");
    app.turn_clock(Duration::from_mins(16));
    ada.open("/account/email").await;
    ada.sees("This needs a sign-in of the last 15 minutes.");
    ada.sees("href=\"/sign-in/code?return_to=%2Faccount%2Femail\"");
    let before = ada.cookies["authd"].clone();
    ada.open("/sign-in/code?return_to=%2Faccount%2Femail").await;
    ada.sees("value=\"ada@example.com\"");
    ada.submit(SEND, &[("email", "ada@example.com")]).await;
    let code = code_in(&app.mails().await[0]);
    ada.submit(CODE, &[("code", &code)]).await;
    assert_eq!(ada.path, "/account/email");
    assert_ne!(ada.cookies["authd"], before);
    ada.submit("/account/email", &[("new_email", "new@example.org")]).await;
    ada.sees("If the new address can be used, we have sent a link to it.");
    ada.open("/account/sessions").await;
    assert_eq!(ada.page.text.matches("this device").count(), 1);
    assert_eq!(ada.page.text.matches("action=\"/account/sessions/end\"").count(), 1, "one ended");
}
