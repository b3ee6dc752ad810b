//! What tools of other makers say about the OpenAPI documents, and about the server that answers to
//! them.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::cli::{CHEAP, Folder, PASSWORD};
use crate::process::is_long;
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

/// Who makes the requests.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Requester {
    Stranger,
    /// An administrator, with an access token and, where apps have one, the key of an app.
    Admin,
}

const ADMIN: &str = "admin@example.com";

/// Runs the tool on every document.
fn make_requests(requester: Requester) {
    let Some(tools) = installed("requests") else {
        return missing("requests made from the documents", "schemathesis");
    };
    let clients = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients");
    for (name, profile) in DOCUMENTS {
        let folder = Folder::new();
        // The tool would meet the limits per client IP and little else.
        let off: Vec<String> =
            UNLIMITED.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let mut arguments = vec!["--profile", profile];
        arguments.extend(off.iter().flat_map(|setting| ["--set", setting.as_str()]));
        if requester == Requester::Admin {
            let create = ["user", "create", "--email", ADMIN, "--role", "admin", "--verified"];
            let more = ["--password-stdin", "--profile", profile];
            let made = folder.run_with_input(&[&create[..], &more, &CHEAP].concat(), PASSWORD);
            assert_eq!(made.code, Some(0), "{}", made.err);
        }
        let server = folder.serve_with(&arguments);
        let url = server.greeting["url"].as_str().unwrap();
        let mut run = Command::new(tools.join("bin/schemathesis"));
        run.current_dir(folder.0.path())
            .arg("--config-file")
            .arg(clients.join("schemathesis.toml"));
        run.args(["run", &format!("{url}/openapi/{name}.json"), "--origin", url]);
        // What is served beside an API has a server of its own, which the tool does not read.
        run.args(["--exclude-path-regex", r"^/(livez|readyz|metrics|verify-email|\.well-known)"]);
        // The native API has three times as many operations as the largest of the others.
        let seconds = match name {
            _ if is_long() => "120",
            "v1" => "6",
            _ => "3",
        };
        run.args(["--max-time", seconds, "--seed", "1", "--no-color"]);
        if requester == Requester::Admin {
            let app = &server.greeting["app"];
            let mut headers = json!({});
            if !app.is_null() {
                headers = json!({ "X-App-ID": app["id"], "X-Service-Key": app["key"] });
            }
            for (name, value) in headers.as_object().unwrap() {
                run.args(["--header", &format!("{name}: {}", value.as_str().unwrap())]);
            }
            run.env("SCHEMATHESIS_HOOKS", "schemathesis_hooks").env("PYTHONPATH", &clients);
            run.env("PYTHONDONTWRITEBYTECODE", "1").env("AUTHD", env!("CARGO_BIN_EXE_authd"));
            run.env("API_URL", url).env("APP_HEADERS", headers.to_string());
            run.env("ACCOUNT_EMAIL", ADMIN).env("ACCOUNT_PASSWORD", PASSWORD);
        }
        succeed(&mut run);
        assert_eq!(server.end(), Some(0));
    }
}

#[test]
fn the_server_answers_a_stranger_as_its_documents_say_whatever_a_tool_makes_of_them() {
    make_requests(Requester::Stranger);
}

#[test]
fn the_server_answers_an_administrator_as_its_documents_say_whatever_a_tool_makes_of_them() {
    make_requests(Requester::Admin);
}
