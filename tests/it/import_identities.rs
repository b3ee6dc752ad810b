//! Accounts at providers move with the accounts that they log in to: out by an export, in from it and
//! from the tables of other backends.

use authd::store::tables::transfer;
use serde_json::{Value, json};

use crate::cli::{Folder, Ran};
use crate::fake_provider::{CLIENT, FakeProvider, PAGE};
use crate::providers::stored::add;
use crate::providers::{Begun, verified};
use crate::support::{App, app_with};

async fn site(names: &[&str], provider: &FakeProvider) -> App {
    let app = app_with("standard", &[("outbound.allow", "127.0.0.1")]).await;
    for name in names {
        add(&app, name, &provider.issuer).await;
    }
    app
}

fn user(app: &App, arguments: &[&str], input: &str) -> Ran {
    let db = app.dir.path().join("authd.db");
    let fixed = ["--json", "--db", db.to_str().unwrap()];
    Folder::new().run_with_input(&[&["user"], arguments, &fixed].concat(), input)
}

fn import(app: &App, arguments: &[&str], input: &str) -> Value {
    user(app, &[&["import", "-"], arguments].concat(), input).json()
}

/// Rows, imported, present and refused.
fn counts(summary: &Value) -> [u64; 4] {
    ["rows", "imported", "present", "refused"].map(|name| summary[name].as_u64().unwrap())
}

async fn log_in(app: &App, provider: &FakeProvider, name: &str, claims: &Value) -> u16 {
    let path = format!("/v1/auth/providers/{name}/begin");
    let begun = Begun::of(&app.post(&path, &json!({ "redirectUri": PAGE })).ok(200).await);
    let mut answer = provider.log_in(&begun.url, claims);
    answer["flow"] = begun.flow.into();
    app.post("/v1/auth/providers/callback", &answer).send().await.status.as_u16()
}

async fn accounts(app: &App) -> usize {
    app.core.store.scan(|db| transfer::page(db, "", 1000)).await.unwrap().len()
}

#[tokio::test]
async fn an_export_takes_them_along_in_both_formats() {
    let provider = FakeProvider::start().await;
    let old = site(&["acme"], &provider).await;
    let claims = verified("s-1", "ada@example.com");
    assert_eq!(log_in(&old, &provider, "acme", &claims).await, 200);
    for format in ["jsonl", "csv"] {
        let exported = user(&old, &["export", "--format", format], "");
        assert_eq!(exported.code, Some(0), "{}", exported.err);
        assert!(!exported.out.contains(CLIENT), "{}", exported.out);
        // Another name here: the issuer says which account it is.
        let new = site(&["acme"], &provider).await;
        let summary = import(&new, &["--format", format], &exported.out);
        assert_eq!(counts(&summary), [1, 1, 0, 0], "{format}: {summary}");
        assert_eq!(summary["unknownColumns"], json!([]));
        assert_eq!(log_in(&new, &provider, "acme", &claims).await, 200, "{format}");
        assert_eq!(accounts(&new).await, 1, "{format}");
        let again = import(&new, &["--format", format], &exported.out);
        assert_eq!(counts(&again), [1, 0, 1, 0], "{format}: {again}");
    }
}

#[tokio::test]
async fn a_provider_that_is_not_here_refuses_the_row_and_nothing_is_half_done() {
    let provider = FakeProvider::start().await;
    let app = site(&[], &provider).await;
    let row = json!({ "email": "ada@example.com", "email_verified": true,
                      "identities": [{ "provider": "acme", "subject": "s-1" }] });
    let jsonl = ["--format", "jsonl", "--without-passwords"];
    let refused = import(&app, &jsonl, &row.to_string());
    assert_eq!(counts(&refused), [1, 0, 0, 1], "{refused}");
    let reasons = refused["reasons"].to_string();
    assert!(reasons.contains("no provider acme") && reasons.contains("--column identities=-"));
    assert_eq!(accounts(&app).await, 0);
    // The same file again, once the provider is there.
    add(&app, "acme", &provider.issuer).await;
    let imported = import(&app, &["--format", "jsonl"], &row.to_string());
    assert_eq!(counts(&imported), [1, 1, 0, 0], "{imported}");
    assert_eq!(log_in(&app, &provider, "acme", &verified("s-1", "ada@example.com")).await, 200);
    assert_eq!(accounts(&app).await, 1);
}

#[tokio::test]
async fn one_that_is_connected_already_refuses_the_row_in_a_dry_run_too() {
    let provider = FakeProvider::start().await;
    let app = site(&["acme"], &provider).await;
    let row = |name: &str, subject: &str| {
        json!({ "email": format!("{name}@example.com"), "email_verified": true,
                "federatedIdentities": [{ "identityProvider": "acme", "userId": subject }] })
        .to_string()
    };
    let file = [row("ada", "s-1"), row("bob", "s-1"), row("cleo", "s-2")].join("\n");
    for (arguments, word) in [
        (&["--format", "jsonl", "--dry-run"][..], "account at a provider is already on an earlier"),
        (&["--format", "jsonl"], "account at acme is connected to another account"),
    ] {
        let summary = import(&app, arguments, &file);
        assert_eq!(counts(&summary), [3, 2, 0, 1], "{summary}");
        assert!(summary["reasons"].to_string().contains(word), "{summary}");
    }
    assert_eq!(accounts(&app).await, 2);
    let dry = import(&app, &["--format", "jsonl", "--dry-run"], &row("dora", "s-1"));
    assert_eq!(counts(&dry), [1, 0, 0, 1], "{dry}");
}

#[tokio::test]
async fn an_account_without_a_password_needs_one_way_to_log_in() {
    let provider = FakeProvider::start().await;
    let app = site(&["acme"], &provider).await;
    let own = json!({ "email": "ada@example.com", "identities": [{ "provider": "auth0" }] });
    let refused = import(&app, &["--format", "jsonl"], &own.to_string());
    assert_eq!(counts(&refused), [1, 0, 0, 1], "{refused}");
    assert!(refused["reasons"].to_string().contains("no password hash"), "{refused}");
    let malformed = "email,identities\nada@example.com,google\n";
    let refused = import(&app, &["--format", "csv"], malformed);
    assert!(refused["reasons"].to_string().contains("no JSON array"), "{refused}");
    let left = import(
        &app,
        &["--format", "csv", "--column", "identities=-", "--without-passwords"],
        malformed,
    );
    assert_eq!(counts(&left), [1, 1, 0, 0], "{left}");
}

#[tokio::test]
async fn an_account_without_an_address_moves_where_the_policy_lets_it() {
    let provider = FakeProvider::start().await;
    let optional = ("signup.require_email", "false");
    let open = async || {
        let app = app_with("standard", &[("outbound.allow", "127.0.0.1"), optional]).await;
        add(&app, "acme", &provider.issuer).await;
        app
    };
    let (old, new) = (open().await, open().await);
    let claims = json!({ "sub": "s-1", "name": "Ada" });
    assert_eq!(log_in(&old, &provider, "acme", &claims).await, 200);
    let set = ["--set", "signup.require_email=false"];
    for format in ["jsonl", "csv"] {
        let exported = user(&old, &[&["export", "--format", format], &set[..]].concat(), "").out;
        let fixed = ["--format", format];
        let refused = import(&new, &[&fixed[..], &["--dry-run"]].concat(), &exported);
        assert_eq!(counts(&refused), [1, 0, 0, 1], "{format}: {refused}");
        assert!(refused["reasons"].to_string().contains("no e-mail address"), "{refused}");
        let dry = import(&new, &[&fixed[..], &set, &["--dry-run"]].concat(), &exported);
        let is_first = u64::from(format == "jsonl");
        assert_eq!(counts(&dry), [1, is_first, 1 - is_first, 0], "{format}: {dry}");
        let summary = import(&new, &[&fixed[..], &set].concat(), &exported);
        assert_eq!(counts(&summary), [1, is_first, 1 - is_first, 0], "{format}: {summary}");
    }
    assert_eq!(log_in(&new, &provider, "acme", &claims).await, 200);
    assert_eq!(accounts(&new).await, 1);
    // Neither by another id.
    let other = json!({ "id": "other", "identities": [{ "provider": "acme", "subject": "s-1" }] });
    let fixed = ["--format", "jsonl", "--set", "signup.require_email=false"];
    let refused = import(&new, &fixed, &other.to_string());
    assert_eq!(counts(&refused), [1, 0, 0, 1], "{refused}");
    assert!(refused["reasons"].to_string().contains("connected to another account"), "{refused}");
    let bare = json!({ "username": "bob" }).to_string();
    let refused = import(&new, &[&fixed[..], &["--without-passwords"]].concat(), &bare);
    assert!(refused["reasons"].to_string().contains("no e-mail address"), "{refused}");
}
