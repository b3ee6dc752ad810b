//! The presets, against imitations of what the providers document.

use std::sync::Arc;

use authd::config::{TENANT, resolve_provider};
use authd::env::{Env, HandClock, SystemRandomness};
use authd::model::Time;
use authd::model::provider::{Endpoints, Provider, ProviderKeys, ProviderSettings};
use authd::model::secret::decode;
use authd::model::{Secret, secret};
use authd::oidc::{
    AuthorizationRequest, CodeExchange, ExchangeFailure, ProviderAccount, ProviderClient,
};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair,
    UnparsedPublicKey,
};
use base64::Engine as _;
use serde_json::{Value, json};

use crate::fake_provider::{CLIENT, FakeProvider, PAGE, SECRET, parameter};
use crate::support::{START, config};

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const TENANT_ID: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";

fn client() -> ProviderClient {
    let folder = tempfile::tempdir().unwrap();
    let config = config("standard", &[("outbound.allow", "127.0.0.1")], folder.path());
    let clock = Arc::new(HandClock::at(Time::from_millis(START)));
    let env = Env::new(clock, Arc::new(SystemRandomness::default()));
    ProviderClient::new(&config.outbound, &env)
}

fn resolved(name: &str, settings: ProviderSettings) -> Provider {
    let settings = ProviderSettings { client_id: Some(CLIENT.to_owned()), ..settings };
    let keys = ProviderKeys { client_secret: Some(Secret::new(SECRET)), private_key: None };
    resolve_provider(name, &settings, &keys).unwrap()
}

/// The preset with its endpoints on the imitation.
fn at(fake: &FakeProvider, name: &str) -> Provider {
    let mut provider = resolved(name, ProviderSettings::default());
    let here = |url: &str| {
        let (_, rest) = url.split_once("://").unwrap();
        format!("{}/{}", fake.issuer, rest.split_once('/').unwrap().1)
    };
    let own = provider.endpoints.as_ref().unwrap();
    provider.endpoints = Some(Endpoints {
        authorization: here(&own.authorization),
        token: here(&own.token),
        userinfo: here(&own.userinfo),
        emails: own.emails.as_deref().map(here),
    });
    provider
}

fn path_of(fake: &FakeProvider, url: &str) -> String {
    url.strip_prefix(&fake.issuer).unwrap().split('?').next().unwrap().to_owned()
}

fn json_answer(value: &Value) -> Vec<u8> {
    let text = value.to_string();
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{text}", text.len()).into_bytes()
}

fn exchange(code: &str) -> CodeExchange<'_> {
    CodeExchange { code, redirect_uri: PAGE, nonce: "n", verifier: VERIFIER }
}

/// What the preset reads of these answers.
async fn read(
    name: &str,
    user: &Value,
    emails: &Value,
) -> Result<ProviderAccount, ExchangeFailure> {
    let fake = FakeProvider::start().await;
    let provider = at(&fake, name);
    let own = provider.endpoints.clone().unwrap();
    let token = json!({ "access_token": "a-1", "token_type": "bearer", "expires_in": 3600 });
    fake.script(|script| {
        let mut answer = |url: &str, value: &Value| {
            script.instead.insert(path_of(&fake, url), json_answer(value));
        };
        answer(&own.token, &token);
        answer(&own.userinfo, user);
        if let Some(url) = &own.emails {
            answer(url, emails);
        }
    });
    client().exchange(&provider, exchange("c-1")).await.map(|proved| proved.account)
}

type Read<'a> = (&'a str, Option<&'a str>, bool);

#[track_caller]
fn assert_read(account: &ProviderAccount, expected: Read<'_>) {
    let email = account.email.as_ref().map(authd::model::Email::as_str);
    assert_eq!((account.subject.as_str(), email, account.is_proved), expected);
}

#[tokio::test]
async fn github_numbers_its_accounts_and_lists_their_addresses() {
    let user = json!({ "login": "octocat", "id": 583_231, "name": "The Octocat", "email": null });
    let row = |email: &str, primary: bool, verified: bool| json!({ "email": email, "primary": primary, "verified": verified, "visibility": null });
    let other = row("other@example.com", false, true);
    let emails = json!([other, row("octocat@example.com", true, true)]);
    let account = read("github", &user, &emails).await.unwrap();
    assert_read(&account, ("583231", Some("octocat@example.com"), true));
    assert_eq!(
        (account.issuer.as_str(), account.username.as_deref()),
        ("https://github.com", Some("octocat"))
    );
    // Only the primary one counts, and only verified.
    let emails = json!([other, row("octocat@example.com", true, false)]);
    let account = read("github", &user, &emails).await.unwrap();
    assert_read(&account, ("583231", Some("octocat@example.com"), false));
    assert_read(&read("github", &user, &json!([other])).await.unwrap(), ("583231", None, false));
    assert!(read("github", &json!({ "login": "octocat" }), &emails).await.is_err());
}

#[tokio::test]
async fn an_error_that_github_sends_as_a_success_is_one() {
    let fake = FakeProvider::start().await;
    let provider = at(&fake, "github");
    let error =
        json!({ "error": "bad_verification_code", "error_description": "It is incorrect." });
    let path = path_of(&fake, &provider.endpoints.clone().unwrap().token);
    fake.script(|script| {
        script.instead.insert(path, json_answer(&error));
    });
    let failure = client().exchange(&provider, exchange("c-1")).await.unwrap_err();
    assert!(failure.reason.contains("bad_verification_code: It is incorrect."), "{failure}");
}

#[tokio::test]
async fn each_preset_of_oauth_reads_account_and_address_where_the_provider_has_them() {
    for (name, user, expected) in [
        (
            "discord",
            json!({ "id": "80351", "global_name": "Nelly", "email": "n@example.com", "verified": true }),
            ("80351", Some("n@example.com"), true),
        ),
        (
            "discord",
            json!({ "id": "80351", "email": "n@example.com", "verified": false }),
            ("80351", Some("n@example.com"), false),
        ),
        // It does not say whether the address was confirmed.
        (
            "facebook",
            json!({ "id": "10", "name": "Ada", "email": "ada@example.com" }),
            ("10", Some("ada@example.com"), false),
        ),
        (
            "linkedin",
            json!({ "sub": "782bb", "email": "doe@example.com", "email_verified": true }),
            ("782bb", Some("doe@example.com"), true),
        ),
        (
            "x",
            json!({ "data": { "id": "224", "username": "ada", "confirmed_email": "ada@example.com" } }),
            ("224", Some("ada@example.com"), true),
        ),
        ("x", json!({ "data": { "id": "224", "username": "ada" } }), ("224", None, false)),
    ] {
        let account = read(name, &user, &Value::Null).await;
        assert_read(&account.unwrap_or_else(|failure| panic!("{name}: {failure}")), expected);
    }
}

/// Logs in at an imitation with discovery.
async fn log_in(
    fake: &FakeProvider,
    provider: &Provider,
    claims: &Value,
) -> Result<ProviderAccount, ExchangeFailure> {
    let client = client();
    let metadata = client.metadata(provider).await?;
    let request =
        AuthorizationRequest { redirect_uri: PAGE, state: "s", nonce: "n", verifier: VERIFIER };
    let answer = fake.log_in(&request.url(provider, &metadata), claims);
    let proved = client.exchange(provider, exchange(answer["code"].as_str().unwrap())).await?;
    Ok(proved.account)
}

#[tokio::test]
async fn apple_gets_a_client_secret_that_is_signed_for_the_request() {
    let fake = FakeProvider::start().await;
    fake.script(|script| script.takes_any_client = true);
    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let der = base64::engine::general_purpose::STANDARD.encode(key.to_pkcs8v1().unwrap().as_ref());
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----\n");
    let settings = ProviderSettings {
        preset: Some("apple".to_owned()),
        issuer: Some(fake.issuer.clone()),
        client_id: Some(CLIENT.to_owned()),
        team_id: Some("TEAM123456".to_owned()),
        key_id: Some("KEY1234567".to_owned()),
        ..ProviderSettings::default()
    };
    let keys = ProviderKeys { client_secret: None, private_key: Some(Secret::new(pem)) };
    let provider = resolve_provider("acme", &settings, &keys).unwrap();
    let claims =
        json!({ "sub": "001.a", "email": "x@privaterelay.example", "email_verified": "true" });
    let account = log_in(&fake, &provider, &claims).await.unwrap();
    assert_read(&account, ("001.a", Some("x@privaterelay.example"), true));

    let form = fake.forms().pop().unwrap();
    let token = parameter(&form, "client_secret").unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.public_key().as_ref());
    public.verify(signed.as_bytes(), &secret::decode(signature).unwrap()).unwrap();
    let part = |text: &str| serde_json::from_slice::<Value>(&decode(text).unwrap()).unwrap();
    assert_eq!(part(header), json!({ "alg": "ES256", "kid": "KEY1234567" }));
    let now = START / 1000;
    let expected = json!({
        "iss": "TEAM123456", "iat": now, "exp": now + 300, "aud": fake.issuer, "sub": CLIENT,
    });
    assert_eq!(part(claims), expected);
    // The name comes once, unsigned, beside the code.
    let mut account = account;
    account.suggest_user(Some(r#"{"name":{"firstName":"Ada","lastName":"Lovelace"}}"#));
    assert_eq!(account.given_name.as_deref(), Some("Ada"));
    account.suggest_user(Some(r#"{"name":{"firstName":"Eve"}}"#));
    assert_eq!(account.given_name.as_deref(), Some("Ada"));
}

#[tokio::test]
async fn a_tenant_of_microsoft_is_an_issuer_and_its_addresses_are_no_proof() {
    let fake = FakeProvider::start().await;
    fake.script(|script| {
        script.takes_any_client = true;
        script.discovery = json!({ "issuer": format!("{}/{TENANT}/v2.0", fake.issuer) });
    });
    let of = |tenant: &str| {
        resolved(
            "acme",
            ProviderSettings {
                preset: Some("microsoft".to_owned()),
                issuer: Some(format!("{}/{{tenant}}/v2.0", fake.issuer)),
                tenant: Some(tenant.to_owned()),
                ..ProviderSettings::default()
            },
        )
    };
    let claims = |tenant: &str, issuer: &str| {
        json!({
            "sub": "pairwise", "oid": "o-1", "tid": tenant, "email": "ceo@victim.example",
            "email_verified": true, "iss": format!("{}/{issuer}/v2.0", fake.issuer),
        })
    };
    let account = log_in(&fake, &of("common"), &claims(TENANT_ID, TENANT_ID)).await.unwrap();
    assert_read(&account, ("o-1", Some("ceo@victim.example"), false));
    assert_eq!(account.issuer, format!("{}/{TENANT_ID}/v2.0", fake.issuer));
    let personal = authd::config::PERSONAL_TENANT;
    log_in(&fake, &of("common"), &claims(personal, personal)).await.unwrap();
    for (tenant, tid, issuer) in [
        ("common", TENANT_ID, personal),
        ("common", TENANT, TENANT),
        ("common", "evil", "evil"),
        ("common", "../x", "../x"),
        ("organizations", personal, personal),
    ] {
        let refused = log_in(&fake, &of(tenant), &claims(tid, issuer)).await;
        assert!(refused.is_err(), "{tenant} {tid} {issuer}");
    }
}
