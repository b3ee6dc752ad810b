//! The password of a PostgreSQL database, where its URL has none: `PGPASSWORD`, or the password file
//! that PostgreSQL's own programs read (`PGPASSFILE`, or `.pgpass` in the home directory).

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::environment::EnvVariable;
use crate::model::{Database, PostgresHost, PostgresUrl, Secret};

/// Adds the password that is kept outside the URL.
pub(super) fn with_password(
    mut database: Database,
    variables: &BTreeMap<String, EnvVariable>,
    notes: &mut Vec<String>,
) -> Database {
    if let Database::Postgres(url) = &mut database
        && url.password.is_none()
    {
        url.password = find(url, variables, notes);
    }
    database
}

fn find(
    url: &PostgresUrl,
    variables: &BTreeMap<String, EnvVariable>,
    notes: &mut Vec<String>,
) -> Option<Secret> {
    let variable = |name: &str| {
        variables.get(name).map(|found| found.value.as_str()).filter(|value| !value.is_empty())
    };
    if let Some(password) = variable("PGPASSWORD") {
        return Some(Secret::new(password));
    }
    let file = variable("PGPASSFILE")
        .map(PathBuf::from)
        .or_else(|| variable("HOME").map(|home| Path::new(home).join(".pgpass")))?;
    let facts = fs::metadata(&file).ok().filter(fs::Metadata::is_file)?;
    if facts.mode() & 0o077 != 0 {
        notes.push(format!(
            "{} is not read: it has mode {:04o}, and only its owner may read it",
            file.display(),
            facts.mode() & 0o777
        ));
        return None;
    }
    let text = Secret::new(fs::read_to_string(file).ok()?);
    text.reveal().lines().find_map(|line| password_in(line, url))
}

/// The password of a line `host:port:database:user:password` that is about this database. `*` stands
/// for anything, and a backslash before a colon or a backslash for that character.
fn password_in(line: &str, url: &PostgresUrl) -> Option<Secret> {
    if line.starts_with('#') {
        return None;
    }
    let mut fields = vec![String::new()];
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match (character, fields.len()) {
            (':', ..5) => fields.push(String::new()),
            ('\\', _) => fields.last_mut()?.extend(characters.next()),
            _ => fields.last_mut()?.push(character),
        }
    }
    let [host, port, database, user, password] = <[String; 5]>::try_from(fields).ok()?;
    let fits = |field: &str, wanted: &str| field == "*" || field == wanted;
    let is_host = match &url.host {
        PostgresHost::Tcp(name, at) => fits(&host, name) && fits(&port, &at.to_string()),
        PostgresHost::Socket(directory, at) => {
            (fits(&host, "localhost") || directory.as_os_str() == host.as_str())
                && fits(&port, &at.to_string())
        }
    };
    let is_ours = is_host && fits(&database, &url.database) && fits(&user, &url.user);
    (is_ours && !password.is_empty()).then(|| Secret::new(password))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(line: &str) -> Option<String> {
        let url = PostgresUrl::parse("postgres://me@db.example.com/authd", Path::new("")).unwrap();
        password_in(line, &url).map(|password| password.reveal().to_owned())
    }

    #[test]
    fn the_line_of_this_database_has_its_password() {
        for line in [
            "db.example.com:5432:authd:me:p:w",
            "*:*:*:*:p:w",
            "*:*:*:me:p\\:w",
            "db.example.com:*:authd:me:p\\:w",
        ] {
            assert_eq!(password(line).as_deref(), Some("p:w"), "{line}");
        }
        for line in [
            "",
            "#*:*:*:*:p",
            "*:*:*:*",
            "*:*:*:*:",
            "other:*:*:*:p",
            "*:1:*:*:p",
            "*:*:other:*:p",
            "*:*:*:other:p",
        ] {
            assert_eq!(password(line), None, "{line}");
        }
    }
}
