//! The administrators' console at `/console`.
//!
//! `table` lists its pages, and everything else is made from it. `visit` admits an administrator to a
//! page before its handler runs, and draws what surrounds it; `form` is the shape of every form. The
//! other files are the pages: `overview` with the drawings of `chart`; `accounts` with `filters` and `saved_searches`,
//! `account`, `login_check` and what is done to an account: `actions`, `bulk`, `edits` and `create`; `record`, `mail` with
//! `letters`, `roles`, `apps` and `keys`; `provider` with the forms of `provider_form`; `settings`, `limits` and
//! `backups`. `cells` writes values as people read them.
//!
//! Its words are English, as the messages of the administrative calls are, and are in its templates.

mod account;
mod accounts;
mod actions;
mod apps;
mod backups;
mod bulk;
mod cells;
mod chart;
mod create;
mod edits;
mod filters;
mod form;
mod keys;
mod letters;
mod limits;
mod login_check;
mod mail;
mod overview;
mod provider;
mod provider_form;
mod record;
mod roles;
mod saved_searches;
mod settings;
mod table;
mod visit;

use crate::web::visit::{PageHandler, PageRoute};

pub use crate::web::console::table::{ConsolePage, PagePlace};

/// Every page of the console, for tests of who may do what.
#[must_use]
pub fn pages() -> &'static [ConsolePage] {
    table::PAGES
}

/// The pages with their handlers.
pub(in crate::web) fn page_routes() -> impl Iterator<Item = PageRoute> {
    table::PAGES.iter().map(|page| PageRoute {
        path: page.path,
        get: page.get.map(|_| PageHandler::Page(page)),
        post: page.post.map(|_| PageHandler::Page(page)),
        back: Some(page.in_menu()),
    })
}
