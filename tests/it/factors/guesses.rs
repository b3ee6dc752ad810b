//! Wrong second factors in a row, over any period: the owner is told, and in the end only client IPs
//! that have logged in may go on.

use std::time::Duration;

use authd::identity::By;
use authd::identity::admin::accounts;
use poem::http::Method;
use serde_json::json;

use super::{Phone, guarded, refused, verify, waiting};
use crate::support::{Answer, App, PASSWORD, UNLIMITED, app_with, token_in};

const STRANGER: &str = "198.51.100.9";

/// Logs in with the password from this client IP; returns the token of the pending login.
async fn pending(app: &App, from: &str) -> String {
    let login = json!({ "email": "ada@example.com", "password": PASSWORD });
    waiting(&app.post("/v1/auth/login", &login).from(from).send().await)
}

async fn show(app: &App, from: &str, code: &str) -> Answer {
    let token = pending(app, from).await;
    let body = json!({ "code": code });
    app.post("/v1/auth/mfa/verify", &body).bearer(&token).from(from).send().await
}

/// A code that is wrong in this step and the ones beside it.
fn wrong(app: &App, phone: &Phone) -> &'static str {
    let right: Vec<_> = (0..3).map(|ago| phone.code(app, ago)).collect();
    ["000000", "111111", "222222", "333333"]
        .into_iter()
        .find(|code| !right.contains(&(*code).to_owned()))
        .unwrap()
}

/// Sends wrong codes from somewhere unknown, as fast as the day's budget allows.
async fn guess(app: &App, phone: &Phone, times: usize) {
    let mut left = times;
    while left > 0 {
        let answer = show(app, STRANGER, wrong(app, phone)).await;
        if answer.status == 429 {
            app.turn_clock(Duration::from_hours(25));
        } else {
            assert_eq!(refused(&answer), (400, "INVALID_MFA_CODE"), "{left}: {}", answer.text);
            left -= 1;
        }
    }
}

fn subjects(mails: &[authd::mail::Mail]) -> Vec<&str> {
    let warnings = mails.iter().filter(|mail| mail.subject.contains("Wrong codes"));
    warnings.map(|mail| mail.to.as_str()).collect()
}

#[tokio::test]
async fn after_a_hundred_wrong_codes_in_a_row_only_known_client_ips_may_go_on() {
    let app = app_with("standard", &UNLIMITED).await;
    let (_, phone) = guarded(&app, "ada").await;
    app.mails().await;
    guess(&app, &phone, 9).await;
    assert_eq!(subjects(&app.mails().await).len(), 0);
    guess(&app, &phone, 1).await;
    let mails = app.mails().await;
    assert_eq!(subjects(&mails), ["ada@example.com"], "told after the tenth");
    guess(&app, &phone, 90).await;
    assert_eq!(subjects(&app.mails().await).len(), 0);
    assert_eq!(app.audit().await.iter().filter(|line| *line == "factor_closed done").count(), 1);

    app.turn_clock(Duration::from_hours(24 * 80));
    for _ in 0..3 {
        let right = show(&app, STRANGER, &phone.code(&app, 0)).await;
        assert_eq!(refused(&right), (429, "AUTH_RATE_LIMIT_EXCEEDED"), "{}", right.text);
        assert_eq!(right.header("retry-after"), "", "time alone opens nothing");
    }
    let mails = app.mails().await;
    assert_eq!(subjects(&mails), ["ada@example.com"], "once a day");
    let open = token_in(&mails, "open-login?token=");

    assert_eq!(show(&app, "192.0.2.1", wrong(&app, &phone)).await.status, 400, "a known one");
    assert_eq!(show(&app, STRANGER, &phone.code(&app, 0)).await.status, 429);
    let form = app.call(Method::POST, "/v1/open-login").header("sec-fetch-site", "same-origin");
    let form = form.body("application/x-www-form-urlencoded", format!("token={open}"));
    assert_eq!(form.from("203.0.113.5").send().await.status, 200);
    let entered = show(&app, "203.0.113.5", &phone.code(&app, 0)).await;
    assert_eq!(entered.status, 200, "{}", entered.text);
    app.turn_clock(super::STEP);
    let entered = show(&app, STRANGER, &phone.code(&app, 0)).await;
    assert_eq!(entered.status, 200, "a right code ends the row: {}", entered.text);
}

#[tokio::test]
async fn after_a_new_password_the_owner_gets_another_link() {
    let app = app_with("standard", &UNLIMITED).await;
    let (_, phone) = guarded(&app, "ada").await;
    guess(&app, &phone, 100).await;
    app.turn_clock(Duration::from_hours(25));
    assert_eq!(show(&app, STRANGER, wrong(&app, &phone)).await.status, 429);
    app.mails().await;
    let address = json!({ "email": "ada@example.com" });
    app.post("/v1/auth/forgot-password", &address).ok(200).await;
    let token = token_in(&app.mails().await, "reset-password?token=");
    let new = "another long enough passphrase";
    let reset = json!({ "token": token, "newPassword": new });
    app.post("/v1/auth/reset-password", &reset).ok(200).await;
    app.mails().await;

    let login = json!({ "email": "ada@example.com", "password": new });
    let enter = async |from: &str| {
        let token = waiting(&app.post("/v1/auth/login", &login).from(from).send().await);
        let code = json!({ "code": phone.code(&app, 0) });
        app.post("/v1/auth/mfa/verify", &code).bearer(&token).from(from).send().await
    };
    assert_eq!(enter("203.0.113.5").await.status, 429);
    let open = token_in(&app.mails().await, "open-login?token=");
    let form = app.call(Method::POST, "/v1/open-login").header("sec-fetch-site", "same-origin");
    let form = form.body("application/x-www-form-urlencoded", format!("token={open}"));
    assert_eq!(form.from("203.0.113.5").send().await.status, 200);
    let entered = enter("203.0.113.5").await;
    assert_eq!(entered.status, 200, "{}", entered.text);
}

#[tokio::test]
async fn an_administrator_lets_every_client_ip_submit_codes_again() {
    let app = app_with("standard", &UNLIMITED).await;
    let (_, phone) = guarded(&app, "ada").await;
    guess(&app, &phone, 100).await;
    assert_eq!(show(&app, STRANGER, &phone.code(&app, 0)).await.status, 429);
    accounts::reinstate(&app.core, &By::command_line(), "ada@example.com").await.unwrap();
    assert_eq!(show(&app, STRANGER, &phone.code(&app, 0)).await.status, 200);
}

#[tokio::test]
async fn strangers_who_know_the_password_leave_the_owner_s_codes_alone() {
    let limits = UNLIMITED.into_iter().filter(|(limit, _)| *limit != "limits.factor_account");
    let app = app_with("standard", &limits.collect::<Vec<_>>()).await;
    let (tokens, phone) = guarded(&app, "ada").await;
    app.turn_clock(super::STEP);
    for n in 0..20 {
        let answer = show(&app, &format!("198.51.100.{n}"), wrong(&app, &phone)).await;
        assert_eq!(answer.status, if n < 10 { 400 } else { 429 }, "together: {}", answer.text);
    }
    let own = show(&app, "192.0.2.1", &phone.code(&app, 0)).await;
    assert_eq!(own.status, 200, "{}", own.text);
    app.turn_clock(super::STEP);
    let renewed = json!({ "code": phone.code(&app, 0) });
    let renewed = app.post("/v1/auth/reauthenticate", &renewed).bearer(&tokens.access);
    assert_eq!(renewed.send().await.status, 200);
}

#[tokio::test]
async fn a_known_client_ip_has_twenty_attempts_a_day_and_strangers_fifty_together() {
    let app = app_with("standard", &UNLIMITED).await;
    let (_, phone) = guarded(&app, "ada").await;
    for n in 0..60 {
        let answer = show(&app, &format!("198.51.100.{n}"), wrong(&app, &phone)).await;
        assert_eq!(answer.status, if n < 50 { 400 } else { 429 }, "{n}: {}", answer.text);
    }
    for n in 0..25 {
        let answer = show(&app, "192.0.2.1", wrong(&app, &phone)).await;
        assert_eq!(answer.status, if n < 20 { 400 } else { 429 }, "{n}: {}", answer.text);
    }
    app.turn_clock(Duration::from_hours(24));
    assert_eq!(show(&app, "192.0.2.1", &phone.code(&app, 0)).await.status, 200);
}

#[tokio::test]
async fn confirming_a_new_factor_does_not_end_a_row() {
    let app = app_with("standard", &UNLIMITED).await;
    let (tokens, phone) = guarded(&app, "ada").await;
    let second = super::set_up(&app, &tokens.access).await;
    guess(&app, &phone, 50).await;
    let confirmed = verify(&app, &tokens.access, &second.code(&app, 0)).await;
    assert_eq!(confirmed.body["message"], "MFA verified successfully", "{}", confirmed.text);
    guess(&app, &phone, 50).await;
    assert_eq!(show(&app, STRANGER, &phone.code(&app, 0)).await.status, 429);
}
