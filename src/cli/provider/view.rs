//! How a provider is shown. Its secrets never are.

use serde_json::{Value, json};

use crate::cli::console::{Console, ListRecord};
use crate::cli::failure::Failure;
use crate::identity::admin::providers::{ProviderOrigin, ProviderRecord};
use crate::model::Time;
use crate::model::provider::{AddressProof, ClientKey};

/// A provider in a list.
pub(super) struct ProviderLine<'a>(pub(super) &'a ProviderRecord);

/// Whether a provider is used, or why not.
fn state(record: &ProviderRecord) -> String {
    match (&record.provider, record.origin, record.has_double) {
        (Err(why), ..) => format!("cannot be used: {why}"),
        (Ok(_), ProviderOrigin::Database, true) => {
            "not used: the configuration has this name or issuer".to_owned()
        }
        (Ok(_), ProviderOrigin::Configuration, true) => {
            "used, and not the one in the database".to_owned()
        }
        (Ok(_), _, false) => "used".to_owned(),
    }
}

impl ListRecord for ProviderLine<'_> {
    const HEADINGS: &'static [&'static str] = &["NAME", "LABEL", "ISSUER", "SETTINGS", "STATE"];

    fn cells(&self) -> Vec<String> {
        let record = self.0;
        let provider = record.provider.as_ref().ok();
        vec![
            record.name.clone(),
            provider.map_or_else(|| "-".to_owned(), |provider| provider.label.clone()),
            provider.map_or_else(|| "-".to_owned(), |provider| provider.issuer.clone()),
            record.origin.as_str().to_owned(),
            state(record),
        ]
    }

    fn json(&self) -> Value {
        let record = self.0;
        let time = |at: Option<Time>| at.map(Time::to_millis_text);
        let provider = record.provider.as_ref().ok();
        let settings = provider.map(|provider| &provider.settings);
        json!({
            "name": record.name,
            "origin": record.origin.as_str(),
            "inForce": record.is_in_force(),
            "problem": record.provider.as_ref().err(),
            "preset": provider.and_then(|provider| provider.preset.as_ref()),
            "label": provider.map(|provider| &provider.label),
            "issuer": provider.map(|provider| &provider.issuer),
            "clientId": provider.map(|provider| &provider.client_id),
            "key": provider.map(|provider| key_word(&provider.key)),
            "tenant": settings.and_then(|settings| settings.tenant.as_ref()),
            "scopes": provider.map(|provider| &provider.scopes),
            "redirectUris": provider.map(|provider| &provider.redirect_uris),
            "audiences": provider.map(|provider| &provider.audiences),
            "trustedAcr": provider.map(|provider| &provider.trusted_acr),
            "keepTokens": provider.is_some_and(|provider| provider.keeps_tokens()),
            "provedBy": provider.map(|provider| String::from(provider.proof.clone())),
            "redirectAddress": record.redirect_address,
            "createdAt": time(record.created_at),
            "updatedAt": time(record.updated_at),
        })
    }
}

fn key_word(key: &ClientKey) -> &'static str {
    match key {
        ClientKey::None => "none",
        ClientKey::Secret(_) => "client secret",
        ClientKey::Signed { .. } => "private key",
    }
}

/// What proves an address at a provider, in words.
pub(super) fn proof_words(proof: &AddressProof) -> String {
    match proof {
        AddressProof::Claim(name) => format!("the claim {name}"),
        AddressProof::Always => "that the provider states it".to_owned(),
        AddressProof::Never => "nothing".to_owned(),
        AddressProof::List => "the provider's list of addresses".to_owned(),
    }
}

/// Prints one provider.
pub(super) fn show(
    console: &mut Console,
    record: &ProviderRecord,
    identities: Option<i64>,
) -> Result<(), Failure> {
    let mut json = ProviderLine(record).json();
    let mut lines = vec![
        ("name", record.name.clone()),
        ("settings", record.origin.as_str().to_owned()),
        ("state", state(record)),
    ];
    if let Ok(provider) = &record.provider {
        let list = |values: &[String]| {
            if values.is_empty() { "-".to_owned() } else { values.join(" ") }
        };
        lines.extend([
            ("label", provider.label.clone()),
            ("preset", provider.preset.clone().unwrap_or_else(|| "-".to_owned())),
            ("issuer", provider.issuer.clone()),
            ("client id", provider.client_id.clone()),
            ("key", key_word(&provider.key).to_owned()),
            ("scopes", list(&provider.scopes)),
            ("address proved by", proof_words(&provider.proof)),
            ("redirect uris", list(&provider.redirect_uris)),
            ("audiences", list(&provider.audiences)),
            ("trusted acr", list(&provider.trusted_acr)),
            ("keeps tokens", if provider.keeps_tokens() { "yes" } else { "no" }.to_owned()),
        ]);
    }
    let address = record.redirect_address.clone();
    lines.push(("register", address.unwrap_or_else(|| "-".to_owned())));
    if let Some(count) = identities {
        lines.push(("connected", count.to_string()));
        json["identities"] = count.into();
    }
    Ok(console.details(&lines, &json)?)
}
