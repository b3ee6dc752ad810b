//! Maps a path to its wire and to the methods it accepts. The boundary uses this when no route
//! matched.

use std::sync::Arc;

use poem::http::Method;

use crate::http::server::reject::Wire;

/// Looks up the methods of a path.
pub trait Methods: Send + Sync + 'static {
    /// The methods the path accepts; empty for an unknown path. `HEAD` is omitted where `GET` is
    /// present.
    fn methods(&self, path: &str) -> Vec<Method>;

    /// Whether a call is refused without an access token. False for an unknown path.
    fn needs_token(&self, method: &Method, path: &str) -> bool;
}

/// The wires and the path prefixes they are mounted at.
#[derive(Clone)]
pub struct Wires {
    root: Arc<dyn Wire>,
    mounts: Vec<(String, Arc<dyn Wire>)>,
    methods: Arc<dyn Methods>,
}

impl Wires {
    /// Creates the table with the wire for paths under no other mount.
    #[must_use]
    pub fn new(root: Arc<dyn Wire>, methods: Arc<dyn Methods>) -> Self {
        Self { root, mounts: Vec::new(), methods }
    }

    /// Mounts a wire at a prefix such as `/api/v1`.
    #[must_use]
    pub fn mount(mut self, prefix: impl Into<String>, wire: Arc<dyn Wire>) -> Self {
        self.mounts.push((prefix.into(), wire));
        self.mounts.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
        self
    }

    /// The wire of a path. The longest prefix wins.
    #[must_use]
    pub fn of(&self, path: &str) -> &dyn Wire {
        let mounted = self.mounts.iter().find(|(prefix, _)| is_under(path, prefix));
        mounted.map_or(&*self.root, |(_, wire)| &**wire)
    }

    /// Whether a call is refused without an access token.
    #[must_use]
    pub fn needs_token(&self, method: &Method, path: &str) -> bool {
        self.methods.needs_token(method, path)
    }

    /// The value of the `Allow` header for a path.
    #[must_use]
    pub fn allow(&self, path: &str) -> String {
        let mut methods = self.methods.methods(path);
        if methods.contains(&Method::GET) && !methods.contains(&Method::HEAD) {
            methods.push(Method::HEAD);
        }
        methods.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        methods.dedup();
        methods.iter().map(Method::as_str).collect::<Vec<_>>().join(", ")
    }
}

/// Whether a path equals the prefix or is below it.
#[must_use]
pub fn is_under(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || prefix.ends_with('/'))
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use poem::http::StatusCode;
    use serde_json::Value;

    use super::*;
    use crate::error::{Error, Kind};
    use crate::http::server::reject::About;

    struct FixedName(&'static str);

    impl Wire for FixedName {
        fn name(&self) -> &'static str {
            self.0
        }

        fn status(&self, _: Kind) -> StatusCode {
            StatusCode::IM_A_TEAPOT
        }

        fn code(&self, _: Kind) -> Cow<'static, str> {
            "CODE".into()
        }

        fn body(&self, _: &Error, _: &About) -> Value {
            Value::Null
        }

        fn schema(&self) -> Value {
            Value::Null
        }
    }

    struct GetAndPost;

    impl Methods for GetAndPost {
        fn methods(&self, _: &str) -> Vec<Method> {
            vec![Method::POST, Method::GET]
        }

        fn needs_token(&self, _: &Method, _: &str) -> bool {
            false
        }
    }

    #[test]
    fn the_longest_prefix_of_whole_segments_names_the_wire() {
        let wires = Wires::new(Arc::new(FixedName("root")), Arc::new(GetAndPost))
            .mount("/api", Arc::new(FixedName("api")))
            .mount("/api/v1", Arc::new(FixedName("v1")));
        for (path, name) in [
            ("/", "root"),
            ("", "root"),
            ("*", "root"),
            ("/apiary", "root"),
            ("//api/v1", "root"),
            ("/api", "api"),
            ("/api/v10", "api"),
            ("/api/v1", "v1"),
            ("/api/v1/%ff", "v1"),
        ] {
            assert_eq!(wires.of(path).name(), name, "{path}");
        }
    }

    #[test]
    fn every_path_that_answers_get_answers_head() {
        assert_eq!(
            Wires::new(Arc::new(FixedName("root")), Arc::new(GetAndPost)).allow("/"),
            "GET, HEAD, POST"
        );
    }
}
