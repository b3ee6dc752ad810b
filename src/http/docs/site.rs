//! The OpenAPI documents and the two pages that show them: Swagger UI to try out calls, and a
//! reference that needs no script. Neither loads anything from another host.
//!
//! Files are generated on first request, so unused ones cost nothing. Those of Swagger UI are
//! embedded compressed; `static/docs/swagger-ui/NOTICE` says where they come from.

use std::sync::{Arc, LazyLock};

use askama::Template;
use poem::http::HeaderValue;
use poem::http::header::CONTENT_SECURITY_POLICY;
use poem::{Endpoint, Request, endpoint, get};
use serde_json::Value;

use crate::http::docs::reference::ReferencePage;
use crate::http::docs::static_file::StaticFile;
use crate::http::docs::{reference, shared};
use crate::http::server::reject::Reject;
use crate::http::server::router::Routes;

const STYLE: &str = include_str!("../../../static/docs/docs.css");
const BOOT: &str = include_str!("../../../static/docs/boot.js");
const REFERENCE_STYLE: &str = include_str!("../../../static/docs/reference.css");
const SWAGGER_STYLE: &[u8] = include_bytes!("../../../static/docs/swagger-ui/swagger-ui.css.gz");
const SWAGGER_SCRIPT: &[u8] =
    include_bytes!("../../../static/docs/swagger-ui/swagger-ui-bundle.js.gz");

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Icons in the bundle's style sheet are `data:` images; everything else is served from this
/// origin.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page that tries out calls.
#[derive(Template)]
#[template(path = "docs/index.html")]
struct TryOutView<'a> {
    /// The names of all documents.
    names: &'a [&'static str],
}

/// One wire's OpenAPI document.
#[derive(Clone)]
pub struct Document {
    name: &'static str,
    file: LazyFile,
}

/// A file that is generated on first request.
type LazyFile = Arc<LazyLock<StaticFile, Box<dyn FnOnce() -> StaticFile + Send>>>;

impl Document {
    /// Creates the document of the wire with this name.
    #[must_use]
    pub fn new(name: &'static str, write: impl FnOnce() -> Value + Send + 'static) -> Self {
        let file = written(move || {
            StaticFile::new("application/json; charset=utf-8", write().to_string().into())
        });
        Self { name, file }
    }

    /// The reference page of this document. `root` is the relative path from the page to the root.
    fn reference(&self, names: &Arc<[&'static str]>, root: &'static str) -> LazyFile {
        let (document, names) = (self.clone(), Arc::clone(names));
        written(move || {
            let text = document.file.content().ok();
            let value = text.and_then(|text| serde_json::from_slice(text).ok()).unwrap_or_default();
            let place = ReferencePage { names: &names, current: document.name, root };
            StaticFile::new(HTML, reference::page(&shared::inlined(&value), &place).into())
        })
    }
}

fn written(write: impl FnOnce() -> StaticFile + Send + 'static) -> LazyFile {
    Arc::new(LazyLock::new(Box::new(write)))
}

/// All paths that do not depend on the documents. All accept `GET`.
pub const PATHS: [&str; 8] = [
    "/docs",
    "/docs/docs.css",
    "/docs/boot.js",
    "/docs/swagger-ui.css",
    "/docs/swagger-ui.js",
    "/docs/reference.css",
    "/redoc",
    "/openapi.json",
];

/// The paths of the document with this name.
#[must_use]
pub fn paths_of(name: &str) -> [String; 2] {
    [format!("/openapi/{name}.json"), format!("/redoc/{name}")]
}

/// Adds `/docs`, `/redoc` and `/openapi.json` (the first document), and `/redoc/<name>` and
/// `/openapi/<name>.json`.
#[must_use]
pub fn routes(route: Routes, documents: Vec<Document>) -> Routes {
    let names: Arc<[&'static str]> = documents.iter().map(|document| document.name).collect();
    let try_out = {
        let names = Arc::clone(&names);
        move || StaticFile::new(HTML, TryOutView { names: &names }.to_string().into())
    };
    let [docs, docs_css, boot_js, ui_css, ui_js, reference_css, first_reference, first_document] =
        PATHS;
    let mut route = route
        .at(docs, get(on_demand(written(try_out))))
        .at(docs_css, get(on_demand(written(|| StaticFile::new(CSS, STYLE.into())))))
        .at(boot_js, get(on_demand(written(|| StaticFile::new(SCRIPT, BOOT.into())))))
        .at(ui_css, get(on_demand(written(|| StaticFile::packed(CSS, SWAGGER_STYLE)))))
        .at(ui_js, get(on_demand(written(|| StaticFile::packed(SCRIPT, SWAGGER_SCRIPT)))))
        .at(
            reference_css,
            get(on_demand(written(|| StaticFile::new(CSS, REFERENCE_STYLE.into())))),
        );
    if let Some(first) = documents.first() {
        route = route
            .at(first_document, get(on_demand(first.file.clone())))
            .at(first_reference, get(on_demand(first.reference(&names, ""))));
    }
    for document in documents {
        let [json, reference] = paths_of(document.name);
        route = route
            .at(reference, get(on_demand(document.reference(&names, "../"))))
            .at(json, get(on_demand(document.file)));
    }
    route
}

fn on_demand(file: LazyFile) -> impl Endpoint {
    endpoint::make(move |request: Request| {
        let file = Arc::clone(&file);
        async move {
            let mut response = file.answer(&request).map_err(Reject)?;
            let policy = HeaderValue::from_static(POLICY);
            response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
            Ok::<_, poem::Error>(response)
        }
    })
}

#[cfg(test)]
mod tests {
    use poem::Response;
    use poem::http::StatusCode;
    use poem::http::header::{ETAG, IF_NONE_MATCH};
    use serde_json::json;

    use super::*;

    async fn fetch(path: &str, etag: Option<&HeaderValue>) -> Response {
        let documents = vec![Document::new("v1", || json!({ "openapi": "3.0.3" }))];
        let mut request = Request::builder().uri_str(path);
        if let Some(etag) = etag {
            request = request.header(IF_NONE_MATCH, etag);
        }
        routes(Routes::default(), documents).router().call(request.finish()).await.unwrap()
    }

    #[tokio::test]
    async fn the_page_and_its_files_are_served_and_kept_by_browsers() {
        let of_v1 = paths_of("v1");
        for path in PATHS.into_iter().chain(of_v1.iter().map(String::as_str)) {
            let response = fetch(path, None).await;
            assert_eq!(response.status(), StatusCode::OK, "{path}");
            let etag = response.headers()[ETAG].clone();
            assert!(!response.into_body().into_bytes().await.unwrap().is_empty(), "{path}");
            assert_eq!(fetch(path, Some(&etag)).await.status(), StatusCode::NOT_MODIFIED, "{path}");
        }
    }

    #[tokio::test]
    async fn nothing_on_the_page_is_inline_or_from_another_host() {
        for path in ["/docs", "/redoc", "/redoc/v1"] {
            let page = fetch(path, None).await.into_body().into_string().await.unwrap();
            assert!(
                !page.contains("<style") && !page.contains("<script>") && !page.contains("://"),
                "{page}"
            );
            assert!(page.contains("v1") && !page.contains(" style="), "{page}");
        }
        assert!(!POLICY.contains("unsafe"));
    }

    #[tokio::test]
    async fn the_files_of_swagger_ui_are_whole() {
        for (path, length, word) in [
            ("/docs/swagger-ui.css", 152_071, ".swagger-ui"),
            ("/docs/swagger-ui.js", 1_452_753, "SwaggerUIBundle"),
        ] {
            let content = fetch(path, None).await.into_body().into_string().await.unwrap();
            assert!(content.len() == length && content.contains(word), "{path}: {}", content.len());
        }
    }
}
