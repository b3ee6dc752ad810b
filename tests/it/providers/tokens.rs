//! Tokens of providers, where they are kept: sealed, refreshed once, and gone with what they belong to.

use std::time::Duration;

use authd::app::lost_key::replace_master_key;
use authd::env::Env;
use authd::identity::FreshBy;
use authd::identity::admin::providers;
use authd::identity::system::cleanup;
use authd::model::provider::ProviderKeys;
use authd::model::{Database, Progress, ProviderSettings, Secret};
use futures_util::future::join_all;
use poem::http::Method;
use serde_json::{Value, json};

use super::{Begun, Site, verified};
use crate::fake_provider::{CLIENT, FakeProvider, PAGE, SECRET};
use crate::support::{Answer, App, Call, app_with};

pub(super) const HOUR: Duration = Duration::from_hours(1);
/// When a token of an hour has half a minute left.
const ALMOST_AN_HOUR: Duration = Duration::from_secs(59 * 60 + 30);
const KEEP: (&str, &str) = ("providers.acme.keep_tokens", "true");
/// No session ends while the clock is put forward.
const LONG: (&str, &str) = ("tokens.access", "20h");

/// A site that keeps tokens, a service key, and a provider that issues tokens for an hour.
pub(super) async fn keeping() -> (Site, String) {
    let site = Site::open(&[KEEP, LONG]).await;
    lasting(&site.provider);
    let key = service_key(&site.app).await;
    (site, key)
}

async fn service_key(app: &App) -> String {
    app.api_client("Calendar", "service").await.1
}

fn lasting(provider: &FakeProvider) {
    provider.script(|script| {
        script.issues_refresh_tokens = true;
        script.token = json!({ "expires_in": 3600, "scope": "openid calendar" });
    });
}

/// Ada's session after a login at the provider, and the ID of the identity.
pub(super) struct Entered {
    bearer: String,
    id: String,
}

pub(super) async fn enter(site: &Site, subject: &str) -> Entered {
    let claims = verified(subject, &format!("{subject}@example.com"));
    let answer = site.log_in(&claims).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let bearer = answer.tokens().access;
    let id = first_identity(&site.app, &bearer).await;
    Entered { bearer, id }
}

async fn first_identity(app: &App, bearer: &str) -> String {
    let list = app.get("/v1/users/me/identities").bearer(bearer).ok(200).await;
    list.body["data"][0]["id"].as_str().unwrap().to_owned()
}

fn ask<'a>(app: &'a App, who: &Entered) -> Call<'a> {
    let path = format!("/v1/users/me/identities/{}/token", who.id);
    app.call(Method::POST, &path).bearer(&who.bearer)
}

pub(super) fn by_service<'a>(app: &'a App, key: &str, who: &Entered) -> Call<'a> {
    ask(app, who).header("x-service-key", key)
}

pub(super) fn token(answer: &Answer) -> &str {
    answer.body["data"]["accessToken"].as_str().unwrap_or_else(|| panic!("{}", answer.text))
}

fn kept(app: &App) -> i64 {
    app.database().number("select count(*) from identity_tokens")
}

/// The provider's clock follows that of the program.
pub(super) fn put_forward(site: &Site, by: Duration) {
    site.app.turn_clock(by);
    site.provider.script(|script| script.now += i64::try_from(by.as_secs()).unwrap());
}

#[tokio::test]
async fn tokens_are_kept_sealed_and_in_no_other_answer() {
    let (site, key) = keeping().await;
    let ada = enter(&site, "ada").await;
    let given = ask(&site.app, &ada).ok(200).await;
    assert_eq!(given.body["data"]["scope"], "openid calendar");
    assert_eq!(given.body["data"]["expiresAt"], "2027-01-15T09:00:00Z");
    assert_eq!(token(&by_service(&site.app, &key, &ada).ok(200).await), token(&given));
    let secrets = [token(&given).to_owned(), token(&given).replace("access", "refresh")];
    for path in ["/v1/users/me/identities", "/v1/users/me/export", "/v1/users/me/audit"] {
        let answer = site.app.get(path).bearer(&ada.bearer).ok(200).await;
        assert!(!secrets.iter().any(|secret| answer.text.contains(secret)), "{}", answer.text);
    }
    let database = site.app.database();
    for table in database.tables() {
        let rows = database.query(&format!("select * from \"{table}\"")).rows;
        for cell in rows.into_iter().flatten() {
            let text = match cell {
                authd::store::Value::Text(text) => text,
                authd::store::Value::Bytes(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
                _ => continue,
            };
            assert!(!secrets.iter().any(|secret| text.contains(secret)), "{table}: {text}");
        }
    }
    let events = "select count(*) from audit where event = 'provider_token_given'";
    assert_eq!(database.number(events), 2);
}

#[tokio::test]
async fn without_the_setting_nothing_is_kept() {
    let site = Site::open(&[]).await;
    lasting(&site.provider);
    let ada = enter(&site, "ada").await;
    assert_eq!(kept(&site.app), 0);
    ask(&site.app, &ada).refused(409, "CONFLICT").await;
}

#[tokio::test]
async fn a_service_needs_the_session_of_the_owner_and_an_owner_alone_a_fresh_one() {
    let (site, key) = keeping().await;
    let (ada, bob) = (enter(&site, "ada").await, enter(&site, "bob").await);
    site.app.turn_clock(Duration::from_mins(16));
    ask(&site.app, &ada).refused(403, "REAUTHENTICATION_REQUIRED").await;
    by_service(&site.app, &key, &ada).ok(200).await;
    let path = format!("/v1/users/me/identities/{}/token", ada.id);
    let alone = site.app.call(Method::POST, &path).header("x-service-key", key.as_str());
    alone.refused(401, "MISSING_AUTH_HEADER").await;
    let wrong = ask(&site.app, &ada).header("x-service-key", "sk_wrong");
    wrong.refused(403, "INSUFFICIENT_PERMISSIONS").await;
    // The network of a service is no key.
    ask(&site.app, &ada).from("127.0.0.1").refused(403, "REAUTHENTICATION_REQUIRED").await;
    // The key of a client ships to browsers.
    let (_, client) = site.app.api_client("Site", "client").await;
    let by_client = ask(&site.app, &ada).header("x-service-key", client.as_str());
    by_client.refused(403, "REAUTHENTICATION_REQUIRED").await;
    // Another account's identity is unknown, also to a service.
    let other = Entered { bearer: bob.bearer.clone(), id: ada.id.clone() };
    by_service(&site.app, &key, &other).refused(404, "NOT_FOUND").await;
}

#[tokio::test]
async fn a_token_that_ends_is_refreshed_once_however_many_ask() {
    let (site, key) = keeping().await;
    let ada = enter(&site, "ada").await;
    let first = token(&by_service(&site.app, &key, &ada).ok(200).await).to_owned();
    put_forward(&site, ALMOST_AN_HOUR);
    site.provider.requests();
    let mut hold = site.provider.hold("/token");
    let all = join_all((0..8).map(|_| by_service(&site.app, &key, &ada).send()));
    let released = async {
        hold.has(1).await;
        hold.release();
    };
    let (answers, ()) = tokio::join!(all, released);
    let new = token(&answers[0]).to_owned();
    assert_ne!(new, first);
    assert!(answers.iter().all(|answer| token(answer) == new));
    let asked = site.provider.requests();
    assert_eq!(asked.iter().filter(|request| *request == "POST /token").count(), 1, "{asked:?}");
    // The provider has replaced its refresh token: the new one is kept.
    put_forward(&site, HOUR);
    assert_ne!(token(&by_service(&site.app, &key, &ada).ok(200).await), new);
}

#[tokio::test]
async fn a_caller_that_goes_away_loses_no_refresh_token() {
    let (site, key) = keeping().await;
    let ada = enter(&site, "ada").await;
    put_forward(&site, HOUR);
    let mut hold = site.provider.hold("/token");
    tokio::select! {
        answer = by_service(&site.app, &key, &ada).send() => panic!("{}", answer.text),
        () = hold.has(1) => {}
    }
    site.provider.requests();
    hold.release();
    let answer = by_service(&site.app, &key, &ada).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(!site.provider.requests().contains(&"POST /token".to_owned()));
    put_forward(&site, HOUR);
    by_service(&site.app, &key, &ada).ok(200).await;
}

#[tokio::test]
async fn a_login_during_a_refresh_wins() {
    let (site, key) = keeping().await;
    let ada = enter(&site, "ada").await;
    put_forward(&site, HOUR);
    let begun = site.begin().await;
    let claims = verified("ada", "ada@example.com");
    let answer = site.provider.log_in(&begun.url, &claims);
    let mut hold = site.provider.hold("/token");
    let refresh = by_service(&site.app, &key, &ada).send();
    // The answer of the refresh is on its way while the login gets tokens and stores them.
    let entered = async {
        hold.has(1).await;
        site.provider.let_pass("/token");
        let entered = site.call_back(&begun.flow, &answer).await;
        hold.release();
        entered
    };
    let (refreshed, entered) = tokio::join!(refresh, entered);
    assert_eq!((refreshed.status.as_u16(), entered.status.as_u16()), (200, 200));
    let kept = by_service(&site.app, &key, &ada).ok(200).await;
    assert_eq!(token(&kept), token(&refreshed), "the refresh answers what the login stored");
    put_forward(&site, HOUR);
    by_service(&site.app, &key, &ada).ok(200).await;
}

#[tokio::test]
async fn what_the_provider_refuses_is_forgotten_until_the_next_login() {
    let (site, key) = keeping().await;
    let ada = enter(&site, "ada").await;
    put_forward(&site, HOUR);
    let error = json!({ "error": "invalid_grant" }).to_string();
    let refused = format!("HTTP/1.1 400 X\r\ncontent-length: {}\r\n\r\n{error}", error.len());
    site.provider.script(|script| {
        script.instead.insert("/token".to_owned(), refused.into_bytes());
    });
    by_service(&site.app, &key, &ada).refused(409, "PROVIDER_LOGIN_REQUIRED").await;
    assert_eq!(kept(&site.app), 0);
    by_service(&site.app, &key, &ada).refused(409, "PROVIDER_LOGIN_REQUIRED").await;
    site.provider.script(|script| script.instead.clear());
    let again = enter(&site, "ada").await;
    ask(&site.app, &again).ok(200).await;
}

#[tokio::test]
async fn a_provider_that_fails_costs_no_token_and_is_not_asked_at_once_again() {
    let (site, key) = keeping().await;
    let ada = enter(&site, "ada").await;
    let first = token(&by_service(&site.app, &key, &ada).ok(200).await).to_owned();
    put_forward(&site, ALMOST_AN_HOUR);
    site.provider.script(|script| {
        let answer = b"HTTP/1.1 502 X\r\ncontent-length: 0\r\n\r\n".to_vec();
        script.instead.insert("/token".to_owned(), answer);
    });
    // It ends in half a minute: until then it counts.
    assert_eq!(token(&by_service(&site.app, &key, &ada).ok(200).await), first);
    put_forward(&site, Duration::from_secs(31));
    let failed = by_service(&site.app, &key, &ada).send().await;
    assert_eq!(
        (failed.status.as_u16(), failed.header("retry-after")),
        (503, "5"),
        "{}",
        failed.text
    );
    site.provider.requests();
    by_service(&site.app, &key, &ada).refused(503, "SERVICE_UNAVAILABLE").await;
    assert_eq!(site.provider.requests(), Vec::<String>::new());
    // A wrong secret of the operator costs no token either.
    site.provider.script(|script| {
        let error = json!({ "error": "invalid_client" }).to_string();
        let answer = format!("HTTP/1.1 401 X\r\ncontent-length: {}\r\n\r\n{error}", error.len());
        script.instead.insert("/token".to_owned(), answer.into_bytes());
    });
    put_forward(&site, Duration::from_secs(6));
    by_service(&site.app, &key, &ada).refused(503, "SERVICE_UNAVAILABLE").await;
    site.provider.script(|script| script.instead.clear());
    put_forward(&site, Duration::from_secs(6));
    by_service(&site.app, &key, &ada).ok(200).await;
}

#[tokio::test]
async fn a_login_that_brings_no_refresh_token_keeps_the_one_from_before() {
    let (site, key) = keeping().await;
    enter(&site, "ada").await;
    site.provider.script(|script| script.token["refresh_token"] = Value::Null);
    let ada = enter(&site, "ada").await;
    site.provider.script(|script| {
        script.token.as_object_mut().unwrap().remove("refresh_token");
    });
    put_forward(&site, HOUR);
    by_service(&site.app, &key, &ada).ok(200).await;
}

#[tokio::test]
async fn tokens_that_were_moved_to_another_row_do_not_open() {
    let (site, key) = keeping().await;
    let (ada, bob) = (enter(&site, "ada").await, enter(&site, "bob").await);
    by_service(&site.app, &key, &ada).ok(200).await;
    let move_here = format!(
        "update identity_tokens set sealed = (select o.sealed from identity_tokens o \
         where o.identity_id = '{}') where identity_id = '{}'",
        bob.id, ada.id
    );
    assert_eq!(site.app.database().tamper(&move_here), 1);
    by_service(&site.app, &key, &ada).refused(409, "PROVIDER_LOGIN_REQUIRED").await;
}

#[tokio::test]
async fn tokens_go_with_the_identity_and_with_the_account() {
    let (site, _) = keeping().await;
    let ada = enter(&site, "ada").await;
    let bob = enter(&site, "bob").await;
    assert_eq!(kept(&site.app), 2);
    // Another way in, so that the identity can be removed.
    let set = "update accounts set password_hash = 'x' where email = 'ada@example.com'";
    assert_eq!(site.app.database().tamper(set), 1);
    let path = format!("/v1/users/me/identities/{}", ada.id);
    site.app.call(Method::DELETE, &path).bearer(&ada.bearer).ok(200).await;
    assert_eq!(kept(&site.app), 1);
    site.app.call(Method::DELETE, "/v1/users/me").bearer(&bob.bearer).ok(200).await;
    assert_eq!(kept(&site.app), 0, "the account can be restored, its tokens cannot");
}

#[tokio::test]
async fn an_id_token_of_an_app_brings_no_tokens() {
    let (site, _) = keeping().await;
    let claims = verified("ada", "ada@example.com");
    let id_token = site.provider.id_token(&claims);
    let body = json!({ "idToken": id_token });
    let entered = site.app.post("/v1/auth/providers/acme/token", &body).ok(200).await;
    let bearer = entered.tokens().access;
    let ada = Entered { id: first_identity(&site.app, &bearer).await, bearer };
    ask(&site.app, &ada).refused(409, "PROVIDER_LOGIN_REQUIRED").await;
    let again = enter(&site, "ada").await;
    ask(&site.app, &again).ok(200).await;
    // It leaves those alone that a login has brought.
    let body = json!({ "idToken": site.provider.id_token(&json!({ "jti": 2, "sub": "ada" })) });
    site.app.post("/v1/auth/providers/acme/token", &body).ok(200).await;
    ask(&site.app, &again).ok(200).await;
}

/// A site whose provider is in the database and keeps tokens.
async fn stored() -> Site {
    let provider = FakeProvider::start().await;
    lasting(&provider);
    let app = app_with("standard", &[("outbound.allow", "127.0.0.1"), LONG]).await;
    let settings = ProviderSettings {
        issuer: Some(provider.issuer.clone()),
        client_id: Some(CLIENT.to_owned()),
        redirect_uris: vec![PAGE.to_owned()],
        keep_tokens: true,
        ..ProviderSettings::default()
    };
    let keys = ProviderKeys { client_secret: Some(Secret::new(SECRET)), private_key: None };
    let by = FreshBy::command_line();
    providers::create(&app.core, &by, "acme", &settings, &keys).await.unwrap();
    Site { app, provider }
}

async fn change(site: &Site, patch: fn(&mut ProviderSettings)) {
    let by = FreshBy::command_line();
    let patch = move |settings: &mut ProviderSettings, _: &mut ProviderKeys| patch(settings);
    providers::change(&site.app.core, &by, "acme", None, patch).await.unwrap();
}

#[tokio::test]
async fn tokens_go_when_a_stored_provider_keeps_them_no_more_or_is_another_client() {
    let site = stored().await;
    let ada = enter(&site, "ada").await;
    ask(&site.app, &ada).ok(200).await;
    change(&site, |settings| settings.label = Some("Acme".to_owned())).await;
    assert_eq!(kept(&site.app), 1);
    change(&site, |settings| settings.keep_tokens = false).await;
    assert_eq!(kept(&site.app), 0);
    ask(&site.app, &ada).refused(409, "CONFLICT").await;

    change(&site, |settings| settings.keep_tokens = true).await;
    let ada = enter(&site, "ada").await;
    assert_eq!(kept(&site.app), 1);
    change(&site, |settings| settings.client_id = Some("another".to_owned())).await;
    assert_eq!(kept(&site.app), 0);
    ask(&site.app, &ada).refused(409, "PROVIDER_LOGIN_REQUIRED").await;

    change(&site, |settings| settings.client_id = Some(CLIENT.to_owned())).await;
    enter(&site, "ada").await;
    providers::remove(&site.app.core, &FreshBy::command_line(), "acme").await.unwrap();
    assert_eq!(kept(&site.app), 0);
}

/// The one in the configuration comes first.
#[tokio::test]
async fn tokens_of_a_configured_provider_stay_when_a_stored_one_of_its_name_is_removed() {
    let (site, _) = keeping().await;
    enter(&site, "ada").await;
    let stored = "insert into providers (name, settings, created_at, updated_at) values ('acme', '{}', 0, 0)";
    assert_eq!(site.app.database().tamper(stored), 1);
    providers::remove(&site.app.core, &FreshBy::command_line(), "acme").await.unwrap();
    assert_eq!(kept(&site.app), 1);
}

/// The settings name another client than the one that got the tokens, as after a change of the file.
#[tokio::test]
async fn tokens_of_another_client_or_issuer_are_sent_nowhere() {
    let site = stored().await;
    let ada = enter(&site, "ada").await;
    let other = FakeProvider::start().await;
    let database = site.app.database();
    let swap = format!(
        "update providers set settings = replace(settings, '{}', '{}')",
        site.provider.issuer, other.issuer
    );
    assert_eq!(database.tamper(&swap), 1);
    put_forward(&site, HOUR);
    let key = service_key(&site.app).await;
    by_service(&site.app, &key, &ada).refused(409, "PROVIDER_LOGIN_REQUIRED").await;
    assert_eq!(other.requests(), Vec::<String>::new());
}

#[tokio::test]
async fn the_cleanup_deletes_what_the_configuration_keeps_no_more() {
    let (site, _) = keeping().await;
    enter(&site, "ada").await;
    cleanup::purge(&site.app.core).await.unwrap();
    assert_eq!(kept(&site.app), 1);
    let own = site.provider.settings("acme");
    let own: Vec<_> = own.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let app = site.app.restart("standard", &own).await;
    cleanup::purge(&app.core).await.unwrap();
    assert_eq!(kept(&app), 0);
}

#[tokio::test]
async fn the_cleanup_deletes_what_another_client_of_the_configuration_got() {
    let (site, _) = keeping().await;
    enter(&site, "ada").await;
    let with_client = |client: &str| {
        let mut own = site.provider.settings("acme");
        own.push((KEEP.0.to_owned(), KEEP.1.to_owned()));
        own.iter_mut().filter(|(key, _)| key.ends_with("client_id")).for_each(|(_, value)| {
            client.clone_into(value);
        });
        own
    };
    let mut app = site.app;
    for (client, left) in [(CLIENT, 1), ("another", 0)] {
        let own = with_client(client);
        let own: Vec<_> = own.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        app = app.restart("standard", &own).await;
        cleanup::purge(&app.core).await.unwrap();
        assert_eq!(kept(&app), left, "{client}");
    }
}

#[tokio::test]
async fn a_login_asks_for_tokens_that_last() {
    let app = app_with(
        "standard",
        &[
            ("providers.x.client_id", "c"),
            ("providers.x.redirect_uris", PAGE),
            ("providers.x.keep_tokens", "true"),
        ],
    )
    .await;
    let begin = app.post("/v1/auth/providers/x/begin", &json!({ "redirectUri": PAGE }));
    assert!(Begun::of(&begin.ok(200).await).url.contains("offline.access"));
    let resolved = |name: &str, scopes: &[&str], keep_tokens: bool| {
        let settings = ProviderSettings {
            client_id: Some("c".to_owned()),
            issuer: (name == "acme").then(|| "https://acme.example".to_owned()),
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            keep_tokens,
            ..ProviderSettings::default()
        };
        authd::config::resolve_provider(name, &settings, &ProviderKeys::default()).unwrap()
    };
    let fields = |name: &str, scopes: &[&str], keeps: bool| {
        let fields = resolved(name, scopes, keeps).request_fields;
        fields.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
    };
    assert_eq!(fields("google", &[], true), "access_type=offline&prompt=consent");
    assert_eq!(fields("google", &[], false), "");
    assert_eq!(fields("acme", &["offline_access"], true), "prompt=consent");
    assert_eq!(fields("acme", &[], true), "");
    assert!(resolved("microsoft", &[], true).scopes.contains(&"offline_access".to_owned()));
    assert!(!resolved("microsoft", &[], false).scopes.contains(&"offline_access".to_owned()));
}

#[tokio::test]
async fn a_lost_master_key_takes_the_tokens_along() {
    let (site, _) = keeping().await;
    enter(&site, "ada").await;
    let closed = site.app.close();
    let folder = closed.dir.clone();
    std::fs::remove_file(folder.path().join("authd.key")).unwrap();
    let database = Database::File(folder.path().join("authd.db"));
    let replaced = tokio::task::spawn_blocking(move || {
        replace_master_key(&database, None, &Env::real(), &Progress::default())
    });
    assert_eq!(replaced.await.unwrap().unwrap().provider_tokens, 1);
    assert_eq!(kept(&closed.open(None).await), 0);
}
