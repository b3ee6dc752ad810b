//! Two people and one address, in any order of their calls: an owner, who reads the mail to the
//! address, and a squatter, who signs up with it too. Neither ends in the other's account, the
//! squatter keeps no way in, and the owner is not kept out.
//!
//! Each run is an interleaving of one script of each. Runs share one program; each has addresses of
//! its own.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};

use authd::identity::session::page_session;
use authd::mail::Mail;
use authd::model::{Email, Secret, percent};
use authd::store::tables::accounts;
use futures_util::StreamExt as _;
use futures_util::stream;
use poem::http::Method;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::authenticator::Device;
use crate::process;
use crate::support::{Answer, App, Call, Tokens, UNLIMITED, UNLIMITED_MAIL, UNTHROTTLED, app_with};

const OWN: &str = "Horse-staple!0wner";
const FOREIGN: &str = "Battery-pl4ice!squat";
const CHANGED: &str = "Another-pl4ice!squat";
const RECOVERED: &str = "Rec0vered-horse!owner";

/// What a person does. A step that is impossible changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    SignUp,
    /// Follows the newest verification link on its page; types the own password if asked for one.
    Verify,
    /// The page of an application follows the oldest verification link by a call.
    VerifyByCall,
    /// Requests a reset link.
    AskReset,
    /// Follows the newest reset link.
    UseReset,
    /// Logs in with a mailed code.
    CodeLogIn,
    LogIn,
    /// Logs in on the page, and stays.
    EnterPages,
    LogOutAll,
    ChangePassword,
    AddFactor,
    AddPasskey,
    /// Asks to move the account to the person's second address.
    Move,
    /// Asks to move it to the third.
    MoveOn,
    /// Follows the newest link that confirms a new address.
    Confirm,
    /// Follows the oldest link that undoes a change.
    Undo,
    Delete,
}

use Step::{
    AddFactor, AddPasskey, AskReset, ChangePassword, CodeLogIn, Confirm, Delete, EnterPages, LogIn,
    LogOutAll, Move, MoveOn, SignUp, Undo, UseReset, Verify, VerifyByCall,
};

const OWNER: &[&[Step]] = &[
    &[SignUp, Verify],
    &[SignUp, VerifyByCall],
    &[AskReset, UseReset],
    &[SignUp, CodeLogIn],
    &[SignUp, Undo],
    &[SignUp, Verify, LogIn, Move, Confirm],
    &[SignUp, AskReset, Verify, UseReset],
    &[SignUp, LogIn, LogOutAll, VerifyByCall],
    &[SignUp, Verify, LogIn, AddPasskey],
];

const SQUATTER: &[&[Step]] = &[
    &[SignUp, LogIn, AddFactor],
    &[SignUp, LogIn, Move, Confirm],
    &[SignUp, LogIn, Move, Confirm, AddFactor, Delete],
    &[SignUp, LogIn, Move, Confirm, MoveOn, Confirm],
    &[SignUp, LogIn, ChangePassword, AddFactor],
    &[SignUp, LogIn, Delete, SignUp],
    &[SignUp, LogIn, AddPasskey, Move, Confirm, AddPasskey],
    &[SignUp, EnterPages, LogIn, Move],
];

/// All settings under which the two meet.
const SETTINGS: [(&str, &[(&str, &str)]); 4] = [
    ("standard", &[("login.passwordless", "true")]),
    ("perfect21", &[("lockout.enabled", "false")]),
    ("siteworks", &[]),
    (
        "standard",
        &[
            ("signup.verify_email", "false"),
            ("signup.reveal_existing", "true"),
            ("login.passwordless", "true"),
        ],
    ),
];

/// A step, and whether the owner does it.
type Turn = (bool, Step);

/// All interleavings of two scripts.
fn merges(owner: &[Step], squatter: &[Step]) -> Vec<Vec<Turn>> {
    let mut all = Vec::new();
    if let [step, rest @ ..] = owner {
        let tails = merges(rest, squatter).into_iter();
        all.extend(tails.map(|tail| [vec![(true, *step)], tail].concat()));
    }
    if let [step, rest @ ..] = squatter {
        let tails = merges(owner, rest).into_iter();
        all.extend(tails.map(|tail| [vec![(false, *step)], tail].concat()));
    }
    if all.is_empty() { vec![Vec::new()] } else { all }
}

fn all_runs() -> Vec<Vec<Turn>> {
    let pairs = OWNER.iter().flat_map(|own| SQUATTER.iter().map(move |foreign| (own, foreign)));
    pairs.flat_map(|(own, foreign)| merges(own, foreign)).collect()
}

/// The program, with the mailboxes of everyone.
struct Site {
    app: App,
    mailboxes: Mutex<HashMap<String, Vec<Mail>>>,
    runs: AtomicUsize,
}

/// One of the two.
struct Person {
    /// The address that both use, and two that only this person reads.
    addresses: [String; 3],
    username: String,
    /// All that they ever had.
    passwords: Vec<&'static str>,
    tokens: Vec<Tokens>,
    /// Their phone, with the passkeys of every account that it was added to.
    phone: Mutex<Device>,
    /// The sessions of the pages.
    pages: Vec<Secret>,
    has_signed_up: bool,
    has_deleted: bool,
}

impl Person {
    fn new(name: &str, first: &str, run: usize, password: &'static str) -> Self {
        Self {
            addresses: [
                first.to_owned(),
                format!("{name}{run}@second.example"),
                format!("{name}{run}@third.example"),
            ],
            username: format!("{name}{run}"),
            passwords: vec![password],
            tokens: Vec::new(),
            phone: Mutex::new(Device::new()),
            pages: Vec::new(),
            has_signed_up: false,
            has_deleted: false,
        }
    }
}

/// One run.
struct World<'a> {
    site: &'a Site,
    /// The address that both use.
    address: String,
    owner: Person,
    squatter: Person,
}

impl Site {
    async fn open(profile: &str, set: &[(&str, &str)]) -> Self {
        let pages = [("pages.enabled", "true")];
        let set: Vec<_> = [&UNLIMITED[..], &UNLIMITED_MAIL, &UNTHROTTLED, &pages, set].concat();
        let app = app_with(profile, &set).await;
        Self { app, mailboxes: Mutex::default(), runs: AtomicUsize::new(0) }
    }

    fn world(&self) -> World<'_> {
        let run = self.runs.fetch_add(1, Ordering::Relaxed);
        let address = format!("ada{run}@example.com");
        World {
            site: self,
            owner: Person::new("ada", &address, run, OWN),
            squatter: Person::new("eve", &address, run, FOREIGN),
            address,
        }
    }

    /// Delivers what is due.
    async fn deliver(&self) {
        let mut mailboxes = self.mailboxes.lock().await;
        for mail in self.app.mails().await {
            mailboxes.entry(mail.to.clone()).or_default().push(mail);
        }
    }

    /// The texts after this marker in all letters to these addresses, oldest letter first.
    async fn found(&self, addresses: &[String], marker: &str) -> Vec<String> {
        self.deliver().await;
        let mailboxes = self.mailboxes.lock().await;
        let letters = addresses.iter().filter_map(|address| mailboxes.get(address)).flatten();
        letters
            .filter_map(|mail| mail.text.split_once(marker))
            .map(|(_, rest)| {
                rest.chars()
                    .take_while(|c| c.is_ascii_alphanumeric() || *c == '-' || *c == '_')
                    .collect()
            })
            .collect()
    }

    fn post(&self, path: &str, body: &Value) -> Call<'_> {
        self.app.post(&format!("/v1{path}"), body)
    }

    async fn press(&self, page: &str, form: String) -> Answer {
        let call = self.app.call(Method::POST, &format!("/v1{page}"));
        call.body("application/x-www-form-urlencoded", form).send().await
    }

    async fn sign_up(&self, email: &str, password: &str, username: &str) {
        let body = json!({
            "email": email, "password": password, "username": username,
            "firstName": "A", "lastName": "B",
        });
        let answer = self.post("/auth/register", &body).send().await;
        assert!([201, 409].contains(&answer.status.as_u16()), "{}", answer.text);
    }

    async fn log_in(&self, email: &str, password: &str) -> Answer {
        self.post("/auth/login", &json!({ "email": email, "password": password })).send().await
    }

    /// Logs in on the page; returns the secret of its session.
    async fn enter_pages(&self, email: &str, password: &str) -> Option<Secret> {
        let token = page_session::form_token(&self.app.core, &Secret::new("visitor"));
        let (email, password) = (percent::encode(email), percent::encode(password));
        let form = format!("form={token}&name={email}&password={password}");
        let call =
            self.app.call(Method::POST, "/sign-in").header("cookie", "authd-visitor=visitor");
        let answer = call.body("application/x-www-form-urlencoded", form).send().await;
        let cookies = answer.headers.get_all("set-cookie").iter();
        let mut cookies = cookies.filter_map(|line| line.to_str().unwrap().strip_prefix("authd="));
        cookies.next().map(|cookie| Secret::new(cookie.split(';').next().unwrap()))
    }

    async fn id_at(&self, address: &str) -> Option<(String, bool)> {
        let key = Email::parse(address).unwrap().key().to_owned();
        let found = self.app.core.store.read(move |db| accounts::find_by_email(db, &key)).await;
        found.unwrap().map(|one| (one.id.to_string(), one.email_verified_at.is_some()))
    }

    /// The account that a token opens.
    async fn id_of(&self, access: &str) -> Option<String> {
        let me = self.app.get("/v1/users/me").bearer(access).send().await;
        me.body.pointer("/data/id").and_then(Value::as_str).map(str::to_owned)
    }

    /// The accounts that a person opens with a password or a token that they have.
    async fn reach(&self, person: &Person) -> BTreeSet<String> {
        let mut reach = BTreeSet::new();
        for tokens in &person.tokens {
            reach.extend(self.id_of(&tokens.access).await);
            let body = json!({ "refreshToken": tokens.refresh });
            let turned = self.post("/auth/refresh", &body).send().await;
            if turned.status == 200 {
                reach.extend(self.id_of(&turned.tokens().access).await);
            }
        }
        reach.extend(self.reach_by_passkeys(person).await);
        for secret in &person.pages {
            let found = page_session::caller(&self.app.core, secret).await;
            reach.extend(found.map(|caller| caller.account.id.to_string()).ok());
        }
        for address in &person.addresses {
            for password in &person.passwords {
                let login = self.log_in(address, password).await;
                // A password that is right and waits for a factor is a way in too.
                if login.status == 200 || login.code() == "MFA_REQUIRED" {
                    reach.extend(self.id_at(address).await.map(|(id, _)| id));
                }
            }
        }
        reach
    }
}

impl Site {
    /// The accounts that the passkeys of a person open.
    async fn reach_by_passkeys(&self, person: &Person) -> Vec<String> {
        let mut phone = person.phone.lock().await;
        self.app.core.config.passkey_origins().pop().unwrap().clone_into(&mut phone.origin);
        let (mut reach, mut shown) = (Vec::new(), Vec::new());
        while let Some(credential) = phone.credentials.pop() {
            let asked = self.post("/auth/passkey/options", &json!({})).send().await;
            let others = std::mem::replace(&mut phone.credentials, vec![credential]);
            let credential = phone.get(&asked.body["data"]).unwrap();
            let body = json!({ "credential": credential });
            let login = self.post("/auth/passkey", &body).send().await;
            if login.status == 200 {
                reach.extend(self.id_of(&login.tokens().access).await);
            }
            shown.append(&mut phone.credentials);
            phone.credentials = others;
        }
        phone.credentials = shown;
        reach
    }

    async fn add_passkey(&self, person: &Person, access: &str) {
        let mut phone = person.phone.lock().await;
        self.app.core.config.passkey_origins().pop().unwrap().clone_into(&mut phone.origin);
        let path = "/users/me/passkeys";
        let body = json!({ "type": "passkey" });
        let asked = self.post(&format!("{path}/options"), &body).bearer(access).send().await;
        if asked.status != 200 {
            return;
        }
        let Some(credential) = phone.create(&asked.body["data"]) else { return };
        let body = json!({ "credential": credential });
        let added = self.post(path, &body).bearer(access).send().await;
        assert_eq!(added.status, 201, "{}", added.text);
    }
}

impl World<'_> {
    /// One step of a person.
    async fn take(&mut self, (is_owner, step): Turn) {
        let (site, address) = (self.site, self.address.clone());
        let person = if is_owner { &mut self.owner } else { &mut self.squatter };
        let password = *person.passwords.last().unwrap();
        let access = person.tokens.last().map(|tokens| tokens.access.clone()).unwrap_or_default();
        match step {
            SignUp => {
                person.has_signed_up = true;
                site.sign_up(&address, password, &person.username).await;
            }
            AskReset => {
                let body = json!({ "email": address });
                site.post("/auth/forgot-password", &body).send().await;
            }
            LogIn => {
                let login = site.log_in(&address, password).await;
                person.tokens.extend((login.status == 200).then(|| login.tokens()));
            }
            EnterPages => {
                let entered = site.enter_pages(&address, password).await;
                person.pages.extend(entered);
            }
            LogOutAll => {
                site.post("/auth/logout-all", &json!({})).bearer(&access).send().await;
            }
            ChangePassword => {
                let body = json!({ "currentPassword": password, "newPassword": CHANGED });
                let call = site.app.put("/v1/auth/change-password", &body).bearer(&access);
                if call.send().await.status == 200 {
                    person.passwords.push(CHANGED);
                }
            }
            AddFactor => add_factor(&site.app, &access).await,
            AddPasskey => site.add_passkey(person, &access).await,
            Move | MoveOn => {
                let new = &person.addresses[if step == Move { 1 } else { 2 }];
                let body = json!({ "newEmail": new });
                site.post("/users/me/email", &body).bearer(&access).send().await;
            }
            Delete => {
                let call = site.app.call(Method::DELETE, "/v1/users/me").bearer(&access);
                person.has_deleted |= call.send().await.status == 200;
            }
            Verify | VerifyByCall | UseReset | CodeLogIn | Confirm | Undo => {
                self.follow((is_owner, step), password).await;
            }
        }
        site.deliver().await;
    }

    /// A step that uses what was mailed.
    async fn follow(&mut self, (is_owner, step): Turn, password: &str) {
        let (site, address) = (self.site, self.address.clone());
        let person = if is_owner { &mut self.owner } else { &mut self.squatter };
        // Only the owner reads the mail to the address that both use.
        let mailboxes = person.addresses[usize::from(!is_owner)..].to_vec();
        let newest = async |marker: &str| site.found(&mailboxes, marker).await.pop();
        match step {
            // Nobody verifies an address for a sign-up that they did not make.
            Verify | VerifyByCall if !person.has_signed_up => {}
            Verify => {
                let Some(token) = newest("/v1/verify-email?token=").await else { return };
                let form = format!("token={token}");
                if site.press("/verify-email", form.clone()).await.status == 400 {
                    let form = format!("{form}&newPassword={}", password.replace('!', "%21"));
                    let done = site.press("/verify-email", form).await;
                    assert_eq!(done.status, 200, "{}", done.text);
                }
            }
            VerifyByCall => {
                let links = site.found(&mailboxes, "/v1/verify-email?token=").await;
                let Some(token) = links.first() else { return };
                site.post("/auth/verify-email", &json!({ "token": token })).send().await;
            }
            UseReset => {
                let Some(token) = newest("/v1/reset-password?token=").await else { return };
                let body = json!({ "token": token, "newPassword": password });
                site.post("/auth/reset-password", &body).send().await;
            }
            CodeLogIn => {
                site.post("/auth/otp/request", &json!({ "email": address })).send().await;
                let Some(code) = newest("Your code for authd\n\n").await else { return };
                let body = json!({ "email": address, "code": code });
                let login = site.post("/auth/otp/verify", &body).send().await;
                person.tokens.extend((login.status == 200).then(|| login.tokens()));
            }
            Confirm => {
                let Some(token) = newest("/v1/confirm-email?token=").await else { return };
                site.post("/auth/confirm-email", &json!({ "token": token })).send().await;
            }
            _ => {
                let links = site.found(&mailboxes, "/v1/undo-email?token=").await;
                let Some(token) = links.first() else { return };
                site.post("/auth/undo-email", &json!({ "token": token })).send().await;
            }
        }
    }

    /// Neither is in an account whose address the other has proved.
    async fn assert_apart(&self) {
        let squatter = self.site.reach(&self.squatter).await;
        for address in &self.owner.addresses {
            let Some((id, true)) = self.site.id_at(address).await else { continue };
            assert!(!squatter.contains(&id), "the squatter is in the account of {address}");
        }
        let owner = self.site.reach(&self.owner).await;
        for address in &self.squatter.addresses[1..] {
            let Some((id, true)) = self.site.id_at(address).await else { continue };
            assert!(!owner.contains(&id), "the owner is in the account of {address}");
        }
    }

    /// The owner gets in by what is mailed to them; returns the account.
    async fn recover(&mut self) -> String {
        for address in self.owner.addresses.clone() {
            let body = json!({ "email": address });
            self.site.post("/auth/forgot-password", &body).send().await;
        }
        if !self.reset().await {
            for token in self.site.found(&self.owner.addresses, "/v1/undo-email?token=").await {
                self.site.post("/auth/undo-email", &json!({ "token": token })).send().await;
            }
            if !self.reset().await {
                let name = format!("{}-anew", self.owner.username);
                self.site.sign_up(&self.address, RECOVERED, &name).await;
                self.owner.has_signed_up = true;
                self.owner.passwords.push(RECOVERED);
                self.take((true, Verify)).await;
            }
        }
        let mut told = String::new();
        for address in self.owner.addresses.clone() {
            let login = self.site.log_in(&address, RECOVERED).await;
            if login.status == 200 {
                let tokens = login.tokens();
                let id = self.site.id_of(&tokens.access).await.unwrap();
                self.owner.tokens.push(tokens);
                return id;
            }
            write!(told, "{address}: {} ", login.text).unwrap();
        }
        panic!("the owner is kept out: {told}");
    }

    /// Uses the newest reset link that works. Returns whether there is one.
    async fn reset(&self) -> bool {
        let links = self.site.found(&self.owner.addresses, "/v1/reset-password?token=").await;
        for token in links.iter().rev() {
            let body = json!({ "token": token, "newPassword": RECOVERED });
            if self.site.post("/auth/reset-password", &body).send().await.status == 200 {
                return true;
            }
        }
        false
    }

    /// The squatter uses everything that they ever had, and does not get near the account.
    async fn assert_squatter_is_out(&mut self, account: &str) {
        let mailboxes = self.squatter.addresses[1..].to_vec();
        for address in &mailboxes {
            let body = json!({ "email": address });
            self.site.post("/auth/forgot-password", &body).send().await;
        }
        for (page, call) in [
            ("/v1/confirm-email?token=", "/auth/confirm-email"),
            ("/v1/undo-email?token=", "/auth/undo-email"),
            ("/v1/verify-email?token=", "/auth/verify-email"),
            ("/v1/reset-password?token=", "/auth/reset-password"),
        ] {
            for token in self.site.found(&mailboxes, page).await {
                let body = json!({ "token": token, "newPassword": FOREIGN });
                let body =
                    if call == "/auth/reset-password" { body } else { json!({ "token": token }) };
                self.site.post(call, &body).send().await;
            }
        }
        let reach = self.site.reach(&self.squatter).await;
        assert!(!reach.contains(account), "the squatter has a way in");
        let tokens = self.owner.tokens.last().unwrap();
        assert_eq!(self.site.id_of(&tokens.access).await.as_deref(), Some(account));
    }

    async fn run(mut self, turns: &[Turn]) {
        for turn in turns {
            self.take(*turn).await;
        }
        self.assert_apart().await;
        // Who deletes their own account keeps the address, and has to ask the operator.
        if !self.owner.has_deleted {
            let account = self.recover().await;
            self.assert_squatter_is_out(&account).await;
        }
    }
}

async fn add_factor(app: &App, access: &str) {
    let setup = json!({ "type": "totp" });
    let started = app.post("/v1/auth/mfa/setup", &setup).bearer(access).send().await;
    let Some(secret) = started.body.pointer("/data/secret").and_then(Value::as_str) else { return };
    let secret = totp_rs::Secret::try_from_base32(secret).unwrap();
    let totp = totp_rs::Builder::new().with_secret(secret).build().unwrap();
    let now = u64::try_from(app.core.env.wall().seconds()).unwrap();
    let code = json!({ "code": totp.generate(now).to_string() });
    app.post("/v1/auth/mfa/verify", &code).bearer(access).send().await;
}

/// Makes every `nth` run under all settings.
async fn make_runs(nth: usize) {
    for (number, (profile, set)) in SETTINGS.into_iter().enumerate() {
        let site = Site::open(profile, set).await;
        let runs: Vec<_> = all_runs().into_iter().skip(number % nth).step_by(nth).collect();
        let site = &site;
        stream::iter(&runs)
            .for_each_concurrent(16, |turns| async move {
                let person = |is_owner| if is_owner { "owner" } else { "squatter" };
                let words =
                    turns.iter().map(|(is_owner, step)| format!("{} {step:?}", person(*is_owner)));
                let words: Vec<_> = words.collect();
                let _shown = ShownOnFailure(format!("{profile} {set:?}: {}", words.join(", ")));
                site.world().run(turns).await;
            })
            .await;
    }
}

/// Prints the run in which an assertion failed.
struct ShownOnFailure(String);

impl Drop for ShownOnFailure {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.0);
        }
    }
}

/// Every 127th order; all of them, some minutes, with `LONG_TESTS=1`.
#[tokio::test]
async fn neither_gets_into_the_others_account_nor_is_kept_out() {
    make_runs(if process::is_long() { 1 } else { 127 }).await;
}
