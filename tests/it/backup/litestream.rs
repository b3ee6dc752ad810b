//! Continuous replication by Litestream: what was written a moment before the machine was lost is in the
//! replica, which `authd restore` takes.

use std::process::Child;

use super::*;
use crate::tools;

/// A program that ends with its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_replica_of_litestream_restores_to_a_login() {
    let Some(tools) = tools::installed("litestream") else {
        return tools::missing("a replica of Litestream", "litestream");
    };
    let litestream = |here: &Folder| {
        let mut command = Command::new(tools.join("bin/litestream"));
        command.current_dir(here.path("")).stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let here = folder();
    let server = here.serve(&[]);
    create(&here, "early");
    let url = format!("file://{}", at(&here, "replica"));
    let replicating = litestream(&here).args(["replicate", "authd.db", &url]).spawn().unwrap();
    let replicating = Running(replicating);
    create(&here, "late");
    log_in(&server, "late");
    // Litestream copies what is new every second.
    let accounts = |copy: &str| {
        let _ = fs::remove_file(here.path(copy));
        let restored = litestream(&here).args(["restore", "-o", copy, &url]).status().unwrap();
        let is_there = restored.success() && here.path(copy).exists();
        if is_there {
            RawDatabase::at(here.path(copy)).number("select count(*) from accounts")
        } else {
            0
        }
    };
    while accounts("copy.db") < 2 {}
    server.kill();
    drop(replicating);
    assert_eq!(accounts("copy.db"), 2);
    let there = folder();
    carry(&here, "copy.db", &there);
    let key = at(&here, "authd.key");
    let put = done(&there, &["restore", "copy.db", "--key-file", &key]);
    assert_eq!(put["accounts"], 2, "{put}");
    let server = there.serve(&[]);
    log_in(&server, "early");
    log_in(&server, "late");
}

/// The server restarts its WAL beside Litestream, and nothing of that is lost in the replica.
#[test]
fn a_replica_outlives_restarts_of_the_server() {
    let Some(tools) = tools::installed("litestream") else {
        return tools::missing("a replica of Litestream over restarts", "litestream");
    };
    let here = folder();
    let server = here.serve(&[]);
    create(&here, "a0");
    let url = format!("file://{}", at(&here, "replica"));
    let mut command = Command::new(tools.join("bin/litestream"));
    command.args(["replicate", "authd.db", &url]).current_dir(here.path(""));
    let replicating = Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    server.kill();
    for number in 1..4 {
        let server = here.serve(&[]);
        create(&here, &format!("a{number}"));
        assert_eq!(server.end(), Some(0));
    }
    let whole = || {
        let _ = fs::remove_file(here.path("copy.db"));
        let mut command = Command::new(tools.join("bin/litestream"));
        command.args(["restore", "-o", "copy.db", &url]).current_dir(here.path(""));
        let restored = command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
        restored.success()
            && RawDatabase::at(here.path("copy.db")).number("select count(*) from accounts") == 4
    };
    while !whole() {}
    drop(replicating);
    assert_eq!(done(&here, &["backup", "verify", "copy.db"])["accounts"], 4);
}
