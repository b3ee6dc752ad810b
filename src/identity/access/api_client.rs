//! API clients: register them, rotate their keys, check the credentials of a request.

use aws_lc_rs::constant_time::verify_slices_are_equal;

use crate::error::{Detail, Error, Field, Kind, Result, Rule};
use crate::identity::Core;
use crate::identity::access::actor::{By, FreshBy};
use crate::identity::audit::log::AuditLog;
use crate::model::event::What;
use crate::model::{ApiClient, Event, Permission, Secret, app, secret, text};
use crate::store;

/// The most characters in an API client's name.
const LONGEST_NAME: usize = 100;

/// Registers an API client. The server never shows the key again.
///
/// # Errors
/// `Validation` for the name, `Forbidden`.
pub async fn create(
    core: &Core,
    by: &By,
    name: &str,
    kind: app::ApiClientKind,
) -> Result<(ApiClient, Secret)> {
    if !(1..=LONGEST_NAME).contains(&text::length(name)) || name.chars().any(text::is_control) {
        return Err(Error::invalid_field(Field::Name, Rule::OneLine { max: LONGEST_NAME }));
    }
    let (log, actor) = (AuditLog::new(core, &by.source), by.actor.clone());
    let key = new_key(core)?;
    let hash = secret::digest(key.reveal().as_bytes());
    let app = ApiClient {
        id: core.env.new_id()?,
        name: name.to_owned(),
        kind,
        created_at: log.at(),
        rotated_at: log.at(),
    };
    let made = app.clone();
    core.store
        .write(move |db| {
            actor.needs(db, Permission::Apps)?;
            store::tables::apps::insert(db, &made, &hash)?;
            store::tables::keys::raise_epoch(db)?;
            log.record(db, &Event::done(What::AppCreated).by(actor.name()).because(&made.id))
        })
        .await?;
    Ok((app, key))
}

/// Registers an API client if requests must name one and none exists yet.
///
/// # Errors
/// `Unavailable`.
pub async fn create_first(core: &Core) -> Result<Option<(ApiClient, Secret)>> {
    if !core.config.apps.required || !list(core).await?.is_empty() {
        return Ok(None);
    }
    create(core, &By::command_line(), "first", app::ApiClientKind::Client).await.map(Some)
}

fn new_key(core: &Core) -> Result<Secret> {
    Ok(Secret::new(format!("sk_{}", core.env.new_token()?)))
}

/// Lists all API clients, oldest first.
///
/// # Errors
/// `Unavailable`.
pub async fn list(core: &Core) -> Result<Vec<ApiClient>> {
    core.store.scan(store::tables::apps::list).await
}

fn unknown(id: &str) -> Error {
    Detail::UnknownApiClient(id.to_owned()).into()
}

/// Gives an API client a new key. The old key stops working at once.
///
/// # Errors
/// `NotFound`, `Forbidden`.
pub async fn rotate(core: &Core, by: &FreshBy, id: &str) -> Result<(ApiClient, Secret)> {
    let by = by.by();
    let (log, actor, id) = (AuditLog::new(core, &by.source), by.actor.clone(), id.to_owned());
    let key = new_key(core)?;
    let hash = secret::digest(key.reveal().as_bytes());
    let app = core
        .store
        .write(move |db| {
            actor.needs(db, Permission::Apps)?;
            if !store::tables::apps::rotate(db, &id, &hash, log.at())? {
                return Err(unknown(&id));
            }
            store::tables::keys::raise_epoch(db)?;
            log.record(db, &Event::done(What::AppKeyRotated).by(actor.name()).because(&id))?;
            store::tables::apps::find(db, &id)?.ok_or_else(|| unknown(&id))
        })
        .await?;
    Ok((app, key))
}

/// Deletes an API client. Its key stops working at once.
///
/// # Errors
/// `NotFound`, `Forbidden`.
pub async fn delete(core: &Core, by: &FreshBy, id: &str) -> Result<()> {
    let by = by.by();
    let (log, actor, id) = (AuditLog::new(core, &by.source), by.actor.clone(), id.to_owned());
    core.store
        .write(move |db| {
            actor.needs(db, Permission::Apps)?;
            if !store::tables::apps::delete(db, &id)? {
                return Err(unknown(&id));
            }
            store::tables::keys::raise_epoch(db)?;
            log.record(db, &Event::done(What::AppDeleted).by(actor.name()).because(&id))
        })
        .await
}

/// Finds an API client by id and key. An unknown id and a wrong key give the same error.
///
/// # Errors
/// `AppInvalid`.
pub async fn check(core: &Core, id: &str, key: &str) -> Result<ApiClient> {
    let (wanted, presented) = (id.to_owned(), secret::digest(key.as_bytes()));
    let (app, stored) = core
        .store
        .read(move |db| {
            Ok((
                store::tables::apps::find(db, &wanted)?,
                store::tables::apps::key_hash(db, &wanted)?,
            ))
        })
        .await?;
    let is_right =
        verify_slices_are_equal(&presented, stored.as_deref().unwrap_or(&[0; 32])).is_ok();
    app.filter(|_| is_right).ok_or_else(|| Kind::AppInvalid.into())
}

/// Finds an API client by its key alone.
///
/// # Errors
/// `AppInvalid`.
pub async fn find_by_key(core: &Core, key: &str) -> Result<ApiClient> {
    // The lookup is by digest, so the timing of index comparisons reveals nothing about the key.
    let presented = secret::digest(key.as_bytes());
    let app = core.store.read(move |db| store::tables::apps::find_by_key(db, &presented)).await?;
    app.ok_or_else(|| Kind::AppInvalid.into())
}

/// Finds a service by its key alone. The keys of other API clients are refused.
///
/// # Errors
/// `AppInvalid`.
pub async fn check_service_key(core: &Core, key: &str) -> Result<ApiClient> {
    let app = find_by_key(core, key).await?;
    if app.kind == app::ApiClientKind::Service { Ok(app) } else { Err(Kind::AppInvalid.into()) }
}
