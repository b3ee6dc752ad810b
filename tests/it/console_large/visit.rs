//! A session of an administrator at the real binary.

use std::io::Write as _;
use std::net::TcpStream;
use std::process::Stdio;

use authd::model::percent;
use authd::web::console::pages;

use super::fill::Filling;
use crate::process::{Client, Folder, Reply, Server, read_reply};
use crate::support::PASSWORD;
use crate::web::console::{PageIds, path_of};
use crate::web::visitor::hidden_fields;

pub const EMAIL: &str = "root@example.com";

/// Makes the administrator.
pub fn make_administrator(folder: &Folder) {
    let create =
        ["user", "create", "--email", EMAIL, "--verified", "--role", "admin", "--password-stdin"];
    let mut child = folder.command(&create).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(PASSWORD.as_bytes()).unwrap();
    let ran = child.wait_with_output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

/// An administrator who is logged in on the pages.
pub struct ConsoleSession {
    client: Client,
    cookie: String,
}

impl ConsoleSession {
    pub fn begin(server: &Server) -> Self {
        let mut session = Self { client: server.client(), cookie: String::new() };
        let page = session.send("GET", "/sign-in", "");
        let hidden = hidden_fields(&page.text, "/sign-in");
        let hidden = hidden.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let all = hidden.chain([("name", EMAIL), ("password", PASSWORD)]);
        let form: Vec<_> =
            all.map(|(name, value)| format!("{name}={}", percent::encode(value))).collect();
        let entered = session.send("POST", "/sign-in", &form.join("&"));
        assert_eq!(entered.status, 303, "{}", entered.text);
        session
    }

    pub fn get(&self, path: &str) -> Reply {
        self.ask("GET", path, "").unwrap()
    }

    fn send(&mut self, method: &str, path: &str, form: &str) -> Reply {
        let reply = self.ask(method, path, form).unwrap();
        let set = reply.head.lines().filter_map(|line| line.strip_prefix("set-cookie: "));
        let cookies: Vec<_> = set.filter_map(|line| line.split(';').next()).collect();
        if !cookies.is_empty() {
            self.cookie = cookies.join("; ");
        }
        reply
    }

    fn ask(&self, method: &str, path: &str, form: &str) -> Option<Reply> {
        let about =
            format!("Host: localhost\r\nOrigin: http://localhost\r\nCookie: {}\r\n", self.cookie);
        let body = format!(
            "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            form.len()
        );
        let mut stream = TcpStream::connect(&self.client.address).ok()?;
        write!(stream, "{method} {path} HTTP/1.1\r\nConnection: close\r\nAccept-Encoding: gzip\r\n{about}{body}")
            .ok()?;
        read_reply(&mut stream)
    }
}

const FILTERS: [&str; 18] = [
    "state=active",
    "state=pending",
    "state=suspended",
    "state=deleted",
    "role=user",
    "role=partner",
    "role=support",
    "role=admin",
    "factor=totp",
    "factor=none",
    "factor=passkey",
    "provider=google",
    "created_from=2026-11-01",
    "created_until=2024-06-01",
    "login_from=2026-11-20",
    "login=never",
    "state=pending&role=partner&factor=totp&provider=google",
    "state=suspended&factor=none&login=never",
];

/// What is searched for: a few accounts, many, none.
pub const SEARCHES: [&str; 12] = [
    "user999999x",
    "99999",
    "smith",
    "@mail3",
    "mail1.example",
    "zzqzz",
    "qz",
    "e",
    "li4",
    "anna+smith",
    "hugo+rossi",
    "name4711",
];

const OTHERS: [&str; 22] = [
    "/console/overview?by=hour",
    "/console/overview?by=month",
    "/console/overview?by=year",
    "/console/accounts?sort=email",
    "/console/accounts?sort=-last_login",
    "/console/accounts?sort=last_login",
    "/console/accounts?after=1790000000000.20000",
    "/console/accounts?q=smith&state=suspended",
    "/console/accounts?q=smith&role=support",
    "/console/accounts?q=mail&factor=passkey&sort=email",
    "/console/record?event=login",
    "/console/record?event=signed_up&outcome=refused",
    "/console/record?event=login&outcome=refused",
    "/console/record?event=role_created&outcome=done",
    "/console/record?outcome=refused",
    "/console/record?since=2026-06-01",
    "/console/record?until=2026-06-01",
    "/console/record?since=2026-06-01&until=2026-06-02&outcome=refused",
    "/console/mail?state=failed",
    "/console/mail?state=waiting",
    "/console/bulk/suspend?role=partner",
    "/console/settings?q=e",
];

/// Every page of the console that is no file, and the lists with their filters and orders.
pub fn paths() -> Vec<String> {
    let account = Filling::account(1000);
    let ids = PageIds { account: &account, role: "support", app: "none", backup: "none" };
    let is_page = |path: &str| !path.ends_with("/export") && !path.ends_with("/newer");
    let opened = pages().iter().filter(|page| page.opens() && is_page(page.path));
    let mut all: Vec<String> = opened.map(|page| path_of(page, &ids)).collect();
    for filter in FILTERS {
        for order in ["", "&sort=created", "&sort=-last_login", "&sort=last_login", "&sort=email"] {
            all.push(format!("/console/accounts?{filter}{order}"));
        }
    }
    all.extend(SEARCHES.map(|text| format!("/console/accounts?q={text}")));
    all.extend(OTHERS.map(str::to_owned));
    all.push(format!("/console/record?account={account}"));
    all.push(format!("/console/record?account={account}&event=login&outcome=refused"));
    all.push(format!("/console/mail?account={account}"));
    all
}
