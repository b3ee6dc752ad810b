//! Accounts of Supabase, Rails with Devise, Django, Auth0 and Laravel, in their own tables and exports:
//! nothing is lost in silence, and people log in with the passwords they have.

use std::num::NonZeroU32;

use authd::model::Account;
use authd::store::tables::transfer;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::cli::{Folder, Ran};
use crate::support::{App, PASSWORD, app, token_in};

fn bcrypt() -> String {
    bcrypt::hash_with_salt(PASSWORD, 4, [7; 16]).unwrap().format_for_version(bcrypt::Version::TwoA)
}

/// As Django's `PBKDF2PasswordHasher` makes it.
fn pbkdf2() -> String {
    let mut digest = [0; 32];
    aws_lc_rs::pbkdf2::derive(
        aws_lc_rs::pbkdf2::PBKDF2_HMAC_SHA256,
        NonZeroU32::new(1000).unwrap(),
        b"lPAIfzoGcQMa",
        PASSWORD.as_bytes(),
        &mut digest,
    );
    format!("pbkdf2_sha256$1000$lPAIfzoGcQMa${}", STANDARD.encode(digest))
}

fn ran(app: &App, arguments: &[&str], input: &str) -> Ran {
    let db = app.dir.path().join("authd.db");
    let fixed = ["user", "import", "-", "--json", "--db", db.to_str().unwrap()];
    Folder::new().run_with_input(&[&fixed, arguments].concat(), input)
}

/// Imports a file; nothing in it is unknown.
fn import(app: &App, arguments: &[&str], input: &str) -> Value {
    let ran = ran(app, arguments, input);
    let summary = ran.json();
    assert_eq!(summary["unknownColumns"], json!([]), "{summary}");
    summary
}

fn counts(summary: &Value) -> [u64; 5] {
    ["rows", "imported", "present", "repaired", "refused"]
        .map(|name| summary[name].as_u64().unwrap())
}

fn reasons(summary: &Value) -> String {
    summary["reasons"].to_string()
}

async fn account(app: &App, email: &str) -> Account {
    let all = app.core.store.scan(|db| transfer::page(db, "", 1000)).await.unwrap();
    let found = all.into_iter().find(|one| one.account.has_address(email));
    found.unwrap_or_else(|| panic!("no {email}")).account
}

async fn logs_in(app: &App, name: &str) -> bool {
    app.login(name, PASSWORD).await.status == 200
}

/// `auth.users`, with both `email_confirmed_at` and `confirmed_at`, in either order.
const SUPABASE: &str = "instance_id,id,aud,role,email,encrypted_password,email_confirmed_at,invited_at,\
confirmation_token,confirmation_sent_at,recovery_token,recovery_sent_at,email_change_token_new,email_change,\
email_change_sent_at,last_sign_in_at,raw_app_meta_data,raw_user_meta_data,is_super_admin,created_at,updated_at,phone,\
phone_confirmed_at,phone_change,phone_change_token,phone_change_sent_at,confirmed_at,email_change_token_current,\
email_change_confirm_status,banned_until,reauthentication_token,reauthentication_sent_at,is_sso_user,deleted_at,\
is_anonymous\n";

fn supabase_row(number: u32, email: &str, hash: &str, confirmed: &str, banned: &str) -> String {
    format!(
        "00000000-0000-0000-0000-000000000000,6f9619ff-8b86-d011-b42d-00c04fc96{number:03},authenticated,authenticated,\
         {email},{hash},{confirmed},,,,,,,,,2023-11-20 08:00:00+00,\"{{\"\"provider\"\": \"\"email\"\"}}\",{{}},,\
         2023-01-01 00:00:00+00,2023-01-01 00:00:00+00,,,,,,{confirmed},,0,{banned},,,f,,f\n"
    )
}

#[tokio::test]
async fn supabase() {
    let app = app().await;
    let proved = "2023-01-02 00:00:00+00";
    let file = SUPABASE.to_owned()
        + &supabase_row(1, "a@example.com", &bcrypt(), proved, "")
        + &supabase_row(2, "b@example.com", &bcrypt(), "", "")
        + &supabase_row(3, "c@example.com", &bcrypt(), proved, "2999-01-01 00:00:00+00")
        + &supabase_row(4, "d@example.com", &bcrypt(), proved, "2020-01-01 00:00:00+00")
        + &supabase_row(5, "github@example.com", "", proved, "");
    let summary = import(&app, &["--format", "csv"], &file);
    assert_eq!(counts(&summary), [5, 4, 0, 0, 1], "{summary}");
    assert_eq!(summary["changed"], 0, "{summary}");
    assert!(reasons(&summary).contains("no password hash; --without-passwords"), "{summary}");
    assert!(logs_in(&app, "a").await && logs_in(&app, "d").await);
    assert!(!logs_in(&app, "b").await, "the address was never confirmed");
    assert!(account(&app, "c@example.com").await.suspended_at.is_some());
    let a = account(&app, "a@example.com").await;
    assert_eq!(a.email_verified_at.unwrap().to_string(), "2023-01-02T00:00:00Z");
    assert!(a.last_login_at.is_some());
    let rest = import(&app, &["--format", "csv", "--without-passwords"], &file);
    assert_eq!(counts(&rest), [5, 1, 4, 0, 0], "{rest}");
    assert_eq!(account(&app, "github@example.com").await.password_hash, None);
}

#[tokio::test]
async fn rails_with_devise() {
    let app = app().await;
    let hash = bcrypt();
    let file = format!(
        "id,email,encrypted_password,reset_password_token,reset_password_sent_at,remember_created_at,sign_in_count,\
         current_sign_in_at,last_sign_in_at,current_sign_in_ip,last_sign_in_ip,confirmation_token,confirmed_at,\
         confirmation_sent_at,unconfirmed_email,failed_attempts,unlock_token,locked_at,created_at,updated_at\n\
         7,a@example.com,{hash},,,,3,2023-11-20 08:00:00,2023-11-19 08:00:00,::1,::1,,2023-01-02 00:00:00,,,0,,,\
         2023-01-01 00:00:00,2023-01-01 00:00:00\n"
    );
    let summary = import(&app, &["--format", "csv"], &file);
    assert_eq!(counts(&summary), [1, 1, 0, 0, 0], "{summary}");
    assert_eq!(account(&app, "a@example.com").await.number, 7);
    assert!(logs_in(&app, "a").await);
}

#[tokio::test]
async fn django() {
    let app = app().await;
    let argon2 =
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
    let rows = [
        ("a", pbkdf2()),
        ("b", format!("bcrypt${}", bcrypt())),
        ("c", format!("argon2{argon2}")),
        ("d", format!("bcrypt_sha256${}", bcrypt())),
        ("e", "!NFKBHhpThJLp1wVNBrTcSFJnhF2mtTWSxjYlkLdv".to_owned()),
    ];
    let row = |(id, (name, hash)): (usize, &(&str, String))| {
        format!(
            "{},\"{hash}\",2023-11-20 08:00:00+00,f,user-{name},Ann,Doe,{name}@example.com,f,t,2023-01-01 00:00:00+00\n",
            id + 1
        )
    };
    let file = "id,password,last_login,is_superuser,username,first_name,last_name,email,is_staff,is_active,date_joined\n"
        .to_owned()
        + &rows.iter().enumerate().map(row).collect::<String>();
    let arguments = ["--format", "csv", "--assume-verified"];
    let summary = import(&app, &arguments, &file);
    assert_eq!(counts(&summary), [5, 3, 0, 0, 2], "{summary}");
    for word in ["BCryptSHA256PasswordHasher", "no usable password"] {
        assert!(reasons(&summary).contains(word), "{summary}");
    }
    assert!(logs_in(&app, "a").await && logs_in(&app, "b").await);
    assert_eq!(app.login("a", "not-the-password").await.status, 401);
    assert_eq!(app.login("c", "password").await.status, 200);
    let a = account(&app, "a@example.com").await;
    assert_eq!(a.created_at.to_string(), "2023-01-01T00:00:00Z");
    assert!(a.password_hash.unwrap().starts_with("$argon2id$"), "the login hashed it again");
    let with = import(&app, &[&arguments[..], &["--without-passwords"]].concat(), &file);
    assert_eq!(counts(&with), [5, 2, 3, 0, 0], "{with}");
    assert_eq!(with["changed"], 1, "that a hash was left out is said: {with}");
    assert_eq!(account(&app, "d@example.com").await.password_hash, None);
}

#[tokio::test]
async fn auth0_in_two_files_in_either_order() {
    let oid = "5f7c8ec7c33c6c004bbafe82";
    let profiles = [
        json!({ "user_id": format!("auth0|{oid}"), "email": "a@example.com", "email_verified": true, "nickname": "a",
                "name": "a@example.com", "picture": "https://x", "created_at": "2023-01-01T00:00:00.000Z",
                "updated_at": "2023-01-01T00:00:00.000Z", "last_login": "2023-11-20T08:00:00.000Z", "last_ip": "::1",
                "logins_count": 3, "identities": [{ "provider": "auth0" }], "user_metadata": {}, "app_metadata": {} }),
        json!({ "user_id": "google-oauth2|1234", "email": "b@example.com", "email_verified": true, "nickname": "a",
                "blocked": true }),
    ];
    let profiles = profiles.map(|line| line.to_string()).join("\n");
    let hashes = json!({ "_id": { "$oid": oid }, "email_verified": true, "email": "a@example.com", "passwordHash": bcrypt(),
                         "password_set_date": { "$date": "2023-01-01T00:00:00.000Z" }, "tenant": "t", "connection": "db",
                         "_tmp_is_unique": true })
    .to_string();
    let jsonl = ["--format", "jsonl"];
    let without = ["--format", "jsonl", "--without-passwords"];
    let app = app().await;
    let summary = import(&app, &jsonl, &profiles);
    assert_eq!(counts(&summary), [2, 0, 0, 0, 2], "{summary}");
    assert_eq!(counts(&import(&app, &without, &profiles)), [2, 2, 0, 0, 0]);
    assert!(!logs_in(&app, "a").await);
    let dry = import(&app, &["--format", "jsonl", "--dry-run"], &hashes);
    assert_eq!(counts(&dry), [1, 0, 0, 1, 0], "{dry}");
    assert!(!logs_in(&app, "a").await);
    assert_eq!(counts(&import(&app, &jsonl, &hashes)), [1, 0, 0, 1, 0]);
    assert!(logs_in(&app, "a").await);
    assert_eq!(counts(&import(&app, &jsonl, &hashes)), [1, 0, 1, 0, 0]);
    let (a, b) = (account(&app, "a@example.com").await, account(&app, "b@example.com").await);
    assert_eq!((a.id.as_str(), a.username), (oid, None));
    assert_eq!((b.id.as_str(), b.suspended_at.is_some()), ("google-oauth2:1234", true));
    let record =
        "accounts_imported done 0 imported, 0 there already, 0 refused, 1 got their password";
    assert!(app.audit().await.contains(&record.to_owned()), "{:?}", app.audit().await);

    let other = crate::support::app().await;
    assert_eq!(counts(&import(&other, &jsonl, &hashes)), [1, 1, 0, 0, 0]);
    assert_eq!(counts(&import(&other, &without, &profiles)), [2, 1, 1, 0, 0]);
    assert!(logs_in(&other, "a").await);
}

#[tokio::test]
async fn laravel() {
    let app = app().await;
    let hash = bcrypt().replace("$2a$", "$2y$");
    let file = format!(
        "id,name,email,email_verified_at,password,remember_token,created_at,updated_at,two_factor_secret,\
         two_factor_recovery_codes,two_factor_confirmed_at,current_team_id,profile_photo_path\n\
         1,Ann,a@example.com,2023-01-02 00:00:00,{hash},abc,2023-01-01 00:00:00,2023-01-01 00:00:00,,,,,\n"
    );
    assert_eq!(counts(&import(&app, &["--format", "csv"], &file)), [1, 1, 0, 0, 0]);
    assert!(logs_in(&app, "a").await);
}

/// What a later file brings is the password of the old service. It must not come back where its owner
/// has none of it any more.
#[tokio::test]
async fn a_repair_changes_no_account_that_its_owner_has_touched() {
    let app = app().await;
    let bare = "email,email_verified\na@example.com,t\nb@example.com,f\nc@example.com,t\n";
    let first = import(&app, &["--format", "csv", "--without-passwords"], bare);
    assert_eq!(counts(&first), [3, 3, 0, 0, 0], "{first}");

    // a has set a password by a mailed link since, and b has proved an address that nobody had.
    let new = "N3w!correct horse-staple";
    app.post("/v1/auth/forgot-password", &json!({ "email": "a@example.com" })).send().await;
    let token = token_in(&app.mails().await, "/v1/reset-password?token=");
    let reset = json!({ "token": token, "newPassword": new });
    assert_eq!(app.post("/v1/auth/reset-password", &reset).send().await.status, 200);
    app.post("/v1/auth/resend-verification", &json!({ "email": "b@example.com" })).send().await;
    let token = token_in(&app.mails().await, "/v1/verify-email?token=");
    let verify = json!({ "token": token });
    assert_eq!(app.post("/v1/auth/verify-email", &verify).send().await.status, 200);
    // An account that signed up here came from no file.
    app.join("dora").await;

    let hash = bcrypt();
    let file = format!(
        "email,email_verified,password\na@example.com,t,{hash}\nb@example.com,f,{hash}\nc@example.com,t,{hash}\n\
         dora@example.com,t,{hash}\n"
    );
    let second = import(&app, &["--format", "csv"], &file);
    assert_eq!(counts(&second), [4, 0, 3, 1, 0], "{second}");
    assert_eq!(app.login("a", new).await.status, 200);
    assert_eq!(app.login("a", PASSWORD).await.status, 401);
    assert!(!logs_in(&app, "b").await);
    assert!(logs_in(&app, "c").await);
}

#[tokio::test]
async fn people_are_told_what_a_repair_did_and_which_names_a_column_may_have() {
    let app = app().await;
    let bare = "email\na@example.com\n";
    assert_eq!(ran(&app, &["--format", "csv"], bare).code, Some(1), "nothing was imported");
    assert_eq!(ran(&app, &["--format", "csv", "--without-passwords"], bare).code, Some(0));
    let db = app.dir.path().join("authd.db");
    let file = format!("email,password\na@example.com,{}\n", bcrypt());
    let fixed = ["user", "import", "-", "--format", "csv", "--db", db.to_str().unwrap()];
    let told = Folder::new().run_with_input(&fixed, &file);
    assert_eq!(told.code, Some(0), "{}", told.err);
    assert!(
        told.out.contains("1 got the password that an earlier import left out"),
        "{}",
        told.out
    );
    let wrong = Folder::new().run(&["user", "import", "x.csv", "--column", "foo=bar"]);
    assert_eq!(wrong.code, Some(2));
    for name in ["email_verified_at", "suspended_until", "last_login_at"] {
        assert!(wrong.err.contains(name), "{}", wrong.err);
    }
}
