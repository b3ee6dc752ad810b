//! `authd serve --test`: what app teams get, and that it cannot be left on by accident.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::process::{CHEAP, Folder, Reply, Server, credentials};

fn start(folder: &Folder, more: &[&str]) -> Server {
    folder.serve(&[&["--test"], &CHEAP[..], more].concat())
}

fn get(server: &Server, path: &str) -> Reply {
    server.get(path).unwrap()
}

fn ask(server: &Server, method: &str, path: &str, more: &str, body: &Value) -> Reply {
    let body = Some(body).filter(|body| !body.is_null());
    server.client().ask(method, path, more, body).unwrap()
}

/// Creates a user; returns all that the call says.
fn user(server: &Server, new: &Value) -> Value {
    let made = server.post("/test/users", new).unwrap();
    assert_eq!(made.status, 201, "{}", made.text);
    made.body
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}"))
}

fn bearer(user: &Value) -> String {
    format!("Authorization: Bearer {}\r\n", text(user, "accessToken"))
}

fn me(server: &Server, user: &Value) -> Reply {
    ask(server, "GET", "/v1/users/me", &bearer(user), &Value::Null)
}

#[test]
fn mail_can_be_read_filtered_and_emptied() {
    let folder = Folder::new();
    let server = start(&folder, &[]);
    for name in ["jo", "ann"] {
        let body = credentials(&format!("{name}@example.com"), "correct-horse-staple-7");
        assert_eq!(server.post("/v1/auth/register", &body).unwrap().status, 201);
    }
    let all = get(&server, "/test/mails").body;
    let to: Vec<_> = all.as_array().unwrap().iter().map(|mail| text(mail, "to")).collect();
    assert_eq!(to, ["ann@example.com", "jo@example.com"], "newest first");
    let mails = get(&server, "/test/mails?to=JO@example.com").body;
    assert_eq!(mails.as_array().unwrap().len(), 1);
    let mail = &mails[0];
    assert!(text(mail, "subject").starts_with("Confirm"), "{mail}");
    assert!(text(mail, "html").contains("<html") && text(mail, "channel") == "mail");
    let link = mail["links"][0].as_str().unwrap();
    let port = server.address.rsplit_once(':').unwrap().1;
    let address = format!("http://localhost:{port}/v1/verify-email?token=");
    let token = link.strip_prefix(&address).unwrap();
    let verified = server.post("/v1/auth/verify-email", &json!({ "token": token })).unwrap();
    assert_eq!(verified.status, 200, "{}", verified.text);

    let page = ask(&server, "GET", "/test/mails", "Accept: text/html\r\n", &Value::Null);
    assert!(page.text.contains("<summary>") && page.text.contains("ann@example.com"));
    let gone = ask(&server, "DELETE", "/test/mails?to=ann@example.com", "", &Value::Null);
    assert_eq!(gone.status, 204);
    assert_eq!(get(&server, "/test/mails").body.as_array().unwrap().len(), 1);
    ask(&server, "DELETE", "/test/mails", "", &Value::Null);
    assert_eq!(get(&server, "/test/mails").body, json!([]));
    let wrong = ask(&server, "PUT", "/test/mails", "", &Value::Null);
    assert_eq!((wrong.status, wrong.code()), (405, "METHOD_NOT_ALLOWED"));
    assert!(wrong.head.to_lowercase().contains("allow: delete, get, head"), "{}", wrong.head);
}

#[test]
fn a_user_comes_with_all_that_a_test_needs() {
    let folder = Folder::new();
    let server = start(&folder, &[]);
    let plain = user(&server, &json!({}));
    let login = credentials(text(&plain, "email"), text(&plain, "password"));
    assert_eq!(server.post("/v1/auth/login", &login).unwrap().status, 200);

    let admin = user(
        &server,
        &json!({ "email": "boss@example.com", "password": "correct-horse-staple-7", "username": "boss",
                 "firstName": "Bo", "roles": ["admin"], "factor": "totp", "tokens": true }),
    );
    let profile = me(&server, &admin);
    assert_eq!(profile.body["data"]["emailVerified"], true, "{}", profile.text);
    let list = ask(&server, "GET", "/v1/admin/users", &bearer(&admin), &Value::Null);
    assert_eq!(list.status, 200, "{}", list.text);
    assert_eq!(get(&server, "/test/mails").body, json!([]), "its creation leaves no mail");
    let login = credentials("boss@example.com", "correct-horse-staple-7");
    let due = server.post("/v1/auth/login", &login).unwrap();
    assert_eq!((due.status, due.code()), (401, "MFA_REQUIRED"));
    let challenge = format!("Authorization: Bearer {}\r\n", text(&due.body["error"], "mfaToken"));
    for code in [text(&admin["totp"], "code"), admin["backupCodes"][0].as_str().unwrap()] {
        let verify = json!({ "code": code });
        let entered = ask(&server, "POST", "/v1/auth/mfa/verify", &challenge, &verify);
        let is_first = code.len() == 6;
        assert_eq!(entered.status, if is_first { 200 } else { 401 }, "{}", entered.text);
    }

    let unverified = user(&server, &json!({ "email": "new@example.com", "verified": false }));
    let login = credentials("new@example.com", text(&unverified, "password"));
    assert_eq!(server.post("/v1/auth/login", &login).unwrap().status, 401);
    for (wrong, status) in [
        (json!({ "email": "boss@example.com" }), 409),
        (json!({ "email": "no address" }), 400),
        (json!({ "mail": "a@example.com" }), 400),
        (json!({ "password": "short" }), 400),
        (json!({ "roles": ["unknown"] }), 400),
        (json!({ "verified": false, "tokens": true }), 400),
    ] {
        assert_eq!(server.post("/test/users", &wrong).unwrap().status, status, "{wrong}");
    }
}

#[test]
fn the_clock_moves_forward_and_what_expires_has_expired() {
    let folder = Folder::new();
    let server = start(&folder, &[]);
    let jo = user(&server, &json!({ "tokens": true }));
    assert_eq!(me(&server, &jo).status, 200);
    let moved = server.post("/test/clock", &json!({ "advance": "16m" })).unwrap();
    assert_eq!(moved.body["aheadSeconds"], 960.0, "{}", moved.text);
    let late = me(&server, &jo);
    assert_eq!((late.status, late.code()), (401, "TOKEN_EXPIRED"));
    let refresh = json!({ "refreshToken": text(&jo, "refreshToken") });
    let refreshed = server.post("/v1/auth/refresh", &refresh).unwrap();
    let next = json!({ "refreshToken": refreshed.text("refreshToken") });
    let in_a_year = json!({ "set": "2100-01-01T00:00:00Z" });
    assert_eq!(ask(&server, "PATCH", "/test/clock", "", &in_a_year).status, 200);
    assert!(text(&get(&server, "/test/clock").body, "now").starts_with("2100-01-01T00:0"));
    assert_eq!(server.post("/v1/auth/refresh", &next).unwrap().status, 401);
    for wrong in [
        json!({ "set": "2099-12-31T00:00:00Z" }),
        json!({ "set": "tomorrow" }),
        json!({ "advance": "15" }),
        json!({ "advance": "-1s" }),
        json!({ "advance": "36500 days" }),
        json!({ "advance": "1s", "set": "2100-02-01T00:00:00Z" }),
        json!({}),
    ] {
        assert_eq!(server.post("/test/clock", &wrong).unwrap().status, 400, "{wrong}");
    }
    assert_eq!(ask(&server, "DELETE", "/test", "", &Value::Null).status, 204);
    assert_eq!(get(&server, "/test/clock").body["aheadSeconds"], 0.0);
    let again = user(&server, &json!({ "tokens": true }));
    assert_eq!(me(&server, &again).status, 200, "tokens are valid after the clock went back");
}

#[test]
fn every_mailed_code_is_the_one_that_was_wished_for() {
    let folder = Folder::new();
    let server = start(&folder, &["--test-code", "012345"]);
    let jo = user(&server, &json!({ "tokens": true }));
    let set_up = ask(
        &server,
        "POST",
        "/v1/auth/mfa/setup",
        &bearer(&jo),
        &json!({ "type": "email", "deviceName": "mail" }),
    );
    assert_eq!(set_up.status, 200, "{}", set_up.text);
    let mails = get(&server, "/test/mails").body;
    assert_eq!(mails[0]["codes"], json!(["012345"]), "{mails}");
    let verify = json!({ "code": "012345" });
    let confirmed = ask(&server, "POST", "/v1/auth/mfa/verify", &bearer(&jo), &verify);
    assert_eq!(confirmed.status, 200, "{}", confirmed.text);
}

#[test]
fn a_reset_leaves_what_a_first_start_leaves() {
    let folder = Folder::new();
    let server = folder.serve(&["--test", "--set", "limits.sign_in.count=2"]);
    let keys = get(&server, "/.well-known/jwks.json").body;
    let jo =
        user(&server, &json!({ "email": "jo@example.com", "tokens": true, "roles": ["admin"] }));
    let role = json!({ "name": "editor", "permissions": ["admin.audit"] });
    let made = ask(&server, "POST", "/v1/admin/roles", &bearer(&jo), &role);
    assert_eq!(made.status, 201, "{}", made.text);
    user(&server, &json!({ "roles": ["editor"] }));
    let login = credentials("jo@example.com", text(&jo, "password"));
    let statuses: Vec<_> =
        (0..3).map(|_| server.post("/v1/auth/login", &login).unwrap().status).collect();
    assert_eq!(statuses, [200, 200, 429]);
    let forgot = json!({ "email": "jo@example.com" });
    server.post("/v1/auth/forgot-password", &forgot).unwrap();

    assert_eq!(ask(&server, "DELETE", "/test", "", &Value::Null).status, 204);
    assert_eq!(get(&server, "/test/mails").body, json!([]));
    assert_eq!(me(&server, &jo).status, 401);
    assert_eq!(server.post("/v1/auth/login", &login).unwrap().status, 401, "not 429");
    assert_eq!(get(&server, "/.well-known/jwks.json").body, keys, "services keep their cache");
    assert_eq!(server.post("/test/users", &json!({ "roles": ["editor"] })).unwrap().status, 400);
    let jo =
        user(&server, &json!({ "email": "jo@example.com", "tokens": true, "roles": ["admin"] }));
    let audit = ask(&server, "GET", "/v1/admin/audit", &bearer(&jo), &Value::Null);
    assert!(!audit.text.contains("role_made"), "{}", audit.text);
    assert_eq!(ask(&server, "GET", "/test", "", &Value::Null).status, 405);
}

#[test]
fn a_server_that_others_could_reach_does_not_start_in_test_mode() {
    let folder = Folder::new();
    for (arguments, named) in [
        (&["--set", "server.public_url=https://auth.example.com"][..], "server.public_url"),
        (&["--set", "server.environment=production"], "server.environment"),
        (&["--listen", "0.0.0.0:0"], "server.listen"),
        (&["--listen", "[::]:0"], "server.listen"),
        (&["--set", "metrics.listen=0.0.0.0:9"], "metrics.listen"),
        (
            &["--set", "server.service_hosts=[\"localhost\", \"authd.internal\"]"],
            "server.service_hosts",
        ),
        (&["--set", "server.trusted_proxies=[\"127.0.0.1/32\"]"], "server.trusted_proxies"),
    ] {
        let ran = folder.run(&[&["serve", "--test"], arguments].concat());
        assert_eq!(ran.code, Some(1), "{arguments:?}: {}", ran.err);
        assert!(ran.err.contains(named) && ran.err.contains("test mode"), "{}", ran.err);
        assert!(!folder.path("authd.db").exists());
    }
    let ran = folder.run(&["serve", "--test-code", "123456"]);
    assert_eq!(ran.code, Some(2), "{}", ran.err);
}

#[test]
fn a_database_is_for_tests_or_for_people_and_never_both() {
    let folder = Folder::new();
    folder.serve(&CHEAP).end();
    let ran = folder.run(&["serve", "--test", "--db", "authd.db", "--listen", "127.0.0.1:0"]);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    assert!(ran.err.contains("was not made in test mode"), "{}", ran.err);

    let server = start(&folder, &["--db", "tests.db"]);
    user(&server, &json!({ "email": "jo@example.com" }));
    server.end();
    let server = start(&folder, &["--db", "tests.db"]);
    assert_eq!(
        server.post("/test/users", &json!({ "email": "jo@example.com" })).unwrap().status,
        409,
        "a named database stays"
    );
    server.end();
    let ran = folder.run(&["serve", "--db", "tests.db", "--listen", "127.0.0.1:0"]);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    assert!(ran.err.contains("was made in test mode"), "{}", ran.err);
}

#[test]
fn without_a_named_database_nothing_is_read_and_nothing_stays() {
    let folder = Folder::new();
    folder.serve(&CHEAP).end();
    let before = fs::read(folder.path("authd.db")).unwrap();
    fs::write(folder.path("authd.toml"), "db = \"authd.db\"\n").unwrap();
    let server = start(&folder, &[]);
    assert_eq!(server.greeting["test"], true);
    let database = PathBuf::from(text(&server.greeting, "db"));
    let parent = database.parent().unwrap().to_owned();
    let name = parent.file_name().unwrap().to_str().unwrap();
    assert!(database.exists() && name.starts_with("authd-test-"), "{database:?}");
    let mode = fs::metadata(&parent).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    assert_eq!(server.end(), Some(0));
    assert!(!parent.exists());
    assert_eq!(fs::read(folder.path("authd.db")).unwrap(), before);
}

#[test]
fn only_direct_requests_from_this_machine_are_answered() {
    let folder = Folder::new();
    let server = start(&folder, &[]);
    for header in ["X-Forwarded-For: 192.0.2.1", "Forwarded: for=192.0.2.1", "Via: 1.1 proxy"] {
        for path in ["/test/mails", "/v1/health", "/"] {
            let refused = ask(&server, "GET", path, &format!("{header}\r\n"), &Value::Null);
            assert_eq!((refused.status, refused.code()), (403, "TEST_MODE"), "{header} {path}");
            assert!(refused.head.to_lowercase().contains("x-request-id: "), "{}", refused.head);
        }
    }
    let raw = |text: &str| server.client().raw(text).unwrap();
    for request in [
        "GET /test/mails HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
        "GET /test/mails HTTP/1.0\r\nHost: localhost\r\n\r\n",
        "GET http://localhost/test/mails HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    ] {
        assert_eq!(raw(request).status, 403, "{request}");
    }
    let foreign = "Origin: https://evil.example\r\n";
    for (method, path) in [("POST", "/test/users"), ("DELETE", "/test"), ("GET", "/test/mails")] {
        let refused = ask(&server, method, path, foreign, &json!({}));
        assert_eq!(refused.status, 403, "{method} {path}: {}", refused.text);
    }
    let own = format!("Origin: http://{}\r\nHost: {}\r\n", server.address, server.address);
    let own = format!("GET /test/mails HTTP/1.1\r\n{own}Connection: close\r\n\r\n");
    assert_eq!(raw(&own).status, 200);
}

#[test]
fn each_response_each_page_and_each_line_of_the_log_says_it() {
    let folder = Folder::new();
    for format in ["text", "json"] {
        fs::remove_file(folder.path("log")).ok();
        let server = start(&folder, &["--set", &format!("log.format={format}"), "-v"]);
        for path in ["/v1/health", "/test/clock", "/unknown", "/livez"] {
            let head = get(&server, path).head.to_lowercase();
            assert!(head.contains("x-authd-test: true"), "{path}: {head}");
        }
        let browser = "Accept: text/html,*/*\r\nAccept-Encoding: gzip\r\n";
        for path in ["/", "/docs", "/redoc", "/v1/forgot-password", "/test/mails"] {
            let page = ask(&server, "GET", path, browser, &Value::Null);
            assert_eq!(page.status, 200, "{path}");
            assert!(page.text.contains("Test mode:"), "{path}: {}", page.text);
        }
        assert_eq!(server.end(), Some(0));
        let log = fs::read_to_string(folder.path("log")).unwrap();
        assert!(log.lines().count() > 8, "{log}");
        for line in log.lines() {
            let says = match format {
                "json" => serde_json::from_str::<Value>(line).unwrap()["test"] == true,
                _ => line.starts_with("test=true "),
            };
            assert!(says, "{line}");
        }
    }
    let server = folder.serve(&CHEAP);
    assert_eq!(get(&server, "/test/mails").status, 404);
    assert!(!get(&server, "/livez").head.to_lowercase().contains("x-authd-test"));
    assert_eq!(server.greeting["test"], false);
}

#[test]
fn a_reload_cannot_open_it_to_others() {
    let folder = Folder::new();
    let log = |folder: &Folder| fs::read_to_string(folder.path("log")).unwrap();
    let server = start(&folder, &[]);
    fs::write(folder.path("authd.toml"), "server.public_url = \"https://auth.example.com\"\n")
        .unwrap();
    server.signal(Signal::HUP);
    while !log(&folder).contains("reloading the configuration failed") {
        assert!(!log(&folder).contains("configuration reloaded"), "{}", log(&folder));
        std::thread::yield_now();
    }
    assert_eq!(get(&server, "/test/mails").status, 200);
}
