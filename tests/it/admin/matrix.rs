//! Role × operation × role of the target, read from the document: an operation without a rule
//! fails the test.

use authd::identity::By;
use authd::identity::admin::roles;
use poem::http::Method;
use serde_json::{Value, json};

use super::{call, make};
use crate::support::{App, PASSWORD, UNLIMITED, app_with};

/// The wires with administrative calls: profile, disabled limits and checks, path of the document,
/// prefix of the admin paths, mount, location of the error code, and the code for a missing
/// permission.
const WIRES: [Wire; 2] = [
    Wire {
        profile: "standard",
        document: "/openapi/v1-admin.json",
        admin: "/admin/",
        mount: "/v1",
        code: "/error/code",
        refused: "INSUFFICIENT_PERMISSIONS",
    },
    Wire {
        profile: "authbackend",
        document: "/openapi/authbackend.json",
        admin: "/api/admin/",
        mount: "",
        code: "/code",
        refused: "AUTHORIZATION_ERROR",
    },
];

fn settings(more: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    [&UNLIMITED[..], &[("apps.required", "false")], more].concat()
}

struct Wire {
    profile: &'static str,
    document: &'static str,
    admin: &'static str,
    mount: &'static str,
    code: &'static str,
    refused: &'static str,
}

/// The permissions of each role, as the roles themselves declare them.
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
            "admin.providers",
            "admin.settings",
            "admin.backups",
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

fn operations(document: &Value, admin: &str) -> Vec<Operation> {
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let name = operation["operationId"].as_str().unwrap().to_owned();
            let rule = operation["x-permission"].as_array();
            assert_eq!(
                rule.is_some(),
                path.starts_with(admin),
                "{name} has no rule, or one in the wrong place"
            );
            let Some(rule) = rule else { continue };
            let needs: Vec<String> =
                rule.iter().map(|word| word.as_str().unwrap().to_owned()).collect();
            assert!(!needs.is_empty(), "{name}");
            let method: Method = method.to_ascii_uppercase().parse().unwrap();
            let examples =
                operation["requestBody"]["content"]["application/json"]["examples"].as_object();
            let example =
                examples.and_then(|all| all.values().next()).map(|one| one["value"].clone());
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

/// Whether the first role has all permissions of the second.
fn covers(role: &str, target: &str) -> bool {
    let of = |name: &str| ROLES.iter().find(|(role, _)| *role == name).unwrap().1;
    of(target).iter().all(|word| of(role).contains(word))
}

/// A user with these roles, logged in by the method that the profile requires.
async fn enter(app: &App, name: &str, roles: &[&str]) -> String {
    make(app, name, roles).await;
    app.mails().await;
    let login = app.login(name, PASSWORD).await;
    let Some(token) = login.body.pointer("/error/mfaToken").and_then(Value::as_str) else {
        return login.tokens().access;
    };
    let mails = app.mails().await;
    let mut lines = mails.iter().flat_map(|mail| mail.text.lines());
    let code =
        lines.find(|line| line.len() == 6 && line.bytes().all(|b| b.is_ascii_digit())).unwrap();
    app.post("/v1/auth/mfa/verify", &json!({ "code": code }))
        .bearer(token)
        .send()
        .await
        .tokens()
        .access
}

/// The path with the target's id, if it has one, and otherwise with ids that do not exist.
async fn path_of(
    app: &App,
    wire: &Wire,
    operation: &Operation,
    target: &str,
    number: usize,
) -> String {
    let mut path = format!("{}{}", wire.mount, operation.path);
    if path.contains("{userId}") {
        let target_roles: &[&str] = if target == "user" { &[] } else { &[target] };
        let id = make(app, &format!("target{number}"), target_roles).await;
        let number = authd::identity::admin::accounts::find(&app.core, &id)
            .await
            .unwrap()
            .account
            .number
            .to_string();
        path = path.replace("{userId}", if wire.mount.is_empty() { &number } else { &id });
    }
    for place in ["{role}", "{sessionId}", "{appId}", "{messageId}"] {
        path = path.replace(place, "nothing");
    }
    path
}

async fn try_one(
    app: &App,
    wire: &Wire,
    operation: &Operation,
    role: &str,
    token: &str,
    target: &str,
    number: usize,
) {
    let is_about_an_account = operation.path.contains("{userId}");
    let path = path_of(app, wire, operation, target, number).await;
    let answer = call(app, operation.method.clone(), &path, token, operation.body.as_ref()).await;
    let permissions = ROLES.iter().find(|(name, _)| *name == role).unwrap().1;
    let may = operation.needs.iter().any(|word| permissions.contains(&word.as_str()));
    let changes = is_about_an_account && operation.method != Method::GET;
    let expected = may && (!changes || covers(role, target));
    let name = format!("{}: {role}: {} of {target}: {}", wire.profile, operation.name, answer.text);
    if expected {
        assert!(
            !matches!(answer.status.as_u16(), 401 | 403) && answer.status.as_u16() < 500,
            "{name}"
        );
    } else {
        let code = answer.body.pointer(wire.code).and_then(Value::as_str);
        assert_eq!((answer.status.as_u16(), code), (403, Some(wire.refused)), "{name}");
    }
}

async fn each_role_meets_each_operation(wire: &Wire, least: usize) {
    let app = app_with(wire.profile, &settings(&[])).await;
    let support = vec!["admin.users.read".to_owned(), "admin.users.write".to_owned()];
    roles::create(&app.core, &By::command_line(), "support", support).await.unwrap();
    let document = app.get(wire.document).send().await.body;
    let operations = operations(&document, wire.admin);
    assert!(operations.len() >= least, "{}", operations.len());
    let mut number = 0;
    for (role, _) in ROLES {
        let own: &[&str] = if role == "user" { &[] } else { &[role] };
        let token = enter(&app, &format!("the-{role}"), own).await;
        for operation in &operations {
            let targets: &[&str] = if operation.path.contains("{userId}") {
                &["user", "moderator", "support", "admin"]
            } else {
                &["user"]
            };
            for target in targets {
                number += 1;
                try_one(&app, wire, operation, role, &token, target, number).await;
            }
        }
    }
}

#[tokio::test]
async fn each_role_may_do_what_its_permissions_say_to_whom_has_no_more_and_nothing_else() {
    each_role_meets_each_operation(&WIRES[0], 26).await;
}

#[tokio::test]
async fn no_other_wire_lets_a_role_do_more() {
    each_role_meets_each_operation(&WIRES[1], 7).await;
}

#[tokio::test]
async fn operations_marked_fresh_are_refused_to_a_caller_without_recent_proof() {
    let app = app_with("standard", &settings(&[("tokens.access", "1h")])).await;
    let token = enter(&app, "root", &["admin"]).await;
    let document = app.get("/openapi/v1-admin.json").send().await.body;
    let marked = |operation: &Operation| {
        let place =
            &document["paths"][&operation.path][operation.method.as_str().to_ascii_lowercase()];
        place["x-fresh-authentication"].as_bool().unwrap_or(false)
    };
    let all = operations(&document, "/admin/");
    assert!(all.iter().filter(|operation| marked(operation)).count() >= 6);
    app.turn_clock(std::time::Duration::from_mins(16));
    for (number, operation) in all.iter().enumerate() {
        let path = path_of(&app, &WIRES[0], operation, "user", number).await;
        let answer =
            call(&app, operation.method.clone(), &path, &token, operation.body.as_ref()).await;
        let code = answer.body.pointer("/error/code").and_then(Value::as_str);
        let stale = (answer.status.as_u16(), code) == (403, Some("REAUTHENTICATION_REQUIRED"));
        assert_eq!(stale, marked(operation), "{}: {}", operation.name, answer.text);
    }
}

#[tokio::test]
async fn administrators_of_every_wire_are_let_in_only_from_their_networks() {
    for wire in &WIRES {
        let networks = settings(&[("admin.networks", "198.51.100.0/24")]);
        let app = app_with(wire.profile, &networks).await;
        let token = enter(&app, "root", &["admin"]).await;
        let document = app.get(wire.document).send().await.body;
        for (number, operation) in operations(&document, wire.admin).iter().enumerate() {
            let path = path_of(&app, wire, operation, "user", number).await;
            let from = |address: &str| {
                let call = app.call(operation.method.clone(), &path).bearer(&token).from(address);
                match &operation.body {
                    Some(body) => call.json(body).send(),
                    None => call.send(),
                }
            };
            let away = from("192.0.2.1").await;
            assert_eq!(away.status, 403, "{}: {}: {}", wire.profile, operation.name, away.text);
            let near = from("198.51.100.7").await;
            assert!(
                !matches!(near.status.as_u16(), 401 | 403),
                "{}: {}: {}",
                wire.profile,
                operation.name,
                near.text
            );
        }
    }
}
