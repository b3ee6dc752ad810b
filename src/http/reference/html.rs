//! The words of the page: escaped, with the little markup that descriptions use.

use serde_json::Value;

/// A text in which nothing means anything to HTML, nor to the page's template.
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

/// A description: paragraphs, and `code` between backticks.
pub fn prose(text: &str) -> String {
    let paragraphs = text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty());
    paragraphs.map(|paragraph| format!("<p>{}</p>", inline(paragraph))).collect::<Vec<_>>().concat()
}

/// One line of a description.
pub fn inline(text: &str) -> String {
    let mut out = String::new();
    for (index, part) in text.split('`').enumerate() {
        let part = escape(part);
        if index % 2 == 1 { out.extend(["<code>", &part, "</code>"]) } else { out.push_str(&part) }
    }
    out
}

/// A path with its parameters set off.
pub fn path(path: &str) -> String {
    escape(path).replace("&#123;", "<b>&#123;").replace("&#125;", "&#125;</b>")
}

/// A method as a small sign.
pub fn badge(method: &str) -> String {
    format!("<span class=\"method {method}\">{}</span>", if method == "delete" { "DEL" } else { method })
}

/// A JSON value as it would be written.
pub fn json(value: &Value) -> String {
    format!("<pre tabindex=\"0\"><code>{}</code></pre>", escape(&format!("{value:#}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_keep_their_paragraphs_and_code() {
        assert_eq!(prose("Takes `a<b`.\n\nAnd & more."), "<p>Takes <code>a&lt;b</code>.</p><p>And &amp; more.</p>");
        assert_eq!(prose(" \n"), "");
    }
}
