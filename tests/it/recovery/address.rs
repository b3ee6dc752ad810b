//! The change of an email address: confirmed, undone, expired, or taken by another account.

use super::*;
use crate::compat::WireApp;

async fn ask_for(app: &App, access: &str, email: &str) {
    let answer =
        app.post("/v1/users/me/email", &json!({ "newEmail": email })).bearer(access).send().await;
    let message = "Confirmation email sent to the new address if it can be used";
    assert_eq!(answer.body, json!({ "success": true, "message": message }), "{}", answer.text);
}

async fn use_link(app: &App, call: &str, token: &str) -> (u16, Value) {
    let answer = app.post(&format!("/v1/auth/{call}"), &json!({ "token": token })).send().await;
    (answer.status.as_u16(), answer.body)
}

#[tokio::test]
async fn another_address_is_the_accounts_own_when_it_is_proved() {
    let app = app().await;
    let access = app.enter("ada").await.access;
    ask_for(&app, &access, "Countess@Example.org").await;
    let mails = app.mails().await;
    let to: Vec<_> = mails.iter().map(|mail| mail.to.as_str()).collect();
    assert_eq!(to, ["Countess@example.org", "ada@example.com"]);
    assert!(!mails[1].text.contains("ountess") && !mails[1].html.contains("ountess"));
    let token = token_in(&mails[..1], "/v1/confirm-email?token=");
    assert_eq!(app.login("ada", PASSWORD).await.status, 200, "the one before stays until then");
    let (status, body) = use_link(&app, "confirm-email", &token).await;
    assert_eq!((status, &body["message"]), (200, &json!("Email address changed successfully")));
    assert_eq!(app.login("ada", PASSWORD).await.status, 401);
    let login = json!({ "email": "countess@example.org", "password": PASSWORD });
    assert_eq!(app.post("/v1/auth/login", &login).send().await.status, 200);
    let me = app.get("/v1/users/me").bearer(&access).send().await;
    assert_eq!(me.body["data"]["email"], "Countess@Example.org");
    assert_eq!(use_link(&app, "confirm-email", &token).await.0, 404);
}

#[tokio::test]
async fn the_address_before_undoes_the_change_for_seven_days_and_ends_all_sessions() {
    let app = app().await;
    let thief = app.enter("ada").await;
    ask_for(&app, &thief.access, "thief@example.org").await;
    let mails = app.mails().await;
    let confirm = token_in(&mails, "/v1/confirm-email?token=");
    let undo = token_in(&mails, "/v1/undo-email?token=");
    app.turn_clock(23 * HOUR);
    assert_eq!(use_link(&app, "confirm-email", &confirm).await.0, 200);

    // An attacker cannot disable the undo link with a new password, another change of address, or a
    // sign-up with the old address.
    let thief = app
        .post("/v1/auth/refresh", &json!({ "refreshToken": thief.refresh }))
        .send()
        .await
        .tokens();
    let change = json!({ "currentPassword": PASSWORD, "newPassword": NEW });
    assert_eq!(
        app.put("/v1/auth/change-password", &change).bearer(&thief.access).send().await.status,
        200
    );
    ask_for(&app, &thief.access, "second@example.org").await;
    let further = token_in(&app.mails().await, "/v1/confirm-email?token=");
    assert_eq!(use_link(&app, "confirm-email", &further).await.0, 200);
    let mut squat = registration("squatter");
    squat["email"] = json!("ada@example.com");
    assert_eq!(app.post("/v1/auth/register", &squat).send().await.status, 201);
    assert!(app.mails().await.iter().all(|mail| mail.to != "ada@example.com"));

    app.turn_clock(6 * DAY);
    let (status, body) = use_link(&app, "undo-email", &undo).await;
    assert_eq!((status, &body["message"]), (200, &json!("Change of email address undone")));
    let login = json!({ "email": "second@example.org", "password": NEW });
    assert_eq!(app.post("/v1/auth/login", &login).send().await.status, 401);
    let token = token_in(&app.mails().await, "/v1/reset-password?token=");
    assert_eq!(reset(&app, &token, "Mine!again 4 ever").await.status, 200);
    let me = app.login("ada", "Mine!again 4 ever").await.tokens().access;
    assert_eq!(
        app.get("/v1/users/me").bearer(&me).send().await.body["data"]["email"],
        "ada@example.com"
    );
    assert_eq!(use_link(&app, "undo-email", &undo).await.0, 404);
    assert!(app.audit().await.contains(&"session_ended done email_undone".to_owned()));
}

#[tokio::test]
async fn a_change_is_undone_before_it_is_confirmed_and_not_after_seven_days() {
    let app = app().await;
    let access = app.enter("ada").await.access;
    ask_for(&app, &access, "new@example.org").await;
    let mails = app.mails().await;
    let (confirm, undo) =
        (token_in(&mails, "confirm-email?token="), token_in(&mails, "undo-email?token="));
    assert_eq!(use_link(&app, "undo-email", &undo).await.0, 200);
    assert_eq!(use_link(&app, "confirm-email", &confirm).await.0, 404);
    assert_eq!(app.get("/v1/users/me").bearer(&access).send().await.code(), "TOKEN_REVOKED");

    let token = token_in(&app.mails().await, "/v1/reset-password?token=");
    assert_eq!(reset(&app, &token, NEW).await.status, 200);
    let access = app.login("ada", NEW).await.tokens().access;
    ask_for(&app, &access, "new@example.org").await;
    let mails = app.mails().await;
    let (confirm, undo) =
        (token_in(&mails, "confirm-email?token="), token_in(&mails, "undo-email?token="));
    assert_eq!(use_link(&app, "confirm-email", &confirm).await.0, 200);
    app.turn_clock(7 * DAY);
    let (status, body) = use_link(&app, "undo-email", &undo).await;
    assert_eq!((status, &body["error"]["code"]), (410, &json!("TOKEN_EXPIRED")));
    let mut later = registration("later");
    later["email"] = json!("ada@example.com");
    assert_eq!(app.post("/v1/auth/register", &later).send().await.status, 201);
    assert_eq!(app.mails().await.len(), 1, "the address is free again");
}

#[tokio::test]
async fn a_link_to_a_new_address_dies_of_age_of_a_newer_one_and_serves_nothing_else() {
    let app = app().await;
    let access = app.enter("ada").await.access;
    ask_for(&app, &access, "one@example.org").await;
    let mails = app.mails().await;
    let (first, undo) =
        (token_in(&mails, "confirm-email?token="), token_in(&mails, "undo-email?token="));
    for call in ["verify-email", "undo-email", "verify-email/disown"] {
        assert_eq!(use_link(&app, call, &first).await.0, 404, "{call}");
    }
    assert_eq!(use_link(&app, "confirm-email", &undo).await.0, 404);
    assert_eq!(reset(&app, &first, NEW).await.status, 404);
    ask_for(&app, &access, "two@example.org").await;
    let second = token_in(&app.mails().await, "confirm-email?token=");
    assert_eq!(use_link(&app, "confirm-email", &first).await.0, 404);
    app.turn_clock(DAY);
    assert_eq!(use_link(&app, "confirm-email", &second).await.0, 410);
}

#[tokio::test]
async fn a_taken_address_is_answered_the_same_and_its_owner_gets_a_mail() {
    let app = app().await;
    app.join("bob").await;
    let access = app.enter("ada").await.access;
    ask_for(&app, &access, "BOB@example.com").await;
    let mails = app.mails().await;
    assert_eq!(
        kinds(&mails),
        [
            ("bob@example.com", "Someone tried to use your email at authd"),
            ("ada@example.com", "Your email at authd is being changed"),
        ],
        "the old address hears of it as if the new one were free"
    );
    let own = app
        .post("/v1/users/me/email", &json!({ "newEmail": "ADA@example.com" }))
        .bearer(&access)
        .send()
        .await;
    assert_eq!((own.status.as_u16(), own.code()), (400, "VALIDATION_ERROR"));
}

#[tokio::test]
async fn requests_beyond_the_limit_of_an_account_leave_nothing_to_work_on() {
    let app = app().await;
    let access = app.enter("ada").await.access;
    app.mails().await;
    for number in 0..20 {
        ask_for(&app, &access, &format!("new{number}@example.org")).await;
    }
    let stored = app.database().number("select count(*) from outbox where channel = 'job'");
    assert_eq!(stored, 5);
    let records = app.audit().await;
    let asked = records.iter().filter(|record| record.starts_with("email_change")).count();
    assert_eq!(asked, 5, "{records:?}");
}

#[tokio::test]
async fn an_unverified_address_goes_to_the_person_who_proves_it() {
    let app = app().await;
    app.register("bob").await;
    app.mails().await;
    let access = app.enter("ada").await.access;
    ask_for(&app, &access, "bob@example.com").await;
    let token = token_in(&app.mails().await, "confirm-email?token=");
    assert_eq!(use_link(&app, "confirm-email", &token).await.0, 200);
    let me = app.get("/v1/users/me").bearer(&access).send().await;
    assert_eq!(me.body["data"]["email"], "bob@example.com");
}

#[tokio::test]
async fn an_address_that_was_taken_meanwhile_stays_where_it_is() {
    let app = app().await;
    let access = app.enter("ada").await.access;
    ask_for(&app, &access, "bob@example.com").await;
    let token = token_in(&app.mails().await, "confirm-email?token=");
    app.join("bob").await;
    assert_eq!(use_link(&app, "confirm-email", &token).await.0, 404);
    assert_eq!(app.login("bob", PASSWORD).await.status, 200);
    assert_eq!(app.login("ada", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn a_password_changed_between_question_and_mail_stops_the_change_of_address() {
    let app = app().await;
    let access = app.enter("ada").await.access;
    ask_for(&app, &access, "new@example.org").await;
    let change = json!({ "currentPassword": PASSWORD, "newPassword": NEW });
    assert_eq!(
        app.put("/v1/auth/change-password", &change).bearer(&access).send().await.status,
        200
    );
    let mails = app.mails().await;
    assert_eq!(kinds(&mails), [("ada@example.com", "Your password at authd was changed")]);
}

/// Where accounts are used before their address is proved, a squatter can leave with the account and
/// keep nothing behind.
#[tokio::test]
async fn an_address_that_an_account_leaves_without_having_proved_it_is_free_at_once() {
    for (profile, is_proved) in
        [("siteworks", false), ("jobpath", false), ("siteworks", true), ("jobpath", true)]
    {
        let wire = WireApp::without_limits(profile).await;
        let first = wire.join_and_enter("ada@example.com").await;
        if is_proved {
            wire.app.database().tamper("update accounts set email_verified_at = 1");
        }
        wire.app.mails().await;
        ask_for(&wire.app, &first.access, "elsewhere@example.org").await;
        let mails = wire.app.mails().await;
        let (confirm, undo) =
            (token_in(&mails, "confirm-email?token="), token_in(&mails, "undo-email?token="));
        assert_eq!(use_link(&wire.app, "confirm-email", &confirm).await.0, 200);
        let owner = wire.sign_up("ada@example.com").send().await;
        assert_eq!(owner.status.is_success(), !is_proved, "{profile}: {}", owner.text);
        let moves = wire.join_and_enter("bob@example.com").await;
        ask_for(&wire.app, &moves.access, "ada@example.com").await;
        let links = wire.app.mails().await;
        let is_offered = links.iter().any(|mail| mail.text.contains("confirm-email?token="));
        assert!(!is_offered, "{profile}: it has a holder, or is reserved");
        // The person who reads the mailbox can still have the account that left, and only one.
        assert_eq!(use_link(&wire.app, "undo-email", &undo).await.0, 200, "{profile}");
        let held = "select count(*) from accounts where email_key = 'ada@example.com'";
        assert_eq!(wire.app.database().number(held), 1, "{profile}");
    }
}
