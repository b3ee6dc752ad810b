//! The account pages, without JavaScript.

use std::time::Duration;

use authd::identity::admin::accounts;
use poem::http::Method;

use crate::authenticator::Device;
use crate::passkeys;
use crate::support::{App, PASSWORD, app, app_with, token_in};
use crate::web::visitor::{Visitor, hidden_fields};

const NEW: &str = "N3w!correct horse-staple";

/// An authenticator app.
pub struct Phone {
    totp: totp_rs::Totp,
    pub backup_codes: Vec<String>,
}

impl Phone {
    pub fn code(&self, app: &App) -> String {
        let now = u64::try_from(app.core.env.wall().seconds()).unwrap();
        self.totp.generate(now).to_string()
    }
}

/// Sets up an authenticator app on the page.
pub async fn turn_on_second_step(app: &App, owner: &mut Visitor<'_>) -> Phone {
    owner.open("/account/authenticator").await;
    owner.submit("/account/authenticator/new", &[("device", "Phone")]).await;
    let page = owner.page.text.clone();
    assert!(page.contains("src=\"data:image/png;base64,"), "{page}");
    let secret = page.split("id=\"secret\">").nth(1).unwrap().split('<').next().unwrap();
    let secret = totp_rs::Secret::try_from_base32(secret).unwrap();
    let codes = page.split("class=\"codes\"").nth(1).unwrap().split("</ul>").next().unwrap();
    let backup_codes =
        codes.split("<li>").skip(1).map(|code| code.split('<').next().unwrap().into()).collect();
    let totp = totp_rs::Builder::new().with_secret(secret).build().unwrap();
    let phone = Phone { totp, backup_codes };
    owner.submit("/account/authenticator/confirm", &[("code", "000000")]).await;
    assert_eq!(owner.page.status, 400);
    assert!(!owner.page.text.contains("id=\"secret\""), "secrets are shown only once");
    owner.submit("/account/authenticator/confirm", &[("code", &phone.code(app))]).await;
    owner.sees("Your second step is on.");
    phone
}

#[tokio::test]
async fn every_page_of_the_account_opens_and_marks_its_place() {
    let app = app().await;
    let mut ada = Visitor::owner(&app, "ada").await;
    for (path, title) in [
        ("/account", "Your account"),
        ("/account/profile", "Profile"),
        ("/account/email", "Email address"),
        ("/account/password", "Password"),
        ("/account/passkeys", "Passkeys"),
        ("/account/authenticator", "Two-step sign-in"),
        ("/account/sessions", "Devices"),
        ("/account/record", "Security record"),
        ("/account/data", "Your data"),
    ] {
        ada.open(path).await;
        assert_eq!(ada.page.status, 200, "{path}");
        ada.sees(&format!("<h1>{title}</h1>"));
        ada.sees(&format!("<a href=\"{path}\" aria-current=\"page\">{title}</a>"));
        assert_eq!(ada.page.header("cache-control"), "no-store");
    }
    ada.open("/.well-known/change-password").await;
    assert_eq!(ada.path, "/account/password");
}

#[tokio::test]
async fn a_password_manager_that_asks_without_a_session_gets_to_the_password_after_a_login() {
    let app = app().await;
    app.join("ada").await;
    let mut ada = Visitor::at(&app, "/.well-known/change-password").await;
    assert_eq!(ada.page.status, 200, "{}", ada.page.text);
    assert_eq!(ada.path, "/sign-in");
    ada.sign_in("ada", PASSWORD).await;
    assert_eq!(ada.path, "/account/password");
}

#[tokio::test]
async fn a_name_that_cannot_be_given_is_refused_where_it_was_typed() {
    let app = app().await;
    let access = app.enter("ada").await.access;
    passkeys::add(&app, &access, &mut Device::new(), "passkey").await;
    let mut ada = Visitor::known(&app, "ada").await;
    let too_long = "x".repeat(101);
    let names = [
        (" ", "Please fill in this field."),
        ("My\tkey", "Please check this value."),
        (too_long.as_str(), "Too long: at most 100 characters"),
    ];
    for (name, reason) in names {
        ada.open("/account/passkeys").await;
        ada.submit("/account/passkeys/rename", &[("name", name)]).await;
        assert_eq!(ada.page.status, 400, "{name:?}");
        ada.sees("<h1>Passkeys</h1>");
        let form = ada.page.text.split("<details open>").nth(1).unwrap().split("</form>").next();
        let typed = format!("value=\"{}\"", name.trim());
        assert!(form.unwrap().contains(reason) && form.unwrap().contains(&typed), "{form:?}");
    }
    for (page, action, field) in [
        ("/account/passkeys", "/account/passkeys/new", "name"),
        ("/account/authenticator", "/account/authenticator/new", "device"),
    ] {
        for (name, reason) in &names[1..] {
            ada.open(page).await;
            ada.submit(action, &[(field, name)]).await;
            assert_eq!(ada.page.status, 400, "{action} {name:?}");
            ada.sees(&format!("id=\"{field}-reason\">{reason}</p>"));
        }
    }
    ada.open("/account/passkeys").await;
    let form = ada.form("/account/passkeys/rename", &[("name", "")]);
    let form = form.replace("&id=", "&id=un");
    let unknown = ada.send(Method::POST, "/account/passkeys/rename", Some(form)).await;
    assert_eq!(unknown.status, 404, "{}", unknown.text);
}

#[tokio::test]
async fn each_link_of_the_overview_says_where_it_leads() {
    let app = app().await;
    let mut ada = Visitor::owner(&app, "ada").await;
    ada.open("/account").await;
    let tiles = ada.page.text.split("class=\"tiles\"").nth(1).unwrap();
    let links = tiles.split("</main>").next().unwrap().split("<a href=\"").skip(1);
    let links: Vec<_> =
        links.map(|link| link.split("</a>").next().unwrap().split_once("\">").unwrap()).collect();
    assert_eq!(
        links,
        [
            ("/account/profile", "Change profile"),
            ("/account/email", "Change email address"),
            ("/account/password", "Change password"),
            ("/account/passkeys", "Manage passkeys"),
            ("/account/authenticator", "Manage two-step sign-in"),
            ("/account/sessions", "View devices"),
            ("/account/record", "View security record"),
            ("/account/data", "Download or delete your data"),
        ]
    );
}

/// The list of a page with each name and id replaced, and the page that asks before a removal.
async fn removal(ada: &mut Visitor<'_>, page: &str, name: &str) -> [String; 2] {
    ada.open(page).await;
    let list = ada.page.text.split("class=\"list\"").nth(1).unwrap().split("</ul>").next().unwrap();
    let start = format!("href=\"{page}/remove?id=");
    let (_, link) = list.split_once(&start).unwrap_or_else(|| panic!("{list}"));
    let (id, link) = link.split_once('"').unwrap();
    let id = &id.to_owned();
    let link = link.split("</a>").next().unwrap().replace(name, "NAME");
    ada.open(&format!("{page}/remove?id={id}")).await;
    let asked = ada.page.text.split("class=\"box\"").nth(1).unwrap().split("</section>").next();
    let form = &hidden_fields(&ada.page.text, &format!("{page}/remove"))[0].1;
    let asked = asked.unwrap().replace(id, "ID").replace(page, "PAGE").replace(form, "FORM");
    [link, asked]
}

#[tokio::test]
async fn keys_and_devices_are_removed_in_the_same_words() {
    let app = app().await;
    let access = app.enter("ada").await.access;
    let mut device = Device::new();
    let made = passkeys::add(&app, &access, &mut device, "passkey").await;
    let mut ada = Visitor::known(&app, "ada").await;
    turn_on_second_step(&app, &mut ada).await;
    let phone = removal(&mut ada, "/account/authenticator", "Phone").await;
    let key =
        removal(&mut ada, "/account/passkeys", made["passkey"]["name"].as_str().unwrap()).await;
    assert_eq!(phone, key);
    assert!(phone[1].contains("<button class=\"risk\">Remove</button>"), "{}", phone[1]);
}

#[tokio::test]
async fn a_profile_is_saved_and_shown() {
    let app = app().await;
    let mut ada = Visitor::owner(&app, "ada").await;
    ada.open("/account/profile").await;
    ada.sees("value=\"Given\"");
    let fields = [("first_name", "Ada"), ("last_name", "Lovelace"), ("phone", "+441234567")];
    ada.submit("/account/profile", &fields).await;
    assert_eq!(ada.redirects, ["/account/profile"], "a reload posts nothing again");
    ada.sees("Saved.");
    ada.sees("value=\"Lovelace\"");
    ada.open("/account").await;
    ada.sees("Ada Lovelace");
    ada.open("/account/profile").await;
    let long = "x".repeat(101);
    ada.submit("/account/profile", &[("first_name", &long), ("last_name", "")]).await;
    assert_eq!(ada.page.status, 400);
    ada.sees("id=\"first_name-reason\"");
}

#[tokio::test]
async fn a_fresh_proof_is_asked_for_on_the_page_that_needs_it() {
    let app = app().await;
    let mut ada = Visitor::owner(&app, "ada").await;
    ada.open("/account/email").await;
    assert!(!ada.page.text.contains("proof_password"), "the login was a moment ago");
    app.turn_clock(Duration::from_mins(16));
    let address = ("new_email", "new@example.org");
    ada.submit("/account/email", &[address]).await;
    assert_eq!(ada.page.status, 400, "the proof got too old while the page was open");
    ada.sees("id=\"proof_password-reason\"");
    ada.sees("value=\"new@example.org\"");
    ada.submit("/account/email", &[address, ("proof_password", "wrong")]).await;
    ada.sees("This password is not right.");
    assert!(app.mails().await.is_empty());
    ada.submit("/account/email", &[address, ("proof_password", PASSWORD)]).await;
    ada.sees("If the new address can be used, we have sent a link to it.");
    let token = token_in(&app.mails().await, "/confirm-email?token=");
    ada.open(&format!("/confirm-email?token={token}")).await;
    ada.submit("/confirm-email", &[]).await;
    ada.open("/account/email").await;
    ada.sees("Your address is new@example.org.");
    assert!(!ada.page.text.contains("proof_password"), "the proof holds for the next form");
    ada.submit("/account/email", &[("new_email", "NEW@example.org")]).await;
    ada.sees("This is already the email address of your account");
}

#[tokio::test]
async fn a_new_password_ends_the_other_sessions() {
    let app = app().await;
    let mut ada = Visitor::owner(&app, "ada").await;
    let mut other = Visitor::known(&app, "ada").await;
    ada.open("/account/password").await;
    ada.sees("autocomplete=\"new-password\"");
    ada.submit("/account/password", &[("current_password", "wrong"), ("new_password", NEW)]).await;
    ada.sees("id=\"current_password-reason\"");
    let weak = [("current_password", PASSWORD), ("new_password", "password1234")];
    ada.submit("/account/password", &weak).await;
    ada.sees("Password is too common or too easy to guess");
    let good = [("current_password", PASSWORD), ("new_password", NEW)];
    ada.submit("/account/password", &good).await;
    ada.sees("Your password is changed.");
    other.open("/account").await;
    assert_eq!(other.path, "/sign-in");
    assert_eq!(app.login("ada", NEW).await.status, 200);
}

#[tokio::test]
async fn a_second_step_is_removed_and_backup_codes_are_replaced() {
    let app = app().await;
    let mut ada = Visitor::owner(&app, "ada").await;
    let phone = turn_on_second_step(&app, &mut ada).await;
    ada.sees("You have 10 unused codes.");
    ada.open("/account/backup-codes").await;
    ada.submit("/account/backup-codes", &[]).await;
    ada.sees("Your new backup codes");
    assert!(!ada.page.text.contains(&phone.backup_codes[0]));
    app.turn_clock(Duration::from_mins(20));
    ada.open("/account/authenticator").await;
    let link = ada.page.text.split("href=\"/account/authenticator/remove?id=").nth(1).unwrap();
    let id = link.split('"').next().unwrap().to_owned();
    ada.open(&format!("/account/authenticator/remove?id={id}")).await;
    ada.sees("Without “Phone”");
    ada.submit("/account/authenticator/remove", &[]).await;
    ada.sees("id=\"proof_password-reason\"");
    ada.submit("/account/authenticator/remove", &[("proof_password", PASSWORD)]).await;
    ada.sees("The second step is removed.");
    ada.open(&format!("/account/authenticator/remove?id={id}")).await;
    assert_eq!(ada.page.status, 404);
}

#[tokio::test]
async fn devices_are_listed_and_signed_out() {
    let app = app().await;
    let mut ada = Visitor::owner(&app, "ada").await;
    let mut phone = Visitor::known(&app, "ada").await;
    let mut tablet = Visitor::known(&app, "ada").await;
    ada.open("/account/sessions").await;
    assert_eq!(ada.page.text.matches("action=\"/account/sessions/end\"").count(), 3);
    assert_eq!(ada.page.text.matches("this device").count(), 1);
    let second = ada.page.text.split("action=\"/account/sessions/end\"").nth(2).unwrap();
    let rest = format!("action=\"/account/sessions/end\"{second}");
    let id = hidden_fields(&rest, "/account/sessions/end")[1].1.clone();
    let token = hidden_fields(&rest, "/account/sessions/end")[0].1.clone();
    let form = format!("form={token}&id={id}");
    ada.send(poem::http::Method::POST, "/account/sessions/end", Some(form)).await;
    ada.open("/account/sessions").await;
    ada.sees("The device is signed out.");
    ada.submit("/account/sessions/end-others", &[]).await;
    ada.sees("All other devices are signed out.");
    assert_eq!(ada.page.text.matches("action=\"/account/sessions/end\"").count(), 1);
    for gone in [&mut phone, &mut tablet] {
        gone.open("/account").await;
        assert_eq!(gone.path, "/sign-in");
    }
    ada.submit("/account/sessions/end", &[]).await;
    ada.sees("You are signed out.");
}

#[tokio::test]
async fn the_record_says_in_words_what_happened() {
    let app = app_with("standard", &[("sessions.max", "100")]).await;
    let mut ada = Visitor::owner(&app, "ada").await;
    app.login("ada", "wrong").await;
    ada.open("/account/record").await;
    for words in ["Signed in", "Sign-in failed", "Account created", "Email address verified"] {
        ada.sees(&format!("<strong>{words}</strong>"));
    }
    for _ in 0..35 {
        app.login("ada", PASSWORD).await;
        app.turn_clock(Duration::from_mins(1));
    }
    ada.open("/account/record").await;
    let older = ada.page.text.split("href=\"/account/record?before=").nth(1).unwrap();
    let older = older.split('"').next().unwrap().to_owned();
    ada.open(&format!("/account/record?before={older}")).await;
    ada.sees("<strong>Signed in</strong>");
}

#[tokio::test]
async fn an_account_is_downloaded_and_deleted() {
    let app = app().await;
    let mut ada = Visitor::owner(&app, "ada").await;
    app.turn_clock(Duration::from_mins(20));
    ada.open("/account/data/export").await;
    ada.submit("/account/data/export", &[]).await;
    assert_eq!(ada.page.status, 400);
    ada.submit("/account/data/export", &[("proof_password", PASSWORD)]).await;
    assert_eq!(ada.page.header("content-disposition"), "attachment; filename=\"account.json\"");
    assert_eq!(ada.page.body["account"]["email"], "ada@example.com");
    assert!(ada.page.body["sessions"].is_array());
    assert!(ada.page.body["events"].as_array().unwrap().len() > 2);
    let indented = serde_json::to_string_pretty(&ada.page.body).unwrap();
    assert_eq!(ada.page.text, indented, "one file, although it is written in pieces");
    ada.open("/account/data/delete").await;
    ada.submit("/account/data/delete", &[]).await;
    ada.sees("id=\"consent-reason\"");
    ada.submit("/account/data/delete", &[("consent", "yes")]).await;
    ada.sees("Your account is deleted.");
    assert_eq!(ada.path, "/sign-in");
    assert_eq!(app.login("ada", PASSWORD).await.code(), "ACCOUNT_DELETED");
}

#[tokio::test]
async fn a_download_is_refused_while_others_are_in_progress() {
    let app = app().await;
    let mut ada = Visitor::owner(&app, "ada").await;
    let tokens = app.login("ada", PASSWORD).await.tokens();
    let others = [app.enter("bob").await, app.enter("eve").await];
    let begin = |access: &str| app.get("/v1/users/me/export").bearer(access).send_unread();
    let own = begin(&tokens).await;
    ada.open("/account/data/export").await;
    ada.submit("/account/data/export", &[]).await;
    assert_eq!((ada.page.status.as_u16(), ada.page.header("retry-after")), (429, "1"));
    ada.sees("Too many attempts. Please wait a moment, then try again.");
    drop(own);
    let slow = [begin(&others[0]).await, begin(&others[1]).await];
    ada.submit("/account/data/export", &[]).await;
    assert_eq!((ada.page.status.as_u16(), ada.page.header("retry-after")), (429, "1"));
    drop(slow);
    ada.submit("/account/data/export", &[]).await;
    assert_eq!(ada.page.header("content-disposition"), "attachment; filename=\"account.json\"");
}

#[tokio::test]
async fn the_last_administrator_is_told_why_they_stay() {
    let app = app().await;
    app.join("ada").await;
    let by = authd::identity::By::command_line();
    let way = accounts::RoleChange::Give;
    accounts::change_role(&app.core, &by, "ada@example.com", "admin", way).await.unwrap();
    let mut ada = Visitor::known(&app, "ada").await;
    ada.open("/account/data/delete").await;
    ada.submit("/account/data/delete", &[("consent", "yes")]).await;
    assert_eq!(ada.page.status, 409);
    ada.sees("This is the last account that can administer this service.");
}

#[tokio::test]
async fn a_session_from_before_the_second_factor_is_asked_for_its_code() {
    let app = app().await;
    let mut old = Visitor::owner(&app, "ada").await;
    let mut owner = Visitor::known(&app, "ada").await;
    let phone = turn_on_second_step(&app, &mut owner).await;
    old.open("/account/email").await;
    old.sees("name=\"proof_code\"");
    let address = ("new_email", "new@example.com");
    old.submit("/account/email", &[address, ("proof_password", PASSWORD)]).await;
    assert_eq!(old.page.status, 403, "the password is not enough: {}", old.page.text);
    old.open("/account/password").await;
    old.sees("name=\"proof_code\"");
    let fields = [("current_password", PASSWORD), ("new_password", NEW)];
    old.submit("/account/password", &fields).await;
    old.sees("id=\"proof_code-reason\"");
    app.turn_clock(Duration::from_secs(30));
    let code = phone.code(&app);
    old.submit("/account/password", &[fields[0], fields[1], ("proof_code", &code)]).await;
    old.sees("role=\"status\"");
    assert!(!old.page.text.contains("proof_code"), "it has shown the code: {}", old.page.text);
    assert_eq!(app.login("ada", NEW).await.code(), "MFA_REQUIRED");
    owner.open("/account/email").await;
    assert_eq!(owner.path, "/sign-in", "other sessions have ended");
}
