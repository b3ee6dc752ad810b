//! The providers on the pages of the console.

use std::time::Duration;

use super::{add_provider, administrator};
use crate::fake_provider::FakeProvider;
use crate::support::{PASSWORD, app, app_with};

const NEW: &str = "/console/providers/new";
const ACME: &str = "/console/providers/acme";
const MARKUP: &str = "<img src=x onerror=alert(1)>";

#[tokio::test]
async fn a_provider_is_added_changed_tested_and_removed_and_its_secret_is_never_shown() {
    let fake = FakeProvider::start().await;
    let app = app_with("standard", &[("outbound.allow", "127.0.0.1")]).await;
    let mut root = administrator(&app, "root", &["admin"]).await;
    root.open("/console/providers").await;
    root.sees("There are no providers yet.");
    root.open(NEW).await;
    root.sees("<a href=\"/console/providers/new?preset=google\">Google</a>");
    root.open(&format!("{NEW}?preset=issuer")).await;
    let secret = ("client_secret", "canary-of-the-secret");
    let bad = [("name", "acme"), ("issuer", "ftp://acme"), ("client_id", "c-1"), secret];
    root.submit(NEW, &bad).await;
    assert_eq!(root.page.status, 400);
    root.sees("expected an https:// URL");
    root.sees("value=\"ftp://acme\"");
    assert!(!root.page.text.contains("canary"), "{}", root.page.text);
    let good = [
        ("name", "acme"),
        ("issuer", &fake.issuer),
        ("client_id", "c-1"),
        ("label", MARKUP),
        ("scopes", " one  two "),
        ("reason", "new partner"),
        secret,
    ];
    root.submit(NEW, &good).await;
    assert_eq!(root.path, ACME, "{}", root.page.text);
    root.sees("The provider is saved");
    root.sees("/sign-in/provider/acme/callback</code>");
    root.sees("openid email profile one two");
    root.sees("<dt>Tokens</dt><dd><span class=\"long\" dir=\"auto\">not kept</span></dd>");
    root.sees("because <code>server.public_url</code> is not set");
    assert!(!root.page.text.contains("canary") && !root.page.text.contains("<img"));
    root.submit(&format!("{ACME}/test"), &[]).await;
    root.sees("1 key that can check ID tokens");
    assert!(!root.page.text.contains("<img"), "{}", root.page.text);
    change_and_remove(&app, root).await;
}

async fn change_and_remove(app: &crate::support::App, mut root: crate::web::visitor::Visitor<'_>) {
    let edit = format!("{ACME}/edit");
    let mut other = administrator(app, "other", &["admin"]).await;
    other.open(&edit).await;
    root.open(&edit).await;
    assert!(!root.page.text.contains("canary"), "{}", root.page.text);
    app.turn_clock(Duration::from_secs(1));
    let issuer = crate::web::console::providers::issuer_of(&root.page.text);
    let changes = [("issuer", issuer.as_str()), ("client_id", "c-2"), ("label", "Acme")];
    root.submit(&edit, &changes).await;
    root.sees("c-2");
    root.sees("a client secret, which is not shown");
    other.submit(&edit, &changes).await;
    assert_eq!(other.page.status, 400);
    other.sees("The provider has changed since you opened this page, so nothing was done.");
    root.open(&edit).await;
    root.submit(&edit, &[&changes[..], &[("option", "keep_tokens")]].concat()).await;
    root.sees("<dt>Tokens</dt><dd><span class=\"long\" dir=\"auto\">kept, sealed</span></dd>");
    root.open(&edit).await;
    root.sees("value=\"keep_tokens\" checked");
    root.submit(&edit, &[&changes[..], &[("option", "forget_secret")]].concat()).await;
    root.sees("<dt>Tokens</dt><dd><span class=\"long\" dir=\"auto\">not kept</span></dd>");
    root.sees("<dt>Key</dt><dd><span class=\"long\" dir=\"auto\">none</span></dd>");
    let remove = format!("{ACME}/remove");
    root.open(&remove).await;
    root.sees("No account is connected with it.");
    root.submit(&remove, &[("typed", "Acme")]).await;
    root.sees("This is something else.");
    app.turn_clock(Duration::from_mins(16));
    root.submit(&remove, &[("typed", "acme")]).await;
    root.sees("proof_password");
    root.submit(&remove, &[("typed", "acme"), ("proof_password", PASSWORD)]).await;
    root.sees("There are no providers yet.");
    let reason = |event: &str| {
        let event = event.to_owned();
        async move {
            let found = app.records().await.into_iter().rfind(|one| one.event == event);
            found.unwrap().reason
        }
    };
    assert_eq!(reason("provider_added").await.as_deref(), Some("new partner"));
    assert_eq!(reason("provider_removed").await, None);
}

/// The issuer in a form.
fn issuer_of(page: &str) -> String {
    let field = page.split("name=\"issuer\"").nth(1).unwrap();
    field.split("value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn that_of_the_configuration_is_shown_with_its_origin_and_cannot_be_changed() {
    let set = [
        ("providers.acme.issuer", "https://acme.example"),
        ("providers.acme.client_id", "c-1"),
        ("providers.acme.client_secret", "canary-of-the-secret"),
    ];
    let app = app_with("standard", &set).await;
    let mut root = administrator(&app, "root", &["admin"]).await;
    for path in ["/console/providers", ACME] {
        root.open(path).await;
        root.sees("--set providers.acme.client_id");
        assert!(!root.page.text.contains("canary"), "{}", root.page.text);
    }
    assert!(!root.page.text.contains(&format!("{ACME}/edit")), "{}", root.page.text);
    for page in ["edit", "remove"] {
        root.open(&format!("{ACME}/{page}")).await;
        assert_eq!(root.page.status, 409, "{}", root.page.text);
        root.sees("The configuration has this provider");
    }
}

#[tokio::test]
async fn a_test_calls_no_address_that_the_operator_did_not_allow() {
    let fake = FakeProvider::start().await;
    let app = app().await;
    add_provider(&app).await;
    let mut root = administrator(&app, "root", &["admin"]).await;
    root.open(&format!("{NEW}?preset=issuer")).await;
    let inside = [("name", "inside"), ("issuer", fake.issuer.as_str()), ("client_id", "c-1")];
    root.submit(NEW, &inside).await;
    for name in ["acme", "inside"] {
        root.open(&format!("/console/providers/{name}")).await;
        root.submit(&format!("/console/providers/{name}/test"), &[]).await;
        root.sees("<span class=\"tag bad\">failed</span>");
    }
    assert_eq!(fake.requests(), Vec::<String>::new());
}

#[tokio::test]
async fn rubbish_adds_nothing() {
    let app = app().await;
    let mut root = administrator(&app, "root", &["admin"]).await;
    root.open(&format!("{NEW}?preset=nothing")).await;
    root.sees("preset=google");
    root.open(&format!("{NEW}?preset=google")).await;
    let many = "s ".repeat(51);
    for fields in [
        [("name", "No Name"), ("client_id", "c")],
        [("name", "google"), ("client_id", "")],
        [("name", "google"), ("scopes", &many)],
        [("name", "google"), ("redirect_uris", "javascript:alert(1)")],
    ] {
        root.submit(NEW, &fields).await;
        assert_eq!(root.page.status, 400, "{fields:?}: {}", root.page.text);
        root.sees("role=\"alert\"");
    }
    root.open("/console/providers/nothing").await;
    assert_eq!(root.page.status, 404);
    assert_eq!(authd::identity::admin::providers::list(&app.core).await.unwrap().len(), 0);
}
