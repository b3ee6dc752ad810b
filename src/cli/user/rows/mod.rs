//! Reads files of accounts row by row: CSV as PostgreSQL and MySQL write it, and JSON Lines. A
//! malformed row is reported with its line, and reading continues with the next row.

mod csv;
mod json;
mod lines;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead};

use crate::identity::admin::import::{ColumnMeaning, Fields, ImportColumn};

pub use csv::{Csv, Escape};
pub use json::Json;

/// One row, or why it could not be read.
pub struct ImportRow {
    /// The line at which the row begins.
    pub line: u64,
    /// The known columns of the row.
    pub read: Result<Fields, String>,
}

/// A file that is read row by row.
pub trait Rows {
    /// Reads the next row.
    fn next(&mut self) -> io::Result<Option<ImportRow>>;

    /// How many bytes have been read.
    fn position(&self) -> u64;

    /// The columns that have not been used so far.
    fn unused(&self) -> Unused;
}

/// Columns of a file that the import does not use.
#[derive(Debug, Clone, Default)]
pub struct Unused {
    /// Known columns that an import leaves out.
    pub left: BTreeSet<String>,
    /// Unknown columns.
    pub unknown: BTreeSet<String>,
}

/// The meaning of each column: from the command line, or else from its name.
#[derive(Debug, Clone, Default)]
pub struct Headings {
    given: BTreeMap<String, ColumnMeaning>,
    unused: Unused,
}

impl Headings {
    /// Takes the meanings given on the command line.
    pub fn new(given: BTreeMap<String, ColumnMeaning>) -> Self {
        Self { given, unused: Unused::default() }
    }

    /// Whether this name gives way to another one of the same meaning; never a name given on the
    /// command line.
    fn gives_way(&self, name: &str) -> bool {
        !self.given.contains_key(name) && ImportColumn::gives_way(name)
    }

    /// Looks up a column by name, and records a column that is not read.
    fn column(&mut self, name: &str) -> Option<ImportColumn> {
        match self.given.get(name).copied().unwrap_or_else(|| ImportColumn::meaning(name)) {
            ColumnMeaning::Read(column) => return Some(column),
            ColumnMeaning::Left => self.unused.left.insert(name.to_owned()),
            // A malformed file must not make this list grow without bound.
            ColumnMeaning::Unknown if self.unused.unknown.len() < 100 => {
                self.unused.unknown.insert(name.to_owned())
            }
            ColumnMeaning::Unknown => false,
        };
        None
    }
}

/// Why a file cannot be read at all.
pub enum Unreadable {
    /// An I/O error.
    Io(io::Error),
    /// A problem with the heading.
    Heading(String),
}

impl From<io::Error> for Unreadable {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// The source of the lines.
pub type Input = Box<dyn BufRead + Send>;
