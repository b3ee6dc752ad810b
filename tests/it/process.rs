//! The real binary in a separate folder, reached over a real socket; all processes end with their
//! test.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Cheap hashing and no limits, because these tests are about neither.
pub const CHEAP: [&str; 10] = [
    "--set",
    "hashing.memory=64",
    "--set",
    "hashing.passes=1",
    "--set",
    "limits.general=off",
    "--set",
    "limits.sign_in=off",
    "--set",
    "limits.sign_up=off",
];

/// Whether the long tests were requested: `LONG_TESTS=1 cargo test`.
#[allow(clippy::disallowed_methods, reason = "it is how the long forms are asked for")]
pub fn is_long() -> bool {
    std::env::var_os("LONG_TESTS").is_some_and(|value| value == "1")
}

/// A program that ends with its test.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub struct Folder(TempDir);

/// The result of a run.
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Folder {
    pub fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_authd"));
        command.args(arguments).current_dir(self.0.path()).env_clear();
        // What a killed server leaves behind goes with the folder.
        command.env("TMPDIR", self.0.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        let output = self.command(arguments).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// A server with these additional arguments; its log is in the file `log`.
    pub fn serve(&self, more: &[&str]) -> Server {
        self.serve_at("127.0.0.1:0", more)
    }

    /// The same at this address.
    #[allow(clippy::disallowed_methods, reason = "how long a start takes is the question")]
    pub fn serve_at(&self, listen: &str, more: &[&str]) -> Server {
        let began = Instant::now();
        let log = File::options().create(true).append(true).open(self.path("log")).unwrap();
        let arguments = [&["serve", "--json", "--listen", listen], more].concat();
        let mut command = self.command(&arguments);
        // Tests read the log as text.
        let mut child = command.env("AUTHD_LOG__FORMAT", "text").stderr(log).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let greeting: Value = serde_json::from_str(&line).unwrap_or_else(|_| {
            panic!("no greeting: {}", std::fs::read_to_string(self.path("log")).unwrap())
        });
        let server =
            Server { child, address: greeting["address"].as_str().unwrap().to_owned(), greeting };
        assert_eq!(server.get("/readyz").unwrap().status, 200);
        assert!(
            began.elapsed() < Duration::from_secs(if is_long() { 10 } else { 20 }),
            "{:?}",
            began.elapsed()
        );
        server
    }

    /// The token of the link in the newest letter.
    pub fn newest_link(&self) -> String {
        let ran = self.run(&["mail", "show", "--last", "--json"]);
        let (_, rest) = ran
            .out
            .split_once("verify-email?token=")
            .unwrap_or_else(|| panic!("{}{}", ran.out, ran.err));
        rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-' || *c == '_').collect()
    }
}

/// A server that has printed its address; stops when dropped.
pub struct Server {
    pub child: Child,
    pub address: String,
    pub greeting: Value,
}

impl Server {
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Stops it gracefully; returns its exit code.
    pub fn end(mut self) -> Option<i32> {
        self.signal(Signal::TERM);
        self.child.wait().unwrap().code()
    }

    /// Kills it immediately.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn client(&self) -> Client {
        Client { address: self.address.clone() }
    }

    pub fn get(&self, path: &str) -> Option<Reply> {
        self.client().ask("GET", path, "", None)
    }

    pub fn post(&self, path: &str, body: &Value) -> Option<Reply> {
        self.client().post(path, body)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends requests to a server, one connection each. `None` means no response: the server is gone.
#[derive(Clone)]
pub struct Client {
    pub address: String,
}

/// A response.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: Value,
    /// The body as it came.
    pub text: String,
    /// How long the body is, in bytes.
    pub length: usize,
}

impl Reply {
    pub fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or("")
    }

    pub fn text(&self, name: &str) -> String {
        self.body["data"][name]
            .as_str()
            .unwrap_or_else(|| panic!("no {name} in {}", self.body))
            .to_owned()
    }
}

impl Client {
    pub fn post(&self, path: &str, body: &Value) -> Option<Reply> {
        self.ask("POST", path, "", Some(body))
    }

    /// `more` are header lines with their line ends.
    pub fn ask(&self, method: &str, path: &str, more: &str, body: Option<&Value>) -> Option<Reply> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let about = format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
        self.raw(format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{about}{more}\r\n{body}"))
    }

    pub fn raw(&self, bytes: impl AsRef<[u8]>) -> Option<Reply> {
        let mut stream = TcpStream::connect(&self.address).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(30))).ok()?;
        stream.write_all(bytes.as_ref()).ok()?;
        read_reply(&mut stream)
    }
}

/// Reads one response; an incomplete one counts as none.
pub fn read_reply(stream: &mut TcpStream) -> Option<Reply> {
    let (mut bytes, mut piece) = (Vec::new(), [0; 8192]);
    loop {
        if let Some(reply) = whole_reply(&bytes) {
            return Some(reply);
        }
        match stream.read(&mut piece) {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend_from_slice(&piece[..count]),
        }
    }
}

fn whole_reply(bytes: &[u8]) -> Option<Reply> {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let length = head
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    (body.len() >= length.unwrap_or(0)).then(|| Reply {
        status,
        head: head.to_owned(),
        body: serde_json::from_str(body).unwrap_or(Value::Null),
        text: body.to_owned(),
        length: length.unwrap_or(0),
    })
}

/// The body of a login request.
pub fn credentials(email: &str, password: &str) -> Value {
    json!({ "email": email, "password": password })
}
