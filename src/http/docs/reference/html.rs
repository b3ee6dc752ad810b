//! Renders the text of the page: escaped, with the small subset of Markdown that descriptions use.

use serde_json::Value;

/// Escapes text for HTML, and for the placeholders of the page template.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '{' => out.push_str("&#123;"),
            '}' => out.push_str("&#125;"),
            _ => out.push(c),
        }
    }
    out
}

/// Renders a description: paragraphs, and `code` in backticks.
pub fn prose(text: &str) -> String {
    let paragraphs = text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty());
    paragraphs.map(|paragraph| format!("<p>{}</p>", inline(paragraph))).collect::<Vec<_>>().concat()
}

/// Renders text without paragraphs.
pub fn inline(text: &str) -> String {
    let mut out = String::new();
    for (index, part) in text.split('`').enumerate() {
        let part = escape(part);
        if index % 2 == 1 { out.extend(["<code>", &part, "</code>"]) } else { out.push_str(&part) }
    }
    out
}

/// Renders a path with highlighted parameters.
pub fn path(path: &str) -> String {
    escape(path).replace("&#123;", "<b>&#123;").replace("&#125;", "&#125;</b>")
}

/// Renders a method as a badge.
pub fn badge(method: &str) -> String {
    format!(
        "<span class=\"method {method}\">{}</span>",
        if method == "delete" { "DEL" } else { method }
    )
}

/// Renders a JSON value, pretty-printed.
pub fn json(value: &Value) -> String {
    format!("<pre tabindex=\"0\"><code>{}</code></pre>", escape(&format!("{value:#}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_keep_their_paragraphs_and_code() {
        assert_eq!(
            prose("Takes `a<b`.\n\nAnd & more."),
            "<p>Takes <code>a&lt;b</code>.</p><p>And &amp; more.</p>"
        );
        assert_eq!(prose(" \n"), "");
    }
}
