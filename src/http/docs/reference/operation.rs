//! Reads one operation: description, parameters, body, responses and examples.

use serde_json::{Map, Value};

use crate::http::docs::reference::Operation;
use crate::http::docs::reference::schema::{
    FieldList, FieldView, Presence, Way, field, fields, resolved,
};
use crate::http::docs::reference::text::{Inline, PathTemplate, Prose, inline, path, prose, text};

/// An operation as the page shows it: text on one side, examples on the other.
pub struct OperationView<'a> {
    pub anchor: String,
    pub title: &'a str,
    pub method: &'static str,
    pub path: PathTemplate<'a>,
    pub description: Prose<'a>,
    /// The authentication that a caller needs: any of the alternatives, each all of its schemes.
    pub security: Vec<Vec<&'a str>>,
    pub parameters: FieldList<'a>,
    pub bodies: Vec<BodyView<'a>>,
    pub responses: Vec<ResponseView<'a>>,
    /// The request as a curl command.
    pub call: String,
    /// The example success responses.
    pub answers: Vec<AnswerExample<'a>>,
}

/// A request body of one media type.
pub struct BodyView<'a> {
    pub media_type: &'a str,
    pub is_optional: bool,
    pub fields: FieldList<'a>,
}

/// The responses of one status.
pub struct ResponseView<'a> {
    pub status: &'a str,
    /// The first digit of the status.
    pub class: &'a str,
    pub is_open: bool,
    pub description: Inline<'a>,
    pub headers: Vec<&'a str>,
    /// The errors, if it is one.
    pub codes: Vec<ErrorExample<'a>>,
    pub fields: FieldList<'a>,
}

/// An error code, with its body.
pub struct ErrorExample<'a> {
    pub code: &'a str,
    pub words: Inline<'a>,
    pub body: String,
}

/// An example success response.
pub struct AnswerExample<'a> {
    pub status: &'a str,
    pub body: String,
}

/// Reads an operation.
pub fn view<'a>(operation: &Operation<'a>) -> OperationView<'a> {
    OperationView {
        anchor: operation.anchor(),
        title: operation.title(),
        method: operation.method,
        path: path(operation.path),
        description: prose(text(&operation.value["description"])),
        security: security(operation),
        parameters: parameters(operation),
        bodies: bodies(operation),
        responses: responses(operation)
            .map(|(status, response)| response_view(operation, status, response))
            .collect(),
        call: call(operation),
        answers: answers(operation),
    }
}

fn security<'a>(operation: &Operation<'a>) -> Vec<Vec<&'a str>> {
    let required = operation.value.get("security").or_else(|| operation.document.get("security"));
    let names = |alternative: &'a Value| {
        alternative.as_object().into_iter().flat_map(Map::keys).map(String::as_str).collect()
    };
    required.and_then(Value::as_array).into_iter().flatten().map(names).collect()
}

fn parameters<'a>(operation: &Operation<'a>) -> FieldList<'a> {
    let parameters = operation.value["parameters"].as_array().into_iter().flatten();
    let rows = parameters.map(|parameter| {
        let parameter = resolved(operation.document, parameter);
        let presence =
            if parameter["required"] == true { Presence::Required } else { Presence::Optional };
        let name = text(&parameter["name"]);
        let row = field(operation.document, name, &parameter["schema"], Way::In, presence);
        let description = parameter["description"].as_str().map_or(row.description, inline);
        FieldView { description, place: Some(text(&parameter["in"])), ..row }
    });
    FieldList { rows: rows.collect() }
}

fn bodies<'a>(operation: &Operation<'a>) -> Vec<BodyView<'a>> {
    let Some(body) = operation.value.get("requestBody") else { return Vec::new() };
    let content = body["content"].as_object().into_iter().flatten();
    content
        .map(|(media_type, media)| BodyView {
            media_type,
            is_optional: body["required"] != true,
            fields: fields(operation.document, &media["schema"], Way::In),
        })
        .collect()
}

fn responses<'a>(operation: &Operation<'a>) -> impl Iterator<Item = (&'a str, &'a Value)> {
    let responses = operation.value["responses"].as_object().into_iter().flatten();
    responses.map(|(status, response)| (status.as_str(), response))
}

fn response_view<'a>(
    operation: &Operation<'a>,
    status: &'a str,
    response: &'a Value,
) -> ResponseView<'a> {
    let is_error = status.starts_with(['4', '5']);
    let media = media(response);
    let codes = if is_error { media.map(codes).unwrap_or_default() } else { Vec::new() };
    let schema = media.filter(|_| codes.is_empty()).map(|media| &media["schema"]);
    ResponseView {
        status,
        class: status.get(..1).unwrap_or(""),
        is_open: !is_error,
        description: inline(text(&response["description"])),
        headers: response["headers"]
            .as_object()
            .into_iter()
            .flat_map(Map::keys)
            .map(String::as_str)
            .collect(),
        codes,
        fields: schema
            .map(|schema| fields(operation.document, schema, Way::Out))
            .unwrap_or_default(),
    }
}

/// Each possible code of an error response.
fn codes(media: &Value) -> Vec<ErrorExample<'_>> {
    let examples = media["examples"].as_object().into_iter().flatten();
    examples
        .map(|(name, example)| ErrorExample {
            // Example names are unique in the document, so a code with several messages has a
            // number appended.
            code: name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-'),
            words: inline(text(&example["summary"])),
            body: pretty(&example["value"]),
        })
        .collect()
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
    // An operation that is served beside the API has a server of its own.
    let own = operation.value["servers"][0]["url"].as_str();
    let server = own.or_else(|| operation.document["servers"][0]["url"].as_str());
    let base = server.unwrap_or("").trim_end_matches('/');
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
    lines.join(" \\\n  ")
}

fn answers<'a>(operation: &Operation<'a>) -> Vec<AnswerExample<'a>> {
    let good = responses(operation).filter(|(status, _)| status.starts_with('2'));
    good.filter_map(|(status, response)| {
        Some(AnswerExample { status, body: pretty(example(media(response)?)?) })
    })
    .collect()
}

fn pretty(value: &Value) -> String {
    format!("{value:#}")
}
