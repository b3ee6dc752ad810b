//! The client for browsers, at `/authd.js`: an ES module for pages without a build step. It is built
//! from `sdk/js` by `sdk/build`, and committed.

use std::sync::{Arc, LazyLock};

use poem::http::Method;
use poem::{Endpoint, Request, Response, endpoint};

use crate::error::{Error, Kind, Result};
use crate::http::docs::static_file::StaticFile;
use crate::http::server::paths::Paths;
use crate::http::server::reject::Reject;
use crate::http::server::router::Routes;

const SCRIPT: &[u8] = include_bytes!("../../sdk/js/authd.js");

/// Where it is.
pub(in crate::web) const PATH: &str = "/authd.js";

/// Adds the route.
#[must_use]
pub(in crate::web) fn routes(route: Routes) -> Routes {
    route.at(PATH, script())
}

/// The path, with the methods it accepts.
#[must_use]
pub(in crate::web) fn paths() -> Paths {
    Paths::default().with([PATH.to_owned()], &[Method::GET])
}

/// The file is compressed for the first page that asks for it.
fn script() -> impl Endpoint {
    let new = || StaticFile::new("text/javascript; charset=utf-8", SCRIPT.into());
    let file: Arc<LazyLock<StaticFile>> = Arc::new(LazyLock::new(new));
    endpoint::make(move |request: Request| {
        let answer = answer(&file, &request);
        std::future::ready(answer.map_err(|error| poem::Error::from(Reject(error))))
    })
}

fn answer(file: &StaticFile, request: &Request) -> Result<Response> {
    if *request.method() == Method::GET {
        file.answer(request)
    } else {
        Err(Error::new(Kind::MethodNotAllowed))
    }
}
