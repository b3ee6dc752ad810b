//! `GET /users/me/export`: everything that is stored about the caller, except secrets.

use serde_json::json;

use crate::support::{PASSWORD, app, app_with};
use crate::v1::fixture::{HOUR, Operation, Trail, keys, person, person_with_authenticator};

const EXPORT: Operation = Operation("GET", "/users/me/export");

#[tokio::test]
async fn it_requires_fresh_authentication() {
    let app = app_with("standard", &[("tokens.access", "2h")]).await;
    let ada = person(&app, "ada", &[]).await;
    app.turn_clock(HOUR);
    let mut trail = Trail::begin(&app).await;
    EXPORT.on(&app).bearer(&ada).refused(403, "REAUTHENTICATION_REQUIRED").await;
    assert_eq!(trail.left().await, [""; 0]);
}

#[tokio::test]
async fn it_holds_no_secret_of_the_account_and_nothing_of_another() {
    let app = app().await;
    let bob = person(&app, "bob", &[]).await;
    let (ada, phone) = person_with_authenticator(&app, "ada").await;
    let export = EXPORT.on(&app).bearer(&ada).ok(200).await;
    let data = &export.body["data"];
    assert_eq!(
        (data["factors"].as_array().unwrap().len(), &data["backupCodesLeft"]),
        (1, &json!(10))
    );
    assert_eq!(keys(&data["factors"][0]), "name method target createdAt confirmedAt lastUsedAt");
    let secrets = [
        PASSWORD,
        "argon2",
        &ada.access,
        &ada.refresh,
        &phone.backup_codes[0],
        &bob.id,
        "bob@example.com",
    ];
    for secret in secrets {
        assert!(!export.text.contains(secret), "{secret} in {}", export.text);
    }
}

#[tokio::test]
async fn it_is_recorded() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    let mut trail = Trail::begin(&app).await;
    EXPORT.on(&app).bearer(&ada).ok(200).await;
    assert_eq!(trail.left_by(Some(&ada.id), Some(&ada.id)).await, ["exported done"]);
}
