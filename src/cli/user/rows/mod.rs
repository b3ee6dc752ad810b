//! Files of people, row by row: CSV as PostgreSQL and MySQL write it, and JSON Lines. A broken row is told with its line
//! and does not spoil the next.

mod csv;
mod json;
mod lines;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead};

use crate::identity::import::{Column, Fields, Meaning};

pub use csv::{Csv, Escape};
pub use json::Json;

/// One row, or why it could not be read.
pub struct Row {
    /// The line that it begins at.
    pub line: u64,
    /// Its known columns.
    pub read: Result<Fields, String>,
}

/// A file that is read row by row.
pub trait Rows {
    /// The next row.
    ///
    /// # Errors
    /// When the file cannot be read on.
    fn next(&mut self) -> io::Result<Option<Row>>;

    /// How many bytes have been read.
    fn position(&self) -> u64;

    /// The columns that were not used, so far.
    fn unused(&self) -> Unused;
}

/// Columns that a file has and an import does not use.
#[derive(Debug, Clone, Default)]
pub struct Unused {
    /// Known, and of no use here.
    pub left: BTreeSet<String>,
    /// Not known.
    pub unknown: BTreeSet<String>,
}

/// What each column of a file means: by what the command line says, else by its name.
#[derive(Debug, Clone, Default)]
pub struct Headings {
    given: BTreeMap<String, Meaning>,
    unused: Unused,
}

impl Headings {
    /// With meanings that somebody has given.
    pub fn new(given: BTreeMap<String, Meaning>) -> Self {
        Self { given, unused: Unused::default() }
    }

    /// The column of this name; one that is not read is remembered.
    fn column(&mut self, name: &str) -> Option<Column> {
        match self.given.get(name).copied().unwrap_or_else(|| Column::meaning(name)) {
            Meaning::Read(column) => return Some(column),
            Meaning::Left => self.unused.left.insert(name.to_owned()),
            // Whatever a file holds, the list of what nobody knows stays short.
            Meaning::Unknown if self.unused.unknown.len() < 100 => self.unused.unknown.insert(name.to_owned()),
            Meaning::Unknown => false,
        };
        None
    }
}

/// Why a file is not read at all.
pub enum Unreadable {
    /// The machine's word.
    Io(io::Error),
    /// Its heading's fault.
    Heading(String),
}

impl From<io::Error> for Unreadable {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// What the lines come from.
pub type Input = Box<dyn BufRead + Send>;
