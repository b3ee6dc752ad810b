//! Searches for accounts that administrators save under a name. They are private: each administrator has
//! their own, and they are erased with the administrator's account. To share one, send its address.

use crate::error::{Error, Field, FieldError, Kind, Result, Rule};
use crate::identity::Core;
use crate::identity::access::actor::Admin;
use crate::model::text;
use crate::store::tables::searches;

pub use crate::store::tables::searches::SavedSearch;

/// The most searches of an administrator.
const MOST: i64 = 50;
/// The most characters of a name.
pub const LONGEST_NAME: usize = 60;
/// The most characters of a query.
pub const LONGEST_QUERY: usize = 1_000;

/// The searches of an administrator, in the order of their names.
///
/// # Errors
/// `Unavailable`.
pub async fn list(core: &Core, owner: &Admin) -> Result<Vec<SavedSearch>> {
    let owner = owner.account().clone();
    core.store.read(move |db| searches::list(db, &owner)).await
}

/// Saves a search. It replaces one with the same name.
///
/// # Errors
/// `Validation`, `Conflict` if there are too many.
pub async fn save(core: &Core, owner: &Admin, name: &str, query: &str) -> Result<SavedSearch> {
    let name = name.trim();
    let mut broken = Vec::new();
    if name.is_empty() || text::length(name) > LONGEST_NAME || name.contains(text::is_control) {
        broken.push(FieldError::new(Field::Name, Rule::OneLine { max: LONGEST_NAME }));
    }
    if query.len() > LONGEST_QUERY || !query.bytes().all(|byte| byte.is_ascii_graphic()) {
        broken.push(FieldError::new(Field::Query, Rule::Word { max: LONGEST_QUERY }));
    }
    if !broken.is_empty() {
        return Err(Error::invalid(broken));
    }
    let new =
        SavedSearch { name: name.to_owned(), query: query.to_owned(), created_at: core.env.now() };
    let (owner, kept) = (owner.account().clone(), new.clone());
    let is_saved = core.store.write(move |db| searches::save(db, &owner, &kept, MOST)).await?;
    if is_saved {
        Ok(new)
    } else {
        let most = usize::try_from(MOST).unwrap_or(usize::MAX);
        Err(Error::invalid_field(Field::Name, Rule::TooMany { max: most }))
    }
}

/// Removes a search.
///
/// # Errors
/// `NotFound`.
pub async fn remove(core: &Core, owner: &Admin, name: &str) -> Result<()> {
    let (owner, name) = (owner.account().clone(), name.to_owned());
    if core.store.write(move |db| searches::remove(db, &owner, &name)).await? {
        Ok(())
    } else {
        Err(Kind::NotFound.into())
    }
}
