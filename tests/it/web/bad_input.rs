//! What other sites, neighbours and strangers send to the pages: nothing is changed, nothing told.

use poem::http::Method;

use crate::support::{App, PASSWORD, UNLIMITED, app, app_with};
use crate::web::visitor::{FORM, Visitor};

/// Every form of an owner, with fields that would be accepted.
const FORMS: [(&str, &str); 12] = [
    ("/sign-out", ""),
    ("/sign-in/continue", ""),
    ("/account/profile", "first_name=Eve"),
    ("/account/email", "new_email=eve%40example.org"),
    ("/account/password", "current_password=Tr0ub4dor%263-plaice&new_password=N3w%21correct+horse"),
    ("/account/authenticator/new", "device=Eve"),
    ("/account/authenticator/remove", "id=x"),
    ("/account/backup-codes", ""),
    ("/account/sessions/end-others", ""),
    ("/account/data/export", ""),
    ("/account/proof/passkey", "credential=%7B%7D"),
    ("/account/data/delete", "consent=yes"),
];

#[tokio::test]
async fn a_form_of_another_site_changes_nothing() {
    let set = [("server.cors_origins", "https://app.example.com")];
    let app = app_with("standard", &[&UNLIMITED[..], &set[..]].concat()).await;
    let mut ada = Visitor::owner(&app, "ada").await;
    ada.open("/account/profile").await;
    let token = ada.form("/sign-out", &[]);
    let before = app.audit().await.len();
    for (path, fields) in FORMS {
        for (name, value) in [
            ("origin", "https://evil.example"),
            ("origin", "https://app.example.com"),
            ("origin", "null"),
            ("origin", "https://localhost"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ] {
            let call = app.call(Method::POST, path).body(FORM, format!("{token}&{fields}"));
            let cookie = format!("authd={}", ada.cookies["authd"]);
            let answer = call.header("cookie", &cookie).header(name, value).send().await;
            assert_eq!(answer.status, 403, "{path} {name}: {value}");
            assert!(answer.text.contains("Nothing was changed"), "{}", answer.text);
            assert!(!answer.headers.contains_key("set-cookie"), "{path} {name}: {value}");
        }
    }
    assert_eq!(app.audit().await.len(), before);
    ada.open("/account").await;
    assert_eq!(ada.path, "/account");
}

#[tokio::test]
async fn a_form_without_the_token_of_this_browser_changes_nothing() {
    let app = app_with("standard", &UNLIMITED).await;
    let mut ada = Visitor::owner(&app, "ada").await;
    let stranger = Visitor::at(&app, "/sign-in").await;
    let eve = Visitor::owner(&app, "eve").await;
    ada.open("/account").await;
    let own = ada.form("/sign-out", &[]);
    let others = [
        String::new(),
        "form=".to_owned(),
        stranger.form("/sign-in", &[]),
        eve.form("/sign-out", &[]),
        format!("{own}&{own}"),
        own[..own.len() - 1].to_owned(),
    ];
    let before = app.audit().await.len();
    for (path, fields) in FORMS {
        for token in &others {
            let answer = ada.send(Method::POST, path, Some(format!("{token}&{fields}"))).await;
            assert_eq!(answer.status, 403, "{path} {token}");
            assert!(answer.text.contains("Please do that again"), "{}", answer.text);
        }
    }
    assert_eq!(app.audit().await.len(), before);
}

/// Login CSRF: nobody is logged in to an account of someone else's choice.
#[tokio::test]
async fn a_login_that_another_page_begins_is_refused() {
    let app = app().await;
    app.join("eve").await;
    let eve = Visitor::at(&app, "/sign-in").await;
    let fields = [("name", "eve@example.com"), ("password", PASSWORD)];
    let form = eve.form("/sign-in", &fields);
    let call = || app.call(Method::POST, "/sign-in").body(FORM, form.clone());
    let own = "http://localhost";
    assert_eq!(call().header("origin", own).send().await.status, 403, "no cookie");
    let other = call().header("cookie", "authd-visitor=AAAA").header("origin", own).send().await;
    assert_eq!(other.status, 403, "another browser");
    // A cookie that a neighbour planted, beside the browser's own.
    let planted = format!("authd-visitor={}; authd-visitor=BBBB", eve.cookies["authd-visitor"]);
    let twice = call().header("cookie", &planted).header("origin", own).send().await;
    assert_eq!(twice.status, 403);
    let records = app.audit().await;
    assert!(records.iter().all(|line| !line.starts_with("login")), "{records:?}");
}

#[tokio::test]
async fn a_cookie_that_a_sibling_domain_planted_is_not_used() {
    let set = [("server.public_url", "https://auth.example.com")];
    let app = app_with("standard", &set).await;
    app.join("eve").await;
    let access = app.login("eve", PASSWORD).await.tokens();
    assert!(!access.access.is_empty());
    let opened = app.get("/sign-in").set_header("host", "auth.example.com").send().await;
    let visitor = opened.header("set-cookie").split(';').next().unwrap().to_owned();
    let token = crate::web::visitor::hidden_fields(&opened.text, "/sign-in")[0].1.clone();
    let post = |cookie: &str, fields: &str| {
        app.call(Method::POST, "/sign-in")
            .set_header("host", "auth.example.com")
            .header("origin", "https://auth.example.com")
            .header("cookie", cookie)
            .body(FORM, format!("form={token}&{fields}"))
            .send()
    };
    // The names without the prefix, which other hosts can set, mean nothing over HTTPS.
    let bare = visitor.trim_start_matches("__Host-");
    assert_eq!(post(bare, "name=a&password=b").await.status, 403);
    let fields = format!("name=eve%40example.com&password={}", "Tr0ub4dor%263-plaice");
    let entered = post(&visitor, &fields).await;
    assert_eq!(entered.status, 303, "{}", entered.text);
    let session = entered
        .headers
        .get_all("set-cookie")
        .iter()
        .find_map(|line| line.to_str().unwrap().strip_prefix("__Host-authd="))
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let open = |cookie: String| {
        let call = app.get("/account").set_header("host", "auth.example.com");
        call.header("cookie", &cookie).send()
    };
    assert_eq!(open(format!("__Host-authd={session}")).await.status, 200);
    assert_eq!(open(format!("authd={session}")).await.status, 303);
    assert_eq!(open(format!("__Host-authd={session}; __Host-authd=x")).await.status, 303);
}

#[tokio::test]
async fn no_other_page_can_read_or_frame_these() {
    let set = [("server.cors_origins", "https://app.example.com")];
    let app = app_with("standard", &set).await;
    let ada = Visitor::owner(&app, "ada").await;
    let cookie = format!("authd={}", ada.cookies["authd"]);
    for path in ["/account", "/account/record", "/sign-in"] {
        let call = app.get(path).header("cookie", &cookie);
        let answer = call.header("origin", "https://app.example.com").send().await;
        assert_eq!(answer.status, 403, "{path}");
        assert!(!answer.text.contains("ada@example.com") && !answer.text.contains("name=\"form\""));
    }
    for path in ["/account", "/sign-in", "/sign-up", "/nothing"] {
        let answer = app.get(path).header("cookie", &cookie).send().await;
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
        if path == "/nothing" {
            continue;
        }
        assert_eq!(
            answer.header("content-security-policy"),
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; \
             connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; \
             require-trusted-types-for 'script'; trusted-types 'none'",
            "{path}"
        );
        assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin");
        assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin");
    }
}

#[tokio::test]
async fn a_foreign_return_to_is_refused_in_every_spelling() {
    let set = [("pages.return_to", "https://app.example.com/in")];
    let app = app_with("standard", &[&UNLIMITED[..], &set[..]].concat()).await;
    app.join("ada").await;
    for target in [
        "https://evil.example",
        "https://app.example.com/",
        "https://app.example.com/in/",
        "https://app.example.com/in?x",
        "https://app.example.com/in#x",
        "https://app.example.com/in/../in",
        "https://APP.example.com/in",
        "HTTPS://app.example.com/in",
        "https://app.example.com:443/in",
        "https://app.example.com./in",
        "https://app.example.com@evil.example/in",
        "https://u:p@app.example.com/in",
        "https://app.example.com\\@evil.example/in",
        "https:\\\\app.example.com\\in",
        "//app.example.com/in",
        "///app.example.com/in",
        "/\\evil.example",
        "https:app.example.com/in",
        "http://app.example.com/in",
        "javascript:alert(1)",
        "data:text/html,x",
        " https://app.example.com/in",
        "https://app.example.com/in\r\nSet-Cookie: a=b",
        "https://app.example.com/%69n",
        "https%3A%2F%2Fapp.example.com%2Fin",
        "/account/../sign-in",
        "/account/nothing",
        "//evil.example/account",
    ] {
        let encoded = authd::model::percent::encode(target);
        for path in ["/sign-in", "/sign-up", "/sign-in/factor", "/sign-up/done"] {
            let opened = app.get(&format!("{path}?return_to={encoded}")).send().await;
            assert_eq!(opened.status, 400, "{path} {target}");
            assert!(opened.text.contains("This link leads nowhere"), "{}", opened.text);
        }
        let mut ada = Visitor::at(&app, "/sign-in").await;
        let form = ada.form(
            "/sign-in",
            &[("name", "ada@example.com"), ("password", PASSWORD), ("return_to", target)],
        );
        let answer = ada.send(Method::POST, "/sign-in", Some(form)).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (400, ""), "{target}");
    }
    let twice = "/sign-in?return_to=%2Faccount&return_to=%2Faccount";
    assert_eq!(app.get(twice).send().await.status, 400);
    assert_eq!(app.get("/sign-in?return_to=%zz").send().await.status, 400);
    let sessions = app.records().await;
    assert!(sessions.iter().all(|record| record.event != "login"), "none of them logged in");
}

#[tokio::test]
async fn names_full_of_markup_are_shown_as_they_are() {
    const NAME: &str = "<script>alert(1)</script>\"'&{{x}}";
    let shown = "&#60;script&#62;alert(1)&#60;/script&#62;&#34;&#39;&#38;{{x}}";
    let app = app().await;
    let mut ada = Visitor::owner(&app, "ada").await;
    ada.open("/account/profile").await;
    ada.submit("/account/profile", &[("first_name", NAME), ("last_name", NAME)]).await;
    ada.sees(&format!("value=\"{shown}\""));
    ada.open("/account").await;
    ada.sees(&format!("{shown} {shown}"));
    ada.open("/account/authenticator").await;
    ada.submit("/account/authenticator/new", &[("device", NAME)]).await;
    assert_eq!(ada.page.status, 200);
    for field in ["name", "password", "return_to", "form"] {
        let mut eve = Visitor::at(&app, "/sign-in").await;
        eve.submit("/sign-in", &[("name", NAME), ("password", NAME), (field, NAME)]).await;
        assert!(!eve.page.text.contains("<script>alert"), "{field}: {}", eve.page.text);
    }
    let agent = "<img src=x onerror=alert(1)> Firefox";
    let login = serde_json::json!({ "email": "ada@example.com", "password": PASSWORD });
    app.post("/v1/auth/login", &login).header("user-agent", agent).ok(200).await;
    for path in ["/account/sessions", "/account/record"] {
        ada.open(path).await;
        ada.sees("Firefox");
        assert!(!ada.page.text.contains("<img src=x"), "{path}");
    }
    let query = "/account/record?before=%3Cscript%3E";
    ada.open(query).await;
    assert_eq!(ada.page.status, 200);
    assert!(!ada.page.text.contains("<script>"));
}

/// The answer to a form, without what differs from browser to browser.
async fn answer(app: &App, path: &str, fields: &[(&str, &str)]) -> (u16, String, String) {
    let mut visitor = Visitor::at(app, path).await;
    let token = visitor.form(path, &[]);
    let token = token.trim_start_matches("form=");
    let form = visitor.form(path, fields);
    let answer = visitor.send(Method::POST, path, Some(form)).await;
    let text = answer.text.replace(token, "TOKEN");
    (answer.status.as_u16(), answer.header("location").to_owned(), text)
}

#[tokio::test]
async fn nothing_tells_who_has_an_account() {
    let app = app_with("standard", &UNLIMITED).await;
    app.join("ada").await;
    app.register("bob").await;
    app.mails().await;
    let sign_in = |name: &str| {
        let email = format!("{name}@example.com");
        let app = &app;
        async move {
            let fields = [("name", email.as_str()), ("password", "a wrong password")];
            let (status, place, text) = answer(app, "/sign-in", &fields).await;
            (status, place, text.replace(&email, "EMAIL"))
        }
    };
    let unknown = sign_in("nobody").await;
    assert_eq!(unknown.0, 401);
    assert_eq!(sign_in("ada").await, unknown);
    assert_eq!(sign_in("bob").await, unknown);
    let sign_up = |name: &str| {
        let email = format!("{name}@example.com");
        let app = &app;
        async move {
            let fields = [("email", email.as_str()), ("new_password", PASSWORD)];
            answer(app, "/sign-up", &fields).await
        }
    };
    let free = sign_up("carol").await;
    assert_eq!((free.0, free.1.as_str()), (303, "/sign-up/done"));
    assert_eq!(sign_up("ada").await, free);
    assert_eq!(sign_up("bob").await, free);
}

#[tokio::test]
async fn limits_are_those_of_the_api_and_are_said_on_the_page() {
    let app = app_with("standard", &[("limits.sign_in.count", "3")]).await;
    app.join("ada").await;
    for _ in 0..3 {
        app.login("ada", "wrong").await;
    }
    let mut ada = Visitor::at(&app, "/sign-in").await;
    ada.sign_in("ada", PASSWORD).await;
    assert_eq!(ada.page.status, 429);
    assert!(!ada.page.header("retry-after").is_empty());
    ada.sees("Too many attempts");
    ada.sees("value=\"ada@example.com\"");
    let general = app_with("standard", &[("limits.general.count", "2")]).await;
    general.get("/sign-in").send().await;
    general.get("/sign-in").send().await;
    let refused = general.get("/sign-in").send().await;
    assert_eq!(refused.status, 429);
    assert!(refused.text.contains("<h1>Too many attempts</h1>"), "{}", refused.text);
}

#[tokio::test]
async fn bodies_that_are_no_forms_are_refused() {
    let app = app_with("standard", &UNLIMITED).await;
    let ada = Visitor::at(&app, "/sign-in").await;
    let token = ada.form("/sign-in", &[]);
    let cookie = format!("authd-visitor={}", ada.cookies["authd-visitor"]);
    for (body, status) in [
        (format!("{token}&name=%ff&password=x").into_bytes(), 400),
        (format!("{token}&name=a&name=b&password=x").into_bytes(), 400),
        (b"form=\xff".to_vec(), 400),
        (vec![b'a'; 70_000], 413),
        (format!("{token}&name={}&password=x", "a".repeat(60_000)).into_bytes(), 400),
    ] {
        let call = app.call(Method::POST, "/sign-in").body(FORM, body);
        let call = call.header("cookie", &cookie).header("origin", "http://localhost");
        assert_eq!(call.send().await.status, status);
    }
}

#[tokio::test]
async fn a_name_that_no_account_can_have_is_refused_before_anything_is_looked_up() {
    let app = app_with("standard", &UNLIMITED).await;
    let mut ada = Visitor::at(&app, "/sign-in").await;
    let before = app.database().texts("select count(*) || '' from attempts");
    let name = "a".repeat(256);
    ada.submit("/sign-in", &[("name", &name), ("password", PASSWORD)]).await;
    assert_eq!(ada.page.status, 400);
    ada.sees("Too long: at most 255 characters");
    assert_eq!(app.database().texts("select count(*) || '' from attempts"), before);
}

#[tokio::test]
async fn a_passkeys_name_is_checked_with_the_key_and_with_a_new_name() {
    let app = app_with("standard", &UNLIMITED).await;
    let access = app.enter("ada").await.access;
    let mut device = crate::authenticator::Device::new();
    let key = crate::passkeys::add(&app, &access, &mut device, "passkey").await;
    let id = key["passkey"]["id"].as_str().unwrap().to_owned();
    let mut ada = Visitor::known(&app, "ada").await;
    let too_long = "x".repeat(101);
    for (bad, reason) in [
        (too_long.as_str(), "Too long: at most 100"),
        ("a\nb", "Please check this value."),
        ("a\u{0}b", "Please check this value."),
    ] {
        ada.open("/account/passkeys").await;
        ada.submit("/account/passkeys/new", &[("name", bad), ("kind", "passkey")]).await;
        assert_eq!(ada.page.status, 400, "{bad:?}");
        let form = ada.form("/account/passkeys/new", &[("name", bad), ("credential", "{}")]);
        let answer = ada.send(Method::POST, "/account/passkeys", Some(form)).await;
        assert!(answer.text.contains(reason), "{bad:?}: {}", answer.text);
        let form = ada.form("/account/passkeys/new", &[("id", &id), ("name", bad)]);
        ada.send(Method::POST, "/account/passkeys/rename", Some(form)).await;
        let renamed = app.call(Method::PATCH, &format!("/v1/users/me/passkeys/{id}"));
        let renamed =
            renamed.json(&serde_json::json!({ "name": bad })).bearer(&access).send().await;
        assert_eq!(renamed.status, 400, "{bad:?}: {}", renamed.text);
    }
    let names = app.database().texts("select name from passkeys");
    assert_eq!(names.len(), 1);
    assert!(names[0].chars().count() < 101 && !names[0].contains('\n'), "{names:?}");
}
