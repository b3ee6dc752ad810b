//! `POST /auth/reauthenticate/passkey/options`: what a browser needs to ask for a key of the caller.

use crate::passkeys::with_passkey;
use crate::support::app;
use crate::v1::fixture::{Operation, keys, person};

const OPTIONS: Operation = Operation("POST", "/auth/reauthenticate/passkey/options");

#[tokio::test]
async fn the_caller_gets_their_keys() {
    let app = app().await;
    let (tokens, _) = with_passkey(&app, "ada").await;
    let data = OPTIONS.on(&app).bearer(&tokens).ok(200).await.body["data"].clone();
    assert_eq!(keys(&data), "challenge timeout rpId allowCredentials userVerification");
    assert_eq!(data["userVerification"], "preferred");
    let bob = person(&app, "bob", &[]).await;
    OPTIONS.on(&app).bearer(&bob).refused(404, "NOT_FOUND").await;
}
