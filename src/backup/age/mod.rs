//! The age v1 file format (<https://age-encryption.org/v1>) with X25519 recipients, so that the `age`
//! tool decrypts a backup where there is no authd.
//!
//! `header` is the text at the beginning, `x25519` wraps the file key for a recipient in it, `stream`
//! is the encrypted content.

mod header;
mod stream;
#[cfg(test)]
mod tests;
mod x25519;

use std::fs::File;
use std::io::{BufRead, Read, Write};
use std::path::Path;

use aws_lc_rs::{hkdf, hmac};
use zeroize::Zeroizing;

use crate::backup::new_file;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::model::{AgeIdentity, AgeRecipient, Progress};
use header::AgeHeader;

/// The first line of every file.
pub(super) const VERSION_LINE: &str = "age-encryption.org/v1\n";
/// An identity file is a few lines; a larger file is not one.
const IDENTITY_FILE_LIMIT: u64 = 64 * 1024;

const FILE_KEY_LEN: usize = 16;
const NONCE_LEN: usize = 16;

/// The key of one file, wrapped in its header for each recipient.
pub(super) struct FileKey(Zeroizing<[u8; FILE_KEY_LEN]>);

impl FileKey {
    fn header_key(&self) -> Result<hmac::Key> {
        Ok(hmac::Key::new(hmac::HMAC_SHA256, &derive(&self.0[..], b"", b"header")?[..]))
    }

    fn payload_key(&self, nonce: &[u8; NONCE_LEN]) -> Result<Zeroizing<[u8; 32]>> {
        derive(&self.0[..], nonce, b"payload")
    }
}

/// Encrypts everything that can be read, for all recipients. Returns the key of the file, to check the
/// result with.
pub(super) fn encrypt(
    input: &mut impl Read,
    output: &mut impl Write,
    recipients: &[AgeRecipient],
    env: &Env,
    progress: &Progress,
) -> Result<FileKey> {
    let file_key = FileKey(Zeroizing::new(env.random()?));
    let stanzas = recipients
        .iter()
        .map(|recipient| x25519::wrap(&file_key, recipient, env))
        .collect::<Result<Vec<_>>>()?;
    let nonce: [u8; NONCE_LEN] = env.random()?;
    let header = header::write(&stanzas, &file_key.header_key()?);
    output.write_all(&header).and_then(|()| output.write_all(&nonce)).map_err(unwritable)?;
    stream::encrypt(input, output, &file_key.payload_key(&nonce)?[..], progress)?;
    Ok(file_key)
}

/// Decrypts a file with the first identity that it is for. What was written is complete and genuine
/// only if this succeeds.
pub(super) fn decrypt(
    input: &mut impl BufRead,
    output: &mut impl Write,
    identities: &[AgeIdentity],
    progress: &Progress,
) -> Result<()> {
    let header = header::read(input)?;
    let file_key = find_key(&header, identities)?;
    decrypt_content(&header, &file_key, input, output, progress)
}

/// As [`decrypt`], with the key of the file.
pub(super) fn decrypt_with(
    file_key: &FileKey,
    input: &mut impl BufRead,
    output: &mut impl Write,
    progress: &Progress,
) -> Result<()> {
    let header = header::read(input)?;
    decrypt_content(&header, file_key, input, output, progress)
}

fn decrypt_content(
    header: &AgeHeader,
    file_key: &FileKey,
    input: &mut impl BufRead,
    output: &mut impl Write,
    progress: &Progress,
) -> Result<()> {
    hmac::verify(&file_key.header_key()?, &header.signed, &header.mac)
        .map_err(|_| damaged("its header was changed"))?;
    let mut nonce = [0; NONCE_LEN];
    input.read_exact(&mut nonce).map_err(|_| damaged("it ends after its header"))?;
    stream::decrypt(input, output, &file_key.payload_key(&nonce)?[..], progress)
}

fn find_key(header: &AgeHeader, identities: &[AgeIdentity]) -> Result<FileKey> {
    if header.stanzas.iter().any(|stanza| stanza.args[0] == "scrypt") {
        return Err(Error::refused(
            "it is encrypted with a passphrase: decrypt it with `age -d` first".to_owned(),
        ));
    }
    for identity in identities {
        for stanza in &header.stanzas {
            if let Some(key) = x25519::unwrap(stanza, identity)? {
                return Ok(key);
            }
        }
    }
    Err(Error::refused(if identities.is_empty() {
        "it is encrypted: name the file with its identity (AGE-SECRET-KEY-1…) with --identity"
            .to_owned()
    } else {
        "it is encrypted, and not for the identity that was given".to_owned()
    }))
}

/// Whether a file begins like an encrypted one.
pub(super) fn is_encrypted(file: &mut File) -> std::io::Result<bool> {
    use std::io::Seek as _;
    let mut begin = [0; VERSION_LINE.len()];
    let found = file.read_exact(&mut begin);
    file.rewind()?;
    Ok(found.is_ok() && begin == VERSION_LINE.as_bytes())
}

/// Reads the identities in a file that `age-keygen` wrote.
///
/// # Errors
/// If it cannot be read or has something else in it.
pub fn identities(path: &Path) -> Result<Vec<AgeIdentity>> {
    let shown = path.display();
    let failed = |error| new_file::cannot("read", path, error);
    let mut text = Zeroizing::new(String::with_capacity(4096));
    let file = File::open(path).map_err(failed)?;
    file.take(IDENTITY_FILE_LIMIT).read_to_string(&mut text).map_err(failed)?;
    if text.starts_with(VERSION_LINE) || text.starts_with("-----BEGIN AGE") {
        return Err(Error::refused(format!(
            "{shown} is itself encrypted: decrypt it with `age -d` first"
        )));
    }
    let lines = text.lines().map(str::trim);
    let found: Option<Vec<_>> = lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(AgeIdentity::parse)
        .collect();
    match found {
        Some(found) if !found.is_empty() => Ok(found),
        _ => Err(Error::refused(format!(
            "expected {shown} to contain identities (AGE-SECRET-KEY-1…), one a line, but it has something else"
        ))),
    }
}

/// HKDF-SHA-256 (RFC 5869).
fn derive(secret: &[u8], salt: &[u8], info: &[u8]) -> Result<Zeroizing<[u8; 32]>> {
    struct KeyBytes;
    impl hkdf::KeyType for KeyBytes {
        fn len(&self) -> usize {
            32
        }
    }
    let mut key = Zeroizing::new([0; 32]);
    hkdf::Salt::new(hkdf::HKDF_SHA256, salt)
        .extract(secret)
        .expand(&[info], KeyBytes)
        .and_then(|material| material.fill(&mut key[..]))
        .map_err(|_| Error::internal("key derivation failed"))?;
    Ok(key)
}

/// An error about the content of an encrypted file.
fn damaged(why: &str) -> Error {
    Error::refused(format!("it is damaged: {why}"))
}

fn unwritable(error: std::io::Error) -> Error {
    let space = match error.kind() {
        std::io::ErrorKind::StorageFull => ": there is no space left",
        _ => "",
    };
    Error::refused(format!("cannot write the file{space}")).caused_by(error)
}
