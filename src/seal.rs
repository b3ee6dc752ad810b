//! The master key. Only an instance that has it can read what is sealed; a copy of the database
//! file alone is not enough.
//!
//! Sealing is AES-256-GCM and MACs are HMAC-SHA-256. HKDF (RFC 5869) derives a separate key for
//! each from the master key. Callers decide where sealed bytes are stored and what happens if the
//! key is missing.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{hkdf, hmac};
use zeroize::Zeroizing;

use crate::env::Env;
use crate::error::{Error, Kind, Result};
use crate::model::secret;

const KEY_LEN: usize = 32;
/// The first byte of every sealed value, so that the format can change later.
const VERSION: u8 = 1;
/// A key file is one short line; a larger file is not a key file.
const FILE_LIMIT: u64 = 1024;

/// The master key, kept outside the database. Cheap to clone.
#[derive(Clone)]
pub struct MasterKey(Arc<Derived>);

/// The keys derived from the master key, computed once.
struct Derived {
    /// Derives a MAC key for each purpose.
    macs: hmac::Key,
    sealing: LessSafeKey,
}

/// The length of a derived key, as the HKDF API requires it.
struct KeyLength;

impl hkdf::KeyType for KeyLength {
    fn len(&self) -> usize {
        KEY_LEN
    }
}

impl MasterKey {
    /// Parses a key given as text (`AUTHD_MASTER_KEY`): 32 bytes in base64url or hexadecimal.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        let bytes = match text.len() {
            43 => secret::decode(text),
            64 => decode_hex(text),
            _ => None,
        };
        let bytes = Zeroizing::new(bytes.unwrap_or_default());
        let key: &[u8; KEY_LEN] = bytes.as_slice().try_into().map_err(|_| {
            let expected = "expected a master key of 32 bytes, as 43 characters of base64url or 64 of hexadecimal";
            refused(format!("{expected}; got {} characters or an invalid encoding", text.chars().count()))
        })?;
        Self::derive(key)
    }

    /// Reads the key from a file. Refuses a file that other users may read.
    pub fn load(path: &Path) -> Result<Self> {
        let shown = path.display();
        let failed = |error: io::Error| {
            refused(format!("cannot read the master key from {shown}")).caused_by(error)
        };
        let mut file = File::open(path).map_err(failed)?;
        let facts = file.metadata().map_err(failed)?;
        if !facts.is_file() || facts.len() > FILE_LIMIT {
            return Err(refused(format!(
                "expected {shown} to be a file with one line, the master key, but it is something else"
            )));
        }
        if facts.mode() & 0o077 != 0 {
            let mode = facts.mode() & 0o777;
            return Err(refused(format!(
                "only the owner may read the master key, but {shown} has mode {mode:04o}; run: chmod 600 '{shown}'"
            )));
        }
        // Allocate for the whole file at once: a growing buffer leaves copies of the key in memory.
        let mut text = Zeroizing::new(String::with_capacity(
            2 * KEY_LEN + usize::try_from(FILE_LIMIT).unwrap_or(0),
        ));
        file.read_to_string(&mut text).map_err(failed)?;
        Self::parse(&text).map_err(|error| {
            refused(format!("{shown} does not contain a master key")).caused_by(error)
        })
    }

    /// Creates a new key in this file with mode 0600. Never overwrites an existing file.
    pub fn create(path: &Path, env: &Env) -> Result<Self> {
        let key = Zeroizing::new(env.random::<KEY_LEN>()?);
        let mut line = Zeroizing::new(secret::encode(&key[..]));
        line.push('\n');
        let shown = path.display();
        let failed = |error: io::Error| {
            refused(format!("cannot write the new master key to {shown}")).caused_by(error)
        };
        write_new(path, line.as_bytes()).map_err(failed)?;
        Self::derive(&key)
    }

    /// Copies a key file to where a database expects it, with mode 0600. Does nothing if the same key
    /// is there; never replaces another one.
    pub fn install(from: &Path, to: &Path) -> Result<()> {
        if to.exists() {
            let (new, present) = (Self::load(from)?, Self::load(to)?);
            if new.check_value() == present.check_value() {
                return Ok(());
            }
            let (to, from) = (to.display(), from.display());
            return Err(refused(format!(
                "{to} is another master key than {from}: move it away first"
            )));
        }
        let shown = to.display();
        let failed = |error: io::Error| {
            refused(format!("cannot write the master key to {shown}")).caused_by(error)
        };
        let text = Zeroizing::new(fs::read(from).map_err(failed)?);
        write_new(to, &text).map_err(failed)
    }

    /// Seals bytes and binds them to `place` (table, column, row id), so that a sealed value cannot
    /// be moved to another row.
    pub fn seal(&self, env: &Env, place: &str, plain: &[u8]) -> Result<Vec<u8>> {
        let nonce = env.random::<NONCE_LEN>()?;
        let overhead = 1 + NONCE_LEN + AES_256_GCM.tag_len();
        let mut sealed = Vec::with_capacity(overhead + plain.len());
        sealed.push(VERSION);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plain);
        let (_, body) = sealed.split_at_mut(1 + NONCE_LEN);
        let tag = self
            .0
            .sealing
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), bound_to(place), body)
            .map_err(|_| Error::internal("sealing failed"))?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    /// Opens a value that [`MasterKey::seal`] made for the same place. Fails if the value was
    /// sealed under another key or for another place, or if it is damaged.
    pub fn open(&self, place: &str, sealed: &[u8]) -> Result<Vec<u8>> {
        let wrong = || {
            Error::internal(format!("{place} was not sealed under this master key, or is damaged"))
        };
        let (&[VERSION], rest) = sealed.split_first_chunk::<1>().ok_or_else(wrong)? else {
            return Err(wrong());
        };
        let (nonce, body) = rest.split_first_chunk::<NONCE_LEN>().ok_or_else(wrong)?;
        let mut body = body.to_vec();
        let length = self
            .0
            .sealing
            .open_in_place(Nonce::assume_unique_for_key(*nonce), bound_to(place), &mut body)
            .map_err(|_| wrong())?
            .len();
        body.truncate(length);
        Ok(body)
    }

    /// Computes an HMAC-SHA-256 under a separate key for this purpose.
    #[must_use]
    pub fn mac(&self, purpose: &str, bytes: &[u8]) -> [u8; 32] {
        let key = hmac::sign(&self.0.macs, purpose.as_bytes());
        let mut out = [0; 32];
        out.copy_from_slice(
            hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.as_ref()), bytes).as_ref(),
        );
        out
    }

    /// The check value that the database stores. It detects a different master key before anything
    /// is opened with it.
    #[must_use]
    pub fn check_value(&self) -> [u8; 32] {
        self.mac("master-check", b"authd")
    }

    fn derive(key: &[u8; KEY_LEN]) -> Result<Self> {
        let root = hkdf::Salt::new(hkdf::HKDF_SHA256, b"authd master key 1").extract(key);
        let sealing = expand(&root, b"seal")?;
        let macs = hmac::Key::new(hmac::HMAC_SHA256, &expand(&root, b"mac")?[..]);
        let sealing = UnboundKey::new(&AES_256_GCM, &sealing[..])
            .map_err(|_| Error::internal("the sealing key was rejected"))?;
        Ok(Self(Arc::new(Derived { macs, sealing: LessSafeKey::new(sealing) })))
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

/// An error that the operator sees at startup or from a command.
fn refused(message: String) -> Error {
    Error::with(Kind::Internal, message)
}

/// The additional authenticated data of GCM. It binds the place, so that a sealed value cannot be
/// moved to another row.
fn bound_to(place: &str) -> Aad<Vec<u8>> {
    let mut bytes = vec![VERSION];
    bytes.extend_from_slice(place.as_bytes());
    Aad::from(bytes)
}

fn expand(root: &hkdf::Prk, purpose: &[u8]) -> Result<Zeroizing<[u8; KEY_LEN]>> {
    let mut key = Zeroizing::new([0; KEY_LEN]);
    root.expand(&[purpose], KeyLength)
        .and_then(|material| material.fill(&mut key[..]))
        .map_err(|_| Error::internal("key derivation failed"))?;
    Ok(key)
}

/// Writes a new key file.
fn write_new(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let written =
        file.write_all(text).and_then(|()| file.sync_all()).and_then(|()| sync_folder(path));
    if written.is_err() {
        // The next start would refuse a partly written key.
        let _ = fs::remove_file(path);
    }
    written
}

/// Identifies the master key with this check value, without saying anything about it: people compare
/// it to see which key a backup needs.
#[must_use]
pub fn key_id(check_value: &[u8]) -> String {
    check_value.iter().take(8).fold(String::new(), |mut text, byte| {
        let _ = fmt::Write::write_fmt(&mut text, format_args!("{byte:02x}"));
        text
    })
}

/// The directory entry must reach the disk too: a database whose key is lost cannot be opened.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder =
        path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok());
    text.as_bytes()
        .chunks_exact(2)
        .map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use proptest::prelude::*;

    use super::*;

    fn key(byte: u8) -> MasterKey {
        MasterKey::parse(&secret::encode(&[byte; 32])).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_for_the_same_key_and_place_alone() {
        let (env, master) = (Env::real(), key(1));
        let sealed = master.seal(&env, "outbox.sealed.7", b"hush").unwrap();
        assert_eq!(master.open("outbox.sealed.7", &sealed).unwrap(), b"hush");
        assert!(master.open("outbox.sealed.8", &sealed).is_err());
        assert!(key(2).open("outbox.sealed.7", &sealed).is_err());
        assert!(!sealed.windows(4).any(|part| part == b"hush"));
    }

    #[test]
    fn equal_bytes_are_sealed_differently_each_time() {
        let (env, master) = (Env::real(), key(1));
        assert_ne!(
            master.seal(&env, "p", b"same").unwrap(),
            master.seal(&env, "p", b"same").unwrap()
        );
    }

    #[test]
    fn a_damaged_or_cut_value_is_refused_wherever_it_is_damaged() {
        let (env, master) = (Env::real(), key(1));
        let sealed = master.seal(&env, "p", b"hush").unwrap();
        for at in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[at] ^= 1;
            assert!(master.open("p", &damaged).is_err(), "byte {at}");
            assert!(master.open("p", &sealed[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn each_purpose_has_its_own_mac() {
        let master = key(1);
        assert_eq!(master.mac("a", b"x"), key(1).mac("a", b"x"));
        assert_ne!(master.mac("a", b"x"), master.mac("b", b"x"));
        assert_ne!(master.mac("a", b"x"), key(2).mac("a", b"x"));
        assert_ne!(master.check_value(), key(2).check_value());
    }

    #[test]
    fn a_key_is_read_as_base64url_and_as_hexadecimal() {
        let hex = "0101010101010101010101010101010101010101010101010101010101010101";
        assert_eq!(MasterKey::parse(hex).unwrap().check_value(), key(1).check_value());
        for bad in [
            "",
            "short",
            &hex[..62],
            &hex.replace('0', "g"),
            &format!("{}=", secret::encode(&[1; 32])),
        ] {
            let error = MasterKey::parse(bad).unwrap_err();
            assert!(error.message().contains("43 characters of base64url"), "{error}");
        }
    }

    #[test]
    fn a_new_key_is_its_owners_alone_and_is_never_written_over_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("authd.key");
        let made = MasterKey::create(&path, &Env::real()).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_to_string(&path).unwrap().len(), 44);
        assert_eq!(MasterKey::load(&path).unwrap().check_value(), made.check_value());
        assert!(MasterKey::create(&path, &Env::real()).is_err());
        assert_eq!(MasterKey::load(&path).unwrap().check_value(), made.check_value());
    }

    #[test]
    fn a_key_that_others_may_read_is_refused_with_the_command_that_mends_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("authd.key");
        MasterKey::create(&path, &Env::real()).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let message = MasterKey::load(&path).unwrap_err().message().to_owned();
        assert!(message.contains("mode 0640") && message.contains("chmod 600"), "{message}");
    }

    #[test]
    fn a_file_that_is_no_key_is_refused_by_its_path() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("authd.key");
        assert!(MasterKey::load(&path).unwrap_err().message().contains("authd.key"));
        fs::write(&path, "x".repeat(2000)).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(MasterKey::load(&path).is_err());
        fs::write(&path, "hush-hush").unwrap();
        let error = MasterKey::load(&path).unwrap_err();
        assert!(!error.chain().contains("hush"), "{}", error.chain());
        assert!(MasterKey::load(folder.path()).is_err());
    }

    #[test]
    fn a_master_key_does_not_print() {
        assert_eq!(format!("{:?}", key(1)), "MasterKey(…)");
    }

    proptest! {
        #[test]
        fn opening_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            prop_assert!(key(1).open("p", &bytes).is_err());
        }
    }
}
