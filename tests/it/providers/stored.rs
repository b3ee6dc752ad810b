//! Providers kept in the database: changed by an administrator or a command, in force at the next
//! request.

use std::time::Duration;

use authd::error::Kind;
use authd::identity::FreshBy;
use authd::identity::admin::providers;
use authd::model::provider::ProviderKeys;
use authd::model::{ProviderSettings, Secret};
use serde_json::json;

use super::{Begun, Site, verified};
use crate::fake_provider::{CLIENT, FakeProvider, PAGE, SECRET};
use crate::support::{App, app_with};

/// A program without a configured provider, and one to add.
async fn site() -> Site {
    let provider = FakeProvider::start().await;
    let app = app_with("standard", &[("outbound.allow", "127.0.0.1")]).await;
    Site { app, provider }
}

/// Adds the provider to the database, as `authd provider add` does.
pub async fn add(app: &App, name: &str, issuer: &str) {
    let settings = ProviderSettings {
        issuer: Some(issuer.to_owned()),
        client_id: Some(CLIENT.to_owned()),
        redirect_uris: vec![PAGE.to_owned()],
        ..ProviderSettings::default()
    };
    let keys = ProviderKeys { client_secret: Some(Secret::new(SECRET)), private_key: None };
    let by = FreshBy::command_line();
    providers::create(&app.core, &by, name, &settings, &keys).await.unwrap();
}

#[tokio::test]
async fn a_stored_provider_logs_in_like_a_configured_one() {
    let site = site().await;
    site.app
        .post("/v1/auth/providers/acme/begin", &json!({ "redirectUri": PAGE }))
        .refused(404, "NOT_FOUND")
        .await;
    add(&site.app, "acme", &site.provider.issuer).await;
    let entered = site.log_in(&verified("s-1", "ada@example.com")).await;
    assert_eq!(entered.status, 200, "{}", entered.text);
    let (_, page) = site
        .app
        .get("/sign-in")
        .send()
        .await
        .text
        .split_once("<body")
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .unwrap();
    assert!(page.contains("/sign-in/provider/acme"), "{page}");

    // Removed by another process while a login is under way.
    let begun: Begun = site.begin().await;
    let answer = site.provider.log_in(&begun.url, &verified("s-1", "ada@example.com"));
    providers::remove(&site.app.core, &FreshBy::command_line(), "acme").await.unwrap();
    assert_eq!(site.call_back(&begun.flow, &answer).await.status, 404);
    let page = site.app.get("/sign-in").send().await.text;
    assert!(!page.contains("/sign-in/provider/acme"), "{page}");

    // Its connected accounts wait for a provider with its issuer.
    add(&site.app, "other", &site.provider.issuer).await;
    let begun = site.app.post("/v1/auth/providers/other/begin", &json!({ "redirectUri": PAGE }));
    let begun = Begun::of(&begun.ok(200).await);
    let answer = site.provider.log_in(&begun.url, &verified("s-1", "ada@example.com"));
    assert_eq!(site.call_back(&begun.flow, &answer).await.status, 200);
    assert_eq!(site.app.database().number("select count(*) from accounts"), 1);
}

#[tokio::test]
async fn a_change_is_in_force_in_the_middle_of_logins() {
    let site = site().await;
    add(&site.app, "acme", &site.provider.issuer).await;
    assert_eq!(site.log_in(&verified("s-1", "ada@example.com")).await.status, 200);
    let by = FreshBy::command_line();
    let wrong = |_: &mut ProviderSettings, keys: &mut ProviderKeys| {
        keys.client_secret = Some(Secret::new("another"));
    };
    providers::change(&site.app.core, &by, "acme", None, wrong).await.unwrap();
    site.provider.forms();
    let refused = site.log_in(&verified("s-1", "ada@example.com")).await;
    assert_eq!(refused.status, 400, "{}", refused.text);
}

#[tokio::test]
async fn who_saw_it_before_another_change_changes_nothing() {
    let site = site().await;
    add(&site.app, "acme", &site.provider.issuer).await;
    let (by, core) = (FreshBy::command_line(), &site.app.core);
    let named = |name: &'static str| {
        move |settings: &mut ProviderSettings, _: &mut ProviderKeys| {
            settings.label = Some(name.to_owned());
        }
    };
    let (seen, _) = providers::show(core, "acme").await.unwrap();
    site.app.turn_clock(Duration::from_secs(1));
    let changed = providers::change(core, &by, "acme", seen.updated_at, named("First")).await;
    assert_ne!(changed.unwrap().updated_at, seen.updated_at);
    let late = providers::change(core, &by, "acme", seen.updated_at, named("Second")).await;
    assert_eq!(late.unwrap_err().kind(), Kind::PreconditionFailed);
    let (now, _) = providers::show(core, "acme").await.unwrap();
    assert_eq!(now.provider.unwrap().settings.label.as_deref(), Some("First"));
}
