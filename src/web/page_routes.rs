//! The routes of the sign-in and account pages: every path with its handlers.

use std::sync::Arc;

use poem::http::Method;
use poem::{Endpoint, Request, Response, RouteMethod, endpoint};

use crate::error::Kind;
use crate::http::extract::accept;
use crate::http::server::paths::Paths;
use crate::http::server::reject::Reject;
use crate::http::server::router::Routes;
use crate::identity::Core;
use crate::web::brand::Brand;
use crate::web::entry::posted;
use crate::web::language;
use crate::web::site::{Site, WriteExport};
use crate::web::stop::Stop;
use crate::web::visit::{self, PageHandler, PageRoute};
use crate::web::{account, console, entry};

/// All paths with their handlers.
fn page_routes() -> impl Iterator<Item = PageRoute> {
    let account = account::page_routes().into_iter().chain(account::connection_routes());
    entry::page_routes().into_iter().chain(account).chain(console::page_routes())
}

/// The paths.
pub(in crate::web) fn list() -> impl Iterator<Item = &'static str> {
    page_routes().map(|route| route.path)
}

/// The paths, with the methods they accept.
pub(in crate::web) fn paths() -> Paths {
    page_routes()
        .fold(Paths::default(), |paths, route| paths.with([template(route.path)], &route.methods()))
}

/// A path as the table of paths writes it: `{name}` for `:name`.
fn template(path: &str) -> String {
    let part = |part: &str| match part.strip_prefix(':') {
        Some(name) => format!("{{{name}}}"),
        None => part.to_owned(),
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

/// Adds the routes. They come after those of the wires, whose own paths win.
pub(in crate::web) fn add(
    mut routes: Routes,
    core: &Arc<Core>,
    brand: &Arc<Brand>,
    write_export: WriteExport,
) -> Routes {
    let site = Arc::new(Site::new(core, brand, write_export));
    for route in page_routes() {
        let mut methods = RouteMethod::new();
        if let Some(handler) = route.get {
            methods = methods.get(served(&site, handler, route.back));
        }
        if let Some(handler) = route.post {
            methods = methods.post(served(&site, handler, route.back));
        }
        routes = routes.at(route.path, methods);
    }
    for path in MISTYPED {
        routes = routes.at(path, unknown(&site));
    }
    routes
}

/// Paths of no page, near those of pages: people may type or bookmark them.
const MISTYPED: [&str; 10] = [
    "/console/",
    "/console/*path",
    "/signin",
    "/signup",
    "/account/",
    "/account/*path",
    "/sign-in/",
    "/sign-in/*path",
    "/sign-up/",
    "/sign-up/*path",
];

/// The answer to an unknown path: a page for browsers.
fn unknown(site: &Arc<Site>) -> impl Endpoint<Output = Response> + use<> {
    let site = site.clone();
    endpoint::make(move |request: Request| {
        let site = site.clone();
        async move {
            let stop = Stop::from(Kind::NotFound);
            if request.method() != Method::GET || !accept::is_browser(request.headers()) {
                return Err(Reject(Kind::NotFound.into()).into());
            }
            let context = language::context_of(&site.core, &request).await?;
            let words = site.core.words.pick([context.wish, context.source.language]);
            Ok::<_, poem::Error>(site.stop(&stop, words, &context.source).map_err(Reject)?)
        }
    })
}

fn served(
    site: &Arc<Site>,
    handler: PageHandler,
    back: Option<&'static str>,
) -> impl Endpoint<Output = Response> + use<> {
    let site = site.clone();
    endpoint::make(move |request: Request| {
        let site = site.clone();
        async move {
            match handler {
                PageHandler::PostedAnswer => posted::answer(&site, request).await,
                handler => visit::answer(&site, handler, back, request).await,
            }
        }
    })
}
