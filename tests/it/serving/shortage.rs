//! A machine that fails: no descriptors, a failing disk, a network filesystem.

use super::*;

#[test]
fn a_network_filesystem_is_warned_about() {
    let folder = Folder::new();
    assert_eq!(folder.serve(&CHEAP).end(), Some(0));
    if !is_here("strace") {
        return missing("a network filesystem is warned about", "strace");
    }
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for command in [&["user", "list"][..], &["serve", "--listen", &address]] {
        let mut strace = Command::new("strace");
        // The result of statfs(2) begins with the filesystem's magic number: NFS is 0x6969.
        strace.args(["-f", "-o", "/dev/null", "-e", "trace=statfs", "-e"]);
        strace
            .args(["inject=statfs:poke_exit=@arg2=6969000000000000", env!("CARGO_BIN_EXE_authd")]);
        let output = strace.args(command).current_dir(folder.path("")).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("authd.db is on NFS"), "{command:?}: {said}");
    }
    let ran = folder.run(&["user", "list"]);
    assert!(!ran.err.contains("authd.db is on"), "{}", ran.err);
}

#[test]
fn a_server_without_descriptors_waits_and_serves_again_when_there_are_some() {
    let folder = Folder::new();
    let server = folder.serve(&CHEAP);
    let of_it = || fs::read_dir(format!("/proc/{}/fd", server.child.id())).unwrap().count() as u64;
    let few = Rlimit { current: Some(of_it() + 4), ..getrlimit(Resource::Nofile) };
    prlimit(Some(Pid::from_child(&server.child)), Resource::Nofile, few).unwrap();
    // The kernel still accepts the connections, and the server gets them when it can.
    let held: Vec<TcpStream> =
        (0..20).map(|_| TcpStream::connect(&server.address).unwrap()).collect();
    let refusals =
        || fs::read_to_string(folder.path("log")).unwrap().matches("could not accept").count();
    until("it has no descriptor left", || refusals() > 0);
    drop(held);
    until("it serves again", || server.get("/readyz").is_some_and(|reply| reply.status == 200));
    assert!(refusals() < 20, "it waits and does not spin: {}", refusals());
    assert_eq!(server.end(), Some(0));
}

/// Makes every write of a process fail with this error, until the returned process ends; `None`
/// where processes cannot be traced.
fn disk_with(fault: &str, id: &str) -> Option<Child> {
    let is_watched = || {
        let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        status.lines().any(|line| line.starts_with("TracerPid:") && !line.ends_with("\t0"))
    };
    let inject = format!("inject=pwrite64:error={fault}");
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=pwrite64", "-e", &inject, "-p", id]);
    let mut strace = strace.stderr(std::process::Stdio::null()).spawn().unwrap();
    for _ in 0..1000 {
        if is_watched() || strace.try_wait().unwrap().is_some() {
            break;
        }
        std::thread::park_timeout(Duration::from_millis(10));
    }
    if !is_watched() {
        let _ = strace.kill();
        let _ = strace.wait();
        return None;
    }
    Some(strace)
}

#[test]
fn while_the_disk_fails_changes_are_refused_and_reads_go_on_and_then_all_is_well_without_a_restart()
{
    let what = "a failing disk";
    if !is_here("strace") {
        return missing(what, "strace");
    }
    let folder = Folder::new();
    let server = folder.serve(&CHEAP);
    assert_eq!(server.post("/v1/auth/register", &sign_up("jo@example.com")).unwrap().status, 201);
    assert_eq!(
        server
            .post("/v1/auth/verify-email", &json!({ "token": folder.newest_link() }))
            .unwrap()
            .status,
        200
    );
    let access =
        server.post("/v1/auth/login", &sign_up("jo@example.com")).unwrap().text("accessToken");
    let bearer = format!("Authorization: Bearer {access}\r\n");
    let read = || server.client().ask("GET", "/v1/users/me", &bearer, None).unwrap().status;
    let change = |name: &str| {
        server.client().ask("PUT", "/v1/users/me", &bearer, Some(&json!({ "firstName": name })))
    };
    let id = server.child.id().to_string();
    for fault in ["EIO", "EROFS", "ENOSPC"] {
        let Some(mut strace) = disk_with(fault, &id) else {
            return skip(what, "processes cannot be watched here");
        };
        // Threads are attached one after the other.
        until("the disk fails", || change("Lost").unwrap().status == 503);
        let refused = change("Lost").unwrap();
        assert_eq!((refused.status, refused.code()), (503, "SERVICE_UNAVAILABLE"), "{fault}");
        assert_eq!(read(), 200, "{fault}");
        kill_process(Pid::from_child(&strace), Signal::TERM).unwrap();
        strace.wait().unwrap();
        until("the disk is well again", || change(fault).unwrap().status == 200);
        let found = server.client().ask("GET", "/v1/users/me", &bearer, None).unwrap();
        assert_eq!(found.text("firstName"), fault);
    }
    assert_eq!(server.end(), Some(0));
}
