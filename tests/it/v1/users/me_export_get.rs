//! `GET /users/me/export`: everything that is stored about the caller, except secrets.

use authd::identity::audit::log;
use authd::identity::audit::log::{AuditFilter, From};
use authd::model::event::What;
use authd::model::{AccountId, Event, Source};
use authd::store::tables::audit;
use poem::Response;
use serde_json::json;

use crate::support::{App, PASSWORD, app, app_with};
use crate::v1::fixture::{HOUR, Operation, Person, Trail, keys, person, person_with_authenticator};

const EXPORT: Operation = Operation("GET", "/users/me/export");

#[tokio::test]
async fn it_requires_fresh_authentication() {
    let app = app_with("standard", &[("tokens.access", "2h")]).await;
    let ada = person(&app, "ada", &[]).await;
    app.turn_clock(HOUR);
    let mut trail = Trail::begin(&app).await;
    EXPORT.on(&app).bearer(&ada).refused(403, "REAUTHENTICATION_REQUIRED").await;
    assert_eq!(trail.left().await, [""; 0]);
}

#[tokio::test]
async fn it_holds_no_secret_of_the_account_and_nothing_of_another() {
    let app = app().await;
    let bob = person(&app, "bob", &[]).await;
    let (ada, phone) = person_with_authenticator(&app, "ada").await;
    let export = EXPORT.on(&app).bearer(&ada).ok(200).await;
    let data = &export.body["data"];
    assert_eq!(
        (data["factors"].as_array().unwrap().len(), &data["backupCodesLeft"]),
        (1, &json!(10))
    );
    assert_eq!(keys(&data["factors"][0]), "name method target createdAt confirmedAt lastUsedAt");
    let secrets = [
        PASSWORD,
        "argon2",
        &ada.access,
        &ada.refresh,
        &phone.backup_codes[0],
        &bob.id,
        "bob@example.com",
    ];
    for secret in secrets {
        assert!(!export.text.contains(secret), "{secret} in {}", export.text);
    }
}

#[tokio::test]
async fn it_is_recorded() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    let mut trail = Trail::begin(&app).await;
    EXPORT.on(&app).bearer(&ada).ok(200).await;
    assert_eq!(trail.left_by(Some(&ada.id), Some(&ada.id)).await, ["exported done"]);
}

/// An export whose response is not read yet.
async fn unread(app: &App, owner: &Person) -> Response {
    let response = app.get("/v1/users/me/export").bearer(owner).send_unread().await;
    assert_eq!(response.status(), 200);
    response
}

#[tokio::test]
async fn an_account_has_one_in_progress_until_the_response_is_read_or_gone() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    let begun = unread(&app, &ada).await;
    let mut trail = Trail::begin(&app).await;
    let refused = EXPORT.on(&app).bearer(&ada).refused(429, "RATE_LIMIT_EXCEEDED").await;
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(trail.left().await, [""; 0]);
    drop(begun);
    let begun = unread(&app, &ada).await;
    begun.into_body().into_bytes().await.unwrap();
    EXPORT.on(&app).bearer(&ada).ok(200).await;
}

#[tokio::test]
async fn two_are_in_progress_for_a_client_network() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    let bob = person(&app, "bob", &[]).await;
    let eve = person(&app, "eve", &[]).await;
    let begun = [unread(&app, &ada).await, unread(&app, &bob).await];
    let refused = EXPORT.on(&app).bearer(&eve).refused(429, "RATE_LIMIT_EXCEEDED").await;
    assert_eq!(refused.header("retry-after"), "1");
    drop(begun);
    EXPORT.on(&app).bearer(&eve).ok(200).await;
}

/// Records this many logins of an account.
async fn record_logins(app: &App, owner: &Person, count: usize) {
    let (env, account) = (app.core.env.clone(), AccountId::new(owner.id.as_str()));
    let write = app.core.store.write(move |db| {
        for number in 0..count {
            let event = Event::done(What::Login).about(&account).because(number.to_string());
            audit::insert(db, &env.new_id()?, env.now(), &event, &Source::command_line())?;
        }
        Ok(())
    });
    write.await.unwrap();
}

#[tokio::test]
async fn it_has_the_newest_ten_thousand_events_in_their_order() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    record_logins(&app, &ada, 10_200).await;
    let export = EXPORT.on(&app).bearer(&ada).ok(200).await;
    let compact = export.body.to_string();
    assert!(export.text == compact, "one document, although it is written in pieces");
    let data = &export.body["data"];
    let names = "exportedAt account sessions clients factors backupCodesLeft passkeys identities files events mails";
    assert_eq!(keys(data), names);
    let about = Some(AccountId::new(ada.id.as_str()));
    let filter = AuditFilter { about, ..AuditFilter::default() };
    let records = log::read(&app.core, &filter, &From::Newest, 10_000).await.unwrap();
    let expected = records.iter().map(|record| (Some(&*record.event), record.detail.as_deref()));
    let events = data["events"].as_array().unwrap();
    assert_eq!((events.len(), &events[0]["event"]), (10_000, &json!("exported")));
    let events = events.iter().map(|event| (event["event"].as_str(), event["detail"].as_str()));
    assert!(events.eq(expected));
}

#[tokio::test]
async fn a_user_agent_takes_at_most_256_bytes_of_it() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    let crabs = |count| "\u{1f980}".repeat(count);
    for (sent, kept) in [
        (crabs(256), crabs(64)),
        (format!("a{}", crabs(256)), format!("a{}", crabs(63))),
        ("a".repeat(257), "a".repeat(256)),
    ] {
        let export = EXPORT.on(&app).bearer(&ada).header("user-agent", &sent).ok(200).await;
        assert_eq!(export.body["data"]["events"][0]["userAgent"], kept);
    }
}
