//! Templates of the operator, from the folder `pages.templates`: the document around every page
//! (`page.html`), and the parts of a page in another arrangement (`sign-in.html` and others). They
//! are checked when they are read: what would have no effect, or would leave out what a page needs,
//! is refused with its file and line.
//!
//! Our own templates mark their parts with comments where there are templates of the operator; what
//! people type is escaped and cannot contain one.

use std::path::Path;

use askama::Template;

use crate::error::{Error, Result};
use crate::web::html::Layout;
use crate::words::pieces::{TemplatePiece, pieces};

/// The document.
const PAGE: OperatorTemplate = OperatorTemplate {
    file: "page.html",
    names: &["content", "styles", "scripts", "footer", "title", "brand", "language", "direction"],
    needed: &["content", "styles", "scripts"],
};

/// The pages whose parts can be arranged.
const BODIES: [OperatorTemplate; 5] = [
    OperatorTemplate::card("sign-in.html"),
    OperatorTemplate::card("sign-in-code.html"),
    OperatorTemplate::card("second-step.html"),
    OperatorTemplate::card("sign-up.html"),
    OperatorTemplate {
        file: "account.html",
        names: &["brand", "owner", "navigation", "title", "message", "content"],
        needed: &["owner", "navigation", "message", "content"],
    },
];

/// Before and after the name of a page.
const BODY: (&str, &str) = ("<!--authd:", "-->");
const BODY_END: &str = "<!--authd:/-->";
/// Before and after the name of a part.
const PART: (&str, &str) = ("<!--authd.", "-->");
const PART_END: &str = "<!--authd./-->";

/// A file that may be in the folder.
struct OperatorTemplate {
    file: &'static str,
    names: &'static [&'static str],
    needed: &'static [&'static str],
}

impl OperatorTemplate {
    const fn card(file: &'static str) -> Self {
        let names = &["brand", "title", "message", "form", "links"];
        Self { file, names, needed: &["message", "form"] }
    }

    /// The name in the marks of the page.
    fn page(&self) -> &'static str {
        self.file.trim_end_matches(".html")
    }
}

/// The templates of the folder.
#[derive(Debug, Default)]
pub(in crate::web) struct OperatorTemplates {
    /// The document before and after the content.
    page: Option<[Vec<OwnPart>; 2]>,
    bodies: Vec<(&'static str, Vec<OwnPart>)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum OwnPart {
    Text(String),
    Name(&'static str),
}

impl OperatorTemplates {
    /// The names of the files.
    pub(in crate::web) fn files() -> impl Iterator<Item = &'static str> {
        std::iter::once(PAGE.file).chain(BODIES.iter().map(|own| own.file))
    }

    /// Reads the files that are there.
    ///
    /// # Errors
    /// `Internal` that names the file and line which cannot be used.
    pub(in crate::web) fn load(
        folder: &Path,
        read: impl Fn(&Path) -> Result<String>,
    ) -> Result<Self> {
        let parsed = |own: &OperatorTemplate| {
            let path = folder.join(own.file);
            if !path.exists() {
                return Ok(None);
            }
            own.parse(&path, &read(&path)?).map(Some)
        };
        let mut bodies = Vec::new();
        for own in &BODIES {
            bodies.extend(parsed(own)?.map(|parts| (own.page(), parts)));
        }
        let page = parsed(&PAGE)?.map(|mut parts| {
            let at = parts.iter().position(|part| *part == OwnPart::Name("content"));
            let after = parts.split_off(at.unwrap_or_default());
            [parts, after]
        });
        Ok(Self { page, bodies })
    }

    pub(in crate::web) fn has_page(&self) -> bool {
        self.page.is_some()
    }

    /// Whether pages have to mark their parts.
    pub(in crate::web) fn has_bodies(&self) -> bool {
        !self.bodies.is_empty()
    }

    /// The document before the content of a page.
    pub(in crate::web) fn before(&self, layout: &Layout<'_>) -> String {
        self.page.as_ref().map_or_else(String::new, |[before, _]| document(before, layout))
    }

    /// The document after the content.
    pub(in crate::web) fn after(&self, layout: &Layout<'_>) -> String {
        self.page.as_ref().map_or_else(String::new, |[_, after]| document(after, layout))
    }

    /// Arranges the parts of a rendered page as its template says, and takes out all marks.
    pub(in crate::web) fn arrange(&self, html: String) -> String {
        if self.bodies.is_empty() {
            return html;
        }
        let arranged = self.arranged(&html).unwrap_or(html);
        without_marks(&arranged)
    }

    fn arranged(&self, html: &str) -> Option<String> {
        let (before, rest) = html.split_once(BODY.0)?;
        let (page, rest) = rest.split_once(BODY.1)?;
        let (body, after) = rest.split_once(BODY_END)?;
        let (_, template) = self.bodies.iter().find(|(name, _)| *name == page)?;
        let mut out = before.to_owned();
        for part in template {
            match part {
                OwnPart::Text(text) => out.push_str(text),
                OwnPart::Name(name) => {
                    let begin = [PART.0, name, PART.1].concat();
                    let found = body.split(&*begin).skip(1);
                    let found = found.filter_map(|rest| rest.split(PART_END).next());
                    found.for_each(|part| out.push_str(part.trim()));
                }
            }
        }
        out.push_str(after);
        Some(out)
    }
}

impl OperatorTemplate {
    fn parse(&self, path: &Path, source: &str) -> Result<Vec<OwnPart>> {
        let refused = |line: usize, why: &str| {
            Error::refused(format!("[pages] {}, line {line}: {why}", path.display()))
        };
        for (tag, remedy) in
            [("<script", "no script but ours may run"), ("<style", "use pages.css instead")]
        {
            if let Some(at) = source.to_ascii_lowercase().find(tag) {
                let line = source[..at].matches('\n').count() + 1;
                return Err(refused(line, &format!("`{tag}>` has no effect: {remedy}")));
            }
        }
        let pieces = pieces(source).map_err(|open| refused(open.lines + 1, open.why))?;
        let mut parts = Vec::new();
        for piece in pieces {
            match piece {
                TemplatePiece::Text(text) => parts.push(OwnPart::Text(text.to_owned())),
                TemplatePiece::Name { name, lines } => {
                    let Some(known) = self.names.iter().find(|known| **known == name) else {
                        let names = self.names.join(", ");
                        let why = format!("`{name}` is unknown here; known names: {names}");
                        return Err(refused(lines + 1, &why));
                    };
                    let part = OwnPart::Name(known);
                    if *known == "content" && parts.contains(&part) {
                        return Err(refused(lines + 1, "`{{content}}` is here a second time"));
                    }
                    parts.push(part);
                }
            }
        }
        let is_missing = |name: &&&'static str| !parts.contains(&OwnPart::Name(name));
        match self.needed.iter().find(is_missing) {
            Some(name) => {
                let last = source.lines().count().max(1);
                Err(refused(last, &format!("`{{{{{name}}}}}` is missing in the file")))
            }
            None => Ok(parts),
        }
    }
}

/// The style sheet, or the script, of a document.
#[derive(Template)]
#[template(path = "pages/styles.html")]
struct StylesView<'a> {
    layout: Layout<'a>,
}

#[derive(Template)]
#[template(path = "pages/scripts.html")]
struct ScriptsView<'a> {
    layout: Layout<'a>,
}

/// The footer of a document.
#[derive(Template)]
#[template(path = "pages/foot.html")]
struct FootView<'a> {
    layout: Layout<'a>,
}

/// A text of a document, escaped.
#[derive(Template)]
#[template(path = "pages/text.html")]
struct TextView<'a> {
    text: &'a str,
}

fn document(parts: &[OwnPart], layout: &Layout<'_>) -> String {
    let text = |text: &str| TextView { text }.to_string();
    let value = |name: &str| match name {
        "styles" => StylesView { layout: *layout }.to_string(),
        "scripts" => ScriptsView { layout: *layout }.to_string(),
        "footer" => FootView { layout: *layout }.to_string(),
        "title" => text(layout.title),
        "brand" => text(&layout.brand.name),
        "language" => text(layout.words.tag),
        "direction" => text(&layout.words.words.language.direction),
        // Our own template writes the content.
        _ => String::new(),
    };
    let written = parts.iter().map(|part| match part {
        OwnPart::Text(text) => text.clone(),
        OwnPart::Name(name) => value(name),
    });
    written.collect()
}

fn without_marks(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    for (at, piece) in html.split("<!--authd").enumerate() {
        // Before the first mark there is none to take out.
        out.push_str(if at == 0 {
            piece
        } else {
            piece.split_once("-->").map_or("", |(_, rest)| rest)
        });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(file: &str, source: &str) -> Result<OperatorTemplates> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(file), source).unwrap();
        OperatorTemplates::load(folder.path(), |path| Ok(std::fs::read_to_string(path).unwrap()))
    }

    #[test]
    fn a_template_that_lacks_something_or_has_no_effect_is_refused_with_its_file_and_line() {
        let page = "<head>{{styles}}{{scripts}}</head>\n<body>{{content}}</body>\n";
        load("page.html", page).unwrap();
        load("sign-in.html", "{{ message }} {{form}}").unwrap();
        for (file, source, found) in [
            ("page.html", "{{styles}}{{scripts}}\n<p>\n", "line 2: `{{content}}` is missing"),
            ("page.html", "{{content}}{{styles}}", "line 1: `{{scripts}}` is missing"),
            ("page.html", &format!("{page}{{{{form}}}}"), "line 3: `form` is unknown here; known"),
            (
                "page.html",
                &format!("{page}{{{{content}}}}"),
                "line 3: `{{content}}` is here a second",
            ),
            ("page.html", &format!("{page}\n{{{{title"), "line 4: `{{` is not closed"),
            ("page.html", &format!("{page}<SCRIPT>"), "line 3: `<script>` has no effect"),
            ("sign-up.html", "\n<style>", "line 2: `<style>` has no effect: use pages.css"),
            ("sign-up.html", "{{form}}", "line 1: `{{message}}` is missing"),
            ("account.html", "{{content}}", "line 1: `{{owner}}` is missing"),
            (
                "account.html",
                "{{form}}",
                "line 1: `form` is unknown here; known names: brand, owner",
            ),
        ] {
            let error = load(file, source).unwrap_err();
            assert!(error.message().contains(&format!("{file}, {found}")), "{error:?}");
        }
    }

    #[test]
    fn the_parts_of_a_page_are_arranged_as_the_template_says() {
        let own = load("sign-in.html", "<i>{{links}}</i><b>{{form}}</b>{{message}}").unwrap();
        let part = |name: &str, text: &str| format!("<!--authd.{name}-->\n{text}\n<!--authd./-->");
        let parts = [("message", "M"), ("form", "F1"), ("form", "F2"), ("links", "L")];
        let parts = parts.map(|(name, text)| part(name, text)).concat();
        let page = |name: &str| {
            format!("<html><!--authd:{name}--><p>lost {parts}</p><!--authd:/--></html>")
        };
        assert_eq!(own.arrange(page("sign-in")), "<html><i>L</i><b>F1F2</b>M</html>");
        assert_eq!(own.arrange(page("other")), "<html><p>lost \nM\n\nF1\n\nF2\n\nL\n</p></html>");
        let none = OperatorTemplates::default();
        assert!(own.has_bodies() && !none.has_bodies());
        assert_eq!(none.arrange(page("sign-in")), page("sign-in"), "nothing to take out");
    }
}
