//! The OpenAPI documents and the two pages that show them: Swagger UI to try out calls, and a
//! reference that needs no script. Neither loads anything from another host.
//!
//! The Swagger UI bundle is extracted from the page that poem-openapi ships. Bundle, documents and
//! references are generated on first request, so unused ones cost nothing.

use std::sync::{Arc, LazyLock, OnceLock};

use hyper::body::Bytes;
use poem::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
};
use poem::http::{HeaderValue, StatusCode};
use poem::{Endpoint, Request, Response, endpoint, get};
use poem_openapi::OpenApiService;
use serde_json::Value;

use crate::error::Error;
use crate::http::docs::reference;
use crate::http::docs::reference::ReferencePage;
use crate::http::server::reject::Reject;
use crate::http::server::router::Routes;
use crate::model::secret;

const PAGE: &str = include_str!("../../../static/docs/index.html");
const STYLE: &str = include_str!("../../../static/docs/docs.css");
const BOOT: &str = include_str!("../../../static/docs/boot.js");
const REFERENCE_STYLE: &str = include_str!("../../../static/docs/reference.css");

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";

/// Icons in the bundle's style sheet are `data:` images; everything else is served from this
/// origin.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

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
            let value = serde_json::from_slice(&document.file.bytes).unwrap_or_default();
            let place = ReferencePage { names: &names, current: document.name, root };
            StaticFile::new(HTML, reference::page(&value, &place).into())
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
    let options: Vec<String> =
        documents.iter().map(|Document { name, .. }| format!("<option>{name}</option>")).collect();
    let page = PAGE.replace("{documents}", &options.concat());
    let bundle = Arc::new(OnceLock::new());
    let [docs, docs_css, boot_js, ui_css, ui_js, reference_css, first_reference, first_document] =
        PATHS;
    let mut route = route
        .at(docs, get(fixed(StaticFile::new(HTML, page.into()))))
        .at(docs_css, get(fixed(StaticFile::new(CSS, STYLE.into()))))
        .at(boot_js, get(fixed(StaticFile::new("text/javascript; charset=utf-8", BOOT.into()))))
        .at(ui_css, get(from_bundle(bundle.clone(), |bundle| &bundle.style)))
        .at(ui_js, get(from_bundle(bundle, |bundle| &bundle.script)))
        .at(reference_css, get(fixed(StaticFile::new(CSS, REFERENCE_STYLE.into()))));
    let names: Arc<[&'static str]> = documents.iter().map(|document| document.name).collect();
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

/// A file and its `ETag`.
#[derive(Debug, Clone)]
struct StaticFile {
    content_type: &'static str,
    bytes: Bytes,
    etag: HeaderValue,
}

impl StaticFile {
    fn new(content_type: &'static str, bytes: Bytes) -> Self {
        let tag = format!("\"{}\"", &secret::encode(&secret::digest(&bytes))[..22]);
        let etag = HeaderValue::from_str(&tag).unwrap_or(HeaderValue::from_static("\"\""));
        Self { content_type, bytes, etag }
    }

    /// Responds with the file, or with 304 if the browser's copy is current.
    fn answer(&self, request: &Request) -> Response {
        let known = request
            .headers()
            .get(IF_NONE_MATCH)
            .and_then(|value| value.to_str().ok())
            .unwrap_or("");
        let tag = self.etag.to_str().unwrap_or_default();
        let unchanged = known.split(',').any(|known| known.trim().trim_start_matches("W/") == tag);
        let response = Response::builder()
            .header(ETAG, self.etag.clone())
            .header(CACHE_CONTROL, "no-cache")
            .header(CONTENT_SECURITY_POLICY, POLICY);
        if unchanged {
            return response.status(StatusCode::NOT_MODIFIED).finish();
        }
        response.header(CONTENT_TYPE, self.content_type).body(self.bytes.clone())
    }
}

fn fixed(file: StaticFile) -> impl Endpoint {
    endpoint::make_sync(move |request: Request| file.answer(&request))
}

fn on_demand(file: LazyFile) -> impl Endpoint {
    endpoint::make_sync(move |request: Request| file.answer(&request))
}

fn from_bundle(
    bundle: Arc<OnceLock<Option<Bundle>>>,
    part: fn(&Bundle) -> &StaticFile,
) -> impl Endpoint {
    endpoint::make(move |request: Request| {
        let bundle = bundle.clone();
        async move {
            let bundle = bundle.get_or_init(Bundle::cut).as_ref();
            let bundle = bundle.ok_or_else(|| {
                Reject(Error::internal("unexpected format of the Swagger UI bundle"))
            })?;
            Ok::<_, poem::Error>(part(bundle).answer(&request))
        }
    })
}

/// The two files of Swagger UI.
struct Bundle {
    style: StaticFile,
    script: StaticFile,
}

impl Bundle {
    fn cut() -> Option<Self> {
        let page = Bytes::from(OpenApiService::new((), "", "").swagger_ui_html());
        let text = std::str::from_utf8(&page).ok()?;
        let style = between(text, "<style charset=\"UTF-8\">", text.find("</style>")?)?;
        let script =
            between(text, "<script charset=\"UTF-8\">", text.rfind("</script>\n</head>")?)?;
        Some(Self {
            style: StaticFile::new(CSS, page.slice(style)),
            script: StaticFile::new("text/javascript; charset=utf-8", page.slice(script)),
        })
    }
}

fn between(text: &str, opening: &str, end: usize) -> Option<std::ops::Range<usize>> {
    let start = text.find(opening)? + opening.len();
    (start <= end).then_some(start..end)
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn the_bundle_is_cut_where_its_parts_end() {
        let bundle = Bundle::cut().unwrap();
        let text = |file: &StaticFile| String::from_utf8(file.bytes.to_vec()).unwrap();
        let (style, script) = (text(&bundle.style), text(&bundle.script));
        assert!(style.contains(".swagger-ui") && !style.contains("</style"), "{}", style.len());
        assert!(script.contains("SwaggerUIBundle") && script.len() > 1_000_000, "{}", script.len());
    }
}
