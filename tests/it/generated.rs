//! Clients that generators make from the documents, used against the running program; and what a validator says.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cli::{Folder, PASSWORD, Server};
use crate::tools::{installed, is_here, skip, succeed};

/// Every document, and the profile under which it is served.
const DOCUMENTS: [(&str, &str); 3] = [("v1", "standard"), ("siteworks", "siteworks"), ("jobpath", "jobpath")];

const EMAIL: &str = "jane@example.com";

/// A folder with every document in it as `<name>.json`.
fn documents() -> Folder {
    let folder = Folder::new();
    for (name, profile) in DOCUMENTS {
        let ran = folder.run(&["openapi", name, "--profile", profile]);
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        std::fs::write(folder.0.path().join(format!("{name}.json")), ran.out).unwrap();
    }
    folder
}

/// A server on which somebody is who can log in.
fn served(folder: &Folder) -> Server {
    let server = folder.serve();
    let ran = folder.run_with_input(&["user", "create", "--email", EMAIL, "--verified", "--password-stdin"], PASSWORD);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    server
}

fn base(server: &Server) -> String {
    format!("{}/v1", server.greeting["url"].as_str().unwrap())
}

fn usage(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(name)
}

#[test]
fn a_typescript_client_is_made_from_the_document_and_works() {
    let Some(tools) = installed("node").filter(|_| is_here("node")) else {
        return skip("the TypeScript client", "its generator is not installed (.ci/run does it)");
    };
    let folder = documents();
    let dir = folder.0.path();
    std::os::unix::fs::symlink(tools.join("node_modules"), dir.join("node_modules")).unwrap();
    let tool = |path: &str| {
        let mut command = Command::new("node");
        command.arg(tools.join("node_modules").join(path)).current_dir(dir);
        command
    };
    for (name, _) in DOCUMENTS {
        succeed(tool("openapi-typescript/bin/cli.js").args([&format!("{name}.json"), "-o", &format!("{name}.d.ts")]));
    }
    std::fs::copy(usage("usage.ts"), dir.join("usage.mts")).unwrap();
    let strict = ["--strict", "--target", "es2022", "--module", "nodenext", "--lib", "es2022,dom"];
    let sources: Vec<String> = DOCUMENTS.iter().map(|(name, _)| format!("{name}.d.ts")).collect();
    succeed(tool("typescript/bin/tsc").args(strict).arg("usage.mts").args(sources));
    let server = served(&folder);
    let mut app = Command::new("node");
    let printed = succeed(app.arg("usage.mjs").args([&base(&server), EMAIL, PASSWORD]).current_dir(dir));
    assert_eq!(printed, "typescript: jane@example.com is active\n");
}

#[test]
fn a_python_client_is_made_from_the_document_and_works() {
    let Some(tools) = installed("python") else {
        return skip("the Python client", "its generator is not installed (.ci/run does it)");
    };
    let folder = documents();
    let dir = folder.0.path();
    let python = || {
        let mut command = Command::new(tools.join("bin/python"));
        command.current_dir(dir);
        command
    };
    std::fs::write(dir.join("generator.yml"), "post_hooks: []\n").unwrap();
    for (name, _) in DOCUMENTS {
        let document = format!("{name}.json");
        succeed(python().args(["-m", "openapi_spec_validator", &document]));
        let folder = if name == "v1" { "client".to_owned() } else { format!("client_{name}") };
        let generate = ["-m", "openapi_python_client", "generate", "--meta", "none", "--config", "generator.yml"];
        let said = succeed(
            python().args(generate).args(["--fail-on-warning", "--path", &document]).args(["--output-path", &folder]),
        );
        assert!(!said.contains("Warning"), "{name}: {said}");
    }
    std::fs::copy(usage("usage.py"), dir.join("usage.py")).unwrap();
    let server = served(&folder);
    let printed = succeed(python().arg("usage.py").args([&base(&server), EMAIL, PASSWORD]));
    assert_eq!(printed, "python: jane@example.com is active\n");
}
