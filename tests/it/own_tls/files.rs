//! A certificate in files: versions of TLS and HTTP, new files, and what is wrong with them.

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::*;
use crate::tools::{is_here, missing};

const VALID: [i32; 2] = [2020, 2090];

fn folder() -> Folder {
    let folder = Folder::new();
    write_certificate(&folder, "first", HOST, VALID);
    write_certificate(&folder, "second", HOST, VALID);
    use_certificate(&folder, "first");
    folder
}

/// What openssl's client prints.
fn s_client(server: &SecureServer, folder: &Folder, more: &[&str]) -> String {
    let mut openssl = Command::new("openssl");
    openssl.args(["s_client", "-connect", &server.address, "-servername", HOST]);
    openssl.arg("-CAfile").arg(folder.path("tls.pem")).args(["-verify_return_error", "-brief"]);
    let output = openssl.args(more).stdin(Stdio::null()).output().unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    format!("{out}{err}")
}

#[test]
fn tls_1_2_and_1_3_are_spoken_and_1_1_is_refused() {
    if Command::new("openssl").arg("version").output().is_err() {
        return missing("TLS of its own", "openssl");
    }
    let folder = folder();
    let server = SecureServer::start(&folder, &with_files());
    for (flag, version) in [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")] {
        let said = s_client(&server, &folder, &[flag]);
        assert!(said.contains(&format!("Protocol version: {version}")), "{said}");
        assert!(said.contains("Verification: OK"), "{said}");
    }
    let said = s_client(&server, &folder, &["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"]);
    let is_refused = ["alert protocol version", "alert handshake failure"];
    assert!(is_refused.iter().any(|alert| said.contains(alert)), "{said}");
    let said = s_client(&server, &folder, &["-alpn", "ftp"]);
    assert!(said.contains("no application protocol"), "{said}");
}

#[test]
fn curl_speaks_both_versions_of_http_and_the_cookie_is_secure() {
    if !is_here("curl") {
        return missing("TLS of its own", "curl");
    }
    let folder = folder();
    let server = SecureServer::start(&folder, &with_files());
    let create = ["user", "create", "--email", "jo@example.com", "--verified", "--password-stdin"];
    let mut creating = folder.command(&create).stdin(Stdio::piped()).spawn().unwrap();
    creating.stdin.take().unwrap().write_all(b"Correct-Horse-7-Battery").unwrap();
    assert!(creating.wait().unwrap().success());
    let body = "{\"email\":\"jo@example.com\",\"password\":\"Correct-Horse-7-Battery\"}";
    for (flag, first) in [("--http1.1", "HTTP/1.1 200"), ("--http2", "HTTP/2 200")] {
        let login = [flag, "-H", "content-type: application/json", "-d", body];
        let said = server.curl(&server.url("/v1/auth/login"), &login);
        assert!(said.starts_with(first), "{said}");
        let said = said.to_ascii_lowercase();
        assert!(said.contains("set-cookie: __secure-refreshtoken="), "{said}");
        assert!(said.contains("strict-transport-security: "), "{said}");
    }
    let audit = folder.run(&["audit", "--event", "login", "--json"]);
    assert!(audit.out.contains("127.0.0.1"), "{}", audit.out);
    let plain = server.curl(&format!("http://127.0.0.1:{}/docs", server.port()), &[]);
    assert!(plain.starts_with("HTTP/1.1 400"), "{plain}");
    assert_eq!(server.greeting["url"], format!("https://{HOST}"));
}

#[test]
fn the_health_command_asks_over_tls() {
    let folder = folder();
    let server = SecureServer::start(&folder, &with_files());
    let mut arguments = vec!["health".to_owned(), "--set".to_owned()];
    arguments.push(format!("server.listen={}", server.address));
    arguments.extend(with_files());
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ran = folder.run(&arguments);
    assert_eq!((ran.code, ran.out.trim()), (Some(0), "ready"), "{}", ran.err);
}

#[test]
fn the_port_for_plain_http_only_redirects() {
    if !is_here("curl") {
        return missing("the redirecting port", "curl");
    }
    let folder = folder();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut arguments = with_files();
    arguments.extend(["--set".to_owned(), format!("tls.redirect={free}")]);
    let server = SecureServer::start(&folder, &arguments);
    let ask = |path: &str, more: &[&str]| {
        server.curl(&format!("http://{free}{path}"), more).to_ascii_lowercase()
    };
    let location = format!("location: https://{HOST}/docs?a=b\r\n");
    for more in [&[][..], &["--head"], &["-H", "host: evil.example"]] {
        let said = ask("/docs?a=b", more);
        assert!(said.starts_with("http/1.1 308") && said.contains(&location), "{said}");
    }
    let said = ask("//evil.example", &[]);
    assert!(said.contains(&format!("location: https://{HOST}//evil.example")), "{said}");
    let said = ask("/v1/auth/login", &["-d", "{}"]);
    assert!(said.starts_with("http/1.1 403") && said.contains("https only"), "{said}");
}

/// Waits until a condition holds.
fn eventually(what: &str, folder: &Folder, mut holds: impl FnMut() -> bool) {
    #[allow(clippy::disallowed_methods, reason = "a limit for the test itself")]
    let began = std::time::Instant::now();
    while !holds() {
        assert!(began.elapsed().as_secs() < 60, "{what}\n{}", log_of(folder));
        thread::yield_now();
    }
}

#[test]
fn new_files_are_shown_under_load_without_a_broken_request() {
    let folder = folder();
    let mut arguments = with_files();
    arguments.extend(["--set", "server.handshakes_client=1000000"].map(str::to_owned));
    let server = SecureServer::start(&folder, &arguments);
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let load = || {
            let mut count = 0_u32;
            while !is_over.load(Ordering::Relaxed) {
                assert_eq!(server.status("/livez"), Some(200));
                count += 1;
            }
            count
        };
        let clients = [scope.spawn(load), scope.spawn(load)];
        for name in ["second", "first", "second"] {
            use_certificate(&folder, name);
            server.signal(Signal::HUP);
            let wanted = der(&folder.path(&format!("{name}.pem")));
            eventually("SIGHUP", &folder, || server.shown().as_ref() == Some(&wanted));
        }
        // Without a signal, within ten seconds.
        use_certificate(&folder, "first");
        let wanted = der(&folder.path("first.pem"));
        eventually("the watch", &folder, || server.shown().as_ref() == Some(&wanted));
        is_over.store(true, Ordering::Relaxed);
        for client in clients {
            assert!(client.join().unwrap() > 10);
        }
    });
}

#[test]
fn a_bad_new_file_leaves_the_certificate_in_force() {
    let folder = folder();
    write_certificate(&folder, "old", HOST, [2010, 2015]);
    write_certificate(&folder, "other", "other.example.com", VALID);
    let server = SecureServer::start(&folder, &with_files());
    let first = server.shown().unwrap();
    let mut read = 0;
    let mut hang_up = |expected: &str| {
        server.signal(Signal::HUP);
        eventually(expected, &folder, || {
            let log = log_of(&folder);
            let new = log.get(read..).unwrap_or_default();
            new.contains(expected)
                && new.contains("stays")
                && new.contains("configuration reloaded")
        });
        read = log_of(&folder).len();
        assert_eq!(server.shown().as_ref(), Some(&first), "{expected}");
    };
    use_certificate(&folder, "old");
    hang_up("it expired at 2015-01-01");
    use_certificate(&folder, "other");
    hang_up("it is not for id.example.com");
    fs::copy(folder.path("first.key"), folder.path("tls.key")).unwrap();
    hang_up("its key is not the one of the certificate");
    fs::write(folder.path("tls.pem"), "half a certif").unwrap();
    hang_up("it has no certificate in PEM");
    fs::remove_file(folder.path("tls.pem")).unwrap();
    hang_up("No such file");
    use_certificate(&folder, "second");
    server.signal(Signal::HUP);
    let second = der(&folder.path("second.pem"));
    eventually("mended", &folder, || server.shown().as_ref() == Some(&second));
}

#[test]
fn a_start_and_a_check_say_what_is_wrong_with_the_files() {
    let folder = folder();
    write_certificate(&folder, "old", HOST, [2010, 2015]);
    write_certificate(&folder, "future", HOST, [2080, 2090]);
    write_certificate(&folder, "other", "other.example.com", VALID);
    let settings = with_files();
    let run = |command: &[&str]| {
        let mut arguments = command.to_vec();
        arguments.extend(settings.iter().map(String::as_str));
        folder.run(&arguments)
    };
    let refused = |expected: &str| {
        let started = run(&["serve", "--listen", "127.0.0.1:0"]);
        assert_eq!(started.code, Some(1), "{expected}");
        assert!(started.err.contains(expected), "{expected}: {}", started.err);
        let checked = run(&["config", "check"]).out;
        let checked = checked.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(checked.contains(expected), "{expected}: {checked}");
    };
    fs::copy(folder.path("second.key"), folder.path("tls.key")).unwrap();
    refused("tls.key: its key is not the one of the certificate");
    fs::write(folder.path("tls.key"), "").unwrap();
    refused("tls.key: it has no private key in PEM without a password");
    fs::remove_file(folder.path("tls.key")).unwrap();
    refused("tls.key: No such file");
    for (name, reason) in [
        ("old", "it expired at 2015-01-01"),
        ("future", "it is valid only from 2080-01-01"),
        ("other", "it is not for id.example.com"),
    ] {
        use_certificate(&folder, name);
        let checked = run(&["config", "check", "--json"]).out;
        assert!(checked.contains(reason), "{checked}");
        let server = SecureServer::start(&folder, &settings);
        assert_eq!(server.status("/livez"), Some(200));
        assert!(log_of(&folder).contains(reason), "{reason}: {}", log_of(&folder));
    }
    use_certificate(&folder, "first");
    let checked = run(&["config", "check", "--json"]).out;
    assert!(!checked.contains("tls.cert"), "{checked}");
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    let folder = folder();
    for (changes, expected) in [
        (&["tls.key=none"][..], "tls.key"),
        (&["tls.acme=ops@example.com"], "tls.acme"),
        (&["tls.acme_eab_kid=kid-1"], "tls.acme_eab_key"),
        (&["server.public_url=http://id.example.com"], "server.public_url"),
        (&["tls.cert=none", "tls.key=none", "tls.redirect=127.0.0.1:0"], "tls.redirect"),
        (
            &[
                "tls.cert=none",
                "tls.key=none",
                "tls.acme=a@b.example",
                "server.public_url=https://10.0.0.1",
            ],
            "server.public_url",
        ),
    ] {
        let mut arguments = vec!["serve".to_owned()];
        arguments.extend(with_files());
        arguments
            .extend(changes.iter().flat_map(|change| ["--set".to_owned(), (*change).to_owned()]));
        let ran = folder.run(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(ran.code != Some(0) && ran.err.contains(expected), "{expected}: {}", ran.err);
    }
}

#[test]
fn the_expiry_is_in_the_metrics() {
    let folder = folder();
    let mut arguments = with_files();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    arguments.extend(["--set".to_owned(), format!("metrics.listen={free}")]);
    let _server = SecureServer::start(&folder, &arguments);
    let mut stream = TcpStream::connect(free).unwrap();
    stream
        .write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let expiry = "authd_certificate_expiry_timestamp_seconds 3786912000";
    assert!(text.contains(expiry), "{text}");
}
