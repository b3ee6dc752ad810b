//! Two people and one address, with two providers: an owner, who reads the mail to the address and whose
//! account at the first provider proves it, and a squatter, who signs up with the address and whose
//! accounts at providers state it without proof. At the second provider each has the subject that the
//! other has at the first. In any order of their calls neither reaches an account of the other, and the
//! owner is not kept out; with accounts that need no address, and without.

use std::collections::{BTreeSet, HashMap};

use authd::mail::Mail;
use authd::model::Email;
use authd::store::tables::{accounts, identities};
use futures_util::StreamExt as _;
use futures_util::stream;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::fake_provider::{FakeProvider, PAGE};
use crate::providers::{Begun, Site};
use crate::support::{Answer, UNLIMITED, UNLIMITED_MAIL, UNTHROTTLED};

const OWN: &str = "Horse-staple!0wner";
const FOREIGN: &str = "Battery-pl4ice!squat";

/// What a person does. A step that is impossible changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    SignUp,
    /// Follows the newest verification link in the own mail.
    Verify,
    LogIn,
    /// Logs in with the account at the provider that has the address: proved for the owner, stated
    /// for the squatter. Goes on with a code, if one is in the own mail.
    Provider,
    /// Logs in with the other account at the provider, whose address the person alone reads.
    Other,
    /// Logs in with the other account, and gives the address that both use.
    OtherForAddress,
    /// Connects the other account in the newest session.
    Link,
    /// Asks in the newest session to have the address that both use, and follows the link if the letter
    /// comes.
    Change,
}

use Step::{Change, Link, LogIn, Other, OtherForAddress, Provider, SignUp, Verify};

const OWNER: &[&[Step]] = &[
    &[SignUp, Verify],
    &[Provider],
    &[SignUp, Provider],
    &[Provider, SignUp, Verify],
    &[OtherForAddress, Provider],
    &[SignUp, Verify, LogIn, Link],
    &[Other, Change, Provider],
];

const SQUATTER: &[&[Step]] = &[
    &[SignUp, LogIn, Link],
    &[Provider, Link],
    &[SignUp, Provider, LogIn],
    &[Other, OtherForAddress],
    &[OtherForAddress, SignUp, LogIn, Link],
    &[Other, Change, Link],
];

fn merges(owner: &[Step], squatter: &[Step]) -> Vec<Vec<(bool, Step)>> {
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

struct Person {
    is_owner: bool,
    run: usize,
    address: String,
    password: &'static str,
    access: Vec<String>,
}

struct World<'a> {
    site: &'a Site,
    second: &'a FakeProvider,
    mailboxes: &'a Mutex<HashMap<String, Vec<Mail>>>,
    address: String,
}

impl Person {
    fn new(is_owner: bool, run: usize, address: &str) -> Self {
        let password = if is_owner { OWN } else { FOREIGN };
        Self { is_owner, run, address: address.to_owned(), password, access: Vec::new() }
    }

    fn name(&self) -> String {
        format!("{}{}", if self.is_owner { "owner" } else { "squatter" }, self.run)
    }

    fn own_address(&self) -> String {
        format!("{}@own.example", self.name())
    }

    /// The account at the provider that has the address.
    fn first(&self) -> Value {
        json!({ "sub": format!("{}-1", self.name()), "email": self.address, "email_verified": self.is_owner })
    }

    /// The account at the second provider.
    fn other(&self) -> Value {
        let sub = Self::new(!self.is_owner, self.run, "").name();
        json!({ "sub": format!("{sub}-1"), "email": self.own_address(), "email_verified": false })
    }

    /// The addresses whose mail the person reads.
    fn reads(&self) -> Vec<String> {
        let both = self.is_owner.then(|| self.address.clone());
        both.into_iter().chain([self.own_address()]).collect()
    }
}

impl World<'_> {
    /// What follows a marker in the newest letter that a person reads.
    async fn newest(&self, person: &Person, marker: &str) -> Option<String> {
        let mut mailboxes = self.mailboxes.lock().await;
        for mail in self.site.app.mails().await {
            mailboxes.entry(mail.to.clone()).or_default().push(mail);
        }
        let read = person.reads();
        let letters = read.iter().filter_map(|address| mailboxes.get(address)).flatten();
        let found = letters.filter_map(|mail| mail.text.split_once(marker)).next_back()?.1;
        let is_kept = |c: &char| c.is_ascii_alphanumeric() || *c == '-' || *c == '_';
        Some(found.chars().take_while(is_kept).collect())
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        self.site.app.post(path, body).send().await
    }

    async fn take(&self, person: &mut Person, step: Step) {
        let login = json!({ "email": self.address, "password": person.password });
        match step {
            SignUp => {
                self.post("/v1/auth/register", &login).await;
            }
            Verify => {
                let Some(token) = self.newest(person, "verify-email?token=").await else { return };
                self.post("/v1/auth/verify-email", &json!({ "token": token })).await;
            }
            LogIn => {
                let answer = self.post("/v1/auth/login", &login).await;
                person.access.extend((answer.status == 200).then(|| answer.tokens().access));
            }
            Provider => {
                let answer = self.site.log_in(&person.first()).await;
                self.go_on(person, answer, &self.address).await;
            }
            Other => {
                let answer = self.log_in_at_second(&person.other()).await;
                self.go_on(person, answer, &person.own_address()).await;
            }
            OtherForAddress => {
                let answer = self.log_in_at_second(&person.other()).await;
                self.go_on(person, answer, &self.address).await;
            }
            Link => self.link(person).await,
            Change => self.change(person).await,
        }
    }

    async fn log_in_at_second(&self, claims: &Value) -> Answer {
        let body = json!({ "redirectUri": PAGE });
        let begun = Begun::of(&self.post("/v1/auth/providers/second/begin", &body).await);
        let answer = self.second.log_in(&begun.url, claims);
        self.site.call_back(&begun.flow, &answer).await
    }

    /// Goes on after a login with a provider: proves this address where it is asked for.
    async fn go_on(&self, person: &mut Person, mut answer: Answer, address: &str) {
        if answer.code() == "PROVIDER_STEP_REQUIRED" {
            let token = answer.body["error"]["providerToken"].clone();
            let body = json!({ "providerToken": token, "email": address });
            let sent = self.post("/v1/auth/providers/code", &body).await;
            let marker = "the page that you came from:\n\n";
            let Some(code) = self.newest(person, marker).await else { return };
            let token = sent.body["data"]["providerToken"].clone();
            let body = json!({ "providerToken": token, "code": code });
            answer = self.post("/v1/auth/providers/complete", &body).await;
        }
        person.access.extend((answer.status == 200).then(|| answer.tokens().access));
    }

    /// The letters with a link that confirms an address, among those that a person reads.
    async fn confirm(&self, person: &Person) -> (usize, Option<String>) {
        let newest = self.newest(person, "confirm-email?token=").await;
        let mailboxes = self.mailboxes.lock().await;
        let read = person.reads();
        let letters = read.iter().filter_map(|address| mailboxes.get(address)).flatten();
        (letters.filter(|mail| mail.text.contains("confirm-email?token=")).count(), newest)
    }

    async fn change(&self, person: &Person) {
        let Some(access) = person.access.last() else { return };
        let (before, _) = self.confirm(person).await;
        let body = json!({ "newEmail": self.address });
        self.site.app.post("/v1/users/me/email", &body).bearer(access).send().await;
        // Only a link that was just asked for: nobody follows those of others.
        let (after, newest) = self.confirm(person).await;
        if let Some(token) = newest.filter(|_| after > before) {
            self.post("/v1/auth/confirm-email", &json!({ "token": token })).await;
        }
    }

    async fn link(&self, person: &Person) {
        let Some(access) = person.access.last() else { return };
        let body = json!({ "provider": "second", "redirectUri": PAGE });
        let begin = self.site.app.post("/v1/users/me/identities/begin", &body).bearer(access);
        let begun = begin.send().await;
        if begun.status != 200 {
            return;
        }
        let begun = Begun::of(&begun);
        let mut answer = self.second.log_in(&begun.url, &person.other());
        answer["flow"] = begun.flow.into();
        let body = json!({ "callback": answer });
        self.site.app.post("/v1/users/me/identities", &body).bearer(access).send().await;
    }

    async fn id_of(&self, answer: &Answer) -> Option<String> {
        if answer.status != 200 {
            return None;
        }
        self.me(&answer.tokens().access).await
    }

    async fn me(&self, access: &str) -> Option<String> {
        let me = self.site.app.get("/v1/users/me").bearer(access).send().await;
        me.body.pointer("/data/id").and_then(Value::as_str).map(str::to_owned)
    }

    /// The accounts that a person opens.
    async fn reach(&self, person: &Person) -> BTreeSet<String> {
        let mut reach = BTreeSet::new();
        for access in &person.access {
            reach.extend(self.me(access).await);
        }
        for address in [&self.address, &person.own_address()] {
            let login = json!({ "email": address, "password": person.password });
            reach.extend(self.id_of(&self.post("/v1/auth/login", &login).await).await);
        }
        for (issuer, claims) in
            [(&self.site.provider.issuer, person.first()), (&self.second.issuer, person.other())]
        {
            let (issuer, sub) = (issuer.clone(), claims["sub"].as_str().unwrap().to_owned());
            let store = &self.site.app.core.store;
            let found = store.read(move |db| identities::find(db, &issuer, &sub)).await.unwrap();
            reach.extend(found.map(|row| row.account.to_string()));
        }
        reach
    }

    async fn holder(&self) -> Option<(String, bool)> {
        let key = Email::parse(&self.address).unwrap().key().to_owned();
        let store = &self.site.app.core.store;
        let found = store.read(move |db| accounts::find_by_email(db, &key)).await.unwrap();
        found.map(|one| (one.id.to_string(), one.email_verified_at.is_some()))
    }

    async fn run(&self, run: usize, turns: &[(bool, Step)]) {
        let mut owner = Person::new(true, run, &self.address);
        let mut squatter = Person::new(false, run, &self.address);
        for (is_owner, step) in turns {
            let person = if *is_owner { &mut owner } else { &mut squatter };
            self.take(person, *step).await;
        }
        let (own, foreign) = (self.reach(&owner).await, self.reach(&squatter).await);
        assert!(own.is_disjoint(&foreign), "shared: {turns:?}: {own:?} {foreign:?}");
        if let Some((id, true)) = self.holder().await {
            assert!(!foreign.contains(&id), "the squatter is in: {turns:?}");
            // Whatever happened before, the provider's proof leads in, or to the proof of the account.
            let answer = self.site.log_in(&owner.first()).await;
            let opened = self.id_of(&answer).await;
            let is_in = opened.as_ref() == Some(&id);
            let asks = answer.code() == "PROVIDER_STEP_REQUIRED";
            assert!(is_in || asks, "kept out: {turns:?}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn nobody_reaches_the_other_ones_account_by_a_provider() {
    let pairs = OWNER.iter().flat_map(|own| SQUATTER.iter().map(move |foreign| (own, foreign)));
    let runs: Vec<_> = pairs.flat_map(|(own, foreign)| merges(own, foreign)).collect();
    let modes = [("true", "true"), ("false", "true"), ("true", "false")];
    for (verify, require) in modes {
        let second = FakeProvider::start().await;
        let own = second.settings("second");
        let own: Vec<_> = own.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let set = [("signup.verify_email", verify), ("signup.require_email", require)];
        let set = [&UNLIMITED[..], &UNLIMITED_MAIL, &UNTHROTTLED, &set, &own].concat();
        let site = Site::open(&set).await;
        let mailboxes = Mutex::default();
        let (site, second, mailboxes) = (&site, &second, &mailboxes);
        stream::iter(runs.iter().enumerate())
            .for_each_concurrent(8, |(run, turns)| async move {
                let address = format!("ada{run}@example.com");
                World { site, second, mailboxes, address }.run(run, turns).await;
            })
            .await;
    }
}
