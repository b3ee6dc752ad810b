//! How the server writes its log when no format is set.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::process::{CHEAP, Folder, Running};
use crate::tools::{is_here, missing};

#[test]
fn the_log_is_json_where_standard_error_is_no_terminal() {
    let folder = Folder::new();
    let arguments = [&["serve", "--listen", "127.0.0.1:0"][..], &CHEAP].concat();
    let mut server = Running(folder.command(&arguments).spawn().unwrap());
    let mut greeting = BufReader::new(server.0.stdout.take().unwrap()).lines();
    assert!(greeting.any(|line| line.unwrap().starts_with("first admin")));
    kill_process(Pid::from_child(&server.0), Signal::TERM).unwrap();
    let mut log = String::new();
    server.0.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.last().unwrap()["message"], "the server has stopped");
}

#[test]
fn the_log_is_text_on_a_terminal() {
    if !is_here("script") {
        return missing("the log on a terminal", "script");
    }
    let folder = Folder::new();
    let serve = format!("{} serve --listen 127.0.0.1:0", env!("CARGO_BIN_EXE_authd"));
    let mut script = Command::new("script");
    script.args(["-qec", &serve, "/dev/null"]).current_dir(folder.path(""));
    let child = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut running = Running(child);
    let mut keys = running.0.stdin.take().unwrap();
    let mut lines = BufReader::new(running.0.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.starts_with("first admin")));
    keys.write_all(b"\x03").unwrap();
    let last = lines.find(|line| line.contains("the server has stopped")).unwrap();
    assert!(!last.contains('{') && last.contains("INFO"), "{last}");
}
