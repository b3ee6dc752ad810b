//! Seals the bodies of outbox rows under the master key, and opens them. A body is bound to the id
//! of its row.

use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::env::Env;
use crate::error::{Error, Result};
use crate::seal::MasterKey;
use crate::store::tables::outbox::Message;

/// A message whose body is unsealed; only its channel knows the body's format.
pub struct OpenedMessage {
    recipient: Option<String>,
    body: Zeroizing<Vec<u8>>,
}

impl OpenedMessage {
    /// The address or number to deliver to.
    ///
    /// # Errors
    /// `Internal` for a job, which has none.
    pub fn recipient(&self) -> Result<&str> {
        self.recipient
            .as_deref()
            .ok_or_else(|| Error::internal("a message without a recipient cannot be delivered"))
    }

    /// Parses the body.
    ///
    /// # Errors
    /// `Internal` if it has another format.
    pub fn body<T: DeserializeOwned>(&self) -> Result<T> {
        // The parser's message is dropped, because it would quote the decrypted text.
        serde_json::from_slice(&self.body)
            .map_err(|_| Error::internal("the body of this message has an unknown format"))
    }
}

/// The context that a body is sealed for.
fn context(id: &str) -> String {
    format!("outbox.sealed.{id}")
}

pub(super) fn seal(
    master: &MasterKey,
    env: &Env,
    id: &str,
    body: &impl Serialize,
) -> Result<Vec<u8>> {
    let plain = serde_json::to_vec(body)
        .map_err(|cause| Error::internal("sealing a message").caused_by(cause))?;
    master.seal(env, &context(id), &Zeroizing::new(plain))
}

pub(super) fn open(master: &MasterKey, message: &Message) -> Result<OpenedMessage> {
    let sealed = message
        .sealed
        .as_deref()
        .ok_or_else(|| Error::internal("the body of this message is erased"))?;
    let body = Zeroizing::new(master.open(&context(&message.id), sealed)?);
    Ok(OpenedMessage { recipient: message.recipient.clone(), body })
}
