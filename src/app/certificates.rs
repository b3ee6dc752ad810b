//! The certificate that a server shows itself, and its port for plain HTTP, which redirects.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::config::{Config, Server};
use crate::error::{Error, Result};
use crate::http::server::plain_http::redirecting;
use crate::http::transport::listener::{EndpointSwap, Listener};
use crate::http::transport::pace::Timeouts;
use crate::identity::Core;
use crate::outbound::SystemConnector;
use crate::tls::{
    AcmeCertificates, AcmeSurroundings, ChallengeAnswers, ServedCertificate, WatchedFiles,
};

/// How often the files of a certificate are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// The certificate of a server that speaks TLS itself.
pub(super) struct OwnCertificate {
    served: ServedCertificate,
    source: CertificateSource,
}

/// Where new certificates come from.
enum CertificateSource {
    Files(WatchedFiles),
    Authority(Box<AcmeCertificates>),
}

/// The certificate of a server, with the task that keeps it new.
pub(super) struct KeptNew {
    files: Option<WatchedFiles>,
    keeping: JoinHandle<()>,
}

impl OwnCertificate {
    /// Reads the certificate; `None` if the server speaks plain HTTP.
    pub(super) async fn open(core: &Core) -> Result<Option<Self>> {
        if !core.config.tls.is_on() {
            return Ok(None);
        }
        let served = ServedCertificate::none(&core.metrics)?;
        if let Some(files) = WatchedFiles::open(&core.config, &served, &core.env)? {
            return Ok(Some(Self { served, source: CertificateSource::Files(files) }));
        }
        let surroundings = AcmeSurroundings {
            store: core.store.clone(),
            master: core.master.clone(),
            env: core.env.clone(),
            connector: Arc::new(SystemConnector),
        };
        let authority = AcmeCertificates::open(&core.config, surroundings, &served).await?;
        Ok(authority.map(|authority| Self {
            served,
            source: CertificateSource::Authority(Box::new(authority)),
        }))
    }

    /// What the port shows.
    pub(super) fn served(&self) -> ServedCertificate {
        self.served.clone()
    }

    /// Watches its files, or orders certificates, from now on. The server must be reachable.
    pub(super) fn keep(self) -> KeptNew {
        match self.source {
            CertificateSource::Files(files) => {
                KeptNew { keeping: tokio::spawn(watch(files.clone())), files: Some(files) }
            }
            CertificateSource::Authority(authority) => {
                KeptNew { keeping: tokio::spawn(order(authority)), files: None }
            }
        }
    }
}

impl KeptNew {
    /// Reads the files that a new configuration names.
    pub(super) async fn configure(&self, config: &Config) {
        let Some(files) = self.files.clone() else { return };
        let config = config.clone();
        if tokio::task::spawn_blocking(move || files.configure(&config)).await.is_err() {
            tracing::error!("reading the certificate failed (internal error)");
        }
    }
}

impl Drop for KeptNew {
    fn drop(&mut self) {
        self.keeping.abort();
    }
}

async fn watch(files: WatchedFiles) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let files = files.clone();
        if tokio::task::spawn_blocking(move || files.catch_up()).await.is_err() {
            tracing::error!("reading the certificate failed (internal error)");
        }
    }
}

async fn order(authority: Box<AcmeCertificates>) {
    loop {
        if let Err(error) = authority.tick().await {
            tracing::error!(error = error.chain(), "there is no new certificate");
        }
        tokio::time::sleep(authority.pause()).await;
    }
}

/// The port that redirects to https, and its endpoint; `None` if the configuration has none.
pub(super) async fn redirect_port(
    core: &Core,
    timeouts: Timeouts,
    certificate: Option<&OwnCertificate>,
) -> Result<Option<(Listener, EndpointSwap)>> {
    let config = &core.config;
    let Some(listen) = config.tls.redirect else { return Ok(None) };
    let server = Server { listen, ..config.server.clone() };
    let failed =
        |error| Error::refused("tls.redirect cannot be served".to_owned()).caused_by(error);
    let port = Listener::bind(&server, timeouts, &core.env, &core.metrics).await.map_err(failed)?;
    tracing::info!(address = %port.local_addr(), "plain HTTP is redirected to https");
    let answers = certificate.map_or_else(ChallengeAnswers::default, |own| own.served.answers());
    Ok(Some((port, EndpointSwap::new(redirecting(config.public_url(), answers)))))
}
