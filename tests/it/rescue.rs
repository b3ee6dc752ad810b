//! An attacker knows the password and is logged in: how the owner, who reads the mail, recovers the
//! account.

use authd::mail::Mail;
use std::time::Duration;

use poem::http::Method;
use serde_json::json;

use crate::factors::{set_up, verify, waiting};
use crate::support::{Answer, App, PASSWORD, app, app_with, token_in};

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

/// Sets up and confirms an authenticator.
async fn add_factor(app: &App, access: &str) -> crate::factors::Phone {
    let phone = set_up(app, access).await;
    verify(app, access, &phone.code(app, 0)).await.ok(200);
    phone
}

/// The owner follows the link in the newest letter about a void password, and logs in.
async fn log_in_anew(app: &App) -> Answer {
    let mails = app.mails().await;
    let token = token_in(&mails, "/v1/reset-password?token=");
    reset(app, &token).await.ok(200);
    app.login("ada", NEW).await
}

#[tokio::test]
async fn a_disowned_login_takes_its_second_factor_along() {
    let app = app().await;
    app.enter("ada").await;
    app.turn_clock(Duration::from_secs(1));
    let body = json!({ "email": "ada@example.com", "password": PASSWORD });
    let thief = app.post("/v1/auth/login", &body).from("203.0.113.9").ok(200).await.tokens();
    let alarm = token_in(&app.mails().await, "/v1/not-me?token=");
    app.turn_clock(Duration::from_mins(1));
    add_factor(&app, &thief).await;
    set_up(&app, &thief).await;
    disown(&app, &alarm).await.ok(200);
    log_in_anew(&app).await.ok(200);
    assert!(app.audit().await.contains(&"factor_removed done disowned".to_owned()));
    for table in ["factors", "backup_codes", "known_ips where client_ip = x'cb007109'"] {
        assert_eq!(app.database().number(&format!("select count(*) from {table}")), 0, "{table}");
    }
}

#[tokio::test]
async fn an_undone_change_of_address_takes_the_factors_since_along_and_no_earlier_one() {
    let app = app().await;
    let owner = app.enter("ada").await.access;
    let owners = add_factor(&app, &owner).await;
    app.turn_clock(Duration::from_mins(1));
    let login = waiting(&app.login("ada", PASSWORD).await);
    let thief = verify(&app, &login, &owners.code(&app, 0)).await.tokens().access;
    add_factor(&app, &thief).await;
    app.turn_clock(Duration::from_mins(1));
    let mails = ask_for(&app, &thief, "thief@example.org").await;
    add_factor(&app, &thief).await;
    undo(&app, &token_in(&mails, "/v1/undo-email?token=")).await.ok(200);
    let login = log_in_anew(&app).await;
    assert_eq!(
        login.body["error"]["methods"],
        json!(["totp"]),
        "the new backup codes are gone too"
    );
    app.turn_clock(Duration::from_mins(1));
    verify(&app, &waiting(&login), &owners.code(&app, 0)).await.ok(200);
}

/// The attacker changes the address, and deletes the account.
async fn moved_and_deleted(app: &App) -> (String, String) {
    let (alarm, thief) = stolen(app).await;
    app.call(Method::DELETE, "/v1/users/me").bearer(&thief).ok(200).await;
    (alarm, thief)
}

#[tokio::test]
async fn a_deletion_soon_after_a_change_of_address_is_reported_to_the_address_before_too() {
    let app = app().await;
    moved_and_deleted(&app).await;
    let mails = app.mails().await;
    let letters: Vec<_> = mails.iter().map(|one| (one.to.as_str(), one.subject.as_str())).collect();
    let expected = [
        ("thief@example.org", "Your account at authd was deleted"),
        ("ada@example.com", "An account at authd was deleted"),
    ];
    assert_eq!(letters, expected);
    assert!(mails[1].text.contains("undo the change"), "{}", mails[1].text);
}

#[tokio::test]
async fn a_deletion_a_week_after_a_change_is_reported_to_the_accounts_address_alone() {
    let app = app().await;
    let owner = app.enter("ada").await.access;
    let mails = ask_for(&app, &owner, "ada@example.org").await;
    let confirm = json!({ "token": token_in(&mails, "/v1/confirm-email?token=") });
    app.post("/v1/auth/confirm-email", &confirm).ok(200).await;
    app.turn_clock(Duration::from_hours(7 * 24));
    let body = json!({ "email": "ada@example.org", "password": PASSWORD });
    let owner = app.post("/v1/auth/login", &body).ok(200).await.tokens();
    app.mails().await;
    app.call(Method::DELETE, "/v1/users/me").bearer(&owner).ok(200).await;
    let mails = app.mails().await;
    assert_eq!(mails.iter().map(|mail| mail.to.as_str()).collect::<Vec<_>>(), ["ada@example.org"]);
}

#[tokio::test]
async fn an_account_that_the_attacker_has_deleted_comes_back_with_its_address() {
    let app = app().await;
    let thief = app.enter("ada").await.access;
    let mails = ask_for(&app, &thief, "thief@example.org").await;
    let confirm = json!({ "token": token_in(&mails, "/v1/confirm-email?token=") });
    app.post("/v1/auth/confirm-email", &confirm).ok(200).await;
    app.call(Method::DELETE, "/v1/users/me").bearer(&thief).ok(200).await;
    app.mails().await;
    app.turn_clock(Duration::from_hours(6 * 24));
    let token = token_in(&mails, "/v1/undo-email?token=");
    app.get(&format!("/v1/undo-email?token={token}")).ok(200).await;
    undo(&app, &token).await.ok(200);
    log_in_anew(&app).await.ok(200);
    app.login("ada", PASSWORD).await.refused(401, "INVALID_CREDENTIALS");
    assert!(app.audit().await.contains(&"account_restored done".to_owned()));
}

#[tokio::test]
async fn a_disowned_login_that_has_deleted_the_account_since_gives_it_back() {
    let app = app().await;
    let (alarm, thief) = moved_and_deleted(&app).await;
    app.mails().await;
    disown(&app, &alarm).await.ok(200);
    assert_rescued(&app, &thief).await;
}

#[tokio::test]
async fn an_account_that_an_administrator_has_deleted_does_not_come_back() {
    let app = app().await;
    let (alarm, _) = stolen(&app).await;
    let by = authd::identity::FreshBy::command_line();
    authd::identity::admin::accounts::delete(&app.core, &by, "thief@example.org").await.unwrap();
    disown(&app, &alarm).await.refused(404, "");
    assert_eq!(app.login("ada", PASSWORD).await.status, 401);
}

/// Whether a change of address can still be confirmed after this call with the token of a session:
/// the session that asked for it, or the owner's other one.
async fn outlives(call: (Method, &str), is_asking: bool, is_mailed: bool) -> bool {
    let app = app().await;
    let owner = app.enter("ada").await.access;
    let thief = app.login("ada", PASSWORD).await.tokens().access;
    let body = json!({ "newEmail": "thief@example.org" });
    app.post("/v1/users/me/email", &body).bearer(&thief).ok(200).await;
    let mut mails = if is_mailed { app.mails().await } else { Vec::new() };
    let token = if is_asking { &thief } else { &owner };
    let (method, path) = call;
    app.call(method, path).json(&json!({})).bearer(token).ok(200).await;
    mails.extend(app.mails().await);
    if !mails.iter().any(|mail| mail.text.contains("/v1/confirm-email?token=")) {
        return false;
    }
    let confirm = json!({ "token": token_in(&mails, "/v1/confirm-email?token=") });
    app.post("/v1/auth/confirm-email", &confirm).send().await.status == 200
}

#[tokio::test]
async fn a_logout_everywhere_voids_a_pending_change_of_address_and_a_logout_does_not() {
    for is_mailed in [true, false] {
        let everywhere = (Method::POST, "/v1/auth/logout-all");
        assert!(!outlives(everywhere, false, is_mailed).await, "mailed: {is_mailed}");
        let others = (Method::DELETE, "/v1/users/me/sessions");
        assert!(!outlives(others, false, is_mailed).await, "mailed: {is_mailed}");
        let here = (Method::POST, "/v1/auth/logout");
        assert!(outlives(here, true, is_mailed).await, "mailed: {is_mailed}");
    }
}

/// Where no verification is required, an account is used before its address is verified.
#[tokio::test]
async fn an_unverified_address_can_undo_its_change_too() {
    let app = app_with("siteworks", &[]).await;
    app.register("ada").await.ok(201);
    let thief = app.login("ada", PASSWORD).await.tokens().access;
    app.mails().await;
    let mails = ask_for(&app, &thief, "thief@example.org").await;
    let to: Vec<_> = mails.iter().map(|mail| mail.to.as_str()).collect();
    assert_eq!(to, ["thief@example.org", "ada@example.com"]);
    let confirm = json!({ "token": token_in(&mails, "/v1/confirm-email?token=") });
    app.post("/v1/auth/confirm-email", &confirm).ok(200).await;
    undo(&app, &token_in(&mails, "/v1/undo-email?token=")).await.ok(200);
    assert_rescued(&app, &thief).await;
    let me = app.login("ada", NEW).await.tokens();
    let me = app.get("/v1/users/me").bearer(&me).ok(200).await;
    assert_eq!(me.body["data"]["emailVerified"], true);
}

/// Nobody gets more mail to an address that nobody has verified than its limit allows.
#[tokio::test]
async fn notices_to_an_unverified_address_are_counted() {
    let app = app_with("siteworks", &[]).await;
    app.register("ada").await.ok(201);
    let thief = app.login("ada", PASSWORD).await.tokens().access;
    let mut to_ada = 0;
    for number in 0..8 {
        let mails = ask_for(&app, &thief, &format!("thief{number}@example.org")).await;
        to_ada += mails.iter().filter(|mail| mail.to == "ada@example.com").count();
        let notified = mails.iter().any(|mail| mail.to == "ada@example.com");
        let mailed = mails.iter().any(|mail| mail.text.contains("/v1/confirm-email?token="));
        assert_eq!(mailed, notified, "no change without its notice");
    }
    assert_eq!(to_ada, 5, "the verification mail counts too");
}
