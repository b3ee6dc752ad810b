//! The second service of `examples/`, started as its README says, next to the real program: which
//! callers it accepts, and what it counts.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::cli::{Folder, Server};
use crate::process::{Reply, read_reply};
use crate::tools::{installed, missing};

const SECRET: &str = "0c2d4e6f8a0b2c4d6f1c0f7d5a8e4b2c9d3e7a1b5c8f0d2e4a6b8c0d2e4f6a8b";

/// authd with its profile, and the service next to it.
struct Pair {
    authd: Server,
    service: Child,
    /// The address of the service.
    address: String,
    folder: Folder,
}

impl Pair {
    /// `None`, with a message, if its tools are missing.
    fn start(authd_flags: &[&str], service_secret: &str) -> Option<Self> {
        let Some(tools) = installed("service") else {
            missing("the second service", "FastAPI");
            return None;
        };
        let folder = Folder::new();
        let authd = serve(&folder, authd_flags);
        let (service, address) =
            start_service(&tools, &[("AUTHD_URL", url(&authd)), ("JWT_SECRET", service_secret)]);
        Some(Self { authd, service, address, folder })
    }

    /// Signs up at authd; returns the access token.
    fn sign_up(&self, email: &str) -> String {
        sign_up(&self.authd, email)
    }

    fn upload(&self, authorization: &str) -> Reply {
        let file = "--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"cv.txt\"\r\n\r\ntwo words\r\n--x--\r\n";
        let about = format!(
            "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {}\r\n",
            file.len()
        );
        ask(&self.address, &format!("POST /analyze HTTP/1.1\r\n{about}{authorization}"), file)
    }

    fn health(&self) -> Reply {
        ask(&self.address, "GET /health HTTP/1.1\r\n", "")
    }

    /// authd's count, requested as the service does.
    fn counted(&self, email: &str) -> Value {
        let request = format!("GET /api/auth/user-uploads/{email} HTTP/1.1\r\n");
        ask(url(&self.authd).trim_start_matches("http://"), &request, "").body["filesUploaded"]
            .clone()
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        let _ = self.service.kill();
        let _ = self.service.wait();
    }
}

fn url(authd: &Server) -> &str {
    authd.greeting["url"].as_str().unwrap()
}

/// authd with the secret in an `--env-file`, because secrets are not accepted as arguments.
fn serve(folder: &Folder, flags: &[&str]) -> Server {
    folder.write(".env", &format!("JWT_SECRET={SECRET}\n"));
    folder.serve_with(&[&["--profile", "jobpsych", "--env-file", ".env"], flags].concat())
}

/// Starts it on a free port; returns its address.
fn start_service(tools: &Path, variables: &[(&str, &str)]) -> (Child, String) {
    let mut command = Command::new(tools.join("bin/uvicorn"));
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/second-service");
    command.arg("--app-dir").arg(sources).args(["--port", "0", "--no-access-log", "service:app"]);
    command.env_clear().env("PYTHONDONTWRITEBYTECODE", "1").envs(variables.iter().copied());
    let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    let place = |line: String| Some(line.split_once("http://")?.1.split(' ').next()?.to_owned());
    let address = log.by_ref().find_map(place).unwrap();
    std::thread::spawn(move || log.for_each(drop));
    (child, address)
}

fn sign_up(authd: &Server, email: &str) -> String {
    let body =
        json!({ "name": "Jo", "email": email, "password": "securePassword123", "company_name": "Acme" }).to_string();
    let about = format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
    let address = url(authd).trim_start_matches("http://");
    let made = ask(address, &format!("POST /api/auth/register HTTP/1.1\r\n{about}"), &body);
    assert_eq!(made.status, 201, "{}", made.body);
    let login = json!({ "email": email, "password": "securePassword123" }).to_string();
    let about = format!("Content-Type: application/json\r\nContent-Length: {}\r\n", login.len());
    let entered = ask(address, &format!("POST /api/auth/login HTTP/1.1\r\n{about}"), &login);
    assert_eq!(entered.status, 200, "{}", entered.body);
    entered.body["accessToken"].as_str().unwrap().to_owned()
}

fn ask(address: &str, head: &str, body: &str) -> Reply {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    write!(stream, "{head}Host: localhost\r\nConnection: close\r\n\r\n{body}").unwrap();
    let reply = read_reply(&mut stream).unwrap_or_else(|| panic!("no answer to {head}"));
    let _ = stream.read(&mut [0]);
    reply
}

fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}\r\n")
}

fn refusal(reply: &Reply) -> (u16, &str) {
    assert_eq!(reply.body["success"], false, "{}", reply.body);
    (reply.status, reply.body["error"].as_str().unwrap())
}

/// A token forged with this secret; `life` is in seconds from now.
fn forged(algorithm: Algorithm, secret: &str, life: i64) -> String {
    let now = i64::try_from(now()).unwrap();
    let claims =
        json!({ "email": "jo@example.com", "userId": "1", "iat": now - 900, "exp": now + life });
    jsonwebtoken::encode(
        &Header::new(algorithm),
        &claims,
        &EncodingKey::from_secret(secret.as_bytes()),
    )
    .unwrap()
}

#[allow(clippy::disallowed_methods, reason = "the service looks at the real clock")]
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

#[test]
fn uploads_are_taken_until_the_quota_is_used_and_each_is_counted_at_authd() {
    let Some(pair) = Pair::start(&[], SECRET) else { return };
    assert_eq!((pair.health().status, &pair.health().body["authd"]), (200, &json!("connected")));
    let token = bearer(&pair.sign_up("jo@example.com"));
    for n in 1..=10 {
        let answer = pair.upload(&token);
        let expected = json!({
            "success": true, "message": "File analyzed", "name": "cv.txt", "words": 2,
            "filesUploaded": n, "limit": 10, "remaining": 10 - n,
        });
        assert_eq!((answer.status, &answer.body), (200, &expected));
        assert_eq!(pair.counted("jo@example.com"), n);
    }
    assert_eq!(refusal(&pair.upload(&token)), (429, "UPLOAD_LIMIT_REACHED"));
    assert_eq!(pair.counted("jo@example.com"), 10);
    // The other user has a separate quota.
    assert_eq!(pair.upload(&bearer(&pair.sign_up("o'hara+1@example.com"))).status, 200);
    assert_eq!(pair.counted("o'hara+1@example.com"), 1);
}

#[test]
fn of_thirty_uploads_at_once_exactly_ten_are_taken() {
    let Some(pair) = Pair::start(&[], SECRET) else { return };
    let token = bearer(&pair.sign_up("jo@example.com"));
    let answers: Vec<Reply> = std::thread::scope(|scope| {
        let calls: Vec<_> = (0..30).map(|_| scope.spawn(|| pair.upload(&token))).collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    let (taken, refused): (Vec<_>, Vec<_>) =
        answers.iter().partition(|answer| answer.status == 200);
    assert_eq!((taken.len(), refused.len()), (10, 20));
    assert!(refused.iter().all(|answer| refusal(answer) == (429, "UPLOAD_LIMIT_REACHED")));
    assert_eq!(pair.counted("jo@example.com"), 10);
}

#[test]
fn a_token_of_another_secret_or_algorithm_or_time_is_refused_and_counts_nothing() {
    let Some(pair) = Pair::start(&[], SECRET) else { return };
    let good = pair.sign_up("jo@example.com");
    let elsewhere = Folder::new();
    let other = serve(&elsewhere, &["--set", "tokens.algorithm=RS256"]);
    let rsa = sign_up(&other, "jo@example.com");
    let payload = good.split('.').nth(1).unwrap();
    // {"alg":"none","typ":"JWT"}
    let none = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{payload}.");
    let other_secret = SECRET.replace('0', "1");
    let cut = good.rsplit_once('.').unwrap().0;
    for (what, authorization) in [
        ("nothing", String::new()),
        ("no token", bearer("")),
        ("another scheme", format!("Authorization: Basic {good}\r\n")),
        ("another secret", bearer(&forged(Algorithm::HS256, &other_secret, 900))),
        ("none", bearer(&none)),
        ("RS256", bearer(&rsa)),
        ("HS512", bearer(&forged(Algorithm::HS512, SECRET, 900))),
        ("expired", bearer(&forged(Algorithm::HS256, SECRET, -1))),
        ("no signature", bearer(&format!("{cut}."))),
    ] {
        assert_eq!(
            refusal(&pair.upload(&authorization)),
            (401, "TOKEN_VERIFICATION_FAILED"),
            "{what}"
        );
    }
    assert_eq!(pair.counted("jo@example.com"), 0);
    assert_eq!(pair.upload(&bearer(&good)).status, 200);
}

#[test]
fn a_service_that_authd_does_not_know_needs_a_key_and_one_with_another_secret_says_so() {
    let Some(pair) = Pair::start(&["--set", "server.service_networks=[]"], SECRET) else { return };
    let token = bearer(&pair.sign_up("jo@example.com"));
    assert_eq!(refusal(&pair.health()), (502, "SERVER_ERROR"));
    assert_eq!(refusal(&pair.upload(&token)), (502, "SERVER_ERROR"));

    let made = pair.folder.run(&["app", "create", "second", "--kind", "service", "--json"]).json();
    let key = ("AUTHD_SERVICE_KEY", made["key"].as_str().unwrap());
    let tools = installed("service").unwrap();
    let at = ("AUTHD_URL", url(&pair.authd));
    let other_secret = SECRET.replace('0', "1");
    for (secret, status) in [(SECRET, 200), (&other_secret, 503)] {
        let (mut service, address) = start_service(&tools, &[at, key, ("JWT_SECRET", secret)]);
        assert_eq!(ask(&address, "GET /health HTTP/1.1\r\n", "").status, status);
        service.kill().unwrap();
        service.wait().unwrap();
    }
}
