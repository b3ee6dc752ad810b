//! Accounts without an email address, where the policy lets them be made.

use std::time::Duration;

use authd::identity::system::cleanup;
use poem::http::Method;
use serde_json::{Value, json};

use super::pages::Browser;
use super::{Site, unverified, verified};
use crate::admin::staff;
use crate::support::{Answer, PASSWORD, token_in};

const OPTIONAL: (&str, &str) = ("signup.require_email", "false");

async fn open(more: &[(&str, &str)]) -> Site {
    Site::open(&[&[OPTIONAL], more].concat()).await
}

/// A person whose provider states an address that it does not prove.
fn ada() -> Value {
    unverified("s-1", "ada@example.com")
}

async fn enter(site: &Site, claims: &Value) -> String {
    let entered = site.log_in(claims).await;
    assert_eq!(entered.status, 200, "{}", entered.text);
    entered.tokens().access
}

async fn me(site: &Site, access: &str) -> Value {
    site.app.get("/v1/users/me").bearer(access).ok(200).await.body["data"].clone()
}

/// Asks for an address; returns the token of the link in the letter to it.
async fn ask(site: &Site, access: &str, address: &str) -> String {
    let body = json!({ "newEmail": address });
    site.app.post("/v1/users/me/email", &body).bearer(access).ok(200).await;
    let mails = site.app.mails().await;
    assert!(mails.iter().all(|mail| mail.to == address), "only the new address: {mails:?}");
    token_in(&mails, "/v1/confirm-email?token=")
}

async fn confirm(site: &Site, token: &str) -> Answer {
    site.app.post("/v1/auth/confirm-email", &json!({ "token": token })).send().await
}

#[tokio::test]
async fn a_login_without_a_proved_address_makes_an_account_without_one() {
    let site = open(&[]).await;
    let first = site.log_in(&ada()).await.ok(200);
    let user = &first.body["data"]["user"];
    assert_eq!((&user["email"], &user["emailVerified"]), (&Value::Null, &json!(false)));
    assert_eq!(user["status"], "active", "nothing awaits a proof");
    let access = first.tokens().access;
    let account = me(&site, &access).await;
    assert_eq!((&account["email"], &account["status"]), (&Value::Null, &json!("active")));
    assert_eq!(site.app.mails().await.len(), 0, "there is nowhere to send a letter to");
    // Also without any address in the answer; and each person gets an account of their own.
    let other = enter(&site, &json!({ "sub": "s-2" })).await;
    assert_ne!(me(&site, &other).await["id"], account["id"]);
    assert_eq!(me(&site, &enter(&site, &ada()).await).await["id"], account["id"]);
    // The address that the provider only states is nobody's: a sign-up with it is free.
    site.app.join("ada").await;
    assert_eq!(site.app.login("ada", PASSWORD).await.status, 200);
    assert_eq!(me(&site, &enter(&site, &ada()).await).await["id"], account["id"]);
    let export = site.app.get("/v1/users/me/export").bearer(&access).ok(200).await;
    assert_eq!(export.body["data"]["account"]["email"], Value::Null);
    assert_eq!(export.body["data"]["identities"][0]["email"], "ada@example.com");
}

#[tokio::test]
async fn a_proved_address_follows_the_rule_as_ever() {
    let site = open(&[]).await;
    let account = me(&site, &enter(&site, &verified("s-1", "ada@example.com")).await).await;
    assert_eq!(account["email"], "ada@example.com");
    let second = site.log_in(&verified("s-2", "ada@example.com")).await;
    assert_eq!(second.code(), "PROVIDER_STEP_REQUIRED", "{}", second.text);
}

#[tokio::test]
async fn the_last_way_in_stays_though_codes_are_mailed_to_others() {
    let site = open(&[("login.passwordless", "true")]).await;
    let access = enter(&site, &ada()).await;
    let listed = site.app.get("/v1/users/me/identities").bearer(&access).ok(200).await;
    let id = listed.body["data"][0]["id"].as_str().unwrap();
    let path = format!("/v1/users/me/identities/{id}");
    let remove = || site.app.call(Method::DELETE, &path).bearer(&access);
    remove().refused(409, "LAST_LOGIN_METHOD").await;
    // A password without a name to type before it is no way in.
    assert_eq!(site.app.database().tamper("update accounts set password_hash = '$2b$x'"), 1);
    remove().refused(409, "LAST_LOGIN_METHOD").await;
    let name = "update accounts set username = 'ada', username_key = 'ada'";
    assert_eq!(site.app.database().tamper(name), 1);
    remove().ok(200).await;
}

#[tokio::test]
async fn an_account_at_a_provider_that_is_gone_is_no_way_in() {
    let site = open(&[]).await;
    let access = enter(&site, &verified("s-1", "ada@example.com")).await;
    let gone = "insert into identities (id, account_id, provider, issuer, subject, created_at) \
                select 'other', account_id, 'gone', 'https://gone.example', 's', 1 from identities";
    assert_eq!(site.app.database().tamper(gone), 1);
    let listed = site.app.get("/v1/users/me/identities").bearer(&access).ok(200).await;
    let of = |name: &str| {
        let all = listed.body["data"].as_array().unwrap();
        let row = all.iter().find(|row| row["provider"] == name).unwrap();
        format!("/v1/users/me/identities/{}", row["id"].as_str().unwrap())
    };
    let remove = |path: String| site.app.call(Method::DELETE, &path).bearer(&access);
    remove(of("acme")).refused(409, "LAST_LOGIN_METHOD").await;
    remove(of("gone")).ok(200).await;
}

#[tokio::test]
async fn a_passkey_is_no_way_in_where_passkeys_are_off() {
    let site = open(&[("webauthn.enabled", "false")]).await;
    let access = enter(&site, &ada()).await;
    let key = "insert into passkeys (id, account_id, kind, credential_id, public_key, name, aaguid, transports, \
               sign_count, backup_eligible, backed_up, user_verified, created_at) \
               select 'k', id, 'passkey', x'01', x'01', 'key', zeroblob(16), '', 0, 0, 0, 1, 1 from accounts";
    assert_eq!(site.app.database().tamper(key), 1);
    let listed = site.app.get("/v1/users/me/identities").bearer(&access).ok(200).await;
    let path =
        format!("/v1/users/me/identities/{}", listed.body["data"][0]["id"].as_str().unwrap());
    let remove = site.app.call(Method::DELETE, &path).bearer(&access);
    remove.refused(409, "LAST_LOGIN_METHOD").await;
}

#[tokio::test]
async fn an_owner_adds_an_address_by_the_ordinary_proof() {
    let site = open(&[]).await;
    let access = enter(&site, &ada()).await;
    let id = me(&site, &access).await["id"].clone();
    // A sign-up that nobody has proved gives way to the person who reads the mailbox.
    site.app.register("ada").await;
    site.app.mails().await;
    let token = ask(&site, &access, "ada@example.com").await;
    assert_eq!(me(&site, &access).await["email"], Value::Null, "not before the proof");
    confirm(&site, &token).await.ok(200);
    let account = me(&site, &access).await;
    let (email, is_verified) = (&account["email"], &account["emailVerified"]);
    assert_eq!((email, is_verified), (&json!("ada@example.com"), &json!(true)));
    assert_eq!(account["id"], id);
    assert_eq!(site.app.login("ada", PASSWORD).await.status, 401, "the squatter's password");
    assert_eq!(site.app.database().number("select count(*) from accounts"), 1);
    // From now on the account is recovered by mail, and its owner is told what happens.
    let body = json!({ "email": "ada@example.com" });
    site.app.post("/v1/auth/forgot-password", &body).ok(200).await;
    assert_eq!(site.app.mails().await.len(), 1);
}

#[tokio::test]
async fn a_proved_holder_keeps_the_address() {
    let site = open(&[]).await;
    site.app.join("ada").await;
    let access = enter(&site, &ada()).await;
    let body = json!({ "newEmail": "ada@example.com" });
    site.app.post("/v1/users/me/email", &body).bearer(&access).ok(200).await;
    let mails = site.app.mails().await;
    assert!(mails.iter().all(|mail| !mail.text.contains("confirm-email")), "{mails:?}");
    // Neither does a holder who came meanwhile lose it.
    let token = ask(&site, &access, "bob@example.com").await;
    site.app.join("bob").await;
    confirm(&site, &token).await.refused(404, "INVALID_TOKEN");
    assert_eq!(me(&site, &access).await["email"], Value::Null);
    assert_eq!(site.app.login("bob", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn factors_work_but_for_the_mailed_code() {
    let site = open(&[]).await;
    let access = enter(&site, &ada()).await;
    let body = json!({ "type": "email" });
    let refused = site.app.post("/v1/auth/mfa/setup", &body).bearer(&access).send().await;
    assert_eq!(refused.status, 400, "{}", refused.text);
    let phone = crate::factors::set_up(&site.app, &access).await;
    let confirmed = crate::factors::verify(&site.app, &access, &phone.code(&site.app, 0)).await;
    assert_eq!(confirmed.status, 200, "{}", confirmed.text);
    assert_eq!(site.log_in(&ada()).await.code(), "MFA_REQUIRED");
    assert_eq!(site.app.mails().await.len(), 0);
}

#[tokio::test]
async fn a_user_name_and_a_password_log_in_and_wrong_ones_are_counted() {
    let site = open(&[("throttle.account_failures", "3")]).await;
    site.app.join("bob").await;
    let strip = "update accounts set email = null, email_key = null, email_verified_at = null";
    assert_eq!(site.app.database().tamper(strip), 1);
    let login = |password: &str| {
        let body = json!({ "username": "bob", "password": password });
        site.app.post("/v1/auth/login", &body)
    };
    let access = login(PASSWORD).ok(200).await.tokens().access;
    assert_eq!(me(&site, &access).await["email"], Value::Null);
    // A login from elsewhere, and many wrong passwords: the letters about them have no place to go.
    login(PASSWORD).header("user-agent", "another").ok(200).await;
    for _ in 0..4 {
        assert_ne!(login("wrong").send().await.status, 200);
    }
    site.app.mails().await;
    assert_eq!(
        site.app
            .database()
            .number("select count(*) from outbox where channel = 'mail' and recipient is null"),
        0
    );
    assert_ne!(login("wrong").from("198.51.100.7").send().await.status, 500);
    let record = site.app.audit().await;
    assert!(record.iter().any(|line| line.contains("login refused wrong_password")), "{record:#?}");
    let body = json!({ "currentPassword": PASSWORD, "newPassword": "Another-horse!1x" });
    let changed = site.app.put("/v1/users/me/password", &body).bearer(&access).send().await;
    assert_ne!(changed.status, 500, "{}", changed.text);
}

#[tokio::test]
async fn administrators_find_and_change_such_an_account() {
    let site = open(&[]).await;
    let access = enter(&site, &ada()).await;
    let id = me(&site, &access).await["id"].as_str().unwrap().to_owned();
    let name = "update accounts set username = 'countess', username_key = 'countess'";
    assert_eq!(site.app.database().tamper(name), 1);
    let (_, admin) = staff(&site.app, "root", &["admin"]).await;
    site.app.mails().await;
    let get = |path: &str| site.app.get(path).bearer(&admin).ok(200);
    for (query, count) in [
        ("search=countess", 1),
        ("search=ada%40example.com", 0),
        ("status=active", 2),
        ("status=pending", 0),
    ] {
        let found = get(&format!("/v1/admin/users?{query}")).await;
        let users = found.body["data"]["users"].as_array().or(found.body["data"].as_array());
        assert_eq!(users.unwrap().len(), count, "{query}: {}", found.text);
    }
    let path = format!("/v1/admin/users/{id}");
    let whole = get(&path).await;
    assert_eq!(whole.body["data"]["email"], Value::Null, "{}", whole.text);
    let post = |what: &str| site.app.post(&format!("{path}/{what}"), &json!({})).bearer(&admin);
    post("reset-password").refused(409, "CONFLICT").await;
    post("verify").ok(200).await;
    assert_eq!(get(&path).await.body["data"]["emailVerified"], false);
    let suspended = site.app.put(&path, &json!({ "status": "suspended" })).bearer(&admin);
    suspended.ok(200).await;
    assert_eq!(site.log_in(&ada()).await.code(), "ACCOUNT_SUSPENDED");
    site.app.put(&path, &json!({ "status": "active" })).bearer(&admin).ok(200).await;
    site.app.call(Method::DELETE, &path).bearer(&admin).ok(200).await;
    assert_eq!(site.app.mails().await.len(), 0);
}

#[tokio::test]
async fn time_does_not_erase_it_and_its_deletion_can_be_undone() {
    const DAY: Duration = Duration::from_hours(24);
    let site = open(&[]).await;
    // One whose login never came to an end, too.
    let access = enter(&site, &ada()).await;
    assert_eq!(site.app.database().tamper("update accounts set last_login_at = null"), 1);
    site.app.turn_clock(8 * DAY);
    cleanup::purge(&site.app.core).await.unwrap();
    let accounts = |site: &Site| site.app.database().number("select count(*) from accounts");
    assert_eq!(accounts(&site), 1, "nobody else waits for an address of its");
    drop(access);
    site.provider.script(|script| script.now += 8 * 24 * 3600);
    let access = enter(&site, &ada()).await;
    site.app.call(Method::DELETE, "/v1/users/me").bearer(&access).ok(200).await;
    assert_eq!(site.log_in(&ada()).await.code(), "ACCOUNT_DELETED");
    assert_eq!(accounts(&site), 1, "it is hidden for a while");
    site.app.turn_clock(31 * DAY);
    cleanup::purge(&site.app.core).await.unwrap();
    assert_eq!(accounts(&site), 0);
    assert_eq!(site.app.database().number("select count(*) from identities"), 0);
}

#[tokio::test]
async fn the_command_line_prints_and_exports_it_and_an_import_asks_for_an_address() {
    let site = open(&[]).await;
    let id = me(&site, &enter(&site, &ada()).await).await["id"].as_str().unwrap().to_owned();
    let run = |arguments: &[&str]| crate::import::user(&site.app, arguments, "");
    assert_eq!(run(&["show", &id]).json()["email"], Value::Null);
    assert_eq!(run(&["list"]).json()[0]["email"], Value::Null);
    // As text, the name that there is stands in its place.
    let folder = crate::process::Folder::new();
    let db = site.app.dir.path().join("authd.db");
    let db = db.to_str().unwrap();
    let ran = folder.run(&["user", "lock", &id, "--db", db]);
    assert!(ran.out.contains(&format!(" {id} (suspended")), "{}{}", ran.out, ran.err);
    let ran = folder.run(&["user", "list", "--db", db]);
    assert!(ran.out.lines().nth(1).unwrap().starts_with("- "), "{}{}", ran.out, ran.err);
    let exported = run(&["export", "--with-hashes", "--format", "jsonl"]).out;
    let row: Value = serde_json::from_str(exported.lines().next().unwrap()).unwrap();
    assert_eq!((&row["id"], &row["email"]), (&json!(id), &Value::Null));
    let other = open(&[]).await;
    let arguments = ["import", "-", "--format", "jsonl", "--column", "identities=-"];
    let summary = crate::import::user(&other.app, &arguments, &exported);
    assert!(summary.out.contains("address"), "{}{}", summary.out, summary.err);
    assert_eq!(other.app.database().number("select count(*) from accounts"), 0);
}

#[tokio::test]
async fn the_pages_say_what_it_means() {
    let site = open(&[]).await;
    let mut browser = Browser::new(&site);
    let entered = browser.log_in(&ada()).await;
    assert_eq!(entered.headers["location"], "/account", "{}", entered.text);
    for (page, words) in [
        ("/account", "Your account has no email address"),
        ("/account", "Add an email address"),
        ("/account/email", "cannot help you back in by mail"),
        ("/account/password", "To choose one, add an email address first."),
        ("/account/connections", "name=\"provider\""),
        ("/account/passkeys", "<form"),
        ("/account/record", "connected"),
        ("/account/profile", "<form"),
        ("/account/sessions", "<form"),
        ("/sign-in", "You are signed in as"),
    ] {
        let shown = browser.get(page).await;
        assert!(shown.status == 200 && shown.text.contains(words), "{page}: {}", shown.text);
    }
    let asked = browser.press("/account/email", &[("new_email", "ada@example.com")]).await;
    assert_eq!(asked.status, 303, "{}", asked.text);
    let page = browser.get("/account/email").await;
    assert!(page.text.contains("we have sent a link to it"), "{}", page.text);
    assert!(!page.text.contains("old address"), "{}", page.text);
    let token = token_in(&site.app.mails().await, "/v1/confirm-email?token=");
    confirm(&site, &token).await.ok(200);
    assert!(browser.get("/account").await.text.contains("ada@example.com"));
}
