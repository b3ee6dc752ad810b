//! Password recovery, reauthentication, change of address, account deletion: the calls and their
//! effects.

mod address;
mod leaving;

use std::time::Duration;

use authd::mail::Mail;
use serde_json::{Value, json};

use crate::support::{App, PASSWORD, app, app_with, registration, token_in};

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
const NEW: &str = "N3w!correct horse-staple";

async fn forgot(app: &App, email: &str) {
    let answer = app.post("/v1/auth/forgot-password", &json!({ "email": email })).send().await;
    assert_eq!(
        answer.body,
        json!({ "success": true, "message": "Password reset email sent if account exists" })
    );
    assert_eq!(answer.status, 200);
}

async fn reset_token(app: &App, name: &str) -> String {
    forgot(app, &format!("{name}@example.com")).await;
    token_in(&app.mails().await, "/v1/reset-password?token=")
}

async fn reset(app: &App, token: &str, password: &str) -> crate::support::Answer {
    app.post("/v1/auth/reset-password", &json!({ "token": token, "newPassword": password }))
        .send()
        .await
}

fn kinds(mails: &[Mail]) -> Vec<(&str, &str)> {
    mails.iter().map(|mail| (mail.to.as_str(), mail.subject.as_str())).collect()
}

#[tokio::test]
async fn a_password_reset_ends_every_session() {
    let app = app().await;
    let tokens = app.enter("ada").await;
    let token = reset_token(&app, "ada").await;
    let done = reset(&app, &token, NEW).await;
    assert_eq!(
        done.body,
        json!({ "success": true, "message": "Password reset successfully" }),
        "{}",
        done.text
    );
    assert_eq!(app.get("/v1/users/me").bearer(&tokens.access).send().await.code(), "TOKEN_REVOKED");
    let refreshed =
        app.post("/v1/auth/refresh", &json!({ "refreshToken": tokens.refresh })).send().await;
    assert_eq!(refreshed.code(), "TOKEN_REVOKED");
    assert_eq!(app.login("ada", PASSWORD).await.status, 401);
    assert_eq!(app.login("ada", NEW).await.status, 200);
    let mails = app.mails().await;
    assert_eq!(kinds(&mails), [("ada@example.com", "Your password at authd was changed")]);
    let again = reset(&app, &token, "An0ther!passphrase").await;
    assert_eq!((again.status.as_u16(), again.code()), (404, "INVALID_TOKEN"), "a link works once");
    let audit = app.audit().await;
    for line in
        ["password_reset_requested done", "password_reset done", "session_ended done password"]
    {
        assert_eq!(audit.iter().filter(|entry| *entry == line).count(), 1, "{line} in {audit:?}");
    }
}

#[tokio::test]
async fn a_reset_link_dies_of_age_of_a_newer_one_and_of_a_changed_password() {
    let app = app().await;
    let access = app.enter("ada").await.access;
    let old = reset_token(&app, "ada").await;
    let newer = reset_token(&app, "ada").await;
    assert_eq!(reset(&app, &old, NEW).await.code(), "INVALID_TOKEN");
    app.turn_clock(HOUR);
    let late = reset(&app, &newer, NEW).await;
    assert_eq!((late.status.as_u16(), late.code()), (410, "TOKEN_EXPIRED"));
    assert_eq!(late.body["error"]["message"], "Reset token expired");
    app.turn_clock(HOUR);
    let third = reset_token(&app, "ada").await;
    let access = app.login("ada", PASSWORD).await.tokens().access + &access[..0];
    let change = json!({ "currentPassword": PASSWORD, "newPassword": NEW });
    let changed = app.put("/v1/auth/change-password", &change).bearer(&access).send().await;
    assert_eq!(
        changed.body,
        json!({ "success": true, "message": "Password changed successfully" })
    );
    assert_eq!(reset(&app, &third, "An0ther!passphrase").await.code(), "INVALID_TOKEN");
}

#[tokio::test]
async fn a_reset_without_a_token_says_so_and_a_bad_password_keeps_the_link() {
    let app = app().await;
    app.join("ada").await;
    for body in
        [json!({}), json!({ "newPassword": NEW }), json!({ "token": "", "newPassword": NEW })]
    {
        let answer = app.post("/v1/auth/reset-password", &body).send().await;
        assert_eq!((answer.status.as_u16(), answer.code()), (400, "MISSING_TOKEN"), "{body}");
    }
    let verification = reset(&app, "abc123def456ghi789", NEW).await;
    assert_eq!((verification.status.as_u16(), verification.code()), (404, "INVALID_TOKEN"));
    let token = reset_token(&app, "ada").await;
    let absent = app.post("/v1/auth/reset-password", &json!({ "token": token })).send().await;
    assert_eq!((absent.status.as_u16(), absent.code()), (400, "VALIDATION_ERROR"));
    for bad in ["short", "password1234", "ada@example.com", &"x".repeat(257)] {
        let refused = reset(&app, &token, bad).await;
        assert_eq!((refused.status.as_u16(), refused.code()), (400, "VALIDATION_ERROR"), "{bad}");
        assert_eq!(refused.body["error"]["details"][0]["field"], "newPassword");
    }
    assert_eq!(reset(&app, &token, NEW).await.status, 200);
}

#[tokio::test]
async fn of_many_parallel_uses_of_a_reset_link_one_counts() {
    let app = app().await;
    app.join("ada").await;
    let token = reset_token(&app, "ada").await;
    let passwords: Vec<_> = (0..20).map(|n| format!("{NEW}{n}")).collect();
    let answers = futures_util::future::join_all(
        passwords.iter().map(|password| reset(&app, &token, password)),
    )
    .await;
    let won: Vec<_> =
        answers.iter().zip(&passwords).filter(|(answer, _)| answer.status == 200).collect();
    assert_eq!(won.len(), 1);
    assert!(answers.iter().all(|answer| matches!(answer.status.as_u16(), 200 | 404)));
    assert_eq!(app.login("ada", won[0].1).await.status, 200);
}

#[tokio::test]
async fn forgot_answers_the_same_for_every_address_and_spellings_share_a_mailbox() {
    let app = app().await;
    app.join("ada").await;
    let ask = |email: &'static str| {
        app.post("/v1/auth/forgot-password", &json!({ "email": email })).send()
    };
    let known = ask("ada@example.com").await;
    let unknown = ask("nobody@example.com").await;
    assert_eq!((known.status, &known.text), (unknown.status, &unknown.text));
    let names = |answer: &crate::support::Answer| {
        let mut names: Vec<_> = answer.headers.keys().map(ToString::to_string).collect();
        names.sort();
        names
    };
    assert_eq!(names(&known), names(&unknown));
    let rows = app
        .core
        .store
        .scan(|db| authd::store::tables::outbox::list(db, None, None, 2))
        .await
        .unwrap();
    assert_eq!(rows.len(), 2);
    for row in &rows {
        assert_eq!((row.kind.as_str(), &row.recipient, &row.account_id), ("reset", &None, &None));
    }
    assert_eq!(app.mails().await.len(), 1);
    for email in [
        "ADA@example.com",
        "Ada@Example.COM",
        "aDa@example.com",
        "ada@EXAMPLE.com",
        "ada@example.com",
    ] {
        ask(email).await;
    }
    assert_eq!(
        app.mails().await.len(),
        3,
        "five an hour to a mailbox, the one of the sign-up too, however it is spelt"
    );
    for bad in ["", "ada", "ada@example.com\r\nBcc: x@y.example", "a@x.example, b@x.example"] {
        let refused = ask(bad).await;
        assert_eq!((refused.status.as_u16(), refused.code()), (400, "VALIDATION_ERROR"), "{bad:?}");
    }
}

#[tokio::test]
async fn what_a_limit_on_mail_holds_back_ends_no_link() {
    let app = app().await;
    app.join("ada").await;
    let mut last = String::new();
    for _ in 0..4 {
        last = reset_token(&app, "ada").await;
    }
    forgot(&app, "ada@example.com").await;
    assert!(app.mails().await.is_empty());
    assert_eq!(reset(&app, &last, NEW).await.status, 200);
}

#[tokio::test]
async fn a_client_ip_causes_twenty_letters_an_hour_to_any_addresses() {
    let app = app_with("standard", &[("limits.forgot", "off"), ("limits.sign_up", "off")]).await;
    for n in 0..22 {
        let body = registration(&format!("user{n}"));
        let made =
            app.post("/v1/auth/register", &body).from(&format!("198.51.100.{n}")).send().await;
        assert_eq!(made.status, 201, "{}", made.text);
    }
    assert_eq!(app.mails().await.len(), 22);
    let ask = async |n: u32, from: &str| {
        let body = json!({ "email": format!("user{n}@example.com") });
        let answer = app.post("/v1/auth/forgot-password", &body).from(from).send().await;
        assert_eq!(answer.status, 200, "a held-back mail is not revealed");
        app.mails().await.len()
    };
    for n in 0..22 {
        assert_eq!(ask(n, "192.0.2.9").await, usize::from(n < 20), "{n}");
    }
    assert_eq!(ask(20, "192.0.2.10").await, 1, "from another address");
    app.turn_clock(HOUR);
    assert_eq!(ask(21, "192.0.2.9").await, 1, "an hour later");
}

#[tokio::test]
async fn the_documents_figures_hold_for_forgot_and_reset() {
    let app = app_with("perfect21", &[]).await;
    let ask = |n: u32| {
        app.post("/v1/auth/forgot-password", &json!({ "email": format!("u{n}@example.com") }))
            .send()
    };
    for n in 0..3 {
        assert_eq!(ask(n).await.status, 200);
    }
    let refused = ask(4).await;
    assert_eq!(
        (refused.status.as_u16(), refused.code()),
        (429, "PASSWORD_RESET_RATE_LIMIT_EXCEEDED")
    );
    assert_eq!(refused.header("retry-after"), "3600");
    for _ in 0..3 {
        assert_eq!(reset(&app, "unknown", NEW).await.status, 404);
    }
    let refused = reset(&app, "unknown", NEW).await;
    assert_eq!(
        (refused.status.as_u16(), refused.code()),
        (429, "PASSWORD_RESET_RATE_LIMIT_EXCEEDED")
    );
    app.turn_clock(HOUR);
    assert_eq!(ask(5).await.status, 200);
}

#[tokio::test]
async fn a_password_that_breaks_a_rule_uses_up_no_attempt() {
    let app = app_with("perfect21", &[]).await;
    app.join("ada").await;
    let token = reset_token(&app, "ada").await;
    for _ in 0..5 {
        assert_eq!(reset(&app, &token, "NoSymbol1Here").await.code(), "VALIDATION_ERROR");
    }
    assert_eq!(reset(&app, &token, NEW).await.status, 200);
}

#[tokio::test]
async fn a_reset_proves_the_address_and_what_a_squatter_left_is_void() {
    let app = app_with(
        "standard",
        &[("signup.verify_email", "false"), ("signup.reveal_existing", "true")],
    )
    .await;
    app.register("ada").await;
    let squatter = app.login("ada", PASSWORD).await.tokens();
    let token = reset_token(&app, "ada").await;
    assert_eq!(reset(&app, &token, NEW).await.status, 200);
    assert_eq!(
        app.get("/v1/users/me").bearer(&squatter.access).send().await.code(),
        "TOKEN_REVOKED"
    );
    assert_eq!(app.login("ada", PASSWORD).await.status, 401);
    let owner = app.login("ada", NEW).await.tokens();
    let me = app.get("/v1/users/me").bearer(&owner.access).send().await;
    assert_eq!(me.body["data"]["emailVerified"], true);
    assert!(app.audit().await.contains(&"email_verified done".to_owned()));
}

#[tokio::test]
async fn a_reset_verifies_an_address_that_awaits_its_verification_mail() {
    let app = app().await;
    app.register("ada").await;
    let verification = token_in(&app.mails().await, "verify-email?token=");
    let token = reset_token(&app, "ada").await;
    assert_eq!(reset(&app, &token, NEW).await.status, 200);
    let me = app.login("ada", NEW).await.tokens().access;
    assert_eq!(app.get("/v1/users/me").bearer(&me).send().await.body["data"]["username"], "ada");
    let disown =
        app.post("/v1/auth/verify-email/disown", &json!({ "token": verification })).send().await;
    assert_eq!(disown.status, 404, "links from before the new password are void");
}

#[tokio::test]
async fn a_reset_lifts_the_lockout() {
    let app = app_with("perfect21", &[("limits.sign_in", "off")]).await;
    app.join("ada").await;
    for _ in 0..5 {
        app.login("ada", "Wr0ng!password").await;
    }
    assert_eq!(app.login("ada", PASSWORD).await.status, 423);
    let token = reset_token(&app, "ada").await;
    assert_eq!(reset(&app, &token, NEW).await.status, 200);
    assert_eq!(app.login("ada", NEW).await.status, 200);
}

#[tokio::test]
async fn a_suspended_or_deleted_account_is_not_reached_by_a_reset() {
    let app = app().await;
    app.join("ada").await;
    let token = reset_token(&app, "ada").await;
    let by = authd::identity::By::command_line();
    authd::identity::admin::accounts::suspend(&app.core, &by, "ada@example.com").await.unwrap();
    assert_eq!(reset(&app, &token, NEW).await.code(), "INVALID_TOKEN");
    forgot(&app, "ada@example.com").await;
    assert!(app.mails().await.is_empty());
    assert_eq!(app.login("ada", PASSWORD).await.code(), "ACCOUNT_SUSPENDED", "nothing has changed");
    let by = authd::identity::FreshBy::command_line();
    authd::identity::admin::accounts::delete(&app.core, &by, "ada@example.com").await.unwrap();
    forgot(&app, "ada@example.com").await;
    assert!(app.mails().await.is_empty());
    assert_eq!(reset(&app, &token, NEW).await.code(), "INVALID_TOKEN");
}

#[tokio::test]
async fn a_changed_password_keeps_the_session_that_changed_it_and_ends_the_others() {
    let app = app().await;
    let here = app.enter("ada").await;
    let elsewhere = app.login("ada", PASSWORD).await.tokens();
    let change = json!({ "currentPassword": PASSWORD, "newPassword": NEW });
    let done = app.put("/v1/auth/change-password", &change).bearer(&here.access).send().await;
    assert_eq!(done.status, 200, "{}", done.text);
    assert_eq!(app.get("/v1/users/me").bearer(&here.access).send().await.status, 200);
    assert_eq!(
        app.get("/v1/users/me").bearer(&elsewhere.access).send().await.code(),
        "TOKEN_REVOKED"
    );
    let refreshed =
        app.post("/v1/auth/refresh", &json!({ "refreshToken": here.refresh })).send().await;
    assert_eq!(refreshed.status, 200);
    assert_eq!(app.mails().await.len(), 1);
    assert_eq!(app.login("ada", PASSWORD).await.status, 401);
    assert_eq!(app.login("ada", NEW).await.status, 200);
}

#[tokio::test]
async fn a_wrong_current_password_is_no_401_and_counts_with_those_of_the_login() {
    let app = app_with("perfect21", &[("limits.sign_in", "off")]).await;
    let access = app.enter("ada").await.access;
    let change = |current: &str, new: &str| {
        let body = json!({ "currentPassword": current, "newPassword": new });
        app.put("/v1/auth/change-password", &body).bearer(&access).send()
    };
    let weak = change("Wr0ng!password", "weak").await;
    assert_eq!((weak.status.as_u16(), weak.code()), (400, "VALIDATION_ERROR"));
    for _ in 0..2 {
        let wrong = change("Wr0ng!password", NEW).await;
        assert_eq!((wrong.status.as_u16(), wrong.code()), (400, "INVALID_CREDENTIALS"));
        assert_eq!(wrong.body["error"]["message"], "Current password is incorrect");
        let body = json!({ "password": "Wr0ng!password" });
        let wrong = app.post("/v1/auth/reauthenticate", &body).bearer(&access).send().await;
        assert_eq!((wrong.status.as_u16(), wrong.code()), (400, "INVALID_CREDENTIALS"));
    }
    assert_eq!(app.login("ada", "Wr0ng!password").await.status, 401);
    assert_eq!(change(PASSWORD, NEW).await.status, 423);
    assert_eq!(app.login("ada", PASSWORD).await.status, 423);
    let audit = app.audit().await;
    assert_eq!(
        audit.iter().filter(|line| *line == "password_changed refused wrong_password").count(),
        2
    );
    assert_eq!(audit.iter().filter(|line| *line == "lockout done").count(), 1);
}

#[tokio::test]
async fn of_many_parallel_changes_of_a_password_one_counts() {
    let app = app_with("standard", &[("throttle.enabled", "false")]).await;
    let access = app.enter("ada").await.access;
    let change = |n: u32| {
        let body = json!({ "currentPassword": PASSWORD, "newPassword": format!("{NEW}{n}") });
        app.put("/v1/auth/change-password", &body).bearer(&access).send()
    };
    let answers = futures_util::future::join_all((0..10).map(change)).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    assert!(answers.iter().all(|answer| matches!(answer.status.as_u16(), 200 | 400)));
}

#[tokio::test]
async fn a_proof_is_fresh_for_15_minutes_and_a_refresh_makes_nothing_fresh() {
    let app = app().await;
    let tokens = app.enter("ada").await;
    let export = |access: String| app.get("/v1/users/me/export").bearer(&access).send();
    app.turn_clock(15 * MINUTE);
    let tokens = app
        .post("/v1/auth/refresh", &json!({ "refreshToken": tokens.refresh }))
        .send()
        .await
        .tokens();
    assert_eq!(export(tokens.access.clone()).await.status, 200);
    app.turn_clock(Duration::from_millis(1));
    let tokens = app
        .post("/v1/auth/refresh", &json!({ "refreshToken": tokens.refresh }))
        .send()
        .await
        .tokens();
    let stale = export(tokens.access.clone()).await;
    assert_eq!((stale.status.as_u16(), stale.code()), (403, "REAUTHENTICATION_REQUIRED"));
    for call in [app.call(poem::http::Method::DELETE, "/v1/users/me"), {
        app.post("/v1/users/me/email", &json!({ "newEmail": "new@example.com" }))
    }] {
        assert_eq!(call.bearer(&tokens.access).send().await.code(), "REAUTHENTICATION_REQUIRED");
    }
    let proof = app
        .post("/v1/auth/reauthenticate", &json!({ "password": PASSWORD }))
        .bearer(&tokens.access);
    assert_eq!(
        proof.send().await.body,
        json!({ "success": true, "message": "Authentication renewed" })
    );
    assert_eq!(export(tokens.access).await.status, 200);
    assert!(app.audit().await.contains(&"reauthenticated done".to_owned()));
}
