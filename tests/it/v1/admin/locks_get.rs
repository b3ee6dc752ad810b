//! `GET /admin/locks`: the accounts that are locked out now.

use serde_json::json;

use crate::support::{UNLIMITED, app_with};
use crate::v1::fixture::{HOUR, Operation, person};

const LOCKS: Operation = Operation("GET", "/admin/locks");

#[tokio::test]
async fn a_locked_account_is_listed_until_it_is_unlocked_or_the_lock_ends() {
    let set = [&UNLIMITED[..], &[("lockout.enabled", "true"), ("throttle.enabled", "false")]];
    let app = app_with("standard", &set.concat()).await;
    let root = person(&app, "root", &["admin"]).await;
    let (ada, bob) = (person(&app, "ada", &[]).await, person(&app, "bob", &[]).await);
    let empty = LOCKS.on(&app).bearer(&root).ok(200).await;
    assert_eq!(empty.body["data"], json!([]));
    for name in ["ada", "bob", "nobody"] {
        for _ in 0..5 {
            app.login(name, "a wrong passphrase").await;
        }
    }
    let found = LOCKS.on(&app).bearer(&root).ok(200).await;
    let data = found.body["data"].as_array().unwrap();
    let ids: Vec<_> = data.iter().map(|one| one["userId"].as_str().unwrap()).collect();
    assert_eq!(ids, [&bob.id, &ada.id], "the last one first: {data:?}");
    assert_eq!(data[0]["lock"], json!(["locked_out"]));
    assert!(data[0]["until"].as_str().unwrap().starts_with("2027-01-15T08:30:0"), "{data:?}");
    let unlock = format!("/v1/admin/users/{}/unlock", ada.id);
    app.post(&unlock, &json!(null)).bearer(&root).ok(200).await;
    let found = LOCKS.on(&app).bearer(&root).ok(200).await;
    assert_eq!(found.body["data"].as_array().unwrap().len(), 1);
    app.turn_clock(HOUR / 2);
    let root = app.login("root", crate::support::PASSWORD).await.tokens().access;
    let found = LOCKS.on(&app).bearer(&root).ok(200).await;
    assert_eq!(found.body["data"], json!([]), "the lock has ended");
}
