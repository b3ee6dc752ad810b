//! Kept tokens of providers while something else happens: a login or the end of a session during a refresh,
//! tokens that end soon, answers that repeat a secret.

use std::time::Duration;

use authd::model::{ProviderTokens, Secret};
use serde_json::{Value, json};

use super::tokens::{HOUR, by_service, enter, keeping, put_forward, token};
use super::verified;
use crate::fake_provider::{FakeProvider, SECRET};
use crate::support::app_with;

/// Such a login takes the refresh token from before along, which the refresh has used up.
#[tokio::test]
async fn a_login_without_a_refresh_token_during_a_refresh_gets_the_new_one() {
    let (site, key) = keeping().await;
    let ada = enter(&site, "ada").await;
    put_forward(&site, HOUR);
    let begun = site.begin().await;
    let answer = site.provider.log_in(&begun.url, &verified("ada", "ada@example.com"));
    let mut hold = site.provider.hold("/token");
    let refresh = by_service(&site.app, &key, &ada).send();
    let entered = async {
        hold.has(1).await;
        site.provider.let_pass("/token");
        site.provider.script(|script| script.token["refresh_token"] = Value::Null);
        let entered = site.call_back(&begun.flow, &answer).await;
        site.provider.script(|script| {
            script.token.as_object_mut().unwrap().remove("refresh_token");
        });
        hold.release();
        entered
    };
    let (refreshed, entered) = tokio::join!(refresh, entered);
    assert_eq!((refreshed.status.as_u16(), entered.status.as_u16()), (200, 200));
    let kept = by_service(&site.app, &key, &ada).ok(200).await;
    assert_eq!(token(&kept), token(&refreshed), "the login stays");
    put_forward(&site, HOUR);
    assert_ne!(token(&by_service(&site.app, &key, &ada).ok(200).await), token(&kept));
}

#[tokio::test]
async fn a_token_of_a_minute_is_refreshed_once_in_half_of_its_life() {
    let (site, key) = keeping().await;
    site.provider.script(|script| script.token = json!({ "expires_in": 60 }));
    let ada = enter(&site, "ada").await;
    site.provider.requests();
    let refreshes = || {
        let asked = site.provider.requests();
        asked.iter().filter(|request| *request == "POST /token").count()
    };
    let first = token(&by_service(&site.app, &key, &ada).ok(200).await).to_owned();
    assert_eq!(token(&by_service(&site.app, &key, &ada).ok(200).await), first);
    assert_eq!(refreshes(), 0, "it is new");
    put_forward(&site, Duration::from_secs(31));
    let second = token(&by_service(&site.app, &key, &ada).ok(200).await).to_owned();
    assert_ne!(second, first);
    assert_eq!(token(&by_service(&site.app, &key, &ada).ok(200).await), second);
    assert_eq!(refreshes(), 1);
    put_forward(&site, Duration::from_secs(61));
    assert_ne!(token(&by_service(&site.app, &key, &ada).ok(200).await), second);
}

/// What ends while the provider takes its time ends for the one who waits, too.
#[tokio::test]
async fn what_ended_during_a_refresh_gets_no_token() {
    let ends = [
        (
            "update sessions set ended_at = 1 where account_id = (select account_id from identities where subject = 'ada')",
            401,
            "TOKEN_REVOKED",
        ),
        (
            "update accounts set suspended_at = 1 where email = 'ada@example.com'",
            401,
            "TOKEN_REVOKED",
        ),
        ("update apps set rotated_at = rotated_at + 1", 403, "INSUFFICIENT_PERMISSIONS"),
        ("delete from identities where subject = 'ada'", 404, "NOT_FOUND"),
    ];
    for (end, status, code) in ends {
        let (site, key) = keeping().await;
        let ada = enter(&site, "ada").await;
        put_forward(&site, HOUR);
        let mut hold = site.provider.hold("/token");
        let ask = by_service(&site.app, &key, &ada).send();
        let ended = async {
            hold.has(1).await;
            assert!(site.app.database().tamper(end) > 0, "{end}");
            hold.release();
        };
        let (answer, ()) = tokio::join!(ask, ended);
        answer.refused(status, code);
        let given = "select count(*) from audit where event = 'provider_token_given'";
        assert_eq!(site.app.database().number(given), 0, "{end}");
    }
}

/// The text that is logged is cut: half a token is not found in it any more.
#[tokio::test]
async fn a_provider_that_repeats_a_secret_in_a_long_text_brings_none_of_it_into_the_log() {
    let provider = FakeProvider::start().await;
    let own = provider.settings("acme");
    let own: Vec<_> = own.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let app = app_with("standard", &own).await;
    let acme = app.core.config.providers.find("acme").unwrap();
    let tokens = ProviderTokens {
        access: Secret::new("access"),
        refresh: None,
        expires_at: None,
        scope: None,
    };
    let canary = Secret::new("canary-of-the-refresh-token");
    for secret in [canary.reveal(), SECRET] {
        for before in [0, 200, 260, 270, 280] {
            let text = format!("{}{secret}", "x".repeat(before));
            let body = json!({ "error": "invalid_request", "error_description": text }).to_string();
            let answer = format!("HTTP/1.1 400 X\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            provider.script(|script| {
                script.instead.insert("/token".to_owned(), answer.into_bytes());
            });
            let failure = app.core.oidc.refresh(acme, &tokens, &canary).await.unwrap_err();
            assert!(failure.reason.contains("invalid_request"), "{failure}");
            assert!(!failure.reason.contains(&secret[..4]), "{before}: {failure}");
        }
    }
}
