//! `DELETE /users/me/identities/{id}`: one way to log in less.

use crate::providers::{Site, verified};
use crate::v1::fixture::{MINUTE, Operation, Trail, person};

const REMOVE: Operation = Operation("DELETE", "/users/me/identities/{id}");

async fn first_identity(site: &Site, access: &str) -> String {
    let list = site.app.get("/v1/users/me/identities").bearer(access).ok(200).await;
    list.body["data"][0]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn it_is_recorded_and_the_owner_gets_a_letter() {
    let site = Site::open(&[("login.passwordless", "true")]).await;
    let ada = site.log_in(&verified("s-1", "ada@example.com")).await.tokens().access;
    let id = first_identity(&site, &ada).await;
    let bob = person(&site.app, "bob", &[]).await;
    REMOVE.at(&site.app, &[&id]).bearer(&bob).refused(404, "NOT_FOUND").await;
    site.app.mails().await;
    let mut trail = Trail::begin(&site.app).await;
    REMOVE.at(&site.app, &[&id]).bearer(&ada).ok(200).await;
    let left = trail.left().await;
    assert!(left.len() == 1 && left[0].starts_with("identity_removed done"), "{left:?}");
    assert_eq!(site.app.mails().await.len(), 1);
    REMOVE.at(&site.app, &[&id]).bearer(&ada).refused(404, "NOT_FOUND").await;
}

#[tokio::test]
async fn the_last_way_in_stays_and_it_needs_fresh_authentication() {
    let site = Site::open(&[("tokens.access", "2h")]).await;
    let ada = site.log_in(&verified("s-1", "ada@example.com")).await.tokens().access;
    let id = first_identity(&site, &ada).await;
    REMOVE.at(&site.app, &[&id]).bearer(&ada).refused(409, "LAST_LOGIN_METHOD").await;
    assert_eq!(first_identity(&site, &ada).await, id);
    site.app.turn_clock(16 * MINUTE);
    REMOVE.at(&site.app, &[&id]).bearer(&ada).refused(403, "REAUTHENTICATION_REQUIRED").await;
}
