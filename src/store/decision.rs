//! The result of a write that may refuse: which refusals keep their changes, and which do not.

use crate::error::{Error, Result};

/// How a write ends that does not fail. A counted attempt must stay counted when it is refused, so
/// a refusal commits; a write that returns an error is rolled back instead.
#[must_use]
#[derive(Debug)]
pub enum Decision<T> {
    /// Keep the changes and return this value.
    Commit(T),
    /// Keep the changes, such as a counted attempt, and return this error.
    CommitThenRefuse(Error),
}

impl<T> Decision<T> {
    /// The caller's answer, once the changes are committed.
    ///
    /// # Errors
    /// The refusal, if it is one.
    pub(super) fn into_result(self) -> Result<T> {
        match self {
            Decision::Commit(value) => Ok(value),
            Decision::CommitThenRefuse(refusal) => Err(refusal),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::Env;
    use crate::error::Kind;
    use crate::model::Database;
    use crate::store::tables::instance;
    use crate::store::{ProcessRole, Store};

    #[tokio::test]
    async fn a_commit_and_a_refusal_keep_the_changes_and_an_error_undoes_them() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::File(folder.path().join("authd.db"));
        let store = Store::open(&database, ProcessRole::Server, &Env::real()).unwrap();
        let stored = async |name: &'static str| {
            store.read(move |db| instance::text(db, name)).await.unwrap()
        };

        let committed = store.decide(|db| {
            instance::set_text_if_absent(db, "commit", "kept")?;
            Ok(Decision::Commit(7))
        });
        assert_eq!(committed.await.unwrap(), 7);
        assert_eq!(stored("commit").await.as_deref(), Some("kept"));

        let refused = store.decide::<(), _>(|db| {
            instance::set_text_if_absent(db, "refusal", "kept")?;
            Ok(Decision::CommitThenRefuse(Kind::CodeInvalid.into()))
        });
        assert_eq!(refused.await.unwrap_err().kind(), Kind::CodeInvalid);
        assert_eq!(stored("refusal").await.as_deref(), Some("kept"));

        let failed = store.decide::<(), _>(|db| {
            instance::set_text_if_absent(db, "error", "lost")?;
            Err(Kind::Conflict.into())
        });
        assert_eq!(failed.await.unwrap_err().kind(), Kind::Conflict);
        assert_eq!(stored("error").await, None);
    }
}
