//! The rows of signing keys and refresh-token MAC keys, the epoch, and the check value of the
//! master key.
//!
//! Sealed values stay sealed here: this file does not know the master key.

use crate::error::{Error, Result};
use crate::model::Time;
use crate::sql;
use crate::store::db::{Db, Row};

/// A row of `signing_keys`.
#[derive(Debug, Clone)]
pub struct SigningKey {
    /// The `kid` of the JWK.
    pub id: String,
    /// `RS256`, `ES256`, `EdDSA` or `HS256`.
    pub algorithm: String,
    /// The sealed private key.
    pub sealed: Vec<u8>,
    /// The published JWK.
    pub public: Option<String>,
    pub created_at: Time,
    pub signs_from: Time,
    /// When its last token expires; `None` until another key replaces it.
    pub verifies_until: Option<Time>,
    /// When it was revoked. A revoked key neither signs nor verifies, also where the clock lags.
    pub revoked_at: Option<Time>,
}

/// A row of `refresh_keys`.
#[derive(Debug, Clone)]
pub struct RefreshKey {
    /// The version that tokens carry.
    pub version: i64,
    /// The sealed key.
    pub sealed: Vec<u8>,
    pub created_at: Time,
    /// When its last token expires; `None` until another key replaces it or it is revoked.
    pub verifies_until: Option<Time>,
    /// When it was revoked, as in [`SigningKey`].
    pub revoked_at: Option<Time>,
}

/// Lists every signing key in the order in which they start to sign.
pub fn signing_keys(db: &mut dyn Db) -> Result<Vec<SigningKey>> {
    let sql = sql!(
        "select id, algorithm, sealed, public, created_at, signs_from, verifies_until, revoked_at
         from signing_keys order by signs_from, id"
    );
    db.all(sql, &[])?.into_iter().map(read_signing_key).collect()
}

fn read_signing_key(mut row: Row) -> Result<SigningKey> {
    Ok(SigningKey {
        id: row.take()?,
        algorithm: row.take()?,
        sealed: row.take()?,
        public: row.take()?,
        created_at: row.take()?,
        signs_from: row.take()?,
        verifies_until: row.take()?,
        revoked_at: row.take()?,
    })
}

/// Adds a signing key. A key with the same id becomes the signing key again, unless it was revoked.
pub fn put_signing_key(db: &mut dyn Db, key: &SigningKey) -> Result<()> {
    let sql = sql!(
        "insert into signing_keys (id, algorithm, sealed, public, created_at, signs_from, verifies_until)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (id) do update set signs_from = excluded.signs_from,
         verifies_until = excluded.verifies_until where signing_keys.revoked_at is null"
    );
    let values = [
        (&key.id).into(),
        (&key.algorithm).into(),
        key.sealed.as_slice().into(),
        key.public.clone().into(),
        key.created_at.into(),
        key.signs_from.into(),
        key.verifies_until.into(),
    ];
    match db.run(sql, &values)? {
        // Only the key of a configured secret is stored again: its id comes from the secret.
        0 => Err(Error::refused("tokens.secret: this secret was revoked, set another".to_owned())),
        _ => Ok(()),
    }
}

/// Sets the end of every other signing key that has none: it verifies until `until`.
pub fn supersede_signing_keys(db: &mut dyn Db, by: &str, until: Time) -> Result<u64> {
    let sql = sql!(
        "update signing_keys set verifies_until = $1 where verifies_until is null and id <> $2"
    );
    db.run(sql, &[until.into(), by.into()])
}

/// Keeps keys that were to start signing after `from` from ever signing, because another key
/// replaces them.
pub fn cancel_signing_keys(db: &mut dyn Db, by: &str, from: Time) -> Result<u64> {
    let sql = sql!(
        "update signing_keys set verifies_until = signs_from
         where verifies_until is null and signs_from > $1 and id <> $2"
    );
    db.run(sql, &[from.into(), by.into()])
}

/// Revokes every other signing key. A process whose clock lags must not wait until its own clock
/// has come this far, so the row says it.
pub fn revoke_signing_keys(db: &mut dyn Db, except: &str, now: Time) -> Result<u64> {
    let sql = sql!(
        "update signing_keys set revoked_at = $1,
         verifies_until = case when verifies_until <= $1 then verifies_until else $1 end
         where id <> $2 and revoked_at is null"
    );
    db.run(sql, &[now.into(), except.into()])
}

/// Sets the end of older refresh keys that have none: they verify until `until`.
pub fn supersede_refresh_keys(db: &mut dyn Db, before: i64, until: Time) -> Result<u64> {
    let sql = sql!(
        "update refresh_keys set verifies_until = $1 where verifies_until is null and version < $2"
    );
    db.run(sql, &[until.into(), before.into()])
}

/// Revokes every refresh key before this version.
pub fn revoke_refresh_keys(db: &mut dyn Db, before: i64, now: Time) -> Result<u64> {
    let sql = sql!(
        "update refresh_keys set revoked_at = $1,
         verifies_until = case when verifies_until <= $1 then verifies_until else $1 end
         where version < $2 and revoked_at is null"
    );
    db.run(sql, &[now.into(), before.into()])
}

/// Deletes keys whose last token has expired.
pub fn purge(db: &mut dyn Db, now: Time) -> Result<u64> {
    let signing =
        db.run(sql!("delete from signing_keys where verifies_until <= $1"), &[now.into()])?;
    let refresh =
        db.run(sql!("delete from refresh_keys where verifies_until <= $1"), &[now.into()])?;
    Ok(signing + refresh)
}

/// Lists every refresh-token MAC key, oldest first.
pub fn refresh_keys(db: &mut dyn Db) -> Result<Vec<RefreshKey>> {
    let sql = sql!(
        "select version, sealed, created_at, verifies_until, revoked_at from refresh_keys order by version"
    );
    let read = |mut row: Row| {
        Ok(RefreshKey {
            version: row.take()?,
            sealed: row.take()?,
            created_at: row.take()?,
            verifies_until: row.take()?,
            revoked_at: row.take()?,
        })
    };
    db.all(sql, &[])?.into_iter().map(read).collect()
}

/// Adds a refresh-token MAC key. Fails if the version exists.
pub fn insert_refresh_key(db: &mut dyn Db, key: &RefreshKey) -> Result<()> {
    let sql = sql!(
        "insert into refresh_keys (version, sealed, created_at, verifies_until) values ($1, $2, $3, $4)"
    );
    let values = [
        key.version.into(),
        key.sealed.as_slice().into(),
        key.created_at.into(),
        key.verifies_until.into(),
    ];
    db.run(sql, &values).map(drop)
}

/// How often keys, roles, API clients or the stored policy have changed.
pub fn epoch(db: &mut dyn Db) -> Result<i64> {
    let row = db.first(sql!("select number from instance where name = 'epoch'"), &[])?;
    row.map_or(Ok(0), |mut row| row.take())
}

/// Raises the epoch in the transaction of the change and returns the new epoch.
pub fn raise_epoch(db: &mut dyn Db) -> Result<i64> {
    let sql = sql!(
        "insert into instance (name, number) values ('epoch', 1)
         on conflict (name) do update set number = instance.number + 1 returning number"
    );
    db.first(sql, &[])?.map_or(Ok(0), |mut row| row.take())
}

/// Raises the epoch only if it still is `seen`. Returns whether it did.
pub fn raise_epoch_from(db: &mut dyn Db, seen: i64) -> Result<bool> {
    let sql = sql!("update instance set number = number + 1 where name = 'epoch' and number = $1");
    Ok(db.run(sql, &[seen.into()])? > 0)
}

/// The check value of the master key that this database was created with.
pub fn master_check(db: &mut dyn Db) -> Result<Option<Vec<u8>>> {
    let row = db.first(sql!("select bytes from instance where name = 'master'"), &[])?;
    row.map_or(Ok(None), |mut row| row.take())
}

/// Stores the check value of the master key. An existing value is never replaced.
pub fn set_master_check(db: &mut dyn Db, proof: &[u8; 32]) -> Result<()> {
    let sql = sql!(
        "insert into instance (name, bytes) values ('master', $1) on conflict (name) do nothing"
    );
    db.run(sql, &[proof.into()]).map(drop)
}

/// Replaces the check value of a master key that is lost, and removes every key that was sealed under it.
pub fn replace_master(db: &mut dyn Db, proof: &[u8; 32]) -> Result<()> {
    db.run(sql!("delete from signing_keys"), &[])?;
    db.run(sql!("delete from refresh_keys"), &[])?;
    db.run(sql!("delete from instance where name = 'master'"), &[])?;
    set_master_check(db, proof)?;
    raise_epoch(db).map(drop)
}

#[cfg(test)]
pub(crate) mod fixture {
    //! An in-memory database behind [`Db`], for tests that need rows but no engine.

    use rusqlite::Connection;
    use rusqlite::types::{Value as Cell, ValueRef};

    use crate::error::{Error, Result};
    use crate::store::db::{Db, Row, Sql, Value};

    /// An empty database with the whole schema.
    pub(crate) struct TestDb {
        connection: Connection,
        /// How many statements ran.
        pub(crate) statements: usize,
    }

    impl TestDb {
        pub(crate) fn new() -> Self {
            let connection = Connection::open_in_memory().unwrap();
            connection.execute_batch(include_str!("../../../schema.sql")).unwrap();
            Self { connection, statements: 0 }
        }

        fn rows(&mut self, sql: Sql, values: &[Value]) -> rusqlite::Result<Vec<Row>> {
            self.statements += 1;
            let mut statement = self.connection.prepare(sql.text())?;
            for (at, value) in values.iter().enumerate() {
                let cell = match value.clone() {
                    Value::Null => Cell::Null,
                    Value::Int(number) => Cell::Integer(number),
                    Value::Text(text) => Cell::Text(text),
                    Value::Bytes(bytes) => Cell::Blob(bytes),
                };
                statement.raw_bind_parameter(at + 1, cell)?;
            }
            let columns = statement.column_count();
            let mut found = statement.raw_query();
            let mut rows = Vec::new();
            while let Some(row) = found.next()? {
                let cell = |at| {
                    Ok(match row.get_ref(at)? {
                        ValueRef::Integer(number) => Value::Int(number),
                        ValueRef::Text(text) => {
                            Value::Text(String::from_utf8(text.to_vec()).unwrap())
                        }
                        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
                        ValueRef::Null | ValueRef::Real(_) => Value::Null,
                    })
                };
                rows.push(Row::new((0..columns).map(cell).collect::<rusqlite::Result<_>>()?));
            }
            Ok(rows)
        }
    }

    impl Db for TestDb {
        fn all(&mut self, sql: Sql, values: &[Value]) -> Result<Vec<Row>> {
            self.rows(sql, values).map_err(Error::internal)
        }

        fn run(&mut self, sql: Sql, values: &[Value]) -> Result<u64> {
            self.all(sql, values)?;
            Ok(self.connection.changes())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: &str, at: i64) -> SigningKey {
        SigningKey {
            id: id.to_owned(),
            algorithm: "ES256".to_owned(),
            sealed: vec![1, 2, 3],
            public: None,
            created_at: Time::from_millis(at),
            signs_from: Time::from_millis(at),
            verifies_until: None,
            revoked_at: None,
        }
    }

    #[test]
    fn the_epoch_begins_at_nothing_and_rises_by_one() {
        let mut db = fixture::TestDb::new();
        assert_eq!(epoch(&mut db).unwrap(), 0);
        assert_eq!(raise_epoch(&mut db).unwrap(), 1);
        assert_eq!(raise_epoch(&mut db).unwrap(), 2);
        assert_eq!(epoch(&mut db).unwrap(), 2);
        assert!(!raise_epoch_from(&mut db, 1).unwrap() && raise_epoch_from(&mut db, 2).unwrap());
        assert_eq!(epoch(&mut db).unwrap(), 3);
    }

    #[test]
    fn the_proof_of_the_master_key_is_never_replaced() {
        let mut db = fixture::TestDb::new();
        assert_eq!(master_check(&mut db).unwrap(), None);
        set_master_check(&mut db, &[1; 32]).unwrap();
        set_master_check(&mut db, &[2; 32]).unwrap();
        assert_eq!(master_check(&mut db).unwrap().unwrap(), [1; 32]);
    }

    #[test]
    fn a_new_key_ends_the_keys_without_an_end_and_a_returning_key_has_none_again() {
        let mut db = fixture::TestDb::new();
        put_signing_key(&mut db, &key("a", 1)).unwrap();
        put_signing_key(&mut db, &key("b", 2)).unwrap();
        assert_eq!(supersede_signing_keys(&mut db, "b", Time::from_millis(9)).unwrap(), 1);
        let ends = |db: &mut fixture::TestDb| {
            let keys = signing_keys(db).unwrap();
            keys.iter()
                .map(|key| (key.id.clone(), key.verifies_until.map(Time::millis)))
                .collect::<Vec<_>>()
        };
        assert_eq!(ends(&mut db), [("a".to_owned(), Some(9)), ("b".to_owned(), None)]);
        put_signing_key(&mut db, &key("a", 3)).unwrap();
        assert_eq!(ends(&mut db), [("b".to_owned(), None), ("a".to_owned(), None)]);
    }

    #[test]
    fn a_version_of_a_refresh_key_is_given_once() {
        let mut db = fixture::TestDb::new();
        let key = RefreshKey {
            version: 1,
            sealed: vec![1],
            created_at: Time::from_millis(1),
            verifies_until: None,
            revoked_at: None,
        };
        insert_refresh_key(&mut db, &key).unwrap();
        assert!(insert_refresh_key(&mut db, &key).is_err());
        assert_eq!(refresh_keys(&mut db).unwrap().len(), 1);
    }
}
