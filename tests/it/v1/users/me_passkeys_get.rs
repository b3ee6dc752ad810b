//! `GET /users/me/passkeys`: the caller's keys.

use crate::passkeys::with_passkey;
use crate::support::app;
use crate::v1::fixture::{Operation, keys, person};

const LIST: Operation = Operation("GET", "/users/me/passkeys");

#[tokio::test]
async fn it_has_the_callers_keys_alone_and_what_browsers_need_to_remove_others() {
    let app = app().await;
    let (tokens, _) = with_passkey(&app, "ada").await;
    let data = LIST.on(&app).bearer(&tokens).ok(200).await.body["data"].clone();
    assert_eq!(keys(&data), "passkeys rpId userId allAcceptedCredentialIds");
    let fields = "id type name authenticator aaguid credentialId transports discoverable \
                  userVerified backupEligible backedUp suspectSince createdAt lastUsed";
    assert_eq!(keys(&data["passkeys"][0]), fields);
    let bob = person(&app, "bob", &[]).await;
    let others = LIST.on(&app).bearer(&bob).ok(200).await.body["data"].clone();
    assert!(others["passkeys"].as_array().unwrap().is_empty());
    assert_ne!(others["userId"], data["userId"]);
}
