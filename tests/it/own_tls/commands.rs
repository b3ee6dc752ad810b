//! What the operator's commands see of a server that speaks TLS itself.

use std::net::TcpListener;

use super::*;
use crate::doctor::{about, doctor, has_passed};

const VALID: [i32; 2] = [2020, 2096];

/// A server for `localhost` with a certificate that no public authority vouches for, and the arguments
/// of commands beside it.
fn private_server(folder: &Folder, years: [i32; 2]) -> (SecureServer, Vec<String>) {
    write_certificate(folder, "a", "localhost", years);
    use_certificate(folder, "a");
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let listen = format!("127.0.0.1:{port}");
    let public = format!("server.public_url=https://localhost:{port}");
    let set = |setting: &str| ["--set".to_owned(), setting.to_owned()];
    let more = [with_files(), set(&public).to_vec()].concat();
    let server = SecureServer::start_at(folder, &listen, &more);
    let beside = [more, set(&format!("server.listen={listen}")).to_vec()].concat();
    (server, beside)
}

fn with<'a>(command: &[&'a str], beside: &'a [String]) -> Vec<&'a str> {
    command.iter().copied().chain(beside.iter().map(String::as_str)).collect()
}

#[test]
fn top_asks_the_server_that_has_its_certificate_and_no_other() {
    let (folder, other_folder) = (Folder::new(), Folder::new());
    let (server, beside) = private_server(&folder, VALID);
    let ran = folder.run(&with(&["top", "--once", "--json"], &beside));
    let figures: Value =
        serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {}", ran.err));
    assert_eq!(figures["version"], env!("CARGO_PKG_VERSION"));
    // Another program at that address gets no question.
    drop(server);
    let (_other, of_other) = private_server(&other_folder, VALID);
    let listen = of_other.last().unwrap().as_str();
    let ran = folder.run(&with(&["top", "--once", "--set", listen], &beside[..beside.len() - 2]));
    assert!(ran.code == Some(1) && ran.err.contains("hint: "), "{}", ran.err);
    let here = with(&["--local", "--set", listen], &beside[..beside.len() - 2]);
    let (found, _) = doctor(&folder, &here);
    assert!(!has_passed(&found, "server", "answers at"), "{found}");
}

#[test]
fn the_doctor_looks_behind_a_certificate_of_a_private_authority() {
    let folder = Folder::new();
    let (_server, beside) = private_server(&folder, VALID);
    let beside: Vec<&str> = beside.iter().map(String::as_str).collect();
    let (found, _) = doctor(&folder, &beside);
    assert!(has_passed(&found, "server", "answers at"), "{found}");
    let certificate = about(&found, "certificate");
    let [(level, message)] = certificate.as_slice() else { panic!("{found}") };
    assert_eq!(level, "warning");
    assert!(message.contains("no public authority vouches for it"), "{message}");
    assert!(has_passed(&found, "server.public_url", "leads to this server"), "{found}");
    assert!(has_passed(&found, "proxy", "directly"), "{found}");
    // What this machine may read says nothing about others.
    assert_eq!(about(&found, "metrics"), [], "{found}");

    let (found, _) = doctor(&folder, &[&beside[..], &["--root", "a.pem"]].concat());
    assert_eq!(about(&found, "certificate"), [], "{found}");
    assert!(has_passed(&found, "certificate", "it is accepted"), "{found}");
    let ran = folder.run(&[&["doctor", "--root", "none.pem"], &beside[..]].concat());
    assert!(ran.code == Some(1) && ran.err.contains("none.pem"), "{}", ran.err);
}

/// A certificate that has expired is one error, and does not hide what is behind it.
#[test]
fn the_doctor_looks_behind_a_certificate_that_has_expired() {
    let folder = Folder::new();
    let (_server, beside) = private_server(&folder, [2020, 2021]);
    let (found, code) = doctor(&folder, &beside.iter().map(String::as_str).collect::<Vec<_>>());
    let certificate = about(&found, "certificate");
    assert!(certificate.len() == 1 && certificate[0].1.contains("expired"), "{found}");
    assert!(has_passed(&found, "server.public_url", "leads to this server"), "{found}");
    assert_eq!(code, Some(1));
}
