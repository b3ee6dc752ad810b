//! The templates of all letters: the embedded ones, and those of the configured folder, which take
//! precedence. Renders a letter to subject, text and HTML.
//!
//! A letter has two files: `<name>.txt`, which begins with `Subject: …` and an empty line, and
//! `<name>.html`, which replaces `{{content}}` in `layout.html`.

use std::path::Path;

use super::letter::{Letter, LetterKind};
use super::template::{Escaping, Template, broken};
use crate::error::{self, Error, Result};
use crate::model::text;

/// The maximum number of characters of the service name in a letter.
pub const LONGEST_NAME: usize = 40;

const LAYOUT: &str = "layout.html";
const SUBJECT: &str = "Subject:";

#[derive(rust_embed::Embed)]
#[folder = "static/mail"]
struct Embedded;

/// All templates, parsed and valid.
pub struct Templates {
    service: String,
    templates: Vec<LetterTemplate>,
}

struct LetterTemplate {
    kind: LetterKind,
    subject: Template,
    text: Template,
    html: Template,
}

/// A rendered letter.
pub struct Rendered {
    pub subject: String,
    pub text: String,
    pub html: String,
}

impl Templates {
    /// Loads all templates; a file in the folder replaces the embedded one.
    ///
    /// # Errors
    /// `Validation` if a template is invalid or lacks a link of its letter, or if the folder
    /// contains a template of an unknown name.
    pub fn load(service: &str, folder: Option<&Path>) -> Result<Self> {
        if let Some(folder) = folder {
            reject_unknown_files(folder)?;
        }
        let layout_names = ["service", "content"];
        let layout =
            Template::parse(LAYOUT, 1, &source(LAYOUT, folder)?, Escaping::Html, &layout_names)?;
        if !layout.names("content") {
            return Err(broken(LAYOUT, 1, "`{{content}}` is missing"));
        }
        let templates = LetterKind::ALL
            .into_iter()
            .map(|kind| LetterTemplate::load(kind, &layout, folder))
            .collect::<Result<_>>()?;
        Ok(Self { service: sanitize_name(service), templates })
    }

    /// Renders a letter.
    ///
    /// # Errors
    /// `Internal` if the letter has no template, which does not happen for existing letters.
    pub fn render(&self, letter: &Letter) -> Result<Rendered> {
        let kind = letter.kind();
        let template = self.templates.iter().find(|template| template.kind == kind);
        let template = template
            .ok_or_else(|| Error::internal(format!("no template for the letter {}", kind.name)))?;
        let given = letter.values();
        let mut values = vec![("service", self.service.as_str())];
        values.extend(given.iter().map(|(name, value)| (*name, value.reveal())));
        Ok(Rendered {
            subject: template.subject.render(&values),
            text: template.text.render(&values),
            html: template.html.render(&values),
        })
    }
}

impl LetterTemplate {
    fn load(kind: LetterKind, layout: &Template, folder: Option<&Path>) -> Result<Self> {
        let names: Vec<&str> =
            ["service"].iter().chain(kind.links).chain(kind.values).copied().collect();
        let text_file = format!("{}.txt", kind.name);
        let whole = source(&text_file, folder)?.replace("\r\n", "\n");
        let head = whole.strip_prefix(SUBJECT).and_then(|rest| rest.split_once("\n\n"));
        let (subject, body) =
            head.filter(|(subject, _)| !subject.contains('\n')).ok_or_else(|| {
                broken(
                    &text_file,
                    1,
                    "expected `Subject: …` in the first line, followed by an empty line",
                )
            })?;
        // Lock screens and mail server logs show the subject, so it must not contain a link.
        let subject = Template::parse(&text_file, 1, subject.trim(), Escaping::Text, &["service"])?;
        let text = Template::parse(&text_file, 3, body, Escaping::Text, &names)?;
        let html_file = format!("{}.html", kind.name);
        let html =
            Template::parse(&html_file, 1, &source(&html_file, folder)?, Escaping::Html, &names)?;
        for (file, template) in [(&text_file, &text), (&html_file, &html)] {
            if let Some(link) = kind.links.iter().find(|link| !template.names(link)) {
                return Err(broken(file, 1, &format!("`{{{{{link}}}}}` is missing")));
            }
        }
        Ok(Self { kind, subject, text, html: layout.around("content", &html) })
    }
}

/// Sanitizes the service name so that it cannot inject a header or a line: control characters and
/// runs of white space become one space, and the name is truncated.
fn sanitize_name(name: &str) -> String {
    let shown: String = name
        .chars()
        .map(|c| if text::is_control(c) || is_reordering(c) { ' ' } else { c })
        .collect();
    shown.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(LONGEST_NAME).collect()
}

/// Marks that change the direction of text (Unicode Standard Annex 9), and line separators.
fn is_reordering(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn source(file: &str, folder: Option<&Path>) -> Result<String> {
    if let Some(path) = folder.map(|folder| folder.join(file)).filter(|path| path.exists()) {
        return std::fs::read_to_string(&path).map_err(|cause| unreadable(&path, cause));
    }
    let embedded =
        Embedded::get(file).ok_or_else(|| Error::internal(format!("{file} is not embedded")))?;
    String::from_utf8(embedded.data.into_owned())
        .map_err(|cause| Error::internal(file).caused_by(cause))
}

/// Rejects template files of unknown names: a misspelt file would otherwise be silently ignored.
fn reject_unknown_files(folder: &Path) -> Result<()> {
    for entry in std::fs::read_dir(folder).map_err(|cause| unreadable(folder, cause))? {
        let name = entry
            .map_err(|cause| unreadable(folder, cause))?
            .file_name()
            .to_string_lossy()
            .into_owned();
        let is_template =
            Path::new(&name).extension().is_some_and(|ending| ending == "txt" || ending == "html");
        if is_template && Embedded::get(&name).is_none() {
            let known = Embedded::iter().collect::<Vec<_>>().join(", ");
            let message = format!(
                "mail template {} belongs to no letter; known files: {known}",
                folder.join(name).display()
            );
            return Err(Error::with(error::Kind::Validation, message));
        }
    }
    Ok(())
}

fn unreadable(path: &Path, cause: std::io::Error) -> Error {
    let message = format!("mail template {} cannot be read: {cause}", path.display());
    Error::with(error::Kind::Validation, message).caused_by(cause)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::fixture::one_of_each;
    use crate::model::Time;

    const LINK: &str = "https://auth.example/v1/verify?token=abc&x='\"<>";

    fn load_with(file: &str, content: &str) -> Result<Templates> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(file), content).unwrap();
        Templates::load("Example", Some(folder.path()))
    }

    #[test]
    fn every_letter_carries_its_links_as_text_in_both_forms_and_asks_no_other_host() {
        let templates = Templates::load("Example", None).unwrap();
        for letter in one_of_each(LINK, Time::from_millis(1_701_421_200_000)) {
            let rendered = templates.render(&letter).unwrap();
            assert!(!rendered.subject.is_empty() && !rendered.subject.contains(['\r', '\n']));
            assert!(rendered.text.contains("Example") && rendered.html.contains("Example"));
            let escaped = "https://auth.example/v1/verify?token=abc&amp;x=&#39;&quot;&lt;&gt;";
            if !letter.kind().links.is_empty() {
                assert!(rendered.text.lines().any(|line| line.trim() == LINK), "{}", rendered.text);
                assert!(
                    rendered.html.contains(&format!("href=\"{escaped}\"")),
                    "{}",
                    rendered.html
                );
                assert!(rendered.html.contains(&format!(">{escaped}<")), "{}", rendered.html);
                assert!(rendered.text.contains("1 December 2023, 09:00 UTC"));
            }
            assert!(!rendered.html.contains(LINK));
            for remote in ["<img", "src=", "url(", "@import", "<script", "<link"] {
                assert!(!rendered.html.contains(remote), "{remote} in {}", letter.kind().name);
            }
            assert!(!rendered.html.contains("{{") && !rendered.text.contains("{{"));
        }
    }

    #[test]
    fn a_hostile_service_name_stays_one_short_line() {
        let name = format!("Evil\r\nBcc: x@y.example\u{202e}<script>{}", "a".repeat(100));
        let rendered = Templates::load(&name, None).unwrap().render(&Letter::PasswordSet).unwrap();
        assert!(!rendered.subject.contains(['\r', '\n', '\u{202e}']), "{:?}", rendered.subject);
        assert!(
            rendered.subject.contains("Evil Bcc: x@y.example <script>"),
            "{:?}",
            rendered.subject
        );
        assert!(!rendered.subject.contains(&"a".repeat(41)));
        assert!(!rendered.html.contains("<script>"));
    }

    #[test]
    fn a_template_of_the_folder_is_taken_before_the_embedded_one() {
        let templates =
            load_with("password_set.txt", "Subject: New at {{service}}\r\n\r\nWords.\r\n").unwrap();
        let rendered = templates.render(&Letter::PasswordSet).unwrap();
        assert_eq!(
            (rendered.subject.as_str(), rendered.text.as_str()),
            ("New at Example", "Words.\n")
        );
        assert!(rendered.html.contains("Example"));
    }

    #[test]
    fn a_useless_template_is_refused_when_it_is_loaded() {
        for (file, content, expected) in [
            (
                "password_set.txt",
                "Subject: a\n\nHello {{name}}\n",
                "password_set.txt, line 3: `name` is unknown",
            ),
            ("password_set.txt", "Hello\n", "password_set.txt, line 1: expected `Subject: …`"),
            (
                "password_set.txt",
                "Subject: a\nb: c\n\nHello\n",
                "password_set.txt, line 1: expected `Subject: …`",
            ),
            (
                "verify_email.txt",
                "Subject: {{link}}\n\n{{link}} {{disown}}",
                "line 1: `link` is unknown here",
            ),
            (
                "verify_email.html",
                "<p>{{link}}</p>",
                "verify_email.html, line 1: `{{disown}}` is missing",
            ),
            ("layout.html", "<p>", "layout.html, line 1: `{{content}}` is missing"),
            ("verify-email.html", "<p>", "belongs to no letter"),
        ] {
            let message = load_with(file, content).err().unwrap().message().to_owned();
            assert!(message.contains(expected), "{file}: {message}");
        }
        let missing = Templates::load("a", Some(Path::new("/nowhere/at/all"))).err().unwrap();
        assert!(
            missing.message().contains("/nowhere/at/all cannot be read"),
            "{}",
            missing.message()
        );
    }
}
