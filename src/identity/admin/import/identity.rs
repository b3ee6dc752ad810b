//! Accounts at providers that a row of a file is connected to, in the words of authd's own export and
//! of PocketBase, Supabase, Firebase, Auth0, Keycloak and Better Auth.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::config::TENANT;
use crate::identity::admin::import::reason::ImportReason;
use crate::identity::admin::import::value;
use crate::identity::admin::import::value::When;
use crate::model::Provider;
use crate::model::Time;
use crate::model::provider::Tenants;

/// How many an account may have.
const MOST: usize = 20;
/// The longest subject (OpenID Connect Core 1.0, section 2).
const LONGEST_SUBJECT: usize = 255;
const LONGEST_TEXT: usize = 254;

/// What old services call a login that is not one at a provider.
const OWN_LOGINS: [&str; 10] = [
    "email",
    "phone",
    "password",
    "credential",
    "auth0",
    "sms",
    "username",
    "anonymous",
    "custom",
    "ldap",
];

/// The presets by the names that old services give them.
const OTHER_NAMES: [(&str, &str); 15] = [
    ("google-oauth2", "google"),
    ("google.com", "google"),
    ("apple.com", "apple"),
    ("facebook.com", "facebook"),
    ("github.com", "github"),
    ("gitlab.com", "gitlab"),
    ("microsoft.com", "microsoft"),
    ("windowslive", "microsoft"),
    ("azure", "microsoft"),
    ("azuread", "microsoft"),
    ("twitter", "x"),
    ("twitter.com", "x"),
    ("linkedin_oidc", "linkedin"),
    ("linkedin-openid", "linkedin"),
    ("slack_oidc", "slack"),
];

/// An account at a provider, as a row has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::identity) struct ImportedIdentity {
    /// The name of the provider here.
    pub(in crate::identity) provider: String,
    pub(in crate::identity) issuer: String,
    pub(in crate::identity) subject: String,
    pub(in crate::identity) email: Option<String>,
    pub(in crate::identity) name: Option<String>,
    pub(in crate::identity) created_at: Option<Time>,
}

/// Reads a list of accounts at providers: a JSON array of objects.
pub(in crate::identity) fn read(
    text: &str,
    providers: &[Arc<Provider>],
) -> Result<Vec<ImportedIdentity>, ImportReason> {
    let list: Vec<Map<String, Value>> =
        serde_json::from_str(text).map_err(|_| ImportReason::InvalidIdentities)?;
    let mut found: Vec<ImportedIdentity> = Vec::new();
    for fields in &list {
        let Some(one) = read_one(&Entry::of(fields), providers)? else { continue };
        if !found.iter().any(|known| known.issuer == one.issuer && known.subject == one.subject) {
            found.push(one);
        }
    }
    if found.len() > MOST {
        return Err(ImportReason::TooManyIdentities { max: MOST });
    }
    Ok(found)
}

/// An object whose names are compared without case and separators.
struct Entry<'a>(Vec<(String, &'a Value)>);

impl<'a> Entry<'a> {
    fn of(fields: &'a Map<String, Value>) -> Self {
        let folded = |name: &str| {
            let kept = name.chars().filter(char::is_ascii_alphanumeric);
            kept.map(|c| c.to_ascii_lowercase()).collect::<String>()
        };
        Self(fields.iter().map(|(name, value)| (folded(name), value)).collect())
    }

    fn value(&self, name: &str) -> Option<&'a Value> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| *value)
    }

    /// The first of these that has a text or a number.
    fn text(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| match self.value(name)? {
            Value::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        })
    }
}

/// Reads one account at a provider; `None` for a login of the old service itself.
fn read_one(
    entry: &Entry<'_>,
    providers: &[Arc<Provider>],
) -> Result<Option<ImportedIdentity>, ImportReason> {
    // `providerId` is the provider at Firebase and Better Auth, and the subject at PocketBase and
    // Supabase, which name the provider besides.
    let named = entry.text(&["provider", "identityprovider"]);
    let has_name = named.is_some();
    let named = named.or_else(|| entry.text(&["providerid"]));
    let named = named.ok_or(ImportReason::InvalidIdentities)?;
    if OWN_LOGINS.contains(&named.to_ascii_lowercase().as_str()) {
        return Ok(None);
    }
    let provider = find(&named, providers)
        .ok_or_else(|| ImportReason::UnknownProvider(value::printable(&named)))?;
    let claims = entry.value("identitydata").and_then(Value::as_object).map(Entry::of);
    let of_claims = |names: &[&str]| claims.as_ref().and_then(|claims| claims.text(names));
    let subject = entry
        .text(&["subject", "rawid", "accountid"])
        .or_else(|| of_claims(&["sub", "providerid"]))
        .or_else(|| entry.text(&["providerid"]).filter(|_| has_name))
        .or_else(|| entry.text(&["userid"]).filter(|_| has_name));
    let is_subject =
        |text: &String| text.len() <= LONGEST_SUBJECT && text.bytes().all(|b| b.is_ascii_graphic());
    let subject = subject.filter(is_subject).ok_or(ImportReason::InvalidIdentities)?;
    let stated = entry.text(&["issuer"]).or_else(|| of_claims(&["iss"]));
    let is_own_export = entry.value("issuer").is_some();
    let issuer = issuer(provider, stated, is_own_export)
        .ok_or_else(|| ImportReason::ForeignIssuer(provider.name.clone()))?;
    let line = |text: Option<String>| {
        text.filter(|text| text.len() <= LONGEST_TEXT && !text.contains(char::is_control))
    };
    let created_at =
        entry.text(&["createdat", "created"]).and_then(|text| match value::time(&text) {
            When::At(at) => Some(at),
            _ => None,
        });
    Ok(Some(ImportedIdentity {
        provider: provider.name.clone(),
        issuer,
        subject,
        email: line(entry.text(&["email"]).or_else(|| of_claims(&["email"]))),
        name: line(
            entry.text(&["name", "displayname", "username"]).or_else(|| of_claims(&["name"])),
        ),
        created_at,
    }))
}

/// The provider here with this name, or with the preset that an old service calls so.
fn find<'a>(named: &str, providers: &'a [Arc<Provider>]) -> Option<&'a Provider> {
    let named = named.to_ascii_lowercase();
    // Keycloak and Supabase allow other names than authd.
    let here = named.replace('-', "_");
    let by_name = providers.iter().find(|one| one.name == named || one.name == here);
    let preset = OTHER_NAMES.iter().find(|(other, _)| *other == named).map(|(_, preset)| *preset);
    let preset = preset.unwrap_or(&named);
    let by_preset = || providers.iter().find(|one| one.preset.as_deref() == Some(preset));
    by_name.or_else(by_preset).map(|one| &**one)
}

/// The issuer of an account at this provider. Old services write other things there, so that only
/// authd's own export and a provider with tenants are asked for it.
fn issuer(provider: &Provider, stated: Option<String>, is_own_export: bool) -> Option<String> {
    if provider.tenants == Tenants::None {
        let fits = !is_own_export || stated.as_ref() == Some(&provider.issuer);
        return fits.then(|| provider.issuer.clone());
    }
    let stated = stated?;
    let (before, after) = provider.issuer.split_once(TENANT)?;
    let tenant = stated.strip_prefix(before)?.strip_suffix(after)?;
    uuid::Uuid::try_parse(tenant).is_ok().then_some(stated)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::resolve_provider;
    use crate::model::ProviderSettings;
    use crate::model::provider::ProviderKeys;

    fn providers() -> Vec<Arc<Provider>> {
        let made = |name: &str, issuer: Option<&str>| {
            let settings = ProviderSettings {
                client_id: Some("c".to_owned()),
                issuer: issuer.map(str::to_owned),
                ..ProviderSettings::default()
            };
            Arc::new(resolve_provider(name, &settings, &ProviderKeys::default()).unwrap())
        };
        vec![
            made("acme", Some("https://login.acme.example")),
            made("github", None),
            made("google", None),
            made("microsoft", None),
        ]
    }

    fn keys(list: &Value) -> Result<Vec<(String, String)>, ImportReason> {
        let read = read(&list.to_string(), &providers())?;
        Ok(read.into_iter().map(|one| (one.provider, one.subject)).collect())
    }

    #[test]
    fn each_old_service_has_its_own_names() {
        let pair = |provider: &str, subject: &str| (provider.to_owned(), subject.to_owned());
        for (service, entry, expected) in [
            (
                "PocketBase",
                json!({ "id": "r1", "recordRef": "u1", "provider": "google", "providerId": "g-1" }),
                pair("google", "g-1"),
            ),
            (
                "Supabase",
                json!({ "id": "6f9619ff", "user_id": "u-1", "provider": "github", "provider_id": "583231",
                        "identity_data": { "sub": "583231", "iss": "https://api.github.com", "email": "a@example.com" } }),
                pair("github", "583231"),
            ),
            (
                "Firebase",
                json!({ "providerId": "google.com", "rawId": "g-1", "displayName": "Ada" }),
                pair("google", "g-1"),
            ),
            (
                "Auth0",
                json!({ "provider": "google-oauth2", "user_id": "g-1", "connection": "google-oauth2", "isSocial": true }),
                pair("google", "g-1"),
            ),
            (
                "Auth0, a number",
                json!({ "provider": "github", "user_id": 583_231 }),
                pair("github", "583231"),
            ),
            (
                "Keycloak",
                json!({ "identityProvider": "acme", "userId": "k-1", "userName": "ada" }),
                pair("acme", "k-1"),
            ),
            (
                "Better Auth",
                json!({ "id": "a1", "userId": "u-1", "providerId": "github", "accountId": "583231" }),
                pair("github", "583231"),
            ),
            (
                "authd",
                json!({ "provider": "acme", "issuer": "https://login.acme.example", "subject": "s-1" }),
                pair("acme", "s-1"),
            ),
        ] {
            assert_eq!(keys(&json!([entry])), Ok(vec![expected]), "{service}");
        }
        let own = json!([{ "provider": "auth0" }, { "provider": "email", "id": "x" }, { "providerId": "credential" }]);
        assert_eq!(keys(&own), Ok(Vec::new()));
        let twice = json!([{ "provider": "google", "subject": "1" }, { "provider": "google", "subject": "1" }]);
        assert_eq!(keys(&twice).unwrap().len(), 1);
    }

    #[test]
    fn what_cannot_be_connected_is_refused_by_its_reason() {
        for (list, reason) in [
            (
                json!([{ "provider": "myspace", "subject": "1" }]),
                ImportReason::UnknownProvider("myspace".to_owned()),
            ),
            (json!([{ "provider": "google" }]), ImportReason::InvalidIdentities),
            (json!([{ "subject": "1" }]), ImportReason::InvalidIdentities),
            (json!([{ "provider": "google", "subject": "a b" }]), ImportReason::InvalidIdentities),
            (json!({ "provider": "google", "subject": "1" }), ImportReason::InvalidIdentities),
            (
                json!([{ "provider": "acme", "issuer": "https://other.example", "subject": "1" }]),
                ImportReason::ForeignIssuer("acme".to_owned()),
            ),
            // Which tenant it is decides about the account.
            (
                json!([{ "provider": "azure", "subject": "1" }]),
                ImportReason::ForeignIssuer("microsoft".to_owned()),
            ),
        ] {
            assert_eq!(keys(&list), Err(reason), "{list}");
        }
        let many: Vec<_> =
            (0..=MOST).map(|id| json!({ "provider": "google", "subject": id })).collect();
        assert_eq!(keys(&many.into()), Err(ImportReason::TooManyIdentities { max: MOST }));
        let tenant = "https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0";
        let list =
            json!([{ "provider": "azure", "identity_data": { "sub": "m-1", "iss": tenant } }]);
        assert_eq!(read(&list.to_string(), &providers()).unwrap()[0].issuer, tenant);
    }
}
