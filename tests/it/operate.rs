//! Commands of an operator with the real program: before the first start, when the server is ready,
//! whether it answers, what a mail test says, and who is in the audit log.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use serde_json::Value;

use crate::process::{Folder, Ran, credentials};

const PASSWORD: &str = "Correct-Horse-7-Battery";

fn folder() -> Folder {
    let folder = Folder::new();
    let cheap = "hashing.memory = 64\nhashing.passes = 1\n";
    std::fs::write(folder.path("authd.toml"), cheap).unwrap();
    folder
}

fn create(folder: &Folder, email: &str, more: &[&str]) -> Ran {
    let arguments = ["user", "create", "--email", email, "--verified", "--password-stdin"];
    let mut child =
        folder.command(&[&arguments, more].concat()).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(PASSWORD.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

#[test]
fn accounts_and_apps_can_be_created_before_the_first_start() {
    let folder = folder();
    let made = create(&folder, "jo@example.com", &["--role", "admin"]);
    assert_eq!(made.code, Some(0), "{}", made.err);
    assert!(made.err.contains("authd.db") && made.err.contains("profile standard"), "{}", made.err);
    assert!(folder.path("authd.key").exists());
    let again = create(&folder, "ann@example.com", &[]);
    assert_eq!((again.code, again.err.contains("creating")), (Some(0), false), "{}", again.err);
    let server = folder.serve(&[]);
    let login = server.post("/v1/auth/login", &credentials("jo@example.com", PASSWORD)).unwrap();
    assert_eq!(login.status, 200, "{}", login.body);
    assert_eq!(server.end(), Some(0));

    let other = Folder::new();
    let app = other.run(&["app", "create", "Web", "--profile", "authbackend"]);
    assert_eq!(app.code, Some(0), "{}", app.err);
    let server = other.serve(&[]);
    assert_eq!(server.greeting["profile"], "authbackend", "as the first command said");
    assert_eq!(server.greeting["app"], Value::Null, "there is one already");
}

#[test]
fn other_commands_create_nothing() {
    let folder = folder();
    for command in [&["user", "list"][..], &["app", "list"], &["key", "list"]] {
        let ran = folder.run(command);
        assert_eq!(ran.code, Some(1), "{command:?}");
        assert!(ran.err.contains("there is no database"), "{command:?}: {}", ran.err);
    }
    assert!(!folder.path("authd.db").exists() && !folder.path("authd.key").exists());
}

#[test]
fn a_file_says_when_the_server_is_ready_and_for_how_long() {
    let folder = folder();
    let file = folder.path("ready.json");
    std::fs::write(&file, "notes of mine").unwrap();
    let refused = folder.run(&["serve", "--ready-file", "ready.json"]);
    assert!(
        refused.code == Some(1) && refused.err.contains("ready.json exists"),
        "{}",
        refused.err
    );
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "notes of mine");
    // A server that was killed leaves its file behind.
    std::fs::write(&file, "{\"address\":\"127.0.0.1:1\"}").unwrap();
    let server = folder.serve(&["--ready-file", "ready.json"]);
    // The greeting is printed first, and the file follows it.
    let written = (0..100_000).find_map(|_| std::fs::read_to_string(&file).ok()).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&written).unwrap(), server.greeting);
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(server.end(), Some(0));
    assert!(!file.exists());
}

#[test]
fn health_says_whether_the_server_answers() {
    let folder = folder();
    let server = folder.serve(&[]);
    let health = |address: &str| {
        let output =
            folder.command(&["health", "--json"]).env("AUTHD_LISTEN", address).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let port = server.address.rsplit_once(':').unwrap().1.to_owned();
    for address in [server.address.clone(), format!("0.0.0.0:{port}")] {
        assert_eq!(health(&address), (Some(0), "{\"ready\":true,\"status\":\"200\"}\n".to_owned()));
    }
    let address = server.address.clone();
    assert_eq!(server.end(), Some(0));
    assert_eq!(health(&address), (Some(1), String::new()));
}

#[test]
fn a_mail_test_tells_a_wrong_name_from_a_server_that_does_not_answer() {
    let folder = folder();
    let test = |url: &str| {
        let mut command = folder.command(&["mail", "test", "jo@example.com"]);
        let output = command.env("AUTHD_MAIL__SMTP_URL", url).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
    };
    for scheme in ["smtp", "smtps"] {
        let said = test(&format!("{scheme}://me:hush@mail.nowhere.invalid"));
        assert!(said.contains("FAILED  resolve"), "{said}");
        assert!(said.contains("The name mail.nowhere.invalid does not resolve"), "{said}");
        assert!(said.contains("hint: check the host in mail.smtp_url"), "{said}");
    }
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let said = test(&format!("smtp://{free}"));
    assert!(said.contains("cannot be reached: ") && said.contains("refused"), "{said}");
    assert!(said.contains("hint: check host and port of mail.smtp_url"), "{said}");
    assert!(!said.contains("try again in a moment"), "{said}");
}

#[test]
fn the_log_of_a_server_begins_with_the_guards_that_are_off() {
    let folder = folder();
    let off = ["--set", "limits.sign_in=off", "--set", "throttle.enabled=false"];
    assert_eq!(folder.serve(&off).end(), Some(0));
    let log = std::fs::read_to_string(folder.path("log")).unwrap();
    let warned = |word: &str| log.lines().any(|l| l.contains("WARN") && l.contains(word));
    assert!(warned("rate limits are off: limits.sign_in"), "{log}");
    assert!(warned("passwords can be guessed"), "{log}");
}

#[test]
fn an_auditor_reads_addresses_under_headings() {
    let folder = folder();
    assert_eq!(create(&folder, "jo@example.com", &[]).code, Some(0));
    assert_eq!(create(&folder, "gone@example.com", &[]).code, Some(0));
    let gone = folder.run(&["user", "show", "gone@example.com", "--json"]);
    let gone: Value = serde_json::from_str(&gone.out).unwrap();
    assert_eq!(folder.run(&["user", "delete", "gone@example.com", "--yes"]).code, Some(0));
    let table = folder.run(&["audit", "--event", "account_created"]).out;
    let lines: Vec<&str> = table.lines().collect();
    let [heading, jo, other] = lines[..] else { panic!("{table}") };
    assert_eq!(heading.find("ACCOUNT"), jo.find("jo@example.com"), "{table}");
    assert!(other.contains(gone["id"].as_str().unwrap()), "{table}");
    assert!(!table.contains("gone@example.com"), "{table}");

    let mut following =
        folder.command(&["audit", "--follow", "--event", "account_created"]).spawn().unwrap();
    let mut lines = BufReader::new(following.stdout.take().unwrap()).lines();
    let mut next = || lines.next().unwrap().unwrap();
    let (heading, jo, _) = (next(), next(), next());
    assert_eq!(create(&folder, "new@example.com", &[]).code, Some(0));
    let new = next();
    following.kill().unwrap();
    following.wait().unwrap();
    for (line, address) in [(jo, "jo@example.com"), (new, "new@example.com")] {
        assert_eq!(heading.find("ACCOUNT"), line.find(address), "{heading}\n{line}");
    }
}
