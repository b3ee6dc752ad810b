//! Checks access tokens of authd with its public keys: a tower layer and an axum extractor.
//!
//! ```no_run
//! use authd_verify::{Auth, Verifier};
//! use axum::{Router, routing::get};
//!
//! # fn app() -> Result<Router, authd_verify::ConfigError> {
//! let verifier = Verifier::of("https://id.example.com").build()?;
//! let app = Router::new()
//!     .route("/admin", get(async || "for administrators").layer(verifier.require_role("admin")))
//!     .route("/me", get(async |auth: Auth| auth.sub))
//!     .with_state(verifier);
//! # Ok(app)
//! # }
//! ```

mod claims;
mod clock;
mod extract;
mod fetch;
mod jwt;
mod keys;
mod layer;
mod live;
mod refusal;
#[cfg(test)]
mod tests;
mod verifier;

pub use claims::Auth;
pub use layer::{Guarded, Require};
pub use refusal::Refusal;
pub use verifier::{ConfigError, Verifier, VerifierBuilder};
