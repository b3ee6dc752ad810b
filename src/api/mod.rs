//! The wires: the HTTP APIs that the server offers. A wire translates requests into core calls and
//! their results into responses; it contains no business rules.
//!
//! The native API is always mounted. `server.wire` names the wire that is served at the root in
//! addition. To add a wire, add a module with a `mounted` function and a variant of [`WireName`].

pub mod compat;
pub mod needs;
#[cfg(test)]
mod tests;
pub mod v1;

use std::sync::{Arc, LazyLock};

use poem::http::Method;
use poem_openapi::registry::MetaApi;
use serde_json::Value;

use crate::api::needs::WireNeed;
use crate::config::{Config, WireName};
use crate::http::docs::part::part;
use crate::http::docs::site;
use crate::http::docs::site::Document;
use crate::http::server::paths::Paths;
use crate::http::server::reject::Wire;
use crate::http::server::router::Routes;
use crate::http::server::system;
use crate::http::server::wires::{Methods, Wires};
use crate::identity::Core;

/// A wire as the server mounts it.
pub struct Mounted {
    /// Maps errors to this wire's responses. Its name is also the name of the OpenAPI document.
    pub wire: Arc<dyn Wire>,
    /// Builds the OpenAPI document for a configuration, of which [`document_parts`] are published. It
    /// runs when a client first requests one.
    pub document: fn(&Config) -> Value,
    /// The operations, as listed in the document.
    pub operations: fn() -> Vec<MetaApi>,
    /// Prefixes of the paths in the document, without a trailing slash. The root is the empty
    /// string.
    pub mounts: &'static [&'static str],
    /// Paths of the document that are exempt from rate limits, including everything below them.
    pub uncounted: &'static [&'static str],
    /// What the wire needs of the configuration when it is served at the root.
    pub needs: &'static [WireNeed],
    /// Adds the operations under every mount.
    pub add: fn(Routes, &Arc<Core>) -> Routes,
}

/// Returns the wire with this name.
#[must_use]
pub fn named(name: WireName, config: &Config) -> Mounted {
    match name {
        WireName::V1 => v1::mounted(),
        WireName::Siteworks => compat::siteworks::mounted(),
        WireName::Jobpath => compat::jobpath::mounted(),
        WireName::Jobpsych => compat::jobpsych::mounted(config),
        WireName::Authbackend => compat::authbackend::mounted(),
    }
}

/// All wires that this configuration serves. The wire at the root comes first.
#[must_use]
pub fn mounted(config: &Config) -> Vec<Mounted> {
    let native = (config.server.wire != WireName::V1).then_some(WireName::V1);
    [config.server.wire].into_iter().chain(native).map(|name| named(name, config)).collect()
}

/// A published document, and which paths of the wire's whole document are in it.
pub type DocumentPart = (&'static str, fn(&str) -> bool);

/// The documents that are published of a wire. The native API has one of its own for administrators, so
/// that apps for users do not load it.
#[must_use]
pub fn document_parts(api: &Mounted) -> Vec<DocumentPart> {
    let name = api.wire.name();
    if name == WireName::V1.as_str() {
        let for_users: fn(&str) -> bool = |path| !v1::is_admin_path(path);
        vec![(name, for_users), (v1::ADMIN_DOCUMENT, v1::is_admin_path)]
    } else {
        vec![(name, |_| true)]
    }
}

/// The names of the documents of these wires.
fn document_names(mounted: &[Mounted]) -> Vec<&'static str> {
    mounted.iter().flat_map(document_parts).map(|(name, _)| name).collect()
}

/// Adds the OpenAPI documents, the system paths and all operations.
#[must_use]
pub fn routes(routes: Routes, mounted: &[Mounted], core: &Arc<Core>) -> Routes {
    let documents = mounted.iter().flat_map(|api| {
        let write = api.document;
        document_parts(api).into_iter().map(move |(name, is_in)| {
            let config = Arc::clone(&core.config);
            Document::new(name, move || part(&write(&config), is_in))
        })
    });
    let documents = documents.collect();
    let routes = site::routes(system::routes(routes, core), documents);
    mounted.iter().fold(routes, |routes, api| (api.add)(routes, core))
}

/// Maps each path to its wire and its allowed methods. The first wire also handles every path where
/// no other wire is mounted. `others` are paths that are served beside the wires.
#[must_use]
pub fn wires(mounted: &[Mounted], others: Paths) -> Wires {
    let root =
        mounted.first().map_or_else(|| Arc::new(v1::V1) as Arc<dyn Wire>, |api| api.wire.clone());
    let mounts = mounted.iter().flat_map(|api| api.mounts.iter().map(|mount| (*mount, &api.wire)));
    let below_the_root = mounts.filter(|(mount, _)| !mount.is_empty());
    let known = Arc::new(known(mounted, others));
    below_the_root
        .fold(Wires::new(root, known), |wires, (mount, wire)| wires.mount(mount, wire.clone()))
}

/// Paths that are exempt from rate limits: shared paths, and the paths that each wire names.
#[must_use]
pub fn uncounted(mounted: &[Mounted]) -> Vec<String> {
    let named = mounted.iter().flat_map(|api| {
        let paths = api.uncounted.iter();
        paths.flat_map(|path| api.mounts.iter().map(move |mount| format!("{mount}{path}")))
    });
    read_paths(document_names(mounted).into_iter()).chain(named).collect()
}

/// Paths that only serve GET: system paths, and the OpenAPI documents with these names.
fn read_paths<'n>(names: impl Iterator<Item = &'n str>) -> impl Iterator<Item = String> {
    let documents = names.flat_map(site::paths_of);
    system::PATHS.into_iter().chain(site::PATHS).map(str::to_owned).chain(documents)
}

/// Every path with its methods, collected on first use.
fn known(mounted: &[Mounted], others: Paths) -> impl Methods + use<> {
    let apis: Vec<_> = mounted.iter().map(|api| (api.operations, api.mounts)).collect();
    let names = document_names(mounted);
    LazyLock::new(move || {
        let read = read_paths(names.iter().copied());
        apis.iter().fold(others.with(read, &[Method::GET]), |paths, (operations, mounts)| {
            paths.with_operations(&operations(), mounts)
        })
    })
}
