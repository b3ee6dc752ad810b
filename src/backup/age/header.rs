//! The header: which recipients a file is for, with a MAC over it.

use std::io::{BufRead, Read as _};

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::{VERSION_LINE, damaged};
use crate::error::{Error, Result};

/// Characters in a full line of a body.
const COLUMNS: usize = 64;
/// The longest line: an argument of another program's stanza may be long.
const LONGEST_LINE: u64 = 8192;
/// A header of more bytes is refused before it is read.
const LONGEST_HEADER: usize = 1 << 20;

/// What the file key is wrapped in for one recipient.
pub(super) struct Stanza {
    /// The type, and what the type says.
    pub(super) args: Vec<String>,
    pub(super) body: Vec<u8>,
}

/// A parsed header.
pub(super) struct AgeHeader {
    pub(super) stanzas: Vec<Stanza>,
    /// Everything that the MAC covers.
    pub(super) signed: Vec<u8>,
    pub(super) mac: Vec<u8>,
}

/// A whole header.
pub(super) fn write(stanzas: &[Stanza], key: &hmac::Key) -> Vec<u8> {
    let mut header = VERSION_LINE.as_bytes().to_vec();
    for Stanza { args, body } in stanzas {
        header.extend_from_slice(format!("-> {}\n", args.join(" ")).as_bytes());
        let body = STANDARD_NO_PAD.encode(body);
        let lines = body.as_bytes().chunks(COLUMNS);
        let ends_full = body.len().is_multiple_of(COLUMNS);
        lines.for_each(|line| {
            header.extend_from_slice(line);
            header.push(b'\n');
        });
        // The last line is shorter than the others, even if it is empty.
        if ends_full {
            header.push(b'\n');
        }
    }
    header.extend_from_slice(b"---");
    let mac = STANDARD_NO_PAD.encode(hmac::sign(key, &header));
    header.extend_from_slice(format!(" {mac}\n").as_bytes());
    header
}

/// Reads a header, and leaves the input at what follows it.
pub(super) fn read(input: &mut impl BufRead) -> Result<AgeHeader> {
    let mut signed = Vec::new();
    if line(input, &mut signed)? != VERSION_LINE.trim_end() {
        return Err(Error::refused("it is not a file of age v1".to_owned()));
    }
    let mut stanzas = Vec::new();
    loop {
        let before = signed.len();
        let first = line(input, &mut signed)?;
        if let Some(mac) = first.strip_prefix("--- ") {
            signed.truncate(before + 3);
            let mac = decode(mac)?;
            if mac.len() != 32 || stanzas.is_empty() {
                return Err(malformed());
            }
            return Ok(AgeHeader { stanzas, signed, mac });
        }
        let args = first.strip_prefix("-> ").ok_or_else(malformed)?;
        let args: Vec<String> = args.split(' ').map(str::to_owned).collect();
        let is_word = |arg: &String| !arg.is_empty() && arg.bytes().all(|b| b.is_ascii_graphic());
        if !args.iter().all(is_word) {
            return Err(malformed());
        }
        stanzas.push(Stanza { args, body: body(input, &mut signed)? });
    }
}

fn body(input: &mut impl BufRead, signed: &mut Vec<u8>) -> Result<Vec<u8>> {
    let mut text = String::new();
    loop {
        let line = line(input, signed)?;
        text.push_str(&line);
        match line.len() {
            COLUMNS => {}
            length if length < COLUMNS => return decode(&text),
            _ => return Err(malformed()),
        }
    }
}

/// Reads one line, which ends with a line feed, and appends it to what the MAC covers.
fn line(input: &mut impl BufRead, signed: &mut Vec<u8>) -> Result<String> {
    let before = signed.len();
    let mut limited = input.by_ref().take(LONGEST_LINE);
    limited
        .read_until(b'\n', signed)
        .map_err(|error| damaged("it cannot be read").caused_by(error))?;
    let line = &signed[before..];
    let text = line.strip_suffix(b"\n").filter(|_| signed.len() <= LONGEST_HEADER);
    let text = text.and_then(|text| std::str::from_utf8(text).ok()).ok_or_else(malformed)?;
    Ok(text.to_owned())
}

/// Strict: no padding, no stray bits.
pub(super) fn decode(text: &str) -> Result<Vec<u8>> {
    STANDARD_NO_PAD.decode(text).map_err(|_| malformed())
}

pub(super) fn encode(bytes: &[u8]) -> String {
    STANDARD_NO_PAD.encode(bytes)
}

pub(super) fn malformed() -> Error {
    damaged("its header is malformed")
}
