//! The core: one file per family of operations. It contains no HTTP, no SQL text and no JSON
//! envelope.
//!
//! Authorisation is a value: an operation on an account's data takes a [`Caller`], and only
//! [`access::caller::authenticate`] makes one. Every way to log in ends at the [`login::gate`].

pub mod access;
pub mod account;
pub mod admin;
pub mod audit;
pub mod factor;
pub mod login;
pub mod passkey;
pub mod provider;
pub mod session;
pub mod system;

use std::ops::Deref;
use std::sync::Arc;

use crate::config::{Config, LanguageConfig};
use crate::env::Env;
use crate::error::Result;
use crate::mail::Composer;
use crate::metrics::Metrics;
use crate::model::account::{AddressPolicy, Verification};
use crate::model::{Account, Source};
use crate::oidc::ProviderClient;
use crate::outbox::Outbox;
use crate::password::pool::Pool;
use crate::seal::MasterKey;
use crate::store::Store;
use crate::token::Tokens;
use crate::words::{Catalogue, Translation};

pub use crate::identity::access::actor::{Actor, Admin, By, FreshBy};
pub use crate::identity::access::caller::Caller;

/// What depends on the configuration, and is replaced as a whole when it is reloaded.
pub struct Reloadable {
    pub config: Arc<Config>,
    /// The location of client IPs.
    pub places: session::location::Places,
    /// The languages that people read.
    pub words: Arc<Catalogue>,
    /// Writes letters.
    pub mail: Composer,
    /// Tells the operator about attacks.
    pub alerts: Arc<audit::alert::Alerts>,
    /// Asks the providers that people log in with.
    pub oidc: ProviderClient,
    /// The providers of the database as they were last read.
    pub stored_providers: provider::StoredProviders,
    /// The tokens of providers that are being refreshed.
    pub token_refreshes: provider::TokenRefreshes,
}

impl Reloadable {
    /// Makes everything that this configuration determines.
    ///
    /// # Errors
    /// `Internal` if a file that it names cannot be used.
    pub fn open(config: Arc<Config>, outbox: &Outbox, env: &Env) -> Result<Self> {
        let LanguageConfig { words, default, .. } = &config.language;
        let words = Arc::new(Catalogue::load(words.as_deref(), *default)?);
        let mail = Composer::new(&config.service, &config.mail, &words, outbox.clone())?;
        Ok(Self {
            places: session::location::Places::open(config.location.file.as_deref())?,
            alerts: Arc::new(audit::alert::Alerts::new(
                &config.alerts,
                mail.clone(),
                words.clone(),
            )),
            oidc: ProviderClient::new(&config.outbound, env),
            stored_providers: provider::StoredProviders::default(),
            token_refreshes: provider::TokenRefreshes::default(),
            words,
            mail,
            config,
        })
    }
}

/// Everything that the operations need, shared by all requests. What a reload replaces is reached
/// as if it were a part of it: `core.config`.
#[derive(Clone)]
pub struct Core {
    pub reloadable: Arc<Reloadable>,
    /// Clock and randomness.
    pub env: Env,
    pub store: Store,
    pub hashing: Pool,
    pub tokens: Tokens,
    /// The role cache: what each role may do.
    pub roles: admin::role_cache::RoleCache,
    pub master: MasterKey,
    /// The queue of letters, text messages and jobs.
    pub outbox: Outbox,
    pub metrics: Metrics,
    /// Requests that a limit refused, not yet written to the audit log.
    pub refusals: audit::refusals::Refusals,
    /// Cached counts from the database, for metrics.
    pub counts: Arc<system::count_cache::CountCache>,
    /// How many uploads may run at the same time.
    pub slots: account::upload_slots::Slots,
    /// Exports of accounts that are in progress.
    pub exports: Arc<account::export_slots::ExportSlots>,
    /// Tokens of the command line that were used.
    pub operator_tokens: Arc<system::operator_token::OperatorTokens>,
    /// Backups that are being made, checked or downloaded.
    pub backup_work: Arc<system::backup_work::BackupWork>,
    /// The test of the mail server that goes on, if one does.
    pub mail_test_limit: Arc<system::mail_test_limit::MailTestLimit>,
    /// Password attempts that are being checked.
    pub in_flight: login::in_flight::AttemptsInFlight,
}

impl Deref for Core {
    type Target = Reloadable;

    fn deref(&self) -> &Reloadable {
        &self.reloadable
    }
}

impl Core {
    /// The language of a letter to the owner of this account that another party may have caused:
    /// the account's, else the default of the server.
    #[must_use]
    pub fn language_of(&self, account: &Account) -> Translation<'_> {
        self.words.pick([account.locale])
    }

    /// The language of a letter that the owner of this account asked for: without one of the
    /// account's own, that of the request.
    #[must_use]
    pub fn language_for(&self, account: &Account, source: &Source) -> Translation<'_> {
        self.words.pick([account.locale, source.language])
    }

    /// Whether every new account needs an address.
    #[must_use]
    pub fn address_policy(&self) -> AddressPolicy {
        if self.config.signup.require_email {
            AddressPolicy::Required
        } else {
            AddressPolicy::Optional
        }
    }

    /// Whether an address must be verified before its account can be used.
    #[must_use]
    pub fn verification(&self) -> Verification {
        if self.config.signup.verify_email {
            Verification::Required
        } else {
            Verification::Optional
        }
    }
}
