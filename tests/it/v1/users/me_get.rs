//! `GET /users/me`: the caller's profile.

use serde_json::json;

use crate::support::{PASSWORD, app};
use crate::v1::fixture::{Operation, Trail, end, keys, person};

const GET: Operation = Operation("GET", "/users/me");

#[tokio::test]
async fn the_response_has_the_documented_fields_and_leaves_no_record() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    let mut trail = Trail::begin(&app).await;
    let me = GET.on(&app).bearer(&ada).ok(200).await;
    let fields = "id email username firstName lastName phone status emailVerified phoneVerified \
                  lastLogin createdAt updatedAt roles permissions";
    assert_eq!(keys(&me.body), "success data");
    assert_eq!(keys(&me.body["data"]), fields);
    assert!(!me.text.contains("argon2") && !me.text.contains(PASSWORD), "{}", me.text);
    assert_eq!(trail.left().await, [""; 0]);
}

#[tokio::test]
async fn it_shows_a_change_of_roles_at_once() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    let ada = person(&app, "ada", &[]).await;
    let path = format!("/v1/admin/users/{}", ada.id);
    app.put(&path, &json!({ "roles": ["user", "moderator"] })).bearer(&root).ok(200).await;
    let me = GET.on(&app).bearer(&ada).ok(200).await;
    assert_eq!(me.body["data"]["roles"], json!(["user", "moderator"]));
    assert_eq!(
        me.body["data"]["permissions"],
        json!(["admin.users.read", "admin.users.suspend", "users.read"])
    );
}

#[tokio::test]
async fn it_is_refused_once_the_account_is_suspended_or_deleted() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    for name in ["suspended", "deleted"] {
        let ada = person(&app, name, &[]).await;
        end(&app, &root, &ada.id, name).await;
        GET.on(&app).bearer(&ada).refused(401, "TOKEN_REVOKED").await;
    }
}
