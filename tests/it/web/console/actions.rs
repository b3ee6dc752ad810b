//! What administrators do with accounts on the pages of the console.

use authd::identity::admin::accounts;

use super::{administrator, of};
use crate::admin::make;
use crate::support::{PASSWORD, app, token_in};
use crate::v1::fixture::person;

#[tokio::test]
async fn a_suspension_has_its_reason_in_the_record_and_can_be_taken_back() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    let mut root = administrator(&app, "root", &["admin"]).await;
    root.open(&of(&ada.id, "")).await;
    root.sees("<span class=\"tag good\">active</span>");
    root.open(&of(&ada.id, "/suspend")).await;
    root.submit(&of(&ada.id, "/suspend"), &[("reason", " Sold\tspam ")]).await;
    assert_eq!(root.path, of(&ada.id, ""));
    root.sees("The account is suspended, and its sessions have ended.");
    root.sees(&format!("<a href=\"{}\">Undo</a>", of(&ada.id, "/reinstate")));
    root.sees("Reason: Sold spam");
    let suspended = app.records().await.into_iter().rfind(|record| record.event == "suspended");
    assert_eq!(suspended.unwrap().reason.as_deref(), Some("Sold spam"));
    app.login("ada", PASSWORD).await.refused(403, "ACCOUNT_SUSPENDED");
    root.open(&of(&ada.id, "/reinstate")).await;
    root.submit(&of(&ada.id, "/reinstate"), &[]).await;
    root.sees("The suspension is lifted.");
    let access = app.login("ada", PASSWORD).await.tokens().access;
    let own = app.get("/v1/users/me/audit").bearer(&access).ok(200).await;
    assert!(own.text.contains("suspended") && !own.text.contains("spam"), "{}", own.text);
}

#[tokio::test]
async fn the_second_administrator_at_an_account_learns_what_the_first_one_changed() {
    let app = app().await;
    let ada = make(&app, "ada", &[]).await;
    let mut first = administrator(&app, "first", &["admin"]).await;
    let mut second = administrator(&app, "second", &["admin"]).await;
    let path = of(&ada, "/profile");
    first.open(&path).await;
    second.open(&path).await;
    first.submit(&path, &[("first_name", "Ada"), ("last_name", "Byron")]).await;
    first.sees("Saved.");
    second.submit(&path, &[("first_name", "Augusta"), ("last_name", "King")]).await;
    assert_eq!(second.page.status, 400);
    second.sees("The account has changed since you opened this page, so nothing was done.");
    second.sees("Account changed by first@example.com");
    second.sees("value=\"King\"");
    let name = accounts::find(&app.core, &ada).await.unwrap().account.full_name();
    assert_eq!(name.as_deref(), Some("Ada Byron"));
    second.submit(&path, &[("first_name", "Augusta"), ("last_name", "King")]).await;
    second.sees("Saved.");
    let name = accounts::find(&app.core, &ada).await.unwrap().account.full_name();
    assert_eq!(name.as_deref(), Some("Augusta King"), "looked at and done again");
}

#[tokio::test]
async fn a_deletion_is_typed_and_can_be_undone() {
    let app = app().await;
    let ada = make(&app, "ada", &[]).await;
    let mut root = administrator(&app, "root", &["admin"]).await;
    let path = of(&ada, "/delete");
    root.open(&path).await;
    root.submit(&path, &[("typed", "ada")]).await;
    root.sees("This is something else.");
    root.submit(&path, &[("typed", "ada@example.com")]).await;
    root.sees(&format!("<a href=\"{}\">Undo</a>", of(&ada, "/restore")));
    root.open(&of(&ada, "/restore")).await;
    root.submit(&of(&ada, "/restore"), &[]).await;
    root.sees("The account is restored.");
    app.login("ada", PASSWORD).await.ok(200);
}

#[tokio::test]
async fn a_deletion_of_an_account_that_was_never_verified_leads_to_the_list() {
    let app = app().await;
    app.register("ada").await.ok(201);
    let ada = accounts::find(&app.core, "ada@example.com").await.unwrap().account.id;
    let mut root = administrator(&app, "root", &["admin"]).await;
    let path = of(ada.as_str(), "/delete");
    root.open(&path).await;
    root.submit(&path, &[("typed", "ada@example.com")]).await;
    assert_eq!(root.path, "/console/accounts");
    root.sees("The account is erased: its address was never verified.");
    root.open(&of(ada.as_str(), "")).await;
    assert_eq!(root.page.status, 404);
    root.sees("There is nothing here");
}

#[tokio::test]
async fn an_invitation_leads_its_owner_in() {
    let app = app().await;
    let mut root = administrator(&app, "root", &["admin"]).await;
    root.open("/console/accounts/new").await;
    root.submit("/console/accounts/new", &[("email", "no address"), ("way", "invite")]).await;
    assert_eq!(root.page.status, 400);
    root.sees("Email address must be one such as name@example.com");
    root.sees("value=\"no address\"");
    let new = [("email", "ada@example.com"), ("first_name", "Ada"), ("way", "invite")];
    root.submit("/console/accounts/new", &new).await;
    root.sees("The account is created, and its owner is sent an invitation.");
    let token = token_in(&app.mails().await, "/v1/reset-password?token=");
    let body = serde_json::json!({ "token": token, "newPassword": PASSWORD });
    app.post("/v1/auth/reset-password", &body).ok(200).await;
    app.login("ada", PASSWORD).await.ok(200);
    root.open("/console/accounts/new").await;
    root.submit("/console/accounts/new", &new).await;
    assert_eq!(root.page.status, 409, "{}", root.page.text);
    root.sees("role=\"alert\"");
}

#[tokio::test]
async fn an_account_with_a_password_logs_in_at_once() {
    let app = app().await;
    let mut root = administrator(&app, "root", &["admin"]).await;
    root.open("/console/accounts/new").await;
    let new = [("email", "ada@example.com"), ("way", "password")];
    root.submit("/console/accounts/new", &[&new[..], &[("password", "short")]].concat()).await;
    root.sees("Password must be at least 12 characters");
    assert!(!root.page.text.contains("value=\"short\""), "{}", root.page.text);
    root.submit("/console/accounts/new", &[&new[..], &[("password", PASSWORD)]].concat()).await;
    root.sees("The account is created.");
    assert!(app.mails().await.is_empty());
    app.login("ada", PASSWORD).await.ok(200);
}

#[tokio::test]
async fn roles_and_quota_are_changed_in_forms() {
    let app = app().await;
    let ada = make(&app, "ada", &[]).await;
    let mut root = administrator(&app, "root", &["admin"]).await;
    let path = of(&ada, "/roles");
    root.open(&path).await;
    root.submit(&path, &[("role", "user"), ("role", "moderator")]).await;
    root.sees("<span class=\"tag off\">moderator</span>");
    root.open(&path).await;
    root.submit(&path, &[]).await;
    assert_eq!(
        accounts::find(&app.core, &ada).await.unwrap().roles,
        ["user"],
        "none is not possible"
    );
    let path = of(&ada, "/quota");
    root.open(&path).await;
    root.submit(&path, &[("limit", "-1"), ("uploaded", "0")]).await;
    root.sees("Both must be numbers from 0 to 1,000,000,000");
    root.submit(&path, &[("limit", "7"), ("uploaded", "2")]).await;
    root.sees("2 of 7 uploads used");
}

#[tokio::test]
async fn the_last_administrator_stays_one() {
    let app = app().await;
    let mut root = administrator(&app, "root", &["admin"]).await;
    let id = accounts::find(&app.core, "root@example.com").await.unwrap().account.id;
    root.open(&of(id.as_str(), "/roles")).await;
    root.submit(&of(id.as_str(), "/roles"), &[("role", "user")]).await;
    assert_eq!(root.page.status, 409, "{}", root.page.text);
    assert_eq!(accounts::find(&app.core, id.as_str()).await.unwrap().roles, ["user", "admin"]);
}

#[tokio::test]
async fn sessions_end_one_by_one_or_all_at_once() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    app.login("ada", PASSWORD).await.ok(200);
    let mut root = administrator(&app, "root", &["admin"]).await;
    root.open(&of(&ada.id, "")).await;
    let link =
        root.page.text.split("/end-session?part=").nth(1).unwrap().split('"').next().unwrap();
    let link = of(&ada.id, &format!("/end-session?part={link}"));
    root.open(&link).await;
    root.submit(&of(&ada.id, "/end-session"), &[]).await;
    root.sees("The session has ended.");
    assert_eq!(root.page.text.matches("/end-session?part=").count(), 1);
    root.open(&of(&ada.id, "/end-sessions")).await;
    root.submit(&of(&ada.id, "/end-sessions"), &[]).await;
    root.sees("It is logged in nowhere.");
}

#[tokio::test]
async fn all_that_match_are_done_in_pieces_and_a_stop_leaves_nothing_half_done() {
    let app = app().await;
    for number in 0..60 {
        make(&app, &format!("spam{number}"), &[]).await;
    }
    make(&app, "ada", &[]).await;
    let mut mod_ = administrator(&app, "mod", &["moderator"]).await;
    mod_.open("/console/accounts?q=spam").await;
    mod_.sees("With all accounts that match");
    let path = "/console/bulk/suspend";
    mod_.open(&format!("{path}?q=spam")).await;
    mod_.sees("All accounts that match: 60");
    mod_.sees("Type all 60 to confirm");
    mod_.submit(path, &[("typed", "all"), ("reason", "one campaign")]).await;
    mod_.sees("This is something else.");
    let suspended = |app: &crate::support::App| {
        app.database().number("select count(*) from accounts where suspended_at is not null")
    };
    assert_eq!(suspended(&app), 0);
    mod_.submit(path, &[("typed", "all 60"), ("reason", "one campaign")]).await;
    mod_.sees("Done for 25 so far.");
    mod_.sees("<progress id=\"progress\" max=\"60\" value=\"25\">");
    assert_eq!(suspended(&app), 25, "the rest waits");
    // The page was closed here; the same again does the rest, and none twice.
    mod_.open(&format!("{path}?q=spam")).await;
    mod_.submit(path, &[("typed", "all 60"), ("reason", "one campaign")]).await;
    for _ in 0..2 {
        mod_.submit(path, &[]).await;
    }
    mod_.sees("Done for all 60.");
    assert_eq!(suspended(&app), 60);
    let records = app.records().await;
    let done = records.iter().filter(|record| record.event == "suspended");
    let reasons: Vec<_> = done.map(|record| record.reason.as_deref()).collect();
    assert_eq!(reasons, [Some("one campaign"); 60], "one record each, with the reason");
}

#[tokio::test]
async fn a_role_that_is_taken_between_two_pieces_ends_the_rest() {
    let app = app().await;
    for number in 0..30 {
        make(&app, &format!("spam{number}"), &[]).await;
    }
    let mut mod_ = administrator(&app, "mod", &["moderator"]).await;
    let path = "/console/bulk/suspend";
    mod_.open(&format!("{path}?q=spam")).await;
    mod_.submit(path, &[("typed", "all 30")]).await;
    mod_.sees("Done for 25 so far.");
    let take = accounts::RoleChange::Take;
    let by = authd::identity::By::command_line();
    accounts::change_role(&app.core, &by, "mod", "moderator", take).await.unwrap();
    mod_.submit(path, &[]).await;
    assert_eq!(mod_.page.status, 403, "{}", mod_.page.text);
    let sql = "select count(*) from accounts where suspended_at is not null";
    assert_eq!(app.database().number(sql), 25);
}

#[tokio::test]
async fn who_may_suspend_but_not_read_learns_nothing_from_a_filter() {
    let app = app().await;
    make(&app, "ada", &[]).await;
    let rights = vec!["admin.users.suspend".to_owned()];
    let by = authd::identity::By::command_line();
    authd::identity::admin::roles::create(&app.core, &by, "bouncer", rights).await.unwrap();
    let mut bouncer = administrator(&app, "bouncer", &["bouncer"]).await;
    bouncer.open("/console/bulk/suspend?q=ada").await;
    assert_eq!(bouncer.page.status, 403, "{}", bouncer.page.text);
    let form = bouncer.form("/sign-out", &[("all", "yes"), ("q", "ada"), ("typed", "all 1")]);
    let answer = bouncer.send(poem::http::Method::POST, "/console/bulk/suspend", Some(form)).await;
    assert_eq!(answer.status, 403, "{}", answer.text);
}

#[tokio::test]
async fn several_accounts_are_listed_before_and_answered_for_after() {
    let app = app().await;
    let (ada, bob) = (make(&app, "ada", &[]).await, make(&app, "bob", &[]).await);
    let boss = make(&app, "boss", &["admin"]).await;
    let mut mod_ = administrator(&app, "mod", &["moderator"]).await;
    mod_.open("/console/accounts").await;
    mod_.sees("formaction=\"/console/bulk/suspend\"");
    assert!(!mod_.page.text.contains("/console/bulk/end-sessions"), "{}", mod_.page.text);
    let path = format!("/console/bulk/suspend?id={ada}&id={bob}&id={boss}&id={ada}&id=nobody");
    mod_.open(&path).await;
    mod_.sees("3 accounts");
    for name in ["ada", "bob", "boss"] {
        mod_.sees(&format!("<li dir=\"auto\">{name}@example.com</li>"));
    }
    mod_.submit("/console/bulk/suspend", &[("reason", "one campaign")]).await;
    mod_.sees("Done for 2, refused for 1.");
    let records = app.records().await;
    let done = records.iter().filter(|record| record.event == "suspended");
    let reasons: Vec<_> = done.map(|record| record.reason.as_deref()).collect();
    assert_eq!(reasons, [Some("one campaign"); 2]);
    mod_.open("/console/bulk/suspend").await;
    mod_.sees("No account is selected.");
}
