//! Encrypted backups: the `age` tool opens ours, we open those of the tool, and nothing else opens.

use super::*;
use crate::tools;

/// A key pair of `age-keygen`, which protects nothing.
const RECIPIENT: &str = "age18j6g96yuf2lw6tv8sf338ngujrt6usferw5m82spqtvrzzlnny9sh6ufyu";
const IDENTITY: &str =
    "AGE-SECRET-KEY-1Y0G8PCALRRMVCNQC8LTLNR8MC5HDNJD4TQSGWHGCVNEC5W3VSDYQJV705G\n";
/// Whose identity is not at hand.
const OTHER: &str = "age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa";

/// A folder with a database of one account, a key file of age, and a master key.
fn with_account() -> Folder {
    let here = folder();
    create(&here, "ada");
    fs::write(here.path("key.txt"), IDENTITY).unwrap();
    here
}

#[test]
fn an_encrypted_backup_restores_to_a_login_and_its_copy_is_nowhere_in_the_open() {
    let here = with_account();
    let made =
        done(&here, &["backup", "copy.age", "--encrypt-to", RECIPIENT, "--encrypt-to", OTHER]);
    assert_eq!((&made["encrypted"], &made["accounts"]), (&json!(true), &json!(1)));
    let bytes = fs::read(here.path("copy.age")).unwrap();
    assert!(bytes.starts_with(b"age-encryption.org/v1\n-> X25519 "));
    assert!(!bytes.windows(6).any(|part| part == b"SQLite" || part == b"ada@ex"));
    assert_eq!(mode(&here.path("copy.age")), 0o600);
    let ran = here.run(&["backup", "second.age", "--encrypt-to", RECIPIENT]);
    assert!(!ran.err.contains("authd.key"), "no master key opens it: {}", ran.err);
    let verified = done(&here, &["backup", "verify", "copy.age", "--identity", "key.txt"]);
    assert_eq!(verified["accounts"], 1, "{verified}");
    assert!(names_in(&here).iter().all(|name| !name.contains(".plain")), "{:?}", names_in(&here));
    let there = folder();
    let (copy, identity, key) =
        (at(&here, "copy.age"), at(&here, "key.txt"), at(&here, "authd.key"));
    done(&there, &["restore", &copy, "--identity", &identity, "--key-file", &key]);
    log_in(&there.serve(&[]), "ada");
}

#[test]
fn the_age_tool_opens_our_backups_and_we_open_its_files() {
    if !tools::is_here("age") {
        return tools::missing("backups for the age tool", "age");
    }
    let here = with_account();
    done(&here, &["backup", "copy.age", "--encrypt-to", OTHER, "--encrypt-to", RECIPIENT]);
    let mut age = Command::new("age");
    age.args(["-d", "-i", "key.txt", "-o", "plain.db", "copy.age"]).current_dir(here.path(""));
    tools::succeed(&mut age);
    assert_eq!(done(&here, &["backup", "verify", "plain.db"])["accounts"], 1);

    let mut age = Command::new("age");
    age.args(["-r", OTHER, "-r", RECIPIENT, "-o", "theirs.age", "plain.db"])
        .current_dir(here.path(""));
    tools::succeed(&mut age);
    let there = folder();
    let (copy, identity, key) =
        (at(&here, "theirs.age"), at(&here, "key.txt"), at(&here, "authd.key"));
    done(&there, &["restore", &copy, "--identity", &identity, "--key-file", &key]);
    log_in(&there.serve(&[]), "ada");
}

#[test]
fn another_identity_or_a_changed_file_restores_nothing() {
    let here = with_account();
    done(&here, &["backup", "copy.age", "--encrypt-to", RECIPIENT]);
    done(&here, &["backup", "theirs.age", "--encrypt-to", OTHER]);
    let whole = fs::read(here.path("copy.age")).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    let last_chunk = whole.len() - (whole.len() - 200) % 65_552 - 200;
    for (name, bytes) in [
        ("flipped.age", flipped),
        ("short.age", whole[..whole.len() - 1].to_vec()),
        ("cut.age", whole[..last_chunk.min(whole.len() - 70_000)].to_vec()),
        ("longer.age", [&whole[..], b"more"].concat()),
    ] {
        fs::write(here.path(name), bytes).unwrap();
    }
    let there = folder();
    carry(&here, "authd.key", &there);
    carry(&here, "key.txt", &there);
    for (name, word) in [
        ("theirs.age", "not for the identity"),
        ("flipped.age", "damaged"),
        ("short.age", "damaged"),
        ("cut.age", "damaged"),
        ("longer.age", "damaged"),
    ] {
        let file = at(&here, name);
        for command in [&["restore"][..], &["backup", "verify"]] {
            let arguments = [command, &[file.as_str(), "--identity", "key.txt"]].concat();
            let error = fails(&there, &arguments);
            assert!(error.contains(word) && error.contains(name), "{arguments:?}: {error}");
        }
        let left: Vec<_> = names_in(&there);
        assert_eq!(left, ["authd.db.lock", "authd.key", "authd.toml", "key.txt"], "{name}");
    }
    let file = at(&here, "copy.age");
    assert!(fails(&there, &["restore", &file]).contains("--identity"));
    let error = fails(&there, &["restore", &file, "--identity", "authd.key"]);
    assert!(error.contains("expected authd.key to contain identities"), "{error}");
    let wrong = there.run(&["backup", "x.db", "--encrypt-to", "age1nobody"]);
    assert_eq!(wrong.code, Some(2), "{}", wrong.err);
}
