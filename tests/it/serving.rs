//! The real binary in operation: restarts, signals, keys, log output, and responses to large
//! bodies.

mod crowd;
mod log_format;
mod shortage;
mod stopping;

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{
    Pid, PidfdFlags, PidfdGetfdFlags, Resource, Rlimit, Signal, getrlimit, kill_process,
    pidfd_getfd, pidfd_open, prlimit,
};
use serde_json::{Value, json};

use crate::process::{CHEAP, Folder, Reply, credentials, is_long, read_reply};
use crate::tools::{is_here, missing, skip};

const PASSWORD: &str = "canary-correct-horse-1";

fn sign_up(email: &str) -> Value {
    credentials(email, PASSWORD)
}

#[test]
fn the_story_goes_on_through_restarts_in_its_middle() {
    let folder = Folder::new();
    let server = folder.serve(&CHEAP);
    assert_eq!(server.post("/v1/auth/register", &sign_up("jo@example.com")).unwrap().status, 201);
    assert_eq!(server.end(), Some(0));

    let server = folder.serve(&CHEAP);
    let link = json!({ "token": folder.newest_link() });
    server.kill();

    let server = folder.serve(&CHEAP);
    assert_eq!(server.post("/v1/auth/verify-email", &link).unwrap().status, 200);
    server.kill();

    let server = folder.serve(&CHEAP);
    let login = server.post("/v1/auth/login", &sign_up("jo@example.com")).unwrap();
    assert_eq!(login.status, 200, "{}", login.body);
    server.kill();

    let server = folder.serve(&CHEAP);
    let bearer = |reply: &Reply| format!("Authorization: Bearer {}\r\n", reply.text("accessToken"));
    assert_eq!(
        server.client().ask("GET", "/v1/users/me", &bearer(&login), None).unwrap().status,
        200
    );
    let refreshed = server
        .post("/v1/auth/refresh", &json!({ "refreshToken": login.text("refreshToken") }))
        .unwrap();
    assert_eq!(refreshed.status, 200, "{}", refreshed.body);
    assert_eq!(
        server.client().ask("POST", "/v1/auth/logout", &bearer(&refreshed), None).unwrap().status,
        200
    );
    server.kill();

    let server = folder.serve(&CHEAP);
    for reply in [&login, &refreshed] {
        let gone = server.client().ask("GET", "/v1/users/me", &bearer(reply), None).unwrap();
        assert_eq!((gone.status, gone.code()), (401, "TOKEN_REVOKED"));
        let gone = server
            .post("/v1/auth/refresh", &json!({ "refreshToken": reply.text("refreshToken") }))
            .unwrap();
        assert_eq!((gone.status, gone.code()), (401, "TOKEN_REVOKED"));
    }
    assert_eq!(server.end(), Some(0));
}

#[test]
fn a_body_above_the_limit_is_refused_with_its_length_and_in_chunks_alike() {
    let folder = Folder::new();
    let server = folder.serve(&CHEAP);
    let head = "POST /v1/auth/login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n";
    let body = |length: usize| format!("{{\"email\":\"{}\"}}", "a".repeat(length - 12));
    let plain = |length: usize| format!("{head}Content-Length: {length}\r\n\r\n{}", body(length));
    let chunked = |length: usize| {
        let body = body(length);
        let piece =
            |part: &[u8]| format!("{:x}\r\n{}\r\n", part.len(), String::from_utf8_lossy(part));
        let chunks: Vec<String> = body.as_bytes().chunks(1000).map(piece).collect();
        let chunks = chunks.concat();
        format!("{head}Transfer-Encoding: chunked\r\n\r\n{chunks}0\r\n\r\n")
    };
    for length in [65_537, 200_000] {
        for request in [plain(length), chunked(length)] {
            let reply = server.client().raw(request).unwrap();
            assert_eq!(
                (reply.status, reply.code()),
                (413, "PAYLOAD_TOO_LARGE"),
                "{length}: {}",
                reply.head
            );
        }
    }
    for request in [plain(65_536), chunked(65_536)] {
        let reply = server.client().raw(request).unwrap();
        assert_eq!((reply.status, reply.code()), (400, "MISSING_CREDENTIALS"), "{}", reply.body);
    }
    let promised = format!("{head}Content-Length: 99999999999\r\n\r\n");
    assert_eq!(
        server.client().raw(promised).unwrap().code(),
        "PAYLOAD_TOO_LARGE",
        "before it has arrived"
    );
}

/// All values that only the client may know, from one run of the story.
fn tell_the_story(folder: &Folder, arguments: &[&str]) -> Vec<(&'static str, String)> {
    let server = folder.serve(arguments);
    let forged = "User-Agent: x\u{85}2026-01-01 INFO authd: forged\r\nX-Request-ID: forged id\r\n";
    let client = server.client();
    let ask = |method: &str, path: &str, more: &str, body: Option<&Value>| {
        client.ask(method, path, &format!("{forged}{more}"), body).unwrap()
    };
    ask("POST", "/v1/auth/register", "", Some(&sign_up("jo@example.com")));
    ask("POST", "/v1/auth/register", "", Some(&sign_up("jo@example.com")));
    let link = folder.newest_link();
    ask("GET", &format!("/v1/verify-email?token={link}"), "", None);
    ask("POST", "/v1/auth/verify-email", "", Some(&json!({ "token": link })));
    ask(
        "POST",
        "/v1/auth/login",
        "",
        Some(&credentials("jo@example.com", "canary-wrong-password-2")),
    );
    ask(
        "POST",
        "/v1/auth/login",
        "",
        Some(&credentials("canary-typed-into-the-wrong-field-3", PASSWORD)),
    );
    let login = ask("POST", "/v1/auth/login", "", Some(&sign_up("jo@example.com")));
    let (access, refresh) = (login.text("accessToken"), login.text("refreshToken"));
    let bearer = format!("Authorization: Bearer {access}\r\n");
    ask("GET", &format!("/v1/users/me?token={access}"), &bearer, None);
    let cookie = format!("Cookie: refreshToken={refresh}\r\n");
    let refreshed = ask("POST", "/v1/auth/refresh", &cookie, None);
    let set = refreshed.head.lines().find_map(|line| line.split_once("refreshToken=")).unwrap().1;
    let successor = set.split(';').next().unwrap().to_owned();
    let broken = format!("{{\"password\":{PASSWORD}}}");
    let length = broken.len();
    let head = "POST /v1/auth/login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json";
    client.raw(format!("{head}\r\nContent-Length: {length}\r\n\r\n{broken}")).unwrap();
    client.ask("GET", "/v1/health", "X-Request-ID: my-own.id_1\r\n", None).unwrap();
    ask("GET", "/v1/%0d%0a2026-01-01%20INFO%20authd:%20forged", "", None);
    let cmdline = fs::read(format!("/proc/{}/cmdline", server.child.id())).unwrap();
    fs::write(folder.path("cmdline"), cmdline).unwrap();
    let secret = |token: &str| token.rsplit('.').next().unwrap().to_owned();
    let secrets = vec![
        ("password", PASSWORD.to_owned()),
        ("wrong password", "canary-wrong-password-2".to_owned()),
        ("name of a login", "canary-typed-into-the-wrong-field-3".to_owned()),
        ("link", link),
        ("access token", access.clone()),
        ("signature", secret(&access)),
        ("refresh token", refresh),
        ("its successor", successor),
        ("second access token", refreshed.text("accessToken")),
    ];
    // Half of it must be on disk while the write-ahead log exists.
    for (what, secret) in &secrets {
        assert_nowhere(folder, what, secret);
    }
    assert_eq!(server.end(), Some(0));
    secrets
}

fn assert_nowhere(folder: &Folder, what: &str, secret: &str) {
    for entry in fs::read_dir(folder.path("")).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        let is_in = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!is_in, "the {what} stands in {}", path.display());
    }
}

#[test]
fn no_secret_is_in_log_database_or_process_list_and_no_line_of_the_log_is_forged() {
    for format in ["text", "json"] {
        let folder = Folder::new();
        let log = format!("log.format={format}");
        let arguments = [&["-vv", "--set", &log][..], &CHEAP].concat();
        for (what, secret) in tell_the_story(&folder, &arguments) {
            assert_nowhere(&folder, what, &secret);
            let half = &secret[..secret.len().min(40)];
            if what != "access token" && what != "second access token" {
                assert_nowhere(&folder, what, half);
            }
        }
        let log = fs::read_to_string(folder.path("log")).unwrap();
        assert!(
            log.contains("/v1/auth/login") && log.contains("DEBUG"),
            "a log at its most talkative: {log}"
        );
        assert!(log.contains("my-own.id_1"), "the client's own id is the log's");
        assert!(!log.contains("\u{85}") && !log.contains("forged id"), "{log}");
        for line in log.lines() {
            let is_json = serde_json::from_str::<Value>(line).is_ok();
            assert!(if format == "json" { is_json } else { line.starts_with("20") }, "{line:?}");
            assert!(!line.starts_with("2026-01-01"), "{line:?}");
        }
        for (name, mode) in [("authd.key", 0o600), ("authd.db", 0o600)] {
            assert_eq!(
                fs::metadata(folder.path(name)).unwrap().permissions().mode() & 0o777,
                mode,
                "{name}"
            );
        }
    }
}

#[test]
fn a_missing_or_wrong_master_key_is_refused_and_none_is_made() {
    let folder = Folder::new();
    assert_eq!(folder.serve(&CHEAP).end(), Some(0));
    let (key, kept) = (folder.path("authd.key"), folder.path("kept"));
    let database = fs::read(folder.path("authd.db")).unwrap();
    let refused = |word: &str| {
        for command in [&["serve", "--listen", "127.0.0.1:0"][..], &["mail", "list"]] {
            let ran = folder.run(command);
            assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""), "{command:?}: {}", ran.err);
            assert!(
                ran.err.contains("master key") && ran.err.contains(word),
                "{command:?}: {}",
                ran.err
            );
        }
        assert_eq!(fs::read(folder.path("authd.db")).unwrap(), database, "untouched");
    };
    fs::rename(&key, &kept).unwrap();
    refused("authd.key");
    assert!(!key.exists(), "no other key was made");

    let other = Folder::new();
    assert_eq!(other.serve(&CHEAP).end(), Some(0));
    fs::copy(other.path("authd.key"), &key).unwrap();
    refused("authd.db");
    let wrong = folder
        .command(&["serve", "--listen", "127.0.0.1:0"])
        .env("AUTHD_MASTER_KEY", "x".repeat(43))
        .output();
    assert_eq!(wrong.unwrap().status.code(), Some(1));

    fs::rename(&kept, &key).unwrap();
    assert_eq!(folder.serve(&CHEAP).end(), Some(0));
}

#[test]
fn an_existing_database_is_never_created_again() {
    let folder = Folder::new();
    assert_eq!(folder.serve(&CHEAP).end(), Some(0));
    let refused = |word: &str| {
        let ran = folder.run(&["serve", "--listen", "127.0.0.1:0"]);
        assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""), "{}", ran.err);
        assert!(ran.err.contains("authd.db") && ran.err.contains(word), "{}", ran.err);
    };
    fs::remove_file(folder.path("authd.db")).unwrap();
    refused("there was a database");
    assert!(!folder.path("authd.db").exists());
    fs::write(folder.path("authd.db"), "").unwrap();
    refused("is empty");
    fs::write(folder.path("authd.db"), "no database").unwrap();
    refused("authd.db");
    assert_eq!(fs::read(folder.path("authd.db")).unwrap(), b"no database");
}

#[test]
fn a_database_that_is_gone_while_its_key_is_there_is_not_replaced_by_an_empty_one() {
    let folder = Folder::new();
    assert_eq!(folder.serve(&CHEAP).end(), Some(0));
    for ending in ["", "-wal", "-shm", ".lock"] {
        let _ = fs::remove_file(folder.path(&format!("authd.db{ending}")));
    }
    let names = || {
        let files = fs::read_dir(folder.path("")).unwrap();
        let mut names: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names(), ["authd.key", "log"]);
    let create = ["user", "create", "--email", "a@example.com", "--password-stdin"];
    for command in [&["serve", "--listen", "127.0.0.1:0"][..], &["mail", "list"], &create] {
        for key in [None, Some("x".repeat(43))] {
            let mut child = folder.command(command);
            if let Some(key) = &key {
                child.env("AUTHD_MASTER_KEY", key);
            }
            let ran = child.output().unwrap();
            let said = String::from_utf8_lossy(&ran.stderr);
            assert_eq!((ran.status.code(), ran.stdout.len()), (Some(1), 0), "{command:?}: {said}");
            for word in ["authd.db", "authd.key", "Put the file back", "start over"] {
                assert!(said.contains(word), "{command:?} {word}: {said}");
            }
        }
    }
    assert_eq!(names(), ["authd.key", "log"], "nothing was made");
    // The way on that the message names.
    fs::rename(folder.path("authd.key"), folder.path("old.key")).unwrap();
    assert_eq!(folder.serve(&CHEAP).end(), Some(0));
}

#[test]
fn sighup_reads_the_configuration_again_and_a_broken_one_changes_nothing() {
    let folder = Folder::new();
    let limit = |count: u32| {
        let rate = format!(
            "[limits]\nsign_up = {{ count = {count}, window = \"1h\", shape = \"window\" }}\n"
        );
        fs::write(folder.path("authd.toml"), rate).unwrap();
    };
    limit(1);
    let server = folder.serve(&CHEAP[..6]);
    let register =
        |n: u32| server.post("/v1/auth/register", &sign_up(&format!("u{n}@example.com"))).unwrap();
    assert_eq!(register(1).status, 201);
    assert_eq!(register(2).status, 429);
    limit(3);
    server.signal(Signal::HUP);
    until("the new limit counts", || register(2).status == 201);
    fs::write(folder.path("authd.toml"), "[limits]\nsgin_up = 1\n").unwrap();
    server.signal(Signal::HUP);
    let log = || fs::read_to_string(folder.path("log")).unwrap();
    until("the mistake is logged", || log().contains("sgin_up"));
    assert_eq!(register(3).status, 201);
    assert_eq!(register(4).status, 429, "what was counted before still counts");
    assert_eq!(server.end(), Some(0));
}

#[test]
fn sighup_refuses_another_profile_or_wire_whole_and_repeats_the_warnings() {
    let folder = Folder::new();
    let policy = |lines: &str| fs::write(folder.path("authd.toml"), lines).unwrap();
    policy("");
    let server = folder.serve(&CHEAP[..6]);
    let log = || fs::read_to_string(folder.path("log")).unwrap();
    for (lines, reason) in [
        ("profile = \"siteworks\"", "profile changed from standard to siteworks"),
        ("[server]\nwire = \"jobpath\"", "server.wire changed from v1 to jobpath"),
    ] {
        policy(lines);
        server.signal(Signal::HUP);
        until(reason, || log().contains(reason));
        // The limits and rules of the other policy are not in force either.
        let short = json!({ "email": "short@example.com", "password": "Passw0rd!" });
        let refused = server.post("/v1/auth/register", &short).unwrap();
        assert_eq!((refused.status, refused.code()), (400, "VALIDATION_ERROR"), "{lines}");
        let absent = server.post("/api/auth/register", &short).unwrap();
        assert_eq!(absent.status, 404, "{lines}");
    }
    assert!(!log().contains("configuration reloaded"), "{}", log());
    let warning = "any client can forge its client IP";
    assert!(!log().contains(warning));
    policy("[server]\ntrusted_proxies = [\"0.0.0.0/0\"]");
    server.signal(Signal::HUP);
    until("the reload", || log().contains("configuration reloaded"));
    assert!(log().contains(warning), "{}", log());
    assert_eq!(server.end(), Some(0));
}

#[test]
fn a_taken_port_is_named() {
    let folder = Folder::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ran = folder.run(&["serve", "--listen", &address]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""));
    assert!(ran.err.contains(&address) && ran.err.contains("in use"), "{}", ran.err);
}

/// Retries for as long as a slow machine may need.
fn until(what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..400 {
        if is_so() {
            return;
        }
        std::thread::yield_now();
        std::thread::park_timeout(Duration::from_millis(25));
    }
    panic!("not in ten seconds: {what}");
}

#[test]
fn the_command_line_and_a_busy_server_share_the_file_without_a_busy_error() {
    let folder = Folder::new();
    let server = folder.serve(&CHEAP);
    let client = server.client();
    std::thread::scope(|scope| {
        for worker in 0..4 {
            let client = client.clone();
            scope.spawn(move || {
                for n in 0..40 {
                    let reply = client
                        .post("/v1/auth/register", &sign_up(&format!("u{worker}-{n}@example.com")));
                    assert_eq!(reply.unwrap().status, 201);
                }
            });
        }
        for n in 0..12 {
            let email = format!("u0-{n}@example.com");
            let listed = folder.run(&["user", "list", "--json"]);
            assert_eq!(listed.code, Some(0), "{}", listed.err);
            until("the account is there", || {
                let ran = folder.run(&["user", "verify", &email]);
                assert!(ran.code == Some(0) || ran.err.contains("authd user list"), "{}", ran.err);
                ran.code == Some(0)
            });
        }
    });
    let login = client.post("/v1/auth/login", &sign_up("u0-3@example.com")).unwrap();
    assert_eq!(login.status, 200);
    let bearer = format!("Authorization: Bearer {}\r\n", login.text("accessToken"));
    let me = || client.ask("GET", "/v1/users/me", &bearer, None).unwrap();
    assert_eq!(
        folder.run(&["user", "role", "u0-3@example.com", "--give", "moderator"]).code,
        Some(0)
    );
    assert_eq!(
        me().body["data"]["roles"],
        json!(["user", "moderator"]),
        "in the very next request"
    );
    let locked = folder.run(&["user", "lock", "u0-3@example.com"]);
    assert_eq!(locked.code, Some(0), "{}", locked.err);
    assert_eq!((me().status, me().code()), (401, "TOKEN_REVOKED"));
    let refused = client.post("/v1/auth/login", &sign_up("u0-3@example.com")).unwrap();
    assert_eq!((refused.status, refused.code()), (403, "ACCOUNT_SUSPENDED"));
    assert_eq!(server.end(), Some(0));
}

#[test]
fn slow_clients_do_not_hurt_a_good_one() {
    let folder = Folder::new();
    let server = folder.serve(&CHEAP);
    let count = if is_long() { 1000 } else { 200 };
    let mut slow: Vec<TcpStream> =
        (0..count).map(|_| TcpStream::connect(&server.address).unwrap()).collect();
    for (n, stream) in slow.iter_mut().enumerate() {
        let begun = match n % 3 {
            0 => "GET /v1/health HTTP/1.1\r\nHost: loc",
            1 => {
                "POST /v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
            }
            _ => "",
        };
        stream.write_all(begun.as_bytes()).unwrap();
    }
    for stream in slow.iter_mut().take(50) {
        #[allow(
            clippy::disallowed_methods,
            reason = "how long a good client waits is the question"
        )]
        let began = std::time::Instant::now();
        assert_eq!(server.get("/v1/health").unwrap().status, 200);
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
        stream.write_all(b"x").unwrap();
    }
    server.kill();
}

#[test]
fn the_profile_of_the_first_start_is_kept_and_another_one_is_said_aloud() {
    let folder = Folder::new();
    let profile = |arguments: &[&str]| {
        let server = folder.serve(&[arguments, &CHEAP].concat());
        let profile = server.greeting["profile"].as_str().unwrap().to_owned();
        assert_eq!(server.end(), Some(0));
        profile
    };
    let log = || fs::read_to_string(folder.path("log")).unwrap();
    assert_eq!(profile(&[]), "standard");
    assert!(!log().contains("was started with"), "{}", log());
    assert_eq!(profile(&["--profile", "siteworks"]), "siteworks");
    assert!(log().contains("the database was started with standard"), "{}", log());
    assert_eq!(profile(&[]), "standard", "once is once");
}

#[test]
fn forwarded_headers_from_an_untrusted_peer_are_logged_once_a_minute() {
    let folder = Folder::new();
    let server = folder.serve(&CHEAP);
    for n in 0..20 {
        let header = format!("X-Forwarded-For: 198.51.100.{n}\r\n");
        assert_eq!(server.client().ask("GET", "/v1/health", &header, None).unwrap().status, 200);
    }
    assert_eq!(server.end(), Some(0));
    let log = fs::read_to_string(folder.path("log")).unwrap();
    assert_eq!(log.matches("is no trusted proxy").count(), 1, "{log}");
}

#[test]
fn small_answers_leave_at_once() {
    let folder = Folder::new();
    let server = folder.serve(&CHEAP);
    let mut stream = TcpStream::connect(&server.address).unwrap();
    stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    assert_eq!(read_reply(&mut stream).unwrap().status, 200);
    let process = pidfd_open(Pid::from_child(&server.child), PidfdFlags::empty()).unwrap();
    let ours = Some(stream.local_addr().unwrap());
    for entry in fs::read_dir(format!("/proc/{}/fd", server.child.id())).unwrap() {
        let number = entry.unwrap().file_name().to_str().unwrap().parse().unwrap();
        let theirs: TcpStream = match pidfd_getfd(&process, number, PidfdGetfdFlags::empty()) {
            Ok(descriptor) => descriptor.into(),
            Err(Errno::BADF) => continue,
            Err(error) => return skip("small answers leave at once", &error.to_string()),
        };
        if theirs.peer_addr().ok() == ours {
            assert!(theirs.nodelay().unwrap(), "TCP_NODELAY");
            return;
        }
    }
    panic!("the other end of the connection was not found");
}

#[test]
#[cfg(target_os = "linux")]
fn hashing_threads_give_way_to_all_others() {
    let folder = Folder::new();
    let server = folder.serve(&[&CHEAP[..], &["--set", "hashing.threads=2"]].concat());
    assert_eq!(server.post("/v1/auth/register", &sign_up("jo@example.com")).unwrap().status, 201);
    let mut found: Vec<(String, i32)> = Vec::new();
    for task in fs::read_dir(format!("/proc/{}/task", server.child.id())).unwrap() {
        let stat = fs::read_to_string(task.unwrap().path().join("stat")).unwrap();
        let (head, rest) = stat.rsplit_once(')').unwrap();
        let (_, name) = head.split_once('(').unwrap();
        // After the name: the state is field 3, nice is field 19.
        found.push((name.to_owned(), rest.split_whitespace().nth(16).unwrap().parse().unwrap()));
    }
    let (hashing, others): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|(name, _)| name.starts_with("hashing-"));
    assert_eq!(hashing.len(), 2, "{others:?}");
    let ours = rustix::process::getpriority_process(None).unwrap();
    assert!(hashing.iter().all(|(_, nice)| *nice == 10), "{hashing:?}");
    assert!(others.iter().all(|(_, nice)| *nice == ours), "{others:?}");
    assert_eq!(server.end(), Some(0));
}
