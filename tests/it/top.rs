//! `authd top` beside a running server.

use std::io::{Read, Write};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::process::{CHEAP, Folder, Running, credentials};
use crate::support::{PASSWORD, app};
use crate::tools::{is_here, missing};

use authd::identity::system::operator_token::{self, TokenPurpose};

#[test]
fn the_figures_of_an_interval_are_printed_once_even_where_metrics_are_closed() {
    let folder = Folder::new();
    // A public server answers nobody on this machine, unless the master key is at hand.
    let set = ["--set", "server.public_url=https://id.example.com"];
    let server = folder.serve(&[&CHEAP[..], &set].concat());
    assert_eq!(server.get("/metrics").unwrap().status, 403);
    let listen = format!("server.listen={}", server.address);
    let sign_up = credentials("ada@example.com", PASSWORD);
    assert_eq!(server.post("/v1/auth/register", &sign_up).unwrap().status, 201);
    let once = ["top", "--once", "--json", "--set", &listen];
    let ran = folder.run(&once);
    let figures: Value =
        serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {}", ran.err));
    assert_eq!(figures["version"], env!("CARGO_PKG_VERSION"));
    // The scrapes themselves are requests.
    assert!(figures["requests"]["perSecond"].as_f64().unwrap() > 0.0, "{figures}");
    assert_eq!(figures["routes"][0]["route"], "/metrics");
    assert!(figures["hashing"]["threads"].as_f64().unwrap() >= 1.0, "{figures}");
    let ran = folder.run(&["top", "--once", "--set", &listen]);
    assert!(ran.code == Some(0) && !ran.out.contains('\x1b'), "{}{}", ran.out, ran.err);
    for word in ["requests", "logins", "hashing", "outbox", "GET /metrics"] {
        assert!(ran.out.contains(word), "{word}: {}", ran.out);
    }
    let ran = folder.run(&["top", "--set", &listen]);
    assert_eq!(ran.code, Some(2), "there is no terminal: {}", ran.err);
    assert_eq!(server.end(), Some(0));
    let ran = folder.run(&once);
    assert!(
        ran.code == Some(1) && ran.out.is_empty() && ran.err.contains("error: "),
        "{}",
        ran.err
    );
}

#[test]
fn the_live_display_ends_with_a_key_and_leaves_the_terminal_as_it_was() {
    if !is_here("script") {
        return missing("the live display", "script");
    }
    let folder = Folder::new();
    let server = folder.serve(&CHEAP);
    let top = format!("{} top --set server.listen={}", env!("CARGO_BIN_EXE_authd"), server.address);
    let mut script = Command::new("script");
    script.args(["-qec", &top, "/dev/null"]).current_dir(folder.path(""));
    let child = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut running = Running(child);
    let (mut keys, mut screen) =
        (running.0.stdin.take().unwrap(), running.0.stdout.take().unwrap());
    let (mut shown, mut byte) = (Vec::new(), [0]);
    let has =
        |shown: &[u8], text: &str| shown.windows(text.len()).any(|part| part == text.as_bytes());
    while !has(&shown, "ROUTE") {
        assert_eq!(screen.read(&mut byte).unwrap(), 1, "{}", String::from_utf8_lossy(&shown));
        shown.push(byte[0]);
    }
    assert!(has(&shown, "\x1b[?1049h") && has(&shown, "requests"));
    keys.write_all(b"q").unwrap();
    screen.read_to_end(&mut shown).unwrap();
    assert!(has(&shown, "\x1b[?25h\x1b[?1049l"), "{}", String::from_utf8_lossy(&shown));
    assert!(running.0.wait().unwrap().success());
}

#[tokio::test]
async fn a_token_opens_the_metrics_once_and_one_for_something_else_does_not() {
    let app = app().await;
    let token =
        |purpose| operator_token::ask(&app.core.master, &app.core.env, purpose).unwrap().token;
    let metrics = token(TokenPurpose::Metrics);
    for (token, status) in
        [("x", 403), (token(TokenPurpose::Arrival).as_str(), 403), (&metrics, 200), (&metrics, 403)]
    {
        let answer = app.get("/metrics").header(operator_token::HEADER, token).send().await;
        assert_eq!(answer.status, status, "{token}");
    }
}
