//! `GET /admin/letters`: the letters and their languages.

use crate::support::app;
use crate::v1::fixture::{Operation, keys, person};

const LETTERS: Operation = Operation("GET", "/admin/letters");

#[tokio::test]
async fn all_letters_and_languages_are_named() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    let found = LETTERS.on(&app).bearer(&root).ok(200).await;
    let data = &found.body["data"];
    assert_eq!(keys(data), "letters languages");
    let has = |list: &str, name: &str| {
        data[list].as_array().unwrap().iter().any(|one| one.as_str() == Some(name))
    };
    assert!(has("letters", "verify_email") && has("letters", "alert"), "{data}");
    assert!(has("languages", "de") && has("languages", "zh-Hans"), "{data}");
}
