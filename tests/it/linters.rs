//! What tools of other makers say about the OpenAPI documents, and about the server that answers to
//! them.

use std::path::Path;
use std::process::Command;

use crate::cli::Folder;
use crate::support::UNLIMITED;
use crate::tools::{installed, is_here, missing, succeed};

/// Every document, and the profile that serves it.
const DOCUMENTS: [(&str, &str); 5] = [
    ("v1", "standard"),
    ("siteworks", "siteworks"),
    ("jobpath", "jobpath"),
    ("jobpsych", "jobpsych"),
    ("authbackend", "authbackend"),
];

#[test]
fn no_linter_finds_an_error_in_a_document() {
    let Some(tools) = installed("lint").filter(|_| is_here("node")) else {
        return missing("the linters of the documents", "@redocly/cli");
    };
    let folder = Folder::new();
    let dir = folder.0.path();
    std::fs::write(dir.join("ruleset.yaml"), "extends: spectral:oas\n").unwrap();
    let files: Vec<String> = DOCUMENTS
        .iter()
        .map(|(name, profile)| {
            let ran = folder.run(&["openapi", name, "--profile", profile]);
            assert_eq!(ran.code, Some(0), "{}", ran.err);
            let file = format!("{name}.json");
            std::fs::write(dir.join(&file), ran.out).unwrap();
            file
        })
        .collect();
    let tool = |program: &str| {
        let mut command = Command::new(tools.join("node_modules/.bin").join(program));
        command.current_dir(dir).env("REDOCLY_TELEMETRY", "off");
        command
    };
    succeed(tool("redocly").args(["lint", "--extends", "recommended"]).args(&files));
    succeed(
        tool("spectral")
            .args(["lint", "--ruleset", "ruleset.yaml", "--fail-severity", "error"])
            .args(&files),
    );
}

#[test]
fn the_server_answers_as_its_documents_say_whatever_a_tool_makes_of_them() {
    let Some(tools) = installed("requests") else {
        return missing("requests made from the documents", "schemathesis");
    };
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/schemathesis.toml");
    for (name, profile) in DOCUMENTS {
        let folder = Folder::new();
        // The tool would meet the limits per client IP and little else.
        let off: Vec<String> =
            UNLIMITED.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let mut arguments = vec!["--profile", profile];
        arguments.extend(off.iter().flat_map(|setting| ["--set", setting.as_str()]));
        let server = folder.serve_with(&arguments);
        let url = server.greeting["url"].as_str().unwrap();
        let mut run = Command::new(tools.join("bin/schemathesis"));
        run.current_dir(folder.0.path()).args(["--config-file", rules.to_str().unwrap()]);
        run.args(["run", &format!("{url}/openapi/{name}.json"), "--origin", url]);
        // What is served beside an API has a server of its own, which the tool does not read.
        run.args(["--exclude-path-regex", r"^/(livez|readyz|metrics|verify-email|\.well-known)"]);
        run.args(["--max-time", "20", "--seed", "1", "--no-color"]);
        succeed(&mut run);
        assert_eq!(server.end(), Some(0));
    }
}
