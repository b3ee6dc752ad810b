//! What people see in a browser. The server renders it from the templates in `static/pages`.
//!
//! `link_pages` are the pages that links in mail open, `front` is the page at the server's address,
//! `entry` has the pages around a login, `account` those of the account and `console` those of
//! administrators; `page_routes` lists their paths, and `client_script` is the client for pages of other
//! sites. `visit` reads and checks the requests with the cookies of `jar`, `target` is where a login
//! leads to, `language` the one of a visit, `notice` what the next page says, and `stop` what is shown
//! instead of a page. `site` is what all pages share, `brand` how they look and `operator_templates` the
//! operator's own templates; `view` are the parts of our templates, `time` writes times, and `html`
//! renders a template into a response. `form` reads what a page posts, `problems` says why it was
//! refused. Every word is in the catalogue ([`crate::words`]).

mod account;
mod brand;
mod client_script;
pub mod console;
mod entry;
mod form;
mod front;
mod html;
mod jar;
mod language;
mod link_pages;
mod notice;
mod operator_templates;
mod page_routes;
mod problems;
mod site;
mod stop;
mod target;
mod time;
mod view;
mod visit;

use std::sync::Arc;

use poem::http::Method;

use crate::config::Config;
use crate::error::Result;
use crate::http::server::paths::Paths;
use crate::http::server::router::Routes;
use crate::identity::Core;
use crate::model::page::MOUNTS;
use crate::web::brand::{Brand, PageFile};

/// Adds the routes of all pages.
#[must_use]
pub fn routes(routes: Routes, core: &Arc<Core>, looks: &Looks) -> Routes {
    match &looks.0 {
        Some(brand) => link_pages::routes(routes, core, brand),
        None => routes,
    }
}

pub use crate::web::site::WriteExport;

/// The looks of all pages, with the operator's files.
pub struct Looks(Option<Arc<Brand>>);

impl Looks {
    /// Reads the operator's files again. [`check`] has found them usable; if they are not any more,
    /// the pages are shown without them.
    #[must_use]
    pub fn load(config: &Config) -> Self {
        let brand = Brand::load(config).or_else(|error| {
            tracing::error!(error = error.chain(), "pages are shown without the operator's files");
            Brand::plain(config)
        });
        Self(brand.ok().map(Arc::new))
    }
}

/// Checks the operator's files for the pages.
///
/// # Errors
/// `Internal` that names the file which cannot be used.
pub fn check(config: &Config) -> Result<()> {
    Brand::load(config).map(drop)
}

/// Adds the pages for which a wire may have paths of its own, which win: the sign-in and account
/// pages, and the page at the server's address. Must be called after the routes of the wires are
/// added.
#[must_use]
pub fn late_routes(
    routes: Routes,
    core: &Arc<Core>,
    looks: &Looks,
    write_export: WriteExport,
) -> Routes {
    let (config, Some(brand)) = (&core.config, &looks.0) else { return routes };
    let mut routes = client_script::routes(front::routes(routes, core, brand));
    for (path, file) in file_paths() {
        routes = routes.at(path, poem::get(brand::file(brand.clone(), file)));
    }
    if config.serves_pages() {
        routes = page_routes::add(routes, core, brand, write_export);
    }
    routes
}

/// The files that pages load, under each mount.
fn file_paths() -> impl Iterator<Item = (String, PageFile)> {
    let below = |mount: &'static str| {
        PageFile::ALL.map(move |file| (format!("{mount}{}", file.path()), file))
    };
    MOUNTS.into_iter().flat_map(below)
}

/// The paths of all pages, with the methods they accept.
#[must_use]
pub fn paths(config: &Config) -> Paths {
    let files = file_paths().map(|(path, _)| path);
    let paths = link_pages::paths()
        .and(front::paths())
        .and(client_script::paths())
        .with(files, &[Method::GET]);
    if config.serves_pages() { paths.and(page_routes::paths()) } else { paths }
}

/// The paths that the boundary does not count against the general limit: what a page does has its own
/// limit, and the sign-in and account pages count themselves, to answer with a page.
pub fn uncounted(config: &Config) -> impl Iterator<Item = String> {
    let own = config.serves_pages().then(page_routes::list);
    let own = own.into_iter().flatten().map(str::to_owned);
    let files = file_paths().map(|(path, _)| path);
    let script = [client_script::PATH.to_owned()];
    link_pages::page_paths().chain(link_pages::script_paths()).chain(files).chain(own).chain(script)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_page_is_counted_by_no_general_limit() {
        let inputs = crate::config::Inputs::default();
        let config = crate::config::load(&inputs).unwrap_or_else(|found| panic!("{found}")).config;
        let uncounted: Vec<_> = uncounted(&config).collect();
        for path in [
            "/api/v1/not-me",
            "/verify-email/post.js",
            "/v1/pages/page.css",
            "/sign-in",
            "/account/passkeys/remove",
        ] {
            assert!(uncounted.iter().any(|known| known == path), "{path}");
        }
        let is_broad = |path: &String| path.is_empty() || path == "/" || path == "/v1";
        assert!(!uncounted.iter().any(is_broad), "{uncounted:?}");
    }
}
