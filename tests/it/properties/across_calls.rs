//! Two scripts of calls that differ only in whether an address was taken, or an account exists, has
//! a factor, is suspended or deleted, give the caller the same answers, headers and mails, and cost
//! the same hashing work.
//!
//! The scripts are random. The caller has an account and mailboxes of its own, calls from one client
//! IP, and asks about one address that is not its own. It does not use the account's user name: that
//! an address and a user name belong together shows in their common count of failures, by design.

use std::collections::BTreeMap;
use std::time::Duration;

use authd::identity::session::page_session;
use authd::model::{Secret, percent};
use poem::http::Method;
use serde_json::{Value, json};

use crate::authenticator::Device;
use crate::fake_provider::{FakeProvider, PAGE};
use crate::process::is_long;
use crate::providers::{Begun, unverified};
use crate::support::{Answer, App, PASSWORD, app_with, token_in};

const TARGET: &str = "target@example.com";
const OWNER: &str = "203.0.113.77";
/// Another mailbox of the caller.
const NEW_OWN: &str = "mallory.new@example.com";
/// The hash of another password, with a scheme that the caller's own sign-up would not have.
const IMPORTED: &str = "$2y$04$/OK.fbVrR/bpIqNJ5ianF.RYxan6GqoWFZ.Gvlr69TFErQfu72DzK";
const OTHER: &str = "correct horse battery staple";

/// What the address is before the script begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum World {
    Free,
    Unproved,
    Registered,
    WithFactor,
    WithPasskey,
    Suspended,
    Deleted,
}

impl World {
    const ALL: [World; 7] = [
        World::Free,
        World::Unproved,
        World::Registered,
        World::WithFactor,
        World::WithPasskey,
        World::Suspended,
        World::Deleted,
    ];
}

/// A call of the script.
#[derive(Debug, Clone, Copy)]
enum Step {
    SignUp,
    SignUpElsewhere,
    LoginWrong,
    LoginAsSignedUp,
    LoginElsewhere,
    /// The same on the pages.
    PageSignUp,
    PageLoginWrong,
    PageLoginAsSignedUp,
    Forgot,
    ForgotOwn,
    Resend,
    ResendOwn,
    RequestCode,
    ShowCode,
    RequestResetCode,
    ShowResetCode,
    ResetByCode,
    /// Asks for a passkey of the address.
    PasskeyOptions,
    /// Answers with a credential that is none.
    PasskeyLogin,
    /// Logs in with an account at a provider that states the address without proof.
    ProviderStated,
    /// The same, and has a code mailed to the address.
    ProviderCode,
    /// The same, and types another code.
    ProviderWrongCode,
    ChangeToTarget,
    ChangeToOwn,
    ConfirmOwn,
    Export,
    Audit,
    Sessions,
    Wait(u64),
}

const STEPS: [Step; 35] = [
    Step::SignUp,
    Step::SignUp,
    Step::SignUpElsewhere,
    Step::LoginWrong,
    Step::LoginWrong,
    Step::LoginWrong,
    Step::LoginAsSignedUp,
    Step::LoginAsSignedUp,
    Step::LoginElsewhere,
    Step::PageSignUp,
    Step::PageLoginWrong,
    Step::PageLoginAsSignedUp,
    Step::PageLoginAsSignedUp,
    Step::Forgot,
    Step::ForgotOwn,
    Step::ForgotOwn,
    Step::Resend,
    Step::ResendOwn,
    Step::RequestCode,
    Step::ShowCode,
    Step::RequestResetCode,
    Step::ShowResetCode,
    Step::ResetByCode,
    Step::PasskeyOptions,
    Step::PasskeyLogin,
    Step::ProviderStated,
    Step::ProviderCode,
    Step::ProviderWrongCode,
    Step::ChangeToTarget,
    Step::ChangeToOwn,
    Step::ConfirmOwn,
    Step::Export,
    Step::Audit,
    Step::Sessions,
    Step::Wait(7),
];

/// A script: the same for every world.
fn script(seed: u64) -> Vec<Step> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap()
    };
    (0..40).map(|_| STEPS[next() % STEPS.len()]).collect()
}

/// Status, headers and body of an answer, without what differs in every run.
type SeenAnswer = (u16, Vec<(String, String)>, Value);

/// What the caller perceives of one step.
#[derive(Debug, PartialEq, Eq)]
struct Perceived {
    answer: Option<SeenAnswer>,
    mails: Vec<(String, String)>,
    hashing: BTreeMap<String, u64>,
}

/// Replaces what differs in every run: ids, tokens, and the time of the last batch of writes.
fn mask(value: &mut Value) {
    match value {
        Value::String(text)
            if text.len() >= 20
                && !text.contains([' ', '@', ':'])
                && text.contains(|c: char| c.is_ascii_digit()) =>
        {
            "*".clone_into(text);
        }
        Value::Array(items) => items.iter_mut().for_each(mask),
        Value::Object(fields) => {
            // Written in batches, some time after the call.
            fields.remove("lastActivity");
            fields.values_mut().for_each(mask);
        }
        _ => {}
    }
}

fn seen(answer: &Answer) -> SeenAnswer {
    let mut body = answer.body.clone();
    mask(&mut body);
    if body.is_null() {
        // A page; the token of its forms differs from server to server.
        let parts = answer.text.split(" name=\"form\" value=\"");
        let parts = parts
            .enumerate()
            .map(|(n, part)| if n == 0 { part } else { part.split_once('"').unwrap().1 });
        body = Value::String(parts.collect());
    }
    let mut headers: Vec<_> = answer
        .headers
        .iter()
        .filter(|(name, _)| !["x-request-id", "set-cookie"].contains(&name.as_str()))
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    headers.sort();
    (answer.status.as_u16(), headers, body)
}

/// The caller with its account.
struct Caller {
    app: App,
    provider: FakeProvider,
    access: String,
    email: String,
    elsewhere: usize,
    logins: usize,
    confirming: Option<String>,
}

impl Caller {
    async fn in_world(world: World, imported: bool) -> Self {
        let set = [("login.passwordless", "true"), ("password.reset_by_code", "true")];
        let provider = FakeProvider::start().await;
        let own = provider.settings("acme");
        let own: Vec<_> = own.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let app = app_with("standard", &[&set[..], &own].concat()).await;
        let access = app.enter("mallory").await.access;
        prepare(&app, world, imported).await;
        if imported {
            app.core.hashing.learn(vec![("bcrypt:4".to_owned(), 1)]);
        }
        // What the owner did before is over, and what the caller did has no part in the script.
        app.mails().await;
        Self {
            app,
            provider,
            access,
            email: "mallory@example.com".to_owned(),
            elsewhere: 0,
            logins: 0,
            confirming: None,
        }
    }

    async fn take(&mut self, step: Step) -> Perceived {
        let before = self.app.core.hashing.computed();
        let answer = self.call(step).await;
        let mails = self.app.mails().await;
        let own: Vec<_> = mails.into_iter().filter(|mail| mail.to.contains("mallory")).collect();
        if own.iter().any(|mail| mail.text.contains("confirm-email?token=")) {
            self.confirming = Some(token_in(&own, "confirm-email?token="));
        }
        let hashing = self.app.core.hashing.computed().into_iter().filter_map(|(scheme, count)| {
            let more = count - before.get(&scheme).copied().unwrap_or(0);
            (more > 0).then_some((scheme, more))
        });
        Perceived {
            answer: answer.as_ref().map(seen),
            mails: own.into_iter().map(|mail| (mail.to, mail.subject)).collect(),
            hashing: hashing.collect(),
        }
    }

    async fn call(&mut self, step: Step) -> Option<Answer> {
        let post = async |path: &str, body: Value| self.app.post(path, &body).send().await;
        if let Some((path, form)) = form_about_target(step) {
            let visitor = Secret::new("visitor");
            let token = page_session::form_token(&self.app.core, &visitor);
            let call = self.app.call(Method::POST, path).header("cookie", "authd-visitor=visitor");
            let form = format!("form={token}&{form}");
            return Some(call.body("application/x-www-form-urlencoded", form).send().await);
        }
        if let Some((path, body)) = about_target(step) {
            return Some(post(path, body).await);
        }
        let elsewhere =
            |n: usize| json!({ "email": format!("mallory{n}@example.com"), "password": PASSWORD });
        let own = |method, path| self.app.call(method, path).bearer(&self.access);
        let change = |email: &str| {
            own(Method::POST, "/v1/users/me/email").json(&json!({ "newEmail": email })).send()
        };
        let answer = match step {
            Step::PasskeyLogin => self.by_own_key().await?,
            Step::SignUpElsewhere => {
                let answer = post("/v1/auth/register", elsewhere(self.elsewhere + 1)).await;
                self.elsewhere += 1;
                answer
            }
            Step::LoginElsewhere => {
                let number = (self.logins + 1) % self.elsewhere.max(1) + 1;
                let answer = post("/v1/auth/login", elsewhere(number)).await;
                self.logins += 1;
                answer
            }
            Step::ForgotOwn => {
                post("/v1/auth/forgot-password", json!({ "email": self.email })).await
            }
            Step::ResendOwn => post("/v1/auth/resend-verification", elsewhere(1)).await,
            Step::ChangeToTarget => change(TARGET).await,
            Step::ChangeToOwn => change(NEW_OWN).await,
            Step::ConfirmOwn => {
                let token = json!({ "token": self.confirming.take()? });
                let answer = self.app.post("/v1/auth/confirm-email", &token).send().await;
                if answer.status == 200 {
                    NEW_OWN.clone_into(&mut self.email);
                }
                answer
            }
            Step::Export => own(Method::GET, "/v1/users/me/export").send().await,
            Step::Audit => own(Method::GET, "/v1/users/me/audit").send().await,
            Step::Sessions => own(Method::GET, "/v1/users/me/sessions").send().await,
            Step::ProviderStated | Step::ProviderCode | Step::ProviderWrongCode => {
                self.by_provider(step).await
            }
            Step::Wait(minutes) => {
                self.wait(minutes);
                return None;
            }
            other => unreachable!("{other:?} is about the address"),
        };
        Some(answer)
    }
}

impl Caller {
    /// The provider's clock goes along.
    fn wait(&self, minutes: u64) {
        self.app.turn_clock(Duration::from_mins(minutes));
        let seconds = i64::try_from(minutes * 60).unwrap();
        self.provider.script(|script| script.now += seconds);
    }

    /// Asks for a passkey of the address, and answers with a credential that is none of it.
    async fn by_own_key(&self) -> Option<Answer> {
        let post = async |path: &str, body: Value| self.app.post(path, &body).send().await;
        let asked = post("/v1/auth/passkey/options", json!({ "email": TARGET })).await;
        let credential = own_key_for(&asked.body["data"])?;
        Some(post("/v1/auth/passkey", json!({ "credential": credential })).await)
    }

    /// Logs in with an account at the provider that states the address, and goes on as far as the step
    /// says; returns the last answer.
    async fn by_provider(&self, step: Step) -> Answer {
        let post = async |path: &str, body: Value| self.app.post(path, &body).send().await;
        let begun = post("/v1/auth/providers/acme/begin", json!({ "redirectUri": PAGE })).await;
        if begun.status != 200 {
            return begun;
        }
        let begun = Begun::of(&begun);
        let mut body = self.provider.log_in(&begun.url, &unverified("mallory", TARGET));
        body["flow"] = begun.flow.into();
        let waits = post("/v1/auth/providers/callback", body).await;
        let token = waits.body["error"]["providerToken"].clone();
        if matches!(step, Step::ProviderStated) || token.is_null() {
            return waits;
        }
        let sent = json!({ "providerToken": token, "email": TARGET });
        let sent = post("/v1/auth/providers/code", sent).await;
        let token = sent.body["data"]["providerToken"].clone();
        if matches!(step, Step::ProviderCode) || token.is_null() {
            return sent;
        }
        let typed = json!({ "providerToken": token, "code": "BBBBB-BBBBB" });
        post("/v1/auth/providers/complete", typed).await
    }
}

/// A key of the caller's own, under the first ID that it was given.
fn own_key_for(options: &Value) -> Option<Value> {
    let mut device = Device::new();
    let made = json!({
        "rp": { "id": "localhost" }, "user": { "id": "AA" }, "challenge": "AA",
        "excludeCredentials": [], "authenticatorSelection": {},
    });
    device.create(&made);
    device.get(options)
}

/// The path and fields of a form that anybody can post about the address; `None` for other steps.
fn form_about_target(step: Step) -> Option<(&'static str, String)> {
    let encoded = |text: &str| percent::encode(text);
    let login = |email: &str, password: &str| {
        format!("name={}&password={}", encoded(email), encoded(password))
    };
    Some(match step {
        Step::PageSignUp => {
            ("/sign-up", format!("email={}&new_password={}", encoded(TARGET), encoded(PASSWORD)))
        }
        Step::PageLoginWrong => ("/sign-in", login(TARGET, "quite another passphrase")),
        Step::PageLoginAsSignedUp => ("/sign-in", login("Target@Example.com", PASSWORD)),
        _ => return None,
    })
}

/// The path and body of a call that anybody can make about the address; `None` for other steps.
fn about_target(step: Step) -> Option<(&'static str, Value)> {
    let login = |email: &str, password: &str| json!({ "email": email, "password": password });
    let target = json!({ "email": TARGET });
    let code = json!({ "email": TARGET, "code": "000000", "newPassword": OTHER });
    Some(match step {
        Step::SignUp => ("/v1/auth/register", login(TARGET, PASSWORD)),
        Step::LoginWrong => ("/v1/auth/login", login(TARGET, "quite another passphrase")),
        Step::LoginAsSignedUp => ("/v1/auth/login", login("Target@Example.com", PASSWORD)),
        Step::Forgot => ("/v1/auth/forgot-password", target),
        Step::Resend => ("/v1/auth/resend-verification", target),
        Step::RequestCode => ("/v1/auth/otp/request", target),
        Step::ShowCode => ("/v1/auth/otp/verify", code),
        Step::RequestResetCode => ("/v1/auth/reset-code/request", target),
        Step::ShowResetCode => ("/v1/auth/reset-code/verify", code),
        Step::ResetByCode => ("/v1/auth/reset-code/confirm", code),
        Step::PasskeyOptions => ("/v1/auth/passkey/options", target),
        _ => return None,
    })
}

/// Makes the account that the world has at the address, from elsewhere.
async fn prepare(app: &App, world: World, imported: bool) {
    let from = |path: &str, body: Value| app.post(path, &body).from(OWNER);
    if world != World::Free {
        let body = json!({ "email": TARGET, "username": "target", "password": OTHER });
        from("/v1/auth/register", body).send().await.ok(201);
    }
    if !matches!(world, World::Free | World::Unproved) {
        let token = token_in(&app.mails().await, "verify-email?token=");
        from("/v1/auth/verify-email", json!({ "token": token })).send().await.ok(200);
    }
    if world == World::WithPasskey {
        let login = json!({ "email": TARGET, "password": OTHER });
        let access = from("/v1/auth/login", login).send().await.tokens().access;
        let path = "/v1/users/me/passkeys";
        let asked = from(&format!("{path}/options"), json!({ "type": "passkey" })).bearer(&access);
        let options = asked.send().await.body["data"].clone();
        let credential = Device::new().create(&options).unwrap();
        let added = from(path, json!({ "credential": credential })).bearer(&access);
        added.send().await.ok(201);
    }
    if world == World::WithFactor {
        let login = json!({ "email": TARGET, "password": OTHER });
        let access = from("/v1/auth/login", login).send().await.tokens().access;
        let setup = from("/v1/auth/mfa/setup", json!({ "type": "email" })).bearer(&access);
        setup.send().await.ok(200);
        let code = crate::factors::code_in(&app.mails().await);
        let confirm = from("/v1/auth/mfa/verify", json!({ "code": code })).bearer(&access);
        confirm.send().await.ok(200);
    }
    let state = match world {
        World::Suspended => "suspended_at",
        World::Deleted => "deleted_at",
        _ => "last_login_at",
    };
    if world != World::Free {
        let set = format!("update accounts set {state} = 1 where email_key = '{TARGET}'");
        assert_eq!(app.database().tamper(&set), 1);
    }
    if imported && !matches!(world, World::Free | World::Unproved) {
        let set = format!(
            "update accounts set password_hash = '{IMPORTED}', password_scheme = 'bcrypt:4' \
             where email_key = '{TARGET}'"
        );
        assert_eq!(app.database().tamper(&set), 1);
    }
}

async fn perceived(world: World, imported: bool, steps: &[Step]) -> Vec<Perceived> {
    let mut caller = Caller::in_world(world, imported).await;
    let mut all = Vec::new();
    for step in steps {
        all.push(caller.take(*step).await);
    }
    all
}

async fn assert_alike(steps: &[Step], imported: bool, worlds: &[World]) {
    let free = perceived(World::Free, imported, steps).await;
    for world in worlds {
        let other = perceived(*world, imported, steps).await;
        for (n, (one, two)) in free.iter().zip(&other).enumerate() {
            assert_eq!(one, two, "{world:?}, imported {imported}, step {n} of {steps:#?}");
        }
    }
}

#[tokio::test]
async fn no_script_tells_the_caller_what_an_address_is() {
    for seed in 1..if is_long() { 200 } else { 7 } {
        assert_alike(&script(seed), seed % 2 == 0, &World::ALL).await;
    }
}

#[tokio::test]
async fn failures_count_on_when_a_hidden_sign_up_makes_the_account() {
    let mut steps = vec![Step::LoginWrong; 9];
    steps.push(Step::SignUp);
    steps.extend([Step::LoginWrong; 3]);
    assert_alike(&steps, false, &[World::Registered]).await;
    let last = perceived(World::Free, false, &steps).await;
    let statuses: Vec<_> = last[10..].iter().map(|seen| seen.answer.as_ref().unwrap().0).collect();
    assert_eq!(statuses, [401, 429, 429]);
}

#[tokio::test]
async fn the_mail_that_a_client_may_cause_is_counted_whether_or_not_it_is_sent() {
    for first in [Step::Forgot, Step::Resend, Step::RequestCode, Step::ChangeToTarget] {
        let mut steps = vec![first];
        steps.extend([Step::ChangeToOwn; 5]);
        steps.extend([Step::SignUpElsewhere, Step::ResendOwn, Step::ResendOwn, Step::ResendOwn]);
        steps.extend([Step::ForgotOwn; 5]);
        steps.extend([Step::SignUp, Step::LoginAsSignedUp, Step::LoginAsSignedUp]);
        steps.extend([Step::Wait(7), Step::ResendOwn, Step::RequestResetCode]);
        steps.extend([Step::ResendOwn, Step::ForgotOwn, Step::ChangeToOwn]);
        assert_alike(&steps, false, &[World::Registered, World::Unproved]).await;
    }
}

#[tokio::test]
async fn the_mail_of_a_refused_login_is_counted_whether_or_not_it_is_sent() {
    let mut steps = vec![Step::SignUp, Step::LoginAsSignedUp];
    steps.extend([Step::SignUpElsewhere; 7]);
    steps.extend([Step::LoginElsewhere; 28]);
    assert_alike(&steps, false, &[World::Registered, World::Unproved]).await;
    let seen = perceived(World::Free, false, &steps).await;
    let sent: usize = seen[9..].iter().map(|seen| seen.mails.len()).sum();
    assert_eq!(sent, 19, "twenty an hour, one of them for the address that was asked about");
}

#[tokio::test]
async fn a_change_to_a_taken_address_looks_the_same_to_the_end() {
    let mut steps = vec![Step::ChangeToOwn, Step::ChangeToTarget, Step::ConfirmOwn, Step::Export];
    steps.extend([Step::Forgot; 6]);
    steps.extend([Step::ChangeToOwn, Step::ChangeToTarget, Step::ConfirmOwn]);
    assert_alike(&steps, false, &World::ALL).await;
    let seen = perceived(World::Registered, false, &steps).await;
    assert_eq!(seen[1].mails.len(), 1, "the old address hears of it: {:?}", seen[1]);
    assert_eq!(seen[2].answer.as_ref().unwrap().0, 404, "a new change ends the one before");
}

#[tokio::test]
async fn a_wrong_login_costs_the_same_before_and_after_a_hidden_sign_up() {
    for steps in [
        [Step::PageLoginWrong, Step::PageSignUp, Step::PageLoginWrong, Step::PageLoginAsSignedUp],
        [Step::PageSignUp, Step::LoginAsSignedUp, Step::PageLoginAsSignedUp, Step::SignUp],
    ] {
        assert_alike(&steps, false, &World::ALL).await;
    }
    let steps = [Step::LoginWrong, Step::SignUp, Step::LoginWrong, Step::LoginAsSignedUp];
    for imported in [false, true] {
        let seen = perceived(World::Free, imported, &steps).await;
        let costs: Vec<_> = [0, 2, 3].map(|n| &seen[n].hashing).into();
        assert!(costs.iter().all(|cost| *cost == costs[0]), "{costs:?}");
        assert_eq!(costs[0].contains_key("bcrypt:4"), imported);
        assert_alike(&steps, imported, &World::ALL).await;
    }
}

#[tokio::test]
async fn a_login_with_a_provider_tells_nothing_of_the_address_that_it_states() {
    let steps = [
        Step::ProviderStated,
        Step::SignUp,
        Step::ProviderCode,
        Step::PageLoginAsSignedUp,
        Step::ProviderWrongCode,
        Step::Forgot,
        Step::ProviderWrongCode,
        Step::LoginWrong,
        Step::ProviderStated,
    ];
    assert_alike(&steps, false, &World::ALL).await;
    let seen = perceived(World::Registered, false, &steps).await;
    let statuses: Vec<_> =
        [0, 2, 4].map(|n| seen[n].answer.as_ref().unwrap().0).into_iter().collect();
    assert_eq!(statuses, [401, 200, 400], "the steps are taken");
}
