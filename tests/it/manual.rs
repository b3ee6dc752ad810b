//! The commands of README.md and docs/: every `sh` block runs as it is printed, the blocks of a page
//! in order and in one folder. `sh no-run` marks what a test cannot run; its syntax is checked.
//!
//! A block with a file name (`js check.mjs`) is written to that file. Other `toml` blocks are parts of a
//! configuration that authd must accept, unless they say `no-run`.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cli::Folder;
use crate::tools::{self, installed, is_here, succeed};

/// Languages of the blocks, so that a misspelt `sh` is not left out.
const LANGUAGES: [&str; 9] = ["sh", "toml", "ini", "csv", "js", "python", "json", "html", "text"];

/// Programs that a block may use and a machine may lack, and the folder of `target/tools` they are in.
const NEEDS: [(&str, Option<&str>); 6] = [
    ("npx ", Some("node")),
    ("node ", Some("node")),
    ("openapi-python-client ", Some("python")),
    ("python3 ", Some("python")),
    ("sqlite3 ", None),
    ("age", None),
];

/// A fenced block of a page.
struct Block {
    line: usize,
    language: String,
    /// The rest of the info string: a file name, `no-run` or nothing.
    note: String,
    text: String,
}

fn pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let mut pages: Vec<_> =
        docs.filter(|path| path.extension().is_some_and(|end| end == "md")).collect();
    pages.push(root.join("README.md"));
    pages.push(root.join("CONTRIBUTING.md"));
    pages.push(root.join("benches/README.md"));
    pages.sort();
    pages
}

fn blocks(page: &Path) -> Vec<Block> {
    let text = fs::read_to_string(page).unwrap();
    let mut found = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let Some(info) = line.strip_prefix("```") else { continue };
        let (language, note) = info.split_once(' ').unwrap_or((info, ""));
        let line = index + 1;
        assert!(
            LANGUAGES.contains(&language),
            "{}:{line}: a block of {language:?}",
            page.display()
        );
        let body: Vec<&str> =
            lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```").collect();
        found.push(Block {
            line,
            language: language.to_owned(),
            note: note.to_owned(),
            text: body.join("\n"),
        });
    }
    found
}

/// The first program of a block that this machine lacks.
fn lacks(block: &Block) -> Option<&'static str> {
    let is_used = |word: &str| block.text.lines().any(|line| line.starts_with(word));
    let is_missing = |word: &str, tools: Option<&str>| match tools {
        Some(folder) => installed(folder).is_none(),
        None => !is_here(word.trim()),
    };
    let missing = NEEDS.iter().find(|(word, tools)| is_used(word) && is_missing(word, *tools));
    missing.map(|(word, _)| word.trim())
}

/// Everything that a page tells its reader to do, for `bash`.
fn script(name: &str, blocks: &[Block]) -> String {
    let mut script = include_str!("manual/shell.sh").to_owned();
    for block in blocks {
        let Block { line, text, .. } = block;
        let quoted = |command: &str| format!("{command} <<'END_OF_BLOCK'\n{text}\nEND_OF_BLOCK");
        let step = match (block.language.as_str(), block.note.as_str()) {
            ("sh", "") => match lacks(block) {
                Some(tool) => {
                    tools::missing(&format!("{name}:{line}"), tool);
                    continue;
                }
                None => text.clone(),
            },
            ("toml", "") => quoted("page_toml"),
            (_, "no-run" | "") => continue,
            (_, file) => quoted(&format!("page_file {file}")),
        };
        write!(script, "\necho '{name}:{line}' >&2\n{step}\n").unwrap();
    }
    script
}

/// Checks the syntax of a script without running it.
fn parse(folder: &Folder, script: &str) {
    folder.write("parse.sh", script);
    succeed(Command::new("bash").arg("-n").arg(folder.0.path().join("parse.sh")));
}

/// Runs a page in an empty folder, with authd and the installed tools on its path.
fn run(name: &str, blocks: &[Block]) {
    let (folder, files) = (Folder::new(), Folder::new());
    files.write("script.sh", &script(name, blocks));
    let mut path = vec![Path::new(env!("CARGO_BIN_EXE_authd")).parent().unwrap().to_owned()];
    if let Some(node) = installed("node") {
        std::os::unix::fs::symlink(node.join("node_modules"), folder.0.path().join("node_modules"))
            .unwrap();
    }
    path.extend(installed("python").map(|python| python.join("bin")));
    let path: Vec<&str> = path.iter().map(|part| part.to_str().unwrap()).collect();
    let mut bash = Command::new("sh");
    bash.args(["-c", "PATH=\"$0:$PATH\" exec bash \"$1\"", &path.join(":")])
        .arg(files.0.path().join("script.sh"));
    bash.env("PAGE_FILES", files.0.path()).env("HOME", files.0.path()).current_dir(folder.0.path());
    succeed(&mut bash);
}

#[test]
fn every_command_of_the_documentation_runs_as_it_is_printed() {
    if let Some(missing) = ["bash", "curl", "jq"].into_iter().find(|program| !is_here(program)) {
        return tools::missing("the commands of the documentation", missing);
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    std::thread::scope(|scope| {
        for page in pages() {
            scope.spawn(move || {
                let name = page.strip_prefix(root).unwrap().to_str().unwrap();
                let blocks = blocks(&page);
                let folder = Folder::new();
                for block in blocks.iter().filter(|block| block.language == "sh") {
                    parse(&folder, &block.text);
                }
                run(name, &blocks);
            });
        }
    });
}

#[test]
fn every_link_of_the_documentation_leads_to_a_file_and_heading_that_is_there() {
    let anchor = |heading: &str| -> String {
        let kept = heading.to_lowercase().replace(' ', "-");
        kept.chars().filter(|c| c.is_alphanumeric() || *c == '-' || *c == '_').collect()
    };
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        for target in text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            if target.contains("://") {
                continue;
            }
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let path =
                if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            assert!(path.exists(), "{}: {target}", page.display());
            let is_there = heading.is_empty() || {
                let text = fs::read_to_string(&path).unwrap();
                text.lines().any(|line| {
                    line.starts_with('#') && anchor(line.trim_start_matches(['#', ' '])) == heading
                })
            };
            assert!(is_there, "{}: {target}", page.display());
        }
    }
}

#[test]
fn the_readme_is_short() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    assert!(text.lines().count() <= 150, "README.md: move details to docs/");
}
