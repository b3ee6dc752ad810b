//! The `account_trigrams` table: which accounts have three given characters in a row in their
//! address, user name or name, so that a search for any part of them reads few accounts.
//!
//! The accounts are indexed in segments of consecutive numbers, and a segment only once all its
//! numbers are drawn: a sign-up writes nothing here. A search looks at the accounts after the last
//! segment one by one. What changes or deletes an account of a segment also changes its rows, so
//! that the index never holds more about a person than the `accounts` table.
//!
//! `search_build` writes a segment in pieces, in the order of the trigrams. Until it is complete, a
//! search does not use it, and changes are made to the rows that exist already.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{Error, Result};
use crate::model::search_text::searched;
use crate::model::{Account, AccountId, Email, SearchText, Time};
use crate::sql;
use crate::store::db::{Db, Row};

/// The number of account numbers in a segment.
pub const SEGMENT: i64 = 4096;

/// Follows a text twice, so that its last characters begin trigrams too.
pub(super) const END: char = '\0';

/// The columns that a search and the index need of an account.
macro_rules! columns {
    () => {
        "number, email, email_key, username, first_name, last_name, name, email_verified_at, suspended_at, deleted_at, \
         created_at, last_login_at"
    };
}
pub(in crate::store) use columns;

/// What a search needs to know about an account.
#[derive(Debug, Clone)]
pub struct SearchRow {
    pub number: i64,
    pub email: Option<Email>,
    pub username: Option<String>,
    /// The full name.
    pub name: Option<String>,
    pub email_verified_at: Option<Time>,
    pub suspended_at: Option<Time>,
    pub deleted_at: Option<Time>,
    pub created_at: Time,
    pub last_login_at: Option<Time>,
}

impl SearchRow {
    pub(super) fn trigrams(&self) -> BTreeSet<i64> {
        trigrams(self.email.as_ref(), self.username.as_deref(), self.name.as_deref())
    }

    /// Whether a search for the text finds the account.
    pub(super) fn has(&self, text: &SearchText) -> bool {
        text.is_in(self.email.as_ref(), self.username.as_deref(), self.name.as_deref())
    }
}

/// Decodes the columns.
pub(super) fn read(mut row: Row) -> Result<SearchRow> {
    Ok(SearchRow {
        number: row.take()?,
        email: {
            let typed: Option<String> = row.take()?;
            let key: Option<String> = row.take()?;
            typed.map(|typed| Email::stored(typed, key.unwrap_or_default()))
        },
        username: row.take()?,
        name: {
            let (first, last, name): (Option<String>, Option<String>, Option<String>) =
                (row.take()?, row.take()?, row.take()?);
            Account::whole_name(name.as_deref(), first.as_deref(), last.as_deref())
        },
        email_verified_at: row.take()?,
        suspended_at: row.take()?,
        deleted_at: row.take()?,
        created_at: row.take()?,
        last_login_at: row.take()?,
    })
}

/// Packs three code points of 21 bits, so that trigrams sort by their characters in every engine.
pub(super) fn pack(characters: [char; 3]) -> i64 {
    characters.iter().fold(0, |packed, c| packed << 21 | i64::from(u32::from(*c)))
}

fn trigrams(email: Option<&Email>, username: Option<&str>, name: Option<&str>) -> BTreeSet<i64> {
    let mut all = BTreeSet::new();
    for text in searched(email, username, name) {
        let characters: Vec<char> = text.chars().chain([END, END]).collect();
        all.extend(characters.windows(3).filter_map(|three| three.try_into().ok()).map(pack));
    }
    all
}

/// How far the index goes. It is kept in the `instance` table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct IndexProgress {
    /// The first segment that is not complete.
    pub segment: i64,
    /// The last trigram of that segment that is written; 0 if none is, `None` if no one writes it.
    pub trigram: Option<i64>,
    /// How often an account of a segment that was being written changed.
    pub changes: i64,
}

impl IndexProgress {
    pub(super) fn read(db: &mut dyn Db) -> Result<Self> {
        let rows = db.all(
            sql!(
                "select name, number from instance \
                 where name in ('search_segment', 'search_trigram', 'search_changes')"
            ),
            &[],
        )?;
        let mut progress = Self { segment: 0, trigram: None, changes: 0 };
        for mut row in rows {
            let (name, number): (String, Option<i64>) = (row.take()?, row.take()?);
            match name.as_str() {
                "search_segment" => progress.segment = number.unwrap_or(0),
                "search_trigram" => progress.trigram = number,
                _ => progress.changes = number.unwrap_or(0),
            }
        }
        Ok(progress)
    }

    /// Writes all but `changes`, which only changes of accounts write.
    pub(super) fn save(&self, db: &mut dyn Db) -> Result<()> {
        set(db, "search_segment", Some(self.segment))?;
        set(db, "search_trigram", self.trigram)
    }

    /// Whether a segment is complete or being written.
    fn has(&self, segment: i64) -> bool {
        segment < self.segment || segment == self.segment && self.trigram.is_some()
    }

    /// Whether the row of a trigram is written, if the segment has the trigram.
    fn has_row(&self, segment: i64, trigram: i64) -> bool {
        segment < self.segment
            || segment == self.segment && self.trigram.is_some_and(|last| trigram <= last)
    }

    /// The first number that a search does not find through the index.
    fn first_number(&self) -> i64 {
        self.segment * SEGMENT
    }
}

fn set(db: &mut dyn Db, name: &str, number: Option<i64>) -> Result<()> {
    db.run(
        sql!(
            "insert into instance (name, number) values ($1, $2) \
             on conflict (name) do update set number = excluded.number"
        ),
        &[name.into(), number.into()],
    )
    .map(drop)
}

/// The first number after the last complete segment: a search finds accounts from here on one by
/// one.
pub fn indexed_below(db: &mut dyn Db) -> Result<i64> {
    Ok(IndexProgress::read(db)?.first_number())
}

/// Adds a new account, if its number belongs to a segment of the index: an import may bring such
/// numbers.
pub fn note_new(db: &mut dyn Db, number: i64, account: &Account) -> Result<()> {
    let mut changes = IndexChanges::begin(db)?;
    if changes.progress.has(number / SEGMENT) {
        let (name, username) = (account.full_name(), account.username.as_deref());
        let new = trigrams(account.email.as_ref(), username, name.as_deref());
        changes.note(number, &BTreeSet::new(), &new)?;
    }
    changes.store(db)
}

/// Makes a change of an account's address, user name or name, and changes the index with it.
pub fn changing<T>(
    db: &mut dyn Db,
    id: &AccountId,
    change: impl FnOnce(&mut dyn Db) -> Result<T>,
) -> Result<T> {
    let before = row_of(db, id)?;
    let changed = change(db)?;
    let mut changes = IndexChanges::begin(db)?;
    if let Some(before) = before
        && changes.progress.has(before.number / SEGMENT)
        && let Some(after) = row_of(db, id)?
    {
        changes.note(before.number, &before.trigrams(), &after.trigrams())?;
    }
    changes.store(db)?;
    Ok(changed)
}

/// Removes deleted accounts. `rows` are what the deletion returned: `columns`. A row that several of
/// them share is written once.
pub fn forget(db: &mut dyn Db, rows: Vec<Row>) -> Result<()> {
    let mut changes = IndexChanges::begin(db)?;
    for row in rows {
        let row = read(row)?;
        changes.note(row.number, &row.trigrams(), &BTreeSet::new())?;
    }
    changes.store(db)
}

fn row_of(db: &mut dyn Db, id: &AccountId) -> Result<Option<SearchRow>> {
    let sql = sql!(concat!("select ", columns!(), " from accounts where id = $1"));
    db.first(sql, &[id.as_str().into()])?.map(read).transpose()
}

/// Changes to rows of the index: each row is read and written once.
struct IndexChanges {
    progress: IndexProgress,
    /// By segment and trigram: the places, and whether the account there has the trigram now.
    rows: BTreeMap<(i64, i64), BTreeMap<u16, bool>>,
    is_unfinished: bool,
}

impl IndexChanges {
    fn begin(db: &mut dyn Db) -> Result<Self> {
        let progress = IndexProgress::read(db)?;
        Ok(Self { progress, rows: BTreeMap::new(), is_unfinished: false })
    }

    /// Takes an account out of the trigrams that it no longer has, and into the new ones.
    fn note(&mut self, number: i64, old: &BTreeSet<i64>, new: &BTreeSet<i64>) -> Result<()> {
        let (segment, place) = (number / SEGMENT, place(number)?);
        if !self.progress.has(segment) {
            return Ok(());
        }
        self.is_unfinished |= segment == self.progress.segment;
        for trigram in old.symmetric_difference(new) {
            if self.progress.has_row(segment, *trigram) {
                let row = self.rows.entry((segment, *trigram)).or_default();
                row.insert(place, new.contains(trigram));
            }
        }
        Ok(())
    }

    fn store(self, db: &mut dyn Db) -> Result<()> {
        if self.is_unfinished {
            // What was read to write the rest of the segment is out of date now.
            set(db, "search_changes", Some(self.progress.changes + 1))?;
        }
        for ((segment, trigram), changed) in self.rows {
            let mut places = places(db, segment, trigram)?;
            for (place, is_in) in changed {
                if is_in {
                    places.insert(place);
                } else {
                    places.remove(&place);
                }
            }
            store(db, segment, trigram, &places)?;
        }
        Ok(())
    }
}

pub(super) fn place(number: i64) -> Result<u16> {
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

pub(super) fn decode(bytes: &[u8]) -> BTreeSet<u16> {
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
    insert(db, segment, trigram, encode(places))
}

pub(super) fn encode(places: &BTreeSet<u16>) -> Vec<u8> {
    places.iter().flat_map(|place| place.to_be_bytes()).collect()
}

pub(super) fn insert(db: &mut dyn Db, segment: i64, trigram: i64, places: Vec<u8>) -> Result<()> {
    db.run(
        sql!(
            "insert into account_trigrams (segment, trigram, places) values ($1, $2, $3) \
             on conflict (segment, trigram) do update set places = excluded.places"
        ),
        &[segment.into(), trigram.into(), places.into()],
    )
    .map(drop)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ListFilter;
    use crate::model::account::Verification;
    use crate::store::tables::accounts::{self, NewRow};
    use crate::store::tables::keys::fixture::TestDb;
    use crate::store::tables::listing::{AccountListQuery, page};
    use crate::store::tables::roles::Removable;
    use crate::store::tables::{directory, erasure, search_build};

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

    /// Completes the index. `between` runs after each piece, with the number of pieces so far, until
    /// ten of them were written.
    fn extend(db: &mut TestDb, mut between: impl FnMut(&mut TestDb, i64)) {
        let mut written = 0;
        while search_build::is_due(db).unwrap() {
            search_build::begin(db).unwrap();
            for piece in search_build::collect(db).unwrap() {
                if !piece.store(db).unwrap() {
                    break;
                }
                written += 1;
                if written <= 10 {
                    between(db, written);
                }
            }
        }
    }

    /// The numbers that a search finds, and those of all accounts that contain the text.
    fn found(db: &mut TestDb, text: &str) -> (Vec<i64>, Vec<i64>) {
        let text = SearchText::parse(text).unwrap();
        let all = after(db, -1, 10_000).unwrap().into_iter();
        let fits = all.filter(|row| row.has(&text));
        let expected: Vec<i64> = fits.map(|row| row.number).collect();
        let filter = ListFilter { search: Some(text), ..ListFilter::default() };
        let query = AccountListQuery { limit: 10_000, ..AccountListQuery::of(filter) };
        let page = page(db, &query).unwrap();
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
        extend(&mut db, |_, _| {});
        assert!(!search_build::is_due(&mut db).unwrap(), "the second segment is not full");
        assert_eq!(indexed_below(&mut db).unwrap(), SEGMENT);
        let id = |n: i64| AccountId::new(format!("u{}-{n}", (n * 7919) % 100_003));
        let moved = Email::parse("zelda@elsewhere.example").unwrap();
        accounts::set_email(&mut db, &id(7), &moved, Time::from_millis(1)).unwrap();
        accounts::drop_username(&mut db, &id(8)).unwrap();
        let renamed = directory::Correction {
            first_name: Some(Some("Ottoline".to_owned())),
            last_name: Some(Some("Quux".to_owned())),
            ..directory::Correction::default()
        };
        assert!(directory::correct(&mut db, &id(11), &renamed, Time::from_millis(2)).unwrap());
        assert!(remove(&mut db, &id(9)));
        erasure::purge_unproved(&mut db, Time::from_millis(3), 2).unwrap();
        let texts = [
            "u1", "9-1", "@ex", "n.u", "-4095", "lda@else", "7", "om", "u7919-1", ".com", "line qu",
        ];
        for text in texts {
            let (found, expected) = found(&mut db, text);
            assert_eq!(found, expected, "{text}");
        }
        assert!(!found(&mut db, "9-1").0.is_empty());
        assert_eq!(found(&mut db, "line qu").0.len(), 1);
    }

    #[test]
    fn the_index_forgets_who_is_erased() {
        let mut db = TestDb::new();
        accounts::insert(&mut db, &row("qxz", 0)).unwrap();
        db.run(sql!("update instance set number = 5000 where name = 'next_account'"), &[]).unwrap();
        extend(&mut db, |_, _| {});
        assert!(remove(&mut db, &AccountId::new("qxz")));
        assert!(db.all(sql!("select trigram from account_trigrams"), &[]).unwrap().is_empty());
    }

    /// Every change that falls between two pieces of a segment is in the index afterwards, whether
    /// the rows that it concerns were written before or after it.
    #[test]
    fn a_segment_that_changes_while_it_is_written_is_exact() {
        let mut db = TestDb::new();
        let name = |n: i64| format!("{:x}u{n}", n * 7_919_317 % 1_000_003);
        for n in 0..200 {
            assert!(accounts::insert(&mut db, &row(&name(n), n)).unwrap());
        }
        db.run(sql!("update instance set number = 5000 where name = 'next_account'"), &[]).unwrap();
        let id = |n: i64| AccountId::new(name(n));
        let mut pieces = 0;
        extend(&mut db, |db, piece| {
            pieces = piece;
            let (old, new) = (id(piece * 2), id(piece * 2 + 1));
            let moved = Email::parse(&format!("!zz{piece}@aaa.example")).unwrap();
            accounts::set_email(db, &old, &moved, Time::from_millis(1)).unwrap();
            assert!(remove(db, &new));
            let (found, expected) = found(db, "@aaa");
            assert_eq!((found.len(), found), (usize::try_from(piece).unwrap(), expected));
        });
        assert!(pieces > 1, "{pieces}");
        assert_eq!(indexed_below(&mut db).unwrap(), SEGMENT);
        for text in ["u1", "9u1", "@ex", "@aaa", "!zz", "zz1", "n.1", "u40", "7", "om", ".com"] {
            let (found, expected) = found(&mut db, text);
            assert_eq!(found, expected, "{text}");
        }
        // The index holds nothing of those who are gone.
        let all = after(&mut db, -1, 10_000).unwrap();
        let rows = db.all(sql!("select trigram, places from account_trigrams"), &[]).unwrap();
        for mut entry in rows {
            let (trigram, places): (i64, Vec<u8>) = (entry.take().unwrap(), entry.take().unwrap());
            for number in decode(&places) {
                let account = all.iter().find(|row| row.number == i64::from(number));
                assert!(account.is_some_and(|row| row.trigrams().contains(&trigram)), "{number}");
            }
        }
    }

    #[test]
    fn a_write_of_a_segment_is_small_however_many_accounts_it_has() {
        let mut db = TestDb::new();
        for n in 0..SEGMENT {
            let scrambled = (n * 7919) % 100_003;
            assert!(accounts::insert(&mut db, &row(&format!("{scrambled:x}{n:x}"), n)).unwrap());
        }
        let count = |db: &mut TestDb| -> i64 {
            let mut rows = db.all(sql!("select count(*) from account_trigrams"), &[]).unwrap();
            rows[0].take().unwrap()
        };
        let (mut before, mut most) = (0, 0);
        extend(&mut db, |db, _| {
            most = most.max(count(db) - before);
            before = count(db);
        });
        assert!(most > 0 && count(&mut db) > 4 * most, "{most} of {}", count(&mut db));
    }

    #[test]
    fn accounts_that_are_removed_together_rewrite_a_row_once() {
        let mut db = TestDb::new();
        for n in 0..40 {
            assert!(accounts::insert(&mut db, &row(&format!("same-name-{n}"), n)).unwrap());
        }
        db.run(sql!("update instance set number = 5000 where name = 'next_account'"), &[]).unwrap();
        extend(&mut db, |_, _| {});
        let rows = db.all(sql!("select trigram from account_trigrams"), &[]).unwrap().len();
        let before = db.statements;
        assert_eq!(erasure::purge_unproved(&mut db, Time::from_millis(30), 20).unwrap(), 20);
        // Each row is read and written; the rest are the statements of the accounts themselves.
        let most = 2 * rows + 20 * 5 + 10;
        assert!(db.statements - before <= most, "{} for {rows} rows", db.statements - before);
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
                if words.contains("macro_rules! profile_change") {
                    continue;
                }
                let sets = |column: &str| {
                    let updates = words.split("update accounts set ").skip(1);
                    updates.filter_map(|rest| rest.split(" where ").next()).any(|columns| {
                        columns.split(", ").any(|one| one.starts_with(&format!("{column} =")))
                    })
                };
                let changes = words.contains("insertion!()")
                    || words.contains("insert into accounts (")
                    || words.contains("delete from accounts where")
                    || words.contains("profile_change!()")
                    || ["email", "username", "name", "first_name"].into_iter().any(sets);
                if changes {
                    seen += 1;
                    let follows =
                        ["search_index::", "forget_all(", "run_insertion(", "run_profile_change("];
                    assert!(follows.iter().any(|word| words.contains(word)), "{function}");
                }
            }
        }
        assert_eq!(seen, 9, "another statement changes accounts");
    }
}
