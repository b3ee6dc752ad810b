//! Renders one operation: description, parameters, body, responses and examples.

use serde_json::{Map, Value};

use crate::http::docs::reference::Operation;
use crate::http::docs::reference::html::{badge, escape, inline, json, path, prose};
use crate::http::docs::reference::schema::{Presence, Way, field, fields, resolved};

/// Renders the operation as a section: text on one side, examples on the other.
pub fn section(operation: &Operation) -> String {
    let (anchor, title) = (escape(&operation.anchor()), escape(operation.title()));
    let line = format!(
        "<p class=\"line\">{}<code>{}</code></p>",
        badge(operation.method),
        path(operation.path)
    );
    let description = prose(operation.value["description"].as_str().unwrap_or(""));
    let words = [security(operation), parameters(operation), body(operation), responses(operation)]
        .concat();
    let examples = [call(operation), answer(operation)].concat();
    format!(
        "<section class=\"operation\" id=\"{anchor}\"><div class=\"words\">\
        <h3><a href=\"#{anchor}\">{title}</a></h3>{line}{description}{words}</div>\
        <div class=\"examples\">{examples}</div></section>"
    )
}

/// The authentication that a caller needs: any of the alternatives.
fn security(operation: &Operation) -> String {
    let required = operation.value.get("security").or_else(|| operation.document.get("security"));
    let alternatives: Vec<String> =
        required.and_then(Value::as_array).into_iter().flatten().map(requirement).collect();
    if alternatives.is_empty() {
        return String::new();
    }
    format!("<h4>Authentication</h4><p>{}</p>", alternatives.join(" or "))
}

fn requirement(requirement: &Value) -> String {
    let names = requirement.as_object().into_iter().flat_map(Map::keys);
    let names: Vec<_> = names.map(|name| format!("<code>{}</code>", escape(name))).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(" with ") }
}

fn parameters(operation: &Operation) -> String {
    let document = operation.document;
    let rows = operation.value["parameters"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|parameter| {
            let parameter = resolved(document, parameter);
            let name = parameter["name"].as_str().unwrap_or("");
            let place = parameter["in"].as_str().unwrap_or("");
            let mut schema = resolved(document, &parameter["schema"]).clone();
            if let (Some(schema), Some(words)) =
                (schema.as_object_mut(), parameter.get("description"))
            {
                schema.insert("description".into(), words.clone());
            }
            let presence =
                if parameter["required"] == true { Presence::Required } else { Presence::Optional };
            let row = field(document, name, &schema, Way::In, presence);
            format!("<li>{row}<p class=\"place\">in the {}</p></li>", escape(place))
        })
        .collect::<Vec<_>>()
        .concat();
    if rows.is_empty() {
        rows
    } else {
        format!("<h4>Parameters</h4><ul class=\"fields\">{rows}</ul>")
    }
}

fn body(operation: &Operation) -> String {
    let Some(body) = operation.value.get("requestBody") else { return String::new() };
    let optional = if body["required"] == true { "" } else { " <em>optional</em>" };
    let kinds = body["content"].as_object().into_iter().flatten().map(|(kind, media)| {
        let fields = fields(operation.document, &media["schema"], Way::In);
        format!("<p class=\"media\"><code>{}</code>{optional}</p>{fields}", escape(kind))
    });
    format!("<h4>Body</h4>{}", kinds.collect::<Vec<_>>().concat())
}

fn responses(operation: &Operation) -> String {
    let responses = operation.value["responses"].as_object().into_iter().flatten();
    let shown = responses.map(|(status, response)| match status.as_bytes().first() {
        Some(b'4' | b'5') => refusal(operation, status, response),
        _ => success(operation, status, response),
    });
    format!("<h4>Responses</h4>{}", shown.collect::<Vec<_>>().concat())
}

fn success(operation: &Operation, status: &str, response: &Value) -> String {
    let media = media(response);
    let fields = media
        .map(|media| fields(operation.document, &media["schema"], Way::Out))
        .unwrap_or_default();
    format!(
        "<details open><summary>{}</summary>{}{fields}</details>",
        summary(status, response),
        headers(response)
    )
}

/// An error response: each possible code, with its body.
fn refusal(operation: &Operation, status: &str, response: &Value) -> String {
    let examples =
        media(response).and_then(|media| media["examples"].as_object()).into_iter().flatten();
    let rows = examples
        .map(|(name, example)| {
            let words = inline(example["summary"].as_str().unwrap_or(""));
            let body = json(&example["value"]);
            // Example names are unique in the document, so a code with several messages has a
            // number appended.
            let code = escape(name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-'));
            format!("<details class=\"code\"><summary><code>{code}</code> {words}</summary>{body}</details>")
        })
        .collect::<Vec<_>>()
        .concat();
    let rows = if rows.is_empty() {
        media(response)
            .map(|media| fields(operation.document, &media["schema"], Way::Out))
            .unwrap_or_default()
    } else {
        rows
    };
    format!(
        "<details><summary>{}</summary>{}{rows}</details>",
        summary(status, response),
        headers(response)
    )
}

fn summary(status: &str, response: &Value) -> String {
    let class = status.get(..1).unwrap_or("");
    let words = inline(response["description"].as_str().unwrap_or(""));
    format!("<span class=\"status s{}\">{}</span> {words}", escape(class), escape(status))
}

fn headers(response: &Value) -> String {
    let names = response["headers"].as_object().into_iter().flat_map(Map::keys);
    let names: Vec<_> = names.map(|name| format!("<code>{}</code>", escape(name))).collect();
    if names.is_empty() {
        String::new()
    } else {
        format!("<p class=\"headers\">Headers: {}</p>", names.join(" "))
    }
}

fn media(response: &Value) -> Option<&Value> {
    response["content"].as_object().and_then(|content| content.values().next())
}

/// The first example of a request or response body.
fn example(media: &Value) -> Option<&Value> {
    let named = || media["examples"].as_object().and_then(|examples| examples.values().next());
    media.get("example").or_else(|| named().and_then(|example| example.get("value")))
}

/// The request as a curl command.
fn call(operation: &Operation) -> String {
    let base = operation.document["servers"][0]["url"].as_str().unwrap_or("").trim_end_matches('/');
    let mut lines =
        vec![format!("curl -X {} '{base}{}'", operation.method.to_uppercase(), operation.path)];
    let asks = |scheme: &str| {
        let alternatives = operation.value["security"].as_array();
        alternatives.is_some_and(|all| all.first().is_some_and(|first| first.get(scheme).is_some()))
    };
    let schemes =
        operation.document["components"]["securitySchemes"].as_object().into_iter().flatten();
    for (name, scheme) in schemes.filter(|(name, _)| asks(name)) {
        lines.push(match (scheme["in"].as_str(), scheme["name"].as_str()) {
            (Some("cookie"), Some(cookie)) => format!("-b '{cookie}=…'"),
            (Some("header"), Some(header)) => format!("-H '{header}: …'"),
            _ if scheme["type"] == "http" => "-H 'Authorization: Bearer …'".to_owned(),
            _ => format!("# {name}"),
        });
    }
    let content = operation.value["requestBody"]["content"]
        .as_object()
        .and_then(|content| content.iter().next());
    if let Some((kind, media)) = content {
        if let Some(body) = example(media).filter(|_| kind.contains("json")) {
            lines.push(format!("-H 'Content-Type: {kind}'"));
            lines.push(format!("-d '{}'", format!("{body:#}").replace('\'', "'\\''")));
        } else {
            lines.push("-F 'file=@…'".to_owned());
        }
    }
    let typed = escape(&lines.join(" \\\n  "));
    format!(
        "<figure><figcaption>Request</figcaption><pre tabindex=\"0\"><code>{typed}</code></pre></figure>"
    )
}

/// The example success responses.
fn answer(operation: &Operation) -> String {
    let responses = operation.value["responses"].as_object().into_iter().flatten();
    let good = responses.filter(|(status, _)| status.starts_with('2'));
    good.filter_map(|(status, response)| Some((status, example(media(response)?)?)))
        .map(|(status, body)| {
            format!("<figure><figcaption>{}</figcaption>{}</figure>", escape(status), json(body))
        })
        .collect::<Vec<_>>()
        .concat()
}
