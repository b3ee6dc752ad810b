//! The clients in `examples/` work against the running program, and the configuration samples are
//! valid.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, OnceLock};

use serde_json::Value;

use crate::chromium::Browser;
use crate::cli::{CHEAP, Folder, PASSWORD, Server};
use crate::process::{self, Reply, read_reply};
use crate::tools::{installed, is_here, missing, succeed};

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

fn example(path: &str) -> PathBuf {
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
fn serve_files(folder: PathBuf, api: &Arc<OnceLock<String>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
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
fn send(browser: &Browser, form: &str, fields: &[(&str, &str)], button: &str) {
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

/// A service that checks access tokens by itself; its first printed line names its address.
struct Service {
    child: Child,
    address: String,
}

impl Service {
    fn start(mut command: Command, authd: &str) -> Self {
        command.env("AUTHD_URL", authd).env("PORT", "0");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (lines, printed) = std::sync::mpsc::channel();
        let out: Box<dyn std::io::Read + Send> = Box::new(child.stdout.take().unwrap());
        let err: Box<dyn std::io::Read + Send> = Box::new(child.stderr.take().unwrap());
        for stream in [out, err] {
            let lines = lines.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    let _ = lines.send(line);
                }
            });
        }
        drop(lines);
        let place = |line: String| {
            let rest = line.split_once("http://")?.1;
            Some(rest.split(['/', ' ']).next()?.to_owned())
        };
        let address = printed.iter().find_map(place).unwrap();
        Self { child, address }
    }

    fn me(&self, authorization: &str) -> Reply {
        let mut stream = std::net::TcpStream::connect(&self.address).unwrap();
        let head = "GET /me HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
        write!(stream, "{head}{authorization}\r\n").unwrap();
        read_reply(&mut stream).unwrap()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// authd on a port that is known before it starts, because its address is the issuer of its tokens.
fn serve_at_its_issuer(folder: &process::Folder) -> process::Server {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let arguments = [&["serve", "--json", "--listen", &address][..], &CHEAP].concat();
    let mut child = folder.command(&arguments).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    process::Server { child, address, greeting: serde_json::from_str(&line).unwrap() }
}

/// Creates an account; returns its id and an access token.
fn log_in(folder: &process::Folder, authd: &process::Server) -> (Value, String) {
    let create = ["user", "create", "--email", "jo@example.com", "--verified", "--password-stdin"];
    let mut create = folder.command(&[&create[..], &["--json"]].concat());
    let mut create = create.stdin(Stdio::piped()).spawn().unwrap();
    create.stdin.take().unwrap().write_all(PASSWORD.as_bytes()).unwrap();
    let made = create.wait_with_output().unwrap().stdout;
    let made: Value = serde_json::from_slice(&made).unwrap();
    let credentials = process::credentials("jo@example.com", PASSWORD);
    let login = authd.post("/v1/auth/login", &credentials).unwrap();
    (made["id"].clone(), login.text("accessToken"))
}

/// The service accepts tokens of its server, and no others.
fn checks_tokens(start: impl Fn(&str) -> Service) {
    let (folder, other) = (process::Folder::new(), process::Folder::new());
    let (authd, stranger) = (serve_at_its_issuer(&folder), serve_at_its_issuer(&other));
    let ((id, ours), (_, strange)) = (log_in(&folder, &authd), log_in(&other, &stranger));
    let service = start(&format!("http://{}", authd.address));
    let me = service.me(&format!("Authorization: Bearer {ours}\r\n"));
    assert_eq!((me.status, &me.body["id"]), (200, &id), "{}", me.body);
    assert_eq!(me.body["roles"], serde_json::json!(["user"]));
    let damaged = format!("{}AAAA", &ours[..ours.len() - 4]);
    for authorization in [
        String::new(),
        format!("Authorization: Basic {ours}\r\n"),
        "Authorization: Bearer nonsense\r\n".to_owned(),
        format!("Authorization: Bearer {damaged}\r\n"),
        format!("Authorization: Bearer {strange}\r\n"),
    ] {
        assert_eq!(service.me(&authorization).status, 401, "{authorization}");
    }
    // Without the keys no token is judged.
    let late = start("http://127.0.0.1:1");
    assert_eq!(late.me(&format!("Authorization: Bearer {ours}\r\n")).status, 503);
}

#[test]
fn a_service_in_express_checks_tokens_by_the_public_keys() {
    let Some(tools) = installed("express").filter(|_| is_here("node")) else {
        return missing("the Express example", "express");
    };
    // Node looks for packages beside the file, so it is linked to where they are.
    let folder = tempfile::TempDir::new().unwrap();
    for (from, name) in [
        (example("express/package.json"), "package.json"),
        (example("express/service.js"), "service.js"),
    ] {
        std::fs::copy(from, folder.path().join(name)).unwrap();
    }
    std::os::unix::fs::symlink(tools.join("node_modules"), folder.path().join("node_modules"))
        .unwrap();
    checks_tokens(|authd| {
        let mut node = Command::new("node");
        node.arg(folder.path().join("service.js"));
        Service::start(node, authd)
    });
}

#[test]
fn a_service_in_fastapi_checks_tokens_by_the_public_keys() {
    let Some(tools) = installed("fastapi") else {
        return missing("the FastAPI example", "fastapi");
    };
    checks_tokens(|authd| {
        let mut uvicorn = Command::new(tools.join("bin/uvicorn"));
        uvicorn.arg("--app-dir").arg(example("fastapi")).args(["--port", "0", "service:app"]);
        uvicorn.env("PYTHONDONTWRITEBYTECODE", "1");
        Service::start(uvicorn, authd)
    });
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
    ] {
        let mut git = Command::new("git");
        git.args(["check-ignore", "--quiet", "--no-index", name]);
        let ignored = git.current_dir(env!("CARGO_MANIFEST_DIR")).status().unwrap();
        assert!(ignored.success(), "{name}");
    }
}
