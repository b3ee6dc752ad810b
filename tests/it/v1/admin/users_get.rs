//! `GET /admin/users`: accounts, page by page.

use serde_json::json;

use crate::admin::make;
use crate::support::{App, PASSWORD, UNLIMITED, app, app_with};
use crate::v1::fixture::{Operation, Person, delete, keys, person, suspend};

const LIST: Operation = Operation("GET", "/admin/users");

#[tokio::test]
async fn each_parameter_has_its_rule() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    for (query, code) in [
        ("page=0", "FIELD_TOO_SHORT"),
        ("page=x", "VALIDATION_ERROR"),
        ("limit=0", "FIELD_TOO_SHORT"),
        ("limit=101", "FIELD_TOO_LONG"),
        ("status=asleep", "VALIDATION_ERROR"),
        ("search=%00", "VALIDATION_ERROR"),
        ("role=%00", "VALIDATION_ERROR"),
        ("factor=often", "VALIDATION_ERROR"),
        ("provider=a%20b", "VALIDATION_ERROR"),
        ("createdSince=yesterday", "VALIDATION_ERROR"),
        ("createdUntil=2026", "VALIDATION_ERROR"),
        ("lastLoginSince=now", "VALIDATION_ERROR"),
        ("lastLoginUntil=now", "VALIDATION_ERROR"),
        ("neverLoggedIn=perhaps", "VALIDATION_ERROR"),
        ("sort=password", "VALIDATION_ERROR"),
        ("after=nowhere", "VALIDATION_ERROR"),
    ] {
        let refused = LIST.query(&app, query).bearer(&root).refused(400, "VALIDATION_ERROR").await;
        let (field, row) = (query.split_once('=').unwrap().0, &refused.body["error"]["details"][0]);
        assert_eq!((&row["field"], &row["code"]), (&json!(field), &json!(code)), "{query}");
    }
    let long = format!("search={}", "a".repeat(256));
    LIST.query(&app, &long).bearer(&root).refused(400, "VALIDATION_ERROR").await;
    LIST.query(&app, &long[..long.len() - 1]).bearer(&root).ok(200).await;
}

#[tokio::test]
async fn all_broken_parameters_are_named_at_once() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    let refused =
        LIST.query(&app, "page=0&limit=1000").bearer(&root).refused(400, "VALIDATION_ERROR").await;
    let rows = refused.body["error"]["details"].as_array().unwrap();
    assert_eq!(
        rows.iter().map(|row| row["field"].as_str().unwrap()).collect::<Vec<_>>(),
        ["page", "limit"]
    );
}

#[tokio::test]
async fn each_status_finds_its_accounts() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    app.register("pending").await.ok(201);
    let (suspended, deleted) =
        (make(&app, "suspended", &[]).await, make(&app, "deleted", &[]).await);
    suspend(&app, &root, &suspended).await;
    delete(&app, &root, &deleted).await;
    for (status, name) in [
        ("active", "root"),
        ("pending", "pending"),
        ("suspended", "suspended"),
        ("deleted", "deleted"),
    ] {
        let list = LIST.query(&app, &format!("status={status}")).bearer(&root).ok(200).await;
        let users = list.body["data"]["users"].as_array().unwrap();
        let found: Vec<_> = users
            .iter()
            .map(|user| (user["username"].as_str().unwrap(), user["status"].as_str().unwrap()))
            .collect();
        assert_eq!(found, [(name, status)]);
    }
}

#[tokio::test]
async fn the_response_has_the_documented_fields_and_no_secret() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    let list = LIST.on(&app).bearer(&root).ok(200).await;
    assert_eq!(keys(&list.body["data"]), "users pagination");
    let fields =
        "id email username firstName lastName status emailVerified lastLogin createdAt roles";
    assert_eq!(keys(&list.body["data"]["users"][0]), fields);
    assert_eq!(
        list.body["data"]["pagination"],
        json!({ "page": 1, "limit": 20, "total": 1, "pages": 1 })
    );
    assert!(!list.text.contains("argon2") && !list.text.contains(PASSWORD), "{}", list.text);
}

/// The names of the accounts that a query finds, page by page as `next` leads.
async fn all(app: &App, root: &Person, query: &str) -> Vec<String> {
    let (mut found, mut after) = (Vec::new(), String::new());
    let query =
        if query.contains("sort=") { query.to_owned() } else { format!("{query}&sort=created") };
    loop {
        let page = LIST.query(app, &format!("{query}&limit=2{after}")).bearer(root).ok(200).await;
        let users = page.body["data"]["users"].as_array().unwrap();
        found.extend(users.iter().map(|user| user["username"].as_str().unwrap().to_owned()));
        match page.body["data"]["pagination"]["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return found,
        }
    }
}

#[tokio::test]
async fn every_filter_and_order_is_followed_to_its_end() {
    let app = app_with("standard", &UNLIMITED).await;
    let root = person(&app, "root", &["admin"]).await;
    for name in ["eve", "dan", "cyd", "bob", "ann"] {
        app.turn_clock(std::time::Duration::from_mins(1));
        make(&app, name, if name == "cyd" { &["moderator"] } else { &[] }).await;
    }
    app.turn_clock(std::time::Duration::from_mins(1));
    app.login("dan", PASSWORD).await.ok(200);
    let everyone = ["root", "eve", "dan", "cyd", "bob", "ann"];
    let backwards: Vec<_> = everyone.iter().rev().copied().collect();
    assert_eq!(all(&app, &root, "page=1").await, everyone);
    assert_eq!(all(&app, &root, "sort=created").await, everyone);
    assert_eq!(all(&app, &root, "sort=-created").await, backwards);
    assert_eq!(all(&app, &root, "sort=email").await, ["ann", "bob", "cyd", "dan", "eve", "root"]);
    assert_eq!(all(&app, &root, "sort=-email").await, ["root", "eve", "dan", "cyd", "bob", "ann"]);
    let by_login = all(&app, &root, "sort=-lastLogin").await;
    assert_eq!((by_login.len(), &by_login[..2]), (6, &["dan".to_owned(), "root".to_owned()][..]));
    assert_eq!(
        all(&app, &root, "neverLoggedIn=true&sort=email").await,
        ["ann", "bob", "cyd", "eve"]
    );
    assert_eq!(all(&app, &root, "role=moderator").await, ["cyd"]);
    assert_eq!(all(&app, &root, "role=user&sort=email&search=e").await.len(), 6);
    assert_eq!(all(&app, &root, "factor=none&status=active&sort=-email").await.len(), 6);
    let mut third = LIST.query(&app, "sort=email&limit=1&page=3").bearer(&root).ok(200).await.body;
    assert_eq!(third["data"]["users"][0]["username"], "cyd");
    assert_eq!(third["data"]["pagination"].take()["total"], 6);
}

/// A filter that few of very many accounts meet is answered with how far it was read.
#[tokio::test]
async fn a_page_looks_at_a_bounded_number_of_accounts_and_says_so() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    app.database().tamper(
        "with recursive n(n) as (select 1 union all select n + 1 from n where n < 12000) \
         insert into accounts (id, number, handle, email, email_key, email_verified_at, credential_version, \
         created_at, updated_at) select 'account-' || n, n + 100, randomblob(32), 'user' || n || '@example.org', \
         'user' || n || '@example.org', 1, 0, n, 1 from n",
    );
    app.database().tamper(
        "insert into factors (id, account_id, kind, name, created_at, confirmed_at) \
         select 'factor-' || number, id, 'totp', 'app', 1, 1 from accounts where number > 100 and number < 11900",
    );
    let query = "factor=none&sort=created&limit=20";
    let first = LIST.query(&app, query).bearer(&root).ok(200).await.body;
    assert_eq!(first["data"]["users"], json!([]));
    let pagination = &first["data"]["pagination"];
    assert_eq!((&pagination["total"], &pagination["more"]), (&json!(0), &json!(true)));
    let (mut page, mut pages) = (first, 1);
    while page["data"]["users"] == json!([]) {
        let next = page["data"]["pagination"]["next"].as_str().unwrap();
        let next = format!("{query}&after={next}");
        page = LIST.query(&app, &next).bearer(&root).ok(200).await.body;
        pages += 1;
    }
    assert_eq!((pages, page["data"]["users"].as_array().unwrap().len()), (3, 20));
}
