//! `GET /users/me/files`: the caller's files.

use crate::support::app;
use crate::v1::fixture::{MINUTE, Operation, Trail, keys, person, upload_pdf};

const LIST: Operation = Operation("GET", "/users/me/files");

#[tokio::test]
async fn the_callers_files_are_listed_newest_first_without_their_content() {
    let app = app().await;
    let (ada, bob) = (person(&app, "ada", &[]).await, person(&app, "bob", &[]).await);
    upload_pdf(&app, &bob, "bob.pdf").await;
    for name in ["one.pdf", "two.pdf"] {
        upload_pdf(&app, &ada, name).await;
        app.turn_clock(MINUTE);
    }
    let mut trail = Trail::begin(&app).await;
    let list = LIST.on(&app).bearer(&ada).ok(200).await;
    let files = list.body["data"].as_array().unwrap();
    assert_eq!(
        files.iter().map(|file| file["name"].as_str().unwrap()).collect::<Vec<_>>(),
        ["two.pdf", "one.pdf"]
    );
    assert_eq!(keys(&files[0]), "id name size type uploadedAt");
    assert!(!list.text.contains("%PDF"), "{}", list.text);
    assert_eq!(trail.left().await, [""; 0]);
}
