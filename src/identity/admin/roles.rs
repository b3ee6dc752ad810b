//! Custom roles: creating, changing and deleting them. Built-in roles cannot be changed.

use crate::error::{Detail, Error, Field, FieldError, Result, RoleRule, Rule};
use crate::identity::Core;
use crate::identity::access::actor::{By, FreshBy};
use crate::identity::audit::log::AuditLog;
use crate::model::event::What;
use crate::model::{Event, Permission, permission};
use crate::store;
use crate::store::db::Db;

pub use crate::store::tables::roles::Role;

/// Lists all roles, sorted by name.
///
/// # Errors
/// `Unavailable`.
pub async fn list(core: &Core) -> Result<Vec<Role>> {
    core.store.scan(store::tables::roles::list).await
}

/// The names of all roles, sorted.
///
/// # Errors
/// `Unavailable`.
pub async fn names(core: &Core) -> Result<Vec<String>> {
    core.store.read(|db| store::tables::roles::names(db)).await
}

/// Whether an account has the role `admin`.
///
/// # Errors
/// `Unavailable`.
pub async fn has_admin(core: &Core) -> Result<bool> {
    core.store.read(|db| store::tables::roles::has_admin(db)).await
}

fn check(name: &str, permissions: &[String]) -> Result<()> {
    let identifier = || Rule::Identifier { max: permission::LONGEST_NAME };
    let mut broken = Vec::new();
    if !permission::is_name(name) {
        broken.push(FieldError::new(Field::Name, identifier()));
    }
    for (index, word) in
        permissions.iter().enumerate().filter(|(_, word)| !permission::is_grantable(word))
    {
        let rule = if word.starts_with("admin.") {
            Rule::Role(RoleRule::UnknownPermission(word.clone()))
        } else {
            identifier()
        };
        broken.push(FieldError::new(Field::Permission(index), rule));
    }
    if broken.is_empty() { Ok(()) } else { Err(Error::invalid(broken)) }
}

/// Creates a role.
///
/// # Errors
/// `Validation`, `AlreadyExists`, `Forbidden` for permissions that the actor lacks.
pub async fn create(core: &Core, by: &By, name: &str, permissions: Vec<String>) -> Result<Role> {
    check(name, &permissions)?;
    let (log, actor, name) = (AuditLog::new(core, &by.source), by.actor.clone(), name.to_owned());
    let made = name.clone();
    core.store
        .write(move |db| {
            actor.needs(db, Permission::Roles)?;
            actor.may_grant(db, &name, permissions.clone())?;
            if !store::tables::roles::create(db, &name, log.at())? {
                return Err(Detail::RoleExists(name.clone()).into());
            }
            store::tables::roles::set_permissions(db, &name, &permissions)?;
            store::tables::keys::raise_epoch(db)?;
            log.record(db, &Event::done(What::RoleCreated).by(actor.name()).because(&name))
        })
        .await?;
    get(core, made).await
}

fn no_such_role(name: &str) -> Error {
    Detail::UnknownRole(name.to_owned()).into()
}

/// Reads a role with its number of accounts. Counting is slow, so it does not happen in the writer.
async fn get(core: &Core, name: String) -> Result<Role> {
    let wanted = name.clone();
    let found = core.store.scan(move |db| store::tables::roles::find(db, &wanted)).await?;
    found.ok_or_else(|| no_such_role(&name))
}

/// The permissions of a custom role. Built-in roles are rejected, as they cannot be changed.
fn of_own(db: &mut dyn Db, name: &str) -> Result<Vec<String>> {
    if store::tables::roles::is_built_in(db, name)?.ok_or_else(|| no_such_role(name))? {
        let rule = Rule::Role(RoleRule::BuiltIn(name.to_owned()));
        return Err(Error::invalid_field(Field::Name, rule));
    }
    store::tables::roles::permissions(db, name)
}

/// Sets the permissions of a role.
///
/// # Errors
/// `NotFound`, `Validation` for a built-in role, `Forbidden` for permissions that the actor lacks.
pub async fn change(core: &Core, by: &By, name: &str, permissions: Vec<String>) -> Result<Role> {
    check(name, &permissions)?;
    rewrite(core, by, name, move |_| Ok(permissions.clone())).await
}

/// Sets the permissions of a role that still has those that the administrator saw.
///
/// # Errors
/// As [`change`]; `PreconditionFailed` if it has others.
pub async fn change_seen(
    core: &Core,
    by: &By,
    seen: &Role,
    permissions: Vec<String>,
) -> Result<Role> {
    check(&seen.name, &permissions)?;
    let expected = seen.permissions.clone();
    let after = move |before: &[String]| {
        let is_same = before == expected;
        if is_same { Ok(permissions.clone()) } else { Err(Detail::ChangedSinceSeen.into()) }
    };
    rewrite(core, by, &seen.name, after).await
}

/// Adds permissions to a role.
///
/// # Errors
/// As [`change`].
pub async fn grant(core: &Core, by: &By, name: &str, more: Vec<String>) -> Result<Role> {
    check(name, &more)?;
    rewrite(core, by, name, move |before| Ok(before.iter().chain(&more).cloned().collect())).await
}

/// Removes permissions from a role.
///
/// # Errors
/// As [`change`].
pub async fn withdraw(core: &Core, by: &By, name: &str, less: Vec<String>) -> Result<Role> {
    let kept = move |before: &[String]| {
        Ok(before.iter().filter(|word| !less.contains(word)).cloned().collect())
    };
    rewrite(core, by, name, kept).await
}

/// Replaces the permissions of a role, computed from its current ones, in one write.
async fn rewrite(
    core: &Core,
    by: &By,
    name: &str,
    after: impl Fn(&[String]) -> Result<Vec<String>> + Send + 'static,
) -> Result<Role> {
    let (log, actor, name) = (AuditLog::new(core, &by.source), by.actor.clone(), name.to_owned());
    let changed = name.clone();
    core.store
        .write(move |db| {
            actor.needs(db, Permission::Roles)?;
            store::tables::roles::hold(db, &name)?;
            let before = of_own(db, &name)?;
            let permissions = after(&before)?;
            actor.may_grant(db, &name, before)?;
            actor.may_grant(db, &name, permissions.clone())?;
            store::tables::roles::set_permissions(db, &name, &permissions)?;
            store::tables::keys::raise_epoch(db)?;
            log.record(db, &Event::done(What::RoleChanged).by(actor.name()).because(&name))
        })
        .await?;
    get(core, changed).await
}

/// Deletes a role and takes it from every account that has it.
///
/// # Errors
/// `NotFound`, `Validation` for a built-in role, `Forbidden` for permissions that the actor lacks.
pub async fn delete(core: &Core, by: &FreshBy, name: &str) -> Result<()> {
    let by = by.by();
    let (log, actor, name) = (AuditLog::new(core, &by.source), by.actor.clone(), name.to_owned());
    core.store
        .write(move |db| {
            actor.needs(db, Permission::Roles)?;
            let before = of_own(db, &name)?;
            actor.may_grant(db, &name, before)?;
            store::tables::roles::delete(db, &name)?;
            store::tables::keys::raise_epoch(db)?;
            log.record(db, &Event::done(What::RoleDeleted).by(actor.name()).because(&name))
        })
        .await
}
