//! The administrators' console, without JavaScript.

mod actions;
mod looks;
mod pages;
mod rights;

use crate::admin::make;
use crate::support::App;
use crate::web::visitor::Visitor;

/// An administrator with these roles who is logged in on the pages.
async fn administrator<'a>(app: &'a App, name: &str, roles: &[&str]) -> Visitor<'a> {
    make(app, name, roles).await;
    Visitor::known(app, name).await
}

/// The path of a page of an account.
fn of(id: &str, page: &str) -> String {
    format!("/console/accounts/{id}{page}")
}
