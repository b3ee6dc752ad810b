//! An attacker knows the password and is logged in: how the owner, who reads the mail, recovers the
//! account.

use authd::mail::Mail;
use poem::http::Method;
use serde_json::json;

use crate::support::{Answer, App, PASSWORD, app, token_in};

const NEW: &str = "N3w!correct horse-staple";
const LETTER: &str = "Choose a new password for authd";

async fn reset(app: &App, token: &str) -> Answer {
    app.post("/v1/auth/reset-password", &json!({ "token": token, "newPassword": NEW })).send().await
}

async fn undo(app: &App, token: &str) -> Answer {
    app.post("/v1/auth/undo-email", &json!({ "token": token })).send().await
}

async fn ask_for(app: &App, access: &str, email: &str) -> Vec<Mail> {
    let body = json!({ "newEmail": email });
    assert_eq!(app.post("/v1/users/me/email", &body).bearer(access).send().await.status, 200);
    app.mails().await
}

/// The rescue undoes everything the attacker did, and its letter lets the owner in again.
async fn assert_rescued(app: &App, thief: &str) {
    let wrong = app.login("ada", "another wrong password").await;
    let known = app.login("ada", PASSWORD).await;
    assert_eq!(
        (known.status.as_u16(), known.body["error"].clone()),
        (401, wrong.body["error"].clone())
    );
    assert_eq!(app.get("/v1/users/me").bearer(thief).send().await.code(), "TOKEN_REVOKED");
    let mails = app.mails().await;
    let letters: Vec<_> = mails.iter().filter(|mail| mail.subject == LETTER).collect();
    assert!(letters.len() == 1 && letters[0].to == "ada@example.com", "{mails:?}");
    assert_eq!(reset(app, &token_in(&mails, "/v1/reset-password?token=")).await.status, 200);
    assert_eq!(app.login("ada", PASSWORD).await.status, 401);
    assert_eq!(app.login("ada", NEW).await.status, 200);
}

#[tokio::test]
async fn a_change_of_address_that_is_undone_before_its_proof_takes_the_password_from_who_asked_for_it()
 {
    let app = app().await;
    let thief = app.enter("ada").await.access;
    let token =
        token_in(&ask_for(&app, &thief, "thief@example.org").await, "/v1/undo-email?token=");
    assert_eq!(undo(&app, &token).await.status, 200);
    assert_rescued(&app, &thief).await;
}

#[tokio::test]
async fn an_address_that_is_taken_back_brings_the_account_along() {
    let app = app().await;
    let thief = app.enter("ada").await.access;
    let mails = ask_for(&app, &thief, "thief@example.org").await;
    let confirm = json!({ "token": token_in(&mails, "/v1/confirm-email?token=") });
    assert_eq!(app.post("/v1/auth/confirm-email", &confirm).send().await.status, 200);
    // A link that the attacker's mailbox received is worthless afterwards.
    app.post("/v1/auth/forgot-password", &json!({ "email": "thief@example.org" })).send().await;
    let kept = token_in(&app.mails().await, "/v1/reset-password?token=");
    assert_eq!(undo(&app, &token_in(&mails, "/v1/undo-email?token=")).await.status, 200);
    assert_eq!(reset(&app, &kept).await.status, 404);
    assert_rescued(&app, &thief).await;
}

#[tokio::test]
async fn using_up_the_mail_to_an_address_does_not_hold_back_its_owners_link() {
    let app = app().await;
    let thief = app.enter("ada").await.access;
    let token =
        token_in(&ask_for(&app, &thief, "thief@example.org").await, "/v1/undo-email?token=");
    for _ in 0..8 {
        app.post("/v1/auth/forgot-password", &json!({ "email": "ada@example.com" })).send().await;
    }
    let kept = token_in(&app.mails().await, "/v1/reset-password?token=");
    assert_eq!(undo(&app, &token).await.status, 200);
    assert_eq!(reset(&app, &kept).await.status, 404, "what was mailed before is void");
    assert_rescued(&app, &thief).await;
}

#[tokio::test]
async fn a_login_that_its_owner_disowns_ends_the_password_and_every_session() {
    let app = app().await;
    let old = app.enter("ada").await.access;
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    app.post("/v1/auth/login", &body).from("203.0.113.8").send().await;
    let other = token_in(&app.mails().await, "/v1/not-me?token=");
    let thief = app.post("/v1/auth/login", &body).from("203.0.113.9").send().await.tokens().access;
    let token = token_in(&app.mails().await, "/v1/not-me?token=");
    let press = |token: String| {
        let form = format!("token={token}");
        app.call(Method::POST, "/v1/not-me").body("application/x-www-form-urlencoded", form).send()
    };
    assert_eq!(press(token).await.status, 200);
    assert_eq!(app.get("/v1/users/me").bearer(&old).send().await.code(), "TOKEN_REVOKED");
    assert_rescued(&app, &thief).await;
    assert_eq!(
        press(other).await.status,
        404,
        "that login is over too: an old mail ends no new password"
    );
    assert_eq!(app.login("ada", NEW).await.status, 200);
}

/// The attacker logs in as ada from another place and changes the account's address. Returns the
/// link of the mail that reported the login to ada, and the attacker's token.
async fn stolen(app: &App) -> (String, String) {
    app.enter("ada").await;
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    let thief = app.post("/v1/auth/login", &body).from("203.0.113.9").send().await.tokens().access;
    let alarm = token_in(&app.mails().await, "/v1/not-me?token=");
    let confirm =
        token_in(&ask_for(app, &thief, "thief@example.org").await, "/v1/confirm-email?token=");
    let confirmed = app.post("/v1/auth/confirm-email", &json!({ "token": confirm })).send().await;
    assert_eq!(confirmed.status, 200, "{}", confirmed.text);
    app.mails().await;
    (alarm, thief)
}

async fn disown(app: &App, token: &str) -> Answer {
    let form = format!("token={token}");
    app.call(Method::POST, "/v1/not-me")
        .body("application/x-www-form-urlencoded", form)
        .send()
        .await
}

#[tokio::test]
async fn a_disowned_login_that_has_changed_the_address_since_gives_it_back_and_tells_the_thief_nothing()
 {
    let app = app().await;
    let (alarm, thief) = stolen(&app).await;
    assert_eq!(disown(&app, &alarm).await.status, 200);
    assert_rescued(&app, &thief).await;
    let audit = app.audit().await;
    for line in ["login_disowned done", "email_change_undone done"] {
        assert_eq!(audit.iter().filter(|found| *found == line).count(), 1, "{line}: {audit:?}");
    }
}

#[tokio::test]
async fn a_disowned_login_whose_address_cannot_be_restored_mails_no_link() {
    let app = app().await;
    let (alarm, thief) = stolen(&app).await;
    app.database().tamper("delete from links where purpose = 'undo_email'");
    assert_eq!(disown(&app, &alarm).await.status, 404);
    assert_eq!(app.mails().await.len(), 0);
    assert_eq!(
        app.get("/v1/users/me").bearer(&thief).send().await.status,
        200,
        "nothing was changed"
    );
}

#[tokio::test]
async fn a_login_whose_password_was_right_a_moment_before_the_rescue_gives_no_session() {
    use authd::identity::login::gate::NewSession;
    use authd::identity::login::gate::Proof;
    use authd::identity::login::remember::Remember;
    use authd::model::Source;

    let app = app().await;
    let thief = app.enter("ada").await.access;
    let token =
        token_in(&ask_for(&app, &thief, "thief@example.org").await, "/v1/undo-email?token=");
    let caller = authd::identity::access::caller::authenticate(&app.core, &thief).await.unwrap();
    let source = Source::command_line();
    let new_session =
        NewSession::prepare(&app.core, caller.account, Proof::Password, Remember::Long, &source)
            .await
            .unwrap();
    assert_eq!(undo(&app, &token).await.status, 200);
    assert!(app.core.store.write(move |db| new_session.open(db)).await.is_err());
}
