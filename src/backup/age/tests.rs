//! Round trips, files that the `age` tool made, and files that were damaged.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::*;

/// A key pair of `age-keygen`, which protects nothing.
const RECIPIENT: &str = "age18j6g96yuf2lw6tv8sf338ngujrt6usferw5m82spqtvrzzlnny9sh6ufyu";
const IDENTITY: &str = "AGE-SECRET-KEY-1Y0G8PCALRRMVCNQC8LTLNR8MC5HDNJD4TQSGWHGCVNEC5W3VSDYQJV705G";
/// What `age` 1.1.1 made of [`PLAIN`] for [`RECIPIENT`].
const BY_AGE: &str = "YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSBDVkN5Y09RSzBFb3dMOHJPV1pVanFqVXVpam1NUXArT2t6\
    QzlZbU5seXpJCm1aVnRnRGQ5MGwvNWl0NWpGd1ZzVFllQlhPYmh4UDk4MGJpTjFEOGp4bmcKLS0tIEtBMWwxS01mc2pVTXY1cEpOaTNza2UreUpj\
    Qis4K0poTTZnRXdER0t6RGsK6Q4NPgGO4tAzlRNN9AGbAuF3tTcc5mP63APT2738dwS7FHuPr1fW7NEAnqN0kjBn";
const PLAIN: &[u8] = b"backup of 3 a.m.";

fn identity() -> AgeIdentity {
    AgeIdentity::parse(IDENTITY).unwrap()
}

/// Another key pair, from the strings of the documentation of age.
fn other() -> AgeRecipient {
    AgeRecipient::parse("age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa").unwrap()
}

fn encrypted(plain: &[u8], recipients: &[AgeRecipient]) -> Vec<u8> {
    let mut out = Vec::new();
    encrypt(&mut &plain[..], &mut out, recipients, &Env::real(), &Progress::default()).unwrap();
    out
}

fn decrypted(mut file: &[u8]) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    decrypt(&mut file, &mut out, &[identity()], &Progress::default()).map(|()| out)
}

fn by_age() -> Vec<u8> {
    STANDARD.decode(BY_AGE.replace([' ', '\n'], "")).unwrap()
}

#[test]
fn a_file_of_the_age_tool_is_decrypted() {
    assert_eq!(decrypted(&by_age()).unwrap(), PLAIN);
}

#[test]
fn what_is_encrypted_for_several_is_decrypted_by_one_of_them_at_every_length() {
    let recipients = [other(), AgeRecipient::parse(RECIPIENT).unwrap()];
    for length in [0, 1, 65_535, 65_536, 65_537, 131_072, 200_000] {
        let plain: Vec<u8> = (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect();
        let file = encrypted(&plain, &recipients);
        assert!(decrypted(&file).unwrap() == plain, "{length}");
    }
}

#[test]
fn another_identity_decrypts_nothing() {
    let file = encrypted(PLAIN, &[other()]);
    let error = decrypted(&file).unwrap_err();
    assert!(error.message().contains("not for the identity"), "{error}");
    let mut out = Vec::new();
    let error = decrypt(&mut &file[..], &mut out, &[], &Progress::default()).unwrap_err();
    assert!(error.message().contains("--identity"), "{error}");
    assert!(out.is_empty());
}

#[test]
fn a_file_that_was_changed_anywhere_or_cut_or_extended_is_refused() {
    let file = by_age();
    for at in 0..file.len() {
        for bit in [1, 0x20] {
            let mut changed = file.clone();
            changed[at] ^= bit;
            assert!(decrypted(&changed).is_err(), "byte {at}");
        }
        assert!(decrypted(&file[..at]).is_err(), "cut at {at}");
    }
    for more in [&b"\0"[..], &[0; 16], &file] {
        assert!(decrypted(&[&file, more].concat()).is_err());
    }
}

/// A chunk that is left out, repeated or moved, where the lengths still fit.
#[test]
fn chunks_cannot_be_left_out_or_moved() {
    let plain: Vec<u8> = (0..4 * 65_536).map(|at| u8::try_from(at / 65_536).unwrap()).collect();
    let file = encrypted(&plain, &[AgeRecipient::parse(RECIPIENT).unwrap()]);
    let chunk = 65_536 + 16;
    let begin = file.len() - 4 * chunk;
    let (head, body) = file.split_at(begin);
    let chunks: Vec<&[u8]> = body.chunks(chunk).collect();
    for order in [&[0, 1, 2][..], &[0, 1, 3], &[1, 0, 2, 3], &[0, 0, 2, 3], &[0, 1, 2, 3, 3], &[3]]
    {
        let parts: Vec<&[u8]> = order.iter().map(|at| chunks[*at]).collect();
        assert!(decrypted(&[head, &parts.concat()].concat()).is_err(), "{order:?}");
    }
    assert_eq!(decrypted(&file).unwrap(), plain);
}

#[test]
fn a_malformed_header_is_refused_and_a_passphrase_is_named() {
    let share = "CVCycOQK0EowL8rOWZUjqjUuijmMQp+OkzC9YmNlyzI";
    let body = "mZVtgDd90l/5it5jFwVsTYeBXObhxP980biN1D8jxng";
    let mac = "KA1l1KMfsjUMv5pJNi3ske+yJcB+8+JhM6gEwDGKzDk";
    let line = "age-encryption.org/v1";
    for (header, word) in [
        (format!("age-encryption.org/v2\n-> X25519 {share}\n{body}\n--- {mac}\n"), "age v1"),
        (format!("{line}\n--- {mac}\n"), "malformed"),
        (format!("{line}\n-> X25519\n{body}\n--- {mac}\n"), "malformed"),
        (format!("{line}\n-> X25519 {share} more\n{body}\n--- {mac}\n"), "malformed"),
        (format!("{line}\n-> X25519 {share}\n{body}=\n--- {mac}\n"), "malformed"),
        (format!("{line}\n-> X25519 {share}=\n{body}\n--- {mac}\n"), "malformed"),
        (format!("{line}\n-> X25519  {share}\n{body}\n--- {mac}\n"), "malformed"),
        (format!("{line}\n-> X25519 {share}\n--- {mac}\n"), "malformed"),
        (format!("{line}\n-> X25519 {share}\n{body}\n--- {}\n", &mac[1..]), "malformed"),
        (format!("{line}\n-> X25519 {share}\n{body}\n---{mac}\n"), "malformed"),
        (format!("{line}\r\n-> X25519 {share}\n{body}\n--- {mac}\n"), "age v1"),
        (format!("{line}\n-> X25519 {}\n{body}\n--- {mac}\n", "A".repeat(43)), "malformed"),
        (format!("{line}\n-> scrypt salt 18\n{body}\n--- {mac}\n"), "passphrase"),
        (format!("{line}\n-> more {}\n", "a ".repeat(8192)), "malformed"),
    ] {
        let error = decrypted(header.as_bytes()).unwrap_err();
        assert!(error.message().contains(word), "{header}: {error}");
    }
}

#[test]
fn a_file_of_identities_is_read_and_another_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.txt");
    std::fs::write(&path, format!("# created: today\n# public key: {RECIPIENT}\n\n{IDENTITY}\n"))
        .unwrap();
    assert_eq!(identities(&path).unwrap().len(), 1);
    assert_eq!(format!("{:?}", identities(&path).unwrap()), "[AgeIdentity(…)]");
    for (text, word) in [
        ("", "contain identities"),
        (RECIPIENT, "contain identities"),
        ("age-encryption.org/v1\n-> scrypt", "age -d"),
        ("hush-hush", "contain identities"),
    ] {
        std::fs::write(&path, text).unwrap();
        let error = identities(&path).unwrap_err();
        assert!(error.message().contains(word) && !error.chain().contains("hush"), "{error}");
    }
    assert!(identities(folder.path()).is_err());
}

proptest! {
    #[test]
    fn no_input_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let file = [VERSION_LINE.as_bytes(), &bytes].concat();
        prop_assert!(decrypted(&file).is_err());
        prop_assert!(decrypted(&bytes).is_err());
    }
}
