//! Where a PostgreSQL database is, as its URL says: the server, the user, the database, and how the
//! connection is protected.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;
use url::Url;

use crate::model::Secret;

/// The port of PostgreSQL.
const PORT: u16 = 5432;

/// The longest URL.
const LONGEST: usize = 4096;

/// How a server is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PostgresHost {
    Tcp(String, u16),
    /// The directory of a Unix socket, and the port in the socket's name.
    Socket(PathBuf, u16),
}

impl PostgresHost {
    /// Whether the connection does not leave this machine.
    #[must_use]
    pub fn is_local(&self) -> bool {
        match self {
            Self::Socket(..) => true,
            Self::Tcp(host, _) => {
                host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
            }
        }
    }
}

/// How the connection is protected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PostgresTls {
    /// `sslmode=disable`, the default on this machine.
    Off,
    /// `sslmode=verify-full`, the default elsewhere: the certificate must be of this host, by an
    /// authority in this file, or by a public one.
    Verified(Option<PathBuf>),
}

/// The location of a PostgreSQL database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostgresUrl {
    pub host: PostgresHost,
    pub user: String,
    pub database: String,
    pub tls: PostgresTls,
    /// `None` where the server asks for none, or names this user by other means.
    pub password: Option<Secret>,
    /// Where the master key is if `AUTHD_MASTER_KEY` is not set.
    pub key_file: PathBuf,
}

impl PostgresUrl {
    /// Whether a text is meant as the URL of a PostgreSQL database.
    #[must_use]
    pub fn is_meant(text: &str) -> bool {
        text.starts_with("postgres://") || text.starts_with("postgresql://")
    }

    /// Parses `postgres://user[:password]@host[:port]/database[?sslmode=…&sslrootcert=…]`, or, for a Unix
    /// socket, `postgres:///database?host=/directory&user=user[&port=…]`. Relative paths start at `dir`.
    ///
    /// # Errors
    /// What is wrong with it, without the URL.
    pub fn parse(text: &str, dir: &Path) -> Result<Self, String> {
        if text.len() > LONGEST {
            return Err(format!("expected at most {LONGEST} characters"));
        }
        let url = Url::parse(text).map_err(|error| format!("not a URL: {error}"))?;
        let (mut mode, mut roots, mut directory) = (None, None, None);
        let (mut port, mut user) = (url.port(), None);
        for (name, value) in url.query_pairs() {
            match &*name {
                "sslmode" => mode = Some(value.into_owned()),
                "sslrootcert" => roots = Some(dir.join(&*value)),
                "host" if value.starts_with('/') => directory = Some(PathBuf::from(&*value)),
                "user" if url.username().is_empty() => user = Some(value.into_owned()),
                "port" if port.is_none() && value.parse::<u16>().is_ok() => {
                    port = value.parse().ok();
                }
                _ => {
                    return Err(format!(
                        "unknown parameter {name:?}: expected sslmode, sslrootcert, or host with the directory of a socket"
                    ));
                }
            }
        }
        let port = port.unwrap_or(PORT);
        let named = url.host_str().filter(|host| !host.is_empty());
        let host = match (named, directory) {
            (None, Some(directory)) => PostgresHost::Socket(directory, port),
            (Some(host), None) if !host.contains([',', '%']) => {
                PostgresHost::Tcp(host.trim_matches(['[', ']']).to_owned(), port)
            }
            _ => return Err("expected one host".to_owned()),
        };
        let tls = protection(mode.as_deref(), roots, &host)?;
        let part = |text: &str| match percent_decode_str(text).decode_utf8() {
            Ok(part) if !part.contains('\0') => Ok(part.into_owned()),
            _ => Err("expected UTF-8 in user, password and database".to_owned()),
        };
        let user = user.map_or_else(|| part(url.username()), Ok)?;
        let database = part(url.path().trim_start_matches('/'))?;
        if user.is_empty() || database.is_empty() {
            return Err("expected a user and a database: postgres://user@host/database".to_owned());
        }
        let password = url.password().map(part).transpose()?.map(Secret::new);
        Ok(Self { host, user, database, tls, password, key_file: dir.join("authd.key") })
    }
}

fn protection(
    mode: Option<&str>,
    roots: Option<PathBuf>,
    host: &PostgresHost,
) -> Result<PostgresTls, String> {
    let default = if host.is_local() && roots.is_none() { "disable" } else { "verify-full" };
    match mode.unwrap_or(default) {
        "disable" => Ok(PostgresTls::Off),
        "verify-full" => Ok(PostgresTls::Verified(roots)),
        other => Err(format!(
            "expected sslmode=verify-full, or disable, got {other:?}: the other modes do not check whose server it \
             is. sslrootcert names a file with your own authority"
        )),
    }
}

impl fmt::Display for PostgresUrl {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, user, database, .. } = self;
        match host {
            PostgresHost::Tcp(host, port) if host.contains(':') => {
                write!(f, "postgres://{user}@[{host}]:{port}/{database}")
            }
            PostgresHost::Tcp(host, port) => {
                write!(f, "postgres://{user}@{host}:{port}/{database}")
            }
            PostgresHost::Socket(directory, port) => {
                write!(
                    f,
                    "postgres:///{database}?host={}&port={port}&user={user}",
                    directory.display()
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<PostgresUrl, String> {
        PostgresUrl::parse(text, Path::new("/srv"))
    }

    #[test]
    fn every_part_is_found() {
        let url = parsed("postgres://me:p%40ss@db.example.com:6432/auth%20d").unwrap();
        assert_eq!(url.host, PostgresHost::Tcp("db.example.com".into(), 6432));
        assert_eq!((url.user.as_str(), url.database.as_str()), ("me", "auth d"));
        assert_eq!(url.password.as_ref().unwrap().reveal(), "p@ss");
        assert_eq!(url.key_file, Path::new("/srv/authd.key"));
        assert!(!url.to_string().contains("p@ss") && !format!("{url:?}").contains("p@ss"));
        assert_eq!(url.to_string(), "postgres://me@db.example.com:6432/auth d");
        let socket = parsed("postgresql:///authd?host=/run/postgresql&user=me").unwrap();
        assert_eq!(socket.host, PostgresHost::Socket("/run/postgresql".into(), 5432));
        assert_eq!((socket.user.as_str(), socket.database.as_str()), ("me", "authd"));
        assert_eq!(parsed(&socket.to_string()).unwrap(), socket);
        assert_eq!(
            parsed("postgres://me@[::1]/d").unwrap().host,
            PostgresHost::Tcp("::1".into(), 5432)
        );
    }

    #[test]
    fn another_machine_must_prove_who_it_is() {
        let tls = |text: &str| parsed(text).unwrap().tls;
        assert_eq!(tls("postgres://me@localhost/d"), PostgresTls::Off);
        assert_eq!(tls("postgres://me@127.0.0.2/d"), PostgresTls::Off);
        assert_eq!(tls("postgres:///d?host=/run&user=me"), PostgresTls::Off);
        assert_eq!(tls("postgres://me@db/d"), PostgresTls::Verified(None));
        assert_eq!(tls("postgres://me@10.0.0.1/d"), PostgresTls::Verified(None));
        assert_eq!(tls("postgres://me@db/d?sslmode=disable"), PostgresTls::Off);
        assert_eq!(
            tls("postgres://me@localhost/d?sslmode=verify-full&sslrootcert=ca.pem"),
            PostgresTls::Verified(Some("/srv/ca.pem".into()))
        );
        for weak in ["allow", "prefer", "require", "verify-ca"] {
            let refused = parsed(&format!("postgres://me@db/d?sslmode={weak}")).unwrap_err();
            assert!(refused.contains("verify-full"), "{refused}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_refused_without_the_password() {
        for bad in [
            "postgres://",
            "postgres://h/d",
            "postgres://me@h/",
            "postgres://me:hush@a,b/d",
            "postgres://me:hush@h/d?options=-csearch_path%3Dx",
            "postgres://me:hush@h:99999/d",
            "postgres://me:hush@/d",
            "postgres://me:hush@h/d%00",
        ] {
            assert!(!parsed(bad).unwrap_err().contains("hush"), "{bad}");
        }
    }
}
