//! What an authority asks of its customers besides an order: to renew when it says so (ARI, RFC 9773),
//! and an account of their own with it (external account binding).

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use authd::config::{Inputs, Server};
use authd::metrics::Metrics;
use authd::model::Time;
use authd::tls::{Certificate, ServedCertificate};
use poem::{Request, Response, endpoint};
use serde_json::json;

use super::acme::{Pebble, Site, free_port, listen, serve, settings};
use super::*;
use crate::tools::{missing, succeed};

/// Pebble knows nothing of renewal information: this directory does, and names pebble for the rest.
struct AdvisingAuthority {
    port: u16,
    /// The certificates that it was asked about.
    asked: Arc<Mutex<Vec<String>>>,
    window: Arc<Mutex<[Time; 2]>>,
}

impl AdvisingAuthority {
    async fn before(pebble: &Pebble) -> Self {
        let directory = format!("https://127.0.0.1:{}/dir", pebble.port);
        let directory = succeed(Command::new("curl").args(["-sk", &directory]));
        let mut directory: Value = serde_json::from_str(&directory).unwrap();
        let port = free_port();
        directory["renewalInfo"] = json!(format!("https://127.0.0.1:{port}/renewal"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let window = Arc::new(Mutex::new([Time::from_seconds(0); 2]));
        let (list, suggested) = (asked.clone(), window.clone());
        let answering = endpoint::make_sync(move |request: Request| {
            let Some(id) = request.uri().path().strip_prefix("/renewal/") else {
                return Response::from(directory.to_string());
            };
            list.lock().unwrap().push(id.to_owned());
            let [start, end] = suggested.lock().unwrap().map(Time::to_seconds_text);
            let info = json!({ "suggestedWindow": { "start": start, "end": end } });
            Response::builder().header("Retry-After", "3600").body(info.to_string())
        });
        let file = |name: &str| fs::read(pebble.folder.path().join(name)).unwrap();
        let certificate = Certificate::from_pem(&file("cert.pem"), &file("key.pem")).unwrap();
        let served = ServedCertificate::none(&Metrics::default()).unwrap();
        served.show(certificate);
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let server = authd::config::load(&Inputs::default()).unwrap().config.server;
        serve(&Server { listen: address, ..server }, Some(served), answering).await;
        Self { port, asked, window }
    }

    fn suggest(&self, from: Time, to: Time) {
        *self.window.lock().unwrap() = [from, to];
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_renewed_when_the_authority_asks_for_it() {
    let port = free_port();
    let Some(pebble) = Pebble::start(port, free_port()) else { return missing("ACME", "pebble") };
    let authority = AdvisingAuthority::before(&pebble).await;
    let mut settings = settings(port, &pebble);
    settings.push(format!("tls.acme_directory=https://127.0.0.1:{}/dir", authority.port));
    let site = Site::open(&settings, pebble.port).await;
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    listen(&site.core.config, address, Some(site.served.clone())).await;
    let certificates = site.certificates().await;
    let tick = async || {
        certificates.tick().await.unwrap_or_else(|e| panic!("{}\n{}", e.chain(), pebble.log()));
        site.served.current().unwrap()
    };
    let first = tick().await;
    assert_eq!(authority.asked(), [""; 0], "there was none to ask about");
    let life = first.expires().since(first.begins());
    let at = |part: f64| first.begins() + life.mul_f64(part);

    // Later than usual, and asked about once an hour.
    authority.suggest(at(0.75), at(0.76));
    for part in [0.01, 0.01, 0.7] {
        site.clock.advance(at(part).since(site.core.env.wall()));
        assert!(Arc::ptr_eq(&tick().await, &first), "{part}");
    }
    let asked = authority.asked();
    assert!(asked.len() == 2 && asked[0] == asked[1] && asked[0].contains('.'), "{asked:?}");

    // The authority has changed its mind, and wants it to be replaced at once. Pebble does not say which
    // certificate an order replaces, as the standard demands; it is ordered nevertheless.
    authority.suggest(at(0.1), at(0.2));
    assert!(Arc::ptr_eq(&tick().await, &first), "within an hour it is not asked again");
    site.clock.advance(Duration::from_hours(1));
    let second = tick().await;
    assert!(!Arc::ptr_eq(&second, &first));

    // However late it is to be, a sixth of the life is left.
    let begins = site.core.env.wall();
    let life = second.expires().since(second.begins());
    let at = |part: f64| second.begins() + life.mul_f64(part);
    authority.suggest(at(0.98), at(0.99));
    for (part, is_kept) in [(0.7, true), (0.8, true), (0.84, false)] {
        site.clock.advance(at(part).since(site.core.env.wall()));
        let same = Arc::ptr_eq(&tick().await, &second);
        assert_eq!(same, is_kept, "{part}, from {begins}");
    }
    assert_ne!(authority.asked().last(), asked.last(), "another certificate");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_wants_a_customer_account_gets_it() {
    let port = free_port();
    let key = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";
    let demanded = json!({
        "externalAccountBindingRequired": true, "externalAccountMACKeys": { "kid-1": key },
    });
    let Some(pebble) = Pebble::with(port, free_port(), &demanded) else {
        return missing("ACME", "pebble");
    };
    let other = "A".repeat(64);
    for (customer, is_known) in
        [(None, false), (Some(("kid-1", other.as_str())), false), (Some(("kid-1", key)), true)]
    {
        let mut settings = settings(port, &pebble);
        if let Some((kid, key)) = customer {
            settings.push(format!("tls.acme_eab_kid={kid}"));
            settings.push(format!("tls.acme_eab_key={key}="));
        }
        let site = Site::open(&settings, pebble.port).await;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let serving = listen(&site.core.config, address, Some(site.served.clone())).await;
        let ordered = site.certificates().await.tick().await;
        assert_eq!(site.served.current().is_some(), is_known, "{ordered:?}\n{}", pebble.log());
        if let Err(error) = ordered {
            let error = error.chain();
            assert!(error.contains("did not issue") && !error.contains(&other), "{error}");
            assert!(error.to_lowercase().contains("external"), "{error}");
        }
        serving.abort();
        let _ = serving.await;
    }
}
