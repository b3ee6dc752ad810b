//! The sign-in and account pages.

mod account;
mod bad_input;
mod by_code;
pub mod console;
mod language;
mod looks;
mod mirrored;
mod passkeys;
mod proofs;
mod sessions;
mod sign_in;
mod templates;
pub mod visitor;
