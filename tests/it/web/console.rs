//! The administrators' console, without JavaScript.

mod actions;
mod backups;
mod instance;
mod letters;
mod looks;
mod pages;
mod pictures;
mod providers;
mod rights;

use authd::identity::FreshBy;
use authd::identity::admin::providers as all_providers;
use authd::model::ProviderSettings;
use authd::model::provider::ProviderKeys;
use authd::web::console::ConsolePage;

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

/// What stands for `:id` in the paths of pages.
pub struct PageIds<'a> {
    pub account: &'a str,
    pub role: &'a str,
    pub app: &'a str,
    pub backup: &'a str,
}

/// The path of a page with ids that exist, and accounts chosen if it is about several.
pub fn path_of(page: &ConsolePage, ids: &PageIds) -> String {
    let id = match page.in_menu() {
        "/console/accounts" => ids.account,
        "/console/roles" => ids.role,
        "/console/apps" => ids.app,
        "/console/providers" => "acme",
        "/console/backups" => ids.backup,
        "/console/mail" => "verify_email",
        other => other,
    };
    page.path.replace(":id", id)
}

/// A provider at an address that the server does not call.
async fn add_provider(app: &App) {
    let settings = ProviderSettings {
        issuer: Some("https://127.0.0.1:9".to_owned()),
        client_id: Some("c-1".to_owned()),
        ..ProviderSettings::default()
    };
    let (by, keys) = (FreshBy::command_line(), ProviderKeys::default());
    all_providers::create(&app.core, &by, "acme", &settings, &keys).await.unwrap();
}
