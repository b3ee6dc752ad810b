//! Writes the segments of the search index, in pieces: an account that is imported, or an upgrade,
//! leaves whole segments to write, and no other change has to wait for more than one piece.
//!
//! A piece is written only if no account of the segment has changed since the segment was read.
//! Otherwise the segment is read again, and continued after the last piece.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Result;
use crate::sql;
use crate::store::db::Db;
use crate::store::tables::search_index::{self, IndexProgress, SEGMENT};

/// The most rows that one write adds.
const PIECE: usize = 256;

/// Whether a segment is to be written: all its numbers are drawn, or its writing was interrupted.
pub fn is_due(db: &mut dyn Db) -> Result<bool> {
    let progress = IndexProgress::read(db)?;
    Ok(progress.trigram.is_some() || next(db, &progress)?.is_some())
}

/// The next segment that has accounts, if all its numbers are drawn.
fn next(db: &mut dyn Db, progress: &IndexProgress) -> Result<Option<i64>> {
    let last = db.first(sql!("select number from instance where name = 'next_account'"), &[])?;
    let last: i64 = last.map_or(Ok(0), |mut row| row.take())?;
    let first = search_index::after(db, progress.segment * SEGMENT - 1, 1)?.pop();
    let segment = first.map(|account| account.number / SEGMENT);
    Ok(segment.filter(|segment| last >= (segment + 1) * SEGMENT - 1))
}

/// Begins the next segment, unless one is begun. From now on, changes of its accounts are noticed.
pub fn begin(db: &mut dyn Db) -> Result<()> {
    let progress = IndexProgress::read(db)?;
    if progress.trigram.is_some() {
        return Ok(());
    }
    match next(db, &progress)? {
        Some(segment) => IndexProgress { segment, trigram: Some(0), ..progress }.save(db),
        None => Ok(()),
    }
}

/// A part of a segment, ready to be written.
#[derive(Debug, Clone)]
pub struct SegmentPiece {
    /// How far the index goes before and after this piece.
    before: IndexProgress,
    after: IndexProgress,
    /// The trigrams, ascending, and the places of each.
    rows: Vec<(i64, Vec<u8>)>,
}

/// Reads the accounts of the segment that is begun, and returns the pieces that are not yet written.
pub fn collect(db: &mut dyn Db) -> Result<Vec<SegmentPiece>> {
    let mut before = IndexProgress::read(db)?;
    let Some(written) = before.trigram else { return Ok(Vec::new()) };
    let segment = before.segment;
    let mut index = BTreeMap::new();
    for account in search_index::after(db, segment * SEGMENT - 1, SEGMENT)? {
        if account.number / SEGMENT != segment {
            break;
        }
        let place = search_index::place(account.number)?;
        for trigram in account.trigrams().split_off(&(written + 1)) {
            index.entry(trigram).or_insert_with(BTreeSet::new).insert(place);
        }
    }
    let rows: Vec<_> =
        index.iter().map(|(trigram, places)| (*trigram, search_index::encode(places))).collect();
    let mut pieces = Vec::new();
    for rows in rows.chunks(PIECE) {
        let after = IndexProgress { trigram: rows.last().map(|(trigram, _)| *trigram), ..before };
        pieces.push(SegmentPiece { before, after, rows: rows.to_vec() });
        before = after;
    }
    let complete = IndexProgress { segment: segment + 1, trigram: None, ..before };
    match pieces.last_mut() {
        Some(last) => last.after = complete,
        None => pieces.push(SegmentPiece { before, after: complete, rows: Vec::new() }),
    }
    Ok(pieces)
}

impl SegmentPiece {
    /// Writes the piece. Returns false if the segment has changed since it was read, or another
    /// process writes it too.
    pub fn store(&self, db: &mut dyn Db) -> Result<bool> {
        if IndexProgress::read(db)? != self.before {
            return Ok(false);
        }
        for (trigram, places) in &self.rows {
            search_index::insert(db, self.before.segment, *trigram, places.clone())?;
        }
        self.after.save(db)?;
        Ok(true)
    }
}
