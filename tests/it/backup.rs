//! Backups with the real program: made while the server runs, checked, and restored.

mod encrypted;
mod litestream;
mod lost_key;
mod rolled_back;
mod scheduled;

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use authd::backup::write::{self, BackupOrder};
use authd::model::Progress;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::database::RawDatabase;
use crate::process::{Folder, Ran, Server, credentials};
use crate::support::app;

const PASSWORD: &str = "Correct-Horse-7-Battery";

/// A folder whose commands and servers hash cheaply and have no limits.
pub fn folder() -> Folder {
    let folder = Folder::new();
    let limits = "limits.general = \"off\"\nlimits.sign_in = \"off\"\nlimits.sign_up = \"off\"\n";
    let cheap = "hashing.memory = 64\nhashing.passes = 1\n";
    fs::write(folder.path("authd.toml"), format!("{cheap}{limits}")).unwrap();
    folder
}

/// Runs a command that must succeed; returns its JSON output.
pub fn done(folder: &Folder, arguments: &[&str]) -> Value {
    let ran = folder.run(&[arguments, &["--json"]].concat());
    assert_eq!(ran.code, Some(0), "{arguments:?}: {}", ran.err);
    serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{arguments:?}: {error}"))
}

/// Runs a command that must fail with code 1; returns its error.
pub fn fails(folder: &Folder, arguments: &[&str]) -> String {
    let Ran { code, out, err } = folder.run(arguments);
    assert_eq!((code, out.as_str()), (Some(1), ""), "{arguments:?}: {err}");
    assert!(err.contains("error: "), "{arguments:?}: {err}");
    err
}

pub fn create(folder: &Folder, name: &str) {
    let email = format!("{name}@example.com");
    let mut child = folder
        .command(&["user", "create", "--email", &email, "--verified", "--password-stdin"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), PASSWORD.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
}

/// Logs in; returns the refresh token.
pub fn log_in(server: &Server, name: &str) -> String {
    let email = format!("{name}@example.com");
    let reply = server.post("/v1/auth/login", &credentials(&email, PASSWORD)).unwrap();
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.text("refreshToken")
}

/// The names of the files in a folder.
pub fn names_in(folder: &Folder) -> Vec<String> {
    let entries = fs::read_dir(folder.path("")).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Copies a file to another folder.
pub fn carry(from: &Folder, name: &str, to: &Folder) {
    fs::copy(from.path(name), to.path(name)).unwrap();
}

/// The name of a file in a folder, for an argument.
fn at(folder: &Folder, name: &str) -> String {
    folder.path(name).to_str().unwrap().to_owned()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_backup_made_while_the_server_runs_restores_to_a_login() {
    let here = folder();
    let server = here.serve(&[]);
    create(&here, "ada");
    create(&here, "canary-of-the-deleted");
    let delete = ["user", "delete", "canary-of-the-deleted@example.com", "--yes"];
    assert_eq!(here.run(&delete).code, Some(0));
    RawDatabase::at(here.path("authd.db"))
        .tamper("delete from accounts where deleted_at is not null");
    let refresh = log_in(&server, "ada");
    let made = done(&here, &["backup", "copy.db"]);
    assert_eq!((&made["file"], &made["accounts"]), (&json!("copy.db"), &json!(1)));
    assert_eq!(made["bytes"].as_u64(), Some(fs::metadata(here.path("copy.db")).unwrap().len()));
    assert!(made["openedKeys"].as_u64().unwrap() >= 2, "{made}");
    assert_eq!(mode(&here.path("copy.db")), 0o600);
    assert!(
        names_in(&here).iter().all(|name| !name.starts_with("copy.db.")),
        "{:?}",
        names_in(&here)
    );
    let audit = here.run(&["audit", "--event", "backup_made"]).out;
    assert!(audit.contains("copy.db"), "{audit}");

    let there = folder();
    carry(&here, "copy.db", &there);
    let put = done(
        &there,
        &["restore", "copy.db", "--key-file", here.path("authd.key").to_str().unwrap()],
    );
    assert_eq!(put["ended"]["sessions"], 1, "{put}");
    assert_eq!(put["masterKey"], made["masterKey"]);
    assert_eq!((mode(&there.path("authd.db")), mode(&there.path("authd.key"))), (0o600, 0o600));
    let restored = there.serve(&[]);
    let old = restored.post("/v1/auth/refresh", &json!({ "refreshToken": refresh })).unwrap();
    assert_eq!(old.status, 401, "the session of the backup is over: {}", old.body);
    log_in(&restored, "ada");
    let still = server.post("/v1/auth/refresh", &json!({ "refreshToken": refresh })).unwrap();
    assert_eq!(still.status, 200, "the copy does not touch the original");
    let audit = there.run(&["audit", "--event", "database_restored"]).out;
    assert!(audit.contains("copy.db"), "{audit}");
}

#[test]
fn a_backup_has_nothing_in_it_that_was_deleted() {
    let here = folder();
    assert_eq!(here.serve(&[]).end(), Some(0));
    let canary = "canary-of-the-deleted";
    let raw = RawDatabase::at(here.path("authd.db"));
    raw.tamper(&format!("insert into instance (name, text_value) values ('x', '{canary}')"));
    raw.tamper("update instance set text_value = '' where name = 'x'");
    done(&here, &["backup", "copy.db"]);
    let bytes = fs::read(here.path("copy.db")).unwrap();
    assert!(!bytes.windows(canary.len()).any(|part| part == canary.as_bytes()));
}

#[test]
fn a_backup_under_load_is_whole() {
    let here = folder();
    let server = here.serve(&[]);
    let (client, stop) = (server.client(), AtomicBool::new(false));
    let known = std::thread::scope(|scope| {
        let load = scope.spawn(|| {
            let mut count = 0;
            while !stop.load(Ordering::Relaxed) {
                let body =
                    json!({ "email": format!("u{count}@example.com"), "password": PASSWORD });
                assert_eq!(client.post("/v1/auth/register", &body).unwrap().status, 201);
                count += 1;
            }
            count
        });
        let raw = RawDatabase::at(here.path("authd.db"));
        let accounts = || raw.number("select count(*) from accounts");
        while accounts() < 5 {}
        let before = accounts();
        let made = done(&here, &["backup", "copy.db"]);
        stop.store(true, Ordering::Relaxed);
        load.join().unwrap();
        assert!(made["accounts"].as_i64().unwrap() >= before);
        before
    });
    let checked = done(&here, &["backup", "verify", "copy.db"]);
    assert!(checked["accounts"].as_i64().unwrap() >= known, "{checked}");
    assert_eq!(server.end(), Some(0));
}

#[test]
fn a_backup_replaces_nothing_and_warns_of_the_key_beside_it() {
    let here = folder();
    assert_eq!(here.serve(&[]).end(), Some(0));
    fs::write(here.path("mine.db"), "mine").unwrap();
    assert!(fails(&here, &["backup", "mine.db"]).contains("mine.db exists already"));
    assert_eq!(fs::read(here.path("mine.db")).unwrap(), b"mine");
    assert!(fails(&here, &["backup", "authd.db"]).contains("exists already"));
    assert!(fails(&here, &["backup", "none/copy.db"]).contains("none"));
    let beside = here.run(&["backup", "beside.db"]);
    assert!(beside.err.contains("warning:") && beside.err.contains("authd.key"), "{}", beside.err);
    let other = Folder::new();
    let apart = here.run(&["backup", other.path("apart.db").to_str().unwrap()]);
    assert!(apart.code == Some(0) && !apart.err.contains("authd.key"), "{}", apart.err);
    // A process that was killed left its file behind.
    fs::write(here.path("again.db.part"), "half").unwrap();
    done(&here, &["backup", "again.db"]);
    assert!(!here.path("again.db.part").exists());
}

#[test]
fn a_restore_replaces_no_database_and_disturbs_no_server() {
    let here = folder();
    let server = here.serve(&[]);
    done(&here, &["backup", "copy.db"]);
    assert!(fails(&here, &["restore", "copy.db"]).contains("there is a database at"));
    // The file is gone, and its server still runs.
    fs::rename(here.path("authd.db"), here.path("moved.db")).unwrap();
    assert!(fails(&here, &["restore", "copy.db"]).contains("another authd"));
    assert!(!here.path("authd.db").exists() && !here.path("authd.db.restoring").exists());
    server.kill();
    assert!(here.path("authd.db-wal").exists(), "the WAL of the lost file");
    let put = done(&here, &["restore", "copy.db"]);
    assert!(put["setAside"].to_string().contains(".replaced-wal"), "{put}");
    assert!(!here.path("authd.db-wal").exists());
    assert_eq!(here.serve(&[]).end(), Some(0));
}

#[test]
fn what_is_no_backup_or_damaged_is_refused_and_changes_nothing() {
    let here = folder();
    assert_eq!(here.serve(&[]).end(), Some(0));
    done(&here, &["backup", "copy.db"]);
    let whole = fs::read(here.path("copy.db")).unwrap();
    let there = folder();
    carry(&here, "authd.key", &there);
    let before = names_in(&there);
    let mut flipped = whole.clone();
    let middle = (flipped.len() / 2 / 4096) * 4096;
    flipped[middle..middle + 64].fill(0xa5);
    for (name, bytes, word) in [
        ("empty", &b""[..], "is empty"),
        (
            "text",
            b"not a database, but long enough to be looked at by SQLite",
            "not a SQLite database",
        ),
        ("short", &whole[..whole.len() - 4096], "damaged"),
        ("header", &whole[..50], "damaged"),
        ("flipped", &flipped, "damaged"),
    ] {
        let file = here.path(name);
        fs::write(&file, bytes).unwrap();
        let file = file.to_str().unwrap();
        let error = fails(&here, &["backup", "verify", file]);
        assert!(error.contains(word), "{name}: {error}");
        assert!(fails(&there, &["restore", file]).contains(word), "{name}");
        let left: Vec<_> =
            names_in(&there).into_iter().filter(|name| name != "authd.db.lock").collect();
        assert_eq!(left, before, "{name}");
    }
    assert!(fails(&here, &["backup", "verify", "nothing.db"]).contains("nothing.db"));
    let foreign = RawDatabase::at(here.path("foreign.db"));
    foreign.tamper("create table t (n)");
    assert!(fails(&here, &["backup", "verify", "foreign.db"]).contains("another program"));
    fs::copy(here.path("copy.db"), here.path("newer.db")).unwrap();
    RawDatabase::at(here.path("newer.db")).tamper("pragma user_version = 1000");
    assert!(fails(&here, &["backup", "verify", "newer.db"]).contains("newer authd"));
    fs::write(here.path("copy.db-wal"), "changes").unwrap();
    assert!(fails(&here, &["backup", "verify", "copy.db"]).contains("write-ahead log beside it"));
}

/// The first thing that is wrong is said first.
#[test]
fn a_backup_that_is_not_there_is_missed_before_its_key() {
    let there = folder();
    fs::create_dir(there.path("folder")).unwrap();
    for command in [&["restore"][..], &["backup", "verify"]] {
        for (name, word) in [("nothing.db", "No such file"), ("folder", "is not a file")] {
            let error = fails(&there, &[command, &[name, "--key-file", "none"]].concat());
            assert!(error.contains(name) && error.contains(word), "{error}");
            assert!(!error.contains("key"), "{error}");
        }
    }
}

#[test]
fn a_folder_that_everybody_may_write_to_is_warned_of() {
    let (here, other) = (folder(), Folder::new());
    assert_eq!(here.serve(&[]).end(), Some(0));
    let to = at(&other, "");
    for (mode, is_warned) in [(0o777, true), (0o1777, false), (0o755, false)] {
        fs::set_permissions(other.path(""), fs::Permissions::from_mode(mode)).unwrap();
        let ran = here.run(&["backup", &at(&other, &format!("{mode}.db"))]);
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        assert_eq!(ran.err.contains("every user of this machine"), is_warned, "{}", ran.err);
        let set = ["--set", &format!("backup.to={to}"), "--set", "backup.every=1 day"];
        let (found, _) = crate::doctor::doctor(&here, &[&["--local"], &set[..]].concat());
        assert_eq!(!crate::doctor::about(&found, "backup.to").is_empty(), is_warned, "{found}");
    }
}

#[test]
fn a_backup_says_which_master_key_it_needs() {
    let (here, other) = (folder(), folder());
    for folder in [&here, &other] {
        assert_eq!(folder.serve(&[]).end(), Some(0));
        done(folder, &["backup", "copy.db"]);
    }
    let verify = |copy: &Folder, key: &Folder| {
        let (copy, key) = (copy.path("copy.db"), key.path("authd.key"));
        here.run(&[
            "backup",
            "verify",
            copy.to_str().unwrap(),
            "--key-file",
            key.to_str().unwrap(),
            "--json",
        ])
    };
    let mine: Value = serde_json::from_str(&verify(&here, &here).out).unwrap();
    let theirs: Value = serde_json::from_str(&verify(&other, &other).out).unwrap();
    let wrong = verify(&other, &here);
    assert_eq!(wrong.code, Some(1));
    for id in [&mine["masterKey"], &theirs["masterKey"]] {
        assert!(wrong.err.contains(id.as_str().unwrap()), "{id}: {}", wrong.err);
    }
    let elsewhere = folder();
    carry(&here, "copy.db", &elsewhere);
    let unopened = elsewhere.run(&["backup", "verify", "copy.db", "--json"]);
    assert_eq!(unopened.code, Some(0), "{}", unopened.err);
    assert!(unopened.err.contains(mine["masterKey"].as_str().unwrap()), "{}", unopened.err);
    let error = fails(&elsewhere, &["restore", "copy.db"]);
    assert!(error.contains("authd.key") && error.contains("--key-file"), "{error}");
    let key = other.path("authd.key");
    let error = fails(&elsewhere, &["restore", "copy.db", "--key-file", key.to_str().unwrap()]);
    assert!(error.contains("it needs the master key"), "{error}");
    assert!(!elsewhere.path("authd.db").exists() && !elsewhere.path("authd.key").exists());
    // From the environment, the key is not written to a file.
    let key = fs::read_to_string(here.path("authd.key")).unwrap();
    let restored =
        elsewhere.command(&["restore", "copy.db"]).env("AUTHD_MASTER_KEY", key).output().unwrap();
    assert!(restored.status.success(), "{}", String::from_utf8_lossy(&restored.stderr));
    assert!(!elsewhere.path("authd.key").exists());
}

#[test]
fn a_restore_ends_links_and_codes_and_drops_mail_that_waits() {
    let here = folder();
    let server = here.serve(&[]);
    create(&here, "ada");
    let body = json!({ "email": "new@example.com", "password": PASSWORD });
    assert_eq!(server.post("/v1/auth/register", &body).unwrap().status, 201);
    let forgot = json!({ "email": "ada@example.com" });
    assert_eq!(server.post("/v1/auth/forgot-password", &forgot).unwrap().status, 200);
    let raw = RawDatabase::at(here.path("authd.db"));
    while raw.number("select count(*) from links") < 2 {}
    // With this link the owner takes back a change of address that an intruder made.
    let login = server.post("/v1/auth/login", &credentials("ada@example.com", PASSWORD)).unwrap();
    let token = login.text("accessToken");
    let change = json!({ "newEmail": "intruder@example.com" });
    let bearer = format!("authorization: Bearer {token}\r\n");
    let client = server.client();
    let changed = client.ask("POST", "/v1/users/me/email", &bearer, Some(&change)).unwrap();
    assert_eq!(changed.status, 200);
    while raw.number("select count(*) from links where purpose = 'undo_email'") < 1 {}
    done(&here, &["backup", "copy.db"]);
    assert_eq!(server.end(), Some(0));
    let there = folder();
    for name in ["copy.db", "authd.key"] {
        carry(&here, name, &there);
    }
    let put = done(&there, &["restore", "copy.db"]);
    assert_eq!(put["ended"]["links"], 3, "{put}");
    let raw = RawDatabase::at(there.path("authd.db"));
    let unspent = "select count(*) from links where spent_at is null and purpose";
    assert_eq!(raw.number(&format!("{unspent} <> 'undo_email'")), 0);
    assert_eq!(raw.number(&format!("{unspent} = 'undo_email'")), 1);
    assert_eq!(raw.number("select count(*) from outbox where sealed is not null"), 0);
}

/// Runs a command with a limit on the size of files, which is reached in the middle. Returns its code and its
/// errors.
fn run_in_little_space(here: &Folder, arguments: &str) -> (Option<i32>, String) {
    let script = format!("trap '' XFSZ; ulimit -f 100; exec \"$0\" {arguments}");
    let mut bash = Command::new("bash");
    bash.args(["-c", &script, env!("CARGO_BIN_EXE_authd")]).current_dir(here.path(""));
    let ran = bash.output().unwrap();
    (ran.status.code(), String::from_utf8(ran.stderr).unwrap())
}

#[test]
fn a_backup_that_cannot_be_completed_leaves_nothing() {
    let here = folder();
    assert_eq!(here.serve(&[]).end(), Some(0));
    let (code, error) = run_in_little_space(&here, "backup copy.db");
    assert_eq!(code, Some(1), "{error}");
    assert!(error.contains("error: cannot copy") && error.contains("copy.db"), "{error}");
    assert!(
        !names_in(&here).iter().any(|name| name.starts_with("copy.db")),
        "{:?}",
        names_in(&here)
    );
}

/// Nor does a first start, which takes less space than a backup of what it makes.
#[test]
fn a_database_that_cannot_be_created_leaves_nothing() {
    let here = Folder::new();
    let (code, error) = run_in_little_space(&here, "serve --listen 127.0.0.1:0");
    assert!(code == Some(1) && error.contains("error: cannot create"), "{error}");
    assert_eq!(names_in(&here), ["authd.db.lock"]);
}

#[tokio::test]
async fn a_cancelled_backup_leaves_nothing() {
    let app = app().await;
    let (core, target) = (app.core.clone(), app.dir.path().join("copy.db"));
    let scratch = core.config.database.scratch_file();
    let order = BackupOrder { target, encrypt_to: Vec::new(), scratch };
    let progress = Progress::default();
    progress.cancel();
    let error = write::write(&core.store, &core.master, &order, &core.env, &progress).unwrap_err();
    assert!(error.message().contains("interrupted"), "{error}");
    let left = fs::read_dir(app.dir.path()).unwrap();
    let left =
        left.filter(|entry| entry.as_ref().unwrap().file_name().to_str().unwrap().contains("copy"));
    assert_eq!(left.count(), 0);
}

/// Adds so much that a copy takes a while.
fn enlarge(folder: &Folder) {
    RawDatabase::at(folder.path("authd.db")).tamper(
        "insert into audit (id, at, event, outcome, detail)
         with recursive n (i) as (select 1 union all select i + 1 from n where i < 200000)
         select printf('z%08d', i), 0, 'login', 'done', printf('%0200d', i) from n",
    );
}

/// Signals a command once it has begun to write `part`. Returns what it said if it ended with 1, and
/// nothing if it was faster than the signal.
fn interrupt(mut child: Child, part: &Path, made: &Path, signal: Signal) -> Option<String> {
    while fs::metadata(part).map_or(0, |part| part.len()) == 0 && !made.exists() {}
    kill_process(Pid::from_child(&child), signal).unwrap();
    let code = child.wait().unwrap().code();
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(code == Some(0) || code == Some(1), "{said}");
    (code == Some(1)).then_some(said)
}

const SIGNALS: [Signal; 2] = [Signal::INT, Signal::TERM];

/// The server answers while a signal stops a backup in the middle of the copy.
#[test]
fn an_interrupted_backup_leaves_nothing() {
    let here = folder();
    let server = here.serve(&[]);
    enlarge(&here);
    let names = (0..20).map(|number| format!("copy{number}.db"));
    for (name, signal) in names.zip(SIGNALS.into_iter().cycle()) {
        let child = here.command(&["backup", &name]).spawn().unwrap();
        let part = here.path(&format!("{name}.part"));
        let said = interrupt(child, &part, &here.path(&name), signal);
        assert_eq!(server.get("/readyz").unwrap().status, 200);
        let Some(said) = said else { continue };
        assert!(said.contains("interrupted; nothing was changed"), "{said}");
        assert!(
            !names_in(&here).iter().any(|file| file.starts_with(&name)),
            "{:?}",
            names_in(&here)
        );
        return;
    }
    panic!("every backup was faster than its signal");
}

#[test]
fn an_interrupted_restore_leaves_nothing() {
    let here = folder();
    assert_eq!(here.serve(&[]).end(), Some(0));
    enlarge(&here);
    done(&here, &["backup", "copy.db"]);
    for signal in SIGNALS.into_iter().cycle().take(20) {
        let there = folder();
        let (copy, key) = (at(&here, "copy.db"), at(&here, "authd.key"));
        let child = there.command(&["restore", &copy, "--key-file", &key]).spawn().unwrap();
        let (part, made) = (there.path("authd.db.restoring"), there.path("authd.db"));
        let Some(said) = interrupt(child, &part, &made, signal) else { continue };
        assert!(said.contains("interrupted; nothing was changed"), "{said}");
        assert_eq!(names_in(&there), ["authd.db.lock", "authd.toml"]);
        return;
    }
    panic!("every restore was faster than its signal");
}
