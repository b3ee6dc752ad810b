//! An intruder reads the owner's mailbox for a moment and logs in with an account at a provider: what
//! the owner takes back, and what the code in the mailbox is worth later.

use std::time::Duration;

use authd::mail::Mail;
use poem::http::Method;
use serde_json::{Value, json};

use super::{Site, unverified, waiting_token};
use crate::factors;
use crate::support::{Answer, App, PASSWORD, token_in};

const NEW: &str = "N3w!correct horse-staple";
/// A client IP that the account does not know.
const ELSEWHERE: &str = "203.0.113.9";
const NOT_ME: &str = "/v1/not-me?token=";

fn theirs() -> Value {
    unverified("s-thief", "ada@example.com")
}

/// A code for a login that waits, mailed to this address, and what completes it.
struct MailedStep {
    token: String,
    code: String,
}

impl MailedStep {
    async fn request(site: &Site, claims: &Value, email: &str) -> Self {
        let body =
            json!({ "providerToken": waiting_token(&site.log_in(claims).await), "email": email });
        let sent = site.app.post("/v1/auth/providers/code", &body).from(ELSEWHERE).ok(200).await;
        let token = sent.body["data"]["providerToken"].as_str().unwrap().to_owned();
        Self { token, code: site.code_for(email).await }
    }

    /// Completes the login elsewhere, with a clock that goes on meanwhile.
    async fn complete(&self, app: &App) -> Answer {
        let body = json!({ "providerToken": self.token, "code": self.code });
        app.let_time_pass(1);
        let answer = app.post("/v1/auth/providers/complete", &body).from(ELSEWHERE).send().await;
        app.let_time_pass(0);
        answer
    }
}

/// Ada has an account, and somebody who reads her mail logs in with a provider.
async fn intruded() -> (Site, Answer) {
    let site = Site::open(&[]).await;
    site.app.enter("ada").await;
    site.app.turn_clock(Duration::from_mins(1));
    let step = MailedStep::request(&site, &theirs(), "ada@example.com").await;
    let entered = step.complete(&site.app).await.ok(200);
    (site, entered)
}

/// The link in the mail about the connected account, and in the one about the login.
fn links(mails: Vec<Mail>) -> (String, String) {
    let is_of = |mail: &Mail| mail.text.contains("An account at acme was connected");
    let (connected, others): (Vec<Mail>, Vec<Mail>) = mails.into_iter().partition(is_of);
    (token_in(&connected, NOT_ME), token_in(&others, NOT_ME))
}

async fn press(app: &App, token: &str) -> Answer {
    let form = format!("token={token}");
    let call = app.call(Method::POST, "/v1/not-me");
    call.body("application/x-www-form-urlencoded", form).send().await
}

/// Sets a new password with the newest link in the mails.
async fn set_password(app: &App) {
    let token = token_in(&app.mails().await, "/v1/reset-password?token=");
    let body = json!({ "token": token, "newPassword": NEW });
    app.post("/v1/auth/reset-password", &body).ok(200).await;
}

/// Nothing of the intruder's is a way in.
async fn is_rid_of(site: &Site) {
    assert_eq!(site.app.database().texts("select subject from identities"), [""; 0]);
    assert_eq!(site.log_in(&theirs()).await.code(), "PROVIDER_STEP_REQUIRED");
}

#[tokio::test]
async fn the_mail_about_a_login_takes_back_the_provider_that_the_login_connected() {
    let (site, entered) = intruded().await;
    let (connected, login) = links(site.app.mails().await);
    press(&site.app, &login).await.ok(200);
    set_password(&site.app).await;
    is_rid_of(&site).await;
    let me = site.app.get("/v1/users/me").bearer(&entered.tokens());
    me.refused(401, "TOKEN_REVOKED").await;
    assert_eq!(press(&site.app, &connected).await.status, 404, "that is settled");
    site.app.login("ada", NEW).await.ok(200);
}

#[tokio::test]
async fn the_mail_about_a_provider_that_a_login_connected_takes_it_back_and_the_login_too() {
    let (site, entered) = intruded().await;
    let (connected, login) = links(site.app.mails().await);
    press(&site.app, &connected).await.ok(200);
    set_password(&site.app).await;
    is_rid_of(&site).await;
    let me = site.app.get("/v1/users/me").bearer(&entered.tokens());
    me.refused(401, "TOKEN_REVOKED").await;
    assert_eq!(press(&site.app, &login).await.status, 404, "that is settled");
    let disowned = site.app.records().await.into_iter().filter(|one| one.event == "login_disowned");
    assert_eq!(disowned.map(|one| one.session_id).collect::<Vec<_>>(), [None]);
}

#[tokio::test]
async fn undoing_a_change_of_address_takes_back_the_provider_that_the_login_connected() {
    let (site, entered) = intruded().await;
    site.app.mails().await;
    site.app.turn_clock(Duration::from_mins(1));
    let change = json!({ "newEmail": "thief@example.org" });
    let change = site.app.post("/v1/users/me/email", &change).bearer(&entered.tokens());
    change.from(ELSEWHERE).ok(200).await;
    let token = token_in(&site.app.mails().await, "/v1/undo-email?token=");
    site.app.post("/v1/auth/undo-email", &json!({ "token": token })).ok(200).await;
    is_rid_of(&site).await;
}

#[tokio::test]
async fn a_login_that_needs_a_further_code_is_taken_back_with_the_provider_that_it_connected() {
    let site = Site::open(&[("login.otp", "email")]).await;
    let app = &site.app;
    app.join("ada").await;
    let own = factors::waiting(&app.login("ada", PASSWORD).await);
    factors::verify(app, &own, &factors::code_in(&app.mails().await)).await.ok(200);
    app.turn_clock(Duration::from_mins(1));
    let step = MailedStep::request(&site, &theirs(), "ada@example.com").await;
    let waiting = factors::waiting(&step.complete(app).await);
    let mails = app.mails().await;
    let code = json!({ "code": factors::code_in(&mails) });
    app.turn_clock(Duration::from_mins(1));
    let verify = app.post("/v1/auth/mfa/verify", &code).bearer(&waiting).from(ELSEWHERE);
    let entered = verify.ok(200).await;
    let login = token_in(&app.mails().await, NOT_ME);
    press(app, &login).await.ok(200);
    is_rid_of(&site).await;
    app.get("/v1/users/me").bearer(&entered.tokens()).refused(401, "TOKEN_REVOKED").await;
}

/// What the owner does between the mail with the code and its use.
#[derive(Debug, Clone, Copy)]
enum Defence {
    Reset,
    NewPassword,
    NotMe,
}

impl Defence {
    async fn run(self, app: &App) {
        match self {
            Defence::Reset => {
                let body = json!({ "email": "ada@example.com" });
                app.post("/v1/auth/forgot-password", &body).ok(200).await;
                set_password(app).await;
            }
            Defence::NewPassword => {
                let access = app.login("ada", PASSWORD).await.tokens();
                let body = json!({ "currentPassword": PASSWORD, "newPassword": NEW });
                app.put("/v1/auth/change-password", &body).bearer(&access).ok(200).await;
            }
            Defence::NotMe => {
                let body = json!({ "email": "ada@example.com", "password": PASSWORD });
                app.post("/v1/auth/login", &body).from("203.0.113.8").ok(200).await;
                press(app, &token_in(&app.mails().await, NOT_ME)).await.ok(200);
            }
        }
    }
}

#[tokio::test]
async fn a_reset_a_new_password_and_a_report_void_the_code_of_a_login_that_waits() {
    for defence in [Defence::Reset, Defence::NewPassword, Defence::NotMe] {
        let site = Site::open(&[]).await;
        site.app.enter("ada").await;
        site.app.turn_clock(Duration::from_mins(1));
        let step = MailedStep::request(&site, &theirs(), "ada@example.com").await;
        site.app.turn_clock(Duration::from_mins(1));
        defence.run(&site.app).await;
        let late = step.complete(&site.app).await;
        assert_eq!((late.status.as_u16(), late.code()), (400, "INVALID_CODE"), "{defence:?}");
        is_rid_of(&site).await;
        let refused = "code_shown refused provider acme".to_owned();
        assert!(site.app.audit().await.contains(&refused), "{defence:?}");
        // Another code is good.
        MailedStep::request(&site, &theirs(), "ada@example.com")
            .await
            .complete(&site.app)
            .await
            .ok(200);
    }
}

#[tokio::test]
async fn a_code_that_was_mailed_before_the_account_was_there_does_not_open_it() {
    let site = Site::open(&[]).await;
    let step = MailedStep::request(&site, &theirs(), "ada@example.com").await;
    site.app.turn_clock(Duration::from_mins(1));
    site.app.join("ada").await;
    let late = step.complete(&site.app).await;
    assert_eq!((late.status.as_u16(), late.code()), (400, "INVALID_CODE"), "{}", late.text);
    is_rid_of(&site).await;
    site.app.login("ada", PASSWORD).await.ok(200);
}

#[tokio::test]
async fn the_token_of_a_mailed_code_has_one_length_whether_there_is_an_account_or_not() {
    let site = Site::open(&[]).await;
    site.app.enter("ada").await;
    let mut lengths = Vec::new();
    for email in ["ada@example.com", "eve@example.com"] {
        lengths
            .push(MailedStep::request(&site, &unverified("s-1", email), email).await.token.len());
    }
    assert_eq!(lengths[0], lengths[1]);
}
