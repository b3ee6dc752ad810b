//! Clients that generators create from the documents, used against the running program; and the
//! report of a validator.

use std::path::{Path, PathBuf};
use std::process::Command;

use authd::http::docs::shared::inlined;
use serde_json::Value;

use crate::cli::{Folder, PASSWORD, Server};
use crate::tools::{installed, is_here, missing, succeed};

/// Every document, and the profile that serves it.
const DOCUMENTS: [(&str, &str); 6] = [
    ("v1", "standard"),
    ("v1-admin", "standard"),
    ("siteworks", "siteworks"),
    ("jobpath", "jobpath"),
    ("jobpsych", "jobpsych"),
    ("authbackend", "authbackend"),
];

const EMAIL: &str = "jane@example.com";

/// A folder with every document as `<name>.json`.
fn documents() -> Folder {
    let folder = Folder::new();
    for (name, profile) in DOCUMENTS {
        let ran = folder.run(&["openapi", name, "--profile", profile]);
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        std::fs::write(folder.0.path().join(format!("{name}.json")), ran.out).unwrap();
    }
    folder
}

/// A server with an account that can log in.
fn served(folder: &Folder) -> Server {
    let server = folder.serve();
    let ran = folder.run_with_input(
        &["user", "create", "--email", EMAIL, "--verified", "--role", "admin", "--password-stdin"],
        PASSWORD,
    );
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    server
}

fn base(server: &Server) -> String {
    format!("{}/v1", server.greeting["url"].as_str().unwrap())
}

fn usage(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(name)
}

/// Everything missing from a document, each with its place.
fn gaps(document: &Value) -> Vec<String> {
    let mut gaps = Vec::new();
    let items = document["paths"].as_object().unwrap();
    for (path, item) in items {
        for (method, operation) in item.as_object().unwrap() {
            let mut miss = |what: &str| gaps.push(format!("{method} {path}: {what}"));
            for key in ["summary", "operationId"] {
                if operation[key].as_str().is_none_or(str::is_empty) {
                    miss(key);
                }
            }
            if operation["tags"][0].as_str().is_none() {
                miss("tag");
            }
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                if parameter["description"].as_str().is_none() {
                    miss(&format!("description of {}", parameter["name"]));
                }
            }
            if operation.get("requestBody").is_some_and(|body| !has_examples(body)) {
                miss("example of the body");
            }
            let responses = operation["responses"].as_object().unwrap();
            if !responses.contains_key("500")
                || !responses.keys().any(|status| status.starts_with('2'))
            {
                miss("success or 500");
            }
            for (status, response) in responses {
                if !has_examples(response) {
                    miss(&format!("example of {status}"));
                }
                if response["headers"].get("X-Request-ID").is_none() {
                    miss(&format!("headers of {status}"));
                }
                if status == "429" && response["headers"].get("Retry-After").is_none() {
                    miss("Retry-After of 429");
                }
            }
        }
    }
    gaps
}

/// Whether a JSON body or response has an example; other types need none.
fn has_examples(part: &Value) -> bool {
    let has_one = |media: &Value| {
        media.get("example").is_some()
            || media["examples"].as_object().is_some_and(|examples| !examples.is_empty())
    };
    part["content"].get("application/json").is_none_or(has_one)
}

#[test]
fn no_document_leaves_its_reader_guessing() {
    let folder = documents();
    for (name, _) in DOCUMENTS {
        let text = std::fs::read_to_string(folder.0.path().join(format!("{name}.json"))).unwrap();
        let document = inlined(&serde_json::from_str(&text).unwrap());
        assert_eq!(gaps(&document), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn a_typescript_client_is_made_from_the_document_and_works() {
    let Some(tools) = installed("node").filter(|_| is_here("node")) else {
        return missing("the TypeScript client", "openapi-typescript");
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
        succeed(tool("openapi-typescript/bin/cli.js").args([
            &format!("{name}.json"),
            "-o",
            &format!("{name}.d.ts"),
        ]));
    }
    std::fs::copy(usage("usage.ts"), dir.join("usage.mts")).unwrap();
    let strict = ["--strict", "--target", "es2022", "--module", "nodenext", "--lib", "es2022,dom"];
    let sources: Vec<String> = DOCUMENTS.iter().map(|(name, _)| format!("{name}.d.ts")).collect();
    succeed(tool("typescript/bin/tsc").args(strict).arg("usage.mts").args(sources));
    let server = served(&folder);
    let mut app = Command::new("node");
    let printed =
        succeed(app.arg("usage.mjs").args([&base(&server), EMAIL, PASSWORD]).current_dir(dir));
    assert_eq!(printed, "typescript: jane@example.com is active\n");
}

#[test]
fn a_python_client_is_made_from_the_document_and_works() {
    let Some(tools) = installed("python") else {
        return missing("the Python client", "openapi-python-client");
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
        let folder = if name == "v1" {
            "client".to_owned()
        } else {
            format!("client_{}", name.replace('-', "_"))
        };
        let generate = [
            "-m",
            "openapi_python_client",
            "generate",
            "--meta",
            "none",
            "--config",
            "generator.yml",
        ];
        let said = succeed(
            python()
                .args(generate)
                .args(["--fail-on-warning", "--path", &document])
                .args(["--output-path", &folder]),
        );
        assert!(!said.contains("Warning"), "{name}: {said}");
    }
    std::fs::copy(usage("usage.py"), dir.join("usage.py")).unwrap();
    let server = served(&folder);
    let printed = succeed(python().arg("usage.py").args([&base(&server), EMAIL, PASSWORD]));
    assert_eq!(printed, "python: jane@example.com is active\n");
}
