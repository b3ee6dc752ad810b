//! `[providers.NAME]`.

use super::*;
use crate::config::{PERSONAL_TENANT, TENANT, preset_names, resolve_provider};
use crate::model::provider::{AddressProof, ClientKey, ProviderKeys, ProviderSettings, Tenants};

fn settings(preset: &str) -> ProviderSettings {
    ProviderSettings {
        preset: Some(preset.to_owned()),
        client_id: Some("c-1".to_owned()),
        ..ProviderSettings::default()
    }
}

#[test]
fn every_preset_resolves_with_a_client_id_alone() {
    for name in preset_names() {
        let provider = resolve_provider("any", &settings(name), &ProviderKeys::default()).unwrap();
        assert!(provider.issuer.starts_with("https://"), "{name}");
        assert_eq!(provider.preset.as_deref(), Some(name));
        let is_oauth = provider.endpoints.is_some();
        // Without an ID token there is no nonce; a provider with one is asked for it.
        assert_eq!(is_oauth, ["github", "discord", "facebook", "linkedin", "x"].contains(&name));
        let trusts = provider.proof != AddressProof::Never;
        assert_eq!(trusts, !["microsoft", "facebook"].contains(&name), "{name}");
    }
}

#[test]
fn a_section_is_a_preset_by_its_name_or_an_issuer() {
    let loaded = loaded(&[
        ("AUTHD_PROVIDERS__GOOGLE__CLIENT_ID", "c-1"),
        ("AUTHD_PROVIDERS__GOOGLE__CLIENT_SECRET", "hush"),
        ("AUTHD_PROVIDERS__ACME__ISSUER", "https://login.acme.example"),
        ("AUTHD_PROVIDERS__ACME__CLIENT_ID", "c-2"),
        ("AUTHD_PROVIDERS__ACME__PROVED_BY", "never"),
        ("AUTHD_PROVIDERS__ACME__REDIRECT_URIS", "https://app.example/back,com.example.app:/back"),
    ]);
    let google = loaded.config.providers.find("google").unwrap();
    assert_eq!(
        (google.label.as_str(), google.issuer.as_str()),
        ("Google", "https://accounts.google.com")
    );
    assert!(matches!(&google.key, ClientKey::Secret(secret) if secret.reveal() == "hush"));
    let acme = loaded.config.providers.find("acme").unwrap();
    assert_eq!((acme.label.as_str(), &acme.proof), ("acme", &AddressProof::Never));
    assert_eq!(acme.redirect_uris.len(), 2);
    let shown =
        loaded.config.entries.iter().find(|entry| entry.key == "providers.google.client_secret");
    assert_eq!(shown.unwrap().value.as_deref(), Some("***"));
}

#[test]
fn a_provider_that_lacks_something_is_refused_with_the_key() {
    for (set, key) in [
        (&[("AUTHD_PROVIDERS__GOOGLE__LABEL", "G")][..], "providers.google.client_id"),
        (&[("AUTHD_PROVIDERS__ACME__CLIENT_ID", "c")], "providers.acme.issuer"),
        (
            &[
                ("AUTHD_PROVIDERS__ACME__CLIENT_ID", "c"),
                ("AUTHD_PROVIDERS__ACME__ISSUER", "http://login.acme.example"),
            ],
            "providers.acme.issuer",
        ),
        (
            &[("AUTHD_PROVIDERS__APPLE__CLIENT_ID", "c"), ("AUTHD_PROVIDERS__APPLE__TEAM_ID", "t")],
            "providers.apple.private_key",
        ),
        (
            &[
                ("AUTHD_PROVIDERS__GOOGLE__CLIENT_ID", "c"),
                ("AUTHD_PROVIDERS__GOOGLE__TENANT", "t"),
            ],
            "providers.google.tenant",
        ),
        (
            &[
                ("AUTHD_PROVIDERS__GOOGLE__CLIENT_ID", "c"),
                ("AUTHD_PROVIDERS__GOOGLE__REDIRECT_URIS", "javascript:alert(1)"),
            ],
            "providers.google.redirect_uris",
        ),
    ] {
        let problems = load(&from_env(set)).err().unwrap().to_string();
        assert!(problems.contains(key), "{key}: {problems}");
    }
}

#[test]
fn a_shared_tenant_of_microsoft_leaves_the_tenant_open() {
    let resolved = |tenant: &str| {
        let settings =
            ProviderSettings { tenant: Some(tenant.to_owned()), ..settings("microsoft") };
        resolve_provider("microsoft", &settings, &ProviderKeys::default())
    };
    let id = "72f988bf-86f1-41af-91ab-2d7cd011db47";
    for (tenant, tenants, in_issuer, in_discovery) in [
        ("common", Tenants::All, TENANT, "common"),
        ("organizations", Tenants::Organizations, TENANT, "organizations"),
        ("consumers", Tenants::None, PERSONAL_TENANT, PERSONAL_TENANT),
        (id, Tenants::None, id, id),
    ] {
        let provider = resolved(tenant).unwrap();
        assert_eq!(provider.tenants, tenants, "{tenant}");
        assert!(provider.issuer.contains(in_issuer), "{}", provider.issuer);
        assert!(provider.discovery_base.contains(in_discovery), "{}", provider.discovery_base);
    }
    for bad in ["", "../evil", "example.com", "{tenantid}"] {
        assert!(resolved(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_secret_of_a_provider_is_no_flag() {
    assert!(is_secret("providers.google.client_secret", "x"));
    assert!(is_secret("providers.apple.private_key", "x"));
    assert!(!is_secret("providers.google.client_id", "x"));
}

#[test]
fn a_page_that_takes_the_answers_of_two_providers_is_found() {
    let of = |second: &str| {
        let loaded = loaded(&[
            ("AUTHD_PROVIDERS__GITHUB__CLIENT_ID", "c"),
            (
                "AUTHD_PROVIDERS__GITHUB__REDIRECT_URIS",
                "https://app.example/a,https://app.example/b",
            ),
            ("AUTHD_PROVIDERS__GOOGLE__CLIENT_ID", "c"),
            ("AUTHD_PROVIDERS__GOOGLE__REDIRECT_URIS", second),
        ]);
        let found = check(&loaded.config, Vec::new()).findings;
        let about = found.iter().filter(|one| one.key.ends_with(".redirect_uris"));
        about.map(|one| format!("{}: {}", one.key, one.message)).collect::<Vec<_>>()
    };
    assert_eq!(of("https://app.example/c"), [""; 0]);
    let found = of("https://app.example/b");
    assert!(found.len() == 1, "{found:?}");
    let expected =
        "providers.google.redirect_uris: https://app.example/b takes the answers of github";
    assert!(found[0].starts_with(expected), "{found:?}");
}

#[test]
fn github_on_a_host_of_its_own_has_its_endpoints_there() {
    let at = |issuer: &str| {
        let settings = ProviderSettings { issuer: Some(issuer.to_owned()), ..settings("github") };
        resolve_provider("any", &settings, &ProviderKeys::default()).unwrap().endpoints.unwrap()
    };
    let own = at("https://git.example/");
    assert_eq!(own.token, "https://git.example/login/oauth/access_token");
    assert_eq!(own.emails.as_deref(), Some("https://git.example/api/v3/user/emails"));
    // One of OpenID Connect has a discovery document.
    let settings = ProviderSettings {
        issuer: Some("https://gitlab.example".to_owned()),
        ..settings("gitlab")
    };
    let gitlab = resolve_provider("any", &settings, &ProviderKeys::default()).unwrap();
    assert_eq!(gitlab.endpoints, None);
}
