//! `[providers.NAME]`: servers at which people have accounts that log in here. What a provider needs
//! is resolved from its settings and a preset of `static/providers`, for providers in the
//! configuration and in the database alike.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;

use crate::config::layer::{Layer, Origin, Raw, SourcedValue};
use crate::config::reader::{ConfigReader, ReadResult, Reported};
use crate::model::provider::{
    AddressProof, ClaimPaths, ClientKey, Endpoints, Provider, ProviderKeys, ProviderSettings,
    Tenants, TokenAuth,
};
use crate::model::{HttpUrl, Secret};

/// The embedded presets, in the order in which they are listed.
const PRESETS: [(&str, &str); 10] = [
    ("google", include_str!("../../../static/providers/google.toml")),
    ("apple", include_str!("../../../static/providers/apple.toml")),
    ("microsoft", include_str!("../../../static/providers/microsoft.toml")),
    ("github", include_str!("../../../static/providers/github.toml")),
    ("gitlab", include_str!("../../../static/providers/gitlab.toml")),
    ("discord", include_str!("../../../static/providers/discord.toml")),
    ("facebook", include_str!("../../../static/providers/facebook.toml")),
    ("slack", include_str!("../../../static/providers/slack.toml")),
    ("linkedin", include_str!("../../../static/providers/linkedin.toml")),
    ("x", include_str!("../../../static/providers/x.toml")),
];

/// The longest name of a provider.
const MAX_NAME: usize = 32;
const NAME_RULE: &str = "expected a name of lowercase letters, digits and underscores";

/// A preset: what is known of a provider in advance.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProviderPreset {
    label: String,
    issuer: String,
    scopes: Vec<String>,
    proved_by: AddressProof,
    #[serde(default)]
    form_post: bool,
    token_auth: Option<TokenAuth>,
    endpoints: Option<Endpoints>,
    /// Those of a server of the operator's, where `{issuer}` is its address. Without them it has a
    /// discovery document.
    own_endpoints: Option<Endpoints>,
    #[serde(default)]
    claims: ClaimPaths,
    /// What a login asks for besides, where its tokens are kept.
    #[serde(default)]
    keeping: KeepingPreset,
}

impl ProviderPreset {
    /// The endpoints of the provider, or of a server of its kind at this issuer; `None`: those of its
    /// discovery document.
    fn endpoints_at(&self, issuer: Option<&str>) -> Option<Endpoints> {
        let Some(issuer) = issuer else { return self.endpoints.clone() };
        let own = self.own_endpoints.as_ref()?;
        let at = |url: &str| url.replace("{issuer}", issuer.trim_end_matches('/'));
        Some(Endpoints {
            authorization: at(&own.authorization),
            token: at(&own.token),
            userinfo: at(&own.userinfo),
            emails: own.emails.as_deref().map(at),
        })
    }
}

/// What makes a provider issue tokens that last.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct KeepingPreset {
    scopes: Vec<String>,
    fields: BTreeMap<String, String>,
}

/// The names of all presets.
#[must_use]
pub fn preset_names() -> Vec<&'static str> {
    PRESETS.iter().map(|(name, _)| *name).collect()
}

/// What people call the provider of a preset.
#[must_use]
pub fn preset_label(name: &str) -> Option<String> {
    let (_, text) = PRESETS.iter().find(|(known, _)| *known == name)?;
    toml::from_str(text).ok().map(|preset: ProviderPreset| preset.label)
}

/// Whether this can be the name of a provider.
#[must_use]
pub fn is_provider_name(name: &str) -> bool {
    name.len() <= MAX_NAME
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// Whether a key of the configuration holds a secret of a provider.
pub(in crate::config) fn is_secret_key(key: &str) -> bool {
    key.starts_with("providers.")
        && (key.ends_with(".client_secret") || key.ends_with(".private_key"))
}

/// A setting that a provider lacks or that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnfitSetting {
    /// The name of the setting.
    pub setting: String,
    /// What was expected.
    pub message: String,
}

fn unfit(setting: &str, message: impl Into<String>) -> UnfitSetting {
    UnfitSetting { setting: setting.to_owned(), message: message.into() }
}

/// Resolves the settings of a provider.
///
/// # Errors
/// The first setting that is missing or does not fit.
pub fn resolve(
    name: &str,
    settings: &ProviderSettings,
    keys: &ProviderKeys,
) -> Result<Provider, UnfitSetting> {
    let preset = preset_of(name, settings)?;
    let place = issuer(settings, preset.as_ref())?;
    let known = preset.as_ref();
    let endpoints = known.and_then(|preset| preset.endpoints_at(settings.issuer.as_deref()));
    let scopes = scopes(settings, known);
    let proof = settings.proved_by.clone().or_else(|| known.map(|preset| preset.proved_by.clone()));
    Ok(Provider {
        name: name.to_owned(),
        label: settings
            .label
            .clone()
            .or_else(|| known.map(|preset| preset.label.clone()))
            .unwrap_or_else(|| name.to_owned()),
        preset: known.map(|_| settings.preset.clone().unwrap_or_else(|| name.to_owned())),
        client_id: settings
            .client_id
            .clone()
            .filter(|id| !id.is_empty())
            .ok_or_else(|| unfit("client_id", "expected the client ID, got nothing"))?,
        key: client_key(settings, keys)?,
        issuer: place.url,
        discovery_base: place.discovery_base,
        tenants: place.tenants,
        endpoints,
        request_fields: request_fields(settings, known, &scopes),
        scopes,
        proof: proof.unwrap_or_else(|| AddressProof::Claim("email_verified".to_owned())),
        claims: known.map(|preset| preset.claims.clone()).unwrap_or_default(),
        token_auth: known.and_then(|preset| preset.token_auth),
        form_post: known.is_some_and(|preset| preset.form_post),
        audiences: settings.audiences.clone(),
        redirect_uris: settings.redirect_uris.clone(),
        trusted_acr: settings.trusted_acr.clone(),
        settings: settings.clone(),
    })
}

/// The scopes that a login asks for.
fn scopes(settings: &ProviderSettings, preset: Option<&ProviderPreset>) -> Vec<String> {
    let mut scopes = preset
        .map_or_else(|| words(&["openid", "email", "profile"]), |preset| preset.scopes.clone());
    let kept = preset.filter(|_| settings.keep_tokens).map(|preset| &preset.keeping.scopes);
    for scope in settings.scopes.iter().chain(kept.into_iter().flatten()) {
        if !scopes.contains(scope) {
            scopes.push(scope.clone());
        }
    }
    scopes
}

/// What a login request has besides, so that the provider issues a token to refresh with.
fn request_fields(
    settings: &ProviderSettings,
    preset: Option<&ProviderPreset>,
    scopes: &[String],
) -> Vec<(String, String)> {
    match preset {
        _ if !settings.keep_tokens => Vec::new(),
        Some(preset) => preset.keeping.fields.clone().into_iter().collect(),
        // OpenID Connect Core 1.0, section 11.
        None if scopes.iter().any(|scope| scope == "offline_access") => {
            vec![("prompt".to_owned(), "consent".to_owned())]
        }
        None => Vec::new(),
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn preset_of(
    name: &str,
    settings: &ProviderSettings,
) -> Result<Option<ProviderPreset>, UnfitSetting> {
    let wanted = settings.preset.as_deref();
    let Some((_, text)) = PRESETS.iter().find(|(known, _)| *known == wanted.unwrap_or(name)) else {
        return match wanted {
            Some(other) => {
                let known = preset_names().join(", ");
                Err(unfit("preset", format!("expected one of {known}, got {other:?}")))
            }
            None => Ok(None),
        };
    };
    let preset = toml::from_str(text);
    preset.map(Some).map_err(|error| unfit("preset", error.message().to_owned()))
}

/// What stands for the tenant in Microsoft's issuer, as its discovery document has it.
pub const TENANT: &str = "{tenantid}";
/// The tenant of personal accounts at Microsoft.
pub const PERSONAL_TENANT: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

/// Who issues a provider's ID tokens, and where its discovery document is.
struct IssuerPlace {
    url: String,
    discovery_base: String,
    tenants: Tenants,
}

fn issuer(
    settings: &ProviderSettings,
    preset: Option<&ProviderPreset>,
) -> Result<IssuerPlace, UnfitSetting> {
    let known = preset.map(|preset| preset.issuer.as_str());
    let issuer = settings.issuer.as_deref().or(known).ok_or_else(|| {
        unfit("issuer", "expected the issuer's URL, or a preset that knows it, got nothing")
    })?;
    if let Some(parts) = issuer.split_once("{tenant}") {
        return of_tenant(settings.tenant.as_deref().unwrap_or("common"), parts);
    }
    if settings.tenant.is_some() {
        return Err(unfit("tenant", "only the preset \"microsoft\" has tenants"));
    }
    match HttpUrl::parse(issuer) {
        Some(url) if is_encrypted(&url) && !issuer.contains(['?', '#']) => Ok(IssuerPlace {
            url: issuer.to_owned(),
            discovery_base: issuer.to_owned(),
            tenants: Tenants::None,
        }),
        _ => Err(unfit("issuer", format!("expected an https:// URL, got {issuer:?}"))),
    }
}

fn of_tenant(tenant: &str, (before, after): (&str, &str)) -> Result<IssuerPlace, UnfitSetting> {
    let tenants = match tenant {
        "common" => Tenants::All,
        "organizations" => Tenants::Organizations,
        _ => Tenants::None,
    };
    let at = if tenant == "consumers" { PERSONAL_TENANT } else { tenant };
    // Its issuer names a tenant by its ID, even if the settings have another name for it.
    let is_id = at.len() == 36 && at.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    if tenants == Tenants::None && !is_id {
        let expected = "the ID of a tenant, \"common\", \"organizations\" or \"consumers\"";
        return Err(unfit("tenant", format!("expected {expected}, got {tenant:?}")));
    }
    let in_issuer = if tenants == Tenants::None { at } else { TENANT };
    let discovery_base = format!("{before}{at}{after}");
    if !HttpUrl::parse(&discovery_base).is_some_and(|url| is_encrypted(&url)) {
        return Err(unfit("issuer", "expected an https:// URL"));
    }
    Ok(IssuerPlace { url: format!("{before}{in_issuer}{after}"), discovery_base, tenants })
}

/// Whether an ID token of one provider can be one of the other: a shared tenant stands for each.
fn share_issuer(one: &Provider, other: &Provider) -> bool {
    let covers = |wide: &Provider, narrow: &Provider| match wide.issuer.split_once(TENANT) {
        Some((before, after)) => {
            narrow.issuer.starts_with(before) && narrow.issuer.ends_with(after)
        }
        None => wide.issuer == narrow.issuer,
    };
    covers(one, other) || covers(other, one)
}

/// Whether a request to the URL is encrypted, or does not leave this machine.
#[must_use]
pub fn is_encrypted(url: &HttpUrl) -> bool {
    url.is_https() || url.host().is_loopback()
}

fn client_key(settings: &ProviderSettings, keys: &ProviderKeys) -> Result<ClientKey, UnfitSetting> {
    match (&settings.team_id, &settings.key_id, &keys.private_key, &keys.client_secret) {
        (None, None, None, Some(secret)) => Ok(ClientKey::Secret(secret.clone())),
        (None, None, None, None) => Ok(ClientKey::None),
        (Some(team_id), Some(key_id), Some(private_key), None) => Ok(ClientKey::Signed {
            team_id: team_id.clone(),
            key_id: key_id.clone(),
            private_key: private_key.clone(),
        }),
        (_, _, _, Some(_)) => Err(unfit(
            "client_secret",
            "expected either a client secret, or team_id, key_id and private_key",
        )),
        _ => Err(unfit("private_key", "expected team_id, key_id and private_key together")),
    }
}

/// `[providers.NAME]`: the providers in the configuration, by name.
#[derive(Debug, Clone, Default)]
pub struct ProvidersConfig {
    pub all: Vec<Arc<Provider>>,
}

impl ProvidersConfig {
    /// The provider with this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Arc<Provider>> {
        self.all.iter().find(|provider| provider.name == name)
    }

    /// Whether a provider that is not in the configuration has the name or the issuer of one that is.
    /// Those come first: another client of an issuer would open the accounts that are connected
    /// with it.
    #[must_use]
    pub fn claims(&self, name: &str, provider: Option<&Provider>) -> bool {
        let shares = |one: &Arc<Provider>| provider.is_some_and(|other| share_issuer(one, other));
        self.all.iter().any(|one| one.name == name || shares(one))
    }

    pub(in crate::config) fn read(r: &mut ConfigReader) -> ReadResult<Self> {
        let mut all = Vec::new();
        let mut is_read = Ok(());
        for name in r.names_in("providers") {
            if !is_provider_name(&name) {
                r.refuse(&format!("providers.{name}"), NAME_RULE);
                is_read = Err(Reported);
                continue;
            }
            match read_one(r, &name) {
                Ok(read) => all.push(Arc::new(read.provider)),
                Err(Reported) => is_read = Err(Reported),
            }
        }
        is_read.map(|()| Self { all })
    }
}

/// A provider whose settings fit, with the settings as they were read.
#[derive(Debug, Clone)]
pub struct CheckedProvider {
    pub settings: ProviderSettings,
    pub keys: ProviderKeys,
    pub provider: Provider,
}

/// Checks the settings of a provider by the rules of `[providers.NAME]`.
///
/// # Errors
/// Every setting that does not fit.
pub fn check_provider(
    name: &str,
    given: &ProviderSettings,
    keys: &ProviderKeys,
) -> Result<CheckedProvider, Vec<UnfitSetting>> {
    if !is_provider_name(name) {
        return Err(vec![unfit("name", NAME_RULE)]);
    }
    let prefix = format!("providers.{name}.");
    let mut layer = Layer::new();
    let mut put = |setting: &str, raw: Option<Raw>| {
        if let Some(raw) = raw {
            layer.insert(
                format!("{prefix}{setting}"),
                SourcedValue { raw, origin: Origin::Database },
            );
        }
    };
    let text = |value: &Option<String>| value.clone().map(Raw::Text);
    let list = |values: &[String]| (!values.is_empty()).then(|| Raw::List(values.to_vec()));
    let key = |key: &Option<Secret>| key.as_ref().map(|key| Raw::Text(key.reveal().to_owned()));
    put("preset", text(&given.preset));
    put("label", text(&given.label));
    put("issuer", text(&given.issuer));
    put("client_id", text(&given.client_id));
    put("client_secret", key(&keys.client_secret));
    put("tenant", text(&given.tenant));
    put("team_id", text(&given.team_id));
    put("key_id", text(&given.key_id));
    put("private_key", key(&keys.private_key));
    put("scopes", list(&given.scopes));
    put("audiences", list(&given.audiences));
    put("redirect_uris", list(&given.redirect_uris));
    put("trusted_acr", list(&given.trusted_acr));
    put("proved_by", given.proved_by.clone().map(|proof| Raw::Text(proof.into())));
    put("keep_tokens", given.keep_tokens.then_some(Raw::Bool(true)));
    let mut reader = ConfigReader::new(layer, Path::new(""));
    let read = read_one(&mut reader, name);
    read.map_err(|Reported| {
        let unfit = |problem: crate::config::Problem| UnfitSetting {
            setting: problem.key.strip_prefix(&prefix).unwrap_or(&problem.key).to_owned(),
            message: problem.message,
        };
        reader.problems.into_iter().map(unfit).collect()
    })
}

fn read_one(r: &mut ConfigReader, name: &str) -> ReadResult<CheckedProvider> {
    let key = |setting: &str| format!("providers.{name}.{setting}");
    let (preset, label) =
        (r.optional_text(key("preset"), MAX_NAME), r.optional_text(key("label"), 40));
    let issuer = r.optional_text(key("issuer"), 500);
    let client_id = r.optional_text(key("client_id"), 500);
    let client_secret = r.secret(key("client_secret"), "the client secret");
    let tenant = r.optional_text(key("tenant"), 100);
    let (team_id, key_id) =
        (r.optional_text(key("team_id"), 40), r.optional_text(key("key_id"), 40));
    let private_key = r.secret(key("private_key"), "a private key in PEM form");
    let scopes = r.optional_list(key("scopes"), "scopes", scope);
    let audiences = r.optional_list(key("audiences"), "client IDs", |item| one_line(item, 500));
    let redirect_uris = redirect_uris(r, &key("redirect_uris"));
    let trusted_acr = r.optional_list(key("trusted_acr"), "values", |item| one_line(item, 200));
    let proved_by = r.option(
        key("proved_by"),
        "\"never\", \"always\" or the name of a claim like \"email_verified\"",
        |raw| AddressProof::parse(&raw.to_text()),
    );
    let keep_tokens = r.optional_truth(key("keep_tokens"));
    let settings = ProviderSettings {
        preset: preset?,
        label: label?,
        issuer: issuer?,
        client_id: client_id?,
        tenant: tenant?,
        team_id: team_id?,
        key_id: key_id?,
        scopes: scopes?.unwrap_or_default(),
        audiences: audiences?.unwrap_or_default(),
        redirect_uris: redirect_uris?.unwrap_or_default(),
        trusted_acr: trusted_acr?.unwrap_or_default(),
        proved_by: proved_by?,
        keep_tokens: keep_tokens?.unwrap_or_default(),
    };
    let keys = ProviderKeys { client_secret: client_secret?, private_key: private_key? };
    match resolve(name, &settings, &keys) {
        Ok(provider) => Ok(CheckedProvider { settings, keys, provider }),
        Err(lack) => {
            r.refuse(&key(&lack.setting), lack.message);
            Err(Reported)
        }
    }
}

/// A scope as RFC 6749 has it, section 3.3.
fn scope(text: &str) -> Option<String> {
    let is_scope = text.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\');
    (is_scope && (1..=200).contains(&text.len())).then(|| text.to_owned())
}

fn one_line(text: &str, longest: usize) -> Option<String> {
    let text = text.trim();
    let fits = !text.is_empty() && text.len() <= longest && !text.contains(char::is_control);
    fits.then(|| text.to_owned())
}

fn redirect_uris(r: &mut ConfigReader, key: &str) -> ReadResult<Option<Vec<String>>> {
    let list = r.optional_list(key.to_owned(), "URLs", |item| Some(item.trim().to_owned()))?;
    let unfit = list.iter().flatten().find_map(|item| Some((item, unfit_page(item)?)));
    if let Some((item, why)) = unfit {
        r.refuse(key, format!("{item:?} cannot take an answer: {why}"));
        return Err(Reported);
    }
    Ok(list)
}

/// Why a page of an app cannot take the provider's answer.
fn unfit_page(text: &str) -> Option<&'static str> {
    if text.len() > 500 || !text.bytes().all(|b| b.is_ascii_graphic()) {
        return Some("it has characters that no URL has, or is longer than 500");
    }
    if text.contains('#') {
        return Some("it has a fragment (#)");
    }
    match text.split_once(':') {
        Some(("http" | "https", _)) => match HttpUrl::parse(text) {
            None => Some("it is no URL"),
            Some(url) if !is_encrypted(&url) => {
                Some("it must begin with https://, unless it is on this machine")
            }
            Some(_) => None,
        },
        // Apps on a phone have schemes of their own; those that run code or read files are none.
        Some((scheme, rest)) if scheme.contains('.') && rest.starts_with('/') => None,
        _ => Some(
            "it must begin with https://, or with the scheme of an app, such as com.example.app:/",
        ),
    }
}

/// A client secret or private key as given by the operator: without white space around it.
#[must_use]
pub fn given_key(text: &str) -> Option<Secret> {
    let text = text.trim();
    (!text.is_empty()).then(|| Secret::new(text))
}
