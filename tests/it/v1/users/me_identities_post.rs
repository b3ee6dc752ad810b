//! `POST /users/me/identities`: an account at a provider is connected.

use serde_json::{Value, json};

use crate::fake_provider::PAGE;
use crate::providers::{Begun, Site, verified};
use crate::v1::fixture::{MINUTE, Operation, Trail, keys, person};

const LINK: Operation = Operation("POST", "/users/me/identities");

#[tokio::test]
async fn it_is_recorded_and_the_owner_gets_a_letter() {
    let site = Site::open(&[]).await;
    let ada = person(&site.app, "ada", &[]).await;
    let body = json!({ "provider": "acme", "redirectUri": PAGE });
    let begin = site.app.post("/v1/users/me/identities/begin", &body).bearer(&ada);
    let begun = Begun::of(&begin.ok(200).await);
    let mut answer = site.provider.log_in(&begun.url, &verified("s-1", "ada@other.example"));
    answer["flow"] = begun.flow.into();
    let body = json!({ "callback": answer });
    let bob = person(&site.app, "bob", &[]).await;
    LINK.on(&site.app).json(&body).bearer(&bob).refused(400, "PROVIDER_REJECTED").await;
    site.app.mails().await;
    let mut trail = Trail::begin(&site.app).await;
    let linked = LINK.on(&site.app).json(&body).bearer(&ada).ok(200).await;
    assert_eq!(
        keys(&linked.body["data"]),
        "id provider issuer subject email name createdAt lastUsed"
    );
    let left = trail.left().await;
    assert!(left.len() == 1 && left[0].starts_with("identity_linked done"), "{left:?}");
    let mails = site.app.mails().await;
    assert!(mails[0].text.contains("An account at acme was connected"), "{mails:?}");
    // Each answer counts once.
    LINK.on(&site.app).json(&body).bearer(&ada).refused(400, "PROVIDER_REJECTED").await;
}

#[tokio::test]
async fn it_asks_for_an_answer_or_a_token_and_for_fresh_authentication() {
    let site = Site::open(&[("tokens.access", "2h")]).await;
    let ada = person(&site.app, "ada", &[]).await;
    let call = |body: Value| LINK.on(&site.app).json(&body).bearer(&ada);
    let callback = json!({ "flow": "x", "state": "x" });
    for body in [json!({}), json!({ "callback": callback, "providerToken": "x" })] {
        call(body).refused(400, "VALIDATION_ERROR").await;
    }
    call(json!({ "callback": callback })).refused(400, "PROVIDER_REJECTED").await;
    call(json!({ "providerToken": "forged" })).refused(400, "PROVIDER_REJECTED").await;
    site.app.turn_clock(16 * MINUTE);
    call(json!({ "callback": callback })).refused(403, "REAUTHENTICATION_REQUIRED").await;
}
