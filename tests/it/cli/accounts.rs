//! Accounts from the command line: creation, changes, and what the core refuses.

use super::*;

#[test]
fn accounts_are_made_and_changed_while_the_server_runs() {
    let folder = Folder::new();
    let server = folder.serve();
    let user = |arguments: &[&str], input: &str| {
        let ran =
            folder.run_with_input(&[&["user"], arguments, &CHEAP, &["--json"]].concat(), input);
        assert_eq!(ran.code, Some(0), "{arguments:?}: {}", ran.err);
        ran.json()
    };
    let new = [
        "create",
        "--email",
        "You@example.com",
        "--role",
        "admin",
        "--verified",
        "--password-stdin",
    ];
    let made = user(&new, &format!("{PASSWORD}\n"));
    assert_eq!(
        (&made["email"], &made["status"]),
        (&Value::from("You@example.com"), &Value::from("active"))
    );
    assert_eq!(made["roles"], serde_json::json!(["user", "admin"]));
    let id = made["id"].as_str().unwrap();

    user(
        &["create", "--email", "jane@example.com", "--username", "jane", "--password-stdin"],
        PASSWORD,
    );
    assert_eq!(user(&["show", "JANE"], "")["status"], "pending");
    assert_eq!(user(&["verify", "jane"], "")["status"], "active");
    assert_eq!(user(&["lock", "jane"], "")["status"], "suspended");
    assert_eq!(user(&["list", "--status", "suspended"], "")[0]["username"], "jane");
    assert_eq!(user(&["unlock", "jane"], "")["status"], "active");
    assert_eq!(
        user(&["role", "jane", "--give", "moderator"], "")["roles"],
        serde_json::json!(["user", "moderator"])
    );
    user(&["set-password", "jane", "--password-stdin"], "Another-Horse-8-Battery");
    assert_eq!(user(&["list", "--limit", "1"], "")[0]["id"], id);
    assert_eq!(user(&["list", "--search", "jan", "--limit", "0"], "").as_array().unwrap().len(), 1);
    user(&["delete", "jane@example.com", "--yes"], "");
    assert_eq!(user(&["list", "--status", "deleted"], "")[0]["username"], "jane");
    assert_eq!(user(&["restore", "jane@example.com"], "")["status"], "active");
    assert_eq!(user(&["show", "jane"], "")["status"], "active");
    assert_eq!(server.end(), Some(0));
    let shown = folder.run(&["user", "show", id]);
    assert!(
        shown.out.contains("You@example.com") && !shown.out.contains("argon2"),
        "{}",
        shown.out
    );
}

#[test]
fn what_the_core_refuses_ends_with_1_and_a_reason() {
    let folder = Folder::new();
    let server = folder.serve();
    let new =
        ["user", "create", "--email", "you@example.com", "--role", "admin", "--password-stdin"];
    assert_eq!(folder.run_with_input(&new, PASSWORD).code, Some(0));
    let refused = |arguments: &[&str], input: &str, word: &str| {
        let ran = folder.run_with_input(arguments, input);
        assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""), "{arguments:?}: {}", ran.err);
        assert!(
            ran.err.starts_with("error:") && ran.err.contains(word),
            "{arguments:?}: {}",
            ran.err
        );
    };
    refused(&new, PASSWORD, "already registered");
    refused(
        &["user", "create", "--email", "a@example.com", "--password-stdin"],
        "short",
        "12 characters",
    );
    refused(
        &["user", "create", "--email", "a@example.com", "--password-stdin"],
        "",
        "nothing came",
    );
    refused(&["user", "show", "nobody"], "", "authd user list");
    refused(&["user", "role", "you@example.com", "--give", "king"], "", "king");
    refused(&["user", "role", "you@example.com", "--take", "admin"], "", "last admin");
    refused(&["user", "delete", "you@example.com", "--yes"], "", "last admin");
    refused(&["mail", "show", "nothing"], "", "nothing");
    refused(&["mail", "test", "you@example.com"], "", "mail.smtp_url");
    assert_eq!(server.end(), Some(0));
}
