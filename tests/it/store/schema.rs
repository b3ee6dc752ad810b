//! The rules that the schema itself keeps.

use super::*;

/// Inserts an account with these columns besides the ones that every account has.
async fn insert(store: &Store, number: i64, handle: i64, identifiers: [Option<&str>; 3]) -> bool {
    let handle = Value::from(handle.to_be_bytes().to_vec());
    let [email, username, phone] = identifiers.map(|name| Value::from(name.map(str::to_owned)));
    let values =
        [Value::from(format!("id {number}")), number.into(), handle, email, username, phone];
    let inserted = store.write(move |db: &mut dyn Db| {
        db.run(
            sql!(
                "insert into accounts (id, number, handle, email, username, phone, credential_version, created_at,
                   updated_at) values ($1, $2, $3, $4, $5, $6, 1, 0, 0)"
            ),
            &values,
        )
    });
    inserted.await.is_ok()
}

/// An account at a provider may be all that leads to one.
#[tokio::test]
async fn an_account_needs_no_name_but_an_address_that_is_verified() {
    let Opened { store, .. } = &opened();
    assert!(insert(store, 1, 1, [Some("a@example.com"), None, None]).await);
    assert!(insert(store, 2, 2, [None, Some("ada"), None]).await);
    assert!(insert(store, 3, 3, [None, None, Some("+491701234567")]).await);
    assert!(insert(store, 4, 4, [None, None, None]).await);
    let verified = store.write(|db: &mut dyn Db| {
        db.run(sql!("update accounts set email_verified_at = 1 where id = $1"), &["id 4".into()])
    });
    assert!(verified.await.is_err());
}
