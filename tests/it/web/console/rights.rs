//! Who may open which page, made from the table of pages.

use std::collections::BTreeSet;
use std::time::Duration;

use authd::identity::By;
use authd::identity::access::actor::ProofAge;
use authd::identity::admin::{accounts, roles};
use authd::web::console::{ConsolePage, PagePlace, pages};
use poem::http::Method;

use super::{PageIds, administrator, of};
use crate::admin::make;
use crate::support::{App, PASSWORD, UNLIMITED, app_with};
use crate::v1::fixture::native_document;
use crate::web::visitor::Visitor;

/// The roles, with the permissions that they have.
const ROLES: [(&str, &[&str]); 4] = [
    ("user", &[]),
    ("moderator", &["admin.users.read", "admin.users.suspend"]),
    ("support", &["admin.users.read", "admin.audit"]),
    ("admin", &["*"]),
];

async fn with_support(set: &[(&str, &str)]) -> App {
    let app = app_with("standard", &[&UNLIMITED[..], set].concat()).await;
    let support = vec!["admin.users.read".to_owned(), "admin.audit".to_owned()];
    roles::create(&app.core, &By::command_line(), "support", support).await.unwrap();
    super::add_provider(&app).await;
    app
}

/// The path of a page with ids that exist.
fn path_of(page: &ConsolePage, account: &str, app: &str) -> String {
    let ids = PageIds { account, role: "support", app, backup: "authd-20270115T080000Z.db" };
    super::path_of(page, &ids)
}

fn may(page: &ConsolePage, role: &str) -> bool {
    let (_, held) = ROLES.iter().find(|(name, _)| *name == role).unwrap();
    page.any_of.iter().any(|permission| held.contains(&"*") || held.contains(&permission.as_str()))
}

/// How often administrators were refused, and how many events were recorded in all.
async fn counts(app: &App) -> (i64, i64) {
    let records = app.records().await;
    let refused = records.iter().filter(|record| record.event == "admin_refused");
    (refused.map(|record| record.count).sum(), records.iter().map(|record| record.count).sum())
}

#[tokio::test]
async fn each_role_opens_and_posts_to_the_pages_that_its_permissions_allow_and_no_others() {
    let app = with_support(&[]).await;
    let target = make(&app, "target", &[]).await;
    let (client, _) = app.api_client("Website", "client").await;
    for (role, _) in ROLES {
        let own: &[&str] = if role == "user" { &[] } else { &[role] };
        let mut visitor = administrator(&app, &format!("the-{role}"), own).await;
        let token = visitor.form("/sign-out", &[]);
        for page in pages() {
            let path = path_of(page, &target, &client);
            for (method, is_served) in
                [(Method::GET, page.opens()), (Method::POST, page.takes_form())]
            {
                let before = counts(&app).await;
                let form = (method == Method::POST).then(|| token.clone());
                let answer = visitor.send(method.clone(), &path, form).await;
                let status = answer.status.as_u16();
                let name = format!("{role}: {method} {path}: {status} {}", answer.text);
                if !is_served {
                    assert_eq!(status, 405, "{name}");
                } else if may(page, role) {
                    assert!(status != 403 && status < 500, "{name}");
                } else {
                    assert_eq!(status, 403, "{name}");
                    let after = counts(&app).await;
                    assert_eq!(after, (before.0 + 1, before.1 + 1), "{name}");
                }
            }
        }
        let stays = accounts::find(&app.core, &target).await.unwrap();
        assert_eq!(stays.roles, ["user"], "an empty form changes nothing");
    }
}

#[tokio::test]
async fn the_menu_has_the_pages_that_the_administrator_may_open() {
    let app = with_support(&[]).await;
    let user = administrator(&app, "the-user", &[]).await;
    assert!(!user.page.text.contains("href=\"/console\""), "{}", user.page.text);
    for (role, first) in [
        ("moderator", "/console/accounts"),
        ("support", "/console/accounts"),
        ("admin", "/console/overview"),
    ] {
        let mut visitor = administrator(&app, &format!("the-{role}"), &[role]).await;
        visitor.sees("<a href=\"/console\">Administration</a>");
        visitor.open("/console").await;
        assert_eq!(visitor.path, first, "{role}");
        let menu = visitor.page.text.split("<nav aria-label=\"Console\">").nth(1).unwrap();
        let menu = menu.split("</nav>").next().unwrap();
        for page in pages().iter().filter(|page| page.place == PagePlace::Menu) {
            let is_there = menu.contains(&format!("href=\"{}\"", page.path));
            assert_eq!(is_there, may(page, role), "{role}: {}", page.path);
        }
    }
}

#[test]
fn each_page_of_the_menu_has_a_key_and_no_other_page_has_it() {
    let mut keys = BTreeSet::new();
    for page in pages() {
        assert_eq!(page.key.is_some(), page.place == PagePlace::Menu, "{}", page.path);
        let is_new = page.key.is_none_or(|key| key.is_ascii_lowercase() && keys.insert(key));
        assert!(is_new, "{} has the key of another page", page.path);
    }
}

/// Whatever a page does, an operation of the native API does, for the same permission and with a
/// fresh proof where that asks for one.
#[tokio::test]
async fn the_console_can_do_nothing_that_the_api_cannot() {
    let app = with_support(&[]).await;
    let document = native_document(&app).await;
    let paths = document["paths"].as_object().unwrap();
    let operations: Vec<_> =
        paths.values().flat_map(|path| path.as_object().unwrap().values()).collect();
    for page in pages() {
        let asked: BTreeSet<_> = page.any_of.iter().map(|permission| permission.as_str()).collect();
        if page.operations.is_empty() {
            assert_eq!((page.path, page.takes_form()), ("/console", false), "it only leads on");
        }
        for id in page.operations {
            let found = operations.iter().find(|operation| operation["operationId"] == *id);
            let operation = found.unwrap_or_else(|| panic!("{}: no operation {id}", page.path));
            let rule = operation["x-permission"].as_array().unwrap().iter();
            let rule: BTreeSet<_> = rule.map(|word| word.as_str().unwrap()).collect();
            // Each field of an account has its own permission.
            let is_same = if *id == "updateUser" { asked.is_subset(&rule) } else { asked == rule };
            assert!(is_same, "{}: {asked:?}, and {id}: {rule:?}", page.path);
            let is_fresh = operation["x-fresh-authentication"].as_bool().unwrap_or(false);
            assert_eq!(is_fresh, page.proof == ProofAge::Fresh, "{}: {id}", page.path);
        }
    }
}

#[tokio::test]
async fn administrators_are_let_in_only_from_their_networks_also_with_a_stolen_cookie() {
    let app = with_support(&[("admin.networks", "198.51.100.0/24")]).await;
    let target = make(&app, "target", &[]).await;
    let (client, _) = app.api_client("Website", "client").await;
    let mut root = administrator(&app, "root", &["admin"]).await;
    for page in pages().iter().filter(|page| page.opens()) {
        let path = path_of(page, &target, &client);
        for (from, is_let_in) in [("192.0.2.1", false), ("198.51.100.7", true)] {
            root.from = from.into();
            let answer = root.send(Method::GET, &path, None).await;
            assert_eq!(answer.status != 403, is_let_in, "{path} from {from}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn without_a_session_the_sign_in_page_leads_back_to_the_page_of_the_menu() {
    let app = with_support(&[]).await;
    let target = make(&app, "target", &[]).await;
    make(&app, "root", &["admin"]).await;
    let mut root = Visitor::at(&app, &of(&target, "")).await;
    assert_eq!(root.path, "/sign-in");
    root.sign_in("root", PASSWORD).await;
    assert_eq!(root.path, "/console/accounts");
    root.sees("target@example.com");
}

#[tokio::test]
async fn who_loses_the_role_while_a_page_is_open_can_do_nothing_with_it() {
    let app = with_support(&[]).await;
    let target = make(&app, "target", &[]).await;
    let mut mod_ = administrator(&app, "mod", &["moderator"]).await;
    mod_.open(&of(&target, "/suspend")).await;
    let take = accounts::RoleChange::Take;
    let by = By::command_line();
    accounts::change_role(&app.core, &by, "mod", "moderator", take).await.unwrap();
    mod_.submit(&of(&target, "/suspend"), &[]).await;
    assert_eq!(mod_.page.status, 403, "{}", mod_.page.text);
    let stays = accounts::find(&app.core, &target).await.unwrap().account;
    assert!(stays.suspended_at.is_none());
}

#[tokio::test]
async fn a_permission_that_a_role_loses_is_gone_at_the_next_page_and_one_that_it_gets_is_there() {
    let app = with_support(&[]).await;
    let mut visitor = administrator(&app, "sue", &["support"]).await;
    assert_eq!(visitor.open("/console/accounts").await.status, 200);
    let (by, permission) = (By::command_line(), || vec!["admin.users.read".to_owned()]);
    roles::withdraw(&app.core, &by, "support", permission()).await.unwrap();
    assert_eq!(visitor.open("/console/accounts").await.status, 403);
    assert_eq!(visitor.open("/console/record").await.status, 200);
    roles::grant(&app.core, &by, "support", permission()).await.unwrap();
    assert_eq!(visitor.open("/console/accounts").await.status, 200);
}

#[tokio::test]
async fn nobody_changes_an_account_with_more_rights() {
    let app = with_support(&[]).await;
    let root = make(&app, "root", &["admin"]).await;
    let mut mod_ = administrator(&app, "mod", &["moderator"]).await;
    mod_.open(&of(&root, "/suspend")).await;
    mod_.submit(&of(&root, "/suspend"), &[]).await;
    assert_eq!(mod_.page.status, 403, "{}", mod_.page.text);
    mod_.sees("role=\"alert\"");
    let stays = accounts::find(&app.core, &root).await.unwrap().account;
    assert!(stays.suspended_at.is_none());
}

#[tokio::test]
async fn what_cannot_be_undone_needs_a_recent_proof_on_the_same_page() {
    let app = with_support(&[]).await;
    let target = make(&app, "target", &[]).await;
    let mut root = administrator(&app, "root", &["admin"]).await;
    app.turn_clock(Duration::from_mins(16));
    let path = of(&target, "/delete");
    root.open(&path).await;
    root.sees("proof_password");
    let typed = ("typed", "target@example.com");
    root.submit(&path, &[typed]).await;
    assert_eq!(root.page.status, 400, "{}", root.page.text);
    root.submit(&path, &[typed, ("proof_password", "wrong")]).await;
    root.sees("proof_password-reason");
    assert!(accounts::find(&app.core, &target).await.unwrap().account.deleted_at.is_none());
    root.submit(&path, &[typed, ("proof_password", PASSWORD)]).await;
    assert_eq!(root.path, of(&target, ""), "{}", root.page.text);
    root.sees("It can be restored for 30 days.");
    assert!(accounts::find(&app.core, &target).await.unwrap().account.deleted_at.is_some());
}

#[tokio::test]
async fn no_form_is_taken_without_its_token_or_from_another_site() {
    let app = with_support(&[]).await;
    let target = make(&app, "target", &[]).await;
    let (client, _) = app.api_client("Website", "client").await;
    let mut root = administrator(&app, "root", &["admin"]).await;
    let token = root.form("/sign-out", &[]);
    let cookie = format!("authd={}", root.cookies["authd"]);
    for page in pages().iter().filter(|page| page.takes_form()) {
        let path = path_of(page, &target, &client);
        let before = app.audit().await.len();
        for form in ["", "form=", "form=wrong", "reason=x"] {
            let answer = root.send(Method::POST, &path, Some(form.to_owned())).await;
            assert_eq!(answer.status, 403, "{path} with {form:?}: {}", answer.text);
        }
        let foreign = app.call(Method::POST, &path).header("cookie", &cookie);
        let foreign = foreign.body(crate::web::visitor::FORM, token.clone());
        let answer = foreign.header("origin", "https://evil.example").send().await;
        assert_eq!(answer.status, 403, "{path} from elsewhere: {}", answer.text);
        assert_eq!(app.audit().await.len(), before, "{path}");
    }
}
