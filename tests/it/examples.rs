//! The clients in `examples/` work against the running program, and the configuration samples are
//! valid.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};

use serde_json::Value;

use crate::chromium::Browser;
use crate::cli::{Folder, PASSWORD, Server};
use crate::tools::{is_here, missing, succeed};

/// The output of every client, in order.
const STORY: [&str; 7] = [
    "signed up: ",
    "verified",
    "logged in",
    "me: ",
    "refreshed",
    "logged out",
    "the access token is dead",
];

pub fn example(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(path)
}

/// A client with `authd` on its path.
fn client(program: &str, path: &str, server: &Server) -> Command {
    let authd = Path::new(env!("CARGO_BIN_EXE_authd")).parent().unwrap();
    let mut client = Command::new("sh");
    client.args(["-c", "PATH=\"$0:$PATH\" exec \"$@\""]).arg(authd).arg(program).arg(example(path));
    client.arg(server.greeting["url"].as_str().unwrap());
    client
}

/// Runs a client in a server's folder, and then in another one that names its database.
fn tell(program: &str, path: &str, needs: &[&str]) {
    if let Some(program) = needs.iter().find(|program| !is_here(program)) {
        return missing(path, program);
    }
    for profile in ["standard", "perfect21"] {
        let (folder, elsewhere) = (Folder::new(), Folder::new());
        let server = folder.serve_with(&["--profile", profile]);
        let mut here = client(program, path, &server);
        let mut there = client(program, path, &server);
        there.env("AUTHD_DB", folder.0.path().join("authd.db"));
        assert_told(profile, &succeed(here.current_dir(folder.0.path())));
        assert_told(profile, &succeed(there.current_dir(elsewhere.0.path())));
        let mut lost = client(program, path, &server);
        let lost = lost.current_dir(elsewhere.0.path()).output().unwrap();
        let said = String::from_utf8(lost.stderr).unwrap();
        assert!(!lost.status.success() && said.contains("set AUTHD_DB to its database"), "{said}");
        assert!(said.lines().count() <= 4, "{said}");
    }
}

fn assert_told(profile: &str, printed: &str) {
    let lines: Vec<&str> = printed.lines().collect();
    assert_eq!(lines.len(), STORY.len(), "{profile}: {printed}");
    assert!(
        lines.iter().zip(STORY).all(|(line, word)| line.starts_with(word)),
        "{profile}: {printed}"
    );
}

#[test]
fn the_example_runs_with_curl() {
    tell("sh", "shell/account.sh", &["curl"]);
}

#[test]
fn the_example_runs_in_node() {
    tell("node", "node/account.mjs", &["node"]);
}

#[test]
fn the_example_runs_in_python() {
    tell("python3", "python/account.py", &["python3"]);
}

/// Serves a folder like a static file server until the tests end; returns its origin.
/// `api` replaces the address of authd that the page names.
pub fn serve_files(folder: PathBuf, api: &Arc<OnceLock<String>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    // Of the same site as authd, so that its cookie is sent.
    let origin = format!("http://localhost:{}", listener.local_addr().unwrap().port());
    let api = Arc::clone(api);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut lines =
                BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            let Some(line) = lines.next() else { continue };
            let _ = lines.find(String::is_empty);
            let target = line.split(' ').nth(1).unwrap_or("/").split('?').next().unwrap_or("/");
            let name = if target == "/" { "index.html" } else { &target[1..] };
            let kind = match Path::new(name).extension().and_then(|end| end.to_str()) {
                Some("js") => "text/javascript",
                Some("css") => "text/css",
                _ => "text/html",
            };
            let text = std::fs::read_to_string(folder.join(name)).unwrap_or_default();
            let bytes = text.replace("http://localhost:3000", api.wait()).into_bytes();
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n",
                bytes.len()
            );
            let _ =
                stream.write_all(&[head.as_bytes(), b"connection: close\r\n\r\n", &bytes].concat());
        }
    });
    origin
}

/// Fills in a form and clicks one of its buttons.
pub fn send(browser: &Browser, form: &str, fields: &[(&str, &str)], button: &str) {
    browser.wait(&format!("{form}:not([hidden])"));
    for (name, value) in fields {
        let (field, value) = (Value::from(format!("{form} [name={name}]")), Value::from(*value));
        browser.run(&format!("document.querySelector({field}).value = {value}"));
    }
    browser.click(&format!("{form} {button}"));
}

#[test]
fn the_example_runs_in_a_page() {
    let Some(browser) = Browser::open("browser/index.html") else { return };
    let api = Arc::default();
    let origin = serve_files(example("browser"), &api);
    let folder = Folder::new();
    let server = folder.serve_with(&["--set", &format!("server.cors_origins=[\"{origin}\"]")]);
    api.set(server.greeting["url"].as_str().unwrap().to_owned()).unwrap();
    // The author of a link must not choose where the password goes.
    let page = format!("{origin}/?api=http://127.0.0.1:1");
    let account = [("email", "jane@example.com"), ("password", PASSWORD)];

    browser.go(&page);
    send(&browser, "#outside", &account, "[value=register]");
    browser.wait("#proof:not([hidden])");
    let letter = folder.run(&["mail", "show", "--last"]).out;
    let link = letter.lines().find(|line| line.contains("verify-email?token=")).unwrap();
    send(&browser, "#proof", &[("token", link)], "button");
    send(&browser, "#outside", &[account[0], ("password", "not the password")], "[value=login]");
    assert!(browser.wait("#said:not(:empty)").starts_with("Wrong email/username or password"));
    send(&browser, "#outside", &account, "[value=login]");
    assert!(browser.wait("#inside:not([hidden])").contains("jane@example.com"));
    assert_eq!(browser.run("return document.cookie"), "");

    // The page has lost its state, but the cookie remains.
    browser.go(&page);
    assert!(browser.wait("#inside:not([hidden])").contains("active"));
    browser.click("#logout");
    browser.wait("#outside:not([hidden])");
    browser.go(&page);
    browser.wait("#outside:not([hidden])");
    let refused = |line: &String| line.contains("status of 4");
    assert_eq!(
        browser.console().into_iter().filter(|line| !refused(line)).collect::<Vec<_>>(),
        Vec::<String>::new()
    );
}

#[test]
fn the_example_configuration_for_production_is_complete() {
    let sample = example("deploy/authd.toml");
    let check = |variables: &[(&str, &str)]| {
        let mut authd = Command::new(env!("CARGO_BIN_EXE_authd"));
        authd.args(["config", "check", "--json", "--config"]).arg(&sample).env_clear();
        let output = authd.envs(variables.iter().copied()).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let secret = ("AUTHD_MAIL__SMTP_URL", "smtps://user:password@mail.example.com");
    // A sender of example.com is refused, as expected for a sample.
    let (code, said) = check(&[secret, ("AUTHD_MAIL__FROM", "noreply@id.mydomain.org")]);
    assert_eq!(code, Some(0), "{said}");
    assert!(!said.contains("\"error\"") && !said.contains("\"warning\""), "{said}");
    assert_eq!(check(&[secret]).0, Some(1));
}

#[test]
fn git_leaves_out_what_authd_and_the_examples_leave_behind() {
    if !is_here("git") {
        return missing("the ignored files", "git");
    }
    for name in [
        "authd.db",
        "authd.db-wal",
        "authd.db-shm",
        "authd.db.lock",
        "authd.db.v1-20260101T000000Z.bak",
        "authd.key",
        "authd.toml",
        ".env",
        "venv/bin/python",
        "examples/express/node_modules/express/index.js",
        "examples/fastapi/__pycache__/service.pyc",
        "examples/nextjs/.next/BUILD_ID",
        "examples/axum/target/debug/authd-axum-example",
    ] {
        let mut git = Command::new("git");
        git.args(["check-ignore", "--quiet", "--no-index", name]);
        let ignored = git.current_dir(env!("CARGO_MANIFEST_DIR")).status().unwrap();
        assert!(ignored.success(), "{name}");
    }
}
