//! An intruder holds a session, or the password with a session from before the second factor: what stays
//! of what they added, and what they cannot do.

use std::time::Duration;

use authd::mail::Mail;
use poem::http::Method;
use serde_json::{Value, json};

use crate::authenticator::Device;
use crate::factors::{set_up, verify, waiting};
use crate::passkeys::{add, list, log_in, outcome, server, unwrapped};
use crate::support::{Answer, App, PASSWORD, app_with, token_in};

const NEW: &str = "N3w!correct horse-staple";
const HOUR: Duration = Duration::from_hours(1);

/// Long enough for access tokens to outlast a fresh proof.
async fn with_long_tokens() -> App {
    let set = [&crate::support::UNLIMITED[..], &[("tokens.access", "3h")]].concat();
    app_with("standard", &set).await
}

async fn press(app: &App, token: &str) -> Answer {
    let form = format!("token={token}");
    let call = app.call(Method::POST, "/v1/not-me");
    call.body("application/x-www-form-urlencoded", form).send().await
}

async fn renew(app: &App, access: &str, proof: Value) -> Answer {
    app.post("/v1/auth/reauthenticate", &proof).bearer(access).send().await
}

fn not_me(mails: &[Mail]) -> String {
    token_in(mails, "/v1/not-me?token=")
}

/// The names of the account's keys.
fn keys(app: &App, name: &str) -> Vec<String> {
    let sql =
        "select k.name from passkeys k join accounts a on a.id = k.account_id where a.username =";
    app.database().texts(&format!("{sql} '{name}' order by k.created_at"))
}

#[tokio::test]
async fn the_letter_about_a_new_passkey_takes_back_all_that_its_session_added_and_no_more() {
    let app = with_long_tokens().await;
    let owner = app.enter("ada").await.access;
    let mut owners = Device::new();
    add(&app, &owner, &mut owners, "passkey").await;
    app.turn_clock(HOUR);
    // From the owner's own network and browser: no mail about the login.
    app.mails().await;
    let thief = app.login("ada", PASSWORD).await.tokens().access;
    assert_eq!(app.mails().await.len(), 0);
    app.turn_clock(Duration::from_mins(5));
    let mut first = Device::new();
    add(&app, &thief, &mut first, "passkey").await;
    app.mails().await;
    app.turn_clock(Duration::from_mins(5));
    let mut second = Device::new();
    add(&app, &thief, &mut second, "passkey").await;
    let mails = app.mails().await;
    let letter = unwrapped(&mails[0]);
    assert!(letter.contains("can sign in without your password"), "{letter}");
    assert!(letter.contains("it removes what was added"), "{letter}");
    press(&app, &not_me(&mails)).await.ok(200);
    for device in [&mut first, &mut second] {
        assert_eq!(outcome(&log_in(&app, device).await), (401, "INVALID_PASSKEY"));
    }
    log_in(&app, &mut owners).await.ok(200);
    assert_eq!(app.get("/v1/users/me").bearer(&thief).send().await.code(), "TOKEN_REVOKED");
    app.login("ada", PASSWORD).await.refused(401, "INVALID_CREDENTIALS");
    let again = press(&app, &not_me(&mails)).await;
    assert_eq!(again.status, 410, "{}", again.text);
}

#[tokio::test]
async fn letters_about_authenticators_and_backup_codes_take_them_back_too() {
    let app = with_long_tokens().await;
    app.enter("ada").await;
    app.turn_clock(HOUR);
    let thief = app.login("ada", PASSWORD).await.tokens().access;
    app.mails().await;
    let phone = set_up(&app, &thief).await;
    verify(&app, &thief, &phone.code(&app, 0)).await.ok(200);
    let added = not_me(&app.mails().await);
    app.call(Method::POST, "/v1/auth/mfa/backup-codes").bearer(&thief).ok(200).await;
    let codes = app.mails().await;
    assert!(unwrapped(&codes[0]).contains("New backup codes were made"), "{}", codes[0].text);
    assert_ne!(not_me(&codes), added);
    press(&app, &added).await.ok(200);
    for table in ["factors", "backup_codes"] {
        assert_eq!(app.database().number(&format!("select count(*) from {table}")), 0, "{table}");
    }
    assert_eq!(press(&app, &not_me(&codes)).await.status, 404, "all of it is settled");
}

#[tokio::test]
async fn undoing_a_change_of_address_takes_back_what_its_session_added_before() {
    let app = with_long_tokens().await;
    app.enter("ada").await;
    app.turn_clock(HOUR);
    let thief = app.login("ada", PASSWORD).await.tokens().access;
    let mut device = Device::new();
    add(&app, &thief, &mut device, "passkey").await;
    app.turn_clock(Duration::from_mins(10));
    app.mails().await;
    let change = json!({ "newEmail": "thief@example.org" });
    app.post("/v1/users/me/email", &change).bearer(&thief).ok(200).await;
    let token = token_in(&app.mails().await, "/v1/undo-email?token=");
    app.post("/v1/auth/undo-email", &json!({ "token": token })).ok(200).await;
    assert_eq!(keys(&app, "ada"), [""; 0]);
    assert_eq!(outcome(&log_in(&app, &mut device).await), (401, "INVALID_PASSKEY"));
}

/// The newest link to reset the password.
async fn reset_link(app: &App) -> String {
    let body = json!({ "email": "ada@example.com" });
    app.post("/v1/auth/forgot-password", &body).ok(200).await;
    token_in(&app.mails().await, "/v1/reset-password?token=")
}

async fn reset_on_page(app: &App, token: &str, password: &str) -> Answer {
    let form = format!("token={token}&newPassword={}", authd::model::percent::encode(password));
    let call = app.call(Method::POST, "/v1/reset-password");
    call.body("application/x-www-form-urlencoded", form).ok(200).await
}

#[tokio::test]
async fn a_reset_names_the_passkeys_that_stay_in_its_letter_and_on_its_page() {
    let app = server().await;
    let owner = app.enter("ada").await.access;
    let page = reset_on_page(&app, &reset_link(&app).await, NEW).await;
    assert!(!page.text.contains("/account/passkeys"), "{}", page.text);
    let letter = unwrapped(&app.mails().await[0]);
    assert!(!letter.to_lowercase().contains("passkey"), "{letter}");
    app.get("/v1/users/me").bearer(&owner).refused(401, "TOKEN_REVOKED").await;

    let owner = app.login("ada", NEW).await.tokens().access;
    let mut device = Device::new();
    add(&app, &owner, &mut device, "passkey").await;
    add(&app, &owner, &mut Device::new(), "security_key").await;
    app.mails().await;
    let page = reset_on_page(&app, &reset_link(&app).await, PASSWORD).await;
    assert!(page.text.contains("href=\"/account/passkeys\""), "{}", page.text);
    assert!(page.text.contains("still sign in without the password"), "{}", page.text);
    let letter = unwrapped(&app.mails().await[0]);
    assert!(letter.contains("these still sign in without the password:"), "{letter}");
    assert_eq!(letter.matches("(added on ").count(), 1, "a security key is no way in: {letter}");
    assert!(letter.contains("http://localhost:3000/account/passkeys"), "{letter}");
    // No reset removes one.
    log_in(&app, &mut device).await.ok(200);

    let app = app.restart("standard", &[("pages.enabled", "false")]).await;
    let page = reset_on_page(&app, &reset_link(&app).await, NEW).await;
    assert!(page.text.contains("still sign in without the password"), "{}", page.text);
    let letter = unwrapped(&app.mails().await[0]);
    assert!(letter.contains("Remove those that you do not know."), "{letter}");
    assert!(!page.text.contains("/account") && !letter.contains("/account"), "{letter}");
}

/// What only a fresh session may do, with an answer that it could be refused with for another reason.
async fn fresh_calls(app: &App, access: &str) -> Vec<Answer> {
    let key = json!({ "type": "passkey" });
    let factor = json!({ "type": "totp", "deviceName": "Thief" });
    let address = json!({ "newEmail": "thief@example.org" });
    let password = json!({ "currentPassword": PASSWORD, "newPassword": NEW });
    let id =
        app.database().texts("select id from factors where confirmed_at is not null").remove(0);
    let calls = [
        app.post("/v1/users/me/passkeys/options", &key),
        app.post("/v1/auth/mfa/setup", &factor),
        app.call(Method::POST, "/v1/auth/mfa/backup-codes"),
        app.call(Method::DELETE, &format!("/v1/users/me/mfa/{id}")),
        app.post("/v1/users/me/email", &address),
        app.get("/v1/users/me/export"),
        app.call(Method::DELETE, "/v1/users/me"),
        app.put("/v1/auth/change-password", &password),
        app.post("/v1/auth/reauthenticate", &json!({ "password": PASSWORD })),
    ];
    let mut answers = Vec::new();
    for call in calls {
        answers.push(call.bearer(access).send().await);
    }
    answers
}

#[tokio::test]
async fn a_session_from_before_the_second_factor_is_fresh_only_after_it() {
    let app = with_long_tokens().await;
    let old = app.enter("ada").await.access;
    let owner = app.login("ada", PASSWORD).await.tokens().access;
    let phone = set_up(&app, &owner).await;
    verify(&app, &owner, &phone.code(&app, 0)).await.ok(200);
    let before = app.database().texts("select id || credential_version from accounts");
    for answer in fresh_calls(&app, &old).await {
        assert_eq!(outcome(&answer), (403, "REAUTHENTICATION_REQUIRED"), "{}", answer.text);
        assert!(answer.text.contains("second factor"), "{}", answer.text);
    }
    assert_eq!(app.database().texts("select id || credential_version from accounts"), before);
    app.get("/v1/users/me").bearer(&old).ok(200).await;
    // The session that set the factor up has shown it.
    app.call(Method::POST, "/v1/auth/mfa/backup-codes").bearer(&owner).ok(200).await;
    app.turn_clock(Duration::from_secs(30));
    renew(&app, &old, json!({ "code": phone.code(&app, 0) })).await.ok(200);
    add(&app, &old, &mut Device::new(), "passkey").await;
    // What was shown once in a session counts on; the proof grows old as ever.
    app.turn_clock(Duration::from_mins(16));
    let key = json!({ "type": "passkey" });
    let late = app.post("/v1/users/me/passkeys/options", &key).bearer(&old).send().await;
    assert_eq!(outcome(&late), (403, "REAUTHENTICATION_REQUIRED"));
    renew(&app, &old, json!({ "password": PASSWORD })).await.ok(200);
    app.post("/v1/users/me/passkeys/options", &key).bearer(&old).ok(200).await;
}

#[tokio::test]
async fn a_security_key_that_guards_the_account_is_asked_of_older_sessions_too() {
    let app = with_long_tokens().await;
    let old = app.enter("ada").await.access;
    let owner = app.login("ada", PASSWORD).await.tokens().access;
    let mut device = Device::new();
    add(&app, &owner, &mut device, "security_key").await;
    let key = json!({ "type": "passkey" });
    let ask = async |access: &str| {
        app.post("/v1/users/me/passkeys/options", &key).bearer(access).send().await
    };
    assert_eq!(outcome(&ask(&old).await), (403, "REAUTHENTICATION_REQUIRED"));
    assert_eq!(ask(&owner).await.status, 200);
    let asked = app.call(Method::POST, "/v1/auth/reauthenticate/passkey/options").bearer(&old);
    let options = asked.ok(200).await.body["data"].clone();
    let proof = json!({ "credential": device.get(&options).unwrap() });
    app.post("/v1/auth/reauthenticate/passkey", &proof).bearer(&old).ok(200).await;
    assert_eq!(ask(&old).await.status, 200);
    assert_eq!(list(&app, &old).await["passkeys"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_login_with_the_second_factor_is_fresh_at_once() {
    let app = with_long_tokens().await;
    let owner = app.enter("ada").await.access;
    let phone = set_up(&app, &owner).await;
    verify(&app, &owner, &phone.code(&app, 0)).await.ok(200);
    for code in [phone.code(&app, 0), phone.backup_codes[0].clone()] {
        app.turn_clock(Duration::from_secs(30));
        let login = waiting(&app.login("ada", PASSWORD).await);
        let code = if code.len() == 6 { phone.code(&app, 0) } else { code };
        let access = verify(&app, &login, &code).await.tokens().access;
        add(&app, &access, &mut Device::new(), "passkey").await;
    }
}

#[tokio::test]
async fn the_letter_about_a_later_login_leaves_the_earlier_letters_in_force() {
    let app = with_long_tokens().await;
    app.enter("ada").await;
    app.turn_clock(HOUR);
    let first = app.login("ada", PASSWORD).await.tokens().access;
    app.mails().await;
    let mut device = Device::new();
    add(&app, &first, &mut device, "passkey").await;
    let about_the_key = not_me(&app.mails().await);
    app.turn_clock(HOUR);
    let second = app.login("ada", PASSWORD).await.tokens().access;
    app.mails().await;
    let phone = set_up(&app, &second).await;
    verify(&app, &second, &phone.code(&app, 0)).await.ok(200);
    let about_the_phone = not_me(&app.mails().await);
    press(&app, &about_the_phone).await.ok(200);
    assert_eq!(app.database().number("select count(*) from factors"), 0);
    assert_eq!(keys(&app, "ada").len(), 1, "it was added before that session");
    press(&app, &about_the_key).await.ok(200);
    assert_eq!(keys(&app, "ada"), [""; 0]);
    assert_eq!(outcome(&log_in(&app, &mut device).await), (401, "INVALID_PASSKEY"));
}

#[tokio::test]
async fn a_factor_that_was_removed_again_does_not_count_for_the_one_that_guards_the_account() {
    let app = with_long_tokens().await;
    let owner = app.enter("ada").await.access;
    let thief = app.login("ada", PASSWORD).await.tokens().access;
    let theirs = set_up(&app, &thief).await;
    verify(&app, &thief, &theirs.code(&app, 0)).await.ok(200);
    let factors = app.get("/v1/users/me/mfa").bearer(&thief).ok(200).await;
    let id = factors.body["data"]["devices"][0]["id"].as_str().unwrap().to_owned();
    app.call(Method::DELETE, &format!("/v1/users/me/mfa/{id}")).bearer(&thief).ok(200).await;
    app.turn_clock(Duration::from_mins(1));
    renew(&app, &owner, json!({ "password": PASSWORD })).await.ok(200);
    let phone = set_up(&app, &owner).await;
    verify(&app, &owner, &phone.code(&app, 0)).await.ok(200);
    for answer in fresh_calls(&app, &thief).await {
        assert_eq!(outcome(&answer), (403, "REAUTHENTICATION_REQUIRED"), "{}", answer.text);
    }
    let factors = app.get("/v1/users/me/mfa").bearer(&owner).ok(200).await;
    assert_eq!(factors.body["data"]["devices"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn ways_to_log_in_are_added_at_most_twenty_times_an_hour() {
    let app = with_long_tokens().await;
    let owner = app.enter("ada").await.access;
    let phone = set_up(&app, &owner).await;
    verify(&app, &owner, &phone.code(&app, 0)).await.ok(200);
    app.mails().await;
    let codes =
        async || app.call(Method::POST, "/v1/auth/mfa/backup-codes").bearer(&owner).send().await;
    let mut made = 0;
    let refused = loop {
        let answer = codes().await;
        if answer.status != 200 {
            break answer;
        }
        made += 1;
    };
    assert_eq!(made, 20, "the confirmed factor was the first");
    assert_eq!(refused.status, 429, "{}", refused.text);
    assert_eq!(refused.header("retry-after"), "3600");
    assert_eq!(app.mails().await.len(), made);
    app.turn_clock(HOUR + Duration::from_secs(1));
    renew(&app, &owner, json!({ "password": PASSWORD })).await.ok(200);
    assert_eq!(codes().await.status, 200);
}
