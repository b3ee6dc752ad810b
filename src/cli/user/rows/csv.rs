//! CSV (RFC 4180) in the dialects of PostgreSQL and MySQL: PostgreSQL doubles quotes, MySQL escapes
//! them with backslashes and writes `\N` for null. The first row names the columns.

use std::io;

use super::lines::{LineReader, SourceLine};
use super::{Headings, ImportRow, Input, Rows, Unreadable, Unused};
use crate::identity::admin::import::{Fields, ImportColumn};
use crate::model::text;

/// The longest row in bytes, over all lines that its quotes span.
const LONGEST: usize = 64 * 1024;

/// How a quote within a quoted cell is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escape {
    /// Twice, as PostgreSQL does.
    Quote,
    /// After a backslash, as MySQL does. Other characters are escaped the same way.
    Backslash,
}

/// A CSV file whose heading has been read.
pub struct Csv {
    lines: LineReader,
    delimiter: u8,
    escape: Escape,
    columns: Vec<Option<ImportColumn>>,
    /// The places of columns whose name gives way to another one of the same meaning.
    weak: Vec<usize>,
    headings: Headings,
}

impl Csv {
    /// Reads the heading. If it contains tabs, tabs separate the columns, and backslash is the
    /// default escape.
    ///
    /// # Errors
    /// If there is no heading, no column for the e-mail address, or two columns with the same
    /// meaning.
    pub fn open(
        input: Input,
        escape: Option<Escape>,
        headings: Headings,
    ) -> Result<Self, Unreadable> {
        let mut lines = LineReader::new(input);
        let first = lines.next()?.ok_or_else(|| Unreadable::Heading("it is empty".to_owned()))?;
        let delimiter = [b'\t', b';']
            .into_iter()
            .find(|sign| first.bytes.contains(sign) && !first.bytes.contains(&b','));
        let delimiter = delimiter.unwrap_or(b',');
        let by_habit = if delimiter == b'\t' { Escape::Backslash } else { Escape::Quote };
        let escape = escape.unwrap_or(by_habit);
        lines.put_back(vec![first]);
        let mut csv =
            Self { lines, delimiter, escape, columns: Vec::new(), weak: Vec::new(), headings };
        let names =
            csv.row()?.map_or(Ok(Vec::new()), |(_, cells)| cells).map_err(Unreadable::Heading)?;
        for name in names {
            let name = name.unwrap_or_default();
            csv.add_column(name.trim())?;
        }
        if csv.columns.contains(&Some(ImportColumn::Email)) {
            return Ok(csv);
        }
        Err(Unreadable::Heading("its first line names no column for the e-mail address".to_owned()))
    }

    /// Adds a column of the heading. Of two names for one meaning, one may give way.
    fn add_column(&mut self, name: &str) -> Result<(), Unreadable> {
        let column = self.headings.column(name);
        let gives_way = self.headings.gives_way(name);
        let before = column.and_then(|_| self.columns.iter().position(|known| *known == column));
        match (column, before) {
            (Some(_), Some(_)) if gives_way => self.columns.push(None),
            (Some(_), Some(before)) if self.weak.contains(&before) => {
                if let Some(weak) = self.columns.get_mut(before) {
                    *weak = None;
                }
                self.columns.push(column);
            }
            (Some(twice), Some(_)) => {
                return Err(Unreadable::Heading(format!(
                    "two of its columns mean {}: exclude one with --column NAME=-",
                    twice.as_str()
                )));
            }
            _ => {
                if gives_way {
                    self.weak.push(self.columns.len());
                }
                self.columns.push(column);
            }
        }
        Ok(())
    }

    /// The cells of the next non-empty row, and the line it begins at.
    #[allow(clippy::type_complexity, reason = "a row, its line, and why it could not be read")]
    fn row(&mut self) -> io::Result<Option<(u64, Result<Vec<Option<String>>, String>)>> {
        loop {
            let Some(first) = self.lines.next()? else { return Ok(None) };
            if first.bytes.trim_ascii().is_empty() {
                continue;
            }
            let number = first.number;
            let mut taken: Vec<SourceLine> = Vec::new();
            let mut parser = Parser::new(self.delimiter, self.escape);
            let mut length = 0;
            let mut next = Some(first);
            let ended = loop {
                let Some(line) = next else { break Err("a quote in it is not closed".to_owned()) };
                length += line.bytes.len();
                let fed = if line.is_cut || length > LONGEST {
                    Err(format!(
                        "it is longer than {} KiB; perhaps a quote in it is not closed",
                        LONGEST / 1024
                    ))
                } else {
                    parser.feed(&line.bytes)
                };
                taken.push(line);
                match fed {
                    Ok(Fed::Ended) => break parser.cells(),
                    Ok(Fed::Open) => next = self.lines.next()?,
                    Err(why) => break Err(why),
                }
            };
            let ended = ended.and_then(|cells| self.counted(cells));
            if ended.is_err() {
                // The lines after an unclosed quote may be separate rows.
                self.lines.put_back(taken.split_off(1));
            }
            return Ok(Some((number, ended)));
        }
    }

    fn counted(&self, cells: Vec<Option<String>>) -> Result<Vec<Option<String>>, String> {
        let (expected, found) = (self.columns.len(), cells.len());
        if expected == 0 || expected == found {
            return Ok(cells);
        }
        Err(format!("it has {found} columns where the first line has {expected}"))
    }
}

impl Rows for Csv {
    fn next(&mut self) -> io::Result<Option<ImportRow>> {
        let Some((line, cells)) = self.row()? else { return Ok(None) };
        let read = cells.map(|cells| {
            let mut fields = Fields::default();
            for (column, cell) in self.columns.iter().zip(cells) {
                if let (Some(column), Some(text)) = (column, cell) {
                    fields.put(*column, text::unguard_formula(&text).to_owned());
                }
            }
            fields
        });
        Ok(Some(ImportRow { line, read }))
    }

    fn position(&self) -> u64 {
        self.lines.position()
    }

    fn unused(&self) -> Unused {
        self.headings.unused.clone()
    }
}

/// Whether a row continues on the next line.
#[derive(Debug, PartialEq, Eq)]
enum Fed {
    Open,
    Ended,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CsvState {
    /// Before a cell.
    Start,
    /// Within an unquoted cell.
    Bare,
    /// Within a quoted cell.
    Quoted,
    /// After a quote in a quoted cell: either the end of the cell, or half of a doubled quote.
    Quote,
}

struct Parser {
    delimiter: u8,
    escape: Escape,
    state: CsvState,
    is_escaped: bool,
    was_quoted: bool,
    is_null: bool,
    cell: Vec<u8>,
    cells: Vec<Option<Vec<u8>>>,
}

impl Parser {
    fn new(delimiter: u8, escape: Escape) -> Self {
        Self {
            delimiter,
            escape,
            state: CsvState::Start,
            is_escaped: false,
            was_quoted: false,
            is_null: false,
            cell: Vec::new(),
            cells: Vec::new(),
        }
    }

    fn feed(&mut self, line: &[u8]) -> Result<Fed, String> {
        let end = line
            .strip_suffix(b"\n")
            .map_or(line.len(), |line| line.strip_suffix(b"\r").unwrap_or(line).len());
        for (at, &byte) in line.iter().enumerate() {
            let is_end = at >= end && !self.is_escaped && self.state != CsvState::Quoted;
            if is_end {
                self.end_cell();
                return Ok(Fed::Ended);
            }
            self.take(byte)?;
        }
        let goes_on = self.state == CsvState::Quoted || self.is_escaped;
        if goes_on {
            return if line.ends_with(b"\n") {
                Ok(Fed::Open)
            } else {
                Err("a quote in it is not closed".to_owned())
            };
        }
        // The last line of a file may lack a line end. A row with an escaped line end continues.
        if line.ends_with(b"\n") {
            return Ok(Fed::Open);
        }
        self.end_cell();
        Ok(Fed::Ended)
    }

    fn take(&mut self, byte: u8) -> Result<(), String> {
        if self.is_escaped {
            self.is_escaped = false;
            self.cell.push(match byte {
                b'N' if self.cell.is_empty() => {
                    self.is_null = true;
                    return Ok(());
                }
                b'n' => b'\n',
                b't' => b'\t',
                b'r' => b'\r',
                b'0' => 0,
                b'b' => 8,
                b'Z' => 26,
                other => other,
            });
            return Ok(());
        }
        match (self.state, byte) {
            (CsvState::Start, b'"') => {
                (self.state, self.was_quoted) = (CsvState::Quoted, true);
            }
            (CsvState::Start | CsvState::Bare | CsvState::Quote, byte)
                if byte == self.delimiter =>
            {
                self.end_cell();
            }
            (CsvState::Quoted, b'"') => self.state = CsvState::Quote,
            (CsvState::Quote, b'"') => {
                self.cell.push(b'"');
                self.state = CsvState::Quoted;
            }
            (CsvState::Quote, _) => {
                return Err(
                    "something follows a closing quote; files from MySQL need --escape backslash"
                        .to_owned(),
                );
            }
            (_, b'\\') if self.escape == Escape::Backslash => {
                self.is_escaped = true;
                self.state =
                    if self.state == CsvState::Start { CsvState::Bare } else { self.state };
            }
            (CsvState::Start | CsvState::Bare, byte) => {
                self.cell.push(byte);
                self.state = CsvState::Bare;
            }
            (CsvState::Quoted, byte) => self.cell.push(byte),
        }
        Ok(())
    }

    fn end_cell(&mut self) {
        let cell = std::mem::take(&mut self.cell);
        let is_nothing = !self.was_quoted && (self.is_null || cell == b"\\N" || cell == b"NULL");
        self.cells.push((!is_nothing).then_some(cell));
        (self.state, self.was_quoted, self.is_null) = (CsvState::Start, false, false);
    }

    fn cells(self) -> Result<Vec<Option<String>>, String> {
        let text =
            |cell: Vec<u8>| String::from_utf8(cell).map_err(|_| "it is not UTF-8".to_owned());
        self.cells.into_iter().map(|cell| cell.map(text).transpose()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(text: &str, escape: Escape) -> Result<Vec<Option<String>>, String> {
        let mut parser = Parser::new(b',', escape);
        for line in text.split_inclusive('\n') {
            if parser.feed(line.as_bytes())? == Fed::Ended {
                return parser.cells();
            }
        }
        Err("open".to_owned())
    }

    fn some(cells: &[&str]) -> Vec<Option<String>> {
        cells.iter().map(|&cell| Some(cell.to_owned())).collect()
    }

    #[test]
    fn quotes_lines_and_nothing_are_read_as_postgresql_writes_them() {
        let read = |text| cells(text, Escape::Quote);
        assert_eq!(read("a,b,\r\n").unwrap(), some(&["a", "b", ""]));
        assert_eq!(read("\"a,\"\"b\"\"\nc\",\"\"\n").unwrap(), some(&["a,\"b\"\nc", ""]));
        assert_eq!(
            read("\\N,NULL,\"NULL\",C:\\x").unwrap(),
            [vec![None, None], some(&["NULL", "C:\\x"])].concat()
        );
        assert!(read("\"a\"b,c\n").unwrap_err().contains("--escape"));
        assert!(read("\"a,b").unwrap_err().contains("not closed"));
    }

    #[test]
    fn backslashes_are_read_as_mysql_writes_them() {
        let read = |text| cells(text, Escape::Backslash);
        assert_eq!(
            read("\"say \\\"hi\\\"\",\\N,a\\\\b\n").unwrap(),
            [some(&["say \"hi\""]), vec![None], some(&["a\\b"])].concat()
        );
        assert_eq!(read("a\\\nb,\"c\\nd\"\n").unwrap(), some(&["a\nb", "c\nd"]));
    }

    #[test]
    fn a_broken_row_does_not_spoil_the_next() {
        let file = "id,email\n1,\"open@example.com\n2,b@example.com\n3,c@example.com,x\n\n4,\"d\"@example.com\n5,e@example.com";
        let mut csv = match Csv::open(Box::new(file.as_bytes()), None, Headings::default()) {
            Ok(csv) => csv,
            Err(Unreadable::Heading(why)) => panic!("{why}"),
            Err(Unreadable::Io(error)) => panic!("{error}"),
        };
        let mut rows = Vec::new();
        while let Some(row) = csv.next().unwrap() {
            rows.push((row.line, row.read.is_ok()));
        }
        assert_eq!(rows, [(2, false), (3, true), (4, false), (6, false), (7, true)]);
    }
}
