//! `GET /admin/users/{userId}/passkeys`: the keys of an account.

use crate::passkeys::with_passkey;
use crate::support::app;
use crate::v1::fixture::{Operation, keys, person};

const LIST: Operation = Operation("GET", "/admin/users/{userId}/passkeys");

#[tokio::test]
async fn an_administrator_sees_the_keys_of_an_account() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    let (ada, _) = with_passkey(&app, "ada").await;
    let me = app.get("/v1/users/me").bearer(&ada).send().await;
    let id = me.body["data"]["id"].as_str().unwrap();
    let data = LIST.at(&app, &[id]).bearer(&root).ok(200).await.body["data"].clone();
    assert_eq!(data.as_array().unwrap().len(), 1);
    assert!(keys(&data[0]).starts_with("id type name authenticator"), "{data}");
    LIST.at(&app, &["nobody"]).bearer(&root).refused(404, "USER_NOT_FOUND").await;
}
