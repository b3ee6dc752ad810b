//! The sign-in and account pages.

mod account;
mod bad_input;
mod looks;
mod passkeys;
mod sessions;
mod sign_in;
mod visitor;
