//! What the pages of the console show.

use authd::identity::By;
use authd::identity::admin::{accounts, roles};
use authd::identity::system::statistics;
use poem::http::Method;
use serde_json::Value;

use super::{administrator, of};
use crate::admin::make;
use crate::support::{PASSWORD, UNLIMITED, app, app_with};
use crate::v1::fixture::person;
use crate::web::visitor::Visitor;

/// A name that would run where it is not escaped, and a formula where a spreadsheet reads it.
const MARKUP: &str = "=<script>alert(1)</script>\"'&<img src=x onerror=alert(1)>";

#[tokio::test]
async fn accounts_are_found_by_part_of_address_or_name_and_by_state() {
    let app = app().await;
    let mut root = administrator(&app, "root", &["admin"]).await;
    for name in ["anna", "annabel", "bob"] {
        make(&app, name, &[]).await;
    }
    root.open("/console/accounts?q=ANNA").await;
    root.sees("2 accounts");
    root.sees("annabel@example.com");
    assert!(!root.page.text.contains("bob@example.com"));
    root.sees("href=\"/console/accounts/export?q=ANNA\"");
    root.open("/console/accounts?q=ann&state=suspended").await;
    root.sees("No account matches.");
    root.sees("<option selected>suspended</option>");
    root.open("/console/accounts?q=%25&after=99999999999999999999").await;
    root.sees("No account matches.");
    let anna = accounts::find(&app.core, "anna@example.com").await.unwrap().account.id;
    root.open(&of(anna.as_str(), "/profile")).await;
    let name = [("first_name", "Grace"), ("last_name", "Hopper")];
    root.submit(&of(anna.as_str(), "/profile"), &name).await;
    root.open("/console/accounts?q=ce+hop").await;
    root.sees("1 account");
    root.sees("anna@example.com");
    // The search above every page leads on to the only account that it finds.
    assert!(root.page.text.contains("<input type=\"hidden\" name=\"go\" value=\"yes\">"));
    root.open("/console/accounts?go=yes&q=ann").await;
    root.sees("2 accounts");
    root.open("/console/accounts?go=yes&q=annab").await;
    root.sees(">annabel@example.com</h1>");
}

/// The accounts of a list.
fn rows(visitor: &Visitor<'_>) -> Vec<String> {
    let rows = visitor.page.text.split("<th scope=\"row\">").skip(1);
    let label = |row: &str| row.split('>').nth(1).unwrap().split('<').next().unwrap().to_owned();
    rows.map(label).collect()
}

/// Where a link of the pages of a list leads.
fn link(visitor: &Visitor<'_>, label: &str) -> Option<String> {
    let nav = visitor.page.text.split("aria-label=\"Pages\">").nth(1)?.split("</nav>").next()?;
    let before =
        nav.split(&format!("\">{label}</a>")).next().filter(|before| before.len() < nav.len())?;
    Some(before.rsplit("href=\"").next()?.replace("&#38;", "&"))
}

#[tokio::test]
async fn each_filter_finds_its_accounts_and_absurd_ones_are_answered_in_words() {
    let app = app_with("standard", &UNLIMITED).await;
    make(&app, "root", &["admin"]).await;
    app.login("root", PASSWORD).await.ok(200);
    let ada = person(&app, "ada", &["moderator"]).await;
    app.turn_clock(std::time::Duration::from_hours(48));
    make(&app, "bob", &[]).await;
    crate::web::account::turn_on_second_step(&app, &mut Visitor::owner(&app, "dora").await).await;
    app.register("carl").await.ok(201);
    let mut root = Visitor::known(&app, "root").await;
    let (day, later) = ("2027-01-15", "2027-01-17");
    for (query, expected) in [
        ("role=moderator", &["ada"][..]),
        ("role=nothing", &[]),
        ("state=pending", &["carl"]),
        ("factor=totp", &["dora"]),
        ("factor=none&role=moderator", &["ada"]),
        ("factor=passkey", &[]),
        ("provider=google", &[]),
        (&format!("created_until={day}&sort=email"), &["ada", "root"]),
        (&format!("created_from={later}&sort=email"), &["bob", "carl", "dora"]),
        ("login=never&sort=email", &["bob", "carl"]),
        (&format!("login_from={later}&sort=email"), &["dora", "root"]),
        (&format!("login_until={day}"), &["ada"]),
        ("q=example.com&role=moderator&state=active", &["ada"]),
    ] {
        root.open(&format!("/console/accounts?{query}")).await;
        let expected: Vec<_> = expected.iter().map(|name| format!("{name}@example.com")).collect();
        assert_eq!(rows(&root), expected, "{query}");
        let count = if expected.len() == 1 {
            "1 account<".into()
        } else {
            format!("{} accounts", expected.len())
        };
        root.sees(&count);
        let file = root.send(Method::GET, &format!("/console/accounts/export?{query}"), None).await;
        assert_eq!(file.text.matches("\r\n").count(), expected.len() + 1, "{query}: {}", file.text);
    }
    assert!(!ada.id.is_empty());
    root.open("/console/accounts?state=asleep&created_from=never&sort=password&factor=%3Cb%3E")
        .await;
    assert_eq!(root.page.status, 200);
    root.sees("“asleep” is not a value of the state, and was left out.");
    root.sees("“&#60;b&#62;” is not a value of the second factor");
    assert_eq!(rows(&root).len(), 5);
    root.open("/console/accounts?created_from=2027-02-02&created_until=2027-02-01").await;
    root.sees("Created: the last day is before the first one.");
    root.open("/console/accounts?sort=email&after=0.4711").await;
    assert_eq!(rows(&root).len(), 5, "an account that is gone leads to the first page");
}

#[tokio::test]
async fn a_search_is_saved_by_its_owner_for_its_owner() {
    let app = app().await;
    let mut root = administrator(&app, "root", &["admin"]).await;
    let mut other = administrator(&app, "other", &["moderator"]).await;
    root.open("/console/accounts?state=pending&q=a%26b").await;
    root.sees("href=\"/console/searches/save?q=a%26b&#38;state=pending\"");
    root.open("/console/searches/save?q=a%26b&state=pending").await;
    root.submit("/console/searches/save", &[("name", "")]).await;
    assert_eq!(root.page.status, 400, "{}", root.page.text);
    root.submit("/console/searches/save", &[("name", "<script>alert(1)</script>")]).await;
    assert_eq!(root.redirects, ["/console/accounts?q=a%26b&state=pending"]);
    root.sees("aria-current=\"true\">&#60;script&#62;alert(1)&#60;/script&#62;</a>");
    other.open("/console/accounts").await;
    assert!(!other.page.text.contains("Saved searches"), "{}", other.page.text);
    let stolen = other.form("/sign-out", &[("search", "<script>alert(1)</script>")]);
    let answer = other.send(Method::POST, "/console/searches/remove", Some(stolen)).await;
    assert_eq!(answer.status, 404, "{}", answer.text);
    let own = root.form("/sign-out", &[("search", "<script>alert(1)</script>")]);
    let answer = root.send(Method::POST, "/console/searches/remove", Some(own)).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    root.open("/console/accounts").await;
    root.sees("The search is removed.");
    assert!(!root.page.text.contains("Saved searches"), "{}", root.page.text);
}

#[tokio::test]
async fn long_lists_have_pages_that_keep_the_filter() {
    let app = app().await;
    let mut root = administrator(&app, "root", &["admin"]).await;
    for number in 0..30 {
        make(&app, &format!("anna{number}"), &[]).await;
    }
    for query in ["?q=anna&state=active", "", "?sort=email", "?sort=-last_login", "?role=user"] {
        root.open(&format!("/console/accounts{query}")).await;
        let first = rows(&root);
        let total = if query.contains("anna") { 30 } else { 31 };
        root.sees(&format!("{total} accounts"));
        let next = link(&root, "Next").unwrap();
        assert!(next.contains(query.trim_start_matches('?')), "{next} keeps the filter");
        root.open(&next).await;
        let second = rows(&root);
        assert_eq!((first.len(), second.len()), (12, 12), "{query}");
        assert!(first.iter().all(|name| !second.contains(name)), "{query}: {first:?} {second:?}");
        root.open(&link(&root, "Previous").unwrap()).await;
        assert_eq!(rows(&root), first, "{query}");
    }
    root.open("/console/accounts?sort=email").await;
    let sorted = rows(&root);
    assert!(sorted.is_sorted() && sorted[0] == "anna0@example.com", "{sorted:?}");
    root.sees("aria-sort=\"ascending\"");
    root.open("/console/accounts?sort=-email").await;
    assert_eq!(rows(&root)[0], "root@example.com");
}

#[tokio::test]
async fn a_list_becomes_a_file_that_no_spreadsheet_runs() {
    let app = app().await;
    let mut root = administrator(&app, "root", &["admin"]).await;
    let ada = make(&app, "ada", &[]).await;
    make(&app, "bob", &[]).await;
    root.open(&of(&ada, "/profile")).await;
    root.submit(&of(&ada, "/profile"), &[("first_name", MARKUP), ("last_name", "")]).await;
    for (query, lines) in [("", 4), ("?q=ada", 2), ("?q=nobody", 1), ("?state=suspended", 1)] {
        let path = format!("/console/accounts/export{query}");
        let file = root.send(Method::GET, &path, None).await;
        assert_eq!(file.header("content-type"), "text/csv; charset=utf-8");
        assert_eq!(file.header("content-disposition"), "attachment; filename=\"accounts.csv\"");
        assert_eq!(file.text.matches("\r\n").count(), lines, "{query}: {}", file.text);
        if lines > 1 {
            assert!(file.text.contains(",\"'=<script>"), "{}", file.text);
        }
    }
}

#[tokio::test]
async fn markup_in_names_and_user_agents_is_text() {
    let app = app().await;
    let ada = person(&app, "ada", &[]).await;
    let mut root = administrator(&app, "root", &["admin"]).await;
    let body = serde_json::json!({ "firstName": MARKUP });
    app.put("/v1/users/me", &body).bearer(&ada.access).ok(200).await;
    let login = serde_json::json!({ "username": "ada", "password": "wrong passphrase" });
    app.post("/v1/auth/login", &login).header("user-agent", MARKUP).send().await;
    let record = format!("/console/record?account={}", ada.id);
    for path in ["/console/accounts", &of(&ada.id, ""), &of(&ada.id, "/profile"), &record] {
        root.open(path).await;
        let text = root.page.text.replace("<script type=\"module\"", "");
        assert!(!text.contains("<script") && !text.contains("<img src=x"), "{path}: {text}");
    }
}

#[tokio::test]
async fn the_page_of_a_login_says_in_words_what_stands_in_the_way() {
    let app = app_with("standard", &UNLIMITED).await;
    let ada = make(&app, "ada", &[]).await;
    let mut root = administrator(&app, "root", &["admin"]).await;
    let path = of(&ada, "/login");
    for _ in 0..10 {
        let body = serde_json::json!({ "username": "ada", "password": "wrong passphrase" });
        app.post("/v1/auth/login", &body).from("198.51.100.7").send().await;
    }
    root.open(&path).await;
    root.sees("A client has to wait after wrong passwords");
    root.sees("Logins from 198.51.100.7 are refused until the wait ends.");
    root.sees("The password was wrong, from 198.51.100.7, 10 times.");
    root.sees(&format!("href=\"{}\">Unlock</a>", of(&ada, "/unlock")));
    root.open(&of(&ada, "/unlock")).await;
    root.submit(&of(&ada, "/unlock"), &[]).await;
    root.open(&path).await;
    assert!(!root.page.text.contains("has to wait"), "{}", root.page.text);
    let mut watch = administrator(&app, "mod", &["moderator"]).await;
    watch.open(&path).await;
    watch.sees("Logins were refused");
    assert!(!watch.page.text.contains("/reset-password\""), "no remedy that it may not use");
}

#[tokio::test]
async fn the_record_is_filtered_and_followed() {
    let app = app_with("standard", &UNLIMITED).await;
    let ada = make(&app, "ada", &[]).await;
    let mut root = administrator(&app, "root", &["admin"]).await;
    root.open("/console/record?account=ada%40example.com").await;
    root.sees("Account created");
    root.sees(&format!("<a href=\"{}\" dir=\"auto\">ada@example.com</a>", of(&ada, "")));
    root.open("/console/record?event=login&outcome=refused&since=2020-01-01&until=2020-01-02")
        .await;
    root.sees("Nothing matches.");
    root.sees("<option value=\"login\" selected>Login</option>");
    root.open("/console/record?event=absurd&since=never&before=%00").await;
    assert_eq!(root.page.status, 200);
    root.open("/console/record").await;
    let newest = root.page.text.split("data-after=\"").nth(1).unwrap().split('"').next().unwrap();
    let (newest, root_page) = (newest.to_owned(), root.page.text.clone());
    let newer = format!("/console/record/newer?after={newest}");
    // Those of the last seconds come again, so that one that is committed late is not missed.
    let known = |entry: &Value| {
        root_page.contains(&format!("data-id=\"{}\"", entry["id"].as_str().unwrap()))
    };
    let added = async |root: &mut Visitor| {
        let found = root.send(Method::GET, &newer, None).await.body;
        let entries = found["entries"].as_array().unwrap().iter().filter(|entry| !known(entry));
        (entries.cloned().collect::<Vec<_>>(), found["newest"].clone())
    };
    assert_eq!(added(&mut root).await, (Vec::new(), Value::Null));
    app.login("ada", "wrong passphrase").await;
    let (entries, last) = added(&mut root).await;
    assert_eq!((entries.len(), &entries[0]["what"]), (1, &"Login".into()));
    assert_eq!(entries[0]["refused"], true);
    assert!(last.as_str().unwrap() > newest.as_str());
    let early = format!("{}-7000-8000-000000000000", &newest[..13]);
    let id = entries[0]["id"].as_str().unwrap();
    app.database().tamper(&format!("update audit set id = '{early}' where id = '{id}'"));
    let (entries, last) = added(&mut root).await;
    assert_eq!((entries.len(), &entries[0]["id"], last), (1, &early.into(), Value::Null));
    let file = root.send(Method::GET, "/console/record/export?event=login", None).await;
    assert!(file.text.starts_with("id,at,event,outcome,"), "{}", file.text);
    assert!(file.text.lines().skip(1).all(|line| line.contains(",\"login\",")), "{}", file.text);
}

#[tokio::test]
async fn a_message_is_retried() {
    let app = app().await;
    let mut root = administrator(&app, "root", &["admin"]).await;
    app.register("ada").await.ok(201);
    root.open("/console/mail?state=requested").await;
    root.sees("<td data-label=\"State\"><span class=\"tag off\">requested</span>");
    root.submit("/console/mail/retry", &[]).await;
    root.sees("The message is due now.");
    root.open("/console/mail?state=absurd").await;
    assert_eq!(root.page.status, 200);
    app.mails().await;
    app.register("bob").await.ok(201);
    let ada = accounts::find(&app.core, "ada@example.com").await.unwrap().account.id;
    root.open(&of(ada.as_str(), "")).await;
    root.sees("<strong>Verify email</strong><span class=\"tag good\">delivered</span>");
    root.open(&format!("/console/mail?account={ada}")).await;
    root.sees("ada@example.com");
    assert!(!root.page.text.contains("bob@example.com"), "{}", root.page.text);
}

#[tokio::test]
async fn a_role_is_made_changed_and_deleted() {
    let app = app().await;
    let mut root = administrator(&app, "root", &["admin"]).await;
    root.open("/console/roles/new").await;
    let fields = [("name", "support"), ("permission", "admin.audit"), ("others", "orders.read")];
    root.submit("/console/roles/new", &fields).await;
    root.sees("The role is saved.");
    root.sees("<code>orders.read</code>");
    root.open("/console/roles/support/edit").await;
    root.sees("value=\"admin.audit\" checked");
    root.submit("/console/roles/support/edit", &[("permission", "admin.mail")]).await;
    root.sees("<code>admin.mail</code>");
    root.open("/console/roles/support/delete").await;
    root.submit("/console/roles/support/delete", &[("typed", "support")]).await;
    root.sees("The role is deleted.");
    root.open("/console/roles/support/edit").await;
    assert_eq!(root.page.status, 404);
}

#[tokio::test]
async fn the_key_of_an_app_is_shown_once() {
    let app = app().await;
    let mut root = administrator(&app, "root", &["admin"]).await;
    root.open("/console/apps/new").await;
    root.submit("/console/apps/new", &[("name", "Website"), ("kind", "client")]).await;
    root.sees("<code class=\"secret\" id=\"key\">sk_");
    root.open("/console/apps").await;
    root.sees("Website");
    assert!(!root.page.text.contains("sk_"), "{}", root.page.text);
    let path = root.page.text.split("/rotate\"").next().unwrap().rsplit('"').next().unwrap();
    let path = path.to_owned();
    root.open(&format!("{path}/rotate")).await;
    root.submit(&format!("{path}/rotate"), &[("typed", "Website")]).await;
    root.sees("<code class=\"secret\" id=\"key\">sk_");
    root.open(&format!("{path}/delete")).await;
    root.submit(&format!("{path}/delete"), &[("typed", "Website")]).await;
    root.sees("There are no apps yet.");
}

#[tokio::test]
async fn the_signing_keys_are_rotated_and_revoking_is_typed() {
    let app = app().await;
    let mut root = administrator(&app, "root", &["admin"]).await;
    root.open("/console/keys").await;
    root.sees("<span class=\"tag good\">signing</span>");
    root.open("/console/keys/rotate").await;
    root.submit("/console/keys/rotate", &[("mode", "revoke")]).await;
    root.sees("Type revoke to end every session.");
    root.submit("/console/keys/rotate", &[("mode", "scheduled")]).await;
    root.sees("There is a new signing key.");
    root.sees("<span class=\"tag off\">next</span>");
    root.open("/console/keys/rotate").await;
    let fields = [("mode", "revoke"), ("confirmation", "revoke")];
    root.submit("/console/keys/rotate", &fields).await;
    assert_eq!(root.path, "/sign-in", "every session has ended");
    root.sign_in("root", PASSWORD).await;
    assert_eq!(root.path, "/console/keys");
}

#[tokio::test]
async fn the_overview_counts_and_draws_what_happened() {
    let app = app().await;
    let mut root = administrator(&app, "root", &["admin"]).await;
    statistics::write(&app.core).await.unwrap();
    root.open("/console").await;
    root.sees("<h1 dir=\"auto\">Overview</h1>");
    root.sees("First steps");
    root.sees("aria-label=\"Logins: 1 in all. The most were 1 on 2027-01-15.\"");
    root.sees("<th>2027-01-15<td>1<td>0<td>1<td>1<td>0<td>0<td>");
    root.sees("<h3>Mean answer time, ms</h3>");
    root.sees("<h3>Mean wait for hashing, ms</h3>");
    root.sees("The same by API: <code>getStats</code>, <code>getActivity</code>");
    for (by, period) in [("hour", "2027-01-15 08:00"), ("month", "2027-01"), ("year", "2027")] {
        root.open(&format!("/console/overview?by={by}")).await;
        root.sees(&format!("<th>{period}<td>1<td>"));
    }
    make(&app, "ada", &[]).await;
    app.api_client("Website", "client").await;
    root.open("/console/overview?by=week").await;
    root.sees(">2<span class=\"away\"> – Accounts</span>");
    root.sees("<strong>First app</strong><span class=\"tag good\">done</span>");
    root.sees("<strong>Backup</strong><span class=\"tag off\">to do</span>");
    root.sees("Needs you");
    root.sees("no backup was ever made of this database");
    root.sees("Remedy: run authd backup FILE");
    root.sees("No backup was made yet.");
}

#[tokio::test]
async fn what_a_check_of_the_configuration_finds_is_shown_to_those_who_may_read_it() {
    let app = app().await;
    let counts = vec!["admin.stats".to_owned()];
    roles::create(&app.core, &By::command_line(), "counts", counts).await.unwrap();
    for (name, role, is_shown) in [("root", "admin", true), ("cora", "counts", false)] {
        let mut visitor = administrator(&app, name, &[role]).await;
        visitor.open("/console/overview").await;
        visitor.sees("no backup was ever made of this database");
        let text = &visitor.page.text;
        assert_eq!(text.contains("href=\"/console/settings?section=mail\""), is_shown, "{text}");
        assert_eq!(text.contains("the sender is an example address"), is_shown, "{text}");
        // It is among the first steps, and not said twice.
        assert!(!text.contains("<strong>server.public_url</strong>"), "{text}");
    }
}

#[tokio::test]
async fn a_path_of_no_page_is_answered_with_a_page() {
    let app = app().await;
    let mut root = administrator(&app, "root", &["admin"]).await;
    for path in
        ["/console/nothing", "/console/", "/console/accounts/nobody", "/console/roles/x/edit"]
    {
        let answer = app.get(path).header("accept", "text/html");
        let cookie = format!("authd={}", root.cookies["authd"]);
        let answer = answer.header("cookie", &cookie).send().await;
        assert_eq!(answer.status, 404, "{path}: {}", answer.text);
        assert!(answer.text.contains("<h1"), "{path}: {}", answer.text);
    }
    root.open("/console/accounts").await;
    assert!(root.page.header("content-security-policy").starts_with("default-src 'none'"));
    assert_eq!(root.page.header("cache-control"), "no-store");
}
