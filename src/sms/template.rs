//! Inserts a message's values into a request, each escaped for its position.

use crate::model::percent;

/// How a value is escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmsEscaping {
    /// For a URL or a form body (RFC 3986, section 2.1).
    Percent,
    /// For the inside of a JSON string (RFC 8259, section 7).
    Json,
    /// Unchanged.
    Plain,
}

impl SmsEscaping {
    /// The escaping for a content type.
    #[must_use]
    pub fn of(content_type: &str) -> Self {
        let essence = content_type.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
        if essence == "application/x-www-form-urlencoded" {
            SmsEscaping::Percent
        } else if essence == "application/json" || essence.ends_with("+json") {
            SmsEscaping::Json
        } else {
            SmsEscaping::Plain
        }
    }

    fn write(self, value: &str) -> String {
        match self {
            SmsEscaping::Plain => value.to_owned(),
            SmsEscaping::Json => {
                let quoted = serde_json::Value::from(value).to_string();
                quoted[1..quoted.len() - 1].to_owned()
            }
            SmsEscaping::Percent => percent::encode(value),
        }
    }
}

/// Fills a template; placeholders inside a value are not replaced.
#[must_use]
pub fn fill(template: &str, values: &[(&str, &str)], form: SmsEscaping) -> String {
    let (mut out, mut rest) = (String::new(), template);
    while let Some(at) = rest.find('{') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some((name, value)) = values.iter().find(|(name, _)| rest.starts_with(name)) {
            out.push_str(&form.write(value));
            rest = &rest[name.len()..];
        } else {
            out.push('{');
            rest = &rest[1..];
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUES: [(&str, &str); 2] = [("{to}", "+49170"), ("{text}", "\"1\" & {to}")];

    #[test]
    fn values_take_the_form_of_their_place() {
        assert_eq!(
            fill("To={to}&Body={text}", &VALUES, SmsEscaping::Percent),
            "To=%2B49170&Body=%221%22%20%26%20%7Bto%7D"
        );
        assert_eq!(
            fill("{\"m\":\"{text}\"}", &VALUES, SmsEscaping::Json),
            "{\"m\":\"\\\"1\\\" & {to}\"}"
        );
        assert_eq!(fill("{other} {to}", &VALUES, SmsEscaping::Plain), "{other} +49170");
    }

    #[test]
    fn the_content_type_decides() {
        assert_eq!(SmsEscaping::of("application/json; charset=utf-8"), SmsEscaping::Json);
        assert_eq!(SmsEscaping::of("application/x-www-form-urlencoded"), SmsEscaping::Percent);
        assert_eq!(SmsEscaping::of("text/plain"), SmsEscaping::Plain);
    }
}
