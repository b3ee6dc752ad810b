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

use std::sync::{Arc, LazyLock};

use poem::http::Method;
use poem::{Endpoint, Response};
use poem_openapi::registry::MetaApi;
use serde_json::Value;

use crate::config::{Config, WireName};
use crate::http::docs::{self, Document};
use crate::http::paths::Paths;
use crate::http::reject::Wire;
use crate::http::router::Routes;
use crate::http::wires::{Methods, Wires};
use crate::http::{pages, system};
use crate::identity::Core;

/// A wire as the program mounts it.
pub struct Mounted {
    /// How it spells errors; its name is that of its document.
    pub wire: Arc<dyn Wire>,
    /// Its OpenAPI document under a configuration; written when somebody asks for it.
    pub document: fn(&Config) -> Value,
    /// What it answers to, as the document says.
    pub operations: fn() -> Vec<MetaApi>,
    /// Where the paths of its document begin, without a slash at the end; the root is empty.
    pub mounts: &'static [&'static str],
    /// Paths that no limit counts, with everything below them.
    pub uncounted: &'static [&'static str],
    /// Adds its operations on all its mounts.
    pub add: fn(Routes, &Arc<Core>) -> Routes,
}

/// A wire by its name.
#[must_use]
pub fn named(name: WireName, config: &Config) -> Mounted {
    match name {
        WireName::V1 => v1::mounted(),
        WireName::Siteworks => siteworks::mounted(),
        WireName::Jobpath => jobpath::mounted(),
        WireName::Jobpsych => jobpsych::mounted(config),
        WireName::Authbackend => authbackend::mounted(),
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
pub fn routes(mounted: &[Mounted], core: &Arc<Core>) -> impl Endpoint<Output = Response> + 'static + use<> {
    let document = |api: &Mounted| {
        let (write, config) = (api.document, Arc::clone(&core.config));
        Document::new(api.wire.name(), move || write(&config))
    };
    let documents = mounted.iter().map(document).collect();
    let beside = docs::routes(system::routes(pages::routes(Routes::default(), core), core), documents);
    mounted.iter().fold(beside, |routes, api| (api.add)(routes, core)).router()
}

/// Which wire speaks where, and which methods a path knows. The first one speaks wherever no other is mounted.
#[must_use]
pub fn wires(mounted: &[Mounted]) -> Wires {
    let root = mounted.first().map_or_else(|| Arc::new(v1::V1) as Arc<dyn Wire>, |api| api.wire.clone());
    let mounts = mounted.iter().flat_map(|api| api.mounts.iter().map(|mount| (*mount, &api.wire)));
    let below_the_root = mounts.filter(|(mount, _)| !mount.is_empty());
    below_the_root
        .fold(Wires::new(root, Arc::new(known(mounted))), |wires, (mount, wire)| wires.mount(mount, wire.clone()))
}

/// Paths that no limit counts, with everything below them: what belongs to no wire, and what each wire names.
#[must_use]
pub fn uncounted(mounted: &[Mounted]) -> Vec<String> {
    let named = mounted.iter().flat_map(|api| api.uncounted).map(|&path| path.to_owned());
    page_paths().chain(read_paths(mounted.iter().map(|api| api.wire.name()))).chain(named).collect()
}

/// The pages, under each of their mounts.
fn page_paths() -> impl Iterator<Item = String> {
    pages::PATHS.into_iter().flat_map(|path| pages::MOUNTS.map(|mount| format!("{mount}{path}")))
}

/// What is only read: system paths, the documents of these names, the pages' script.
fn read_paths<'n>(names: impl Iterator<Item = &'n str>) -> impl Iterator<Item = String> {
    let scripts = pages::MOUNTS.map(|mount| format!("{mount}{}", pages::SCRIPT));
    let documents = names.flat_map(docs::paths_of);
    system::PATHS.into_iter().chain(docs::PATHS).map(str::to_owned).chain(scripts).chain(documents)
}

/// Every path with its methods, gathered when one is first asked for.
fn known(mounted: &[Mounted]) -> impl Methods + use<> {
    let apis: Vec<_> = mounted.iter().map(|api| (api.wire.name(), api.operations, api.mounts)).collect();
    LazyLock::new(move || {
        let read = read_paths(apis.iter().map(|(name, ..)| *name));
        let beside = Paths::default().with(page_paths(), &[Method::GET, Method::POST]).with(read, &[Method::GET]);
        apis.iter().fold(beside, |paths, (_, operations, mounts)| paths.with_operations(&operations(), mounts))
    })
}
