//! `GET /admin/letters/{letter}`: a letter as its reader sees it.

use crate::support::{app, app_on};
use crate::v1::fixture::{Operation, person};

const PREVIEW: Operation = Operation("GET", "/admin/letters/{letter}");

#[tokio::test]
async fn every_letter_is_shown_in_every_language_without_a_link_that_works() {
    let app = app().await;
    let root = person(&app, "root", &["admin"]).await;
    let all = app.get("/v1/admin/letters").bearer(&root).ok(200).await.body["data"].clone();
    let mut subjects = std::collections::BTreeSet::new();
    for letter in all["letters"].as_array().unwrap() {
        for language in all["languages"].as_array().unwrap() {
            let (letter, language) = (letter.as_str().unwrap(), language.as_str().unwrap());
            let path = format!("/v1/admin/letters/{letter}?language={language}");
            let data = app.get(&path).bearer(&root).ok(200).await.body["data"].clone();
            let html = data["html"].as_str().unwrap();
            assert!(html.contains(&format!("lang=\"{language}\"")), "{letter} {language}");
            assert!(!html.contains("{{") && !data["text"].as_str().unwrap().is_empty());
            subjects.insert(data["subject"].as_str().unwrap().to_owned());
        }
    }
    assert!(subjects.len() > 150, "{}", subjects.len());
    PREVIEW.at(&app, &["nothing"]).bearer(&root).refused(404, "NOT_FOUND").await;
    let path = "/v1/admin/letters/alert?language=xx";
    app.get(path).bearer(&root).refused(404, "NOT_FOUND").await;
}

#[tokio::test]
async fn a_template_of_the_operator_is_shown() {
    let place = tempfile::tempdir().unwrap();
    let text = "Subject: Ours\n\nHello from {{service}}, until {{until}}: {{code}}\n";
    std::fs::write(place.path().join("one_time_code.txt"), text).unwrap();
    let folder = place.path().to_str().unwrap();
    let app = app_on(&[("mail.templates", folder)], crate::support::START, |_| {}).await;
    let root = person(&app, "root", &["admin"]).await;
    let found = PREVIEW.at(&app, &["one_time_code"]).bearer(&root).ok(200).await;
    assert_eq!(found.body["data"]["subject"], "Ours");
    assert!(found.body["data"]["text"].as_str().unwrap().contains("123456"), "{}", found.text);
}
