//! Numbered lines of a file with a length limit. The lines of a malformed row can be put back and
//! read again.

use std::collections::VecDeque;
use std::io::{self, BufRead, Read};

use super::Input;

/// The longest line that is kept, in bytes.
const LONGEST: u64 = 1024 * 1024;

/// One line, including its line end.
#[derive(Debug, Clone)]
pub(super) struct SourceLine {
    pub(super) number: u64,
    pub(super) bytes: Vec<u8>,
    pub(super) is_cut: bool,
}

pub(super) struct LineReader {
    input: Input,
    again: VecDeque<SourceLine>,
    number: u64,
    position: u64,
}

impl LineReader {
    pub(super) fn new(input: Input) -> Self {
        Self { input, again: VecDeque::new(), number: 0, position: 0 }
    }

    pub(super) fn position(&self) -> u64 {
        self.position
    }

    pub(super) fn next(&mut self) -> io::Result<Option<SourceLine>> {
        if let Some(line) = self.again.pop_front() {
            return Ok(Some(line));
        }
        let mut bytes = Vec::new();
        self.position += self.input.by_ref().take(LONGEST).read_until(b'\n', &mut bytes)? as u64;
        if bytes.is_empty() {
            return Ok(None);
        }
        self.number += 1;
        let is_cut = bytes.len() as u64 == LONGEST && !bytes.ends_with(b"\n");
        if is_cut {
            self.skip_rest()?;
        }
        if self.number == 1 && bytes.starts_with(b"\xef\xbb\xbf") {
            bytes.drain(..3);
        }
        Ok(Some(SourceLine { number: self.number, bytes, is_cut }))
    }

    /// Puts lines back, so that they are read next.
    pub(super) fn put_back(&mut self, lines: Vec<SourceLine>) {
        lines.into_iter().rev().for_each(|line| self.again.push_front(line));
    }

    fn skip_rest(&mut self) -> io::Result<()> {
        let mut rest = Vec::new();
        loop {
            rest.clear();
            let read = self.input.by_ref().take(LONGEST).read_until(b'\n', &mut rest)? as u64;
            self.position += read;
            if read == 0 || rest.ends_with(b"\n") {
                return Ok(());
            }
        }
    }
}
