//! Migration as docs/import.md describes it: for each document, a table exported by `psql` or `mysql`,
//! the page's own command, and a login over the document's wire with the old password.

use authd::identity::By;
use authd::identity::access::api_client as apps;
use authd::model::app::ApiClientKind;
use serde_json::{Value, json};

use crate::cli::Folder;
use crate::support::{Answer, App, app_with};

const PASSWORD: &str = "The old 1 pass-word";
const UUID: &str = "123e4567-e89b-12d3-a456-426614174000";

const JOBPSYCH: &str = "\
id,name,email,company_name,password,refresh_token,files_uploaded,created_at,updated_at
17,\"John \"\"JD\"\" Doe\",John@example.com,\"Acme, Corp\",HASH,$2b$10$xxxxxxxxxxxxxxxxxxxxxx,4,2025-01-20 14:30:38.968716,2025-01-20 14:30:38.968716
19,Zoë Müller,zoe@example.com,Ünï,HASH,,10,2025-01-20 14:30:38.968716,2025-01-20 14:30:38.968716
";

const JOBPATH: &str = "\
id,email,password_hash,is_active,created_at,updated_at
123e4567-e89b-12d3-a456-426614174000,user@example.com,HASH,t,2025-01-20 14:30:39.040353+00,2025-01-20 14:30:39.040353+00
123e4567-e89b-12d3-a456-426614174001,off@example.com,HASH,f,2025-01-20 14:30:39.040353+00,2025-01-20 14:30:39.040353+00
";

/// PostgreSQL folds unquoted names to lower case.
const SITEWORKS: &str = "\
id,email,name,password,isverified,isactive,lastloginat,createdat,updatedat
clx1abcd0000008l4,user@example.com,John Doe,HASH,t,t,2025-01-20 14:30:39.116709,2025-01-20 14:30:39.116709,2025-01-20 14:30:39.116709
clx1abcd0000108l4,off@example.com,,HASH,t,f,,2025-01-20 14:30:39.116709,2025-01-20 14:30:39.116709
";

const AUTHBACKEND: &str = "\
id\temail\tfirstName\tlastName\tpassword\trole\tisEmailVerified\tisLocked\tcreatedAt\tupdatedAt
1\tuser@example.com\tJohn\tDoe\tHASH\tuser\t1\t0\t2025-01-20 14:30:39\t2025-01-20 14:30:39
2\tboss@example.com\tBack\\\\slash\tOss\tHASH\tadmin\t1\t0\t2025-01-20 14:30:39\t2025-01-20 14:30:39
5\tlocked@example.com\tNULL\tDoe\tHASH\tuser\t1\t1\t2025-01-20 14:30:39\t2025-01-20 14:30:39
";

const PERFECT21: &str = "\
id,email,username,password_hash,first_name,last_name,phone,status,email_verified,phone_verified,last_login,created_at,roles
123e4567-e89b-12d3-a456-426614174000,user@example.com,johndoe,HASH,John,Doe,+1234567890,active,t,f,2025-01-20 14:30:39.271864+00,2025-01-20 14:30:39.271864+00,user
123e4567-e89b-12d3-a456-426614174001,boss@example.com,boss,HASH,B,Oss,,active,t,f,,2025-01-20 14:30:39.271864+00,\"user,admin\"
";

/// The lines of docs/import.md about this document, up to the next one's.
fn steps(document: &str) -> Vec<String> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/import.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (_, section) = text.split_once("## From the five profiles\n").unwrap();
    let lines = section.lines().skip_while(|line| !line.starts_with(&format!("# {document}:")));
    lines.skip(1).take_while(|line| !line.is_empty() && *line != "```").map(str::to_owned).collect()
}

/// The program with a profile, after running the page's command on this table.
async fn moved_in(profile: &str, table: &str) -> App {
    let app = app_with(profile, &[]).await;
    let (steps, folder) = (steps(profile), Folder::new());
    let file = steps
        .iter()
        .find_map(|step| step.split_once("\" DB > "))
        .unwrap_or_else(|| panic!("{steps:?}"))
        .1;
    let hash =
        bcrypt::hash_with_result(PASSWORD, 4).unwrap().format_for_version(bcrypt::Version::TwoB);
    folder.write(file, &table.replace("HASH", &hash));
    let command =
        steps.last().unwrap().strip_prefix("authd ").unwrap_or_else(|| panic!("{steps:?}"));
    let db = app.dir.path().join("authd.db");
    let arguments: Vec<&str> =
        command.split(' ').chain(["--json", "--db", db.to_str().unwrap()]).collect();
    let dry: String = arguments.join(" ").replace("--report refused.jsonl", "--dry-run");
    let dry = folder.run(&dry.split(' ').collect::<Vec<_>>()).json();
    let ran = folder.run(&arguments);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let (summary, rows) = (ran.json(), table.lines().count() - 1);
    for (name, count) in [("imported", rows), ("refused", 0), ("changed", 0)] {
        assert_eq!(
            (&summary[name], &dry[name]),
            (&json!(count), &json!(count)),
            "{profile} {summary}"
        );
    }
    assert_eq!(summary["unknownColumns"], json!([]), "{profile}");
    app
}

async fn login(app: &App, path: &str, email: &str) -> Answer {
    app.post(path, &json!({ "email": email, "password": PASSWORD })).send().await
}

/// The login succeeded, and the response has these values.
fn assert_is(answer: &Answer, expected: &[(&str, Value)]) {
    assert_eq!(answer.status, 200, "{}", answer.text);
    for (pointer, value) in expected {
        assert_eq!(answer.body.pointer(pointer), Some(value), "{pointer}: {}", answer.text);
    }
}

#[tokio::test]
async fn the_users_of_jobpsych_log_in_with_their_old_passwords() {
    let app = moved_in("jobpsych", JOBPSYCH).await;
    let entered = login(&app, "/api/auth/login", "john@example.com").await;
    let user = json!({
        "id": "17", "name": "John \"JD\" Doe", "email": "John@example.com", "company_name": "Acme, Corp", "filesUploaded": 4,
    });
    assert_is(&entered, &[("/user", user)]);
    let quota = app.get("/api/auth/user-uploads/zoe@example.com").from("127.0.0.1").send().await;
    assert_is(&quota, &[("/filesUploaded", json!(10)), ("/remaining", json!(0))]);
}

#[tokio::test]
async fn the_users_of_jobpath_log_in_with_their_old_passwords() {
    let app = moved_in("jobpath", JOBPATH).await;
    let entered = login(&app, "/auth/login", "user@example.com").await;
    assert_is(
        &entered,
        &[("/user", json!({ "id": UUID, "email": "user@example.com", "is_active": true }))],
    );
    let off = login(&app, "/auth/login", "off@example.com").await;
    assert_eq!((off.status.as_u16(), &off.body["error"]), (403, &json!("inactive_user")));
}

#[tokio::test]
async fn the_users_of_siteworks_log_in_with_their_old_passwords() {
    let app = moved_in("siteworks", SITEWORKS).await;
    let entered = login(&app, "/api/auth/login", "user@example.com").await;
    assert_is(
        &entered,
        &[("/user/id", json!("clx1abcd0000008l4")), ("/user/name", json!("John Doe"))],
    );
    let off = login(&app, "/api/auth/login", "off@example.com").await;
    assert_eq!((off.status.as_u16(), &off.body["code"]), (403, &json!("ACCOUNT_DEACTIVATED")));
}

#[tokio::test]
async fn the_users_of_authbackend_log_in_with_their_old_passwords() {
    let app = moved_in("authbackend", AUTHBACKEND).await;
    let (made, key) =
        apps::create(&app.core, &By::command_line(), "web", ApiClientKind::Client).await.unwrap();
    let post = async |path: &str, body: &Value| {
        let call = app.post(&format!("/api/auth/{path}"), body);
        call.header("x-app-id", &made.id).header("x-service-key", key.reveal()).send().await
    };
    for (email, number, role) in [("user@example.com", 1, "user"), ("boss@example.com", 2, "admin")]
    {
        assert_is(&post("login", &json!({ "email": email, "password": PASSWORD })).await, &[]);
        let letters = app.mails().await;
        let is_code = |line: &&str| line.len() == 6 && line.bytes().all(|b| b.is_ascii_digit());
        let code =
            letters.iter().flat_map(|mail| mail.text.lines()).map(str::trim).find(is_code).unwrap();
        let entered = post("verify-otp", &json!({ "email": email, "otpCode": code })).await;
        assert_is(
            &entered,
            &[("/data/user", json!({ "id": number, "email": email, "role": role }))],
        );
    }
    let locked =
        post("login", &json!({ "email": "locked@example.com", "password": PASSWORD })).await;
    assert_eq!(
        (locked.status.as_u16(), &locked.body["message"]),
        (403, &json!("Account is locked"))
    );
}

#[tokio::test]
async fn the_users_of_perfect21_log_in_with_their_old_passwords() {
    let app = moved_in("perfect21", PERFECT21).await;
    let entered = login(&app, "/api/v1/auth/login", "user@example.com").await;
    let user = |name: &str, value: &str| (format!("/data/user/{name}"), json!(value));
    for (pointer, value) in
        [user("id", UUID), user("username", "johndoe"), user("status", "active")]
    {
        assert_is(&entered, &[(&pointer, value)]);
    }
    let boss = app
        .post("/api/v1/auth/login", &json!({ "username": "boss", "password": PASSWORD }))
        .send()
        .await;
    assert_is(&boss, &[("/data/user/roles", json!(["user", "admin"]))]);
}
