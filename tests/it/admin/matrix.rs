//! Role × operation × role of whom it is about, read off the document: an operation without a rule fails.

use authd::identity::{By, roles};
use poem::http::Method;
use serde_json::{Value, json};

use super::{call, make, said, staff};
use crate::support::{App, app_with};

/// Which permissions each role has, by the roles' own words.
const ROLES: [(&str, &[&str]); 4] = [
    ("user", &[]),
    ("moderator", &["admin.users.read", "admin.users.suspend"]),
    ("support", &["admin.users.read", "admin.users.write"]),
    (
        "admin",
        &[
            "admin.users.read",
            "admin.users.write",
            "admin.users.suspend",
            "admin.roles",
            "admin.audit",
            "admin.mail",
            "admin.keys",
            "admin.apps",
            "admin.stats",
        ],
    ),
];

struct Operation {
    name: String,
    method: Method,
    path: String,
    needs: Vec<String>,
    body: Option<Value>,
}

fn operations(document: &Value) -> Vec<Operation> {
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let name = operation["operationId"].as_str().unwrap().to_owned();
            let rule = operation["x-permission"].as_array();
            assert_eq!(rule.is_some(), path.starts_with("/admin/"), "{name} has no rule, or one in the wrong place");
            let Some(rule) = rule else { continue };
            let needs: Vec<String> = rule.iter().map(|word| word.as_str().unwrap().to_owned()).collect();
            assert!(!needs.is_empty(), "{name}");
            let method: Method = method.to_ascii_uppercase().parse().unwrap();
            let examples = operation["requestBody"]["content"]["application/json"]["examples"].as_object();
            let example = examples.and_then(|all| all.values().next()).map(|one| one["value"].clone());
            let one = |name: &str, needs: &[&str], body| Operation {
                name: name.to_owned(),
                method: method.clone(),
                path: path.clone(),
                needs: needs.iter().map(|&word| word.to_owned()).collect(),
                body,
            };
            if name == "updateUser" {
                let fields = [
                    ("admin.users.write", json!({ "firstName": "New" })),
                    ("admin.users.suspend", json!({ "status": "suspended" })),
                    ("admin.roles", json!({ "roles": ["moderator"] })),
                ];
                for (word, body) in fields {
                    assert!(needs.iter().any(|need| need == word));
                    found.push(one(&format!("{name} {body}"), &[word], Some(body)));
                }
            } else {
                let needs: Vec<&str> = needs.iter().map(String::as_str).collect();
                found.push(one(&name, &needs, example));
            }
        }
    }
    found
}

/// Whether somebody with the first role may do all that somebody with the second may.
fn covers(role: &str, target: &str) -> bool {
    let of = |name: &str| ROLES.iter().find(|(role, _)| *role == name).unwrap().1;
    of(target).iter().all(|word| of(role).contains(word))
}

async fn try_one(app: &App, operation: &Operation, role: &str, token: &str, target: &str, turn: usize) {
    let is_about_somebody = operation.path.contains("{userId}");
    let target_roles: &[&str] = if target == "user" { &[] } else { &[target] };
    let id = if is_about_somebody { make(app, &format!("target{turn}"), target_roles).await } else { String::new() };
    let path = operation.path.replace("{userId}", &id).replace("{role}", "nothing").replace("{sessionId}", "nothing");
    let path = format!("/v1{}", path.replace("{appId}", "nothing").replace("{messageId}", "nothing"));
    let answer = call(app, operation.method.clone(), &path, token, operation.body.as_ref()).await;
    let permissions = ROLES.iter().find(|(name, _)| *name == role).unwrap().1;
    let may = operation.needs.iter().any(|word| permissions.contains(&word.as_str()));
    let changes = is_about_somebody && operation.method != Method::GET;
    let expected = may && (!changes || covers(role, target));
    let name = format!("{role}: {} of {target}: {}", operation.name, answer.text);
    if expected {
        assert!(!matches!(answer.status.as_u16(), 401 | 403) && answer.status.as_u16() < 500, "{name}");
    } else {
        assert_eq!(said(&answer), (403, "INSUFFICIENT_PERMISSIONS"), "{name}");
    }
}

#[tokio::test]
async fn each_role_may_do_what_its_permissions_say_to_whom_has_no_more_and_nothing_else() {
    let app = app_with("standard", &[("limits.general", "off"), ("limits.sign_in", "off")]).await;
    let support = vec!["admin.users.read".to_owned(), "admin.users.write".to_owned()];
    roles::create(&app.core, &By::command_line(), "support", support).await.unwrap();
    let document = app.get("/openapi.json").send().await.body;
    let operations = operations(&document);
    assert!(operations.len() > 25, "{}", operations.len());
    let mut turn = 0;
    for (role, _) in ROLES {
        let own: &[&str] = if role == "user" { &[] } else { &[role] };
        let (_, token) = staff(&app, &format!("the-{role}"), own).await;
        for operation in &operations {
            let targets: &[&str] = if operation.path.contains("{userId}") {
                &["user", "moderator", "support", "admin"]
            } else {
                &["user"]
            };
            for target in targets {
                turn += 1;
                try_one(&app, operation, role, &token, target, turn).await;
            }
        }
    }
}
