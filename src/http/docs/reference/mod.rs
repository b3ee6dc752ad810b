//! Renders an OpenAPI document as a reference page. The page is rendered on the server, so it needs
//! no script and no other host.
//!
//! `operation` reads one operation, `schema` its request and response fields, `text` descriptions.
//! The templates are in `static/docs/reference`. All content comes from the document, so this
//! module knows no wire.

mod operation;
mod schema;
mod text;

use askama::Template;
use serde_json::Value;

use crate::http::docs::reference::operation::OperationView;
use crate::http::docs::reference::text::{Prose, prose, text};

/// The page's position among the reference pages.
#[derive(Debug, Clone)]
pub struct ReferencePage<'a> {
    /// The names of all documents.
    pub names: &'a [&'static str],
    /// The document that this page shows.
    pub current: &'a str,
    /// The relative path from the page to the root: empty, or `../`.
    pub root: &'static str,
}

/// The methods of OpenAPI in display order.
const METHODS: [&str; 7] = ["get", "post", "put", "patch", "delete", "head", "options"];

/// One operation, with the document it belongs to.
struct Operation<'a> {
    document: &'a Value,
    path: &'a str,
    method: &'static str,
    value: &'a Value,
}

impl<'a> Operation<'a> {
    /// The fragment identifier of the operation.
    fn anchor(&self) -> String {
        let id = self.value["operationId"].as_str();
        id.map_or_else(|| format!("{}{}", self.method, self.path.replace('/', "-")), str::to_owned)
    }

    fn title(&self) -> &'a str {
        self.value["summary"].as_str().unwrap_or(self.path)
    }
}

/// The whole page.
#[derive(Template)]
#[template(path = "docs/reference/page.html")]
struct ReferenceView<'a> {
    place: &'a ReferencePage<'a>,
    title: &'a str,
    version: &'a str,
    description: Prose<'a>,
    bases: Vec<&'a str>,
    schemes: Vec<SchemeView<'a>>,
    groups: Vec<OperationGroup<'a>>,
}

/// A security scheme.
struct SchemeView<'a> {
    name: &'a str,
    /// The part of a request that carries the credentials.
    carrier: &'a str,
    /// The name within that part.
    code: Option<&'a str>,
    description: Prose<'a>,
}

/// The operations of one tag.
struct OperationGroup<'a> {
    tag: &'a str,
    description: Prose<'a>,
    operations: Vec<OperationView<'a>>,
}

/// Renders a document as a page.
#[must_use]
pub fn page(document: &Value, place: &ReferencePage) -> String {
    let info = &document["info"];
    let servers = document["servers"].as_array().into_iter().flatten();
    let schemes = document["components"]["securitySchemes"].as_object().into_iter().flatten();
    let groups = groups(document).into_iter().map(|(tag, operations)| OperationGroup {
        tag,
        description: prose(described(document, tag)),
        operations: operations.iter().map(operation::view).collect(),
    });
    let view = ReferenceView {
        place,
        title: info["title"].as_str().unwrap_or("API"),
        version: text(&info["version"]),
        description: prose(text(&info["description"])),
        bases: servers.filter_map(|server| server["url"].as_str()).collect(),
        schemes: schemes.map(|(name, scheme)| scheme_view(name, scheme)).collect(),
        groups: groups.collect(),
    };
    view.to_string()
}

/// Groups the operations by their first tag, in the document's order of tags. Operations without a
/// tag come last.
fn groups(document: &Value) -> Vec<(&str, Vec<Operation<'_>>)> {
    let names =
        document["tags"].as_array().into_iter().flatten().filter_map(|tag| tag["name"].as_str());
    let mut groups: Vec<(&str, Vec<Operation<'_>>)> =
        names.map(|name| (name, Vec::new())).collect();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for method in METHODS {
            let Some(value) = item.get(method) else { continue };
            let tag = value["tags"][0].as_str().unwrap_or("Other");
            let operation = Operation { document, path, method, value };
            match groups.iter_mut().find(|(name, _)| *name == tag) {
                Some((_, operations)) => operations.push(operation),
                None => groups.push((tag, vec![operation])),
            }
        }
    }
    groups.retain(|(_, operations)| !operations.is_empty());
    groups
}

fn scheme_view<'a>(name: &'a str, scheme: &'a Value) -> SchemeView<'a> {
    let (carrier, code) = match (scheme["type"].as_str(), scheme["in"].as_str()) {
        (Some("http"), _) => ("header", Some("Authorization: Bearer …")),
        (_, Some(place)) => (place, scheme["name"].as_str()),
        _ => ("", None),
    };
    SchemeView { name, carrier, code, description: prose(text(&scheme["description"])) }
}

/// The description of a tag.
fn described<'a>(document: &'a Value, tag: &str) -> &'a str {
    let tags = document["tags"].as_array();
    tags.into_iter()
        .flatten()
        .find(|known| known["name"] == tag)
        .map_or("", |known| text(&known["description"]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn place() -> ReferencePage<'static> {
        ReferencePage { names: &["v1", "other"], current: "v1", root: "../" }
    }

    #[test]
    fn what_a_document_says_is_on_the_page() {
        let document = json!({
            "info": { "title": "A service", "version": "7", "description": "Says `hello`." },
            "servers": [{ "url": "/v1" }],
            "tags": [{ "name": "Greetings", "description": "Being kind." }],
            "paths": { "/hello/{name}": { "post": {
                "operationId": "greet", "summary": "Say hello", "tags": ["Greetings"],
                "security": [{ "bearerAuth": [] }],
                "parameters": [{ "name": "name", "in": "path", "required": true, "schema": { "type": "string" } }],
                "requestBody": { "content": { "application/json": {
                    "schema": { "$ref": "#/components/schemas/Word" }, "examples": { "short": { "value": { "word": "hi" } } },
                } } },
                "responses": {
                    "200": { "description": "Said.", "content": { "application/json": {
                        "schema": { "$ref": "#/components/schemas/Word" }, "example": { "word": "hey" },
                    } } },
                    "404": { "description": "Not Found", "content": { "application/json": {
                        "examples": { "NOT_FOUND": { "summary": "Not found", "value": { "code": "NOT_FOUND" } } },
                    } } },
                },
            } } },
            "components": { "schemas": { "Word": {
                "type": "object", "required": ["word"],
                "properties": { "word": { "type": "string", "maxLength": 9, "description": "What to say." } },
            } } },
        });
        let page = page(&document, &place());
        for said in [
            "<h1>A service</h1>",
            "<code>hello</code>",
            "Being kind.",
            "id=\"greet\"",
            "/hello/<b>&#123;name&#125;</b>",
            "What to say.",
            "at most 9 characters",
            "NOT_FOUND",
            "Not found",
            "href=\"../redoc/other\"",
            "href=\"../openapi/v1.json\"",
        ] {
            assert!(page.contains(said), "{said}: {page}");
        }
    }

    #[test]
    fn nothing_in_a_document_becomes_markup_or_a_place_of_the_page() {
        let bad = "<script>alert(1)</script>\"'{main}";
        let document = json!({
            "info": { "title": bad, "version": bad, "description": bad },
            "servers": [{ "url": bad }],
            "tags": [{ "name": bad, "description": bad }],
            "paths": { "/<b>": { "get": {
                "operationId": bad, "summary": bad, "description": bad, "tags": [bad],
                "responses": { "200": { "description": bad, "content": { "application/json": { "example": bad } } } },
            } } },
            "components": { "securitySchemes": { "<i>": { "type": "apiKey", "in": "cookie", "name": bad, "description": bad } } },
        });
        let page = page(&document, &place());
        assert!(
            !page.contains("<script") && !page.contains("<i>") && !page.contains("\"'{main}"),
            "{page}"
        );
        assert!(
            page.contains("&#60;script&#62;alert(1)&#60;/script&#62;&#34;&#39;{main}"),
            "{page}"
        );
        assert_eq!(page.matches("<section class=\"intro\">").count(), 1);
    }
}
