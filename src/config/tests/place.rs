//! Where the database is, and where its password comes from.

use std::os::unix::fs::PermissionsExt;

use super::*;

#[test]
fn the_database_is_found_before_its_profile_is_known() {
    let (_dir, mut inputs) = folder(&[("authd.toml", "db = \"one.db\"")]);
    assert_eq!(database(&inputs).unwrap(), Database::File(inputs.dir.join("one.db")));
    inputs.env = env(&[("AUTHD_DB", "/var/two.db")]);
    assert_eq!(database(&inputs).unwrap(), Database::File("/var/two.db".into()));
    inputs.flags = vec![("db".into(), "mysql://box/db".into())];
    assert!(database(&inputs).is_err());
    inputs.flags = vec![("db".into(), "postgres://me@box/db".into())];
    let Database::Postgres(url) = database(&inputs).unwrap() else { panic!("not a server's") };
    assert_eq!((url.to_string().as_str(), url.password), ("postgres://me@box:5432/db", None));
    for (value, message) in [
        ("postgres://box/db", "expected a user and a database"),
        ("postgres://me@box/db?sslmode=require", "sslmode=verify-full"),
    ] {
        inputs.flags = vec![("db".into(), value.into())];
        let refused = database(&inputs).unwrap_err().to_string();
        assert!(refused.contains(message), "{refused}");
    }
}

#[test]
fn the_password_of_a_server_comes_from_the_url_the_environment_or_its_own_file() {
    let (dir, mut inputs) = folder(&[("pass", "box:*:db:me:from file\n")]);
    let password = |inputs: &Inputs| match load(inputs).unwrap().config.database {
        Database::Postgres(url) => url.password.map(|password| password.reveal().to_owned()),
        Database::File(_) => panic!("not a server's"),
    };
    let pass = dir.path().join("pass");
    std::fs::set_permissions(&pass, PermissionsExt::from_mode(0o600)).unwrap();
    let url = "postgres://me@box/db";
    inputs.env = env(&[("AUTHD_DB", url), ("PGPASSFILE", pass.to_str().unwrap())]);
    assert_eq!(password(&inputs).as_deref(), Some("from file"));
    std::fs::set_permissions(&pass, PermissionsExt::from_mode(0o640)).unwrap();
    assert_eq!(password(&inputs), None);
    assert!(load(&inputs).unwrap().notes.iter().any(|note| note.contains("only its owner")));
    inputs.env.insert("PGPASSWORD".into(), "from variable".into());
    assert_eq!(password(&inputs).as_deref(), Some("from variable"));
    inputs.env.insert("AUTHD_DB".into(), "postgres://me:canary@box/db".into());
    assert_eq!(password(&inputs).as_deref(), Some("canary"));
    let loaded = load(&inputs).unwrap();
    assert_eq!(shown(&loaded, "db").0, "postgres://me:***@box/db");
    assert!(!format!("{:?}", loaded.config).contains("canary"));
}

#[test]
fn servers_that_may_share_a_database_are_told_to_share_their_issuer() {
    let noted = |extra: &[(&str, &str)]| {
        let database = [("AUTHD_DB", "postgres://me@box/db")];
        let notes = loaded(&[&database[..], extra].concat()).notes;
        notes.iter().any(|note| note.contains("share the database"))
    };
    assert!(noted(&[]));
    assert!(!noted(&[("AUTHD_SERVER__PUBLIC_URL", "https://id.example.com")]));
    assert!(!noted(&[("AUTHD_TOKENS__ISSUER", "https://id.example.com")]));
    assert!(loaded(&[]).notes.is_empty());
}
