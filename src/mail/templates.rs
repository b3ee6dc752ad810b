//! The templates of all letters: the embedded ones, and those of the configured folder, which take
//! precedence. Renders a letter to subject, text and HTML.
//!
//! A letter has two files: `<name>.txt`, which begins with `Subject: …` and an empty line, and
//! `<name>.html`, which replaces `{{content}}` in `layout.html`. The embedded ones are the same for
//! all languages, and take their words from the catalogue: a template names the keys of
//! `[letters.<name>]` and `[letters.common]` as it names values. A file in `<folder>/<language>` is
//! for letters in that language only.

use std::path::{Path, PathBuf};

use super::letter::{Letter, LetterKind};
use super::template::{Escaping, Template, Vocabulary, broken};
use crate::error::{self, Error, Result};
use crate::model::{LanguageTag, text};
use crate::words::{Catalogue, Translation};

/// The maximum number of characters of the service name in a letter.
pub const LONGEST_NAME: usize = 40;

const LAYOUT: &str = "layout.html";
const SUBJECT: &str = "Subject:";
/// Values that every template has.
const COMMON: [&str; 3] = ["service", "language", "direction"];

#[derive(rust_embed::Embed)]
#[folder = "static/mail"]
struct Embedded;

/// All templates. Those of the folder are parsed when it is loaded, so that mistakes show at start.
/// Without a folder nothing is kept: an embedded template is parsed for each letter, which takes less
/// time than the letter's sealing.
pub struct Templates {
    service: String,
    /// Of the folder; empty without one.
    own: Vec<LetterTemplate>,
    /// For the languages that have templates of their own.
    by_language: Vec<(LanguageTag, Vec<LetterTemplate>)>,
}

/// The folders in which a template is looked for, before the embedded ones.
type Folders<'a> = &'a [PathBuf];

struct LetterTemplate {
    kind: LetterKind,
    subject: Template,
    text: Template,
    html: Template,
}

/// A rendered letter.
#[derive(Debug, Clone)]
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
    /// contains a template of an unknown name or language.
    pub fn load(service: &str, folder: Option<&Path>, catalogue: &Catalogue) -> Result<Self> {
        let mut by_language = Vec::new();
        if let Some(folder) = folder {
            for language in reject_unknown_files(folder, catalogue)? {
                let own = folder.join(language.as_str());
                reject_unknown_files(&own, catalogue)?;
                by_language.push((language, load_all(&[own, folder.to_owned()])?));
            }
        }
        let own = match folder {
            Some(folder) => load_all(&[folder.to_owned()])?,
            None => Vec::new(),
        };
        Ok(Self { service: sanitize_name(service), own, by_language })
    }

    /// The name of the service, shortened and without control characters.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }

    /// Renders a letter in this language.
    ///
    /// # Errors
    /// `Validation` if an embedded template is invalid, which does not happen.
    pub fn render(&self, letter: &Letter, language: Translation<'_>) -> Result<Rendered> {
        let kind = letter.kind();
        let of_language = self.by_language.iter().find(|(tag, _)| tag.as_str() == language.tag);
        let own = of_language.map_or(&self.own, |(_, templates)| templates);
        let embedded;
        let template = if let Some(own) = own.iter().find(|template| template.kind == kind) {
            own
        } else {
            embedded = LetterTemplate::load(kind, &layout(&[])?, &[])?;
            &embedded
        };
        let words = language.words;
        let given = letter.values(words);
        let mut values = vec![
            ("service", self.service.as_str()),
            ("language", language.tag),
            ("direction", words.language.direction.as_str()),
        ];
        values.extend(given.iter().map(|(name, value)| (*name, value.reveal())));
        Ok(Rendered {
            subject: template.subject.render(words, &values),
            text: template.text.render(words, &values),
            html: template.html.render(words, &values),
        })
    }
}

impl LetterTemplate {
    fn load(kind: LetterKind, layout: &Template, folders: Folders<'_>) -> Result<Self> {
        let sections = [format!("letters.{}", kind.name), "letters.common".to_owned()];
        let values: Vec<&str> =
            COMMON.iter().chain(kind.links).chain(kind.values).copied().collect();
        let names = Vocabulary { values: &values, sections: &sections };
        let text_file = format!("{}.txt", kind.name);
        let whole = source(&text_file, folders)?.replace("\r\n", "\n");
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
        let no_links = Vocabulary { values: &["service"], sections: &sections };
        let subject = Template::parse(&text_file, 1, subject.trim(), Escaping::Line, &no_links)?;
        let text = Template::parse(&text_file, 3, body, Escaping::Text, &names)?;
        let html_file = format!("{}.html", kind.name);
        let html =
            Template::parse(&html_file, 1, &source(&html_file, folders)?, Escaping::Html, &names)?;
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

fn load_all(folders: Folders<'_>) -> Result<Vec<LetterTemplate>> {
    let layout = layout(folders)?;
    let all = LetterKind::ALL.into_iter();
    all.map(|kind| LetterTemplate::load(kind, &layout, folders)).collect()
}

fn layout(folders: Folders<'_>) -> Result<Template> {
    let values: Vec<&str> = COMMON.into_iter().chain(["content"]).collect();
    let names = Vocabulary { values: &values, sections: &["letters.common".to_owned()] };
    let layout = Template::parse(LAYOUT, 1, &source(LAYOUT, folders)?, Escaping::Html, &names)?;
    if !layout.names("content") {
        return Err(broken(LAYOUT, 1, "`{{content}}` is missing"));
    }
    Ok(layout)
}

fn source(file: &str, folders: Folders<'_>) -> Result<String> {
    if let Some(path) = folders.iter().map(|folder| folder.join(file)).find(|path| path.exists()) {
        return std::fs::read_to_string(&path).map_err(|cause| unreadable(&path, cause));
    }
    let embedded =
        Embedded::get(file).ok_or_else(|| Error::internal(format!("{file} is not embedded")))?;
    String::from_utf8(embedded.data.into_owned())
        .map_err(|cause| Error::internal(file).caused_by(cause))
}

/// Rejects template files of unknown names, and folders named as a language that the server does
/// not have: a misspelt one would otherwise be silently ignored. Returns the languages that have a
/// folder.
fn reject_unknown_files(folder: &Path, catalogue: &Catalogue) -> Result<Vec<LanguageTag>> {
    let mut languages = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|cause| unreadable(folder, cause))? {
        let name = entry
            .map_err(|cause| unreadable(folder, cause))?
            .file_name()
            .to_string_lossy()
            .into_owned();
        let tag = LanguageTag::parse(&name).filter(|_| folder.join(&name).is_dir());
        if let Some(tag) = tag {
            if catalogue.find(&tag).is_none_or(|language| language.tag != name) {
                let known: Vec<_> = catalogue.all().map(|language| language.tag).collect();
                let message = format!(
                    "mail templates in {} are for no language of this server; known languages: {}",
                    folder.join(&name).display(),
                    known.join(", ")
                );
                return Err(Error::with(error::Kind::Validation, message));
            }
            languages.push(tag);
        }
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
    Ok(languages)
}

fn unreadable(path: &Path, cause: std::io::Error) -> Error {
    let message = format!("mail template {} cannot be read: {cause}", path.display());
    Error::with(error::Kind::Validation, message).caused_by(cause)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::examples::one_of_each;
    use crate::model::Time;
    use crate::words::english;

    const LINK: &str = "https://auth.example/v1/verify?token=abc&x='\"<>";

    fn load_with(file: &str, content: &str) -> Result<Templates> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(file), content).unwrap();
        Templates::load("Example", Some(folder.path()), &catalogue())
    }

    fn catalogue() -> Catalogue {
        Catalogue::load(None, LanguageTag::parse("en").unwrap()).unwrap()
    }

    #[test]
    fn every_letter_carries_its_links_as_text_in_both_forms_and_asks_no_other_host() {
        let templates = Templates::load("Example", None, &catalogue()).unwrap();
        for letter in one_of_each(LINK, Time::from_millis(1_701_421_200_000)) {
            let rendered = templates.render(&letter, english()).unwrap();
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
        let rendered = Templates::load(&name, None, &catalogue())
            .unwrap()
            .render(&Letter::PasswordSet { remaining: None }, english())
            .unwrap();
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
        let rendered =
            templates.render(&Letter::PasswordSet { remaining: None }, english()).unwrap();
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
        let missing =
            Templates::load("a", Some(Path::new("/nowhere/at/all")), &catalogue()).err().unwrap();
        assert!(
            missing.message().contains("/nowhere/at/all cannot be read"),
            "{}",
            missing.message()
        );
    }

    #[test]
    fn every_letter_is_whole_in_every_language_and_takes_no_name_for_markup() {
        let name = "<b>\"it's\" & co</b> {x} is a name of 40!!";
        assert_eq!(name.chars().count(), LONGEST_NAME);
        let templates = Templates::load(name, None, &catalogue()).unwrap();
        for language in crate::words::built_in() {
            for letter in one_of_each(LINK, Time::from_millis(1_701_421_200_000)) {
                let kind = letter.kind();
                let place = format!("{} in {}", kind.name, language.tag);
                let Rendered { subject, text, html } = templates.render(&letter, language).unwrap();
                assert!(subject.chars().count() <= 78, "{place}: {subject}");
                assert!(subject.contains(name) && !subject.contains('\n'), "{place}: {subject}");
                let direction = &language.language.direction;
                let lang = format!("<html lang=\"{}\" dir=\"{direction}\">", language.tag);
                assert!(html.contains(&lang), "{place}: {html}");
                let (_, body) = html.split_once("<body>").unwrap();
                assert!(!body.contains("<b>") && body.contains("&lt;b&gt;"), "{place}: {body}");
                for part in [text.replace("{x}", ""), body.replace("{x}", "")] {
                    assert!(!part.contains(['{', '}']), "{place}: {part}");
                }
                let is_long = |line: &&str| line.chars().count() > 78 && line.contains(' ');
                assert_eq!(text.lines().find(is_long), None, "{place}");
            }
        }
    }

    #[test]
    fn a_folder_of_a_language_is_for_letters_in_it_alone() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("de")).unwrap();
        let own = "Subject: Neu bei {{service}}\n\nWorte.\n";
        std::fs::write(folder.path().join("de/password_set.txt"), own).unwrap();
        let load = || Templates::load("Example", Some(folder.path()), &catalogue());
        let templates = load().unwrap();
        let subject = |tag: &str| {
            let language = crate::words::built_in().find(|language| language.tag == tag).unwrap();
            templates.render(&Letter::PasswordSet { remaining: None }, language).unwrap().subject
        };
        assert_eq!(subject("de"), "Neu bei Example");
        assert_eq!(subject("en"), "Your password at Example was changed");
        for (name, expected) in
            [("sv", "are for no language of this server"), ("DE", "no language")]
        {
            let wrong = folder.path().join(name);
            std::fs::create_dir(&wrong).unwrap();
            let message = load().err().unwrap().message().to_owned();
            assert!(message.contains(expected) && message.contains("pt-BR"), "{message}");
            std::fs::remove_dir(wrong).unwrap();
        }
        std::fs::write(folder.path().join("de/password-set.txt"), own).unwrap();
        assert!(load().err().unwrap().message().contains("belongs to no letter"));
    }
}
