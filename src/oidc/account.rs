//! The account at a provider that an answer proves.

use serde_json::Value;

use super::claims::ProviderClaims;
use super::failure::{ExchangeFailure, ExchangeStep};
use crate::model::Email;
use crate::model::provider::{AddressProof, Provider};

/// The longest subject (OpenID Connect Core 1.0, section 2).
const MAX_SUBJECT: usize = 255;
/// The longest JSON with a name.
const MAX_USER: usize = 2000;
/// The longest name, as on the native API.
const MAX_NAME: usize = 100;

/// An account at a provider.
#[derive(Debug, Clone)]
pub struct ProviderAccount {
    /// With `subject` the key of the account.
    pub issuer: String,
    pub subject: String,
    /// The address that the provider states.
    pub email: Option<Email>,
    /// Whether the provider proves that the address is the person's.
    pub is_proved: bool,
    pub name: Option<String>,
    pub given_name: Option<String>,
    pub family_name: Option<String>,
    pub username: Option<String>,
    /// The class of the login at the provider (`acr`).
    pub acr: Option<String>,
}

/// A text that people see: one line of limited length.
fn name(text: Option<String>) -> Option<String> {
    let text: String = text?.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect();
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// The address in these claims, and whether they prove it.
fn address(provider: &Provider, claims: &ProviderClaims) -> (Option<Email>, bool) {
    let email = claims.text(&provider.claims.email).as_deref().and_then(Email::parse);
    let is_proved = match &provider.proof {
        AddressProof::Claim(path) => claims.is_true(path),
        AddressProof::Always => true,
        AddressProof::Never | AddressProof::List => false,
    };
    let is_proved = is_proved && email.is_some();
    (email, is_proved)
}

impl ProviderAccount {
    /// Reads the account from claims.
    pub(super) fn read(
        provider: &Provider,
        issuer: String,
        claims: &ProviderClaims,
        step: ExchangeStep,
    ) -> Result<Self, ExchangeFailure> {
        let paths = &provider.claims;
        let subject = claims.text(&paths.subject).filter(|subject| is_subject(subject));
        let subject = subject.ok_or_else(|| {
            let reason = format!("it has no acceptable subject ({})", paths.subject);
            ExchangeFailure::refused(step, reason)
        })?;
        let (email, is_proved) = address(provider, claims);
        Ok(Self {
            issuer,
            subject,
            is_proved,
            email,
            name: name(claims.text(&paths.name)),
            given_name: name(claims.text(&paths.given_name)),
            family_name: name(claims.text(&paths.family_name)),
            username: name(claims.text(&paths.username)),
            acr: claims.text("acr"),
        })
    }

    /// Takes the address of the userinfo endpoint, with what that says of its proof, and names that are
    /// missing. Nothing else there is signed, or is about the login.
    pub(super) fn take_more(&mut self, provider: &Provider, more: &ProviderClaims) {
        let paths = &provider.claims;
        (self.email, self.is_proved) = address(provider, more);
        for (own, path) in [
            (&mut self.name, &paths.name),
            (&mut self.given_name, &paths.given_name),
            (&mut self.family_name, &paths.family_name),
            (&mut self.username, &paths.username),
        ] {
            *own = own.take().or_else(|| name(more.text(path)));
        }
    }

    /// Takes the address from a list, in which it is the primary one, and verified.
    pub(super) fn take_address(&mut self, list: &Value) {
        let is = |row: &Value, name: &str| row.get(name) == Some(&Value::Bool(true));
        let rows = list.as_array().map(Vec::as_slice).unwrap_or_default();
        let Some(row) = rows.iter().find(|row| is(row, "primary")) else { return };
        let email = row.get("email").and_then(Value::as_str).and_then(Email::parse);
        self.is_proved = email.is_some() && is(row, "verified");
        self.email = email.or(self.email.take());
    }

    /// Takes the name that Apple sends as JSON at the first login. Nothing proves it.
    pub fn suggest_user(&mut self, user: Option<&str>) {
        let user = user.filter(|text| text.len() <= MAX_USER);
        let read = user.and_then(|text| serde_json::from_str::<Value>(text).ok());
        let part = |name: &str| {
            let part = read.as_ref()?.pointer(&format!("/name/{name}"))?;
            part.as_str().map(str::to_owned)
        };
        self.suggest_name(part("firstName"), part("lastName"));
    }

    /// Fills in a name that came without a signature, where there is none: it is only a suggestion.
    pub fn suggest_name(&mut self, given: Option<String>, family: Option<String>) {
        if self.given_name.is_none() && self.family_name.is_none() && self.name.is_none() {
            (self.given_name, self.family_name) = (name(given), name(family));
        }
    }
}

/// A subject is compared byte by byte, so it must not contain what could be written in two ways.
fn is_subject(text: &str) -> bool {
    text.len() <= MAX_SUBJECT && text.bytes().all(|b| b.is_ascii_graphic())
}
