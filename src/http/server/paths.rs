//! All served paths, the methods they accept, and which of these need an access token, collected
//! from the operations. The `Allow` header is built from this table.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use poem::http::Method;
use poem_openapi::registry::{MetaApi, MetaOperation};

use crate::http::extract::bearer;
use crate::http::server::wires::Methods;

/// The methods of each path template.
#[derive(Debug, Clone, Default)]
pub struct Paths(BTreeMap<String, Vec<ServedMethod>>);

/// A method that a path accepts.
#[derive(Debug, Clone)]
struct ServedMethod {
    method: Method,
    /// Without an access token, the call is refused.
    needs_token: bool,
}

impl Paths {
    /// Adds the operations of an API at each of its mounts.
    #[must_use]
    pub fn with_operations(mut self, apis: &[MetaApi], mounts: &[&str]) -> Self {
        for path in apis.iter().flat_map(|api| &api.paths) {
            let served = |operation: &MetaOperation| ServedMethod {
                method: operation.method.clone(),
                needs_token: needs_token(operation),
            };
            let methods: Vec<_> = path.operations.iter().map(served).collect();
            for mount in mounts {
                self.add(format!("{mount}{}", path.path), &methods);
            }
        }
        self
    }

    /// Adds paths that are not operations of an OpenAPI document.
    #[must_use]
    pub fn with(mut self, paths: impl IntoIterator<Item = String>, methods: &[Method]) -> Self {
        let served = |method: &Method| ServedMethod { method: method.clone(), needs_token: false };
        let methods: Vec<_> = methods.iter().map(served).collect();
        paths.into_iter().for_each(|path| self.add(path, &methods));
        self
    }

    fn add(&mut self, path: String, methods: &[ServedMethod]) {
        self.0.entry(path).or_default().extend(methods.iter().cloned());
    }

    /// The methods of the path; a path without parameters comes before a template that it fits.
    fn at(&self, path: &str) -> &[ServedMethod] {
        let template = || self.0.iter().find(|(template, _)| fits(template, path));
        let known = self.0.get(path).or_else(|| template().map(|(_, methods)| methods));
        known.map_or(&[], Vec::as_slice)
    }
}

/// Whether an operation takes an access token and nothing instead of it.
fn needs_token(operation: &MetaOperation) -> bool {
    let schemes = &operation.security;
    schemes.iter().any(|scheme| scheme.contains_key(bearer::SCHEME))
        && !schemes.iter().any(HashMap::is_empty)
}

impl<F: FnOnce() -> Paths + Send + 'static> Methods for LazyLock<Paths, F>
where
    Self: Sync,
{
    fn methods(&self, path: &str) -> Vec<Method> {
        (**self).methods(path)
    }

    fn needs_token(&self, method: &Method, path: &str) -> bool {
        (**self).needs_token(method, path)
    }
}

impl Methods for Paths {
    fn methods(&self, path: &str) -> Vec<Method> {
        self.at(path).iter().map(|served| served.method.clone()).collect()
    }

    fn needs_token(&self, method: &Method, path: &str) -> bool {
        let method = if method == Method::HEAD { &Method::GET } else { method };
        self.at(path).iter().any(|served| served.method == *method && served.needs_token)
    }
}

/// Whether a path matches a template, in which `{name}` matches any one segment.
fn fits(template: &str, path: &str) -> bool {
    let (mut templates, mut segments) = (template.split('/'), path.split('/'));
    loop {
        match (templates.next(), segments.next()) {
            (None, None) => return true,
            (Some(template), Some(segment)) if template == segment || template.starts_with('{') => {
            }
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use poem_openapi::OpenApi;

    use super::*;

    struct TestUsers;

    #[OpenApi]
    #[allow(clippy::unused_async, reason = "operations are")]
    impl TestUsers {
        #[oai(path = "/users/me", method = "get")]
        async fn get(&self) {}

        #[oai(path = "/users/me", method = "put")]
        async fn put(&self) {}

        #[oai(path = "/users/:id", method = "delete")]
        async fn delete(&self) {}
    }

    #[test]
    fn a_path_knows_its_methods_on_every_mount() {
        let paths = Paths::default()
            .with_operations(&TestUsers::meta(), &["/v1", ""])
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
