//! Architecture rules: which module may use which, and the maximum length of a file.

mod imports;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use imports::{Module, ReExports, SourceFile, files_under, sources};

/// Each module under `src/` and the modules it may use. Dependencies point one way:
/// `api → http → identity → mail, sms → outbox → store → model → error`; `app` wires them together, `cli` and
/// `main` are at the top.
const ARROWS: &[(&str, &[&str])] = &[
    // The data that an error carries for a wire to render (a second factor's challenge) is plain
    // data.
    ("error", &["model"]),
    ("model", &["error"]),
    ("env", &["error", "model"]),
    ("seal", &["env", "error", "model"]),
    ("words", &["error", "model"]),
    ("config", &["error", "model"]),
    ("metrics", &["error", "model"]),
    ("webauthn", &["model"]),
    ("store", &["env", "error", "metrics", "model", "sql"]),
    ("password", &["config", "env", "error", "model"]),
    ("token", &["config", "env", "error", "model", "seal", "store"]),
    ("outbox", &["env", "error", "metrics", "model", "seal", "store"]),
    // The channels of the outbox: they deliver its messages, and it knows neither.
    ("mail", &["config", "env", "error", "model", "outbox", "words"]),
    ("outbound", &["config", "env", "error", "model"]),
    ("oidc", &["config", "env", "model", "outbound"]),
    ("sms", &["config", "env", "error", "model", "outbound", "outbox"]),
    ("tls", &["config", "env", "error", "metrics", "model", "outbound", "seal", "store"]),
    ("backup", &["env", "error", "model", "seal", "store", "token"]),
    (
        "identity",
        &[
            "backup", "config", "env", "error", "mail", "metrics", "model", "oidc", "outbox",
            "password", "seal", "sms", "store", "token", "webauthn", "words",
        ],
    ),
    ("doctor", &["config", "env", "error", "identity", "mail", "model", "outbound", "seal", "tls"]),
    ("http", &["config", "env", "error", "identity", "metrics", "model", "password", "tls"]),
    // `web` and `api` stand beside each other; only `app` knows both.
    ("web", &["config", "doctor", "error", "http", "identity", "model", "webauthn", "words"]),
    (
        "api",
        &["config", "doctor", "env", "error", "http", "identity", "model", "password", "webauthn"],
    ),
    // The test mode is a server with another outside; nothing but `cli` knows of it.
    (
        "testing",
        &[
            "app", "config", "env", "error", "http", "identity", "mail", "model", "outbox", "sms",
            "store",
        ],
    ),
    ("app", &["*"]),
    ("cli", &["*"]),
    ("main", &["*"]),
    ("lib", &["*"]),
];

/// Crates that only some modules may use, each given by its path under `src/`.
const DOORS: &[(&str, &[&str])] = &[
    ("rusqlite", &["store"]),
    ("r2d2", &["store"]),
    ("tokio_postgres", &["store"]),
    ("poem", &["http", "api", "app", "testing", "web"]),
    ("poem_openapi", &["http", "api"]),
    ("askama", &["http/docs", "testing", "web"]),
    ("flate2", &["http/docs"]),
    ("percent_encoding", &["model"]),
    ("hyper", &["http", "outbound", "tls/acme"]),
    ("hyper::client", &["outbound"]),
    ("hyper_util", &["http", "outbound"]),
    ("tokio_rustls", &["outbound", "store/postgres", "tls"]),
    ("instant_acme", &["tls/acme"]),
    ("rcgen", &["tls/acme"]),
    ("webpki_roots", &["outbound", "store/postgres"]),
    // Every URL of another server is parsed by `model::HttpUrl`.
    ("url", &["model"]),
    ("lettre", &["mail"]),
    ("argon2", &["password"]),
    ("bcrypt", &["password"]),
    ("jsonwebtoken", &["oidc", "token"]),
    ("governor", &["http"]),
    ("clap", &["cli", "main"]),
    ("comfy_table", &["cli"]),
];

#[test]
fn the_arrows_between_the_rooms_run_one_way() {
    let mut wrong = Vec::new();
    let sources = sources();
    let uses = imports::uses(&sources, ReExports::AsNamed);
    for file in &sources {
        let (path, room) = (file.path.display(), file.top());
        let Some((_, may)) = ARROWS.iter().find(|(name, _)| *name == room) else {
            wrong.push(format!("{path}: `{room}` has no entry in ARROWS yet"));
            continue;
        };
        for used in uses[&file.module].iter().filter_map(|used| used.first()) {
            if used != room && !may.contains(&"*") && !may.contains(&used.as_str()) {
                wrong.push(format!("{path}: `{room}` must not use `{used}`"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Two folders of one module may use each other's files, but no file may use, over however many
/// others, a file of another module that uses it: such files can only be read all at once.
#[test]
fn no_files_of_different_modules_use_each_other_in_a_circle() {
    let sources = sources();
    let folders = imports::folders(&sources);
    let owner = |module: &Module| {
        sources.iter().find(|file| file.module == *module).unwrap().owner(&folders)
    };
    let uses = imports::uses(&sources, ReExports::Followed);
    let mut wrong = Vec::new();
    for circle in imports::circles(&uses) {
        if circle.iter().map(&owner).collect::<BTreeSet<_>>().len() > 1 {
            let names: Vec<_> = circle.iter().map(|module| module.join("::")).collect();
            wrong.push(names.join(" <-> "));
        }
    }
    assert!(wrong.is_empty(), "circles between modules:\n{}", wrong.join("\n"));
}

/// The table of modules in `lib.rs` says what ARROWS says.
#[test]
fn the_table_in_the_tour_is_the_table_of_arrows() {
    let lib = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs");
    let text = fs::read_to_string(lib).unwrap();
    let rows: Vec<(String, BTreeSet<String>)> = text
        .lines()
        .filter_map(|line| line.strip_prefix("//! | [`"))
        .map(|line| {
            let name = line.split('`').next().unwrap().to_owned();
            let known = line.trim_end_matches(" |").rsplit(" | ").next().unwrap();
            (name, known.split(", ").map(|known| known.trim_matches('`').to_owned()).collect())
        })
        .collect();
    for (name, may) in ARROWS.iter().filter(|(name, _)| !["main", "lib"].contains(name)) {
        let expected: BTreeSet<String> = match *may {
            ["*"] => BTreeSet::from(["everything".to_owned()]),
            may => may.iter().filter(|known| **known != "sql").map(ToString::to_string).collect(),
        };
        let Some((_, known)) = rows.iter().find(|(row, _)| row == name) else {
            panic!("lib.rs has no row for `{name}`");
        };
        assert_eq!(*known, expected, "the row of `{name}` in lib.rs");
    }
    assert_eq!(rows.len(), ARROWS.len() - 2, "a row of lib.rs names no module");
}

#[test]
fn a_foreign_crate_comes_in_by_its_own_door() {
    let mut wrong = Vec::new();
    for SourceFile { path, code, module } in sources() {
        let room = module.first().map_or("lib", String::as_str);
        let is_in = |door: &&str| path.starts_with(door) || room == *door;
        for (name, doors) in DOORS {
            let uses = code.match_indices(&format!("{name}::")).any(|(at, _)| {
                !code[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':')
            });
            if uses && !doors.iter().any(is_in) {
                wrong.push(format!("{}: `{name}` is for {doors:?} alone", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_file_exceeds_the_line_limit() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut wrong = Vec::new();
    for path in
        ["src", "tests", "benches"].iter().flat_map(|folder| files_under(&root.join(folder), "rs"))
    {
        let text = fs::read_to_string(&path).unwrap();
        let lines = text.lines().count();
        if lines > 600 {
            wrong.push(format!("{}: {lines} lines, at most 600", path.display()));
        }
        let has_docs = text.trim_start().starts_with("//!");
        if !has_docs && lines > 20 && path.starts_with(root.join("src")) {
            wrong.push(format!("{}: does not open with what it owns (//!)", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Cargo forgets `strip` for a package with a section of its own in the profile.
#[test]
fn a_release_is_stripped() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = std::fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let release = &manifest["profile"]["release"];
    assert_eq!(release["strip"].as_str(), Some("symbols"));
    assert!(release["package"].get("authd").is_none());
}

/// The text of every template and its path under `static/`.
fn templates() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("static");
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        (path.strip_prefix(&root).unwrap().to_owned(), text)
    };
    files_under(&root, "html").into_iter().map(read).collect()
}

#[test]
fn templates_escape_every_value() {
    // HTML of the operator, from files. The values in it are escaped by templates.
    let own = [
        ("frame", "layout.brand.own.before(layout)"),
        ("frame", "layout.brand.header"),
        ("frame", "layout.brand.own.after(layout)"),
        ("foot", "layout.brand.footer"),
    ];
    let unescaped: Vec<_> = templates()
        .into_iter()
        .flat_map(|(path, text)| {
            assert!(!text.contains("autoescape") && !text.contains("escape("), "{path:?}");
            let compact = text.replace(' ', "");
            let parts: Vec<_> = compact.split("|safe").map(str::to_owned).collect();
            let values = parts[..parts.len() - 1].iter().map(|before| {
                let opened = before.rfind("{{").unwrap();
                before[opened + 2..].to_owned()
            });
            values.map(|value| (path.clone(), value)).collect::<Vec<_>>()
        })
        .collect();
    let own = own.map(|(file, value)| (format!("pages/{file}.html").into(), value.to_owned()));
    let (mut unescaped, mut own) = (unescaped, own.to_vec());
    unescaped.sort();
    own.sort();
    assert_eq!(unescaped, own);
    for SourceFile { path, code, .. } in sources() {
        let may_nest = path.starts_with("http/docs/reference");
        assert!(may_nest || !code.contains("HtmlSafe"), "{}: only templates nest", path.display());
        let has_own_rules = code.contains("escape = \"") || code.contains("source = \"");
        assert!(!has_own_rules, "{}: templates are files, and HTML", path.display());
    }
}

/// The core names fields by [`authd::error::Field`] and says what is wrong as data; each wire has
/// its own spelling and its own sentences.
#[test]
fn the_core_knows_no_field_name_and_no_sentence_of_a_wire() {
    let is_wire_name = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.contains(|c: char| c.is_ascii_uppercase())
            && text.chars().all(|c| c.is_ascii_alphanumeric())
    };
    let mut wrong = Vec::new();
    for SourceFile { path, code, module } in sources() {
        let core = ["identity", "model", "password"];
        if !module.first().is_some_and(|top| core.contains(&top.as_str())) {
            continue;
        }
        // The names of operating systems are not fields.
        let names = code.split('"').skip(1).step_by(2).filter(|text| is_wire_name(text));
        let names = names.filter(|name| !["iOS", "iPadOS", "macOS"].contains(name));
        wrong.extend(names.map(|name| format!("{}: the wire name {name:?}", path.display())));
        for edge in ["Field::Path", "FieldError::new(\"", "invalid_field(\"", "Error::with("] {
            if code.contains(edge) {
                wrong.push(format!("{}: `{edge}` is for the edges", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_the_store_speaks_sql() {
    for SourceFile { path, code, module } in sources() {
        if module.first().is_none_or(|top| top != "store") {
            assert!(
                !code.contains("sql!("),
                "{}: SQL text stands in src/store alone",
                path.display()
            );
        }
    }
}

/// What proves an address voids what others left on the account: no way to prove one may go around
/// that.
#[test]
fn one_file_proves_addresses() {
    let place = Path::new("identity/account/proved_address.rs");
    for SourceFile { path, code, module } in sources() {
        let is_store = module.first().is_some_and(|top| top == "store");
        for change in ["prove_email(", "set_email("] {
            let is_here = code.contains(&format!("accounts::{change}"));
            let is_allowed = is_store || path.ends_with(place);
            assert!(
                !is_here || is_allowed,
                "{}: `{change}..)` belongs in {place:?}",
                path.display()
            );
            assert!(is_here || !path.ends_with(place), "{place:?} does not call `{change}..)`");
        }
    }
}
