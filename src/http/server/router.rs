//! Finds the endpoint of a path. Literal paths are looked up in a table. The few paths with
//! parameters go through poem's router, which is built on the first request for one of them.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use poem::endpoint::BoxEndpoint;
use poem::error::MethodNotAllowedError;
use poem::http::Method;
use poem::{Endpoint, EndpointExt, IntoEndpoint, Request, Response, Route};
use poem_openapi::OpenApi;
use poem_openapi::registry::MetaParamIn;
// Not public, but the version is pinned: `param::Query` of poem-openapi reads the query from this
// type, and only its own router, which matches every path in turn, would insert it for us.
use poem_openapi::__private::UrlQuery;

use crate::error::{Error, Result, Rule};
use crate::http::extract::schema::Schemas;
use crate::http::server::carried::Setting;
use crate::http::server::metrics;
use crate::http::server::reject::Reject;
use crate::identity::Core;

/// The endpoint of a path.
type RouteEndpoint = Arc<BoxEndpoint<'static, Response>>;

/// Collects endpoints and their paths. If a path is added twice, the first endpoint wins.
#[derive(Default)]
pub struct Routes {
    whole: HashMap<String, RouteEndpoint>,
    templates: Vec<(String, RouteEndpoint)>,
}

impl Routes {
    /// Adds an endpoint at a path.
    #[must_use]
    pub fn at<E>(mut self, path: impl Into<String>, endpoint: E) -> Self
    where
        E: IntoEndpoint,
        E::Endpoint: 'static,
    {
        self.place(path.into(), Arc::new(endpoint.into_endpoint().map_to_response().boxed()));
        self
    }

    /// Adds the operations of an API at each of its mounts, with the data they read from each
    /// request.
    #[must_use]
    pub fn with_operations<A: OpenApi>(
        mut self,
        api: A,
        mounts: &[&str],
        core: &Arc<Core>,
    ) -> Self {
        let mut table = HashMap::new();
        let declared: Arc<DeclaredParameters> = Arc::new(LazyLock::new(declared_by::<A>));
        api.add_routes(&mut table);
        let setting = Arc::new(Setting { core: Arc::clone(core), schemas: Schemas::default() });
        for (path, methods) in table {
            let operations = Operations {
                methods: methods.into_iter().collect(),
                setting: Arc::clone(&setting),
                declared: Arc::clone(&declared),
                path: path.clone(),
            };
            let place = Arc::new(operations.boxed());
            for mount in mounts {
                self.place(format!("{mount}{path}"), Arc::clone(&place));
            }
        }
        self
    }

    fn place(&mut self, path: String, place: RouteEndpoint) {
        if path.contains("/:") || path.contains("/*") {
            self.templates.push((path, place));
        } else {
            self.whole.entry(path).or_insert(place);
        }
    }

    /// Builds the router. It reports the route of each request to the metrics.
    #[must_use]
    pub fn router(self) -> impl Endpoint<Output = Response> + 'static {
        let Self { whole, templates } = self;
        let named = |(path, place): (String, RouteEndpoint)| (path.clone(), (path.into(), place));
        Router {
            whole: whole.into_iter().map(named).collect(),
            templates: LazyLock::new(Box::new(move || {
                templates
                    .into_iter()
                    .fold(Route::new(), |route, (path, place)| route.at(path, place))
            })),
        }
    }
}

struct Router {
    whole: HashMap<String, (Arc<str>, RouteEndpoint)>,
    templates: LazyLock<Route, Box<dyn FnOnce() -> Route + Send>>,
}

impl Endpoint for Router {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        match self.whole.get(request.uri().path()) {
            Some((route, place)) => {
                metrics::note_route(&request, route);
                place.call(request).await
            }
            None => metrics::routed(&self.templates, request).await,
        }
    }
}

/// The operations of an API at one path.
struct Operations {
    methods: Vec<(Method, BoxEndpoint<'static>)>,
    setting: Arc<Setting>,
    declared: Arc<DeclaredParameters>,
    path: String,
}

/// The query parameters of each operation. They are read from the API on the first request whose query
/// repeats a name.
type DeclaredParameters = LazyLock<HashMap<(String, Method), Vec<String>>>;

fn declared_by<A: OpenApi>() -> HashMap<(String, Method), Vec<String>> {
    let apis = A::meta();
    let paths = apis.into_iter().flat_map(|api| api.paths);
    let operations = paths.flat_map(|path| {
        let template = path.path.replace('{', ":").replace('}', "");
        path.operations.into_iter().map(move |operation| (template.clone(), operation))
    });
    operations
        .map(|(path, operation)| {
            let parameters = operation.params.into_iter();
            let of_query = parameters.filter(|parameter| parameter.in_type == MetaParamIn::Query);
            ((path, operation.method), of_query.map(|parameter| parameter.name).collect())
        })
        .collect()
}

impl Operations {
    /// Refuses a query that gives a parameter of the operation twice: two readers of the same request
    /// could see different values.
    fn refuse_repeated(&self, method: &Method, query: &[(String, String)]) -> Result<()> {
        let is_repeated = |(at, (name, _)): &(usize, &(String, String))| {
            query[..*at].iter().any(|(earlier, _)| earlier == name)
        };
        let repeated = query.iter().enumerate().filter(is_repeated).map(|(_, (name, _))| name);
        let declared = |name: &&String| {
            let operation = self.declared.get(&(self.path.clone(), method.clone()));
            operation.is_some_and(|names| names.contains(name))
        };
        match { repeated }.find(declared) {
            None => Ok(()),
            Some(name) => Err(Error::invalid_field(name.as_str(), Rule::GivenTwice)),
        }
    }
}

impl Endpoint for Operations {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        let known = self.methods.iter().find(|(method, _)| method == request.method());
        let (_, operation) = known.ok_or(MethodNotAllowedError)?;
        let query: Vec<(String, String)> = request.params().unwrap_or_default();
        self.refuse_repeated(request.method(), &query).map_err(Reject)?;
        request.set_data(UrlQuery(query));
        request.set_data(Arc::clone(&self.setting));
        operation.call(request).await
    }
}

#[cfg(test)]
mod tests {
    use poem::http::StatusCode;
    use poem::web::Path;
    use poem::{get, handler};

    use super::*;

    #[handler]
    fn whole() -> &'static str {
        "whole"
    }

    #[handler]
    fn part(Path(id): Path<String>) -> String {
        format!("part {id}")
    }

    async fn ask(path: &str) -> std::result::Result<String, StatusCode> {
        let routes =
            Routes::default().at("/a", get(whole)).at("/a/:id", get(part)).at("/a", get(part));
        let answer = routes.router().call(Request::builder().uri_str(path).finish()).await;
        match answer {
            Ok(response) => Ok(response.into_body().into_string().await.unwrap()),
            Err(error) => Err(error.status()),
        }
    }

    #[tokio::test]
    async fn a_path_is_whole_or_of_a_template_or_unknown() {
        assert_eq!(ask("/a").await, Ok("whole".into()));
        assert_eq!(ask("/a?b=c").await, Ok("whole".into()));
        assert_eq!(ask("/a/7").await, Ok("part 7".into()));
        assert_eq!(ask("/a/7%2f8").await, Ok("part 7/8".into()));
        for unknown in ["/", "/A", "/a/", "//a", "/a/7/8", "/%61"] {
            assert_eq!(ask(unknown).await, Err(StatusCode::NOT_FOUND), "{unknown}");
        }
    }
}
