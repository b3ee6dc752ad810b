//! Second factors and one-time codes: complete flows with an independent authenticator, races,
//! restarts, and all ways to use a code.

mod attempts;
mod challenges;
mod guesses;
mod mailed;
mod room;

use std::time::Duration;

use authd::api::v1::V1;
use authd::error::Kind;
use authd::http::server::reject::Wire;
use authd::identity::access::caller;
use authd::identity::access::counted::Counted;
use authd::identity::access::fresh::Fresh;
use authd::identity::account::password;
use authd::identity::login::challenge;
use authd::identity::{FreshBy, factor, passkey};
use authd::mail::Mail;
use authd::model::{AccountId, Email, Password, Source};
use futures_util::future::join_all;
use poem::http::Method;
use serde_json::{Value, json};

use crate::authenticator::Device;
use crate::passkeys::add;
use crate::support::{Answer, App, PASSWORD, START, Tokens, UNLIMITED, app, app_with};

/// How long an authenticator shows the same code.
pub const STEP: Duration = Duration::from_secs(30);

/// An authenticator app, implemented independently of the server.
pub struct Phone {
    totp: totp_rs::Totp,
    pub backup_codes: Vec<String>,
    pub id: String,
}

impl Phone {
    /// Its current code, or the one from some steps ago.
    pub fn code(&self, app: &App, steps_ago: u64) -> String {
        let now = u64::try_from(app.core.env.wall().seconds()).unwrap();
        self.totp.generate(now - 30 * steps_ago).to_string()
    }
}

/// Sets up an authenticator, which is not confirmed yet.
pub async fn set_up(app: &App, access: &str) -> Phone {
    let answer = app
        .post("/v1/auth/mfa/setup", &json!({ "type": "totp", "deviceName": "Phone" }))
        .bearer(access);
    let answer = answer.send().await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let data = &answer.body["data"];
    let secret = totp_rs::Secret::try_from_base32(data["secret"].as_str().unwrap()).unwrap();
    let backup_codes = data["backupCodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c.as_str().unwrap().to_owned())
        .collect();
    let totp = totp_rs::Builder::new().with_secret(secret).build().unwrap();
    Phone { totp, backup_codes, id: data["deviceId"].as_str().unwrap().to_owned() }
}

pub async fn verify(app: &App, token: &str, code: &str) -> Answer {
    app.post("/v1/auth/mfa/verify", &json!({ "code": code })).bearer(token).send().await
}

/// Begins logins from client IPs that the account does not know, and completes each with this code
/// at the same time. Together they have more attempts than a client IP that has logged in.
async fn complete_at_once(app: &App, count: usize, code: &str) -> Vec<Answer> {
    let login = json!({ "email": "ada@example.com", "password": PASSWORD });
    let from = |n: usize| format!("198.51.100.{n}");
    let mut tokens = Vec::new();
    for n in 0..count {
        tokens.push(waiting(&app.post("/v1/auth/login", &login).from(&from(n)).send().await));
    }
    let code = json!({ "code": code });
    let show = |(n, token): (usize, &String)| {
        app.post("/v1/auth/mfa/verify", &code).bearer(token).from(&from(n)).send()
    };
    join_all(tokens.iter().enumerate().map(show)).await
}

/// An account with an active authenticator; its code of this step is used.
async fn guarded(app: &App, name: &str) -> (Tokens, Phone) {
    let tokens = app.enter(name).await;
    let phone = set_up(app, &tokens.access).await;
    let confirmed = verify(app, &tokens.access, &phone.code(app, 0)).await;
    assert_eq!(confirmed.status, 200, "{}", confirmed.text);
    assert_eq!(confirmed.body["message"], "MFA verified successfully");
    (tokens, phone)
}

/// The `mfaToken` of a pending login.
pub fn waiting(answer: &Answer) -> String {
    assert_eq!((answer.status.as_u16(), answer.code()), (401, "MFA_REQUIRED"), "{}", answer.text);
    assert!(answer.cookie().is_none());
    answer.body["error"]["mfaToken"].as_str().unwrap().to_owned()
}

fn methods(answer: &Answer) -> &Value {
    &answer.body["error"]["methods"]
}

fn refused(answer: &Answer) -> (u16, &str) {
    (answer.status.as_u16(), answer.code())
}

/// The six digits of the newest letter with a code.
pub fn code_in(mails: &[Mail]) -> String {
    let mail = mails
        .iter()
        .rev()
        .find(|mail| ["Your code", "Set a new"].iter().any(|start| mail.subject.starts_with(start)))
        .expect("a letter with a code");
    mail.text
        .lines()
        .find(|line| line.len() == 6 && line.bytes().all(|b| b.is_ascii_digit()))
        .unwrap()
        .to_owned()
}

async fn call(app: &App, method: Method, path: &str, access: &str) -> Answer {
    app.call(method, path).bearer(access).send().await
}

/// Renames the only factor, lists it and removes it; the password alone logs in afterwards.
async fn rename_and_remove(app: &App, phone: &Phone, access: &str) {
    let path = format!("/v1/users/me/mfa/{}", phone.id);
    let renamed =
        app.call(Method::PATCH, &path).json(&json!({ "deviceName": "Old phone" })).bearer(access);
    assert_eq!(renamed.send().await.body["data"]["deviceName"], "Old phone");
    let list = call(app, Method::GET, "/v1/users/me/mfa", access).await.body;
    assert_eq!(
        (&list["data"]["enabled"], &list["data"]["backupCodesLeft"]),
        (&json!(true), &json!(10))
    );
    assert_eq!(list["data"]["devices"][0]["deviceName"], "Old phone");
    assert!(!list.to_string().contains("secret"), "the secret is never shown again: {list}");

    app.mails().await;
    assert_eq!(call(app, Method::DELETE, &path, access).await.status, 200);
    assert_eq!(call(app, Method::DELETE, &path, access).await.status, 404);
    assert!(app.mails().await[0].text.contains("no longer asks for an authenticator app"));
    assert_eq!(app.login("ada", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn an_authenticator_is_set_up_asked_for_and_removed() {
    let app = app().await;
    let tokens = app.enter("ada").await;
    let phone = set_up(&app, &tokens.access).await;
    assert_eq!(phone.backup_codes.len(), 10);
    assert!(
        phone
            .backup_codes
            .iter()
            .all(|code| code.len() == 19 && code.split('-').all(|group| group.len() == 4))
    );
    assert_eq!(
        app.login("ada", PASSWORD).await.status,
        200,
        "it guards nothing until it is confirmed"
    );
    assert_eq!(refused(&verify(&app, &tokens.access, "000000").await), (400, "INVALID_MFA_CODE"));
    assert_eq!(verify(&app, &tokens.access, &phone.code(&app, 0)).await.status, 200);
    let mails = app.mails().await;
    assert!(mails.iter().any(|mail| mail.text.contains("an authenticator app")), "{mails:?}");

    app.turn_clock(STEP);
    let login = app.login("ada", PASSWORD).await;
    let token = waiting(&login);
    assert_eq!(methods(&login), &json!(["totp", "backup_code"]));
    assert_eq!(login.body["error"]["expiresIn"], 300);
    let done = verify(&app, &token, &phone.code(&app, 0)).await;
    let fields: Vec<_> = done.body["data"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(fields, ["accessToken", "refreshToken", "expiresIn", "tokenType", "user"]);
    assert_eq!(
        (done.cookie(), &done.body["message"]),
        (Some(done.tokens().refresh), &json!("Login successful"))
    );
    assert_eq!(
        refused(&verify(&app, &token, &phone.backup_codes[0]).await),
        (401, "INVALID_TOKEN"),
        "it is spent"
    );

    rename_and_remove(&app, &phone, &done.tokens().access).await;
    let audit = app.audit().await;
    for line in [
        "factor_added refused wrong_code",
        "factor_added done totp",
        "login_challenged done totp,backup_code",
    ] {
        assert!(audit.iter().any(|entry| entry == line), "{line}: {audit:?}");
    }
}

#[tokio::test]
async fn of_fifty_parallel_uses_of_one_backup_code_one_counts() {
    let app = app_with("standard", &UNLIMITED).await;
    let (_, phone) = guarded(&app, "ada").await;
    let typed = phone.backup_codes[3].to_lowercase().replace('-', " ");
    let answers = complete_at_once(&app, 50, &typed).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    let rest =
        answers.iter().filter(|answer| refused(answer) == (400, "MFA_BACKUP_CODE_USED")).count();
    assert_eq!(rest, 49);
}

#[tokio::test]
async fn no_step_is_taken_twice_nor_one_before_it() {
    let app = app_with("standard", &UNLIMITED).await;
    let (_, phone) = guarded(&app, "ada").await;
    let again = waiting(&app.login("ada", PASSWORD).await);
    assert_eq!(
        refused(&verify(&app, &again, &phone.code(&app, 0)).await),
        (400, "INVALID_MFA_CODE")
    );
    assert_eq!(
        refused(&verify(&app, &again, &phone.code(&app, 1)).await),
        (400, "INVALID_MFA_CODE")
    );

    app.turn_clock(2 * STEP);
    let answers = complete_at_once(&app, 20, &phone.code(&app, 0)).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    let late = waiting(&app.login("ada", PASSWORD).await);
    assert_eq!(
        verify(&app, &late, &phone.code(&app, 1)).await.status,
        400,
        "older than the last one"
    );
    app.turn_clock(2 * STEP);
    let late = waiting(&app.login("ada", PASSWORD).await);
    assert_eq!(
        verify(&app, &late, &phone.code(&app, 1)).await.status,
        200,
        "one step behind is within the window"
    );
}

#[tokio::test]
async fn a_change_of_factors_asks_for_a_fresh_proof() {
    let app = app().await;
    let (tokens, phone) = guarded(&app, "ada").await;
    app.turn_clock(Duration::from_secs(901));
    let fresh = app
        .post("/v1/auth/refresh", &json!({ "refreshToken": tokens.refresh }))
        .send()
        .await
        .tokens();
    let path = format!("/v1/users/me/mfa/{}", phone.id);
    let stale = (403, "REAUTHENTICATION_REQUIRED");
    let setup = json!({ "type": "totp" });
    assert_eq!(
        refused(&app.post("/v1/auth/mfa/setup", &setup).bearer(&fresh.access).send().await),
        stale
    );
    assert_eq!(refused(&call(&app, Method::DELETE, &path, &fresh.access).await), stale);
    assert_eq!(
        refused(&call(&app, Method::POST, "/v1/auth/mfa/backup-codes", &fresh.access).await),
        stale
    );
    let renew = |body| app.post("/v1/auth/reauthenticate", &body).bearer(&fresh.access).send();
    assert_eq!(refused(&renew(json!({ "code": "000000" })).await), (400, "INVALID_MFA_CODE"));
    assert_eq!(refused(&renew(json!({})).await), (400, "VALIDATION_ERROR"));
    assert_eq!(renew(json!({ "code": phone.code(&app, 0) })).await.status, 200);
    assert_eq!(call(&app, Method::DELETE, &path, &fresh.access).await.status, 200);
}

#[tokio::test]
async fn under_perfect21_the_first_set_up_takes_any_valid_token() {
    for (profile, expected) in [("perfect21", 200), ("standard", 403)] {
        let app = app_with(profile, &[("tokens.access", "1h")]).await;
        let tokens = app.enter("ada").await;
        app.turn_clock(Duration::from_secs(901));
        let answer = app
            .post("/v1/auth/mfa/setup", &json!({ "type": "totp" }))
            .bearer(&tokens.access)
            .send()
            .await;
        assert_eq!(answer.status, expected, "{profile}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_factor_can_be_set_up_only_on_a_proved_address() {
    let app = app_with(
        "standard",
        &[("signup.verify_email", "false"), ("signup.reveal_existing", "true")],
    )
    .await;
    app.register("ada").await;
    let tokens = app.login("ada", PASSWORD).await.tokens();
    let answer = app
        .post("/v1/auth/mfa/setup", &json!({ "type": "totp" }))
        .bearer(&tokens.access)
        .send()
        .await;
    assert_eq!(refused(&answer), (403, "INSUFFICIENT_PERMISSIONS"));
}

#[tokio::test]
async fn a_device_of_another_account_is_not_there() {
    let app = app().await;
    let (ada, phone) = guarded(&app, "ada").await;
    let bob = app.enter("bob").await;
    let path = format!("/v1/users/me/mfa/{}", phone.id);
    assert_eq!(call(&app, Method::DELETE, &path, &bob.access).await.status, 404);
    let name = json!({ "deviceName": "mine" });
    assert_eq!(app.put(&path, &name).bearer(&bob.access).send().await.status, 404);
    assert_eq!(refused(&verify(&app, &bob.access, "123456").await), (400, "MFA_NOT_ENABLED"));
    let codes = call(&app, Method::POST, "/v1/auth/mfa/backup-codes", &bob.access).await;
    assert_eq!(refused(&codes), (400, "MFA_NOT_ENABLED"));
    assert_eq!(
        call(&app, Method::GET, "/v1/users/me/mfa", &ada.access).await.body["data"]["enabled"],
        true
    );
}

#[tokio::test]
async fn an_administrator_can_remove_the_factors_of_an_account() {
    let app = app().await;
    let (tokens, phone) = guarded(&app, "ada").await;
    let waits = waiting(&app.login("ada", PASSWORD).await);
    let me = call(&app, Method::GET, "/v1/users/me", &tokens.access).await;
    let id = AccountId::new(me.body["data"]["id"].as_str().unwrap());
    assert_eq!(factor::reset_all(&app.core, &FreshBy::command_line(), &id).await.unwrap(), 1);
    assert!(app.mails().await.iter().any(|mail| mail.text.contains("removed all second factors")));
    assert_eq!(
        refused(&verify(&app, &waits, &phone.backup_codes[0]).await),
        (401, "INVALID_TOKEN")
    );
    assert_eq!(app.login("ada", PASSWORD).await.status, 200);
    assert_eq!(factor::reset_all(&app.core, &FreshBy::command_line(), &id).await.unwrap(), 0);
}

#[tokio::test]
async fn the_database_keeps_no_secret_of_a_factor_in_the_clear() {
    let app = app().await;
    assert_eq!(START % 30_000, 0);
    let tokens = app.enter("ada").await;
    let answer = app
        .post("/v1/auth/mfa/setup", &json!({ "type": "totp" }))
        .bearer(&tokens.access)
        .send()
        .await;
    let secret = answer.body["data"]["secret"].as_str().unwrap().to_owned();
    let code = answer.body["data"]["backupCodes"][0].as_str().unwrap().to_owned();
    let raw = totp_rs::Secret::try_from_base32(&secret).unwrap();
    let raw: &[u8] = raw.as_ref();
    for file in ["authd.db", "authd.db-wal"] {
        let Ok(bytes) = std::fs::read(app.dir.path().join(file)) else { continue };
        for needle in [secret.as_bytes(), code.as_bytes(), code.replace('-', "").as_bytes(), raw] {
            assert!(!bytes.windows(needle.len()).any(|window| window == needle), "{file}");
        }
    }
}

#[tokio::test]
async fn of_two_changes_of_factors_at_once_the_second_may_try_again() {
    let app = app_with("standard", &UNLIMITED).await;
    let (tokens, phone) = guarded(&app, "ada").await;
    app.turn_clock(STEP);
    let caller = || caller::authenticate(&app.core, &tokens.access);
    let source = Source::command_line();
    let early = Fresh::check(&app.core, &caller().await.unwrap()).await.unwrap();
    factor::renew_backup_codes(&app.core, &early, &source).await.unwrap();
    let late = factor::renew_backup_codes(&app.core, &early, &source).await.unwrap_err();
    assert_eq!((late.kind(), V1.status(late.kind()).as_u16()), (Kind::Conflict, 409));
    let late = factor::remove(&app.core, &early, &phone.id, &source).await.unwrap_err();
    assert_eq!(late.kind(), Kind::Conflict);
    assert_eq!(
        call(&app, Method::GET, "/v1/users/me", &tokens.access).await.status,
        200,
        "the session lives"
    );
    let now = Fresh::check(&app.core, &caller().await.unwrap()).await.unwrap();
    factor::remove(&app.core, &now, &phone.id, &source).await.unwrap();

    app.post("/v1/auth/logout", &json!({})).bearer(&tokens.access).send().await;
    let gone = factor::renew_backup_codes(&app.core, &early, &source).await.unwrap_err();
    assert_eq!(gone.kind(), Kind::SessionEnded);
}

#[tokio::test]
async fn a_proof_that_another_server_has_just_seen_is_recent() {
    let app = app().await;
    let tokens = app.enter("ada").await;
    let is_fresh = async || {
        let caller = caller::authenticate(&app.core, &tokens.access).await.unwrap();
        Fresh::check(&app.core, &caller).await.is_ok()
    };
    // How far the clocks of servers may differ that share a database; those of one do not.
    app.clock.set_back(app.core.store.node().clock_lag());
    assert!(is_fresh().await);
    app.clock.set_back(Duration::from_millis(1));
    assert!(!is_fresh().await);
}

#[tokio::test]
async fn what_a_session_began_is_not_done_after_its_end() {
    let app = app_with("standard", &UNLIMITED).await;
    let (tokens, phone) = guarded(&app, "ada").await;
    app.turn_clock(STEP);
    let (core, source) = (&app.core, Source::command_line());
    let key =
        add(&app, &tokens.access, &mut Device::new(), "passkey").await["passkey"]["id"].clone();
    let caller = caller::authenticate(core, &tokens.access).await.unwrap();
    let fresh = Fresh::check(core, &caller).await.unwrap();
    // Each was admitted before the end of the session, and is done after it.
    app.post("/v1/auth/logout", &json!({})).bearer(&tokens.access).send().await;
    let before = app.audit().await.len();
    let ended = [
        factor::renew_backup_codes(core, &fresh, &source).await.err(),
        factor::remove(core, &fresh, &phone.id, &source).await.err(),
        passkey::remove(core, &fresh, key.as_str().unwrap(), &source).await.err(),
    ];
    for error in ended {
        assert_eq!(error.map(|error| error.kind()), Some(Kind::SessionEnded));
    }
    let (old, new) = (Password::new(PASSWORD), Password::new("another horse battery staple"));
    let counted = Counted::exempt("a test");
    let changed = password::change(core, &caller, old, new, &counted, &source).await;
    assert_eq!(changed.unwrap_err().kind(), Kind::SessionEnded);
    let after = app.audit().await.split_off(before);
    assert!(after.iter().all(|line| line.contains(" refused ")), "{after:?}");
    waiting(&app.login("ada", PASSWORD).await);
}

#[tokio::test]
async fn a_set_up_shows_an_address_that_authenticators_read_and_the_same_as_a_picture() {
    let app = app().await;
    let tokens = app.enter("ada").await;
    let answer = app
        .post("/v1/auth/mfa/setup", &json!({ "type": "totp" }))
        .bearer(&tokens.access)
        .send()
        .await;
    let data = &answer.body["data"];
    let (uri, secret) = (data["otpauthUri"].as_str().unwrap(), data["secret"].as_str().unwrap());
    assert!(uri.starts_with("otpauth://totp/") && uri.contains("ada%40example.com"), "{uri}");
    assert!(uri.contains(&format!("secret={secret}")) && uri.contains("issuer="), "{uri}");
    assert!(
        data["qrCode"].as_str().unwrap().starts_with("data:image/png;base64,iVBORw0KGgo"),
        "{data}"
    );
}

#[tokio::test]
async fn each_change_of_factors_is_recorded_once_and_mailed_to_the_owner() {
    let app = app().await;
    let (tokens, phone) = guarded(&app, "ada").await;
    let path = format!("/v1/users/me/mfa/{}", phone.id);
    assert_eq!(app.mails().await.len(), 1, "that it asks for a code now");
    let renamed = app
        .call(Method::PATCH, &path)
        .json(&json!({ "deviceName": "Old phone" }))
        .bearer(&tokens.access);
    assert_eq!(renamed.send().await.status, 200);
    assert_eq!(app.mails().await.len(), 0, "a name guards nothing");
    assert_eq!(
        call(&app, Method::POST, "/v1/auth/mfa/backup-codes", &tokens.access).await.status,
        200
    );
    let mails = app.mails().await;
    assert!(mails.len() == 1 && mails[0].text.contains("backup codes"), "{mails:?}");
    assert_eq!(call(&app, Method::DELETE, &path, &tokens.access).await.status, 200);
    assert_eq!(app.mails().await.len(), 1);
    let recorded: Vec<String> = app
        .audit()
        .await
        .into_iter()
        .filter(|line| line.starts_with("factor") || line.starts_with("backup"))
        .collect();
    assert_eq!(
        recorded,
        [
            "factor_added done totp",
            "factor_renamed done",
            "backup_codes_made done",
            "factor_removed done totp"
        ]
    );
}
