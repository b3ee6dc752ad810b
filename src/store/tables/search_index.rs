//! The `account_trigrams` table: which accounts have three given characters in a row in their
//! address or user name, so that a search for any part of them reads few accounts.
//!
//! The accounts are indexed in segments of consecutive numbers, and a segment only once all its
//! numbers are drawn: a sign-up writes nothing here. A search looks at the accounts after the last
//! segment one by one. What changes or deletes an account of a segment also changes its rows, so
//! that the index never holds more about a person than the `accounts` table.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{Error, Result};
use crate::model::search_text::searched;
use crate::model::{AccountId, Email, SearchText, Time};
use crate::sql;
use crate::store::db::{Db, Row};

/// The number of account numbers in a segment.
pub const SEGMENT: i64 = 4096;

/// The trigram of the row that every segment has, even if none of its accounts is left.
const MARK: i64 = 0;

/// Follows a text twice, so that its last characters begin trigrams too.
const END: char = '\0';

/// The columns that a search and the index need of an account.
macro_rules! columns {
    () => {
        "number, email, email_key, username, email_verified_at, suspended_at, deleted_at"
    };
}
pub(in crate::store) use columns;

/// What a search needs to know about an account.
#[derive(Debug, Clone)]
pub struct SearchRow {
    pub number: i64,
    pub email: Email,
    pub username: Option<String>,
    pub email_verified_at: Option<Time>,
    pub suspended_at: Option<Time>,
    pub deleted_at: Option<Time>,
}

impl SearchRow {
    fn trigrams(&self) -> BTreeSet<i64> {
        trigrams(&self.email, self.username.as_deref())
    }
}

fn read(mut row: Row) -> Result<SearchRow> {
    Ok(SearchRow {
        number: row.take()?,
        email: {
            let typed: Option<String> = row.take()?;
            let key: Option<String> = row.take()?;
            Email::stored(typed.unwrap_or_default(), key.unwrap_or_default())
        },
        username: row.take()?,
        email_verified_at: row.take()?,
        suspended_at: row.take()?,
        deleted_at: row.take()?,
    })
}

/// Packs three code points of 21 bits, so that trigrams sort by their characters in every engine.
fn pack(characters: [char; 3]) -> i64 {
    characters.iter().fold(0, |packed, c| packed << 21 | i64::from(u32::from(*c)))
}

fn trigrams(email: &Email, username: Option<&str>) -> BTreeSet<i64> {
    let mut all = BTreeSet::new();
    for text in searched(email, username) {
        let characters: Vec<char> = text.chars().chain([END, END]).collect();
        all.extend(characters.windows(3).filter_map(|three| three.try_into().ok()).map(pack));
    }
    all
}

/// The first number after the last segment: accounts from here on are not in the index.
pub fn indexed_below(db: &mut dyn Db) -> Result<i64> {
    let row =
        db.first(sql!("select segment from account_trigrams order by segment desc limit 1"), &[])?;
    row.map_or(Ok(0), |mut row| Ok((row.take::<i64>()? + 1) * SEGMENT))
}

/// Adds a new account, if its number belongs to an earlier segment: an import may bring such
/// numbers.
pub fn note_new(db: &mut dyn Db, number: i64, email: &Email, username: Option<&str>) -> Result<()> {
    if number < indexed_below(db)? {
        replace(db, number, &BTreeSet::new(), &trigrams(email, username))?;
    }
    Ok(())
}

/// Makes a change of an account's address or user name, and changes the index with it.
pub fn changing<T>(
    db: &mut dyn Db,
    id: &AccountId,
    change: impl FnOnce(&mut dyn Db) -> Result<T>,
) -> Result<T> {
    let before = row_of(db, id)?;
    let changed = change(db)?;
    if let Some(before) = before
        && before.number < indexed_below(db)?
        && let Some(after) = row_of(db, id)?
    {
        replace(db, before.number, &before.trigrams(), &after.trigrams())?;
    }
    Ok(changed)
}

/// Removes a deleted account. `row` is what the deletion returned: `columns`.
pub fn forget(db: &mut dyn Db, row: Row) -> Result<()> {
    let row = read(row)?;
    if row.number < indexed_below(db)? {
        replace(db, row.number, &row.trigrams(), &BTreeSet::new())?;
    }
    Ok(())
}

fn row_of(db: &mut dyn Db, id: &AccountId) -> Result<Option<SearchRow>> {
    let sql = sql!(concat!("select ", columns!(), " from accounts where id = $1"));
    db.first(sql, &[id.as_str().into()])?.map(read).transpose()
}

/// Removes an account from the trigrams that it no longer has, and adds it to the new ones.
fn replace(db: &mut dyn Db, number: i64, old: &BTreeSet<i64>, new: &BTreeSet<i64>) -> Result<()> {
    let (segment, place) = (number / SEGMENT, place(number)?);
    for trigram in old.symmetric_difference(new) {
        let mut places = places(db, segment, *trigram)?;
        if new.contains(trigram) {
            places.insert(place);
        } else {
            places.remove(&place);
        }
        store(db, segment, *trigram, &places)?;
    }
    Ok(())
}

fn place(number: i64) -> Result<u16> {
    u16::try_from(number % SEGMENT).map_err(Error::internal)
}

fn bytes_of(db: &mut dyn Db, segment: i64, trigram: i64) -> Result<Option<Vec<u8>>> {
    let row = db.first(
        sql!("select places from account_trigrams where segment = $1 and trigram = $2"),
        &[segment.into(), trigram.into()],
    )?;
    row.map(|mut row| row.take()).transpose()
}

fn places(db: &mut dyn Db, segment: i64, trigram: i64) -> Result<BTreeSet<u16>> {
    Ok(bytes_of(db, segment, trigram)?.map(|bytes| decode(&bytes)).unwrap_or_default())
}

fn decode(bytes: &[u8]) -> BTreeSet<u16> {
    bytes.as_chunks().0.iter().map(|pair| u16::from_be_bytes(*pair)).collect()
}

fn store(db: &mut dyn Db, segment: i64, trigram: i64, places: &BTreeSet<u16>) -> Result<()> {
    if places.is_empty() {
        return db
            .run(
                sql!("delete from account_trigrams where segment = $1 and trigram = $2"),
                &[segment.into(), trigram.into()],
            )
            .map(drop);
    }
    insert(db, segment, trigram, places)
}

fn insert(db: &mut dyn Db, segment: i64, trigram: i64, places: &BTreeSet<u16>) -> Result<()> {
    let bytes: Vec<u8> = places.iter().flat_map(|place| place.to_be_bytes()).collect();
    db.run(
        sql!(
            "insert into account_trigrams (segment, trigram, places) values ($1, $2, $3) \
             on conflict (segment, trigram) do update set places = excluded.places"
        ),
        &[segment.into(), trigram.into(), bytes.into()],
    )
    .map(drop)
}

/// Indexes the next segment, if all its numbers are drawn. Returns whether it did.
pub fn extend(db: &mut dyn Db) -> Result<bool> {
    let last = db.first(sql!("select number from instance where name = 'next_account'"), &[])?;
    let last: i64 = last.map_or(Ok(0), |mut row| row.take())?;
    let indexed = indexed_below(db)?;
    let Some(first) = after(db, indexed - 1, 1)?.pop() else { return Ok(false) };
    let segment = first.number / SEGMENT;
    if last < (segment + 1) * SEGMENT - 1 {
        return Ok(false);
    }
    let mut index = BTreeMap::from([(MARK, BTreeSet::new())]);
    for account in after(db, segment * SEGMENT - 1, SEGMENT)? {
        if account.number / SEGMENT != segment {
            break;
        }
        let place = place(account.number)?;
        for trigram in account.trigrams() {
            index.entry(trigram).or_insert_with(BTreeSet::new).insert(place);
        }
    }
    for (trigram, places) in &index {
        insert(db, segment, *trigram, places)?;
    }
    Ok(true)
}

/// The accounts after this number, in the order of their numbers.
pub fn after(db: &mut dyn Db, number: i64, limit: i64) -> Result<Vec<SearchRow>> {
    let rows = db.all(
        sql!(concat!(
            "select ",
            columns!(),
            " from accounts where number > $1 order by number limit $2"
        )),
        &[number.into(), limit.into()],
    )?;
    rows.into_iter().map(read).collect()
}

/// The account with this number.
pub fn at(db: &mut dyn Db, number: i64) -> Result<Option<SearchRow>> {
    let sql = sql!(concat!("select ", columns!(), " from accounts where number = $1"));
    db.first(sql, &[number.into()])?.map(read).transpose()
}

/// The first segment after this one.
pub fn segment_after(db: &mut dyn Db, segment: i64) -> Result<Option<i64>> {
    let row = db.first(
        sql!("select segment from account_trigrams where segment > $1 order by segment limit 1"),
        &[segment.into()],
    )?;
    row.map(|mut row| row.take()).transpose()
}

/// The numbers of a segment's accounts that may contain a text: those that have all its trigrams.
pub fn candidates(db: &mut dyn Db, segment: i64, text: &SearchText) -> Result<Vec<i64>> {
    let characters: Vec<char> = text.as_str().chars().collect();
    let found = match characters[..] {
        [] => BTreeSet::new(),
        [a] => beginning(db, segment, [a, END, END], [a, char::MAX, char::MAX])?,
        [a, b] => beginning(db, segment, [a, b, END], [a, b, char::MAX])?,
        _ => having_all(db, segment, &characters)?,
    };
    Ok(found.into_iter().map(|place| segment * SEGMENT + i64::from(place)).collect())
}

fn beginning(
    db: &mut dyn Db,
    segment: i64,
    from: [char; 3],
    to: [char; 3],
) -> Result<BTreeSet<u16>> {
    let rows = db.all(
        sql!(
            "select places from account_trigrams where segment = $1 and trigram >= $2 and trigram <= $3"
        ),
        &[segment.into(), pack(from).into(), pack(to).into()],
    )?;
    let mut all = BTreeSet::new();
    for mut row in rows {
        all.extend(decode(&row.take::<Vec<u8>>()?));
    }
    Ok(all)
}

/// The places that have every third trigram of a text, and its last one: together they cover the text.
fn having_all(db: &mut dyn Db, segment: i64, characters: &[char]) -> Result<BTreeSet<u16>> {
    let threes = characters.windows(3).rev().step_by(3).chain(characters.windows(3).take(1));
    let mut lists = Vec::new();
    for three in threes.filter_map(|three| three.try_into().ok()) {
        match bytes_of(db, segment, pack(three))? {
            Some(bytes) => lists.push(bytes),
            None => return Ok(BTreeSet::new()),
        }
    }
    // The shortest list decides; the others are searched, not read.
    lists.sort_by_key(Vec::len);
    let Some((shortest, others)) = lists.split_first() else { return Ok(BTreeSet::new()) };
    let is_in_all = |pair: &&[u8; 2]| {
        others.iter().all(|list| list.as_chunks::<2>().0.binary_search(pair).is_ok())
    };
    let found = shortest.as_chunks::<2>().0.iter().filter(is_in_all);
    Ok(found.map(|pair| u16::from_be_bytes(*pair)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Account;
    use crate::model::account::Verification;
    use crate::store::tables::accounts::{self, NewRow};
    use crate::store::tables::keys::fixture::TestDb;
    use crate::store::tables::roles::Removable;
    use crate::store::tables::{directory, erasure};

    fn row(name: &str, at: i64) -> NewRow {
        let email = Email::parse(&format!("{name}@Example.com")).unwrap();
        let account = Account {
            username: Some(format!("N.{name}")),
            ..Account::new(AccountId::new(name), email, Time::from_millis(at))
        };
        NewRow::new(account, crate::model::secret::digest(name.as_bytes()))
    }

    fn remove(db: &mut TestDb, id: &AccountId) -> bool {
        let account = Removable::check(db, id, Verification::Required).unwrap().unwrap();
        erasure::remove_unproved(db, &account).unwrap()
    }

    /// The numbers that a search finds, and those of all accounts that contain the text.
    fn found(db: &mut TestDb, text: &str) -> (Vec<i64>, Vec<i64>) {
        let text = SearchText::parse(text).unwrap();
        let all = after(db, -1, 10_000).unwrap().into_iter();
        let fits = all.filter(|row| text.is_in(&row.email, row.username.as_deref()));
        let expected: Vec<i64> = fits.map(|row| row.number).collect();
        let query = directory::Query {
            status: None,
            verification: Verification::Optional,
            search: Some(text),
            offset: 0,
            limit: 10_000,
        };
        let page = directory::page(db, &query).unwrap();
        (page.accounts.iter().map(|account| account.number).collect(), expected)
    }

    #[test]
    fn the_index_finds_what_a_look_at_every_account_finds() {
        let mut db = TestDb::new();
        let count = SEGMENT + 50;
        for n in 0..count {
            let scrambled = (n * 7919) % 100_003;
            assert!(accounts::insert(&mut db, &row(&format!("u{scrambled}-{n}"), n)).unwrap());
        }
        assert!(extend(&mut db).unwrap());
        assert!(!extend(&mut db).unwrap(), "the second segment is not full");
        assert_eq!(indexed_below(&mut db).unwrap(), SEGMENT);
        let id = |n: i64| AccountId::new(format!("u{}-{n}", (n * 7919) % 100_003));
        let moved = Email::parse("zelda@elsewhere.example").unwrap();
        accounts::set_email(&mut db, &id(7), &moved, Time::from_millis(1)).unwrap();
        accounts::drop_username(&mut db, &id(8)).unwrap();
        assert!(remove(&mut db, &id(9)));
        erasure::purge_unproved(&mut db, Time::from_millis(3), 2).unwrap();
        for text in ["u1", "9-1", "@ex", "n.u", "-4095", "lda@else", "7", "om", "u7919-1", ".com"] {
            let (found, expected) = found(&mut db, text);
            assert_eq!(found, expected, "{text}");
        }
        assert!(!found(&mut db, "9-1").0.is_empty());
    }

    #[test]
    fn the_index_forgets_who_is_erased() {
        let mut db = TestDb::new();
        accounts::insert(&mut db, &row("qxz", 0)).unwrap();
        db.run(sql!("update instance set number = 5000 where name = 'next_account'"), &[]).unwrap();
        assert!(extend(&mut db).unwrap());
        assert!(remove(&mut db, &AccountId::new("qxz")));
        let left = db.all(sql!("select trigram from account_trigrams"), &[]).unwrap();
        let left: Vec<i64> = left.into_iter().map(|mut row| row.take().unwrap()).collect();
        assert_eq!(left, [MARK]);
    }

    #[test]
    fn every_statement_that_changes_what_is_searched_changes_the_index() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/tables");
        let mut seen = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
            let text = text.split("#[cfg(test)]").next().unwrap();
            let parts = text.split("\n}\n").filter(|part| !part.contains("macro_rules! insertion"));
            for function in parts {
                let words = function.split_whitespace().collect::<Vec<_>>().join(" ");
                let sets = |column: &str| {
                    let updates = words.split("update accounts set ").skip(1);
                    updates.filter_map(|rest| rest.split(" where ").next()).any(|columns| {
                        columns.split(", ").any(|one| one.starts_with(&format!("{column} =")))
                    })
                };
                let changes = words.contains("insertion!()")
                    || words.contains("insert into accounts (")
                    || words.contains("delete from accounts where")
                    || ["email", "username"].into_iter().any(sets);
                if changes {
                    seen += 1;
                    let follows = ["search_index::", "forget_all(", "run_insertion("];
                    assert!(follows.iter().any(|word| words.contains(word)), "{function}");
                }
            }
        }
        assert_eq!(seen, 7, "another statement changes accounts");
    }
}
