//! The processes under test.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{load, passkeys};

/// The real program of this build.
const BINARY: &str = env!("CARGO_BIN_EXE_authd");

/// The program under test: another build's if `binary=PATH` is among the arguments.
pub fn binary() -> String {
    let named = std::env::args().find_map(|word| word.strip_prefix("binary=").map(str::to_owned));
    named.unwrap_or_else(|| BINARY.to_owned())
}

/// A server in a separate process.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
    /// From the start of the process to the first 200.
    pub took: Duration,
}

/// The tokens of a login.
pub struct Tokens {
    pub access: String,
    pub refresh: String,
}

impl Server {
    /// The real program without limits, on the database in this folder.
    pub async fn start(folder: &Path) -> Self {
        Self::start_with(folder, &[], &[]).await
    }

    /// As [`Server::start`], with these arguments and environment variables.
    pub async fn start_with(folder: &Path, more: &[&str], environment: &[(&str, String)]) -> Self {
        let began = Instant::now();
        let off = ["general", "sign_in", "refresh"].map(|limit| format!("limits.{limit}=off"));
        let mut command = Command::new(binary());
        command.current_dir(folder).args(["serve", "--json", "--listen", "127.0.0.1:0"]);
        // The log goes to a file, as under a service manager.
        command.stderr(File::create(folder.join("server.log")).unwrap());
        // No real user logs in so often: a login must not end the measured sessions.
        command.args(["--set", "sessions.max=1000"]);
        command.args(["--set", &format!("webauthn.origins={}", passkeys::ORIGIN)]);
        for limit in &off {
            command.args(["--set", limit]);
        }
        command.args(more).envs(environment.iter().map(|(name, value)| (name, value)));
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let hello: Value = serde_json::from_str(&first_line(&mut child)).unwrap();
        let address = hello["address"].as_str().unwrap().parse().unwrap();
        load::once(address, &load::get("/livez", "none")).await;
        Self { child, address, took: began.elapsed() }
    }

    /// A minimal handler that sends this response.
    pub fn bare(answer: &[u8]) -> Self {
        let began = Instant::now();
        let mut command = Command::new(std::env::current_exe().unwrap());
        let mut child = command
            .arg("bare-handler")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        input.write_all(answer).unwrap();
        input.write_all(b"\n").unwrap();
        let address = first_line(&mut child).trim().parse().unwrap();
        Self { child, address, took: began.elapsed() }
    }

    pub fn create_user(folder: &Path, email: &str, password: &str) {
        let mut command = Command::new(binary());
        command.current_dir(folder).args([
            "user",
            "create",
            "--email",
            email,
            "--verified",
            "--password-stdin",
        ]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(password.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success());
    }

    pub async fn login(&self, email: &str, password: &str) -> Tokens {
        let body = json!({ "email": email, "password": password }).to_string();
        let answer = load::once(self.address, &load::post("/v1/auth/login", &body)).await;
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        let text = |name: &str| answer["data"][name].as_str().unwrap().to_owned();
        Tokens { access: text("accessToken"), refresh: text("refreshToken") }
    }

    /// Logs in on the page; returns the cookie of its session.
    pub async fn enter_pages(&self, email: &str, password: &str) -> String {
        let mut wire = load::Wire::open(self.address).await;
        let (_, page) = wire.call(&load::page("/sign-in", "a=b")).await;
        let page = String::from_utf8(page.to_vec()).unwrap();
        let token = page.split(" name=\"form\" value=\"").nth(1).unwrap();
        let token = token.split('"').next().unwrap();
        let cookie = wire.cookie("authd-visitor");
        let (email, password) = (email.replace('@', "%40"), password.replace(' ', "+"));
        let fields = format!("form={token}&name={email}&password={password}");
        wire.call(&load::form("/sign-in", &cookie, &fields)).await;
        wire.cookie("authd")
    }

    /// Resident memory in KiB.
    pub fn resident_kib(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// Processor time used so far.
    pub fn cpu_seconds(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let (_, fields) = stat.rsplit_once(')').unwrap();
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
        ticks / 100.0
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn first_line(child: &mut Child) -> String {
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    line
}
