//! Answers that are wrong, hostile or of others.

use std::time::Duration;

use authd::model::secret::{decode, encode};
use serde_json::{Value, json};

use super::{Site, verified};
use crate::fake_provider::{FakeProvider, PAGE, Script};
use crate::support::{UNLIMITED, app_with};

fn ada() -> Value {
    verified("s-1", "ada@example.com")
}

/// Opens the site with a provider that has this script.
async fn scripted(change: impl FnOnce(&mut Script)) -> Site {
    let site = Site::open(&UNLIMITED).await;
    site.provider.script(change);
    site
}

#[tokio::test]
async fn an_id_token_that_is_not_for_this_login_is_refused() {
    let site = Site::open(&UNLIMITED).await;
    let now = crate::support::START / 1000;
    for claims in [
        json!({ "iss": "https://other.example" }),
        json!({ "iss": null }),
        json!({ "aud": "other" }),
        json!({ "aud": [] }),
        json!({ "aud": ["client-1", "other"], "azp": "client-1" }),
        json!({ "azp": "other" }),
        json!({ "nonce": "other" }),
        json!({ "nonce": null }),
        json!({ "exp": now - 61 }),
        json!({ "exp": null }),
        json!({ "exp": "soon" }),
        json!({ "iat": now + 3600 }),
        json!({ "iat": null }),
        json!({ "nbf": now + 3600 }),
        json!({ "sub": null }),
        json!({ "sub": "" }),
        json!({ "sub": "s".repeat(300) }),
        json!({ "sub": "s\u{e9}" }),
        json!({ "sub": ["s-1"] }),
    ] {
        site.provider.script(|script| script.claims = claims.clone());
        let answer = site.log_in(&ada()).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (400, "PROVIDER_REJECTED"), "{claims}");
    }
    site.provider.script(|script| script.claims = json!({ "exp": now - 30, "iat": now - 300 }));
    assert_eq!(site.log_in(&ada()).await.status, 200, "clocks may differ by a minute");
}

#[tokio::test]
async fn a_signature_counts_only_by_a_published_key_and_an_asymmetric_algorithm() {
    for header in [
        json!({ "alg": "none" }),
        json!({ "alg": "HS256" }),
        json!({ "alg": "RS256" }),
        json!({ "kid": "k1" }),
        json!({ "kid": "other" }),
        json!({ "crit": ["exp"] }),
    ] {
        let site = scripted(|script| script.header = header.clone()).await;
        let answer = site.log_in(&ada()).await;
        assert_eq!(answer.code(), "PROVIDER_REJECTED", "{header}");
    }
    let site = scripted(|script| {
        script.signer = 1;
        script.header = json!({ "kid": "k0" });
    })
    .await;
    assert_eq!(site.log_in(&ada()).await.code(), "PROVIDER_REJECTED", "signed by another key");
    // One key and no key ID: it is that key.
    let site = scripted(|script| script.header = json!({ "kid": null })).await;
    assert_eq!(site.log_in(&ada()).await.status, 200);
    let site = scripted(|script| {
        script.discovery = json!({ "id_token_signing_alg_values_supported": ["RS256"] });
    })
    .await;
    assert_eq!(site.log_in(&ada()).await.code(), "PROVIDER_REJECTED", "not an announced one");
}

#[tokio::test]
async fn rotated_keys_are_read_once_and_a_flood_of_unknown_ones_is_not() {
    let site = Site::open(&UNLIMITED).await;
    assert_eq!(site.log_in(&ada()).await.status, 200);
    let read =
        |site: &Site| site.provider.requests().iter().filter(|one| *one == "GET /keys").count();
    assert_eq!(read(&site), 1);
    assert_eq!(site.log_in(&ada()).await.status, 200);
    assert_eq!(read(&site), 0, "they are remembered");
    site.provider.script(|script| {
        script.signer = 1;
        script.published = vec![0, 1];
    });
    site.app.turn_clock(Duration::from_secs(61));
    assert_eq!(site.log_in(&ada()).await.status, 200);
    assert_eq!(read(&site), 1);
    site.provider.script(|script| script.header = json!({ "kid": "nobody's" }));
    for _ in 0..3 {
        assert_eq!(site.log_in(&ada()).await.code(), "PROVIDER_REJECTED");
    }
    assert_eq!(read(&site), 0);
}

#[tokio::test]
async fn an_answer_of_another_browser_is_refused_and_each_counts_once() {
    let site = Site::open(&UNLIMITED).await;
    let (own, foreign) = (site.begin().await, site.begin().await);
    let answer = site.provider.log_in(&own.url, &ada());
    let swapped = site.call_back(&foreign.flow, &answer).await;
    assert_eq!(swapped.code(), "PROVIDER_REJECTED");
    let mut other_state = answer.clone();
    other_state["state"] = "guessed".into();
    assert_eq!(site.call_back(&own.flow, &other_state).await.code(), "PROVIDER_REJECTED");
    assert_eq!(site.call_back("forged", &answer).await.code(), "PROVIDER_REJECTED");
    assert_eq!(site.call_back(&own.flow, &answer).await.status, 200);
    assert_eq!(site.call_back(&own.flow, &answer).await.code(), "PROVIDER_REJECTED");

    let late = site.begin().await;
    let answer = site.provider.log_in(&late.url, &ada());
    site.app.turn_clock(Duration::from_mins(10));
    assert_eq!(site.call_back(&late.flow, &answer).await.code(), "PROVIDER_REJECTED");
}

#[tokio::test]
async fn a_code_that_was_used_at_the_provider_is_refused_and_its_words_are_for_the_operator() {
    let site = Site::open(&UNLIMITED).await;
    let begun = site.begin().await;
    let mut answer = site.provider.log_in(&begun.url, &ada());
    answer["code"] = "used".into();
    let refused = site.call_back(&begun.flow, &answer).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (400, "PROVIDER_REJECTED"));
    assert!(!refused.text.contains("unknown code"), "{}", refused.text);
    let audit = site.app.audit().await;
    assert!(audit.contains(&"login refused provider acme: token".to_owned()), "{audit:#?}");
}

#[tokio::test]
async fn an_answer_names_its_issuer_where_the_provider_does() {
    let announce = json!({ "authorization_response_iss_parameter_supported": true });
    let site = scripted(|script| script.discovery = announce).await;
    for (iss, expected) in [(None, 400), (Some("https://evil.example"), 400), (Some("own"), 200)] {
        let begun = site.begin().await;
        let mut answer = site.provider.log_in(&begun.url, &ada());
        if let Some(iss) = iss {
            let own = iss == "own";
            answer["iss"] = if own { site.provider.issuer.clone().into() } else { iss.into() };
        }
        site.provider.requests();
        let came = site.call_back(&begun.flow, &answer).await;
        assert_eq!(came.status, expected, "{iss:?}");
        if expected == 400 {
            assert_eq!(site.provider.requests(), [""; 0], "the code goes nowhere");
        }
    }
}

#[tokio::test]
async fn a_person_who_refuses_reads_that_and_nothing_that_the_answer_says() {
    let site = Site::open(&UNLIMITED).await;
    let begun = site.begin().await;
    let state = site.provider.log_in(&begun.url, &ada())["state"].clone();
    let answer =
        json!({ "state": state, "error": "access_denied", "error_description": "no \u{202e}no" });
    let refused = site.call_back(&begun.flow, &answer).await;
    assert_eq!(refused.code(), "PROVIDER_REJECTED");
    assert_eq!(refused.body["error"]["message"], "The login at the provider was cancelled");
}

#[tokio::test]
async fn an_address_is_verified_as_a_truth_or_as_the_word_that_apple_writes() {
    let site = Site::open(&UNLIMITED).await;
    for (number, truth) in [json!(true), json!("true")].into_iter().enumerate() {
        let mut claims = verified(&format!("yes-{number}"), &format!("yes{number}@example.com"));
        claims["email_verified"] = truth;
        assert_eq!(site.log_in(&claims).await.status, 200);
    }
    let no = [json!(false), json!("false"), json!("TRUE"), json!(1), json!(null), json!([true])];
    for (number, lie) in no.into_iter().enumerate() {
        let mut claims = verified(&format!("no-{number}"), &format!("no{number}@example.com"));
        claims["email_verified"] = lie;
        assert_eq!(site.log_in(&claims).await.code(), "PROVIDER_STEP_REQUIRED", "{claims}");
    }
}

#[tokio::test]
async fn userinfo_about_another_account_is_refused() {
    let site = Site::open(&UNLIMITED).await;
    site.provider.script(|script| {
        script.claims = json!({ "email": null, "email_verified": null });
    });
    assert_eq!(site.log_in(&ada()).await.status, 200, "the address may be there alone");
    site.provider.script(|script| script.userinfo = json!({ "sub": "s-2" }));
    assert_eq!(site.log_in(&ada()).await.code(), "PROVIDER_REJECTED");
}

#[tokio::test]
async fn an_address_and_its_proof_come_from_one_place_and_the_class_of_the_login_from_the_token() {
    let set = [&UNLIMITED[..], &[("providers.acme.trusted_acr", "phr")]].concat();
    let site = Site::open(&set).await;
    // The token says of no address that it is verified; the endpoint has one that is not.
    site.provider.script(|script| {
        script.claims = json!({ "email": null, "email_verified": true });
        script.userinfo = json!({ "email_verified": false, "acr": "phr" });
    });
    assert_eq!(site.log_in(&ada()).await.code(), "PROVIDER_STEP_REQUIRED");
    site.provider.script(|script| script.userinfo = json!({ "acr": "phr" }));
    let access = site.log_in(&ada()).await.ok(200).tokens().access;
    let phone = crate::factors::set_up(&site.app, &access).await;
    let confirmed = crate::factors::verify(&site.app, &access, &phone.code(&site.app, 0)).await;
    assert_eq!(confirmed.status, 200, "{}", confirmed.text);
    assert_eq!(site.log_in(&ada()).await.code(), "MFA_REQUIRED");
    site.provider.script(|script| script.claims = json!({ "acr": "phr" }));
    assert_eq!(site.log_in(&ada()).await.status, 200);
}

/// The same token with the other signature that ECDSA has for it: (r, n - s).
fn other_signature(token: &str) -> String {
    const ORDER: [u8; 32] = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc,
        0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let mut bytes = decode(signature).unwrap();
    let mut borrow = 0;
    for at in (0..32).rev() {
        let below = i16::from(ORDER[at]) - i16::from(bytes[32 + at]) - borrow;
        borrow = i16::from(below < 0);
        bytes[32 + at] = u8::try_from(below.rem_euclid(256)).unwrap();
    }
    format!("{signed}.{}", encode(&bytes))
}

#[tokio::test]
async fn an_id_token_of_an_app_counts_once_for_as_long_as_it_lives_and_in_any_spelling() {
    let site = Site::open(&UNLIMITED).await;
    let now = crate::support::START / 1000;
    let with = |more: Value| {
        let mut claims = ada();
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        site.provider.id_token(&claims)
    };
    let post =
        |token: &str| site.app.post("/v1/auth/providers/acme/token", &json!({ "idToken": token }));
    let (first, second) = (with(json!({ "exp": now + 3600 })), with(json!({ "exp": now + 3601 })));
    post(&other_signature(&second)).ok(200).await;
    post(&second).refused(400, "PROVIDER_REJECTED").await;
    post(&first).ok(200).await;
    post(&other_signature(&first)).refused(400, "PROVIDER_REJECTED").await;
    site.app.turn_clock(Duration::from_mins(59));
    authd::identity::system::cleanup::purge(&site.app.core).await.unwrap();
    post(&first).refused(400, "PROVIDER_REJECTED").await;
    // One that lives for years is good for a day.
    let long = with(json!({ "exp": now + 1_000_000_000 }));
    post(&long).ok(200).await;
    site.app.turn_clock(Duration::from_hours(25));
    post(&long).refused(400, "PROVIDER_REJECTED").await;
    let unused = with(json!({ "exp": now + 1_000_000_001 }));
    post(&unused).refused(400, "PROVIDER_REJECTED").await;
}

#[tokio::test]
async fn accounts_are_connected_and_removed_only_so_often() {
    let site = Site::open(&UNLIMITED).await;
    let access = site.log_in(&ada()).await.ok(200).tokens().access;
    site.app.mails().await;
    let mut refused = None;
    for number in 0..23 {
        let body = json!({ "provider": "acme", "redirectUri": PAGE });
        let begin = site.app.post("/v1/users/me/identities/begin", &body).bearer(&access);
        let begun = super::Begun::of(&begin.ok(200).await);
        let claims = json!({ "sub": format!("other-{number}") });
        let mut answer = site.provider.log_in(&begun.url, &claims);
        answer["flow"] = begun.flow.into();
        let body = json!({ "callback": answer });
        let linked = site.app.post("/v1/users/me/identities", &body).bearer(&access).send().await;
        if linked.status != 200 {
            refused = Some((number, linked.status.as_u16()));
            break;
        }
        let path =
            format!("/v1/users/me/identities/{}", linked.body["data"]["id"].as_str().unwrap());
        site.app.call(poem::http::Method::DELETE, &path).bearer(&access).ok(200).await;
    }
    assert_eq!(refused, Some((21, 429)));
}

#[tokio::test]
async fn a_huge_a_broken_and_a_redirecting_answer_fail_in_words() {
    let whole = |text: &str| text.as_bytes().to_vec();
    let huge =
        [whole("HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n"), vec![b' '; 1 << 20]]
            .concat();
    let redirect =
        "HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n";
    for (instead, status) in [
        (huge, 400),
        (whole(redirect), 400),
        (whole("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nnull"), 400),
        (whole("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n<html>"), 400),
        (whole("HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n"), 503),
        (whole("nonsense"), 503),
    ] {
        for path in ["/.well-known/openid-configuration", "/token", "/keys"] {
            let site = Site::open(&UNLIMITED).await;
            let spoil = |script: &mut Script| {
                script.instead.insert(path.to_owned(), instead.clone());
            };
            if path.starts_with("/.well") {
                site.provider.script(spoil);
                let body = json!({ "redirectUri": PAGE });
                let begun = site.app.post("/v1/auth/providers/acme/begin", &body).send().await;
                assert_eq!(begun.status, status, "{path} {}", begun.text);
                continue;
            }
            let begun = site.begin().await;
            let answer = site.provider.log_in(&begun.url, &ada());
            site.provider.script(spoil);
            let came = site.call_back(&begun.flow, &answer).await;
            assert_eq!(came.status, status, "{path} {}", came.text);
        }
    }
}

#[tokio::test]
async fn a_discovery_document_of_another_issuer_or_of_unencrypted_endpoints_is_refused() {
    for discovery in [
        json!({ "issuer": "https://other.example" }),
        json!({ "issuer": null }),
        json!({ "token_endpoint": null }),
        json!({ "token_endpoint": "http://other.example/token" }),
        json!({ "jwks_uri": "file:///etc/passwd" }),
        json!({ "authorization_endpoint": "javascript:alert(1)" }),
    ] {
        let site = scripted(|script| script.discovery = discovery.clone()).await;
        let body = json!({ "redirectUri": PAGE });
        let begun = site.app.post("/v1/auth/providers/acme/begin", &body);
        begun.refused(400, "PROVIDER_REJECTED").await;
    }
}

#[tokio::test]
async fn an_issuer_inside_the_network_is_asked_only_where_the_operator_allows_it() {
    let provider = FakeProvider::start().await;
    let own = provider.settings("acme");
    let own: Vec<_> = own
        .iter()
        .filter(|(key, _)| key != "outbound.allow")
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    let app = app_with("standard", &own).await;
    let body = json!({ "redirectUri": PAGE });
    app.post("/v1/auth/providers/acme/begin", &body).refused(400, "PROVIDER_REJECTED").await;
    assert_eq!(provider.requests(), [""; 0]);
}

#[tokio::test]
async fn an_answer_goes_only_to_pages_that_the_operator_lists() {
    let site = Site::open(&UNLIMITED).await;
    for page in ["https://evil.example/callback", "https://app.example.com/callback/"] {
        let body = json!({ "redirectUri": page });
        let begin = site.app.post("/v1/auth/providers/acme/begin", &body);
        begin.refused(400, "PROVIDER_REJECTED").await;
    }
    let body = json!({ "redirectUri": PAGE });
    site.app.post("/v1/auth/providers/none/begin", &body).refused(404, "NOT_FOUND").await;
}
