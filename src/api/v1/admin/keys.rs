//! Signing keys.

use std::sync::Arc;

use poem_openapi::OpenApi;

use super::super::V1Tag;
use super::types::{KeysAnswer, RotateKeyRequest, RotationMode};
use super::view;
use crate::http::extract::allowed::{Allowed, FreshProof, ManageKeys};
use crate::http::extract::body::Body;
use crate::http::server::response::{Answer, answer};
use crate::identity::Core;
use crate::identity::system::key;
use crate::identity::system::key::{Begin, Old, Rotation};

/// Operations under `/admin/keys`.
pub struct Keys {
    pub(super) core: Arc<Core>,
}

impl From<RotationMode> for Rotation {
    fn from(mode: RotationMode) -> Self {
        match mode {
            RotationMode::Scheduled => Self { begin: Begin::AfterLead, old: Old::Expire },
            RotationMode::Now => Self { begin: Begin::AtOnce, old: Old::Expire },
            RotationMode::Revoke => Self { begin: Begin::AtOnce, old: Old::Die },
        }
    }
}

#[OpenApi]
impl Keys {
    /// List signing keys
    ///
    /// Returns the keys, newest first, without their private parts.
    #[oai(path = "/admin/keys", method = "get", operation_id = "listKeys", tag = "V1Tag::Admin")]
    async fn list(&self, _admin: Allowed<ManageKeys>) -> Answer<KeysAnswer> {
        let keys = key::list(&self.core).await?;
        Ok(answer(keys.into_iter().map(view::key).collect::<Vec<_>>().into()))
    }

    /// Rotate the signing keys
    #[oai(
        path = "/admin/keys/rotate",
        method = "post",
        operation_id = "rotateKeys",
        tag = "V1Tag::Admin"
    )]
    async fn rotate(
        &self,
        admin: Allowed<FreshProof<ManageKeys>>,
        body: Body<RotateKeyRequest>,
    ) -> Answer<KeysAnswer> {
        key::rotate(&self.core, &admin.fresh()?, body.0.mode.into()).await?;
        let keys = key::list(&self.core).await?;
        Ok(answer(keys.into_iter().map(view::key).collect::<Vec<_>>().into()))
    }
}
