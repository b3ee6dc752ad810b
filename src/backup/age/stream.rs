//! The content: chunks of 64 KiB, each encrypted under a nonce that counts them and marks the last, so
//! that no chunk can be moved, repeated or left out (STREAM).

use std::io::{self, BufRead, Read, Write};

use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use super::{damaged, unwritable};
use crate::error::{Error, Result};
use crate::model::Progress;

const CHUNK: usize = 64 * 1024;
const TAG: usize = 16;

/// Encrypts all of the input.
pub(super) fn encrypt(
    input: &mut impl Read,
    output: &mut impl Write,
    key: &[u8],
    progress: &Progress,
) -> Result<()> {
    let key = cipher(key)?;
    let (mut chunk, mut next) = (Vec::with_capacity(CHUNK + TAG), Vec::with_capacity(CHUNK + TAG));
    fill(input, &mut chunk, CHUNK)?;
    let mut counter = 0;
    loop {
        fill(input, &mut next, CHUNK)?;
        let place = if next.is_empty() { Place::Last } else { Place::Inner };
        let plain = chunk.len() as u64;
        key.seal_in_place_append_tag(nonce(counter, place), Aad::empty(), &mut chunk)
            .map_err(|_| Error::internal("encrypting a chunk failed"))?;
        output.write_all(&chunk).map_err(unwritable)?;
        advance(progress, counter, plain)?;
        if place == Place::Last {
            return Ok(());
        }
        std::mem::swap(&mut chunk, &mut next);
        counter += 1;
    }
}

/// Decrypts all of the input. Fails if a chunk was changed or is missing, or anything follows the last.
pub(super) fn decrypt(
    input: &mut impl BufRead,
    output: &mut impl Write,
    key: &[u8],
    progress: &Progress,
) -> Result<()> {
    let key = cipher(key)?;
    let mut chunk = Vec::with_capacity(CHUNK + TAG);
    let mut counter = 0;
    loop {
        fill(input, &mut chunk, CHUNK + TAG)?;
        let is_end = input.fill_buf().map_err(unreadable)?.is_empty();
        let place = if is_end { Place::Last } else { Place::Inner };
        let plain = key
            .open_in_place(nonce(counter, place), Aad::empty(), &mut chunk)
            .map_err(|_| damaged("it was cut off or changed"))?;
        if plain.is_empty() && counter > 0 {
            return Err(damaged("its last chunk is empty"));
        }
        output.write_all(plain).map_err(unwritable)?;
        let length = plain.len() as u64;
        advance(progress, counter, length)?;
        if place == Place::Last {
            return Ok(());
        }
        counter += 1;
    }
}

/// Whether a chunk is the last of its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Inner,
    Last,
}

/// The chunk's number in 11 bytes, and whether it is the last.
fn nonce(counter: u64, place: Place) -> Nonce {
    let mut nonce = [0; NONCE_LEN];
    nonce[3..11].copy_from_slice(&counter.to_be_bytes());
    nonce[11] = u8::from(place == Place::Last);
    Nonce::assume_unique_for_key(nonce)
}

fn cipher(key: &[u8]) -> Result<LessSafeKey> {
    let key = UnboundKey::new(&CHACHA20_POLY1305, key);
    key.map(LessSafeKey::new).map_err(|_| Error::internal("the payload key was rejected"))
}

/// Reads this many bytes, or as many as there are.
fn fill(input: &mut impl Read, chunk: &mut Vec<u8>, length: usize) -> Result<()> {
    chunk.clear();
    input.by_ref().take(length as u64).read_to_end(chunk).map_err(unreadable)?;
    Ok(())
}

fn advance(progress: &Progress, counter: u64, length: u64) -> Result<()> {
    progress.check()?;
    progress.reach(counter * CHUNK as u64 + length);
    Ok(())
}

fn unreadable(error: io::Error) -> Error {
    damaged("it cannot be read").caused_by(error)
}
