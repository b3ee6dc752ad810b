//! The recipient type X25519: the file key, encrypted under a key that the sender's ephemeral key and
//! the recipient's key agree on.

use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::agreement::{PrivateKey, UnparsedPublicKey, X25519, agree};
use zeroize::Zeroizing;

use super::header::{Stanza, decode, encode, malformed};
use super::{FILE_KEY_LEN, FileKey, derive};
use crate::env::Env;
use crate::error::{Error, Result};
use crate::model::{AgeIdentity, AgeRecipient};

const TYPE: &str = "X25519";
const INFO: &[u8] = b"age-encryption.org/v1/X25519";
const KEY_LEN: usize = 32;
/// The file key and its tag.
const BODY_LEN: usize = FILE_KEY_LEN + 16;

/// Wraps the file key for a recipient.
pub(super) fn wrap(file_key: &FileKey, recipient: &AgeRecipient, env: &Env) -> Result<Stanza> {
    let ephemeral = Zeroizing::new(env.random::<KEY_LEN>()?);
    let share = public(&ephemeral)?;
    let shared = shared(&ephemeral, recipient.key())
        .ok_or_else(|| Error::refused(format!("{recipient} is not a usable age recipient")))?;
    let mut body = file_key.0.to_vec();
    wrapping_key(&shared, &share, recipient.key())?
        .seal_in_place_append_tag(zero_nonce(), Aad::empty(), &mut body)
        .map_err(|_| Error::internal("wrapping the file key failed"))?;
    Ok(Stanza { args: vec![TYPE.to_owned(), encode(&share)], body })
}

/// Opens a stanza, if it is of this type and for this identity.
pub(super) fn unwrap(stanza: &Stanza, identity: &AgeIdentity) -> Result<Option<FileKey>> {
    let [kind, share] = stanza.args.as_slice() else {
        return if stanza.args[0] == TYPE { Err(malformed()) } else { Ok(None) };
    };
    if kind != TYPE {
        return Ok(None);
    }
    let share: [u8; KEY_LEN] = decode(share)?.try_into().map_err(|_| malformed())?;
    let mut body: [u8; BODY_LEN] = stanza.body.as_slice().try_into().map_err(|_| malformed())?;
    let shared = shared(identity.key(), &share).ok_or_else(malformed)?;
    let key = wrapping_key(&shared, &share, &public(identity.key())?)?;
    let opened = key.open_in_place(zero_nonce(), Aad::empty(), &mut body);
    let Ok(opened) = opened else { return Ok(None) };
    let mut file_key = Zeroizing::new([0; FILE_KEY_LEN]);
    file_key.copy_from_slice(opened);
    Ok(Some(FileKey(file_key)))
}

fn wrapping_key(
    shared: &[u8; KEY_LEN],
    share: &[u8; KEY_LEN],
    recipient: &[u8; KEY_LEN],
) -> Result<LessSafeKey> {
    let key = derive(shared, &[*share, *recipient].concat(), INFO)?;
    let key = UnboundKey::new(&CHACHA20_POLY1305, &key[..])
        .map_err(|_| Error::internal("the wrapping key was rejected"))?;
    Ok(LessSafeKey::new(key))
}

/// The key wraps nothing else, so its nonce is fixed.
fn zero_nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}

fn public(private: &[u8; KEY_LEN]) -> Result<[u8; KEY_LEN]> {
    PrivateKey::from_private_key(&X25519, private)
        .ok()
        .and_then(|key| key.compute_public_key().ok()?.as_ref().try_into().ok())
        .ok_or_else(|| Error::internal("an X25519 key was rejected"))
}

/// What both sides agree on. `None` for a point of low order, with which everybody would agree on zero.
fn shared(private: &[u8; KEY_LEN], other: &[u8; KEY_LEN]) -> Option<Zeroizing<[u8; KEY_LEN]>> {
    let key = PrivateKey::from_private_key(&X25519, private).ok()?;
    agree(&key, UnparsedPublicKey::new(&X25519, other), (), |secret| {
        let mut shared = Zeroizing::new([0; KEY_LEN]);
        if secret.len() != KEY_LEN || secret.iter().all(|byte| *byte == 0) {
            return Err(());
        }
        shared.copy_from_slice(secret);
        Ok(shared)
    })
    .ok()
}
