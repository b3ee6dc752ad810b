//! Many clients that want the server for themselves.

use std::io::Read;

use super::*;

/// The peak resident memory of a process, in KiB.
fn peak(server: &crate::process::Server) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// A server with an account; returns its access token.
fn server_with_account(folder: &Folder) -> (crate::process::Server, String) {
    let server = folder.serve(&CHEAP);
    assert_eq!(server.post("/v1/auth/register", &sign_up("jo@example.com")).unwrap().status, 201);
    let link = json!({ "token": folder.newest_link() });
    assert_eq!(server.post("/v1/auth/verify-email", &link).unwrap().status, 200);
    let login = server.post("/v1/auth/login", &sign_up("jo@example.com")).unwrap();
    (server, login.text("accessToken"))
}

#[test]
fn downloads_that_are_not_read_take_little_memory() {
    let folder = Folder::new();
    let (server, access) = server_with_account(&folder);
    let mut file = b"%PDF-1.7\n".to_vec();
    file.resize(9_000_000, b'x');
    let part = "--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"cv.pdf\"\r\n\r\n";
    let form = [part.as_bytes(), &file, b"\r\n--x--\r\n"].concat();
    let head = format!(
        "POST /v1/users/me/files HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {access}\r\n\
         Connection: close\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: {}\r\n\r\n",
        form.len()
    );
    let made = server.client().raw([head.as_bytes(), &form].concat()).unwrap();
    assert_eq!(made.status, 201, "{}", made.body);
    let path = format!("/v1/users/me/files/{}", made.body["data"]["file"]["id"].as_str().unwrap());
    let get =
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {access}\r\n\r\n");
    let before = peak(&server);
    let deaf: Vec<TcpStream> = (0..200)
        .map(|_| {
            let mut stream = TcpStream::connect(&server.address).unwrap();
            stream.write_all(get.as_bytes()).unwrap();
            // The first bytes of the response, and then nothing more.
            stream.read_exact(&mut [0; 12]).unwrap();
            stream
        })
        .collect();
    assert_eq!(server.get("/readyz").unwrap().status, 200);
    let grown = peak(&server) - before;
    assert!(grown < 40 * 1024, "{grown} KiB");
    drop(deaf);
    assert_eq!(server.end(), Some(0));
}

#[test]
fn eight_forms_without_an_end_take_no_memory() {
    let folder = Folder::new();
    let (server, access) = server_with_account(&folder);
    let head = format!(
        "POST /v1/users/me/files HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {access}\r\n\
         Content-Type: multipart/form-data; boundary=x\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    let before = peak(&server);
    let chunk = [b"10000\r\n", &vec![b'-'; 65_536][..], b"\r\n"].concat();
    std::thread::scope(|scope| {
        for n in 0..8 {
            let (head, chunk, server) = (&head, &chunk, &server);
            scope.spawn(move || {
                let mut stream = TcpStream::connect(&server.address).unwrap();
                stream.write_all(head.as_bytes()).unwrap();
                if n % 2 == 0 {
                    stream.write_all(b"5\r\n--x\r\n\r\n").unwrap();
                }
                // 16 MiB, unless the server closes the connection before.
                let sent = (0..256).take_while(|_| stream.write_all(chunk).is_ok()).count();
                assert!(sent < 256, "all of it was taken");
                let _ = stream.read(&mut [0; 1024]);
            });
        }
    });
    let grown = peak(&server) - before;
    assert!(grown < 24 * 1024, "{grown} KiB");
    assert_eq!(server.get("/readyz").unwrap().status, 200);
    assert_eq!(server.end(), Some(0));
}

#[test]
fn a_crowd_from_one_network_is_one_line_of_the_log_a_minute() {
    let folder = Folder::new();
    let server = folder.serve(&[&CHEAP[..], &["--set", "server.connections_client=3"]].concat());
    let crowd: Vec<TcpStream> =
        (0..20).map(|_| TcpStream::connect(&server.address).unwrap()).collect();
    let figures = server
        .client()
        .raw("GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    assert_eq!(figures.unwrap().status, 200);
    drop(crowd);
    assert_eq!(server.end(), Some(0));
    let log = fs::read_to_string(folder.path("log")).unwrap();
    assert_eq!(log.matches("server.connections_client").count(), 1, "{log}");
}

#[test]
fn a_request_line_of_the_log_shows_no_address_and_a_bare_proxy_is_warned_about() {
    let folder = Folder::new();
    let server = folder.serve(&[&CHEAP[..], &["--profile", "jobpsych"]].concat());
    for path in ["/api/auth/user-uploads/jo@example.com", "/api/auth/uploads/jo%40example.com"] {
        assert_eq!(server.get(path).unwrap().status, 404, "{path}");
    }
    for _ in 0..3 {
        let bare = server.client().raw(
            "GET /api/auth/jwt-info HTTP/1.0\r\nHost: 127.0.0.1:5000\r\nConnection: close\r\n\r\n",
        );
        assert_eq!(bare.unwrap().status, 403, "as nginx forwards unless it is told otherwise");
    }
    assert_eq!(server.end(), Some(0));
    let log = fs::read_to_string(folder.path("log")).unwrap();
    assert!(log.contains("path=/api/auth/user-uploads/:"), "{log}");
    assert!(log.contains("path=/api/auth/uploads/…"), "{log}");
    assert!(!log.contains("example.com"), "{log}");
    assert_eq!(log.matches("HTTP/1.0 from a peer that is no trusted proxy").count(), 1, "{log}");
}
