//! Every path that is served with the methods it answers to, read off the documents: what `Allow` is made of.

use std::collections::BTreeMap;

use poem::http::Method;
use serde_json::{Map, Value};

use super::wires::Methods;

/// The methods of every path, by template.
#[derive(Debug, Clone, Default)]
pub struct Paths(BTreeMap<String, Vec<Method>>);

impl Paths {
    /// With the operations of a document, on every mount of it.
    #[must_use]
    pub fn with_document(mut self, document: &Value, mounts: &[&str]) -> Self {
        for (path, operations) in document["paths"].as_object().into_iter().flatten() {
            let names = operations.as_object().into_iter().flat_map(Map::keys);
            let methods: Vec<_> = names.filter_map(|name| name.to_ascii_uppercase().parse().ok()).collect();
            for mount in mounts {
                self.add(format!("{mount}{path}"), &methods);
            }
        }
        self
    }

    /// With paths that are no operations of a document.
    #[must_use]
    pub fn with(mut self, paths: impl IntoIterator<Item = String>, methods: &[Method]) -> Self {
        paths.into_iter().for_each(|path| self.add(path, methods));
        self
    }

    fn add(&mut self, path: String, methods: &[Method]) {
        self.0.entry(path).or_default().extend(methods.iter().cloned());
    }
}

impl Methods for Paths {
    fn methods(&self, path: &str) -> Vec<Method> {
        let known = self.0.iter().find(|(template, _)| fits(template, path));
        known.map(|(_, methods)| methods.clone()).unwrap_or_default()
    }
}

/// Whether a path is of the form of a template, in which `{name}` stands for any one segment.
fn fits(template: &str, path: &str) -> bool {
    let (mut templates, mut segments) = (template.split('/'), path.split('/'));
    loop {
        match (templates.next(), segments.next()) {
            (None, None) => return true,
            (Some(template), Some(segment)) if template == segment || template.starts_with('{') => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_knows_its_methods_on_every_mount() {
        let document = json!({ "paths": {
            "/users/me": { "get": {}, "put": {} },
            "/users/{id}": { "delete": {} },
        } });
        let paths = Paths::default()
            .with_document(&document, &["/v1", ""])
            .with(["/livez".to_owned(), "/users/me".to_owned()], &[Method::POST]);
        for (path, methods) in [
            ("/v1/users/me", vec![Method::GET, Method::PUT]),
            ("/users/me", vec![Method::GET, Method::PUT, Method::POST]),
            ("/v1/users/7", vec![Method::DELETE]),
            ("/livez", vec![Method::POST]),
            ("/v1/nothing", vec![]),
            ("/api/users/me", vec![]),
        ] {
            assert_eq!(paths.methods(path), methods, "{path}");
        }
    }

    #[test]
    fn a_template_stands_for_one_segment() {
        assert!(fits("/users/{id}", "/users/7"));
        assert!(!fits("/users/{id}", "/users/7/x") && !fits("/users/{id}", "/users"));
    }
}
