//! Per administrative operation: its errors other than missing permissions, and example requests
//! and responses.

use serde_json::{Value, json};

use super::super::examples::{EMAIL, ID, done};
use crate::error::Kind;
use crate::http::docs::openapi::Described;

/// All administrative operations.
pub fn operations() -> Vec<Described> {
    let mut all = users();
    all.extend(sessions());
    all.extend(roles());
    all.extend(records());
    all.extend(apps());
    all.extend(providers());
    all.extend(searches());
    all.extend(instance());
    all
}

/// What concerns the whole server.
fn instance() -> Vec<Described> {
    let answer = |data: Value| json!({ "success": true, "data": data });
    let settings = json!({
        "settings": [{
            "key": "tokens.access", "value": "10m", "origin": "authd.toml line 3",
            "about": "How long access tokens are valid.", "allowed": "a duration like 90s or 15m",
        }],
        "findings": [{
            "level": "hint", "key": "log.format", "message": "log lines are plain text",
            "remedy": "set \"json\" if a program collects them",
        }],
    });
    let limits = json!([{
        "name": "sign_in", "key": "limits.sign_in", "allows": "30 in 1m",
        "refused": { "hour": 3, "day": 12, "month": 40 },
    }]);
    let locks = json!([{
        "userId": ID, "email": EMAIL, "username": "johndoe", "lock": ["locked_out"],
        "until": "2023-12-01T11:00:00Z",
    }]);
    let file = "authd-20231201T103000Z.db";
    let work = json!({ "task": "make", "name": file, "since": "2023-12-01T10:30:00Z", "stage": "copying", "done": 1, "total": 4 });
    let backups = json!({
        "folder": "/backup", "problem": null,
        "backups": [{
            "name": file, "size": 417_792, "madeAt": "2023-12-01T10:30:00Z", "maker": "schedule",
            "encrypted": false,
        }],
    });
    vec![
        Described::new("listSettings", &[], answer(settings)),
        Described::new("listLimits", &[], answer(limits)),
        Described::new("listLocks", &[], answer(locks)),
        Described::new(
            "listLetters",
            &[],
            answer(json!({ "letters": ["verify_email"], "languages": ["de", "en"] })),
        ),
        Described::new(
            "previewLetter",
            &[Kind::NotFound, Kind::Validation],
            answer(json!({ "subject": "Verify your email address", "text": "…", "html": "…" })),
        ),
        Described::new(
            "testMail",
            &[Kind::Conflict],
            answer(json!({
                "sent": false,
                "steps": [{ "name": "connect", "ok": false, "answer": "connection refused" }],
                "remedy": "check host and port of mail.smtp_url",
            })),
        )
        .taking("test", json!({ "to": EMAIL })),
        Described::new("listBackups", &[], answer(backups)),
        Described::new("createBackup", &[Kind::Conflict], answer(work.clone())),
        Described::new("verifyBackup", &[Kind::NotFound, Kind::Conflict], answer(work)),
        Described::new("downloadBackup", &[Kind::NotFound, Kind::Conflict], Value::Null),
    ]
}

fn users() -> Vec<Described> {
    let target = [Kind::AccountNotFound];
    let changed = || json!({ "success": true, "message": "User updated successfully", "data": changed_user() });
    vec![
        Described::new("listUsers", &[Kind::Validation], users_answer()),
        Described::new(
            "createUser",
            &[Kind::EmailTaken, Kind::UsernameTaken],
            json!({ "success": true, "message": "User created successfully", "data": listed_user() }),
        )
        .taking(
            "account",
            json!({ "email": EMAIL, "username": "johndoe", "password": "SecurePass123!", "emailVerified": true }),
        ),
        Described::new("getUser", &target, user_answer()),
        Described::new("updateUser", &[Kind::AccountNotFound, Kind::LastAdmin], changed()).taking(
            "changes",
            json!({ "firstName": "John", "lastName": "Smith", "status": "active", "roles": ["user", "moderator"] }),
        ),
        Described::new("deleteUser", &[Kind::AccountNotFound, Kind::LastAdmin], done("User deleted successfully")),
        Described::new(
            "setUserQuota",
            &target,
            json!({
                "success": true, "message": "Quota updated successfully",
                "data": { "filesUploaded": 4, "limit": 10, "remaining": 6, "percentage": 40 },
            }),
        )
        .taking("quota", json!({ "limit": 10 })),
        Described::new("explainUserLogin", &target, login_check()),
        Described::new("restoreUser", &target, changed()),
        Described::new("unlockUser", &target, changed()),
        Described::new("verifyUser", &target, changed()),
        Described::new("resetUserPassword", &[Kind::AccountNotFound, Kind::Conflict], done("Password reset email sent")),
        Described::new("resetUserMfa", &target, done("MFA devices removed")),
        Described::new("listUserSessions", &target, sessions_answer()),
        Described::new("endUserSessions", &target, done("Sessions terminated successfully")),
        Described::new(
            "endUserSession",
            &[Kind::AccountNotFound, Kind::SessionNotFound],
            done("Session terminated successfully"),
        ),
    ]
}

fn sessions() -> Vec<Described> {
    vec![
        Described::new("listSessions", &[], sessions_answer()),
        Described::new(
            "endSession",
            &[Kind::SessionNotFound],
            done("Session terminated successfully"),
        ),
        Described::new("endOtherSessions", &[], done("All other sessions terminated successfully")),
        Described::new("listOwnAudit", &[Kind::Validation], audit_answer()),
    ]
}

fn roles() -> Vec<Described> {
    let role = || {
        json!({
            "name": "support", "permissions": ["admin.users.read"], "builtIn": false, "members": 2,
            "createdAt": "2023-11-01T09:00:00Z",
        })
    };
    let answer = |data: Value| json!({ "success": true, "data": data });
    vec![
        Described::new("listRoles", &[], answer(json!([role()]))),
        Described::new("createRole", &[Kind::AlreadyExists], answer(role()))
            .taking("role", json!({ "name": "support", "permissions": ["admin.users.read"] })),
        Described::new("updateRole", &[Kind::NotFound], answer(role()))
            .taking("permissions", json!({ "permissions": ["admin.users.read", "admin.audit"] })),
        Described::new(
            "deleteRole",
            &[Kind::NotFound, Kind::Validation],
            done("Role deleted successfully"),
        ),
    ]
}

fn records() -> Vec<Described> {
    let letter = || {
        json!({
            "id": ID, "kind": "verify_email", "accountId": ID, "recipient": EMAIL, "state": "waiting", "attempts": 1,
            "nextAt": "2023-12-01T10:35:00Z", "lastError": null, "createdAt": "2023-12-01T10:30:00Z",
            "finishedAt": null,
        })
    };
    let totals = json!({
        "totalUsers": 150, "verifiedUsers": 145, "suspendedUsers": 1, "deletedUsers": 2, "totalLogins": 1250,
        "activeSessions": 45,
    });
    let logins = json!({
        "dailyLogins": [{ "date": "2025-09-29", "count": 45 }],
        "monthlyLogins": [{ "month": "2025-09", "count": 1250 }],
    });
    let activity = json!({
        "periods": ["2025-09-29T00:00:00Z"], "series": [{ "name": "logins", "counts": [45] }],
    });
    let answer = |data: Value| json!({ "success": true, "data": data });
    vec![
        Described::new("listAudit", &[Kind::Validation], audit_answer()),
        Described::new("exportAudit", &[Kind::Validation], Value::Null),
        Described::new(
            "listMail",
            &[Kind::Validation],
            answer(json!({ "letters": [letter()], "next": null })),
        ),
        Described::new(
            "retryMail",
            &[Kind::NotFound, Kind::Validation],
            json!({ "success": true, "message": "The message will be retried", "data": letter() }),
        ),
        Described::new("getStats", &[], answer(totals)),
        Described::new("getLoginAnalytics", &[], answer(logins)),
        Described::new("getActivity", &[Kind::Validation], answer(activity)),
    ]
}

fn apps() -> Vec<Described> {
    let app = json!({
        "id": ID, "name": "Website", "kind": "client", "createdAt": "2023-12-01T10:30:00Z",
        "rotatedAt": "2023-12-01T10:30:00Z",
    });
    let keys = json!({
        "success": true,
        "data": [{
            "id": "3fQb7x", "algorithm": "ES256", "usedFor": "signing", "createdAt": "2023-12-01T10:30:00Z",
            "signsFrom": "2023-12-01T10:30:00Z", "verifiesUntil": null,
        }],
    });
    let mut with_key = app.clone();
    with_key["key"] = "sk_Zm9yIGV4YW1wbGUgb25seSwgbm8ga2V5IG9mIG91cnM".into();
    let shown =
        json!({ "success": true, "message": "The key is shown only once", "data": with_key });
    vec![
        Described::new("listKeys", &[], keys.clone()),
        Described::new("rotateKeys", &[], keys).taking("scheduled", json!({ "mode": "scheduled" })),
        Described::new("listApps", &[], json!({ "success": true, "data": [app] })),
        Described::new("createApp", &[], shown.clone())
            .taking("app", json!({ "name": "Website", "kind": "client" })),
        Described::new("rotateApp", &[Kind::NotFound], shown),
        Described::new("deleteApp", &[Kind::NotFound], done("App deleted successfully")),
    ]
}

fn providers() -> Vec<Described> {
    let provider = json!({
        "name": "google", "origin": "database", "inForce": true, "problem": null,
        "redirectAddress": "https://auth.example.com/sign-in/provider/google/callback",
        "preset": "google", "label": "Google", "issuer": "https://accounts.google.com",
        "clientId": "1234.apps.googleusercontent.com", "hasKey": true, "tenant": null, "teamId": null,
        "keyId": null, "scopes": [], "redirectUris": [], "audiences": [], "provedBy": "email_verified",
        "trustedAcr": [], "createdAt": "2023-12-01T10:30:00Z", "updatedAt": "2023-12-01T10:30:00Z",
    });
    let answer = |data: Value| json!({ "success": true, "data": data });
    let step = json!({ "name": "keys", "ok": true, "answer": "2 keys that can check ID tokens" });
    vec![
        Described::new("listProviderSettings", &[], answer(json!([provider]))),
        Described::new("getProvider", &[Kind::NotFound], answer(provider.clone())),
        Described::new(
            "createProvider",
            &[Kind::AlreadyExists, Kind::Conflict],
            answer(provider.clone()),
        )
        .taking("google", json!({ "clientId": "1234", "clientSecret": "GOCSPX-1" })),
        Described::new("updateProvider", &[Kind::NotFound, Kind::Conflict], answer(provider))
            .taking("label", json!({ "label": "Google" })),
        Described::new(
            "deleteProvider",
            &[Kind::NotFound, Kind::Conflict],
            done("Provider removed successfully"),
        ),
        Described::new("testProvider", &[Kind::NotFound], answer(json!([step]))),
    ]
}

fn searches() -> Vec<Described> {
    let search = || json!({ "name": "Not verified", "query": "state=pending&sort=-created", "createdAt": "2023-11-01T09:00:00Z" });
    let answer = |data: Value| json!({ "success": true, "data": data });
    vec![
        Described::new("listSearches", &[], answer(json!([search()]))),
        Described::new("saveSearch", &[Kind::Validation], answer(search())).taking(
            "search",
            json!({ "name": "Not verified", "query": "state=pending&sort=-created" }),
        ),
        Described::new(
            "listFindings",
            &[],
            answer(json!([{
                "level": "warning", "key": "backup", "message": "no backup was ever made of this database",
                "remedy": "run authd backup FILE, or set backup.every and backup.to",
            }])),
        ),
        Described::new("removeSearch", &[Kind::NotFound], done("Search removed")),
    ]
}

fn listed_user() -> Value {
    json!({
        "id": ID, "email": EMAIL, "username": "johndoe", "firstName": "John", "lastName": "Doe", "status": "active",
        "emailVerified": true, "lastLogin": "2023-12-01T10:30:00Z", "createdAt": "2023-11-01T09:00:00Z",
        "roles": ["user"],
    })
}

fn users_answer() -> Value {
    let pagination = json!({ "page": 1, "limit": 20, "total": 150, "pages": 8 });
    json!({ "success": true, "data": { "users": [listed_user()], "pagination": pagination } })
}

fn user_answer() -> Value {
    json!({
        "success": true,
        "data": {
            "id": ID, "email": EMAIL, "username": "johndoe", "firstName": "John", "lastName": "Doe",
            "phone": "+1234567890", "status": "active", "emailVerified": true, "phoneVerified": false,
            "lastLogin": "2023-12-01T10:30:00Z", "createdAt": "2023-11-01T09:00:00Z",
            "updatedAt": "2023-12-01T10:30:00Z", "roles": ["user"], "permissions": ["users.read"],
            "failedLoginAttempts": 0, "lastFailedLogin": null, "accountLockedUntil": null,
            "version": "Jd1o3cCjZ7hWm0Qv",
        },
    })
}

fn login_check() -> Value {
    json!({
        "success": true,
        "data": {
            "methods": {
                "password": true, "passkeys": 0, "securityKeys": 0, "mfa": ["totp"], "backupCodes": 8,
                "providers": [], "mailedCodes": false,
            },
            "obstacles": [{
                "code": "client_waits", "since": null, "until": "2023-12-01T10:45:00Z",
                "ipAddress": "192.0.2.1", "detail": null, "count": 1,
            }],
        },
    })
}

fn changed_user() -> Value {
    json!({
        "id": ID, "email": EMAIL, "username": "johndoe", "firstName": "John", "lastName": "Smith", "status": "active",
        "roles": ["user", "moderator"], "updatedAt": "2023-12-01T10:40:00Z",
        "version": "o4kzPq1mT0x-8WbL",
    })
}

fn sessions_answer() -> Value {
    json!({
        "success": true,
        "data": [{
            "id": "session-uuid-1",
            "deviceInfo": { "browser": "Chrome", "os": "Windows", "device": "Desktop", "label": "Chrome on Windows" },
            "ipAddress": "192.168.1.100",
            "location": { "country": "US", "city": "New York" },
            "lastActivity": "2023-12-01T10:30:00Z",
            "createdAt": "2023-12-01T09:00:00Z",
            "isCurrent": true,
        }],
    })
}

fn audit_answer() -> Value {
    json!({
        "success": true,
        "data": {
            "records": [{
                "id": ID, "at": "2023-12-01T10:30:00.000Z", "event": "login", "outcome": "done", "accountId": ID,
                "sessionId": "session-uuid-1", "actor": ID, "ipAddress": "192.0.2.1", "userAgent": "Mozilla/5.0 ...",
                "requestId": "req-uuid-for-tracking", "detail": null, "count": 1,
            }],
            "next": null,
        },
    })
}
