//! Parser for `--env-file`: `NAME=value` lines, as container tools and shells write them.

use super::layer::Origin;
use super::problem::Problem;

/// A variable, and the line it was found on.
pub(super) struct Variable {
    pub name: String,
    pub value: String,
    pub line: usize,
}

/// Parses an env file. Each malformed line is a problem, reported without its text because that may
/// be a secret.
pub(super) fn parse(text: &str, file: &str) -> (Vec<Variable>, Vec<Problem>) {
    let (mut variables, mut problems) = (Vec::new(), Vec::new());
    for (index, whole) in text.lines().enumerate() {
        let line = index + 1;
        let bare = whole.trim();
        if bare.is_empty() || bare.starts_with('#') {
            continue;
        }
        if let Some((name, value)) = variable(bare) {
            variables.push(Variable { name: name.to_owned(), value, line });
        } else {
            let origin = Origin::EnvFile { file: file.to_owned(), line, name: String::new() };
            problems.push(Problem::unreadable(
                origin,
                "expected NAME=value, got something else".to_owned(),
            ));
        }
    }
    (variables, problems)
}

fn variable(line: &str) -> Option<(&str, String)> {
    let (name, value) = line.strip_prefix("export ").unwrap_or(line).split_once('=')?;
    let name = name.trim();
    let is_name = !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    is_name.then_some(())?;
    Some((name, unquote(value.trim())?))
}

/// Reads `"a"`, `'a'` or plain text, which ends where a comment begins.
fn unquote(value: &str) -> Option<String> {
    for quote in ['"', '\''] {
        if let Some(inner) = value.strip_prefix(quote) {
            let (inner, after) = inner.split_once(quote)?;
            let after = after.trim();
            return (after.is_empty() || after.starts_with('#')).then(|| inner.to_owned());
        }
    }
    Some(value.split(" #").next().unwrap_or("").trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_usual_form_of_a_line_is_read() {
        let text = "# comment\n\nA=1\nexport B = two words # said\nC=\"x # y\" # z\nD='q'\nE=\nF=a#b\nG=a=b\n";
        let (variables, problems) = parse(text, ".env");
        let shown: Vec<String> =
            variables.iter().map(|v| format!("{}{}={}", v.line, v.name, v.value)).collect();
        assert_eq!(shown, ["3A=1", "4B=two words", "5C=x # y", "6D=q", "7E=", "8F=a#b", "9G=a=b"]);
        assert!(problems.is_empty());
    }

    #[test]
    fn every_other_line_is_refused_by_number_without_its_text() {
        let (_, problems) = parse("A=1\nhush-hush\nB=\"open\n1C=2\n", "box.env");
        let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(shown.len(), 3);
        assert_eq!(shown[0], "box.env line 2: expected NAME=value, got something else");
        assert!(!shown.concat().contains("hush"));
    }
}
