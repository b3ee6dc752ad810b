//! The example services, each started as its user does, on a free port.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::root;
use crate::tools::{installed, is_here, missing, succeed};

/// An example that is ready to be started.
pub struct Example {
    command: Box<dyn Fn(u16) -> Command>,
    /// What the line contains that says that it listens.
    ready: &'static str,
    _folder: Option<TempDir>,
}

/// A running example; stops when dropped.
pub struct ExampleService {
    child: Child,
    port: u16,
}

/// A response.
#[derive(Debug)]
pub struct HttpAnswer {
    pub status: u16,
    head: String,
    pub body: Value,
}

/// The folder with the packages of an example in JavaScript.
pub fn node_packages(name: &str) -> Option<PathBuf> {
    installed(name).filter(|_| is_here("node")).map(|tools| tools.join("node_modules"))
}

/// Copies a file or a folder.
pub fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
            if entry.file_name() != "node_modules" && entry.file_name() != ".next" {
                copy(&entry.path(), &to.join(entry.file_name()));
            }
        }
    } else {
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(from, to).unwrap();
    }
}

impl Example {
    /// A service in Node alone. Node looks for packages beside the file, so they are linked there.
    pub fn node(name: &'static str) -> Option<Self> {
        let Some(packages) = node_packages(name) else {
            missing(&format!("the example in {name}"), name);
            return None;
        };
        let folder = TempDir::new().unwrap();
        copy(&root().join("examples").join(name), folder.path());
        copy(&root().join("sdk/verify/js"), &folder.path().join("node_modules/@authd/verify"));
        for entry in fs::read_dir(packages).unwrap().map(Result::unwrap) {
            let link = folder.path().join("node_modules").join(entry.file_name());
            std::os::unix::fs::symlink(entry.path(), link).unwrap();
        }
        let service = folder.path().join("service.js");
        let command = move |_| {
            let mut node = Command::new("node");
            node.arg(&service);
            node
        };
        Some(Self { command: Box::new(command), ready: "http://", _folder: Some(folder) })
    }

    /// Built by `next build`. Turbopack reads no file outside its root, so the example is built
    /// beside its packages.
    pub fn next() -> Option<Self> {
        let Some(packages) = node_packages("nextjs") else {
            missing("the example in Next.js", "next");
            return None;
        };
        let folder = TempDir::new_in(packages.parent().unwrap()).unwrap();
        let place = folder.path().to_owned();
        copy(&root().join("examples/nextjs"), &place);
        copy(&root().join("sdk/verify/js"), &place.join("node_modules/@authd/verify"));
        let config = "export default { turbopack: { root: process.env.TURBOPACK_ROOT } };\n";
        fs::write(place.join("next.config.js"), config).unwrap();
        let next = packages.join(".bin/next");
        let run = move |action: &str| {
            let mut next = Command::new(&next);
            next.arg(action).current_dir(&place).env("NEXT_TELEMETRY_DISABLED", "1");
            next.env("TURBOPACK_ROOT", place.parent().unwrap());
            next
        };
        succeed(&mut run("build"));
        let command = move |port: u16| {
            let mut next = run("start");
            next.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
            next
        };
        Some(Self { command: Box::new(command), ready: "Ready in", _folder: Some(folder) })
    }

    pub fn fastapi() -> Option<Self> {
        let Some(tools) = installed("fastapi") else {
            missing("the example in FastAPI", "fastapi");
            return None;
        };
        let command = move |port: u16| {
            let mut uvicorn = Command::new(tools.join("bin/uvicorn"));
            uvicorn.arg("--app-dir").arg(root().join("examples/fastapi"));
            uvicorn.args(["--port", &port.to_string(), "--no-access-log", "service:app"]);
            uvicorn.env("PYTHONPATH", root().join("sdk/verify/python"));
            uvicorn.env("PYTHONDONTWRITEBYTECODE", "1");
            uvicorn
        };
        Some(Self { command: Box::new(command), ready: "http://", _folder: None })
    }

    /// Built by `.ci/setup` into the folder of the program.
    pub fn axum() -> Option<Self> {
        let built = Path::new(env!("CARGO_BIN_EXE_authd")).with_file_name("authd-axum-example");
        if !built.exists() {
            missing("the example in axum", "authd-axum-example");
            return None;
        }
        let command = move |_| Command::new(&built);
        Some(Self { command: Box::new(command), ready: "http://", _folder: None })
    }

    /// Starts it for this authd.
    pub fn start(&self, authd: &str, variables: &[(&str, &str)]) -> ExampleService {
        // Free a moment ago: Next.js cannot say which port it has taken.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = (self.command)(port);
        command.env("AUTHD_URL", authd).env("PORT", port.to_string());
        command.envs(variables.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (lines, printed) = std::sync::mpsc::channel();
        let out: Box<dyn Read + Send> = Box::new(child.stdout.take().unwrap());
        let err: Box<dyn Read + Send> = Box::new(child.stderr.take().unwrap());
        for stream in [out, err] {
            let lines = lines.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    let _ = lines.send(line);
                }
            });
        }
        drop(lines);
        let mut said = Vec::new();
        let is_ready = printed.iter().any(|line| {
            let is_ready = line.contains(self.ready);
            said.push(line);
            is_ready
        });
        let service = ExampleService { child, port };
        assert!(is_ready, "{}", said.join("\n"));
        service
    }
}

impl ExampleService {
    /// `header` is a header line with its line end, or nothing.
    pub fn get(&self, path: &str, header: &str) -> HttpAnswer {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        // In HTTP/1.0, because then the response is not in chunks.
        write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n{header}\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{answer}"));
        HttpAnswer {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            head: head.to_owned(),
            body: serde_json::from_str(body).unwrap_or(Value::Null),
        }
    }
}

impl Drop for ExampleService {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl HttpAnswer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}
