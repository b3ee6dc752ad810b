//! The administrator's commands with the real binary: next to a running server, and alone with the
//! database.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};

use crate::process::{Folder, Reply, Server, credentials};

const PASSWORD: &str = "Correct-Horse-7-Battery";
const ANOTHER: &str = "Another-Horse-8-Battery";
/// The time limit for expected events on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A folder whose commands and servers hash cheaply, with additional configuration.
fn folder(more: &str) -> Folder {
    let folder = Folder::new();
    let cheap = "hashing.memory = 64\nhashing.passes = 1\n";
    std::fs::write(folder.path("authd.toml"), format!("{cheap}{more}")).unwrap();
    folder
}

/// Runs a command that must succeed; returns its JSON output.
fn done(folder: &Folder, arguments: &[&str]) -> Value {
    done_with(folder, arguments, "")
}

fn done_with(folder: &Folder, arguments: &[&str], input: &str) -> Value {
    let arguments = [arguments, &["--json"]].concat();
    let mut child = folder.command(&arguments).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let (out, err) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {err}");
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{arguments:?}: {error} in {out}"))
}

/// Runs a command that must fail with this code: it prints nothing on standard output, and the
/// error contains this word.
fn fails(folder: &Folder, code: i32, arguments: &[&str], word: &str) {
    let ran = folder.run(arguments);
    assert_eq!((ran.code, ran.out.as_str()), (Some(code), ""), "{arguments:?}: {}", ran.err);
    let (_, error) =
        ran.err.split_once("error:").unwrap_or_else(|| panic!("{arguments:?}: {}", ran.err));
    assert!(error.contains(word), "{arguments:?}: {error}");
}

fn make(folder: &Folder, name: &str, more: &[&str]) -> String {
    let email = format!("{name}@example.com");
    let create = [
        "user",
        "create",
        "--email",
        email.as_str(),
        "--username",
        name,
        "--verified",
        "--password-stdin",
    ];
    done_with(folder, &[&create, more].concat(), PASSWORD)["id"].as_str().unwrap().to_owned()
}

fn log_in(server: &Server, name: &str, password: &str) -> Reply {
    server.post("/v1/auth/login", &credentials(&format!("{name}@example.com"), password)).unwrap()
}

fn get(server: &Server, path: &str, token: &str) -> Reply {
    server.client().ask("GET", path, &format!("Authorization: Bearer {token}\r\n"), None).unwrap()
}

fn post(server: &Server, path: &str, token: &str, body: &Value) -> Reply {
    server
        .client()
        .ask("POST", path, &format!("Authorization: Bearer {token}\r\n"), Some(body))
        .unwrap()
}

fn names<'a>(list: &'a Value, name: &str) -> Vec<&'a str> {
    list.as_array().unwrap().iter().map(|row| row[name].as_str().unwrap()).collect()
}

#[test]
fn roles_are_made_given_changed_and_deleted_beside_the_server_and_hold_at_once() {
    let folder = folder("");
    let server = folder.serve(&[]);
    let id = make(&folder, "jane", &[]);
    let token = log_in(&server, "jane", PASSWORD).text("accessToken");
    let list = |server: &Server| get(server, "/v1/admin/users", &token).status;
    assert_eq!(list(&server), 403);

    let made = done(&folder, &["role", "create", "support", "--permission", "admin.stats"]);
    assert_eq!((&made["name"], &made["permissions"]), (&json!("support"), &json!(["admin.stats"])));
    done(&folder, &["user", "role", "jane", "--give", "support"]);
    assert_eq!((get(&server, "/v1/admin/stats", &token).status, list(&server)), (200, 403));
    let granted = done(&folder, &["role", "grant", "support", "admin.users.read"]);
    assert_eq!(granted["permissions"], json!(["admin.stats", "admin.users.read"]));
    assert_eq!(list(&server), 200, "at once, with the token that is out");
    done(&folder, &["role", "withdraw", "support", "admin.users.read"]);
    assert_eq!(list(&server), 403);

    assert_eq!(server.end(), Some(0));
    let roles = done(&folder, &["role", "list"]);
    assert_eq!(names(&roles, "name"), ["admin", "moderator", "support", "user"]);
    assert_eq!((&roles[2]["members"], &roles[2]["builtIn"]), (&json!(1), &json!(false)));
    let table = folder.run(&["role", "list"]);
    assert!(table.out.contains("PERMISSIONS") && table.out.contains("support"), "{}", table.out);
    fails(&folder, 1, &["role", "create", "support"], "support");
    fails(&folder, 1, &["role", "grant", "king", "admin.stats"], "king");
    fails(&folder, 1, &["role", "delete", "king", "--yes"], "king");
    fails(&folder, 1, &["role", "delete", "admin", "--yes"], "built");
    fails(&folder, 2, &["role", "grant", "support"], "PERMISSION");
    assert_eq!(done(&folder, &["role", "delete", "support", "--yes"])["name"], "support");
    assert_eq!(
        done(&folder, &["user", "show", id.as_str()])["roles"],
        json!(["user"]),
        "the previous owner has lost it"
    );

    let story = done(&folder, &["audit", "--limit", "0"]);
    let by_hand: Vec<&str> = story
        .as_array()
        .unwrap()
        .iter()
        .filter(|record| {
            record["actor"] == "cli" && record["event"].as_str().unwrap().starts_with("role")
        })
        .map(|record| record["event"].as_str().unwrap())
        .collect();
    let expected =
        ["role_created", "roles_changed", "role_changed", "role_changed", "role_deleted"];
    assert_eq!(by_hand, expected, "{story}");
}

#[test]
fn an_api_clients_key_is_shown_once_works_at_once_and_ends_when_it_is_rotated() {
    let folder = folder("apps.required = true\n");
    let server = folder.serve(&[]);
    make(&folder, "jane", &[]);
    let app = done(&folder, &["app", "create", "Website"]);
    let (id, key) = (app["id"].as_str().unwrap(), app["key"].as_str().unwrap());
    let log_in = |server: &Server, key: &str| {
        let body = credentials("jane@example.com", PASSWORD);
        let headers = format!("X-App-ID: {id}\r\nX-Service-Key: {key}\r\n");
        server.client().ask("POST", "/v1/auth/login", &headers, Some(&body)).unwrap().status
    };
    assert_eq!((log_in(&server, "wrong"), log_in(&server, key)), (401, 200));
    let rotated = done(&folder, &["app", "rotate", id]);
    let next = rotated["key"].as_str().unwrap();
    assert_eq!((&rotated["id"], next == key), (&json!(id), false));
    assert_eq!((log_in(&server, key), log_in(&server, next)), (401, 200));
    assert_eq!(server.end(), Some(0));

    let service = done(&folder, &["app", "create", "Uploads", "--kind", "service"]);
    assert_eq!(service["kind"], "service");
    let list = folder.run(&["app", "list", "--json"]).out;
    assert!(list.contains("Website") && list.contains("Uploads"), "{list}");
    assert!(!list.contains(next) && !list.contains("\"key\""), "a key is shown once: {list}");
    let spoken = folder.run(&["app", "rotate", id]);
    assert!(spoken.out.contains(&format!("X-App-ID: {id}\nX-Service-Key: ")), "{}", spoken.out);
    fails(&folder, 1, &["app", "rotate", "nothing"], "nothing");
    fails(&folder, 2, &["app", "delete", id], "--yes");
    assert_eq!(done(&folder, &["app", "delete", id, "--yes"]), json!({ "id": id }));
    fails(&folder, 1, &["app", "delete", id, "--yes"], id);
    assert_eq!(names(&done(&folder, &["app", "list"]), "name"), ["first", "Uploads"]);
}

/// The state of each key, newest first.
fn uses(keys: &Value) -> Vec<&str> {
    names(keys, "use")
}

#[test]
fn keys_rotated_on_the_command_line_apply_to_a_running_server() {
    let folder = folder("");
    let server = folder.serve(&[]);
    make(&folder, "jane", &[]);
    let token = log_in(&server, "jane", PASSWORD).text("accessToken");
    let me = |server: &Server, token: &str| get(server, "/v1/users/me", token).status;
    let published = |server: &Server| server.get("/.well-known/jwks.json").unwrap().body;
    assert_eq!(uses(&done(&folder, &["key", "list"])), ["signing"]);

    let rotated = done(&folder, &["key", "rotate"]);
    assert_eq!(uses(&rotated), ["next", "signing"]);
    assert_eq!(me(&server, &token), 200);
    let next = rotated[0]["id"].as_str().unwrap();
    assert!(names(&published(&server)["keys"], "kid").contains(&next), "published before it signs");
    let now = done(&folder, &["key", "rotate", "--now"]);
    let signing = |keys: &Value| {
        let key = keys.as_array().unwrap().iter().find(|key| key["use"] == "signing").unwrap();
        key["id"].as_str().unwrap().to_owned()
    };
    assert!(signing(&now) != signing(&rotated) && uses(&now).contains(&"verifying"), "{now}");
    assert_eq!(me(&server, &token), 200, "the old one verifies on");
    let revoked = done(&folder, &["key", "rotate", "--revoke", "--yes"]);
    assert_eq!(
        uses(&revoked).iter().filter(|key| **key == "ended").count(),
        uses(&revoked).len() - 1,
        "{revoked}"
    );
    assert_eq!(me(&server, &token), 401);
    let token = log_in(&server, "jane", PASSWORD).text("accessToken");
    assert_eq!(me(&server, &token), 200);
    assert_eq!(names(&published(&server)["keys"], "kid"), [signing(&revoked)]);
    assert_eq!(server.end(), Some(0));

    let alone = done(&folder, &["key", "rotate", "--now"]);
    let table = folder.run(&["key", "list"]);
    assert!(table.out.contains("VERIFIES UNTIL") && table.out.contains(&signing(&alone)));
    assert!(!table.out.contains("PRIVATE") && alone[0].get("sealed").is_none());
    let server = folder.serve(&[]);
    assert_eq!(me(&server, &token), 200, "keys rotated meanwhile are in force at the start");
    assert_eq!(server.end(), Some(0));
    fails(&folder, 2, &["key", "rotate", "--soon"], "--soon");
}

/// Sets up an authenticator and confirms it.
fn guard(server: &Server, token: &str) {
    let setup = post(
        server,
        "/v1/auth/mfa/setup",
        token,
        &json!({ "type": "totp", "deviceName": "Phone" }),
    );
    assert_eq!(setup.status, 200, "{}", setup.body);
    let secret = totp_rs::Secret::try_from_base32(setup.text("secret")).unwrap();
    let totp = totp_rs::Builder::new().with_secret(secret).build().unwrap();
    let now = u64::try_from(jiff::Timestamp::now().as_second()).unwrap();
    let confirmed = post(
        server,
        "/v1/auth/mfa/verify",
        token,
        &json!({ "code": totp.generate(now).to_string() }),
    );
    assert_eq!(confirmed.status, 200, "{}", confirmed.body);
}

#[test]
fn sessions_are_seen_and_ended_and_factors_removed() {
    let folder = folder("");
    let server = folder.serve(&[]);
    make(&folder, "jane", &[]);
    let token = || log_in(&server, "jane", PASSWORD).text("accessToken");
    let me = |token: &str| get(&server, "/v1/users/me", token).status;
    assert_eq!(done(&folder, &["user", "sessions", "jane"]), json!([]));
    let (first, second) = (token(), token());
    let sessions = done(&folder, &["user", "sessions", "jane@example.com"]);
    assert_eq!(names(&sessions, "ipAddress"), ["127.0.0.1", "127.0.0.1"]);
    let claims = jsonwebtoken::dangerous::insecure_decode::<Value>(&first).unwrap().claims;
    let sid = claims["sid"].as_str().unwrap();
    assert!(names(&sessions, "id").contains(&sid), "{sessions}");
    fails(&folder, 1, &["user", "revoke", "jane", "--session", "nothing"], "ession");
    done(&folder, &["user", "revoke", "jane", "--session", sid]);
    assert_eq!((me(&first), me(&second)), (401, 200), "at once, and that one alone");
    assert_eq!(done(&folder, &["user", "revoke", "jane"])["sessions"], 0);
    assert_eq!(me(&second), 401);

    let third = token();
    guard(&server, &third);
    let waiting = log_in(&server, "jane", PASSWORD);
    assert_eq!((waiting.status, waiting.code()), (401, "MFA_REQUIRED"));
    done(&folder, &["user", "mfa-reset", "jane"]);
    assert_eq!(log_in(&server, "jane", PASSWORD).status, 200);
    let said = folder.run(&["user", "mfa-reset", "jane"]);
    assert!(said.err.contains("0 second factors and passkeys removed"), "{}", said.err);
    assert_eq!(server.end(), Some(0));

    // Alone with the database.
    let table = folder.run(&["user", "sessions", "jane"]);
    assert!(table.out.contains("LAST ACTIVE") && table.out.contains("127.0.0.1"), "{}", table.out);
    done(&folder, &["user", "revoke", "jane"]);
    assert_eq!(done(&folder, &["user", "sessions", "jane"]), json!([]));
    for command in ["sessions", "revoke", "mfa-reset"] {
        fails(&folder, 1, &["user", command, "nobody"], "authd user list");
    }
    let refused =
        done(&folder, &["audit", "--outcome", "refused", "--since", "2020-01-01", "--limit", "0"]);
    assert!(names(&refused, "outcome").iter().all(|outcome| *outcome == "refused"), "{refused}");
    assert_eq!(done(&folder, &["audit", "--until", "2020-01-01T00:00:00Z"]), json!([]));
    fails(&folder, 2, &["audit", "--since", "yesterday"], "yesterday");
    let ended = done(&folder, &["audit", "--event", "session_ended", "--user", "jane"]);
    assert!(ended.as_array().unwrap().iter().all(|record| record["actor"] == "cli"), "{ended}");
    assert_eq!(
        done(&folder, &["audit", "--event", "factor_removed", "--limit", "0"])
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

/// A long-running command, read line by line; stops when dropped.
struct Following {
    child: Child,
    lines: Receiver<String>,
}

impl Following {
    fn start(folder: &Folder, arguments: &[&str]) -> Self {
        let mut child = folder.command(arguments).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (said, lines) = channel();
        std::thread::spawn(move || {
            out.lines().map_while(Result::ok).try_for_each(|line| said.send(line))
        });
        Self { child, lines }
    }

    /// Returns the next line that contains this text; panics if there is none.
    fn until(&self, word: &str) -> String {
        let mut seen = Vec::new();
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) if line.contains(word) => return line,
                Ok(line) => seen.push(line),
                Err(error) => panic!("no line with {word}: {error}; only {seen:?}"),
            }
        }
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_followed_log_prints_what_happens_after_it_began() {
    let folder = folder("");
    let server = folder.serve(&[]);
    let id = make(&folder, "jane", &[]);
    let programs = Following::start(&folder, &["audit", "--follow", "--json"]);
    programs.until("account_created");
    assert_eq!(log_in(&server, "jane", "Wrong-Horse-7-Battery").status, 401);
    let people = Following::start(&folder, &["audit", "--follow", "--event", "login"]);
    people.until("wrong_password");
    let line: Value = serde_json::from_str(&programs.until("\"login\"")).unwrap();
    assert_eq!(
        (&line["outcome"], &line["accountId"], &line["count"]),
        (&json!("refused"), &json!(id), &json!(1))
    );
    assert_eq!(log_in(&server, "jane", PASSWORD).status, 200);
    let line = people.until("  done  ");
    assert!(line.contains("  login  ") && line.contains("jane@example.com"), "{line}");
    assert_eq!(server.end(), Some(0));

    // Alone with the database: the effects of another command.
    done(&folder, &["user", "lock", "jane"]);
    let line: Value = serde_json::from_str(&programs.until("\"suspended\"")).unwrap();
    assert_eq!(line["actor"], "cli");
}

#[test]
fn a_locked_out_last_admin_gets_back_in_by_the_command_line_alone() {
    for meanwhile in ["beside a server", "without one"] {
        let folder = folder("lockout.enabled = true\nlimits.sign_in = \"off\"\n");
        let mut server = folder.serve(&[]);
        make(&folder, "root", &["--role", "admin"]);
        let token = log_in(&server, "root", PASSWORD).text("accessToken");
        // The authenticator is lost, the password forgotten, and the account locked.
        guard(&server, &token);
        for _ in 0..5 {
            assert_eq!(log_in(&server, "root", "Wrong-Horse-7-Battery").status, 401);
        }
        let locked = log_in(&server, "root", PASSWORD);
        assert_eq!((locked.status, locked.code()), (423, "ACCOUNT_LOCKED"), "{meanwhile}");
        fails(&folder, 1, &["user", "lock", "root"], "last admin");

        let is_alone = meanwhile == "without one";
        if is_alone {
            assert_eq!(server.end(), Some(0));
            done_with(&folder, &["user", "set-password", "root", "--password-stdin"], ANOTHER);
            done(&folder, &["user", "mfa-reset", "root"]);
            done(&folder, &["user", "unlock", "root"]);
            server = folder.serve(&[]);
        } else {
            done(&folder, &["user", "unlock", "root"]);
            assert_eq!(
                log_in(&server, "root", PASSWORD).code(),
                "MFA_REQUIRED",
                "unlocked at once"
            );
            done_with(&folder, &["user", "set-password", "root", "--password-stdin"], ANOTHER);
            done(&folder, &["user", "mfa-reset", "root"]);
        }
        assert_eq!(log_in(&server, "root", PASSWORD).status, 401, "{meanwhile}");
        let back = log_in(&server, "root", ANOTHER);
        assert_eq!(back.status, 200, "{meanwhile}: {}", back.body);
        assert_eq!(
            get(&server, "/v1/admin/users", &back.text("accessToken")).status,
            200,
            "{meanwhile}"
        );
        assert_eq!(
            get(&server, "/v1/users/me", &token).status,
            401,
            "the session of before is over"
        );
        assert_eq!(server.end(), Some(0));
        let listed = done(&folder, &["audit", "--user", "root", "--limit", "0"]);
        for event in ["lockout", "password_set", "factor_removed", "unlocked"] {
            // A new password also lifts the lockout.
            let is_there = names(&listed, "event").contains(&event);
            assert!(
                is_there || (is_alone && event == "unlocked"),
                "{meanwhile}: {event} in {listed}"
            );
        }
    }
}

#[test]
fn what_limits_refused_is_in_the_log_when_the_server_ends_in_order() {
    let folder = folder("limits.sign_in = { count = 2, window = \"15m\", shape = \"window\" }\n");
    let server = folder.serve(&[]);
    let statuses: Vec<u16> = (0..7).map(|_| log_in(&server, "nobody", PASSWORD).status).collect();
    assert_eq!(statuses, [401, 401, 429, 429, 429, 429, 429]);
    assert_eq!(server.end(), Some(0));
    let listed = done(&folder, &["audit", "--event", "limit_hit"]);
    let rows = listed.as_array().unwrap();
    // Two records if the minute changed in between.
    assert!((1..=2).contains(&rows.len()), "{listed}");
    assert_eq!(rows.iter().map(|row| row["count"].as_i64().unwrap()).sum::<i64>(), 5, "{listed}");
    for row in rows {
        assert_eq!((&row["detail"], &row["ipAddress"]), (&json!("sign_in"), &json!("127.0.0.1")));
        assert_eq!((&row["outcome"], &row["accountId"]), (&json!("refused"), &Value::Null));
    }
    let table = folder.run(&["audit", "--event", "limit_hit"]);
    assert!(table.out.contains("COUNT") && table.out.contains("sign_in"), "{}", table.out);
}
