//! Finds the accounts that may contain a text, in the index that [`search_index`](super::search_index) describes.
//!
//! A statement reads several segments, because on another machine each statement costs a round trip.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::error::Result;
use crate::model::SearchText;
use crate::sql;
use crate::store::db::{Db, Value};
use crate::store::tables::search_index::{END, SEGMENT, decode, pack};

/// How many segments one statement reads, as its text says.
pub const SEGMENTS: i64 = 16;

/// How many trigrams of a text one statement looks up, as its text says. What a longer text has
/// besides is compared in the accounts that are found.
const TRIGRAMS: usize = 8;

/// The first complete segment after this one that has accounts.
pub fn segment_after(db: &mut dyn Db, segment: i64, end: i64) -> Result<Option<i64>> {
    let row = db.first(
        sql!(
            "select segment from account_trigrams where segment > $1 and segment < $2 \
             order by segment limit 1"
        ),
        &[segment.into(), end.into()],
    )?;
    row.map(|mut row| row.take()).transpose()
}

/// The numbers of the accounts in these segments, at most [`SEGMENTS`], that may contain a text: those
/// that have its trigrams.
pub fn candidates(db: &mut dyn Db, segments: Range<i64>, text: &SearchText) -> Result<Vec<i64>> {
    let characters: Vec<char> = text.as_str().chars().collect();
    match characters[..] {
        [] => Ok(Vec::new()),
        [a] => beginning(db, segments, [a, END, END], [a, char::MAX, char::MAX]),
        [a, b] => beginning(db, segments, [a, b, END], [a, b, char::MAX]),
        _ => having_all(db, segments, &characters),
    }
}

/// So many values for a list of a statement. A list with a value twice is the same list.
fn padded(values: impl Iterator<Item = i64>, length: usize) -> Vec<Value> {
    let mut all: Vec<i64> = values.take(length).collect();
    // There is no negative segment and no negative trigram.
    all.resize(length, all.last().copied().unwrap_or(-1));
    all.into_iter().map(Value::from).collect()
}

fn padded_segments(segments: Range<i64>) -> Vec<Value> {
    padded(segments, usize::try_from(SEGMENTS).unwrap_or(usize::MAX))
}

/// The accounts that have a trigram between these.
fn beginning(
    db: &mut dyn Db,
    segments: Range<i64>,
    from: [char; 3],
    to: [char; 3],
) -> Result<Vec<i64>> {
    let limits = [pack(from).into(), pack(to).into()];
    let rows = db.all(
        sql!(
            "select segment, places from account_trigrams \
             where segment in ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) \
             and trigram >= $17 and trigram <= $18"
        ),
        &[padded_segments(segments), limits.to_vec()].concat(),
    )?;
    let mut numbers = BTreeSet::new();
    for mut row in rows {
        let (segment, places) = (row.take()?, row.take::<Vec<u8>>()?);
        numbers.extend(decode(&places).into_iter().map(|place| number(segment, place)));
    }
    Ok(numbers.into_iter().collect())
}

fn number(segment: i64, place: u16) -> i64 {
    segment * SEGMENT + i64::from(place)
}

/// The accounts that have every third trigram of a text, and its last one: together they cover the text.
fn having_all(db: &mut dyn Db, segments: Range<i64>, characters: &[char]) -> Result<Vec<i64>> {
    let threes = characters.windows(3).rev().step_by(3).chain(characters.windows(3).take(1));
    let threes = threes.filter_map(|three| three.try_into().ok()).map(pack);
    let trigrams: BTreeSet<i64> = threes.take(TRIGRAMS).collect();
    let rows = db.all(
        sql!(
            "select segment, places from account_trigrams \
             where segment in ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) \
             and trigram in ($17, $18, $19, $20, $21, $22, $23, $24)"
        ),
        &[padded_segments(segments), padded(trigrams.iter().copied(), TRIGRAMS)].concat(),
    )?;
    let mut lists: BTreeMap<i64, Vec<Vec<u8>>> = BTreeMap::new();
    for mut row in rows {
        lists.entry(row.take()?).or_default().push(row.take()?);
    }
    let complete = lists.into_iter().filter(|(_, lists)| lists.len() == trigrams.len());
    Ok(complete.flat_map(|(segment, lists)| in_all(segment, lists)).collect())
}

/// The accounts of a segment that are in each of these lists of places.
fn in_all(segment: i64, mut lists: Vec<Vec<u8>>) -> Vec<i64> {
    // The shortest list decides; the others are searched, not read.
    lists.sort_by_key(Vec::len);
    let Some((shortest, others)) = lists.split_first() else { return Vec::new() };
    let is_in_all = |pair: &&[u8; 2]| {
        others.iter().all(|list| list.as_chunks::<2>().0.binary_search(pair).is_ok())
    };
    let found = shortest.as_chunks::<2>().0.iter().filter(is_in_all);
    found.map(|pair| number(segment, u16::from_be_bytes(*pair))).collect()
}
