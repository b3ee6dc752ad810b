//! `GET /admin/users/{userId}`: all about one account, except its secrets.

use crate::support::{PASSWORD, app};
use crate::v1::fixture::{Operation, delete, person, person_with_authenticator};

const GET: Operation = Operation("GET", "/admin/users/{userId}");

#[tokio::test]
async fn it_shows_no_secret() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    let (ada, phone) = person_with_authenticator(&app, "ada").await;
    let shown = GET.at(&app, &[&ada.id]).bearer(&root).ok(200).await;
    for secret in
        [PASSWORD, "argon2", "hash", "secret", "stamp", &ada.refresh, &phone.backup_codes[0]]
    {
        assert!(!shown.text.contains(secret), "{secret} in {}", shown.text);
    }
}

#[tokio::test]
async fn a_deleted_account_is_shown_as_deleted() {
    let app = app().await;
    let (root, ada) = (person(&app, "root", &["admin"]).await, person(&app, "ada", &[]).await);
    delete(&app, &root, &ada.id).await;
    let shown = GET.at(&app, &[&ada.id]).bearer(&root).ok(200).await;
    assert_eq!(shown.body["data"]["status"], "deleted");
}
