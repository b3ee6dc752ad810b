//! Certificates from an authority, by ACME (RFC 8555): ordered when there is none, renewed after two
//! thirds of their life or when the authority asks for it, kept sealed in the database. Of several
//! servers that share the database one orders, all answer the authority, and the others show what it keeps
//! there.

mod challenges;
mod directory;
mod kept;
mod order;
mod renewal;
mod retry;
mod self_check;
mod shared_answers;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::certificate::Certificate;
use super::served::ServedCertificate;
use crate::config::{AllowedHost, Config};
use crate::env::Env;
use crate::error::{Error, Result};
use crate::model::{HttpUrl, Time};
use crate::outbound::{Authorities, Connector, HttpClient, OutboundPolicy, UrlSchemes};
use crate::seal::MasterKey;
use crate::store::Store;
use directory::DirectoryClient;
use kept::{AcmeEntries, KeptCertificate};
use order::{AccountBinding, OrderParts};
use renewal::RenewalAdvice;
use self_check::{ChallengeRoad, SelfCheck};

pub use challenges::{ACME_TLS, ChallengeAnswers};

/// How soon the name is checked again if it did not lead here. Nothing is ordered then, so nobody
/// counts it.
const CHECK_AGAIN: Duration = Duration::from_mins(5);

/// How often it is looked whether a certificate must be ordered, or was by another server.
const LOOK: Duration = Duration::from_mins(1);
const LOOK_OFTEN: Duration = Duration::from_secs(5);

/// Keeps a server supplied with certificates from an authority.
pub struct AcmeCertificates {
    settings: AcmeSettings,
    client: DirectoryClient,
    check: SelfCheck,
    entries: AcmeEntries,
    served: ServedCertificate,
    advice: RenewalAdvice,
    /// When the name is checked again.
    next_check: Mutex<Time>,
    /// The chain that is shown.
    shown: Mutex<String>,
}

struct AcmeSettings {
    contact: String,
    directory: String,
    is_checked: bool,
    binding: Option<AccountBinding>,
}

/// What certificates are kept with, and how other servers are reached.
pub struct AcmeSurroundings {
    pub store: Store,
    pub master: MasterKey,
    pub env: Env,
    pub connector: Arc<dyn Connector>,
}

impl AcmeCertificates {
    /// Shows the certificate that is kept, if there is one; `None` if the configuration names no
    /// authority.
    ///
    /// # Errors
    /// If `tls.acme_root` cannot be used, or the database cannot be read.
    pub async fn open(
        config: &Config,
        surroundings: AcmeSurroundings,
        served: &ServedCertificate,
    ) -> Result<Option<Self>> {
        let tls = &config.tls;
        let (Some(contact), Some(host)) = (&tls.acme, config.server.public_host()) else {
            return Ok(None);
        };
        let AcmeSurroundings { store, master, env, connector } = surroundings;
        let tls_port = config.server.public_port().unwrap_or(443);
        let http_port =
            tls.redirect.map(|redirect| if tls_port == 443 { 80 } else { redirect.port() });
        let this = Self {
            settings: AcmeSettings {
                contact: contact.as_str().to_owned(),
                directory: tls.directory().to_owned(),
                is_checked: tls.acme_check,
                binding: tls.binding().map(|(kid, key)| AccountBinding { kid, key }),
            },
            client: DirectoryClient::new(authority(config, connector.clone())?),
            check: SelfCheck {
                host,
                tls_port,
                http_port,
                connector,
                answers: served.answers(),
                env: env.clone(),
            },
            entries: AcmeEntries { store, master, env },
            served: served.clone(),
            advice: RenewalAdvice::default(),
            next_check: Mutex::new(Time::from_millis(0)),
            shown: Mutex::default(),
        };
        if this.entries.store.node().id().is_some() {
            served.answers().share(this.entries.clone());
        }
        this.catch_up().await?;
        this.warn_of_delay().await?;
        Ok(Some(this))
    }

    /// Says why nothing happens after a start, if a certificate is due.
    async fn warn_of_delay(&self) -> Result<()> {
        let now = self.entries.env.wall();
        let delay = self.entries.attempts().await?.delay(&self.target(), now);
        if let Some(delay) = delay.filter(|_| self.is_due(now)) {
            let minutes = delay.as_secs() / 60;
            tracing::warn!(
                "the last order of a certificate failed; the next is made in {minutes} minutes"
            );
        }
        Ok(())
    }

    /// What attempts are counted for.
    fn target(&self) -> String {
        format!("{} {}", self.settings.directory, self.check.host)
    }

    /// Shows the certificate that is kept, if there is another than before.
    async fn catch_up(&self) -> Result<()> {
        let Some(kept) = self.entries.certificate().await? else { return Ok(()) };
        let is_shown = *self.shown.lock().unwrap_or_else(PoisonError::into_inner) == kept.chain;
        if is_shown { Ok(()) } else { self.show(&kept) }
    }

    /// Orders a certificate if one is due, no earlier attempt holds it up, and no other server does it.
    ///
    /// # Errors
    /// Why there is no new certificate. The next attempt is made when its time has come.
    pub async fn tick(&self) -> Result<()> {
        let node = self.entries.store.node();
        if node.id().is_some() {
            self.catch_up().await?;
        }
        if !node.leads() {
            return Ok(());
        }
        let AcmeSettings { directory, .. } = &self.settings;
        self.advice.ask(&self.client, directory, &self.entries.env).await;
        let now = self.entries.env.wall();
        if !self.is_due(now) {
            return Ok(());
        }
        let target = self.target();
        let delay = self.entries.attempts().await?.delay(&target, now);
        if delay.is_some() || !self.is_check_due(now) {
            return Ok(());
        }
        let road = self.road().await?;
        if !self.entries.begin_attempt(&target, now).await? {
            return Ok(());
        }
        let replaces = self.advice.replaces();
        let order = OrderParts {
            host: &self.check.host,
            contact: &self.settings.contact,
            directory: &self.settings.directory,
            client: self.client.clone(),
            entries: &self.entries,
            answers: &self.check.answers,
            binding: self.settings.binding.as_ref(),
            replaces: replaces.as_deref(),
        };
        let new = order.place(road).await?;
        self.show(&new)?;
        self.entries.keep_certificate(&new).await?;
        self.entries.forget_attempts().await
    }

    /// How long until the next look. While another server orders the first certificate, not long.
    #[must_use]
    pub fn pause(&self) -> Duration {
        let waits_for_another =
            self.served.current().is_none() && self.entries.store.node().id().is_some();
        if waits_for_another { LOOK_OFTEN } else { LOOK }
    }

    /// Whether there is no certificate for the host, or two thirds of its life are over, or the time that
    /// the authority asks for has come; but a sixth of its life is always left.
    fn is_due(&self, now: Time) -> bool {
        let Some(current) = self.served.current() else { return true };
        let life = current.expires().since(current.begins());
        let usual = current.begins() + life / 3 * 2;
        let latest = current.expires() - life / 6;
        let renew_at = self.advice.renew_at().map_or(usual, |advised| advised.min(latest));
        current.refusal(&self.check.host, now).is_some() || now >= renew_at
    }

    fn is_check_due(&self, now: Time) -> bool {
        let mut next = self.next_check.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = next.since(now);
        if !wait.is_zero() && wait <= CHECK_AGAIN {
            return false;
        }
        let again = i64::try_from(CHECK_AGAIN.as_millis()).unwrap_or(0);
        *next = Time::from_millis(now.millis() + again);
        true
    }

    async fn road(&self) -> Result<ChallengeRoad> {
        match self.check.road().await? {
            Ok(road) => Ok(road),
            Err(_) if !self.settings.is_checked => Ok(ChallengeRoad::Handshake),
            Err(why) => Err(Error::refused(format!(
                "no certificate is ordered, because the name does not lead to this server: {why}. It is checked \
                 again in {} minutes. If this machine cannot reach itself by its public name, set tls.acme_check \
                 to false",
                CHECK_AGAIN.as_secs() / 60
            ))),
        }
    }

    fn show(&self, kept: &KeptCertificate) -> Result<()> {
        let certificate = Certificate::from_pem(kept.chain.as_bytes(), kept.key.as_bytes())
            .map_err(|problem| {
                Error::internal(format!("the certificate is invalid: {}", problem.reason))
            })?;
        if let Some(reason) = certificate.refusal(&self.check.host, self.entries.env.wall()) {
            tracing::warn!("clients will refuse the certificate: {reason}");
        }
        tracing::info!(expires = %certificate.expires(), "a certificate is in force");
        let is_theirs = kept.directory.as_ref() == Some(&self.settings.directory);
        self.advice.follow(Some(kept.chain.as_str()).filter(|_| is_theirs));
        self.served.show(certificate);
        kept.chain.clone_into(&mut self.shown.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(())
    }
}

/// The chain of the certificate that is kept in the database, in PEM.
pub(super) async fn kept_chain(
    store: &Store,
    master: &MasterKey,
    env: &Env,
) -> Result<Option<String>> {
    let (store, master, env) = (store.clone(), master.clone(), env.clone());
    let kept = AcmeEntries { store, master, env }.certificate().await?;
    Ok(kept.map(|kept| kept.chain))
}

/// The client for the configured authority. Its address may be private, because the operator named
/// it.
fn authority(config: &Config, connector: Arc<dyn Connector>) -> Result<HttpClient> {
    let mut allow = config.outbound.allow.clone();
    if let Some(url) = HttpUrl::parse(config.tls.directory()) {
        allow.push(AllowedHost::from(url.host().clone()));
    }
    let policy = OutboundPolicy::new(UrlSchemes::Https, allow);
    match &config.tls.acme_root {
        None => Ok(HttpClient::with_connector(policy, connector)),
        Some(path) => {
            let roots = Authorities::in_file(path).map_err(|reason| {
                Error::refused(format!("tls.acme_root: {}: {reason}", path.display()))
            })?;
            Ok(HttpClient::trusting(policy, connector, roots))
        }
    }
}
