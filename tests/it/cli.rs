//! The real program in an empty folder: its output on both streams, and its exit code.

mod accounts;
mod mail;
mod provider;
mod words;

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::tools::{is_here, missing};

/// A password that satisfies every rule.
pub const PASSWORD: &str = "Correct-Horse-7-Battery";

/// Cheap hashing, because these tests are not about hashing.
pub const CHEAP: [&str; 4] = ["--set", "hashing.memory=64", "--set", "hashing.passes=1"];

/// A separate folder for the program.
pub struct Folder(pub TempDir);

/// The result of a run.
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ran {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|error| panic!("{error} in {}\n{}", self.out, self.err))
    }
}

impl Folder {
    pub fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.path().join(name), text).unwrap();
    }

    fn authd(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_authd"));
        command.args(arguments).current_dir(self.0.path()).env_clear();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        ran(self.authd(arguments).spawn().unwrap())
    }

    pub fn run_with_input(&self, arguments: &[&str], input: &str) -> Ran {
        let mut child = self.authd(arguments).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        ran(child)
    }

    pub fn serve(&self) -> Server {
        self.serve_with(&[])
    }

    /// The server with additional flags.
    pub fn serve_with(&self, flags: &[&str]) -> Server {
        let mut arguments = vec!["serve", "--json", "--listen", "127.0.0.1:0"];
        arguments.extend(CHEAP);
        arguments.extend(flags);
        let mut child = self.authd(&arguments).stderr(Stdio::inherit()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Server { greeting: serde_json::from_str(&line).unwrap(), child }
    }
}

fn ran(child: Child) -> Ran {
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// A server that has printed its address; stops when dropped.
pub struct Server {
    pub greeting: Value,
    child: Child,
}

impl Server {
    pub fn end(mut self) -> Option<i32> {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Every command, as its help is printed.
const COMMANDS: &[&str] = &[
    "",
    "serve",
    "user",
    "user create",
    "user list",
    "user show",
    "user set-password",
    "user verify",
    "user role",
    "user lock",
    "user unlock",
    "user delete",
    "user restore",
    "user sessions",
    "user revoke",
    "user mfa-reset",
    "role",
    "role list",
    "role create",
    "role grant",
    "role withdraw",
    "role delete",
    "app",
    "app create",
    "app list",
    "app rotate",
    "app delete",
    "provider",
    "provider add",
    "provider list",
    "provider show",
    "provider set",
    "provider test",
    "provider remove",
    "audit",
    "backup",
    "backup verify",
    "restore",
    "rollback",
    "user import",
    "user export",
    "key",
    "key list",
    "key rotate",
    "key replace-master",
    "mail",
    "mail list",
    "mail show",
    "mail retry",
    "mail test",
    "health",
    "config",
    "config show",
    "config check",
    "profile",
    "profile list",
    "profile show",
    "openapi",
    "completions",
    "man",
];

#[test]
fn the_help_of_every_command_is_as_agreed() {
    let folder = Folder::new();
    let mut all = folder.run(&["-h"]).out;
    for command in COMMANDS {
        let arguments: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
        let ran = folder.run(&arguments);
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{command}");
        // Options common to all commands are shown once.
        let own = if command.is_empty() { ran.out } else { without_global_options(&ran.out) };
        write!(all, "\n──── authd {command} --help\n{own}").unwrap();
    }
    insta::assert_snapshot!("help", all);
}

fn without_global_options(help: &str) -> String {
    let (before, rest) = help.split_once("Global options:").unwrap_or((help, ""));
    let after = rest.find("\nExamples:").map_or("", |at| &rest[at..]);
    format!("{}\n{after}", before.trim_end())
}

#[test]
fn what_is_asked_wrongly_ends_with_2_and_a_word_on_standard_error() {
    let folder = Folder::new();
    for (arguments, word) in [
        (&["sreve"][..], "serve"),
        (&[], "Usage"),
        (&["user"], "create"),
        (&["user", "list", "--status", "asleep"], "suspended"),
        (&["user", "create", "--email", "nobody"], "jane@example.com"),
        (&["user", "create", "--email", "a@example.com"], "--password-stdin"),
        (&["user", "delete", "a@example.com"], "--yes"),
        (&["user", "role", "a@example.com"], "--give"),
        (&["mail", "test", "nobody"], "jane@example.com"),
        (&["profile", "show", "standart"], "'standard'"),
        (&["audit", "--event", "logn"], "'login'"),
        (&["key", "rotate", "--revoke"], "--yes"),
        (&["role", "delete", "support"], "--yes"),
        (&["user", "import", "x.csv", "--column", "foo=bar"], "password_hash"),
        (&["config", "show", "tokkens"], "config show"),
        (&["config", "show", "--set", "tokens"], "key=value"),
        (&["config", "show", "--set", "tokens.acess=5m"], "tokens.access"),
        (&["config", "show", "--profile", "standart"], "standard"),
        (&["serve", "--listen", "nowhere"], "listen"),
    ] {
        let ran = folder.run(arguments);
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{arguments:?}: {}", ran.err);
        assert!(ran.err.contains(word), "{arguments:?}: {}", ran.err);
    }
    assert_eq!(std::fs::read_dir(folder.0.path()).unwrap().count(), 0);
}

#[test]
fn a_secret_in_an_argument_is_refused_and_not_repeated() {
    let folder = Folder::new();
    for secret in [
        "tokens.secret=hush-hush",
        "tokens__secret=hush-hush",
        "mail.smtp_url=smtp://me:hush-hush@mail.example.com",
        "mail.smtp_password=hush-hush",
        "mail.smtp-password=hush-hush",
        "sms.secret=hush-hush",
        "sms.headers=authorization: hush-hush",
        "sms.body=key=hush-hush&to={to}&text={text}",
        "sms.url=https://me:hush-hush@sms.example.com",
        "db=postgres://me:hush-hush@db.example.com/authd",
    ] {
        let ran = folder.run(&["config", "show", "--set", secret]);
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{secret}: {}", ran.err);
        assert!(ran.err.contains("a secret in an argument"), "{secret}: {}", ran.err);
        assert!(!ran.err.contains("hush") && ran.err.contains("hint:"), "{}", ran.err);
        assert_eq!(ran.err.contains(".pgpass"), secret.starts_with("db="), "{}", ran.err);
    }
}

#[test]
fn a_value_is_shown_with_where_it_came_from() {
    let folder = Folder::new();
    folder.write("authd.toml", "[tokens]\naccess = \"7m\"\n");
    let ran = ran(folder
        .authd(&["config", "show", "--json", "--set", "sessions.max=3"])
        .env("AUTHD_LISTEN", "127.0.0.1:8080")
        .spawn()
        .unwrap());
    let shown = ran.json();
    let origin = |key: &str| {
        let entry = shown.as_array().unwrap().iter().find(|entry| entry["key"] == key);
        entry.unwrap_or_else(|| panic!("no {key} in {shown}"))["origin"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(origin("server.listen"), "env AUTHD_LISTEN");
    assert_eq!(origin("tokens.access"), "authd.toml line 2");
    assert!(origin("sessions.max").starts_with("flag"), "{}", origin("sessions.max"));
    assert_eq!(origin("sessions.grace"), "profile standard");
    let one = folder.run(&["config", "show", "tokens.access"]);
    assert!(one.out.starts_with("tokens.access") && one.out.lines().count() == 1, "{}", one.out);
}

#[test]
fn a_wrong_key_in_a_file_is_reported_with_its_line_and_the_right_spelling() {
    let folder = Folder::new();
    folder.write("authd.toml", "[tokens]\nacess = \"7m\"\n");
    for command in [&["serve"][..], &["config", "show"], &["user", "list"]] {
        let ran = folder.run(command);
        assert_eq!(ran.code, Some(1), "{}", ran.err);
        for word in ["error:", "tokens.acess", "authd.toml line 2", "tokens.access"] {
            assert!(ran.err.contains(word), "{word} in {}", ran.err);
        }
    }
    assert!(!folder.0.path().join("authd.db").exists());
}

#[test]
fn a_fresh_folder_is_not_ready_for_production() {
    let ran = Folder::new().run(&["config", "check"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(1), ""));
    assert!(ran.out.contains("server.public_url"), "{}", ran.out);
}

#[test]
fn everything_that_needs_no_database_prints_json_too() {
    let folder = Folder::new();
    for (command, key) in [
        (&["config", "show"][..], "/0/key"),
        (&["config", "check"], "/findings/0/remedy"),
        (&["profile", "list"], "/0/name"),
        (&["profile", "show", "standard"], "/toml"),
        (&["openapi"], "/paths"),
    ] {
        let ran = folder.run(&[command, &["--json"]].concat());
        assert!(ran.json().pointer(key).is_some(), "{command:?}: {}", ran.out);
    }
    assert_eq!(std::fs::read_dir(folder.0.path()).unwrap().count(), 0);
}

#[test]
fn completions_and_manual_come_from_the_definition() {
    let folder = Folder::new();
    for (shell, word) in
        [("bash", "complete -F _authd"), ("zsh", "#compdef authd"), ("fish", "complete -c authd")]
    {
        let ran = folder.run(&["completions", shell]);
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        assert!(ran.out.contains(word) && ran.out.contains("set-password"), "{shell}: {}", ran.out);
    }
    assert_eq!(folder.run(&["completions", "tcsh"]).code, Some(2));

    let page = folder.run(&["man", "user", "create"]).out;
    assert!(page.contains(".TH authd-user-create 1") && page.contains(".SH EXAMPLES"), "{page}");
    assert_eq!(folder.run(&["man", "user", "crate"]).code, Some(2));
    let written = folder.run(&["man", "--dir", "pages", "--json"]).json();
    assert!(written.as_array().unwrap().contains(&"pages/authd.1".into()), "{written}");
    assert_eq!(folder.run(&["man", "--dir", "/dev/null/pages"]).code, Some(1));
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let folder = Folder::new();
    for command in
        [&["--help"][..], &["openapi"], &["config", "show"], &["completions", "bash"], &["man"]]
    {
        let mut child = folder.authd(command).spawn().unwrap();
        drop(child.stdout.take());
        let ran = ran(child);
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{command:?}");
    }
}

#[test]
fn output_that_cannot_be_written_is_a_failure() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let ran = ran(Folder::new().authd(&["openapi"]).stdout(full).spawn().unwrap());
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("could not be written"), "{}", ran.err);
}

#[test]
fn a_command_makes_no_database() {
    let folder = Folder::new();
    let ran = folder.run(&["user", "list"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""));
    assert!(ran.err.contains("authd.db"), "{}", ran.err);
    assert_eq!(std::fs::read_dir(folder.0.path()).unwrap().count(), 0);
}

#[test]
fn the_server_prints_its_address_and_ends_on_a_signal() {
    let folder = Folder::new();
    let server = folder.serve();
    let url = server.greeting["url"].as_str().unwrap();
    // Passkeys and logins with providers work at a name alone.
    assert!(url.starts_with("http://localhost:") && !url.ends_with(":0"), "{url}");
    assert_eq!(server.greeting["pages"], format!("{url}/sign-in"));
    assert_eq!(server.greeting["profile"], "standard");
    let second = folder.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!((second.code, second.out.as_str()), (Some(1), ""), "{}", second.err);
    assert!(second.err.contains("authd.db"), "{}", second.err);
    assert_eq!(server.end(), Some(0));
}

/// The complete standard output of a server, from start to end.
fn words_of_a_server(folder: &Folder, flags: &[&str]) -> String {
    let arguments = [&["serve", "--listen", "127.0.0.1:0"], flags, &CHEAP].concat();
    let mut child = folder.authd(&arguments).stderr(Stdio::null()).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut said = String::new();
    while !said.contains("\nmail ") {
        assert_ne!(out.read_line(&mut said).unwrap(), 0, "{said}");
    }
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    out.read_to_string(&mut said).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    said
}

#[test]
fn the_first_start_says_where_everything_is_and_under_authbackend_the_first_app_once() {
    let folder = Folder::new();
    let first = words_of_a_server(&folder, &["--profile", "authbackend"]);
    for word in [
        "authbackend",
        "/v1",
        "/docs",
        "authd.db",
        "outbox",
        "authd mail",
        "authd user create",
        "--role admin",
    ] {
        assert!(first.contains(word), "{word} in {first}");
    }
    for label in ["api", "docs", "trusted", "mail", "first admin"] {
        assert!(first.lines().any(|line| line.starts_with(label)), "{label} in {first}");
    }
    let value = |name: &str| {
        let lines: Vec<&str> = first.lines().filter_map(|line| line.strip_prefix(name)).collect();
        assert_eq!(lines.len(), 1, "{name} in {first}");
        lines[0].to_owned()
    };
    let (id, key) = (value("X-App-ID: "), value("X-Service-Key: "));
    assert!(!id.is_empty() && key.len() >= 32, "{first}");
    let again = words_of_a_server(&folder, &[]);
    assert!(
        again.contains("first admin") && !again.contains("X-App-ID") && !again.contains(&key),
        "{again}"
    );
    assert_eq!(folder.run(&["app", "list", "--json"]).out.matches(&id).count(), 1);
    let standard = words_of_a_server(&Folder::new(), &[]);
    assert!(!standard.contains("X-App-ID"), "{standard}");
    let pages = |said: &str| said.lines().any(|line| line.starts_with("pages "));
    assert!(pages(&standard) && !pages(&first), "{standard}{first}");
}

#[test]
fn a_start_says_how_to_make_an_administrator_until_there_is_one() {
    let folder = Folder::new();
    let create = ["user", "create", "--email", "ada@example.com", "--verified"];
    let made =
        folder.run_with_input(&[&create[..], &["--password-stdin"], &CHEAP].concat(), PASSWORD);
    assert_eq!(made.code, Some(0), "{}", made.err);
    assert!(words_of_a_server(&folder, &[]).contains("first admin"));
    let given = folder.run(&["user", "role", "ada@example.com", "--give", "admin"]);
    assert_eq!(given.code, Some(0), "{}", given.err);
    let said = words_of_a_server(&folder, &[]);
    assert!(said.contains("docs") && !said.contains("admin"), "{said}");
}

#[test]
fn a_port_in_use_is_refused_with_the_way_on_and_a_first_start_leaves_no_file() {
    let folder = Folder::new();
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap().to_string();
    let refused = folder.run(&["serve", "--listen", &address]);
    assert_eq!((refused.code, refused.out.as_str()), (Some(1), ""), "{}", refused.err);
    let port = format!("'sport = :{}'", other.local_addr().unwrap().port());
    for word in [address.as_str(), "another program", &port, "--listen", "server.listen"] {
        assert!(refused.err.contains(word), "{word} in {}", refused.err);
    }
    assert_eq!(std::fs::read_dir(folder.0.path()).unwrap().count(), 0);
}

#[test]
fn a_start_without_the_secret_of_a_second_service_says_so() {
    let without = words_of_a_server(&Folder::new(), &["--profile", "jobpsych"]);
    assert!(without.contains("JWT_SECRET"), "{without}");
    let folder = Folder::new();
    folder.write(
        "old.env",
        "JWT_SECRET=0c2d4e6f8a0b2c4d6f1c0f7d5a8e4b2c9d3e7a1b5c8f0d2e4a6b8c0d2e4f6a8b\n",
    );
    let with = words_of_a_server(&folder, &["--profile", "jobpsych", "--env-file", "old.env"]);
    assert!(!with.contains("JWT_SECRET"), "{with}");
    let wrong = folder.run(&["serve", "--port", "4303"]);
    assert_eq!(wrong.code, Some(2), "{}", wrong.err);
    assert!(wrong.err.contains("--listen"), "{}", wrong.err);
}

#[test]
fn a_command_that_takes_something_from_everybody_asks_first() {
    let folder = Folder::new();
    assert_eq!(folder.serve().end(), Some(0));
    let made = folder.run(&["role", "create", "support", "--permission", "desk.open"]);
    assert_eq!(made.code, Some(0), "{}", made.err);
    let state = || [&["key", "list"], &["role", "list"]].map(|list| folder.run(list).out);
    let before = state();
    for command in [&["key", "rotate", "--revoke"][..], &["role", "delete", "support"]] {
        let refused = folder.run(command);
        assert_ne!(refused.code, Some(0), "{command:?}");
        assert!(refused.err.contains("--yes"), "{command:?}: {}", refused.err);
        assert_eq!(state(), before, "{command:?}");
    }
    let done = folder.run(&["role", "delete", "support", "--yes"]);
    assert_eq!(done.code, Some(0), "{}", done.err);
    assert_ne!(state(), before);
}

#[test]
fn completions_offer_the_names_of_the_profiles() {
    let folder = Folder::new();
    let profiles = "standard perfect21 siteworks jobpath jobpsych authbackend";
    let bash = folder.run(&["completions", "bash"]).out;
    let offered: Vec<&str> =
        bash.lines().skip_while(|line| !line.contains("--profile)")).take(2).collect();
    for name in profiles.split(' ') {
        assert!(offered.iter().any(|line| line.contains(name)), "{name} in {offered:?}");
    }
    let wrong = folder.run(&["health", "--profile", "standrd"]);
    assert_eq!(wrong.code, Some(2), "{}", wrong.err);
    assert!(wrong.err.contains("'standard'"), "{}", wrong.err);
}

/// The output of a command on a terminal; `None` if no terminal can be created.
fn on_a_terminal(folder: &Folder, command: &str, more: &[(&str, &str)]) -> Option<String> {
    if !is_here("script") {
        missing("manners at a terminal", "script(1)");
        return None;
    }
    let command = format!("'{}' {command}", env!("CARGO_BIN_EXE_authd"));
    let mut script = Command::new("script");
    script
        .args(["-qec", &command, "/dev/null"])
        .current_dir(folder.0.path())
        .env_remove("NO_COLOR");
    let output = script.envs(more.iter().copied()).stdin(Stdio::null()).output().unwrap();
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn colour_and_bars_are_for_a_terminal_alone_and_no_color_is_heard() {
    let folder = Folder::new();
    folder.write("users.jsonl", "{\"email\":\"a@example.com\"}\n{\"email\":\"b@example.com\"}\n");
    assert_eq!(folder.serve().end(), Some(0));
    let import = ["user", "import", "users.jsonl", "--dry-run", "--without-passwords"];
    for command in [
        &["user", "show", "nobody"][..],
        &["user", "list"],
        &["config", "check"],
        &import,
        &["--help"],
    ] {
        let ran = folder.run(command);
        let said = ran.out + &ran.err;
        assert!(!said.contains('\x1b') && !said.contains('\r'), "{command:?}: {said:?}");
    }
    let log = ran(folder.authd(&["serve", "--listen", "nowhere:1", "-v"]).spawn().unwrap());
    assert!(!log.err.contains('\x1b'), "{}", log.err);

    let Some(coloured) = on_a_terminal(&folder, "user show nobody", &[]) else { return };
    assert!(coloured.contains("\x1b[1;31merror:"), "{coloured:?}");
    let plain = on_a_terminal(&folder, "user show nobody", &[("NO_COLOR", "1")]).unwrap();
    assert!(plain.contains("error:") && !plain.contains("\x1b["), "{plain:?}");
    let bar = on_a_terminal(&folder, &import.join(" "), &[]).unwrap();
    assert!(bar.contains("\r\x1b[K"), "{bar:?}");
}

#[test]
fn the_document_without_a_name_is_that_of_the_root() {
    let folder = Folder::new();
    let of = |arguments: &[&str]| folder.run(arguments).json()["paths"].clone();
    assert_eq!(
        of(&["openapi", "--profile", "jobpath"]),
        of(&["openapi", "jobpath", "--profile", "jobpath"])
    );
    assert_ne!(
        of(&["openapi", "--profile", "jobpath"]),
        of(&["openapi", "v1", "--profile", "jobpath"])
    );
    assert_eq!(of(&["openapi"]), of(&["openapi", "v1"]));
}

#[test]
fn following_the_audit_log_with_no_limit_begins_at_its_beginning() {
    let folder = Folder::new();
    assert_eq!(folder.serve().end(), Some(0));
    let all = folder.run(&["audit", "--limit", "0", "--json"]).json();
    let mut following =
        folder.authd(&["audit", "--follow", "--limit", "0", "--json"]).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(following.stdout.take().unwrap()).read_line(&mut line).unwrap();
    following.kill().unwrap();
    following.wait().unwrap();
    let first: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(first, all[0], "{all}");
}
