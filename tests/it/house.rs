//! Architecture rules: which module may use which, and the maximum length of a file.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Each module under `src/` and the modules it may use. Dependencies point one way:
/// `api → http → identity → store, mail, … → model → error`; `app` wires them together, `cli` and
/// `main` are at the top.
const ARROWS: &[(&str, &[&str])] = &[
    // The data that an error carries for a wire to render (a second factor's challenge) is plain
    // data.
    ("error", &["model"]),
    ("model", &["error"]),
    ("env", &["error", "model"]),
    ("seal", &["env", "error", "model"]),
    ("config", &["error", "model"]),
    ("metrics", &["error", "model"]),
    ("store", &["env", "error", "metrics", "model", "sql"]),
    ("password", &["config", "env", "error", "model"]),
    ("token", &["config", "env", "error", "model", "seal", "store"]),
    ("mail", &["config", "env", "error", "model", "seal", "store"]),
    // Text messages are sent through the outbox, by the same trait as letters.
    ("sms", &["config", "env", "error", "mail", "model", "seal", "store"]),
    (
        "identity",
        &[
            "config", "env", "error", "mail", "metrics", "model", "password", "seal", "sms",
            "store", "token",
        ],
    ),
    ("http", &["config", "env", "error", "identity", "metrics", "model", "password"]),
    ("web", &["config", "env", "error", "http", "identity", "model"]),
    ("api", &["config", "env", "error", "http", "identity", "model", "password", "web"]),
    ("app", &["*"]),
    ("cli", &["*"]),
    ("main", &["*"]),
    ("lib", &["*"]),
];

/// Crates that only one module may use.
const DOORS: &[(&str, &[&str])] = &[
    ("rusqlite", &["store"]),
    ("r2d2", &["store"]),
    ("poem", &["http", "api", "app", "web"]),
    ("poem_openapi", &["http", "api"]),
    ("hyper", &["http", "sms"]),
    ("hyper_util", &["http", "sms"]),
    ("lettre", &["mail"]),
    ("argon2", &["password"]),
    ("bcrypt", &["password"]),
    ("jsonwebtoken", &["token"]),
    ("governor", &["http"]),
    ("clap", &["cli", "main"]),
    ("comfy_table", &["cli"]),
];

fn files_under(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_under(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// A file's module, and its text without comments and unit tests; tests may use any module.
fn rooms() -> Vec<(PathBuf, String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let is_test = |path: &Path| {
        let stem = path.file_stem().is_some_and(|stem| stem == "tests" || stem == "fixture");
        stem || path.components().any(|part| part.as_os_str() == "tests")
    };
    let files =
        files_under(&root).into_iter().map(|path| path.strip_prefix(&root).unwrap().to_owned());
    files
        .filter(|path| !is_test(path))
        .map(|path| {
            let text = fs::read_to_string(root.join(&path)).unwrap();
            let text = text.split("#[cfg(test)]\nmod ").next().unwrap();
            let code = text
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"))
                .collect::<Vec<_>>()
                .join("\n");
            let owner =
                path.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_owned();
            (path, owner, code)
        })
        .collect()
}

fn word(text: &str) -> &str {
    &text[..text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len())]
}

/// The modules that a text names after `crate::`, including those in a group.
fn named(code: &str) -> BTreeSet<&str> {
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let Some(group) = rest.strip_prefix('{') else {
            found.insert(word(rest));
            continue;
        };
        let (mut depth, mut expects) = (1, true);
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 1 => expects = true,
                c if depth == 1 && expects && c.is_ascii_lowercase() => {
                    found.insert(word(&group[at..]));
                    expects = false;
                }
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    found
}

#[test]
fn the_arrows_between_the_rooms_run_one_way() {
    let mut wrong = Vec::new();
    for (path, room, code) in rooms() {
        let Some((_, may)) = ARROWS.iter().find(|(name, _)| *name == room) else {
            wrong.push(format!(
                "{}: the room `{room}` has no arrows yet: say in ARROWS what it may know",
                path.display()
            ));
            continue;
        };
        for known in named(&code) {
            if known != room && !may.contains(&"*") && !may.contains(&known) {
                wrong.push(format!("{}: `{room}` must not know `{known}`", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_foreign_crate_comes_in_by_its_own_door() {
    let mut wrong = Vec::new();
    for (path, room, code) in rooms() {
        for (name, doors) in DOORS {
            let uses = code.match_indices(&format!("{name}::")).any(|(at, _)| {
                !code[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':')
            });
            if uses && !doors.contains(&room.as_str()) {
                wrong.push(format!("{}: `{name}` is for {doors:?} alone", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_file_is_longer_than_somebody_reads() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut wrong = Vec::new();
    for path in
        ["src", "tests", "benches"].iter().flat_map(|folder| files_under(&root.join(folder)))
    {
        let text = fs::read_to_string(&path).unwrap();
        let lines = text.lines().count();
        if lines > 600 {
            wrong.push(format!("{}: {lines} lines, at most 600", path.display()));
        }
        let opening = text.trim_start().starts_with("//!");
        if !opening && lines > 20 && path.starts_with(root.join("src")) {
            wrong.push(format!("{}: does not open with what it owns (//!)", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_the_store_speaks_sql() {
    for (path, room, code) in rooms() {
        if room != "store" {
            assert!(
                !code.contains("sql!("),
                "{}: SQL text stands in src/store alone",
                path.display()
            );
        }
    }
}
