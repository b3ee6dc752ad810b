//! `GET /admin/roles`: all roles with their permissions.

use serde_json::json;

use crate::support::app;
use crate::v1::fixture::{Operation, keys, person, person_who_may};

const LIST: Operation = Operation("GET", "/admin/roles");

#[tokio::test]
async fn built_in_and_own_roles_are_listed_with_their_members() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    person_who_may(&app, &root, "support", &["admin.stats", "admin.audit"]).await;
    let list = LIST.on(&app).bearer(&root).ok(200).await;
    let roles = list.body["data"].as_array().unwrap();
    assert_eq!(keys(&roles[0]), "name permissions builtIn members createdAt");
    let shown: Vec<_> =
        roles.iter().map(|role| (&role["name"], &role["builtIn"], &role["members"])).collect();
    let (built_in, own) = (json!(true), json!(false));
    let expected = [
        (&json!("admin"), &built_in, &json!(1)),
        (&json!("moderator"), &built_in, &json!(0)),
        (&json!("support"), &own, &json!(1)),
        (&json!("user"), &built_in, &json!(2)),
    ];
    assert_eq!(shown, expected);
    assert_eq!(roles[2]["permissions"], json!(["admin.audit", "admin.stats"]));
}
