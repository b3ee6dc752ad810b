//! Account administration: lists, changes, rights, the last admin.

use std::time::Duration;

use serde_json::json;

use super::{call, delete, get, make, post, put, said, staff};
use crate::support::{PASSWORD, app, app_with, token_in};
use poem::http::Method;

#[tokio::test]
async fn accounts_are_listed_page_by_page_and_found_by_any_part_of_a_name() {
    let app = app().await;
    let (_, root) = staff(&app, "root", &["admin"]).await;
    for name in ["john", "johnny", "mary_j", "per-cent", "zoe"] {
        make(&app, name, &[]).await;
    }
    let page = get(&app, "/v1/admin/users?page=2&limit=2", &root).await;
    assert_eq!(
        page.body["data"]["pagination"],
        json!({ "page": 2, "limit": 2, "total": 6, "pages": 3 })
    );
    let fields: Vec<&String> = page.body["data"]["users"][0].as_object().unwrap().keys().collect();
    let documented = [
        "id",
        "email",
        "username",
        "firstName",
        "lastName",
        "status",
        "emailVerified",
        "lastLogin",
        "createdAt",
        "roles",
    ];
    assert_eq!(fields, documented);
    assert_eq!(page.body["data"]["users"][0]["username"], "johnny");

    for (query, names) in [
        ("search=JOHN", vec!["john", "johnny"]),
        ("search=johnny@example.com", vec!["johnny"]),
        ("search=%25", vec![]),
        ("search=_", vec!["mary_j"]),
        ("search=mary_", vec!["mary_j"]),
        ("search=mary%25", vec![]),
        ("search=ohn", vec!["john", "johnny"]),
        ("search=NNY@ex", vec!["johnny"]),
        ("search='%20or%201=1--", vec![]),
        ("search=given%20fam&limit=1", vec![]),
        ("text=given%20fam&search=zoe", vec!["zoe"]),
        ("text=given%20fam&limit=2&page=2", vec!["johnny", "mary_j"]),
        ("search=example.com&page=6&limit=1", vec!["zoe"]),
        ("status=active&search=zoe", vec!["zoe"]),
        ("status=suspended", vec![]),
        ("page=1000000000000&limit=100", vec![]),
    ] {
        let found = get(&app, &format!("/v1/admin/users?{query}"), &root).await;
        let users = found.body["data"]["users"]
            .as_array()
            .unwrap_or_else(|| panic!("{query}: {}", found.text));
        assert_eq!(
            users.iter().map(|user| user["username"].as_str().unwrap()).collect::<Vec<_>>(),
            names,
            "{query}"
        );
    }
}

#[tokio::test]
async fn a_list_of_accounts_with_a_bad_parameter_is_refused_by_its_name() {
    let app = app().await;
    let (_, root) = staff(&app, "root", &["admin"]).await;
    for query in [
        "page=0",
        "page=-1",
        "limit=0",
        "limit=101",
        "limit=1000",
        "page=x",
        "status=asleep",
        "search=%00",
    ] {
        let refused = get(&app, &format!("/v1/admin/users?{query}"), &root).await;
        assert_eq!(said(&refused), (400, "VALIDATION_ERROR"), "{query}: {}", refused.text);
        let field = query.split_once('=').unwrap().0;
        assert_eq!(refused.body["error"]["details"][0]["field"], field, "{query}");
    }
}

#[tokio::test]
async fn an_account_is_shown_with_its_security_fields_and_unlocked() {
    let app = app_with("perfect21", &[]).await;
    let (_, root) = staff(&app, "root", &["admin"]).await;
    let id = make(&app, "ada", &[]).await;
    for _ in 0..5 {
        let body = json!({ "username": "ada", "password": "wrong" });
        app.post("/v1/auth/login", &body).from("198.51.100.1").send().await;
    }
    let path = format!("/v1/admin/users/{id}");
    let shown = get(&app, &path, &root).await;
    let data = &shown.body["data"];
    let fields: Vec<&String> = data.as_object().unwrap().keys().collect();
    let documented = [
        "id",
        "email",
        "username",
        "firstName",
        "lastName",
        "phone",
        "status",
        "emailVerified",
        "phoneVerified",
        "lastLogin",
        "createdAt",
        "updatedAt",
        "roles",
        "permissions",
        "failedLoginAttempts",
        "lastFailedLogin",
        "accountLockedUntil",
        "version",
    ];
    assert_eq!(fields, documented);
    assert_eq!(
        (&data["failedLoginAttempts"], &data["permissions"]),
        (&json!(5), &json!(["users.read"]))
    );
    assert!(
        data["lastFailedLogin"].is_string() && data["accountLockedUntil"].is_string(),
        "{}",
        shown.text
    );
    assert_eq!(post(&app, &format!("{path}/unlock"), &root, json!({})).await.status, 200);
    let shown = get(&app, &path, &root).await;
    assert_eq!(shown.body["data"]["failedLoginAttempts"], 0);
    assert!(shown.body["data"]["accountLockedUntil"].is_null());
    assert_eq!(said(&get(&app, "/v1/admin/users/nobody", &root).await), (404, "USER_NOT_FOUND"));
    assert_eq!(
        said(&get(&app, "/v1/admin/users/ada", &root).await),
        (404, "USER_NOT_FOUND"),
        "an id, not a name"
    );
}

#[tokio::test]
async fn an_update_changes_what_is_documented_and_nothing_else() {
    let app = app().await;
    let (_, root) = staff(&app, "root", &["admin"]).await;
    let (id, token) = staff(&app, "ada", &[]).await;
    let path = format!("/v1/admin/users/{id}");
    let hostile = json!({
        "firstName": "Augusta", "id": "other", "email": "evil@example.com", "emailVerified": false, "number": 1,
        "passwordHash": "x", "password_hash": "x", "stamp": 99, "deletedAt": 1, "permissions": ["admin.roles"],
        "createdAt": "2001-01-01T00:00:00Z", "username": "evil",
    });
    let changed = put(&app, &path, &root, hostile).await;
    assert_eq!(changed.body["message"], "User updated successfully");
    let fields: Vec<&String> = changed.body["data"].as_object().unwrap().keys().collect();
    assert_eq!(
        fields,
        [
            "id",
            "email",
            "username",
            "firstName",
            "lastName",
            "status",
            "roles",
            "updatedAt",
            "version"
        ]
    );
    let shown = get(&app, &path, &root).await;
    let data = &shown.body["data"];
    assert_eq!(
        (&data["firstName"], &data["email"]),
        (&json!("Augusta"), &json!("ada@example.com"))
    );
    assert_eq!((&data["username"], &data["emailVerified"]), (&json!("ada"), &json!(true)));
    assert_eq!(data["permissions"], json!(["users.read"]));
    assert_eq!(app.login("ada", PASSWORD).await.status, 200);
    // In the other direction: no user can make themselves an administrator.
    let own = put(
        &app,
        "/v1/users/me",
        &token,
        json!({ "roles": ["admin"], "status": "active", "lastName": "L" }),
    )
    .await;
    assert_eq!(own.status, 200);
    assert_eq!(get(&app, "/v1/users/me", &token).await.body["data"]["roles"], json!(["user"]));
    for (body, field) in [
        (json!({ "status": "deleted" }), "status"),
        (json!({ "status": "asleep" }), "status"),
        (json!({ "roles": ["emperor"] }), "roles"),
        (json!({ "roles": "admin" }), "roles"),
        (json!({ "firstName": "x".repeat(101) }), "firstName"),
    ] {
        let refused = put(&app, &path, &root, body.clone()).await;
        assert_eq!(said(&refused), (400, "VALIDATION_ERROR"), "{body}");
        assert_eq!(refused.body["error"]["details"][0]["field"], field, "{body}");
    }
}

#[tokio::test]
async fn a_suspended_account_is_out_at_once_and_in_again_by_status() {
    let app = app().await;
    let (_, moderator) = staff(&app, "mo", &["moderator"]).await;
    let (id, token) = staff(&app, "ada", &[]).await;
    let path = format!("/v1/admin/users/{id}");
    let suspended = put(&app, &path, &moderator, json!({ "status": "suspended" })).await;
    assert_eq!(suspended.body["data"]["status"], "suspended", "{}", suspended.text);
    assert_eq!(said(&get(&app, "/v1/users/me", &token).await), (401, "TOKEN_REVOKED"));
    assert_eq!(said(&app.login("ada", PASSWORD).await), (403, "ACCOUNT_SUSPENDED"));
    let mixed =
        put(&app, &path, &moderator, json!({ "status": "active", "firstName": "No" })).await;
    assert_eq!(said(&mixed), (403, "INSUFFICIENT_PERMISSIONS"));
    assert_eq!(
        said(&app.login("ada", PASSWORD).await),
        (403, "ACCOUNT_SUSPENDED"),
        "half of it is not done either"
    );
    assert_eq!(put(&app, &path, &moderator, json!({ "status": "active" })).await.status, 200);
    assert_eq!(
        said(&get(&app, "/v1/users/me", &token).await),
        (401, "TOKEN_REVOKED"),
        "nothing is revived"
    );
    assert_eq!(app.login("ada", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn an_admin_who_is_demoted_in_mid_session_is_refused_at_once() {
    let app = app().await;
    let (_, root) = staff(&app, "root", &["admin"]).await;
    let (id, second) = staff(&app, "second", &["admin"]).await;
    assert_eq!(get(&app, "/v1/admin/users", &second).await.status, 200);
    assert_eq!(
        put(&app, &format!("/v1/admin/users/{id}"), &root, json!({ "roles": ["user"] }))
            .await
            .status,
        200
    );
    assert_eq!(
        said(&get(&app, "/v1/admin/users", &second).await),
        (403, "INSUFFICIENT_PERMISSIONS")
    );
    assert_eq!(get(&app, "/v1/users/me", &second).await.body["data"]["roles"], json!(["user"]));
}

#[tokio::test]
async fn the_last_admin_cannot_be_demoted_suspended_or_deleted() {
    let app = app().await;
    let (id, root) = staff(&app, "root", &["admin"]).await;
    let path = format!("/v1/admin/users/{id}");
    assert_eq!(
        said(&put(&app, &path, &root, json!({ "roles": ["user"] })).await),
        (409, "LAST_ADMIN")
    );
    assert_eq!(
        said(&put(&app, &path, &root, json!({ "status": "suspended" })).await),
        (409, "LAST_ADMIN")
    );
    assert_eq!(said(&delete(&app, &path, &root).await), (409, "LAST_ADMIN"));
    make(&app, "second", &["admin"]).await;
    assert_eq!(put(&app, &path, &root, json!({ "roles": ["user"] })).await.status, 200);
}

#[tokio::test]
async fn of_two_admins_who_demote_each_other_one_stays() {
    let app = app().await;
    let (a, first) = staff(&app, "first", &["admin"]).await;
    let (b, second) = staff(&app, "second", &["admin"]).await;
    let (path_a, path_b) = (format!("/v1/admin/users/{a}"), format!("/v1/admin/users/{b}"));
    let demote = json!({ "roles": ["user"] });
    let (one, other) = tokio::join!(
        call(&app, Method::PUT, &path_b, &first, Some(&demote)),
        call(&app, Method::PUT, &path_a, &second, Some(&demote))
    );
    let done = [one.status, other.status].iter().filter(|status| status.as_u16() == 200).count();
    assert_eq!(done, 1, "{} {}", one.text, other.text);
}

#[tokio::test]
async fn a_deleted_account_can_be_brought_back_within_thirty_days() {
    let app = app().await;
    let (_, root) = staff(&app, "root", &["admin"]).await;
    let (id, token) = staff(&app, "ada", &[]).await;
    let path = format!("/v1/admin/users/{id}");
    assert_eq!(delete(&app, &path, &root).await.body["message"], "User deleted successfully");
    assert_eq!(said(&get(&app, "/v1/users/me", &token).await), (401, "TOKEN_REVOKED"));
    assert_eq!(get(&app, &path, &root).await.body["data"]["status"], "deleted");
    assert_eq!(
        said(&put(&app, &path, &root, json!({ "firstName": "X" })).await),
        (404, "USER_NOT_FOUND")
    );
    assert_eq!(
        post(&app, &format!("{path}/restore"), &root, json!({})).await.body["data"]["status"],
        "active"
    );
    assert_eq!(
        said(&post(&app, &format!("{path}/restore"), &root, json!({})).await),
        (404, "USER_NOT_FOUND")
    );
    assert_eq!(app.login("ada", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn a_search_that_fits_tens_of_thousands_says_that_it_shows_the_first() {
    let app = app().await;
    let (_, root) = staff(&app, "root", &["admin"]).await;
    let many = "with recursive n(i) as (select 1000 union all select i + 1 from n where i < 40999)
        insert into accounts (id, number, handle, email, email_key, credential_version, created_at, updated_at)
        select 'id' || i, i, randomblob(32), 'p' || i, 'p' || i, 0, 0, 0 from n";
    assert_eq!(app.database().tamper(many), 40_000);
    let searched = async |query: &str| {
        let found = get(&app, &format!("/v1/admin/users?search={query}&limit=100"), &root).await;
        (
            found.body["data"]["pagination"].clone(),
            found.body["data"]["users"].as_array().unwrap().len(),
        )
    };
    let (wide, first) = searched("p").await;
    assert_eq!((wide["more"].as_bool(), first), (Some(true), 100));
    let total = wide["total"].as_i64().unwrap();
    assert_eq!(total, 10_000, "{wide}");
    assert_eq!(wide["pages"].as_i64(), Some((total + 99) / 100));
    let last = searched(&format!("p&page={}", wide["pages"])).await.1;
    assert_eq!(i64::try_from(last).unwrap(), (total - 1) % 100 + 1);
    let (narrow, shown) = searched("p200").await;
    assert_eq!((&narrow["total"], &narrow["more"], shown), (&json!(110), &json!(null), 100));
    assert_eq!(searched("p&page=19").await.0["more"], true);
}

#[tokio::test]
async fn what_cannot_be_undone_needs_a_fresh_proof() {
    let app = app_with("standard", &[("tokens.access", "1h")]).await;
    let (_, root) = staff(&app, "root", &["admin"]).await;
    let id = make(&app, "ada", &[]).await;
    app.turn_clock(Duration::from_mins(16));
    let path = format!("/v1/admin/users/{id}");
    assert_eq!(said(&delete(&app, &path, &root).await), (403, "REAUTHENTICATION_REQUIRED"));
    assert_eq!(get(&app, &path, &root).await.status, 200);
    let proof = post(&app, "/v1/auth/reauthenticate", &root, json!({ "password": PASSWORD })).await;
    assert_eq!(proof.status, 200, "{}", proof.text);
    assert_eq!(delete(&app, &path, &root).await.status, 200);
}

#[tokio::test]
async fn administrators_are_let_in_only_from_their_networks() {
    let networks = [("admin.networks", "198.51.100.0/24")];
    let app = app_with("standard", &networks).await;
    let (_, root) = staff(&app, "root", &["admin"]).await;
    let from =
        |address: &'static str| app.get("/v1/admin/users").bearer(&root).from(address).send();
    assert_eq!(said(&from("192.0.2.1").await), (403, "INSUFFICIENT_PERMISSIONS"));
    assert_eq!(from("198.51.100.7").await.status, 200);
    let app = app.restart("standard", &[("admin.networks", "loopback")]).await;
    let from = |address: &'static str| app.get("/v1/admin/users").bearer(&root).from(address);
    assert_eq!(from("127.0.0.1").send().await.status, 200);
    assert_eq!(from("192.0.2.1").send().await.status, 403);
    assert_eq!(from("127.0.0.1").header("x-forwarded-for", "127.0.0.1").send().await.status, 403);
}

#[tokio::test]
async fn no_caller_makes_or_grants_a_role_with_more_permissions_than_their_own() {
    let app = app().await;
    let (_, root) = staff(&app, "root", &["admin"]).await;
    let made = post(
        &app,
        "/v1/admin/roles",
        &root,
        json!({ "name": "hr", "permissions": ["admin.roles", "admin.users.read"] }),
    )
    .await;
    assert_eq!(made.status, 201, "{}", made.text);
    let (id, hr) = staff(&app, "hera", &["hr"]).await;
    let escalate = json!({ "name": "more", "permissions": ["admin.users.write"] });
    assert_eq!(
        said(&post(&app, "/v1/admin/roles", &hr, escalate).await),
        (403, "INSUFFICIENT_PERMISSIONS")
    );
    let grow = json!({ "permissions": ["admin.roles", "admin.users.write"] });
    assert_eq!(
        said(&put(&app, "/v1/admin/roles/hr", &hr, grow).await),
        (403, "INSUFFICIENT_PERMISSIONS")
    );
    let own =
        put(&app, &format!("/v1/admin/users/{id}"), &hr, json!({ "roles": ["user", "admin"] }))
            .await;
    assert_eq!(said(&own), (403, "INSUFFICIENT_PERMISSIONS"));
    let target = make(&app, "ada", &[]).await;
    assert_eq!(
        put(&app, &format!("/v1/admin/users/{target}"), &hr, json!({ "roles": ["user", "hr"] }))
            .await
            .status,
        200
    );

    // A changed role takes effect with the next request.
    let wider = json!({ "permissions": ["admin.roles", "admin.users.read", "admin.stats"] });
    assert_eq!(said(&get(&app, "/v1/admin/stats", &hr).await), (403, "INSUFFICIENT_PERMISSIONS"));
    assert_eq!(put(&app, "/v1/admin/roles/hr", &root, wider).await.status, 200);
    assert_eq!(get(&app, "/v1/admin/stats", &hr).await.status, 200);
    assert_eq!(delete(&app, "/v1/admin/roles/hr", &root).await.status, 200);
    assert_eq!(said(&get(&app, "/v1/admin/stats", &hr).await), (403, "INSUFFICIENT_PERMISSIONS"));
}

#[tokio::test]
async fn built_in_roles_stay_and_names_are_checked() {
    let app = app().await;
    let (_, root) = staff(&app, "root", &["admin"]).await;
    for (answer, expected) in [
        (delete(&app, "/v1/admin/roles/moderator", &root).await, (400, "VALIDATION_ERROR")),
        (
            put(&app, "/v1/admin/roles/user", &root, json!({ "permissions": [] })).await,
            (400, "VALIDATION_ERROR"),
        ),
        (
            post(&app, "/v1/admin/roles", &root, json!({ "name": "A b", "permissions": [] })).await,
            (400, "VALIDATION_ERROR"),
        ),
        (
            post(
                &app,
                "/v1/admin/roles",
                &root,
                json!({ "name": "a", "permissions": ["admin.everything"] }),
            )
            .await,
            (400, "VALIDATION_ERROR"),
        ),
        (
            post(&app, "/v1/admin/roles", &root, json!({ "name": "user", "permissions": [] }))
                .await,
            (409, "ALREADY_EXISTS"),
        ),
        (delete(&app, "/v1/admin/roles/nothing", &root).await, (404, "NOT_FOUND")),
    ] {
        assert_eq!(said(&answer), expected, "{}", answer.text);
    }
    let own = post(
        &app,
        "/v1/admin/roles",
        &root,
        json!({ "name": "editor", "permissions": ["posts.write"] }),
    )
    .await;
    assert_eq!(own.body["data"]["permissions"], json!(["posts.write"]), "{}", own.text);
}

#[tokio::test]
async fn an_administrator_makes_an_account_under_the_same_rules() {
    let app = app().await;
    let (_, root) = staff(&app, "root", &["admin"]).await;
    let body = json!({ "email": "ada@example.com", "password": PASSWORD, "emailVerified": true, "roles": ["moderator"] });
    let made = post(&app, "/v1/admin/users", &root, body.clone()).await;
    assert_eq!(made.status, 201, "{}", made.text);
    assert_eq!(made.body["data"]["roles"], json!(["user", "moderator"]));
    assert_eq!(app.login("ada", PASSWORD).await.status, 200);
    assert_eq!(said(&post(&app, "/v1/admin/users", &root, body).await), (409, "EMAIL_EXISTS"));
    let weak = json!({ "email": "bob@example.com", "password": "password1234" });
    let refused = post(&app, "/v1/admin/users", &root, weak).await;
    assert_eq!(
        refused.body["error"]["details"][0]["code"], "INVALID_PASSWORD_STRENGTH",
        "{}",
        refused.text
    );
    let reset = made.body["data"]["id"].as_str().unwrap();
    app.mails().await;
    assert_eq!(
        post(&app, &format!("/v1/admin/users/{reset}/reset-password"), &root, json!({}))
            .await
            .status,
        200
    );
    assert!(app.mails().await.iter().any(|mail| mail.text.contains("reset-password?token=")));
}

#[tokio::test]
async fn an_administrator_cannot_assign_an_address_reserved_for_its_previous_owner() {
    let app = app().await;
    let (_, root) = staff(&app, "root", &["admin"]).await;
    let (_, ada) = staff(&app, "ada", &[]).await;
    post(&app, "/v1/users/me/email", &ada, json!({ "newEmail": "new@example.org" })).await;
    let mails = app.mails().await;
    let link = |path| json!({ "token": token_in(&mails, path) });
    let confirmed =
        app.post("/v1/auth/confirm-email", &link("/v1/confirm-email?token=")).send().await;
    assert_eq!(confirmed.status, 200, "{}", confirmed.text);
    let body = json!({ "email": "ada@example.com", "password": PASSWORD, "emailVerified": true });
    assert_eq!(
        said(&post(&app, "/v1/admin/users", &root, body.clone()).await),
        (409, "EMAIL_EXISTS")
    );
    let undone = app.post("/v1/auth/undo-email", &link("/v1/undo-email?token=")).send().await;
    assert_eq!(undone.status, 200, "{}", undone.text);
    assert_eq!(
        said(&post(&app, "/v1/admin/users", &root, body).await),
        (409, "EMAIL_EXISTS"),
        "it is ada's again"
    );
}

#[tokio::test]
async fn an_administrator_sets_a_quota_and_rotates_the_keys() {
    let app = app().await;
    let (_, root) = staff(&app, "root", &["admin"]).await;
    let (id, ada) = staff(&app, "ada", &[]).await;
    let path = format!("/v1/admin/users/{id}/quota");
    let set = put(&app, &path, &root, json!({ "limit": 3, "filesUploaded": 1 })).await;
    let expected = json!({ "filesUploaded": 1, "limit": 3, "remaining": 2, "percentage": 33 });
    assert_eq!(set.body["data"], expected, "{}", set.text);
    assert_eq!(
        said(&put(&app, &path, &root, json!({ "limit": -1 })).await),
        (400, "VALIDATION_ERROR")
    );
    assert_eq!(
        said(&put(&app, "/v1/admin/users/nobody/quota", &root, json!({})).await),
        (404, "USER_NOT_FOUND")
    );

    let rotated = post(&app, "/v1/admin/keys/rotate", &root, json!({ "mode": "now" })).await;
    let mut uses: Vec<&str> = rotated.body["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["usedFor"].as_str().unwrap())
        .collect();
    uses.sort_unstable();
    assert_eq!(uses, ["signing", "verifying"], "{}", rotated.text);
    assert_eq!(get(&app, "/v1/users/me", &ada).await.status, 200, "the old key's tokens live on");
    post(&app, "/v1/admin/keys/rotate", &root, json!({ "mode": "revoke" })).await;
    assert_eq!(get(&app, "/v1/users/me", &ada).await.status, 401);
}

#[tokio::test]
async fn of_parallel_grants_and_withdrawals_none_is_lost() {
    let app = app().await;
    let by = authd::identity::By::command_line();
    let words =
        |range: std::ops::Range<u32>| range.map(|n| format!("support.p{n}")).collect::<Vec<_>>();
    let made = authd::identity::admin::roles::create(&app.core, &by, "support", words(0..10))
        .await
        .unwrap();
    assert_eq!(made.permissions.len(), 10);
    let grant =
        |n| authd::identity::admin::roles::grant(&app.core, &by, "support", words(n..n + 1));
    let withdraw =
        |n| authd::identity::admin::roles::withdraw(&app.core, &by, "support", words(n..n + 1));
    let (granted, withdrawn) = tokio::join!(
        futures_util::future::join_all((10..20).map(grant)),
        futures_util::future::join_all((0..10).map(withdraw)),
    );
    assert!(granted.iter().chain(&withdrawn).all(Result::is_ok));
    let roles = authd::identity::admin::roles::list(&app.core).await.unwrap();
    let support = roles.into_iter().find(|role| role.name == "support").unwrap();
    assert_eq!(support.permissions, words(10..20));
}

#[tokio::test]
async fn several_roles_are_given_and_taken_together_or_not_at_all() {
    use authd::identity::admin::accounts::{RoleChange, change_roles};
    let app = app().await;
    let by = authd::identity::By::command_line();
    make(&app, "root", &["admin"]).await;
    let wanted =
        vec![(RoleChange::Give, "moderator".to_owned()), (RoleChange::Take, "admin".to_owned())];
    let refused = change_roles(&app.core, &by, "root@example.com", wanted).await.unwrap_err();
    assert_eq!(refused.kind(), authd::error::Kind::LastAdmin);
    let root = authd::identity::admin::accounts::find(&app.core, "root@example.com").await.unwrap();
    assert_eq!(root.roles, ["user", "admin"]);
}
