//! Generates the catalogue of words from `static/words`: the types from the reference, `en.toml`,
//! and one value for each language. The build fails if a language lacks a key, has an unknown one,
//! or uses other placeholders. Also passes the order of the functions to the linker.

#![allow(clippy::disallowed_methods, reason = "cargo gives a build script its values this way")]
#![allow(clippy::format_collect, reason = "a few hundred names, once per build")]

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

#[allow(dead_code)]
#[path = "src/words/source.rs"]
mod source;

use source::{WordEntry, WordProblem, differences, parse, placeholders};

const FOLDER: &str = "static/words";
const REFERENCE: &str = "en";

type Outcome<T> = Result<T, Box<dyn Error>>;

/// A section of the reference: its texts and the sections below it.
#[derive(Default)]
struct Section {
    texts: BTreeMap<String, String>,
    sections: BTreeMap<String, Section>,
}

fn main() -> Outcome<()> {
    order_functions()?;
    generate_words()
}

/// Places what the start of a release build calls in one piece, so that less of it is resident; see
/// `scripts/startup-order`.
fn order_functions() -> Outcome<()> {
    const SCRIPT: &str = "scripts/startup.ld";
    println!("cargo:rerun-if-changed={SCRIPT}");
    if std::env::var("PROFILE")? == "release" && std::env::var("CARGO_CFG_TARGET_OS")? == "linux" {
        let script = std::env::current_dir()?.join(SCRIPT);
        println!("cargo:rustc-link-arg-bins=-Wl,-T,{}", script.display());
    }
    Ok(())
}

fn generate_words() -> Outcome<()> {
    println!("cargo:rerun-if-changed={FOLDER}");
    println!("cargo:rerun-if-changed=src/words/source.rs");
    let languages = languages()?;
    let reference = languages.get(REFERENCE).ok_or("static/words/en.toml is missing")?;
    let mut problems = Vec::new();
    for (tag, entries) in &languages {
        let found = differences(reference, entries);
        problems.extend(found.iter().map(|problem| said(tag, problem)));
    }
    if !problems.is_empty() {
        return Err(problems.join("\n").into());
    }
    let mut root = Section::default();
    for entry in reference {
        root.add(&entry.path, &entry.text)?;
    }
    let mut texts = Texts::default();
    let mut code = String::new();
    root.declare("Words", "", &mut code)?;
    build_from_paths(&root, &mut code)?;
    let mut list = String::new();
    for (tag, entries) in &languages {
        let by_path = entries.iter().map(|e| (e.path.as_str(), e.text.as_str())).collect();
        let name = tag.replace('-', "_").to_uppercase();
        write!(code, "static {name}: Words = ")?;
        root.value("Words", "", &by_path, &mut texts, &mut code)?;
        writeln!(code, ";")?;
        write!(list, "({tag:?}, &{name}), ")?;
    }
    writeln!(code, "static BUILT_IN: [(&str, &Words); {}] = [{list}];", languages.len())?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    fs::write(out.join("words.rs"), code)?;
    fs::write(out.join("words.txt"), texts.all)?;
    Ok(())
}

fn said(tag: &str, problem: &WordProblem) -> String {
    format!("{FOLDER}/{tag}.toml, {problem}")
}

/// The entries of each file, by language.
fn languages() -> Outcome<BTreeMap<String, Vec<WordEntry>>> {
    let mut languages = BTreeMap::new();
    for file in fs::read_dir(Path::new(FOLDER))? {
        let path = file?.path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let tag = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path)?;
        let entries = parse(&text).map_err(|problems| {
            problems.iter().map(|problem| said(&tag, problem)).collect::<Vec<_>>().join("\n")
        })?;
        languages.insert(tag, entries);
    }
    Ok(languages)
}

/// All texts in one piece, which the values refer to by offset: without pointers the values need no
/// relocation, so that no memory is used for a language until it is read.
#[derive(Default)]
struct Texts {
    all: String,
    known: BTreeMap<String, usize>,
}

impl Texts {
    fn place(&mut self, text: &str) -> usize {
        let all = &mut self.all;
        *self.known.entry(text.to_owned()).or_insert_with(|| {
            all.push_str(text);
            all.len() - text.len()
        })
    }
}

impl Section {
    fn add(&mut self, path: &str, text: &str) -> Outcome<()> {
        let (section, key) = path.split_once('.').map_or((None, path), |(s, k)| (Some(s), k));
        let name = section.unwrap_or(key);
        let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(is_name) {
            return Err(format!("en.toml: `{path}` is no name of a field").into());
        }
        match section {
            Some(section) => {
                return self.sections.entry(section.to_owned()).or_default().add(key, text);
            }
            None => self.texts.insert(key.to_owned(), text.to_owned()),
        };
        Ok(())
    }

    /// The type of the section, and those of the sections below it.
    fn declare(&self, name: &str, above: &str, code: &mut String) -> Outcome<()> {
        writeln!(code, "/// `[{above}]`\n#[derive(Debug)]\npub struct {name} {{")?;
        for (key, text) in &self.texts {
            let shown = text.replace('\n', " ");
            let visible = if placeholders(text)?.is_empty() { "pub " } else { "" };
            writeln!(code, "/// {shown}\n{visible}r#{key}: Text,")?;
        }
        for key in self.sections.keys() {
            writeln!(
                code,
                "/// `[{}]`\npub r#{key}: {},",
                join(above, key),
                type_name(above, key)
            )?;
        }
        writeln!(code, "}}\nimpl {name} {{")?;
        for (key, text) in &self.texts {
            let names = placeholders(text)?;
            if names.is_empty() {
                continue;
            }
            let arguments: String =
                names.iter().map(|name| format!(", r#{name}: impl Display")).collect();
            let values: String = names.iter().map(|n| format!("({n:?}, &r#{n}), ")).collect();
            let shown = text.replace('\n', " ");
            writeln!(
                code,
                "/// {shown}\n#[must_use]\npub fn r#{key}(&self{arguments}) -> String {{ \
                 self.r#{key}.fill(&[{values}]) }}"
            )?;
        }
        writeln!(code, "}}")?;
        for (key, section) in &self.sections {
            section.declare(&type_name(above, key), &join(above, key), code)?;
        }
        Ok(())
    }

    /// An expression for the section's value; `text` makes the expression of a text from its path.
    fn expression(
        &self,
        name: &str,
        above: &str,
        text: &mut dyn FnMut(&str) -> String,
        code: &mut String,
    ) -> Outcome<()> {
        write!(code, "{name} {{ ")?;
        for key in self.texts.keys() {
            write!(code, "r#{key}: {}, ", text(&join(above, key)))?;
        }
        for (key, section) in &self.sections {
            write!(code, "r#{key}: ")?;
            section.expression(&type_name(above, key), &join(above, key), text, code)?;
            write!(code, ", ")?;
        }
        write!(code, "}}")?;
        Ok(())
    }

    fn value(
        &self,
        name: &str,
        above: &str,
        by_path: &BTreeMap<&str, &str>,
        texts: &mut Texts,
        code: &mut String,
    ) -> Outcome<()> {
        let mut text = |path: &str| {
            let text = by_path.get(path).copied().unwrap_or_default();
            format!("Text::built_in({}, {})", texts.place(text), text.len())
        };
        self.expression(name, above, &mut text, code)
    }

    fn paths(&self, above: &str, found: &mut Vec<String>) {
        found.extend(self.texts.keys().map(|key| join(above, key)));
        for (key, section) in &self.sections {
            section.paths(&join(above, key), found);
        }
    }
}

/// Ways to reach a text by its path, for what is only known at run time: templates of letters, and
/// files of words.
fn build_from_paths(root: &Section, code: &mut String) -> Outcome<()> {
    let mut paths = Vec::new();
    root.paths("", &mut paths);
    writeln!(
        code,
        "/// The paths of all texts, one in a line.\npub(super) const PATHS: &str = {:?};",
        paths.join("\n")
    )?;
    writeln!(code, "impl Words {{\n/// The text of this path.\n#[must_use]")?;
    writeln!(code, "pub fn get(&self, path: &str) -> Option<&Text> {{ Some(match path {{")?;
    for path in &paths {
        let field: String = path.split('.').map(|name| format!(".r#{name}")).collect();
        writeln!(code, "{path:?} => &self{field},")?;
    }
    writeln!(code, "_ => return None }}) }}\n/// Words with the texts that `text` gives by path.")?;
    writeln!(code, "#[must_use]\npub fn build(text: &mut dyn FnMut(&str) -> Text) -> Self {{")?;
    root.expression("Words", "", &mut |path| format!("text({path:?})"), code)?;
    writeln!(code, "}} }}")?;
    Ok(())
}

fn join(above: &str, key: &str) -> String {
    if above.is_empty() { key.to_owned() } else { format!("{above}.{key}") }
}

/// `pages.verify_email` becomes `WordsOfPagesVerifyEmail`.
fn type_name(above: &str, key: &str) -> String {
    let camel = |word: &str| {
        let mut letters = word.chars();
        letters
            .next()
            .map(|c| c.to_ascii_uppercase())
            .into_iter()
            .chain(letters)
            .collect::<String>()
    };
    let words = format!("{above}.{key}");
    let words: String = words.split(['.', '_']).filter(|w| !w.is_empty()).map(camel).collect();
    format!("WordsOf{words}")
}
