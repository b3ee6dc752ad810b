//! `POST /admin/providers/{provider}`: a new provider.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::{app, app_with};
use crate::v1::fixture::{Operation, Trail, person};

const CREATE: Operation = Operation("POST", "/admin/providers/{provider}");

#[tokio::test]
async fn it_is_offered_at_once_and_recorded_and_its_secret_is_sealed() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    let offered = async || app.get("/v1/auth/providers").ok(200).await.body["data"].clone();
    assert_eq!(offered().await, json!([]));
    let mut trail = Trail::begin(&app).await;
    let body = json!({ "clientId": "c-1", "clientSecret": " hush hush " });
    let made = CREATE.at(&app, &["google"]).json(&body).bearer(&root).ok(201).await;
    assert_eq!(
        (&made.body["data"]["inForce"], &made.body["data"]["hasKey"]),
        (&json!(true), &json!(true))
    );
    assert!(!made.text.contains("hush"), "{}", made.text);
    let records = trail.left_by(Some(&root.id), None).await;
    assert_eq!(records, ["provider_added done google"]);
    assert_eq!(
        offered().await,
        json!([{ "name": "google", "label": "Google", "preset": "google" }])
    );
    // Neither the settings nor the sealed bytes have the secret.
    let stored = app.database().texts("select settings || hex(sealed) from providers");
    let hex = "hush hush".bytes().fold(String::new(), |hex, byte| hex + &format!("{byte:02X}"));
    assert!(!stored[0].contains("hush") && !stored[0].contains(&hex), "{stored:?}");
    assert!(stored[0].contains("c-1"), "{stored:?}");
}

#[tokio::test]
async fn each_setting_has_the_rule_of_the_configuration_and_a_bad_one_adds_nothing() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    let with = |setting: &str, value: Value| {
        let mut body = json!({ "clientId": "c", "issuer": "https://login.acme.example" });
        body[setting] = value;
        body
    };
    for (name, body, field) in [
        ("Acme", with("label", json!("A")), "name"),
        ("acme", with("clientId", json!(null)), "clientId"),
        ("acme", with("issuer", json!(null)), "issuer"),
        ("acme", with("issuer", json!("http://login.acme.example")), "issuer"),
        ("acme", with("preset", json!("myspace")), "preset"),
        ("acme", with("redirectUris", json!(["javascript:alert(1)"])), "redirectUris"),
        ("acme", with("scopes", json!(["a b"])), "scopes"),
        ("acme", with("provedBy", json!("a b")), "provedBy"),
        ("acme", with("tenant", json!("common")), "tenant"),
        ("acme", with("teamId", json!("t")), "privateKey"),
    ] {
        let refused = CREATE.at(&app, &[name]).json(&body).bearer(&root);
        let refused = refused.refused(400, "VALIDATION_ERROR").await;
        let row = &refused.body["error"]["details"][0];
        assert_eq!(row["field"], field, "{body}: {}", refused.text);
    }
    let apple = json!({ "clientId": "c", "teamId": "t", "keyId": "k", "privateKey": "no key" });
    let refused = CREATE.at(&app, &["apple"]).json(&apple).bearer(&root);
    let refused = refused.refused(400, "VALIDATION_ERROR").await;
    assert_eq!(refused.body["error"]["details"][0]["field"], "privateKey");
    assert!(!refused.text.contains("no key"), "{}", refused.text);
    assert_eq!(app.database().number("select count(*) from providers"), 0);
}

#[tokio::test]
async fn a_private_key_is_taken_in_pem_form() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let der = STANDARD.encode(key.to_pkcs8v1().unwrap().as_ref());
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----\n");
    let body = json!({ "clientId": "c", "teamId": "t", "keyId": "k", "privateKey": pem });
    let made = CREATE.at(&app, &["apple"]).json(&body).bearer(&root).ok(201).await;
    assert_eq!(made.body["data"]["hasKey"], true);
    assert!(!made.text.contains("PRIVATE"), "{}", made.text);
}

#[tokio::test]
async fn a_taken_name_is_a_conflict_also_if_the_configuration_has_it() {
    let app = app_with("standard", &[("providers.github.client_id", "c-1")]).await;
    let root = person(&app, "root", &["admin"]).await;
    let body = json!({ "clientId": "c-2" });
    CREATE.at(&app, &["github"]).json(&body).bearer(&root).refused(409, "ALREADY_EXISTS").await;
    CREATE.at(&app, &["google"]).json(&body).bearer(&root).ok(201).await;
    CREATE.at(&app, &["google"]).json(&body).bearer(&root).refused(409, "ALREADY_EXISTS").await;
}

/// The client of an issuer decides which ID tokens log in.
#[tokio::test]
async fn an_issuer_of_the_configuration_is_out_of_reach() {
    let set = [
        ("providers.google.client_id", "c-1"),
        ("providers.microsoft.client_id", "c-1"),
        ("providers.microsoft.tenant", "common"),
    ];
    let app = app_with("standard", &set).await;
    let root = person(&app, "root", &["admin"]).await;
    let tenant = "72f988bf-86f1-41af-91ab-2d7cd011db47";
    for body in [
        json!({ "clientId": "evil", "preset": "google", "trustedAcr": ["1"] }),
        json!({ "clientId": "evil", "issuer": "https://accounts.google.com" }),
        json!({ "clientId": "evil", "preset": "microsoft", "tenant": tenant }),
    ] {
        CREATE.at(&app, &["evil"]).json(&body).bearer(&root).refused(409, "CONFLICT").await;
    }
    let body = json!({ "clientId": "c", "issuer": "https://login.acme.example" });
    CREATE.at(&app, &["evil"]).json(&body).bearer(&root).ok(201).await;
    let change = json!({ "issuer": "https://accounts.google.com" });
    let patch = app.call("PATCH".parse().unwrap(), "/v1/admin/providers/evil");
    patch.json(&change).bearer(&root).refused(409, "CONFLICT").await;
    // One that was there before the configuration is not used.
    let stored = "insert into providers values \
                  ('before', '{\"client_id\":\"c\",\"preset\":\"google\"}', null, 1, 1)";
    assert_eq!(app.database().tamper(stored), 1);
    let offered = app.get("/v1/auth/providers").ok(200).await;
    assert!(!offered.text.contains("before"), "{}", offered.text);
}

#[tokio::test]
async fn there_are_at_most_a_hundred() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    let many = "with recursive n (i) as (select 1 union all select i + 1 from n where i < 100) \
                insert into providers select 'p' || i, '{}', null, 1, 1 from n";
    assert_eq!(app.database().tamper(many), 100);
    let body = json!({ "clientId": "c" });
    CREATE.at(&app, &["google"]).json(&body).bearer(&root).refused(409, "CONFLICT").await;
    assert_eq!(app.database().number("select count(*) from providers"), 100);
}
