//! Renders an OpenAPI document as a reference page. The page is rendered on the server, so it needs
//! no script and no other host.
//!
//! `operation` renders one operation, `schema` its request and response fields, `html` text. All
//! content comes from the document, so this module knows no wire.

mod html;
mod operation;
mod schema;

use serde_json::Value;

use crate::http::docs::reference::html::{escape, prose};

const PAGE: &str = include_str!("../../../../static/docs/reference.html");

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

impl Operation<'_> {
    /// The fragment identifier of the operation.
    fn anchor(&self) -> String {
        let id = self.value["operationId"].as_str();
        id.map_or_else(|| format!("{}{}", self.method, self.path.replace('/', "-")), str::to_owned)
    }

    fn title(&self) -> &str {
        self.value["summary"].as_str().unwrap_or(self.path)
    }
}

/// Renders a document as a page.
#[must_use]
pub fn page(document: &Value, place: &ReferencePage) -> String {
    let title = document["info"]["title"].as_str().unwrap_or("API");
    let groups = groups(document);
    let mut main = introduction(document, title);
    for (tag, operations) in &groups {
        main.push_str(&heading(document, tag));
        main.extend(operations.iter().map(operation::section));
    }
    let parts = [
        ("{title}", escape(title)),
        ("{version}", escape(document["info"]["version"].as_str().unwrap_or(""))),
        ("{documents}", documents(place)),
        ("{links}", links(&groups)),
        ("{root}", place.root.to_owned()),
        ("{current}", escape(place.current)),
        // Last, so that placeholders in the document's text are not replaced.
        ("{main}", main),
    ];
    parts.into_iter().fold(PAGE.to_owned(), |page, (name, text)| page.replace(name, &text))
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

fn introduction(document: &Value, title: &str) -> String {
    let description = prose(document["info"]["description"].as_str().unwrap_or(""));
    let servers = document["servers"].as_array().into_iter().flatten();
    let bases: Vec<_> = servers
        .filter_map(|server| server["url"].as_str())
        .map(|url| format!("<code>{}</code>", escape(url)))
        .collect();
    let mut facts = Vec::new();
    if !bases.is_empty() {
        facts.push(format!("<dt>Base</dt><dd>{}</dd>", bases.join(" or ")));
    }
    for (name, scheme) in
        document["components"]["securitySchemes"].as_object().into_iter().flatten()
    {
        let how = prose(scheme["description"].as_str().unwrap_or(""));
        facts.push(format!("<dt>{}</dt><dd><p>{}</p>{how}</dd>", escape(name), carried(scheme)));
    }
    let (title, facts) = (escape(title), facts.concat());
    format!("<section class=\"intro\"><h1>{title}</h1>{description}<dl>{facts}</dl></section>")
}

/// Describes where a request carries the credentials of a security scheme.
fn carried(scheme: &Value) -> String {
    match (scheme["type"].as_str(), scheme["in"].as_str(), scheme["name"].as_str()) {
        (Some("http"), _, _) => "header <code>Authorization: Bearer …</code>".to_owned(),
        (_, Some(place), Some(name)) => format!("{} <code>{}</code>", escape(place), escape(name)),
        _ => String::new(),
    }
}

fn heading(document: &Value, tag: &str) -> String {
    let described =
        document["tags"].as_array().into_iter().flatten().find(|known| known["name"] == tag);
    let description = described.and_then(|tag| tag["description"].as_str()).unwrap_or("");
    format!("<header class=\"group\"><h2>{}</h2>{}</header>", escape(tag), prose(description))
}

/// Links to all documents, or the name of the only one.
fn documents(place: &ReferencePage) -> String {
    if place.names.len() < 2 {
        return format!("<span>{}</span>", escape(place.current));
    }
    let link = |name: &&str| {
        let here = if *name == place.current { " aria-current=\"page\"" } else { "" };
        format!("<a href=\"{}redoc/{name}\"{here}>{name}</a>", place.root)
    };
    place.names.iter().map(link).collect::<Vec<_>>().concat()
}

fn links(groups: &[(&str, Vec<Operation>)]) -> String {
    let link = |operation: &Operation| {
        let (anchor, title) = (escape(&operation.anchor()), escape(operation.title()));
        let badge = html::badge(operation.method);
        format!("<li><a href=\"#{anchor}\">{badge}<span>{title}</span></a></li>")
    };
    let group = |(tag, operations): &(&str, Vec<Operation>)| {
        let links = operations.iter().map(link).collect::<Vec<_>>().concat();
        format!("<h2>{}</h2><ul>{links}</ul>", escape(tag))
    };
    groups.iter().map(group).collect::<Vec<_>>().concat()
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
                        "examples": { "NOBODY": { "summary": "Nobody is there", "value": { "code": "NOBODY" } } },
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
            "NOBODY",
            "Nobody is there",
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
            !page.contains("<script") && !page.contains("<i>") && !page.contains("{main}\""),
            "{page}"
        );
        assert_eq!(page.matches("<section class=\"intro\">").count(), 1);
    }
}
