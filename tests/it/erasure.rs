//! The data left after an account is erased identifies no person.

use std::time::Duration;

use authd::identity::admin::accounts;
use authd::identity::system::cleanup;
use poem::http::Method;
use serde_json::{Value, json};

use authd::store::Value as Cell;
use authd::store::tables::erasure;

use crate::admin::staff;
use crate::support::{Answer, App, Call, PASSWORD, Tokens, app, token_in};

const DAY: Duration = Duration::from_hours(24);
const EMAIL: &str = "countess@example.com";
const HOME: &str = "203.0.113.77";
const AGENT: &str = "Analytical/1.0";
/// Personal data of the test account, wherever it is stored.
const TRACES: [&str; 7] =
    ["countess", "Augusta", "Lovelace", "+491701234567", HOME, AGENT, "the-request"];

/// Every place in the file that contains one of these words: `table.column: word`.
fn places(app: &App, words: &[&str]) -> Vec<String> {
    let file = app.database();
    let tables = file.tables();
    assert!(tables.len() > 20, "{tables:?}");
    let address: Vec<u8> = HOME.split('.').map(|part| part.parse().unwrap()).collect();
    let mut found = Vec::new();
    for table in tables {
        let all = file.query(&format!("select * from {table}"));
        for (column, cell) in
            all.rows.into_iter().flat_map(|row| all.columns.iter().zip(row).collect::<Vec<_>>())
        {
            let bytes = match cell {
                Cell::Text(text) => text.into_bytes(),
                Cell::Bytes(bytes) => bytes,
                Cell::Null | Cell::Int(_) => continue,
            };
            let text = String::from_utf8_lossy(&bytes).to_lowercase();
            let named = words.iter().filter(|word| text.contains(&word.to_lowercase()));
            found.extend(named.map(|word| format!("{table}.{column}: {word}")));
            if words.contains(&HOME) && bytes == address {
                found.push(format!("{table}.{column}: {HOME}"));
            }
        }
    }
    found
}

fn from_home(call: Call<'_>) -> Call<'_> {
    call.from(HOME).header("user-agent", AGENT).header("x-request-id", "the-request")
}

async fn sign_up(app: &App) -> Answer {
    let body = json!({
        "email": EMAIL, "username": "countess", "password": PASSWORD, "firstName": "Augusta", "lastName": "Lovelace",
    });
    from_home(app.post("/v1/auth/register", &body)).send().await
}

async fn log_in(app: &App, password: &str) -> Answer {
    from_home(app.post("/v1/auth/login", &json!({ "email": EMAIL, "password": password })))
        .send()
        .await
}

/// An account with some activity.
async fn lived(app: &App) -> Tokens {
    assert_eq!(sign_up(app).await.status, 201);
    let token = token_in(&app.mails().await, "verify-email?token=");
    let proved =
        from_home(app.post("/v1/auth/verify-email", &json!({ "token": token }))).send().await;
    assert_eq!(proved.status, 200, "{}", proved.text);
    log_in(app, "a wrong password").await;
    let tokens = log_in(app, PASSWORD).await.tokens();
    let phone = json!({ "phone": "+491701234567" });
    assert_eq!(
        from_home(app.put("/v1/users/me", &phone).bearer(&tokens.access)).send().await.status,
        200
    );
    let change = json!({ "currentPassword": PASSWORD, "newPassword": "another long passphrase" });
    let changed = app.put("/v1/auth/change-password", &change).bearer(&tokens.access);
    assert_eq!(from_home(changed).send().await.status, 200);
    let refreshed =
        from_home(app.post("/v1/auth/refresh", &json!({ "refreshToken": tokens.refresh })))
            .send()
            .await;
    refreshed.tokens()
}

fn events_about(app: &App, id: &str) -> i64 {
    app.database().number(&format!("select count(*) from audit where account_id = '{id}'"))
}

#[tokio::test]
async fn nothing_identifies_a_person_thirty_days_after_the_deletion() {
    let app = app().await;
    let tokens = lived(&app).await;
    let me: Value = app.get("/v1/users/me").bearer(&tokens.access).send().await.body;
    let id = me["data"]["id"].as_str().unwrap().to_owned();
    let gone =
        from_home(app.call(Method::DELETE, "/v1/users/me").bearer(&tokens.access)).send().await;
    assert_eq!(gone.status, 200, "{}", gone.text);
    // Without a mail server, the last letters would stay in the outbox permanently.
    app.turn_clock(29 * DAY);
    cleanup::purge(&app.core).await.unwrap();
    let before = places(&app, &TRACES);
    for place in
        ["accounts.email: countess", "outbox.recipient: countess", "audit.client_ip: 203.0.113.77"]
    {
        assert!(before.iter().any(|found| found == place), "{place}: {before:?}");
    }
    let events = events_about(&app, &id);
    assert!(events > 5);
    app.turn_clock(DAY);
    cleanup::purge(&app.core).await.unwrap();
    assert_eq!(places(&app, &TRACES), Vec::<String>::new());
    assert_eq!(events_about(&app, &id), events, "what happened stays, under a pseudonym");
}

#[tokio::test]
async fn an_unproved_account_goes_at_once_and_its_traces_in_the_log_with_the_time_of_hidden_ones() {
    let app = app().await;
    let (_, root) = staff(&app, "root", &["admin"]).await;
    assert_eq!(sign_up(&app).await.status, 201);
    let id = accounts::find(&app.core, EMAIL).await.unwrap().account.id.to_string();
    let path = format!("/v1/admin/users/{id}");
    let from_desk = app.call(Method::DELETE, &path).bearer(&root).from("198.51.100.9");
    assert_eq!(from_desk.send().await.status, 200);
    let names = ["countess", "Augusta", "Lovelace"];
    assert_eq!(places(&app, &names), Vec::<String>::new());
    assert_eq!(
        places(&app, &[HOME]),
        ["audit.client_ip: 203.0.113.77"],
        "the traces are not deleted at once"
    );
    app.turn_clock(30 * DAY);
    cleanup::purge(&app.core).await.unwrap();
    assert_eq!(places(&app, &TRACES), Vec::<String>::new());
    assert_eq!(
        places(&app, &["198.51.100.9"]),
        ["audit.client_ip: 198.51.100.9"],
        "who deleted it stays on record"
    );
}

#[tokio::test]
async fn a_deletion_is_looked_at_once_and_again_if_the_clock_was_wrong() {
    let app = app().await;
    let (_, root) = staff(&app, "root", &["admin"]).await;
    assert_eq!(sign_up(&app).await.status, 201);
    let id = accounts::find(&app.core, EMAIL).await.unwrap().account.id.to_string();
    let gone = app.call(Method::DELETE, &format!("/v1/admin/users/{id}")).bearer(&root);
    assert_eq!(gone.send().await.status, 200);
    app.turn_clock(30 * DAY);
    let now = app.core.env.now();
    let due = async |until| {
        app.core.store.read(move |db| erasure::due_to_blank(db, until)).await.unwrap()
    };
    assert_eq!(due(now).await, [id.as_str()]);
    cleanup::purge(&app.core).await.unwrap();
    assert!(due(now - 30 * DAY).await.is_empty());
    // The last cleanup believed that it was years later.
    let late = now + 4000 * DAY;
    app.core.store.write(move |db| erasure::note_blanked(db, late)).await.unwrap();
    assert_eq!(due(now).await, [id.as_str()]);
}

#[tokio::test]
async fn a_sign_up_that_was_disowned_leaves_nothing_after_the_time_of_hidden_accounts() {
    let app = app().await;
    assert_eq!(sign_up(&app).await.status, 201);
    let token = token_in(&app.mails().await, "verify-email?token=");
    let disowned = from_home(app.post("/v1/auth/verify-email/disown", &json!({ "token": token })))
        .send()
        .await;
    assert_eq!(disowned.status, 200, "{}", disowned.text);
    app.turn_clock(29 * DAY);
    cleanup::purge(&app.core).await.unwrap();
    assert!(
        places(&app, &[HOME]).contains(&"audit.client_ip: 203.0.113.77".to_owned()),
        "the traces are not deleted at once"
    );
    app.turn_clock(DAY);
    cleanup::purge(&app.core).await.unwrap();
    assert_eq!(places(&app, &TRACES), Vec::<String>::new());
}

#[tokio::test]
async fn an_unverified_holder_of_an_address_leaves_nothing_after_another_proved_it() {
    let app = app().await;
    assert_eq!(sign_up(&app).await.status, 201);
    app.mails().await;
    let access = app.enter("ada").await.access;
    let asked =
        app.post("/v1/users/me/email", &json!({ "newEmail": EMAIL })).bearer(&access).send().await;
    assert_eq!(asked.status, 200, "{}", asked.text);
    let token = token_in(&app.mails().await, "/v1/confirm-email?token=");
    assert_eq!(
        app.post("/v1/auth/confirm-email", &json!({ "token": token })).send().await.status,
        200
    );
    assert!(app.audit().await.contains(&"deleted done address_proved_by_another".to_owned()));
    app.turn_clock(30 * DAY);
    cleanup::purge(&app.core).await.unwrap();
    assert_eq!(places(&app, &[HOME, AGENT, "the-request", "Augusta"]), Vec::<String>::new());
}

#[tokio::test]
async fn an_account_not_verified_in_time_leaves_nothing() {
    let app = app().await;
    assert_eq!(sign_up(&app).await.status, 201);
    app.mails().await;
    app.turn_clock(8 * DAY);
    cleanup::purge(&app.core).await.unwrap();
    assert_eq!(places(&app, &TRACES), Vec::<String>::new());
}
