//! The administrators' console at `/console`.
//!
//! `table` lists its pages, and everything else is made from it. `desk` admits an administrator to a
//! page before its handler runs, and draws what surrounds it; `form` is the shape of every form. The
//! other files are the pages: `overview` with the drawings of `chart`; `accounts`, `account`, `login`
//! and what is done to an account: `actions`, `bulk`, `edits` and `create`; `record`, `mail`, `roles`, `apps`
//! and `keys`. `cells` writes values as people read them.
//!
//! Its words are English, as the messages of the administrative calls are, and are in its templates.

mod account;
mod accounts;
mod actions;
mod apps;
mod bulk;
mod cells;
mod chart;
mod create;
mod desk;
mod edits;
mod form;
mod keys;
mod login;
mod mail;
mod overview;
mod record;
mod roles;
mod table;

use crate::web::visit::{Act, Road};

pub use crate::web::console::table::{ConsolePage, PagePlace};

/// Every page of the console, for tests of who may do what.
#[must_use]
pub fn pages() -> &'static [ConsolePage] {
    table::PAGES
}

/// The pages with their handlers.
pub(in crate::web) fn roads() -> impl Iterator<Item = Road> {
    table::PAGES.iter().map(|page| Road {
        path: page.path,
        get: page.get.map(|_| Act::Page(page)),
        post: page.post.map(|_| Act::Page(page)),
        back: Some(page.in_menu()),
    })
}
