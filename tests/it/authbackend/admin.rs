//! Administrators: the accounts by number, their changes, and the figures.

use super::*;

#[tokio::test]
async fn administrators_see_and_change_accounts_by_their_numbers() {
    let stage = Stage::set().await;
    let token = stage.administrate().await;
    let other = json!({ "email": "other@example.com", "firstName": "Jane", "lastName": "Roe", "password": PASSWORD });
    assert_eq!(stage.post("signup", &other).send().await.body["data"]["userId"], 2);

    let shown = stage.get("/api/admin/users/2", &token).await;
    let user = json!({
        "id": 2, "email": "other@example.com", "firstName": "Jane", "lastName": "Roe", "role": "user",
        "isEmailVerified": false, "createdAt": seconds_text(START),
    });
    assert_eq!(shown.body, json!({ "success": true, "data": { "user": user } }));
    let listed = stage.get("/api/admin/users", &token).await;
    assert_eq!(listed.body["data"]["users"].as_array().unwrap().len(), 2);
    assert_eq!(listed.body["data"]["users"][1], user);
    let paged = stage.get("/api/admin/users?page=2&limit=1", &token).await;
    assert_eq!(paged.body["data"]["users"], json!([user]));
    assert_eq!(stage.get("/api/admin/users?limit=0", &token).await.status, 400);

    let put = |path: &str, body: &Value| {
        stage.app.put(&format!("/api/admin/users/{path}"), body).bearer(&token)
    };
    let promoted = put("2/role", &json!({ "role": "moderator" })).send().await;
    assert_eq!(promoted.body, done("User role updated successfully"));
    assert_eq!(
        stage.get("/api/admin/users/2", &token).await.body["data"]["user"]["role"],
        "moderator"
    );
    let unknown = put("2/role", &json!({ "role": "emperor" })).send().await;
    assert_eq!(
        (unknown.status.as_u16(), &unknown.body["errors"][0]["field"]),
        (400, &json!("role"))
    );
    let last = put("1/role", &json!({ "role": "user" })).send().await;
    assert_eq!((refusal(&last).0, refusal(&last).1), (403, "AUTHORIZATION_ERROR".to_owned()));

    let lock = || stage.app.call(Method::PUT, "/api/admin/users/2/lock").bearer(&token);
    let login =
        || stage.post("login", &json!({ "email": "other@example.com", "password": PASSWORD }));
    assert_eq!(lock().send().await.body, done("User lock status updated"));
    assert_eq!(
        refusal(&login().send().await),
        refused(403, "AUTHORIZATION_ERROR", "Account is locked")
    );
    assert_eq!(lock().send().await.body, done("User lock status updated"));
    assert_eq!(refusal(&login().send().await).0, 401);

    let delete = || stage.app.call(Method::DELETE, "/api/admin/users/2").bearer(&token);
    assert_eq!(delete().send().await.body, done("User deleted successfully"));
    assert_eq!(refusal(&delete().send().await), refused(404, "NOT_FOUND", "User not found"));
    assert_eq!(stage.get("/api/admin/users/x", &token).await.status, 404);
}

#[tokio::test]
async fn figures_count_completed_logins_and_only_administrators_see_them() {
    let stage = Stage::set().await;
    let token = stage.administrate().await;
    let stats = stage.get("/api/admin/stats", &token).await;
    let figures =
        json!({ "totalUsers": 1, "verifiedUsers": 1, "totalLogins": 1, "activeSessions": 1 });
    assert_eq!(stats.body, json!({ "success": true, "data": figures }));
    let logins = stage.get("/api/admin/analytics/logins", &token).await;
    let data = &logins.body["data"];
    let (daily, monthly) =
        (data["dailyLogins"].as_array().unwrap(), data["monthlyLogins"].as_array().unwrap());
    assert_eq!((daily.len(), monthly.len()), (30, 12));
    let today = seconds_text(START);
    assert_eq!(daily[29], json!({ "date": today[..10], "count": 1 }));
    assert_eq!(monthly[11], json!({ "month": today[..7], "count": 1 }));
    assert_eq!(daily[28]["count"], 0);

    let other = json!({ "email": "other@example.com", "password": PASSWORD });
    stage.post("signup", &other).send().await;
    accounts::change_role(&stage.app.core, &By::command_line(), EMAIL, "user", RoleChange::Give)
        .await
        .unwrap();
    accounts::verify(&stage.app.core, &By::command_line(), "other@example.com").await.unwrap();
    accounts::change_role(
        &stage.app.core,
        &By::command_line(),
        "other@example.com",
        "admin",
        RoleChange::Give,
    )
    .await
    .unwrap();
    accounts::change_role(&stage.app.core, &By::command_line(), EMAIL, "admin", RoleChange::Take)
        .await
        .unwrap();
    let stats = stage.get("/api/admin/stats", &token).await;
    assert_eq!(refusal(&stats), refused(403, "AUTHORIZATION_ERROR", "Insufficient permissions"));
}
