//! `Auth` as an axum extractor.

use axum_core::extract::{FromRef, FromRequestParts};
use http::request::Parts;

use crate::claims::Auth;
use crate::refusal::Refusal;
use crate::verifier::Verifier;

/// Takes what a layer has found, and checks the token where there is none.
impl<S> FromRequestParts<S> for Auth
where
    Verifier: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        if let Some(auth) = parts.extensions.get::<Auth>() {
            return Ok(auth.clone());
        }
        Verifier::from_ref(state).authenticate(&parts.headers).await
    }
}
