//! `POST /users/me/identities/{id}/token`: an app gets the token with which it calls the provider.

use crate::providers::{Site, verified};
use crate::v1::fixture::{MINUTE, Operation, Trail, keys, person};

const GET: Operation = Operation("POST", "/users/me/identities/{id}/token");

#[tokio::test]
async fn it_is_recorded_and_asks_for_fresh_authentication() {
    let site = Site::open(&[("providers.acme.keep_tokens", "true"), ("tokens.access", "2h")]).await;
    let ada = site.log_in(&verified("s-1", "ada@example.com")).await.tokens().access;
    let list = site.app.get("/v1/users/me/identities").bearer(&ada).ok(200).await;
    let id = list.body["data"][0]["id"].as_str().unwrap();
    let mut trail = Trail::begin(&site.app).await;
    let given = GET.at(&site.app, &[id]).bearer(&ada).ok(200).await;
    assert_eq!(keys(&given.body["data"]), "accessToken expiresAt scope");
    let left = trail.left().await;
    let expected = format!("provider_token_given done acme {id}");
    assert!(left.len() == 1 && left[0].starts_with(&expected), "{left:?}");
    let bob = person(&site.app, "bob", &[]).await;
    GET.at(&site.app, &[id]).bearer(&bob).refused(404, "NOT_FOUND").await;
    site.app.turn_clock(16 * MINUTE);
    GET.at(&site.app, &[id]).bearer(&ada).refused(403, "REAUTHENTICATION_REQUIRED").await;
}
