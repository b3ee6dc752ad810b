//! Several servers with a certificate from an authority: one orders, and the authority may reach another.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use authd::config::Server;
use authd::http::server::plain_http::redirecting;
use authd::metrics::Metrics;
use authd::tls::ServedCertificate;

use super::acme::{Pebble, Site, free_port, listen, serve, settings};
use crate::cluster::{self, TestDatabase};
use crate::tools::missing;

const KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const PATH: &str = "/.well-known/acme-challenge/";

/// Two servers on this database. The first one acts for all.
async fn both(database: &TestDatabase, settings: &[String], authority: u16) -> [Site; 2] {
    let url = database.url();
    let one = Site::open_at(&url, Some(KEY), settings, authority).await;
    [one, Site::open_at(&url, Some(KEY), settings, authority).await]
}

/// What is kept for the others while something happens.
fn kept_while<T>(database: &TestDatabase, work: impl Future<Output = T>) -> (T, Vec<String>) {
    let is_over = AtomicBool::new(false);
    let look = || {
        let mut kept = Vec::new();
        while !is_over.load(Ordering::Relaxed) {
            let rows = database.texts("select text_value from instance where name = 'acme_answer'");
            kept.extend(rows.into_iter().flatten().flatten());
            std::thread::sleep(Duration::from_millis(50));
        }
        kept
    };
    std::thread::scope(|scope| {
        let looking = scope.spawn(look);
        let done = tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(work));
        is_over.store(true, Ordering::Relaxed);
        (done, looking.join().unwrap())
    })
}

/// Orders at the first server, and shows at the second what came of it.
async fn one_orders_and_the_other_answers(
    database: &TestDatabase,
    [ordering, other]: &[Site; 2],
    pebble: &Pebble,
) {
    let (first, second) = (ordering.certificates().await, other.certificates().await);
    second.tick().await.unwrap();
    assert_eq!(other.authority_was_asked(), 0, "one orders for all");
    assert!(second.pause() < Duration::from_secs(10), "it waits for the first certificate");
    let (ordered, kept) = kept_while(database, first.tick());
    ordered.unwrap_or_else(|error| panic!("{}\n{}", error.chain(), pebble.log()));
    assert!(ordering.expiry().is_some() && other.expiry().is_none());
    second.tick().await.unwrap();
    assert_eq!(other.expiry(), ordering.expiry());
    assert_eq!(second.pause(), Duration::from_mins(1));
    assert_eq!(other.authority_was_asked(), 0);
    // What is kept for the others is sealed, and gone afterwards.
    assert!(!kept.is_empty());
    for text in kept {
        let bytes = authd::model::secret::decode(&text).unwrap();
        for readable in [&b"localhost"[..], b"token", b"handshake", b"expires"] {
            assert!(!bytes.windows(readable.len()).any(|part| part == readable), "{text}");
        }
    }
    let left = "select name from instance where name in ('acme_answer', 'acme_attempts')";
    assert_eq!(database.texts(left), Vec::<Vec<Option<String>>>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_of_the_authority_may_reach_another_server_than_the_one_that_orders() {
    let Some(cluster) = cluster::shared("ACME with several servers") else { return };
    let port = free_port();
    let Some(pebble) = Pebble::start(port, free_port()) else { return missing("ACME", "pebble") };
    let database = cluster.database();
    let sites = both(&database, &settings(port, &pebble), pebble.port).await;
    let other = &sites[1];
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    listen(&other.core.config, address, Some(other.served.clone())).await;
    one_orders_and_the_other_answers(&database, &sites, &pebble).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_of_the_authority_may_reach_another_server_than_the_one_that_orders() {
    let Some(cluster) = cluster::shared("ACME with several servers") else { return };
    let (port, http) = (free_port(), free_port());
    let Some(pebble) = Pebble::start(free_port(), http) else { return missing("ACME", "pebble") };
    let database = cluster.database();
    let mut settings = settings(port, &pebble);
    settings.push(format!("tls.redirect=127.0.0.1:{http}"));
    let sites = both(&database, &settings, pebble.port).await;
    let other = &sites[1];
    // What leads to the port of the URL ends at a balancer that knows nothing of challenges.
    let balancer = ServedCertificate::none(&Metrics::default()).unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    listen(&other.core.config, address, Some(balancer)).await;
    let server =
        Server { listen: ([127, 0, 0, 1], http).into(), ..other.core.config.server.clone() };
    let answers = redirecting("https://localhost".to_owned(), other.served.answers());
    serve(&server, None, answers).await;
    one_orders_and_the_other_answers(&database, &sites, &pebble).await;
}

/// What somebody has written who knows the password of the database, but not the master key.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_no_server_has_sealed_is_given_by_none() {
    let Some(cluster) = cluster::shared("ACME with several servers") else { return };
    let database = cluster.database();
    let settings = [
        "server.public_url=https://localhost".to_owned(),
        "tls.acme=ops@example.com".to_owned(),
        "tls.acme_directory=https://127.0.0.1:1/dir".to_owned(),
    ];
    drop(Site::open_at(&database.url(), Some(KEY), &settings, 1).await);
    let body = r#"{"body":{"text":{"token":"t","text":"t.forged"}},"expires":9000000000000}"#;
    let forged = authd::model::secret::encode(body.as_bytes());
    for text in [body, forged.as_str()] {
        database.execute(&format!(
            "insert into instance (name, text_value) values ('acme_answer', '{text}') \
             on conflict (name) do update set text_value = excluded.text_value"
        ));
        // Each server reads it once.
        let site = Site::open_at(&database.url(), Some(KEY), &settings, 1).await;
        let _certificates = site.certificates().await;
        assert_eq!(site.served.answers().text(&format!("{PATH}t")).await, None);
        assert!(site.served.answers().handshake("localhost").await.is_none());
    }
}
