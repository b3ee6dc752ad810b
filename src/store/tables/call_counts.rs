//! Calls of clients that several servers count together, in the `attempts` table. Each function is one
//! statement, for [`Store::count`](crate::store::Store::count).

use std::time::Duration;

use crate::error::{Error, Result};
use crate::model::Time;
use crate::sql;
use crate::store::db::Db;
use crate::store::tables::attempts::Scope;

/// What is asked of a counter.
#[derive(Debug, Clone, Copy)]
pub struct CallWindow {
    /// How many calls a window allows.
    pub most: i64,
    /// How many to count at once: one, or as many as a server may then admit by itself.
    pub wanted: i64,
    pub length: Duration,
}

/// The state of a counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallCount {
    /// How many calls the last statement counted; fewer than wanted if the window is used up.
    pub granted: i64,
    /// How many calls are counted in this window.
    pub count: i64,
    /// When the window ends.
    pub ends: Time,
}

/// Counts as many calls as the window still allows. A window begins with its first call.
pub fn take(db: &mut dyn Db, key: &[u8; 32], window: CallWindow, now: Time) -> Result<CallCount> {
    // `block_count` holds what this statement granted: only the new row can be returned.
    let row = db.first(
        sql!(
            "insert into attempts (scope, key, count, started_at, block_count, expires_at) \
             values ($1, $2, $3, $4, $3, $5) \
             on conflict (scope, key) do update set \
             block_count = case when attempts.expires_at <= $4 then $3 \
               when attempts.count + $3 <= $6 then $3 \
               when attempts.count < $6 then $6 - attempts.count else 0 end, \
             count = case when attempts.expires_at <= $4 then $3 \
               when attempts.count + $3 <= $6 then attempts.count + $3 \
               when attempts.count < $6 then $6 else attempts.count end, \
             started_at = case when attempts.expires_at <= $4 then $4 else attempts.started_at end, \
             expires_at = case when attempts.expires_at <= $4 then $5 else attempts.expires_at end \
             returning block_count, count, expires_at"
        ),
        &[
            Scope::Calls.as_str().into(),
            key.into(),
            window.wanted.min(window.most).into(),
            now.into(),
            (now + window.length).into(),
            window.most.into(),
        ],
    )?;
    let mut row = row.ok_or_else(|| Error::internal("counting a call returned no row"))?;
    Ok(CallCount { granted: row.take()?, count: row.take()?, ends: row.take()? })
}

/// Reads a counter; `None` if no window has begun.
pub fn peek(db: &mut dyn Db, key: &[u8; 32], now: Time) -> Result<Option<CallCount>> {
    let row = db.first(
        sql!("select count, expires_at from attempts where scope = $1 and key = $2 and expires_at > $3"),
        &[Scope::Calls.as_str().into(), key.into(), now.into()],
    )?;
    row.map(|mut row| Ok(CallCount { granted: 0, count: row.take()?, ends: row.take()? }))
        .transpose()
}

/// Takes one counted call back, unless its window has ended.
pub fn give_back(db: &mut dyn Db, key: &[u8; 32], now: Time) -> Result<()> {
    db.run(
        sql!(
            "update attempts set count = count - 1 \
             where scope = $1 and key = $2 and expires_at > $3 and count > 0"
        ),
        &[Scope::Calls.as_str().into(), key.into(), now.into()],
    )?;
    Ok(())
}

/// Notes that a token was used. Returns false if it was used before.
pub fn use_once(db: &mut dyn Db, key: &[u8; 32], until: Time, now: Time) -> Result<bool> {
    let used = db.run(
        sql!(
            "insert into attempts (scope, key, count, started_at, block_count, expires_at) \
             values ($1, $2, 1, $3, 0, $4) on conflict (scope, key) do nothing"
        ),
        &[Scope::Operator.as_str().into(), key.into(), now.into(), until.into()],
    )?;
    Ok(used == 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tables::keys::fixture::TestDb;

    const KEY: [u8; 32] = [7; 32];
    const MINUTE: Duration = Duration::from_mins(1);

    fn at(seconds: i64) -> Time {
        Time::from_seconds(seconds)
    }

    fn granted(db: &mut TestDb, (wanted, most): (i64, i64), now: Time) -> (i64, i64) {
        let window = CallWindow { most, wanted, length: MINUTE };
        let taken = take(db, &KEY, window, now).unwrap();
        (taken.granted, taken.count)
    }

    #[test]
    fn a_window_grants_what_it_allows_and_no_more() {
        let mut db = TestDb::new();
        for count in 1..=5 {
            assert_eq!(granted(&mut db, (1, 5), at(count)), (1, count));
        }
        assert_eq!(granted(&mut db, (1, 5), at(60)), (0, 5));
        assert_eq!(peek(&mut db, &KEY, at(60)).unwrap().unwrap().ends, at(61));
        assert_eq!(granted(&mut db, (1, 5), at(61)), (1, 1), "the next window");
        give_back(&mut db, &KEY, at(62)).unwrap();
        assert_eq!(granted(&mut db, (9, 5), at(62)), (5, 5), "never more than all");
        assert_eq!(granted(&mut db, (1, 3), at(62)), (0, 5), "the limit was lowered");
        assert_eq!(granted(&mut db, (4, 7), at(62)), (2, 7), "and raised: the rest");
        assert_eq!(peek(&mut db, &KEY, at(121)).unwrap(), None);
        give_back(&mut db, &KEY, at(121)).unwrap();
        assert_eq!(granted(&mut db, (1, 7), at(121)), (1, 1));
    }

    #[test]
    fn a_token_is_used_once() {
        let mut db = TestDb::new();
        assert!(use_once(&mut db, &KEY, at(60), at(0)).unwrap());
        assert!(!use_once(&mut db, &KEY, at(60), at(1)).unwrap());
    }
}
