//! Logins with providers: OpenID Connect against a provider in software, with right and hostile
//! answers, and the accounts that they open.

mod accounts;
mod hostile;
mod intruders;
mod pages;
mod presets;
mod process;
mod refreshes;
mod slow;
mod software;
pub mod stored;
mod tokens;
mod without_address;

use serde_json::{Value, json};

use crate::fake_provider::{FakeProvider, PAGE};
use crate::support::{Answer, App, app_with};

/// A program with one provider.
pub struct Site {
    pub app: App,
    pub provider: FakeProvider,
}

/// What a person's browser keeps during a login, and where it is sent.
pub struct Begun {
    pub url: String,
    pub flow: String,
}

impl Site {
    pub async fn open(set: &[(&str, &str)]) -> Self {
        let provider = FakeProvider::start().await;
        let own = provider.settings("acme");
        let own: Vec<_> = own.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let app = app_with("standard", &[&own[..], set].concat()).await;
        Self { app, provider }
    }

    pub async fn begin(&self) -> Begun {
        let body = json!({ "redirectUri": PAGE });
        let begun = self.app.post("/v1/auth/providers/acme/begin", &body).ok(200).await;
        Begun::of(&begun)
    }

    pub async fn call_back(&self, flow: &str, answer: &Value) -> Answer {
        let mut body = answer.clone();
        body["flow"] = flow.into();
        self.app.post("/v1/auth/providers/callback", &body).send().await
    }

    /// A person with these claims logs in at the provider.
    pub async fn log_in(&self, claims: &Value) -> Answer {
        let begun = self.begin().await;
        let answer = self.provider.log_in(&begun.url, claims);
        self.call_back(&begun.flow, &answer).await
    }

    /// The code in the newest letter to this address.
    pub async fn code_for(&self, email: &str) -> String {
        let mails = self.app.mails().await;
        let letter = mails.iter().rfind(|mail| mail.to == email);
        let letter = letter.unwrap_or_else(|| panic!("no letter to {email}"));
        let is_code = |line: &&str| line.len() == 11 && line.as_bytes()[5] == b'-';
        letter.text.lines().find(is_code).unwrap_or_else(|| panic!("{}", letter.text)).to_owned()
    }
}

impl Begun {
    pub fn of(answer: &Answer) -> Self {
        let text = |name: &str| answer.body["data"][name].as_str().unwrap().to_owned();
        Self { url: text("authorizationUrl"), flow: text("flow") }
    }
}

/// The claims of a person whose address the provider has verified.
pub fn verified(subject: &str, email: &str) -> Value {
    json!({ "sub": subject, "email": email, "email_verified": true, "name": "Ada Lovelace" })
}

/// The same without a verified address.
pub fn unverified(subject: &str, email: &str) -> Value {
    json!({ "sub": subject, "email": email, "email_verified": false })
}

/// The `providerToken` of a login that waits for a step.
pub fn waiting_token(answer: &Answer) -> String {
    assert_eq!(answer.code(), "PROVIDER_STEP_REQUIRED", "{}", answer.text);
    answer.body["error"]["providerToken"].as_str().unwrap().to_owned()
}
