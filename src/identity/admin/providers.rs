//! The providers that people log in with, as administrators see them: those of the configuration,
//! which only the configuration changes, and those kept in the database.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::config::{CheckedProvider, UnfitSetting, check_provider};
use crate::error::{Detail, Error, Field, FieldError, ProviderFault, Result, Rule};
use crate::identity::Core;
use crate::identity::access::actor::{Actor, FreshBy};
use crate::identity::audit::log::AuditLog;
use crate::identity::provider::redirect_address;
use crate::identity::provider::stored::{StoredProvider, keys_of, seal_keys, settings_of};
use crate::identity::provider::tokens::forget_tokens;
use crate::identity::provider::usable;
use crate::model::event::What;
use crate::model::provider::ProviderKeys;
use crate::model::{Event, Permission, Provider, ProviderSettings, Secret, Time};
use crate::oidc::is_signing_key;
use crate::store;
use crate::store::db::Db;
use crate::store::tables::providers::ProviderRow;

/// How many providers the database may have.
const MOST: i64 = 100;

/// Where the settings of a provider are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderOrigin {
    /// In the file or the environment.
    Configuration,
    Database,
}

impl ProviderOrigin {
    /// Its name on the command line and in the native API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Database => "database",
        }
    }
}

/// A provider as administrators see it.
#[derive(Debug, Clone)]
pub struct ProviderRecord {
    pub name: String,
    pub origin: ProviderOrigin,
    /// Whether the other place has a provider with this name or issuer too. That of the configuration
    /// is used.
    pub has_double: bool,
    /// The provider, or why it cannot be used.
    pub provider: std::result::Result<Arc<Provider>, String>,
    /// The address to register at the provider.
    pub redirect_address: Option<String>,
    /// `None` in the configuration.
    pub created_at: Option<Time>,
    pub updated_at: Option<Time>,
}

impl ProviderRecord {
    /// Whether people can log in with it.
    #[must_use]
    pub fn is_in_force(&self) -> bool {
        self.provider.is_ok() && !(self.has_double && self.origin == ProviderOrigin::Database)
    }

    fn configured(core: &Core, provider: &Arc<Provider>, has_double: bool) -> Self {
        Self {
            name: provider.name.clone(),
            origin: ProviderOrigin::Configuration,
            has_double,
            redirect_address: redirect_address(core, provider),
            provider: Ok(provider.clone()),
            created_at: None,
            updated_at: None,
        }
    }

    fn stored(core: &Core, stored: &StoredProvider) -> Self {
        let provider = stored.provider.clone();
        Self {
            name: stored.row.name.clone(),
            origin: ProviderOrigin::Database,
            has_double: {
                let provider = provider.as_deref().ok();
                core.config.providers.claims(&stored.row.name, provider)
            },
            redirect_address: provider.as_ref().ok().and_then(|one| redirect_address(core, one)),
            provider,
            created_at: Some(stored.row.created_at),
            updated_at: Some(stored.row.updated_at),
        }
    }
}

/// Lists all providers by name; that of the configuration first.
///
/// # Errors
/// `Unavailable`.
pub async fn list(core: &Core) -> Result<Vec<ProviderRecord>> {
    let stored = usable::stored(core).await?;
    let names: BTreeSet<&str> = stored.iter().map(|one| one.row.name.as_str()).collect();
    let configured = core.config.providers.all.iter().map(|provider| {
        ProviderRecord::configured(core, provider, names.contains(provider.name.as_str()))
    });
    let mut all: Vec<_> = configured.collect();
    all.extend(stored.iter().map(|one| ProviderRecord::stored(core, one)));
    // Stable: the configuration comes first.
    all.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(all)
}

/// The provider with this name that is used, and how many connected accounts it has.
///
/// # Errors
/// `NotFound`, `Unavailable`.
pub async fn show(core: &Core, name: &str) -> Result<(ProviderRecord, i64)> {
    let all = list(core).await?;
    let record = all.into_iter().find(|record| record.name == name);
    let record = record.ok_or(ProviderFault::Unknown)?;
    Ok((record, count_identities(core, name).await?))
}

async fn count_identities(core: &Core, name: &str) -> Result<i64> {
    let name = name.to_owned();
    core.store.scan(move |db| store::tables::identities::count_of_provider(db, &name)).await
}

fn refused(unfit: Vec<UnfitSetting>) -> Error {
    let row = |one: UnfitSetting| {
        FieldError::new(Field::Setting(one.setting), Rule::Setting(one.message))
    };
    Error::invalid(unfit.into_iter().map(row).collect())
}

/// Checks settings by the rules of the configuration, and the private key.
fn checked(
    name: &str,
    settings: &ProviderSettings,
    keys: &ProviderKeys,
) -> Result<CheckedProvider> {
    let checked = check_provider(name, settings, keys).map_err(refused)?;
    if checked.keys.private_key.as_ref().is_some_and(|key| !is_signing_key(key)) {
        let message = "expected a P-256 key in PEM form (PKCS #8)".to_owned();
        return Err(refused(vec![UnfitSetting { setting: "private_key".to_owned(), message }]));
    }
    Ok(checked)
}

fn has_any(keys: &ProviderKeys) -> bool {
    keys.client_secret.is_some() || keys.private_key.is_some()
}

/// Whether a change says that there is no secret from now on, whichever there was.
fn takes_keys_away(
    before: &ProviderSettings,
    patch: &impl Fn(&mut ProviderSettings, &mut ProviderKeys),
) -> bool {
    let any = || Some(Secret::new("any"));
    let mut keys = ProviderKeys { client_secret: any(), private_key: any() };
    patch(&mut before.clone(), &mut keys);
    keys.client_secret.is_none() || keys.private_key.is_none()
}

/// Refuses a change that would leave a secret which does not open. It may open again, with the master key
/// that sealed it.
fn unopened(name: &str) -> Error {
    let message = format!(
        "that of {name} was sealed under another master key: give it again, or restore that key"
    );
    refused(vec![UnfitSetting { setting: "client_secret".to_owned(), message }])
}

/// Refuses to send a stored secret to another server. Administrators who change the address of a
/// provider need not know its secret, and could read it there.
fn refuse_secret_elsewhere(
    before: &ProviderSettings,
    after: &ProviderSettings,
    given: &ProviderKeys,
    keys: &ProviderKeys,
) -> Result<()> {
    let server =
        |one: &ProviderSettings| (one.issuer.clone(), one.preset.clone(), one.tenant.clone());
    if server(before) == server(after) || !has_any(keys) || has_any(given) {
        return Ok(());
    }
    let message = "give it again for another issuer: the stored one would be sent there".to_owned();
    Err(refused(vec![UnfitSetting { setting: "client_secret".to_owned(), message }]))
}

/// Deletes the tokens that are kept from a provider of the database. Those of a provider of the
/// configuration that has the same name stay.
async fn forget_stored_tokens(core: &Core, name: &str) -> Result<()> {
    if core.config.providers.find(name).is_none() {
        forget_tokens(core, name).await?;
    }
    Ok(())
}

/// Refuses the issuer of a provider of the configuration: another client of it, which an
/// administrator chooses, would open the accounts that are connected with it.
fn refuse_issuer(core: &Core, provider: &Provider) -> Result<()> {
    // The name is another matter.
    if core.config.providers.claims("", Some(provider)) {
        return Err(ProviderFault::IssuerTaken.into());
    }
    Ok(())
}

/// The settings as they are stored.
fn written(settings: &ProviderSettings) -> Result<String> {
    serde_json::to_string(settings)
        .map_err(|error| Error::internal("settings cannot be written").caused_by(error))
}

/// A provider that a write stored, as it is shown.
fn record_of(core: &Core, row: ProviderRow, provider: Provider) -> ProviderRecord {
    ProviderRecord::stored(core, &StoredProvider { row, provider: Ok(Arc::new(provider)) })
}

fn record(db: &mut dyn Db, log: &AuditLog, what: What, actor: &Actor, name: &str) -> Result<()> {
    log.record(db, &Event::done(what).by(actor.name()).because(name))
}

/// Adds a provider to the database. People can log in with it at once.
///
/// # Errors
/// `Validation` with each setting that does not fit; `AlreadyExists` if the database or the
/// configuration has the name; `Conflict` if the configuration has the issuer or there are too many,
/// `Forbidden`.
pub async fn create(
    core: &Core,
    by: &FreshBy,
    name: &str,
    settings: &ProviderSettings,
    keys: &ProviderKeys,
) -> Result<ProviderRecord> {
    let CheckedProvider { settings, keys, provider } = checked(name, settings, keys)?;
    if core.config.providers.find(name).is_some() {
        return Err(ProviderFault::NameTaken.into());
    }
    refuse_issuer(core, &provider)?;
    let by = by.by();
    let (log, actor) = (AuditLog::new(core, &by.source), by.actor.clone());
    let row = ProviderRow {
        name: name.to_owned(),
        settings: written(&settings)?,
        sealed: seal_keys(&core.master, &core.env, name, &keys)?,
        created_at: log.at(),
        updated_at: log.at(),
    };
    let new = row.clone();
    core.store
        .write(move |db| {
            actor.needs(db, Permission::Providers)?;
            if !store::tables::providers::insert(db, &new)? {
                return Err(ProviderFault::NameTaken.into());
            }
            if store::tables::providers::count(db)? > MOST {
                return Err(ProviderFault::TooManyProviders.into());
            }
            record(db, &log, What::ProviderAdded, &actor, &new.name)
        })
        .await?;
    Ok(record_of(core, row, provider))
}

/// Why a provider that is not in the database cannot be changed there.
fn not_stored(core: &Core, name: &str) -> Error {
    match core.config.providers.find(name) {
        Some(_) => ProviderFault::Configured.into(),
        None => ProviderFault::Unknown.into(),
    }
}

/// Whether a change leaves the tokens that are kept of no use: the provider keeps none any more, or they
/// were issued to another client.
fn voids_tokens(before: &ProviderSettings, after: &ProviderSettings) -> bool {
    let client = |one: &ProviderSettings| {
        (one.client_id.clone(), one.issuer.clone(), one.preset.clone(), one.tenant.clone())
    };
    before.keep_tokens && (!after.keep_tokens || client(before) != client(after))
}

/// Changes the settings and secrets of a provider in the database; if the administrator saw it, only as it
/// was then.
///
/// # Errors
/// `Validation`, `NotFound`; `Conflict` if only the configuration has it or its issuer, `Forbidden`,
/// `PreconditionFailed` if it has changed since.
pub async fn change(
    core: &Core,
    by: &FreshBy,
    name: &str,
    seen: Option<Time>,
    patch: impl Fn(&mut ProviderSettings, &mut ProviderKeys) + Send + 'static,
) -> Result<ProviderRecord> {
    let by = by.by();
    let (log, actor) = (AuditLog::new(core, &by.source), by.actor.clone());
    let (whole, name) = (core.clone(), name.to_owned());
    let changed = core
        .store
        .write(move |db| {
            actor.needs(db, Permission::Providers)?;
            let row = store::tables::providers::find(db, &name)?;
            let row = row.ok_or_else(|| not_stored(&whole, &name))?;
            if seen.is_some_and(|seen| seen != row.updated_at) {
                return Err(Detail::ChangedSinceSeen.into());
            }
            let before = settings_of(&row)?;
            let kept = keys_of(&whole.master, &row);
            let mut given = ProviderKeys::default();
            patch(&mut before.clone(), &mut given);
            if kept.is_err() && !has_any(&given) && !takes_keys_away(&before, &patch) {
                return Err(unopened(&row.name));
            }
            let (mut settings, mut keys) = (before.clone(), kept.unwrap_or_default());
            patch(&mut settings, &mut keys);
            refuse_secret_elsewhere(&before, &settings, &given, &keys)?;
            let CheckedProvider { settings, keys, provider } = checked(&name, &settings, &keys)?;
            refuse_issuer(&whole, &provider)?;
            let row = ProviderRow {
                settings: written(&settings)?,
                sealed: seal_keys(&whole.master, &whole.env, &name, &keys)?,
                updated_at: log.at(),
                ..row
            };
            if !store::tables::providers::update(db, &row)? {
                return Err(not_stored(&whole, &name));
            }
            record(db, &log, What::ProviderChanged, &actor, &name)?;
            Ok((row, provider, voids_tokens(&before, &settings)))
        })
        .await?;
    let (row, provider, voids_tokens) = changed;
    if voids_tokens {
        forget_stored_tokens(core, &row.name).await?;
    }
    Ok(record_of(core, row, provider))
}

/// Removes a provider from the database, with the tokens of its accounts. Its connected accounts stay, and
/// log in again once a provider with its issuer is there. Returns how many there are.
///
/// # Errors
/// `NotFound`; `Conflict` if only the configuration has it, `Forbidden`.
pub async fn remove(core: &Core, by: &FreshBy, name: &str) -> Result<i64> {
    let connected = count_identities(core, name).await?;
    let by = by.by();
    let (log, actor) = (AuditLog::new(core, &by.source), by.actor.clone());
    let (whole, name) = (core.clone(), name.to_owned());
    let removed = core
        .store
        .write(move |db| {
            actor.needs(db, Permission::Providers)?;
            if !store::tables::providers::delete(db, &name)? {
                return Err(not_stored(&whole, &name));
            }
            record(db, &log, What::ProviderRemoved, &actor, &name)?;
            Ok(name.clone())
        })
        .await?;
    forget_stored_tokens(core, &removed).await?;
    Ok(connected)
}
