//! The wires. Each translates its requests into core calls and the answers back; none holds a rule of its own.
//!
//! The native API is always mounted; `server.wire` names the wire that is served at the root besides it. A further wire
//! is one more module with a `mounted` of its own, and one more word of [`WireName`].

pub mod authbackend;
pub mod jobpath;
pub mod jobpsych;
pub mod siteworks;
#[cfg(test)]
mod tests;
pub mod v1;

use std::sync::Arc;

use poem::endpoint::BoxEndpoint;
use poem::http::Method;
use poem::{Endpoint, EndpointExt, IntoEndpoint, Response, Route};
use serde_json::Value;

use crate::config::{Config, WireName};
use crate::http::docs::{self, Document};
use crate::http::paths::Paths;
use crate::http::reject::Wire;
use crate::http::schema::Schemas;
use crate::http::wires::Wires;
use crate::http::{pages, system};
use crate::identity::Core;

/// A wire as the program mounts it.
pub struct Mounted {
    /// How it spells errors; its name is that of its document.
    pub wire: Arc<dyn Wire>,
    /// Its OpenAPI document under this configuration.
    pub document: Value,
    /// Where the paths of its document begin, without a slash at the end; the root is empty.
    pub mounts: &'static [&'static str],
    /// Paths that no limit counts, with everything below them.
    pub uncounted: &'static [&'static str],
    /// Its operations; built once for each mount.
    pub endpoint: fn(&Arc<Core>) -> BoxEndpoint<'static, Response>,
}

/// The operations of a wire, with what they find in each request.
pub(crate) fn operations(
    service: impl IntoEndpoint<Endpoint = impl Endpoint + 'static>,
    schemas: Schemas,
    core: &Arc<Core>,
) -> BoxEndpoint<'static, Response> {
    service.into_endpoint().data(core.clone()).data(Arc::new(schemas)).map_to_response().boxed()
}

/// A wire by its name.
#[must_use]
pub fn named(name: WireName, config: &Config) -> Mounted {
    match name {
        WireName::V1 => v1::mounted(config),
        WireName::Siteworks => siteworks::mounted(config),
        WireName::Jobpath => jobpath::mounted(config),
        WireName::Jobpsych => jobpsych::mounted(config),
        WireName::Authbackend => authbackend::mounted(config),
    }
}

/// Everything that this configuration serves: the wire of the root first, the native API always.
#[must_use]
pub fn mounted(config: &Config) -> Vec<Mounted> {
    let native = (config.server.wire != WireName::V1).then_some(WireName::V1);
    [config.server.wire].into_iter().chain(native).map(|name| named(name, config)).collect()
}

/// Pages, documents, system paths, and all operations.
#[must_use]
pub fn routes(mounted: &[Mounted], core: &Arc<Core>) -> Route {
    let documents = mounted.iter().map(|api| Document::new(api.wire.name(), &api.document)).collect();
    let mut route = docs::routes(system::routes(pages::routes(Route::new(), core), core), documents);
    for api in mounted {
        for mount in api.mounts {
            let at = if mount.is_empty() { "/" } else { mount };
            route = route.nest(at, (api.endpoint)(core));
        }
    }
    route
}

/// Which wire speaks where, and which methods a path knows. The first one speaks wherever no other is mounted.
#[must_use]
pub fn wires(mounted: &[Mounted]) -> Wires {
    let root = mounted.first().map_or_else(|| Arc::new(v1::V1) as Arc<dyn Wire>, |api| api.wire.clone());
    let mounts = mounted.iter().flat_map(|api| api.mounts.iter().map(|mount| (*mount, &api.wire)));
    let below_the_root = mounts.filter(|(mount, _)| !mount.is_empty());
    below_the_root
        .fold(Wires::new(root, Arc::new(paths(mounted))), |wires, (mount, wire)| wires.mount(mount, wire.clone()))
}

/// Paths that no limit counts, with everything below them: what belongs to no wire, and what each wire names.
#[must_use]
pub fn uncounted(mounted: &[Mounted]) -> Vec<String> {
    let named = mounted.iter().flat_map(|api| api.uncounted).map(|&path| path.to_owned());
    page_paths().chain(read_paths(mounted)).chain(named).collect()
}

/// The pages, under each of their mounts.
fn page_paths() -> impl Iterator<Item = String> {
    pages::PATHS.into_iter().flat_map(|path| pages::MOUNTS.map(|mount| format!("{mount}{path}")))
}

/// What is only read: system paths, documents, the pages' script.
fn read_paths(mounted: &[Mounted]) -> impl Iterator<Item = String> {
    let scripts = pages::MOUNTS.map(|mount| format!("{mount}{}", pages::SCRIPT));
    let documents = mounted.iter().flat_map(|api| docs::paths_of(api.wire.name()));
    system::PATHS.into_iter().chain(docs::PATHS).map(str::to_owned).chain(scripts).chain(documents)
}

fn paths(mounted: &[Mounted]) -> Paths {
    let beside = Paths::default().with(page_paths(), &[Method::GET, Method::POST]);
    let beside = beside.with(read_paths(mounted), &[Method::GET]);
    mounted.iter().fold(beside, |paths, api| paths.with_document(&api.document, api.mounts))
}
