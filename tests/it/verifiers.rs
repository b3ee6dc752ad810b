//! The verifiers in `sdk/verify`: each example service is driven with the same tokens, first against
//! an issuer of the test, which signs what authd never would, and then against the real program.

mod hostile;
mod issuer;
mod services;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use authd::env::Env;
use authd::model::{AccountId, SessionId, Time};
use authd::token::{Audience, Grant};
use serde_json::{Value, json};

use self::hostile::attempts;
use self::issuer::TestIssuer;
use self::services::{Example, ExampleService};
use crate::process::{CHEAP, Folder, Server, credentials};
use crate::reserved_port::ReservedPort;
use crate::support::app_on;
use crate::tools::{installed, is_here, missing, succeed};

const PASSWORD: &str = "Correct-Horse-7-Battery";
const JO: &str = "jo@example.com";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}\r\n")
}

/// The service judges every token of the table as it should, and fetches the keys twice at most.
fn judges_the_table(example: &Example) {
    let issuer = TestIssuer::start();
    let service = example.start(&issuer.url, &[]);
    for attempt in attempts(&issuer) {
        let answer = service.get("/me", &attempt.header);
        let code = answer.body["error"]["code"].as_str().unwrap_or("");
        let name = &attempt.name;
        assert_eq!((answer.status, code), (attempt.status, attempt.code), "{name}: {answer:?}");
        let challenge = match attempt.code {
            "" => None,
            "MISSING_AUTH_HEADER" => Some("Bearer"),
            _ => Some(r#"Bearer error="invalid_token""#),
        };
        assert_eq!(answer.header("www-authenticate"), challenge, "{name}");
    }
    for (roles, status) in
        [(json!(["user", "admin"]), 200), (json!(["user"]), 403), (json!([]), 403)]
    {
        let token = issuer.token(&json!({ "roles": roles }));
        let answer = service.get("/admin", &bearer(&token));
        assert_eq!(answer.status, status, "{roles}: {answer:?}");
        let lacks = (status == 403).then_some(r#"Bearer error="insufficient_scope""#);
        assert_eq!(answer.header("www-authenticate"), lacks);
    }
    assert_eq!(service.get("/admin", "").status, 401);
    // The first fetch, and one for all tokens with an unknown key.
    assert_eq!(issuer.fetches(), 2);
}

/// authd on a port that is known before it starts, because its address is the issuer of its tokens.
fn serve_at_its_issuer(folder: &Folder) -> Server {
    let port = ReservedPort::new();
    let address = format!("127.0.0.1:{}", port.number());
    let arguments = [&["serve", "--json", "--listen", &address][..], &CHEAP].concat();
    let mut child = folder.command(&arguments).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    Server { child, address, greeting: serde_json::from_str(&line).unwrap() }
}

/// Creates the account; returns its id.
fn create(folder: &Folder) -> Value {
    std::fs::write(folder.path("password"), PASSWORD).unwrap();
    let arguments = ["user", "create", "--email", JO, "--verified", "--password-stdin", "--json"];
    let mut command = folder.command(&arguments);
    let password = std::fs::File::open(folder.path("password")).unwrap();
    let output = command.stdin(password).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let made: Value = serde_json::from_slice(&output.stdout).unwrap();
    made["id"].clone()
}

fn log_in(authd: &Server) -> String {
    authd.post("/v1/auth/login", &credentials(JO, PASSWORD)).unwrap().text("accessToken")
}

fn rotate(folder: &Folder, how: &[&str]) {
    let ran = folder.run(&[&["key", "rotate"], how].concat());
    assert_eq!(ran.code, Some(0), "{}", ran.err);
}

/// Tokens that authd itself signs with its key, and that a service of the app must refuse.
fn misdirected(folder: &Folder, issuer: &str) -> Vec<(&'static str, String)> {
    let now = Env::real().wall();
    let sign = |set: &[(&str, &str)], audience: Audience, ahead: i64, ends: Option<i64>| {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let time = now.millis() + ahead * 1000;
            let app = app_on(set, time, |copy| {
                for name in ["authd.db", "authd.db-wal", "authd.key"] {
                    std::fs::copy(folder.path(name), copy.join(name)).unwrap();
                }
            });
            let app = app.await;
            let grant = Grant {
                account: AccountId::new("a".to_owned()),
                session: SessionId::new("s".to_owned()),
                session_ends: ends.map(|seconds| Time::from_seconds(now.seconds() + seconds)),
                audience,
                scope: None,
                claims: vec![("roles", json!(["user"]))],
            };
            app.core.tokens.sign(&grant).unwrap().token
        })
    };
    let resource = Audience::Resource("https://files.example.org".to_owned());
    let set = [("tokens.issuer", issuer)];
    let other_issuer = [("tokens.issuer", "https://id.example.org")];
    let audience = [set[0], ("tokens.audience", "https://app.example.org")];
    vec![
        ("good", sign(&set, Audience::Instance, 0, None)),
        ("expired", sign(&set, Audience::Instance, 0, Some(-60))),
        ("issued in the future", sign(&set, Audience::Instance, 600, None)),
        ("another issuer", sign(&other_issuer, Audience::Instance, 0, None)),
        ("another audience", sign(&audience, Audience::Instance, 0, None)),
        ("for a resource", sign(&set, resource, 0, None)),
    ]
}

fn judges(service: &ExampleService, token: &str, expected: u16, what: &str) {
    let answer = service.get("/me", &bearer(token));
    assert_eq!(answer.status, expected, "{what}: {answer:?}");
}

/// The service follows the real program: tokens, rotation, revocation, the end of sessions, and its
/// absence.
fn follows_the_program(example: &Example) {
    let (folder, other) = (Folder::new(), Folder::new());
    let (authd, stranger) = (serve_at_its_issuer(&folder), serve_at_its_issuer(&other));
    let (id, _) = (create(&folder), create(&other));
    let issuer = authd.greeting["url"].as_str().unwrap().to_owned();
    let (service, live) =
        (example.start(&issuer, &[]), example.start(&issuer, &[("AUTHD_LIVE", "1")]));

    let first = log_in(&authd);
    let me = service.get("/me", &bearer(&first));
    assert_eq!((me.status, &me.body), (200, &json!({ "id": id, "roles": ["user"] })), "{me:?}");
    judges(&service, &log_in(&stranger), 401, "another server's");
    for (what, token) in misdirected(&folder, &issuer) {
        judges(&service, &token, if what == "good" { 200 } else { 401 }, what);
    }

    rotate(&folder, &["--now"]);
    let second = log_in(&authd);
    assert_ne!(kid(&first), kid(&second));
    // Another server's key has used up the fetch for unknown keys, so this is for a new service.
    let after = example.start(&issuer, &[]);
    for token in [&second, &first] {
        judges(&after, token, 200, "rotated");
    }

    judges(&live, &first, 200, "live");
    let ended = log_in(&authd);
    authd.client().ask("POST", "/v1/auth/logout", &bearer(&ended), Some(&json!({}))).unwrap();
    judges(&after, &ended, 200, "only authd knows that the session has ended");
    let refused = live.get("/me", &bearer(&ended));
    assert_eq!((refused.status, &refused.body["error"]["code"]), (401, &json!("TOKEN_REVOKED")));

    rotate(&folder, &["--revoke", "--yes"]);
    let third = log_in(&authd);
    // Its key is new to the service, which fetches the keys, and the old ones are gone.
    judges(&after, &third, 200, "after the revocation");
    judges(&after, &second, 401, "of a revoked key");
    judges(&live, &third, 200, "live, after the revocation");

    let unseen = log_in(&authd);
    assert_eq!(authd.end(), Some(0));
    judges(&after, &unseen, 200, "by the last keys");
    judges(&live, &unseen, 503, "without an answer of authd");
    let never = example.start(&issuer, &[]).get("/me", &bearer(&unseen));
    assert_eq!((never.status, never.header("retry-after")), (503, Some("5")), "{never:?}");
}

fn kid(token: &str) -> String {
    jsonwebtoken::decode_header(token).unwrap().kid.unwrap()
}

fn drive(example: &Example) {
    judges_the_table(example);
    follows_the_program(example);
}

#[test]
fn the_middleware_for_express_checks_tokens() {
    if let Some(example) = Example::node("express") {
        drive(&example);
    }
}

#[test]
fn the_middleware_for_hono_checks_tokens() {
    if let Some(example) = Example::node("hono") {
        drive(&example);
    }
}

#[test]
fn the_guards_for_next_check_tokens() {
    let Some(example) = Example::next() else { return };
    drive(&example);
    let issuer = TestIssuer::start();
    let service = example.start(&issuer.url, &[]);
    for (header, status) in [(bearer(&issuer.token(&json!({}))), 200), (String::new(), 401)] {
        assert_eq!(service.get("/behind-the-proxy", &header).status, status);
    }
}

#[test]
fn the_dependency_for_fastapi_checks_tokens() {
    if let Some(example) = Example::fastapi() {
        drive(&example);
    }
}

#[test]
fn the_layer_for_axum_checks_tokens() {
    if let Some(example) = Example::axum() {
        drive(&example);
    }
}

#[test]
fn the_verifier_in_javascript_passes_its_own_tests_and_has_the_types_it_says() {
    let Some(tools) = installed("node").filter(|_| is_here("node")) else {
        return missing("the verifier in JavaScript", "typescript");
    };
    let sources = root().join("sdk/verify/js");
    succeed(Command::new("node").args(["--test", "test/verifier.test.js"]).current_dir(&sources));
    let Some(packages) = services::node_packages("hono") else {
        return missing("the types of the verifier in JavaScript", "hono");
    };
    let folder = tempfile::TempDir::new().unwrap();
    services::copy(&root().join("tests/clients/verify.ts"), &folder.path().join("verify.ts"));
    services::copy(&sources, &folder.path().join("node_modules/@authd/verify"));
    for name in ["hono", "@types"] {
        let link = folder.path().join("node_modules").join(name);
        std::os::unix::fs::symlink(packages.join(name), link).unwrap();
    }
    let mut compiler = Command::new(tools.join("node_modules/.bin/tsc"));
    compiler.args(["--noEmit", "--strict", "--target", "es2022", "--module", "nodenext"]);
    compiler.args(["--types", "node", "verify.ts"]);
    succeed(compiler.current_dir(folder.path()));
}

#[test]
fn the_verifier_in_python_passes_its_own_tests() {
    let Some(tools) = installed("fastapi") else {
        return missing("the verifier in Python", "fastapi");
    };
    let mut python = Command::new(tools.join("bin/python"));
    python.args(["-m", "unittest", "discover", "-s", "tests"]).env("PYTHONDONTWRITEBYTECODE", "1");
    python.env("PYTHONPATH", ".").current_dir(root().join("sdk/verify/python"));
    succeed(&mut python);
}
