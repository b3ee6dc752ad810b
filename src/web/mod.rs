//! What people see in a browser. The server renders it from the templates in `static/pages`.
//!
//! `pages` are the pages that links in mail open, `front` is the page at the server's address. `html`
//! renders a template into a response, `form` reads what a page posts, `problems` says why it was
//! refused. Every word is in the catalogue ([`crate::words`]).

mod form;
mod front;
mod html;
mod pages;
mod problems;

use std::sync::Arc;

use crate::http::server::paths::Paths;
use crate::http::server::router::Routes;
use crate::identity::Core;

/// Adds the routes of all pages.
#[must_use]
pub fn routes(routes: Routes, core: &Arc<Core>) -> Routes {
    pages::routes(routes, core)
}

/// Adds the page at the server's address, except where a wire has a call of its own. Must be called
/// after the routes of the wires are added.
#[must_use]
pub fn front_routes(routes: Routes, core: &Arc<Core>) -> Routes {
    front::routes(routes, core)
}

/// The paths of all pages, with the methods they accept.
#[must_use]
pub fn paths() -> Paths {
    pages::paths().and(front::paths())
}

/// The paths that are exempt from the general limit, including everything below them. What a page
/// does has its own limit.
pub fn uncounted() -> impl Iterator<Item = String> {
    pages::page_paths().chain(pages::script_paths())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_page_is_counted_by_no_general_limit() {
        let uncounted: Vec<_> = uncounted().collect();
        for path in ["/api/v1/not-me", "/verify-email/post.js", "/v1/verify-email/disown"] {
            assert!(uncounted.iter().any(|known| known == path), "{path}");
        }
        let is_broad = |path: &String| path.is_empty() || path == "/" || path == "/v1";
        assert!(!uncounted.iter().any(is_broad), "{uncounted:?}");
    }
}
