//! What each administrative operation asks for: its permission, fresh authentication, and a target
//! with no more rights than the caller has. `PUT /admin/users/{userId}` asks per field: see there.

use std::collections::BTreeSet;

use authd::store::tables::audit::AuditRow;
use serde_json::{Value, json};

use super::fixture::{
    MINUTE, Operation, Person, Trail, document, person, person_who_may, unlimited,
};
use crate::admin::make;
use crate::support::{App, PASSWORD};

/// An operation, its permission, whether it needs fresh authentication, and a body that it accepts.
struct Rule(&'static str, &'static str, &'static str, Proof, &'static str);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Proof {
    Any,
    Fresh,
}

use Proof::{Any, Fresh};

const RULES: [Rule; 53] = [
    Rule("GET", "/admin/users", "admin.users.read", Any, ""),
    Rule("POST", "/admin/users", "admin.users.write", Any, NEW_USER),
    Rule("GET", "/admin/users/{userId}", "admin.users.read", Any, ""),
    Rule("DELETE", "/admin/users/{userId}", "admin.users.write", Fresh, ""),
    Rule("POST", "/admin/users/{userId}/restore", "admin.users.write", Any, ""),
    Rule("POST", "/admin/users/{userId}/unlock", "admin.users.write", Any, ""),
    Rule("POST", "/admin/users/{userId}/verify", "admin.users.write", Any, ""),
    Rule("PUT", "/admin/users/{userId}/quota", "admin.users.write", Any, r#"{ "limit": 3 }"#),
    Rule("POST", "/admin/users/{userId}/reset-password", "admin.users.write", Any, ""),
    Rule("DELETE", "/admin/users/{userId}/mfa", "admin.users.write", Fresh, ""),
    Rule("GET", "/admin/users/{userId}/login", "admin.users.read", Any, ""),
    Rule("GET", "/admin/users/{userId}/passkeys", "admin.users.read", Any, ""),
    Rule("DELETE", "/admin/users/{userId}/passkeys/{passkeyId}", "admin.users.write", Fresh, ""),
    Rule("GET", "/admin/users/{userId}/sessions", "admin.users.read", Any, ""),
    Rule("DELETE", "/admin/users/{userId}/sessions", "admin.users.write", Any, ""),
    Rule("DELETE", "/admin/users/{userId}/sessions/{sessionId}", "admin.users.write", Any, ""),
    Rule("GET", "/admin/searches", "admin.users.read", Any, ""),
    Rule("POST", "/admin/searches", "admin.users.read", Any, r#"{ "name": "x", "query": "q=x" }"#),
    Rule("DELETE", "/admin/searches/{searchName}", "admin.users.read", Any, ""),
    Rule("GET", "/admin/findings", "admin.stats", Any, ""),
    Rule("GET", "/admin/roles", "admin.roles", Any, ""),
    Rule("POST", "/admin/roles", "admin.roles", Any, r#"{ "name": "new", "permissions": [] }"#),
    Rule("PUT", "/admin/roles/{role}", "admin.roles", Any, r#"{ "permissions": [] }"#),
    Rule("DELETE", "/admin/roles/{role}", "admin.roles", Fresh, ""),
    Rule("GET", "/admin/audit", "admin.audit", Any, ""),
    Rule("GET", "/admin/audit/export", "admin.audit", Any, ""),
    Rule("GET", "/admin/mail", "admin.mail", Any, ""),
    Rule("POST", "/admin/mail/{messageId}/retry", "admin.mail", Any, ""),
    Rule("GET", "/admin/stats", "admin.stats", Any, ""),
    Rule("GET", "/admin/stats/logins", "admin.stats", Any, ""),
    Rule("GET", "/admin/stats/activity", "admin.stats", Any, ""),
    Rule("GET", "/admin/apps", "admin.apps", Any, ""),
    Rule("POST", "/admin/apps", "admin.apps", Any, r#"{ "name": "Site", "kind": "client" }"#),
    Rule("POST", "/admin/apps/{appId}/rotate", "admin.apps", Fresh, ""),
    Rule("DELETE", "/admin/apps/{appId}", "admin.apps", Fresh, ""),
    Rule("GET", "/admin/keys", "admin.keys", Any, ""),
    Rule("POST", "/admin/keys/rotate", "admin.keys", Fresh, r#"{ "mode": "scheduled" }"#),
    Rule("GET", "/admin/providers", "admin.providers", Any, ""),
    Rule("GET", "/admin/providers/{provider}", "admin.providers", Any, ""),
    Rule("POST", "/admin/providers/{provider}", "admin.providers", Fresh, "{}"),
    Rule("PATCH", "/admin/providers/{provider}", "admin.providers", Fresh, "{}"),
    Rule("DELETE", "/admin/providers/{provider}", "admin.providers", Fresh, ""),
    Rule("POST", "/admin/providers/{provider}/test", "admin.providers", Any, ""),
    Rule("GET", "/admin/letters", "admin.mail", Any, ""),
    Rule("GET", "/admin/letters/{letter}", "admin.mail", Any, ""),
    Rule("POST", "/admin/mail/test", "admin.mail", Any, r#"{ "to": "ops@example.com" }"#),
    Rule("GET", "/admin/settings", "admin.settings", Any, ""),
    Rule("GET", "/admin/limits", "admin.stats", Any, ""),
    Rule("GET", "/admin/locks", "admin.users.read", Any, ""),
    Rule("GET", "/admin/backups", "admin.backups", Any, ""),
    Rule("POST", "/admin/backups", "admin.backups", Any, ""),
    Rule("POST", "/admin/backups/{backup}/verify", "admin.backups", Any, ""),
    Rule("GET", "/admin/backups/{backup}", "admin.backups", Fresh, ""),
];

const NEW_USER: &str = r#"{ "email": "new@example.com", "password": "Tr0ub4dor&3-plaice" }"#;
/// The operation whose fields have permissions of their own.
const BY_FIELD: (&str, &str) = ("PUT", "/admin/users/{userId}");

impl Rule {
    fn name(&self) -> String {
        format!("{} {}", self.0, self.1)
    }

    fn has_target(&self) -> bool {
        self.1.contains("{userId}")
    }

    /// A call about this account, or about nothing that exists.
    async fn call(&self, app: &App, caller: &Person, target: &str) -> (u16, String) {
        let filled = |part: &'static str| if part == "{userId}" { target } else { "nothing" };
        let parameters: Vec<_> =
            self.1.split('/').filter(|part| part.starts_with('{')).map(filled).collect();
        let call = Operation(self.0, self.1).at(app, &parameters).bearer(caller);
        let body = serde_json::from_str::<Value>(self.4);
        let answer = match &body {
            Ok(body) => call.json(body).send().await,
            Err(_) => call.send().await,
        };
        (answer.status.as_u16(), answer.code().to_owned())
    }
}

fn forbidden() -> (u16, String) {
    (403, "INSUFFICIENT_PERMISSIONS".to_owned())
}

#[tokio::test]
async fn the_rules_are_those_of_the_document() {
    let mut documented = BTreeSet::new();
    for (path, item) in document().await["paths"].as_object().unwrap() {
        for (verb, operation) in item.as_object().unwrap() {
            let verb = verb.to_uppercase();
            if path.starts_with("/admin/") && (verb.as_str(), path.as_str()) != BY_FIELD {
                let permission = operation["x-permission"].to_string();
                let is_fresh = operation["x-fresh-authentication"] == true;
                documented.insert((format!("{verb} {path}"), permission, is_fresh));
            }
        }
    }
    let rule = |rule: &Rule| (rule.name(), json!([rule.2]).to_string(), rule.3 == Fresh);
    assert_eq!(RULES.iter().map(rule).collect::<BTreeSet<_>>(), documented);
}

/// How often this caller was refused for want of this permission, and how many events were recorded in all.
async fn refusals(app: &App, caller: &Person, permission: &str) -> (i64, i64) {
    let records = app.records().await;
    let is_refusal = |record: &&AuditRow| {
        let (actor, about) = (record.actor.as_deref(), record.account_id.as_deref());
        let by_caller = actor == Some(&*caller.id) && about == Some(&*caller.id);
        by_caller && record.event == "admin_refused" && record.detail.as_deref() == Some(permission)
    };
    let refused = records.iter().filter(is_refusal).map(|record| record.count).sum();
    (refused, records.iter().map(|record| record.count).sum())
}

#[tokio::test]
async fn each_operation_is_open_to_its_permission_and_to_no_other() {
    let app = unlimited(&[]).await;
    let root = person(&app, "root", &["admin"]).await;
    let user = person(&app, "user", &[]).await;
    let permissions: BTreeSet<&str> =
        RULES.iter().map(|rule| rule.2).chain(["admin.users.suspend"]).collect();
    for permission in &permissions {
        let name = permission.replace('.', "_");
        let others: Vec<_> = permissions.iter().filter(|one| *one != permission).copied().collect();
        let without = person_who_may(&app, &root, &format!("not_{name}"), &others).await;
        let with = person_who_may(&app, &root, &name, &[*permission]).await;
        for (n, rule) in RULES.iter().enumerate().filter(|(_, rule)| rule.2 == *permission) {
            let target = make(&app, &format!("target{n}"), &[]).await;
            for caller in [&user, &without] {
                let before = refusals(&app, caller, permission).await;
                let refused = rule.call(&app, caller, &target).await;
                assert_eq!(refused, forbidden(), "{}", rule.name());
                let after = refusals(&app, caller, permission).await;
                assert_eq!(after, (before.0 + 1, before.1 + 1), "{}", rule.name());
            }
            let (status, _) = rule.call(&app, &with, &target).await;
            assert!(!matches!(status, 401 | 403 | 500..), "{}: {status}", rule.name());
        }
    }
}

#[tokio::test]
async fn what_cannot_be_undone_is_refused_15_minutes_after_the_last_proof() {
    let app = unlimited(&[("tokens.access", "2h")]).await;
    let root = person(&app, "root", &["admin"]).await;
    let fresh = || RULES.iter().enumerate().filter(|(_, rule)| rule.3 == Fresh);
    app.turn_clock(15 * MINUTE + std::time::Duration::from_millis(1));
    for (n, rule) in fresh() {
        let target = make(&app, &format!("target{n}"), &[]).await;
        let stale = rule.call(&app, &root, &target).await;
        assert_eq!(stale, (403, "REAUTHENTICATION_REQUIRED".to_owned()), "{}", rule.name());
    }
    let proof = json!({ "password": PASSWORD });
    app.post("/v1/auth/reauthenticate", &proof).bearer(&root).ok(200).await;
    for (n, rule) in fresh() {
        let target = make(&app, &format!("again{n}"), &[]).await;
        let (status, _) = rule.call(&app, &root, &target).await;
        assert!(!matches!(status, 401 | 403 | 500..), "{}: {status}", rule.name());
    }
}

/// What an administrator sees of the own account and its sessions.
async fn seen_by(app: &App, root: &Person) -> [Value; 2] {
    let path = format!("/v1/admin/users/{}", root.id);
    let get = async |path: &str| app.get(path).bearer(root).ok(200).await.body;
    [get(&path).await, get(&format!("{path}/sessions")).await]
}

#[tokio::test]
async fn an_account_with_more_rights_is_not_changed() {
    let app = unlimited(&[]).await;
    let root = person(&app, "root", &["admin"]).await;
    let helper = person_who_may(&app, &root, "helper", &["admin.users.write"]).await;
    let before = seen_by(&app, &root).await;
    let mut trail = Trail::begin(&app).await;
    for rule in RULES.iter().filter(|rule| rule.has_target() && rule.0 != "GET") {
        let refused = rule.call(&app, &helper, &root.id).await;
        assert_eq!(refused, forbidden(), "{}", rule.name());
    }
    assert_eq!((trail.left().await, app.mails().await.len()), (vec![], 0));
    assert_eq!(seen_by(&app, &root).await, before);
}

#[tokio::test]
async fn an_account_is_named_by_its_id_alone() {
    let app = unlimited(&[]).await;
    let root = person(&app, "root", &["admin"]).await;
    make(&app, "target", &[]).await;
    for rule in RULES.iter().filter(|rule| rule.has_target()) {
        for name in ["nobody", "target", "target@example.com", "1", "%00", "*"] {
            let unknown = rule.call(&app, &root, name).await;
            assert_eq!(unknown, (404, "USER_NOT_FOUND".to_owned()), "{}: {name}", rule.name());
        }
    }
}
