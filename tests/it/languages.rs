//! The languages of pages, letters and text messages: which one a reader gets, and that each is
//! whole. API responses stay English.

use std::path::Path;
use std::time::Duration;

use authd::mail::Mail;
use authd::model::Page;
use authd::words::{Text, built_in, english, export};
use poem::http::Method;
use serde_json::{Value, json};

use crate::support::{
    App, PASSWORD, UNLIMITED, UNLIMITED_MAIL, app, app_with, registration, token_in,
};

const BROWSER: &str = "text/html";

/// A server without limits on sign-ups and letters.
async fn unlimited(profile: &str, set: &[(&str, &str)]) -> App {
    app_with(profile, &[&UNLIMITED[..], &UNLIMITED_MAIL, set].concat()).await
}

/// The languages, with the text of one key in each.
fn languages() -> Vec<(&'static str, &'static Text)> {
    built_in().map(|words| (words.tag, &words.words.pages.forgot_password.title)).collect()
}

fn escaped(text: &str) -> String {
    let pairs = [("&", "&#38;"), ("<", "&#60;"), (">", "&#62;"), ("\"", "&#34;"), ("'", "&#39;")];
    pairs.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// Signs up with this preference of the browser; returns the letters.
async fn sign_up(app: &App, name: &str, accept: &str, locale: Option<&str>) -> Vec<Mail> {
    let mut body = registration(name);
    if let Some(locale) = locale {
        body["locale"] = json!(locale);
    }
    let call = app.post("/v1/auth/register", &body).header("accept-language", accept);
    call.ok(201).await;
    app.mails().await
}

async fn enter(app: &App, name: &str, accept: &str) -> String {
    let mails = sign_up(app, name, accept, None).await;
    let token = token_in(&mails, "token=");
    app.post("/v1/auth/verify-email", &json!({ "token": token })).ok(200).await;
    app.login(name, PASSWORD).await.tokens().access
}

async fn locale(app: &App, access: &str) -> Value {
    app.get("/v1/users/me").bearer(access).ok(200).await.body["data"]["locale"].clone()
}

/// The languages in which the letters of the outbox are written, oldest first.
fn written(app: &App) -> Vec<String> {
    app.database()
        .texts("select coalesce(locale, '-') from outbox where channel <> 'job' order by id")
}

fn language_of(mail: &Mail) -> String {
    let (_, rest) = mail.html.split_once("<html lang=\"").unwrap();
    rest.split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn every_page_is_whole_in_every_language() {
    let app = unlimited("standard", &[]).await;
    for (tag, title) in languages() {
        for page in Page::ALL {
            for query in ["", "&token=nothing-that-exists"] {
                let path = format!("/v1{}?lang={tag}{query}", page.path());
                let shown = app.get(&path).send().await;
                let direction = format!("<html lang=\"{tag}\" dir=\"ltr\">");
                assert!(shown.text.contains(&direction), "{path}: {}", shown.text);
                let (_, body) = shown.text.split_once("<body>").unwrap();
                assert!(!body.contains(['{', '}']), "{path}: {body}");
            }
        }
        let page = app.get(&format!("/forgot-password?lang={tag}")).ok(200).await;
        assert!(page.text.contains(&format!("<h1>{}</h1>", escaped(title))), "{}", page.text);
        let action = format!("action=\"/forgot-password?lang={tag}\"");
        assert!(page.text.contains(&action), "{}", page.text);
        let front = app.get(&format!("/?lang={tag}")).header("accept", BROWSER).ok(200).await;
        assert!(front.text.contains(&format!("lang=\"{tag}\"")), "{}", front.text);
    }
}

#[tokio::test]
async fn a_page_is_shown_in_the_language_of_the_wish_then_of_the_browser_then_of_the_server() {
    let server = [("language.default", "nl")];
    let app = app_with("standard", &server).await;
    let documents = app_with("standard", &[server[0], ("language.negotiate", "false")]).await;
    for (wish, accept, expected, without_negotiation) in [
        ("de", "fr", "de", "de"),
        ("de-AT", "fr", "de", "de"),
        ("sv", "fr, en", "fr", "nl"),
        ("", "fr;q=0.5, en", "en", "nl"),
        ("", "sv, zh-TW", "nl", "nl"),
        ("", "*", "nl", "nl"),
        ("%00", "", "nl", "nl"),
        ("<script>", "pt-PT", "pt-BR", "nl"),
    ] {
        for (app, expected) in [(&app, expected), (&documents, without_negotiation)] {
            let path = if wish == "<script>" { "%3Cscript%3E" } else { wish };
            let path = format!("/forgot-password?lang={path}");
            let page = app.get(&path).header("accept-language", accept).ok(200).await;
            let lang = format!("<html lang=\"{expected}\"");
            assert!(page.text.contains(&lang), "{wish} {accept}: {}", page.text);
        }
    }
}

#[tokio::test]
async fn a_pressed_button_answers_in_the_language_of_its_page() {
    let app = app().await;
    let call = app.call(Method::POST, "/forgot-password?lang=de");
    let call = call.header("accept-language", "fr");
    let done = call.body("application/x-www-form-urlencoded", "email=nobody").send().await;
    let german = built_in().find(|language| language.tag == "de").unwrap();
    let reason = escaped(&german.problems.no_address);
    assert!(done.status == 400 && done.text.contains(&reason), "{}", done.text);
}

#[tokio::test]
async fn a_letter_is_written_in_the_language_of_the_account_then_of_the_request() {
    let app = unlimited("standard", &[]).await;
    // A sign-up stores the language of the browser, unless it names another one.
    for (name, accept, asked, expected) in [
        ("ada", "de-AT, en;q=0.5", None, "de"),
        ("bob", "de", Some("ja"), "ja"),
        ("cyd", "sv", None, "en"),
        ("dan", "fr", Some("sv"), "fr"),
    ] {
        let mails = sign_up(&app, name, accept, asked).await;
        assert_eq!(language_of(&mails[0]), expected, "{name}");
    }
    // A link in a letter leads to a page in the language of the letter.
    let mails = sign_up(&app, "eve", "it", None).await;
    assert!(mails[0].text.contains("/v1/verify-email?lang=it&token="), "{}", mails[0].text);
    assert_eq!(written(&app), ["de", "ja", "en", "fr", "it"]);
    // What a stranger causes is in the account's language, or the server's, not the stranger's.
    app.database().tamper("update accounts set locale = null, email_verified_at = 1");
    for (path, name, expected) in
        [("/v1/auth/forgot-password", "ada", "pl"), ("/v1/auth/register", "bob", "en")]
    {
        let mut body = registration(name);
        body["username"] = json!("other");
        app.post(path, &body).header("accept-language", "pl").send().await;
        let mails = app.mails().await;
        assert_eq!(language_of(&mails[0]), expected, "{path}: {}", mails[0].text);
    }
}

#[tokio::test]
async fn the_language_of_a_letter_is_decided_when_it_is_stored() {
    let app = unlimited("standard", &[]).await;
    let access = enter(&app, "ada", "de").await;
    assert_eq!(locale(&app, &access).await, "de");
    let change = json!({ "currentPassword": PASSWORD, "newPassword": "N3w!correct horse-staple" });
    app.put("/v1/auth/change-password", &change).bearer(&access).ok(200).await;
    let set = app.put("/v1/users/me", &json!({ "locale": "fr-CA" })).bearer(&access).ok(200).await;
    assert_eq!(set.body["data"]["locale"], "fr-CA");
    let mails = app.mails().await;
    let german = built_in().find(|language| language.tag == "de").unwrap();
    assert_eq!(mails.last().unwrap().subject, german.letters.password_changed.subject("authd"));
    assert_eq!(written(&app).last().unwrap(), "de");
    app.post("/v1/auth/forgot-password", &json!({ "email": "ada@example.com" })).ok(200).await;
    assert_eq!(language_of(&app.mails().await[0]), "fr");
    app.put("/v1/users/me", &json!({ "locale": null })).bearer(&access).ok(200).await;
    assert_eq!(locale(&app, &access).await, Value::Null);
    for bad in [json!("d"), json!("de_DE"), json!(""), json!(7), json!("a".repeat(40))] {
        let refused =
            app.put("/v1/users/me", &json!({ "locale": bad })).bearer(&access).send().await;
        assert_eq!((refused.status.as_u16(), refused.code()), (400, "VALIDATION_ERROR"), "{bad}");
    }
}

#[tokio::test]
async fn an_administrator_sets_the_language_of_an_account() {
    let app = unlimited("standard", &[]).await;
    let (_, admin) = crate::admin::staff(&app, "root", &["admin"]).await;
    let account = json!({ "email": "ada@example.com", "password": PASSWORD, "locale": "es" });
    let made = app.post("/v1/admin/users", &account).bearer(&admin).ok(201).await;
    let path = format!("/v1/admin/users/{}", made.body["data"]["id"].as_str().unwrap());
    assert_eq!(app.get(&path).bearer(&admin).ok(200).await.body["data"]["locale"], "es");
    app.put(&path, &json!({ "locale": "nl" })).bearer(&admin).ok(200).await;
    assert_eq!(app.get(&path).bearer(&admin).ok(200).await.body["data"]["locale"], "nl");
}

#[tokio::test]
async fn under_a_profile_of_a_document_only_an_account_chooses_its_language() {
    for profile in ["siteworks", "jobpath", "jobpsych", "authbackend", "perfect21"] {
        let app = unlimited(profile, &[("apps.required", "false")]).await;
        let mut body = registration("ada");
        body["locale"] = json!("de");
        for (name, locale, expected) in [("ada", Some("de"), "de"), ("bob", None, "en")] {
            let _ = sign_up(&app, name, "fr", locale).await;
            let body = json!({ "email": format!("{name}@example.com") });
            app.post("/v1/auth/forgot-password", &body)
                .header("accept-language", "fr")
                .ok(200)
                .await;
            let mails = app.mails().await;
            let reset = mails.iter().find(|mail| mail.to.contains(name)).unwrap();
            assert_eq!(language_of(reset), expected, "{profile}");
        }
    }
}

#[tokio::test]
async fn api_errors_stay_english() {
    let app = app().await;
    let body = json!({ "email": "ada@example.com", "password": "wrong" });
    let plain = app.post("/v1/auth/login", &body).send().await;
    let german = app.post("/v1/auth/login", &body).header("accept-language", "de").send().await;
    assert_eq!(plain.body["error"]["message"], german.body["error"]["message"]);
    assert_eq!(plain.code(), german.code());
}

#[tokio::test]
async fn own_words_and_templates_take_the_place_of_the_built_in_ones() {
    let folder = tempfile::tempdir().unwrap();
    let write = |file: &str, text: &str| {
        let path = folder.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("words/de.toml", "[pages.forgot_password]\ntitle = \"Kennwort <vergessen>?\"\n");
    write("words/en-XA.toml", &export::export_pseudo());
    write("mail/de/reset_password.txt", "Subject: Nur Deutsch\n\nHier: {{link}}\n");
    write("mail/reset_password.txt", "Subject: {{subject}}\n\nOwn words: {{link}}\n");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let set = [("language.words", &*path("words")), ("mail.templates", &*path("mail"))];
    let app = unlimited("standard", &set).await;

    let page = app.get("/forgot-password?lang=de").ok(200).await;
    assert!(page.text.contains("<h1>Kennwort &#60;vergessen&#62;?</h1>"), "{}", page.text);
    let page = app.get("/forgot-password?lang=en-XA").ok(200).await;
    assert!(page.text.contains("<html lang=\"en-XA\" dir=\"rtl\">"), "{}", page.text);
    let title = "⟦Forgot your password? Forgot your password?⟧";
    assert!(page.text.contains(&format!("<h1>{title}</h1>")), "{}", page.text);

    for (name, accept, subject, text) in [
        ("ada", "de", "Nur Deutsch", "Hier: http"),
        (
            "bob",
            "en-XA",
            "⟦Set a new password for authd Set a new password for⟧",
            "Own words: http",
        ),
        ("cyd", "fr", "Nouveau mot de passe pour authd", "Own words: http"),
    ] {
        enter(&app, name, accept).await;
        app.mails().await;
        let body = json!({ "email": format!("{name}@example.com") });
        app.post("/v1/auth/forgot-password", &body).ok(200).await;
        let letter = app.mails().await.remove(0);
        assert_eq!(letter.subject, subject);
        assert!(letter.text.starts_with(text), "{}", letter.text);
        assert_eq!(language_of(&letter), accept);
    }
}

#[tokio::test]
async fn a_request_with_a_long_list_of_languages_costs_nothing_and_changes_nothing() {
    let app = app().await;
    let long = "sv-SE-x-nothing, ".repeat(400);
    let page = app.get("/forgot-password").header("accept-language", &long).ok(200).await;
    assert!(page.text.contains("<html lang=\"en\""));
    app.turn_clock(Duration::from_secs(1));
}

/// Texts that are rightly the same as the English ones: paths, or a language and a path.
const SAME: &str = include_str!("languages/same.txt");

#[test]
fn no_text_of_a_language_is_left_in_english() {
    let same: Vec<&str> = SAME.lines().filter(|line| !line.starts_with('#')).collect();
    let mut left = Vec::new();
    for language in built_in().filter(|language| language.tag != "en") {
        for path in authd::words::paths() {
            let text = language.get(path).unwrap();
            let named = format!("{} {path}", language.tag);
            if text == english().get(path).unwrap()
                && !same.contains(&path)
                && !same.contains(&&*named)
            {
                left.push(format!("{named}: {text}"));
            }
        }
    }
    assert!(left.is_empty(), "not translated:\n{}", left.join("\n"));
}

#[test]
fn no_text_has_markup_or_a_shape_that_its_language_does_not_write() {
    for language in built_in() {
        for path in authd::words::paths() {
            let text = language.get(path).unwrap().as_str();
            let place = format!("{} {path}: {text}", language.tag);
            assert!(!text.contains(['<', '>', '&', '\n', '\t']), "{place}");
            assert!(
                !text.contains("  ")
                    && (text.trim() == text
                        || path.starts_with("lists.")
                        || path == "numbers.group"),
                "{place}"
            );
            match language.tag {
                // French puts a space before these signs, and it must not end a line.
                "fr" => {
                    assert!(![" ?", " !", " :", " ;"].iter().any(|s| text.contains(s)), "{place}");
                }
                "ja" | "zh-Hans" => {
                    let is_plain = path.starts_with("numbers.")
                        || path.starts_with("language.")
                        || path.starts_with("lists.");
                    let has_ascii = text.chars().zip(text.chars().skip(1)).any(|(before, sign)| {
                        matches!(sign, ',' | '?' | ';' | '!') && !before.is_ascii()
                    });
                    assert!(is_plain || !has_ascii, "{place}");
                }
                _ => {}
            }
        }
    }
}

#[test]
fn the_files_of_words_are_the_languages_and_fit_their_places() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("static/words");
    let mut files = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let problems = authd::words::check::check(&text);
        assert_eq!(problems, [], "{}", path.display());
        files += 1;
    }
    assert_eq!(files, built_in().count());
    let tags: Vec<_> = languages().into_iter().map(|(tag, _)| tag).collect();
    assert_eq!(tags, ["de", "en", "es", "fr", "it", "ja", "nl", "pl", "pt-BR", "zh-Hans"]);
}

#[tokio::test]
async fn the_person_who_proves_an_address_reads_letters_in_their_language() {
    let app = unlimited("standard", &[]).await;
    let sign_up_with = async |password: &str| {
        let body = json!({ "email": "ada@example.com", "password": password });
        app.post("/v1/auth/register", &body).header("accept-language", "ja").ok(201).await;
        token_in(&app.mails().await, "token=")
    };
    sign_up_with(PASSWORD).await;
    let link = sign_up_with("another-horse-staple-8").await;
    let verify = app.post("/v1/auth/verify-email", &json!({ "token": link }));
    verify.header("accept-language", "de").ok(200).await;
    let mails = app.mails().await;
    assert_eq!(language_of(&mails[0]), "de", "the letter to choose a password");
    assert_eq!(app.database().texts("select locale from accounts"), ["de"]);

    let body = json!({ "email": "bob@example.com", "password": PASSWORD });
    app.post("/v1/auth/register", &body).header("accept-language", "ja").ok(201).await;
    app.mails().await;
    let forgot = json!({ "email": "bob@example.com" });
    app.post("/v1/auth/forgot-password", &forgot).ok(200).await;
    let token = token_in(&app.mails().await, "token=");
    let reset = json!({ "token": token, "newPassword": "N3w!correct horse-staple" });
    let reset = app.post("/v1/auth/reset-password", &reset).header("accept-language", "fr");
    reset.ok(200).await;
    assert_eq!(language_of(&app.mails().await[0]), "fr", "the letter about the new password");
    let locale = "select locale from accounts where email_key like 'bob%'";
    assert_eq!(app.database().texts(locale), ["fr"]);
}
