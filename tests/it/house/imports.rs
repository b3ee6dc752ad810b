//! Which file of `src/` uses which: reads `use` trees and qualified paths, without compiling.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::slice::from_ref;

/// A module path below the crate, such as `["identity", "login", "gate"]`.
pub type Module = Vec<String>;

/// A source file without its comments, `pub use` lines and unit tests.
pub struct SourceFile {
    pub path: PathBuf,
    pub module: Module,
    pub code: String,
}

impl SourceFile {
    /// The top-level module that the file belongs to.
    pub fn top(&self) -> &str {
        self.module.first().map_or("lib", String::as_str)
    }

    /// The folder-level module that owns the file: `identity/login` for `identity/login/gate.rs`,
    /// `token` for `token/mint.rs`.
    pub fn owner(&self, folders: &BTreeSet<Module>) -> Module {
        let depth = if folders.contains(&self.module[..self.module.len().min(2)]) { 2 } else { 1 };
        self.module.iter().take(depth).cloned().collect()
    }
}

/// All files below a folder with this ending.
pub fn files_under(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_under(&path, ending));
        } else if path.extension().is_some_and(|extension| extension == ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The source files, apart from unit tests, which may use anything.
pub fn sources() -> Vec<SourceFile> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let is_test = |path: &Path| {
        let stem = path.file_stem().is_some_and(|stem| stem == "tests" || stem == "fixture");
        stem || path.components().any(|part| part.as_os_str() == "tests")
    };
    files_under(&root, "rs")
        .into_iter()
        .map(|path| path.strip_prefix(&root).unwrap().to_owned())
        .filter(|path| !is_test(path))
        .map(|path| {
            let text = fs::read_to_string(root.join(&path)).unwrap();
            let text = text.split("#[cfg(test)]\nmod ").next().unwrap();
            let code = text
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"))
                .collect::<Vec<_>>()
                .join("\n");
            SourceFile { module: module_of(&path), path, code }
        })
        .collect()
}

fn module_of(path: &Path) -> Module {
    let mut parts: Module =
        path.with_extension("").iter().map(|part| part.to_str().unwrap().to_owned()).collect();
    if parts.last().is_some_and(|last| last == "mod" || last == "lib") {
        parts.pop();
    }
    parts
}

/// The modules that are folders of a top-level module: second-level modules.
pub fn folders(sources: &[SourceFile]) -> BTreeSet<Module> {
    let nested = sources.iter().filter(|file| file.module.len() > 2);
    nested.map(|file| file.module[..2].to_vec()).collect()
}

/// What a path through a re-export counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReExports {
    /// A use of the file that re-exports: for who may know whom.
    AsNamed,
    /// A use of the file that defines: for circles.
    Followed,
}

/// Which file uses which. A re-export (`pub use`) itself is a name, not a use.
pub fn uses(sources: &[SourceFile], how: ReExports) -> BTreeMap<Module, BTreeSet<Module>> {
    let modules: BTreeSet<Module> = sources.iter().map(|file| file.module.clone()).collect();
    let exports = match how {
        ReExports::AsNamed => BTreeMap::new(),
        ReExports::Followed => re_exports(sources, &modules),
    };
    let mut found = BTreeMap::new();
    for file in sources {
        let mut used = BTreeSet::new();
        let mut names: BTreeMap<String, Module> = BTreeMap::new();
        let (statements, rest) = split_uses(&file.code);
        for statement in statements.iter().filter(|statement| !statement.is_public) {
            for path in expand(&statement.tree) {
                let Some(path) = absolute(&path, &file.module, &modules) else { continue };
                let path = follow(path, &exports, &modules);
                if let Some(name) = path.last() {
                    names.insert(name.clone(), path.clone());
                }
                // An imported module counts where it is used.
                if !modules.contains(&path) {
                    used.extend(file_of(&path, &modules));
                }
            }
        }
        for path in qualified(&rest) {
            let path = match names.get(&path[0]) {
                Some(imported) => [imported.as_slice(), &path[1..]].concat(),
                None => match absolute(&path, &file.module, &modules) {
                    Some(path) => path,
                    None => continue,
                },
            };
            used.extend(file_of(&follow(path, &exports, &modules), &modules));
        }
        used.remove(&file.module);
        found.insert(file.module.clone(), used);
    }
    found
}

/// Sets of files that use each other in a circle (Tarjan's algorithm).
pub fn circles(uses: &BTreeMap<Module, BTreeSet<Module>>) -> Vec<Vec<Module>> {
    struct Walk<'a> {
        uses: &'a BTreeMap<Module, BTreeSet<Module>>,
        index: BTreeMap<&'a Module, usize>,
        low: BTreeMap<&'a Module, usize>,
        stack: Vec<&'a Module>,
        found: Vec<Vec<Module>>,
    }

    impl<'a> Walk<'a> {
        fn visit(&mut self, file: &'a Module) {
            let number = self.index.len();
            self.index.insert(file, number);
            self.low.insert(file, number);
            self.stack.push(file);
            for next in self.uses.get(file).into_iter().flatten() {
                let low = if !self.index.contains_key(next) {
                    self.visit(next);
                    self.low[next]
                } else if self.stack.contains(&next) {
                    self.index[next]
                } else {
                    continue;
                };
                let lowest = self.low[file].min(low);
                self.low.insert(file, lowest);
            }
            if self.low[file] == number {
                let start = self.stack.iter().position(|open| *open == file).unwrap();
                let circle: Vec<_> = self.stack.drain(start..).cloned().collect();
                if circle.len() > 1 {
                    self.found.push(circle);
                }
            }
        }
    }

    let mut walk = Walk {
        uses,
        index: BTreeMap::new(),
        low: BTreeMap::new(),
        stack: Vec::new(),
        found: Vec::new(),
    };
    for file in uses.keys() {
        if !walk.index.contains_key(file) {
            walk.visit(file);
        }
    }
    walk.found
}

struct UseStatement {
    is_public: bool,
    tree: String,
}

/// Takes the `use` statements out of the code.
fn split_uses(code: &str) -> (Vec<UseStatement>, String) {
    let (mut statements, mut rest) = (Vec::new(), String::new());
    let mut lines = code.lines();
    while let Some(line) = lines.next() {
        let start = line.trim_start();
        let is_use = start.starts_with("use ")
            || (start.starts_with("pub") && start.contains(" use ") && !start.contains("fn "));
        if !is_use {
            rest.push_str(line);
            rest.push('\n');
            continue;
        }
        let mut text = start.to_owned();
        while !text.contains(';') {
            text.push_str(lines.next().unwrap());
        }
        let tree = text.split_once("use ").unwrap().1.trim_end_matches(';').to_owned();
        statements.push(UseStatement { is_public: text.starts_with("pub"), tree });
    }
    // A visibility is no use either.
    while let Some(at) = rest.find("pub(in ") {
        let end = at + rest[at..].find(')').unwrap();
        rest.replace_range(at..=end, "pub");
    }
    (statements, rest)
}

/// The paths of a `use` tree.
fn expand(tree: &str) -> Vec<Vec<String>> {
    let tree = tree.trim();
    let Some(open) = tree.find('{') else {
        let path = tree.split(" as ").next().unwrap();
        let parts = path.split("::").map(|part| part.trim().to_owned());
        return vec![parts.filter(|part| part != "self" && part != "*").collect()];
    };
    let prefix: Vec<String> = tree[..open]
        .split("::")
        .map(|part| part.trim().to_owned())
        .filter(|p| !p.is_empty())
        .collect();
    let inner = &tree[open + 1..tree.rfind('}').unwrap()];
    let (mut depth, mut start, mut found) = (0, 0, Vec::new());
    for (at, c) in inner.char_indices().chain([(inner.len(), ',')]) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                let branch = inner[start..at].trim();
                if !branch.is_empty() {
                    found.extend(
                        expand(branch).into_iter().map(|rest| [prefix.clone(), rest].concat()),
                    );
                }
                start = at + 1;
            }
            _ => {}
        }
    }
    found
}

/// Paths of at least two parts in code: `store::tables::sessions`.
fn qualified(code: &str) -> Vec<Vec<String>> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    code.split(|c: char| !is_word(c))
        .filter(|path| path.contains("::") && !path.starts_with(':'))
        .map(|path| path.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect())
        .filter(|path: &Vec<String>| !path.is_empty())
        .collect()
}

/// The path below the crate; `None` for other crates.
fn absolute(path: &[String], module: &Module, modules: &BTreeSet<Module>) -> Option<Module> {
    let ups = path.iter().take_while(|part| *part == "super").count();
    match path.first()?.as_str() {
        "crate" => Some(path[1..].to_vec()),
        "super" => {
            let base = &module[..module.len().checked_sub(ups)?];
            Some([base, &path[ups..]].concat())
        }
        first => {
            let child = [module.as_slice(), &[first.to_owned()]].concat();
            modules.contains(&child).then(|| [module.as_slice(), path].concat())
        }
    }
}

/// The file that defines a path: the longest module that it begins with.
fn file_of(path: &[String], modules: &BTreeSet<Module>) -> Option<Module> {
    (1..=path.len()).rev().map(|end| path[..end].to_vec()).find(|start| modules.contains(start))
}

/// What `pub use` makes known under another path.
fn re_exports(sources: &[SourceFile], modules: &BTreeSet<Module>) -> BTreeMap<Module, Module> {
    let mut found = BTreeMap::new();
    for file in sources {
        for statement in split_uses(&file.code).0.iter().filter(|statement| statement.is_public) {
            for path in expand(&statement.tree) {
                let Some(target) = absolute(&path, &file.module, modules) else { continue };
                if let Some(name) = target.last() {
                    let known_as = [file.module.as_slice(), from_ref(name)].concat();
                    if known_as != target && !modules.contains(&known_as) {
                        found.insert(known_as, target);
                    }
                }
            }
        }
    }
    found
}

fn follow(path: Module, exports: &BTreeMap<Module, Module>, modules: &BTreeSet<Module>) -> Module {
    let mut path = path;
    for _ in 0..4 {
        let Some((end, target)) =
            (1..=path.len()).find_map(|end| exports.get(&path[..end]).map(|target| (end, target)))
        else {
            break;
        };
        if modules.contains(&path[..end]) {
            break;
        }
        path = [target.as_slice(), &path[end..]].concat();
    }
    path
}

#[test]
fn a_use_tree_is_expanded_into_its_paths() {
    let paths: Vec<String> = expand("crate::store::{self, db::{Db, Row}, tables::links as links}")
        .into_iter()
        .map(|path| path.join("::"))
        .collect();
    assert_eq!(
        paths,
        [
            "crate::store",
            "crate::store::db::Db",
            "crate::store::db::Row",
            "crate::store::tables::links"
        ]
    );
}

#[test]
fn a_circle_is_found_and_a_chain_is_none() {
    let module = |name: &str| vec![name.to_owned()];
    let uses = |pairs: &[(&str, &[&str])]| -> BTreeMap<Module, BTreeSet<Module>> {
        pairs.iter().map(|(a, b)| (module(a), b.iter().map(|b| module(b)).collect())).collect()
    };
    assert_eq!(circles(&uses(&[("a", &["b"]), ("b", &["c"]), ("c", &[])])).len(), 0);
    let found = circles(&uses(&[("a", &["b"]), ("b", &["c"]), ("c", &["a"]), ("d", &["a"])]));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].len(), 3);
}
