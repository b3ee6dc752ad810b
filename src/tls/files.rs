//! A certificate in files, which another program or a person replaces from time to time. An
//! invalid one leaves the old one in force.

use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use zeroize::Zeroizing;

use super::certificate::{Certificate, CertificatePart, UnusableCertificate};
use super::served::ServedCertificate;
use crate::config::{Config, Finding, Severity};
use crate::env::Env;
use crate::error::{Error, Result};
use crate::model::Time;
use crate::outbound::Authorities;

/// The longest file that is read.
const FILE_LIMIT: u64 = 1024 * 1024;

/// The files of a certificate, and the host that it is for.
#[derive(Debug, Clone)]
struct CertificateFiles {
    cert: PathBuf,
    key: PathBuf,
    host: String,
}

/// A certificate that cannot be used, with the key of the configuration that names its file.
struct FileProblem {
    key: &'static str,
    message: String,
}

impl CertificateFiles {
    /// The files that the configuration names, if it does.
    fn of(config: &Config) -> Option<Self> {
        let (cert, key) = (config.tls.cert.clone()?, config.tls.key.clone()?);
        Some(Self { cert, key, host: config.server.public_host()? })
    }

    fn read(&self) -> std::result::Result<Certificate, FileProblem> {
        let of_file = |part: CertificatePart, reason: &dyn std::fmt::Display| {
            let (key, path) = match part {
                CertificatePart::Chain => ("tls.cert", &self.cert),
                CertificatePart::Key => ("tls.key", &self.key),
            };
            FileProblem { key, message: format!("{}: {reason}", path.display()) }
        };
        let chain = read(&self.cert).map_err(|error| of_file(CertificatePart::Chain, &error))?;
        let key = read(&self.key).map_err(|error| of_file(CertificatePart::Key, &error))?;
        Certificate::from_pem(&chain, &key)
            .map_err(|UnusableCertificate { part, reason }| of_file(part, &reason))
    }

    /// What changes when a file is replaced.
    fn stamp(&self) -> FileStamp {
        [&self.cert, &self.key].map(|path| {
            let facts = fs::metadata(path).ok()?;
            Some((facts.ino(), facts.len(), facts.mtime(), facts.mtime_nsec()))
        })
    }
}

type FileStamp = [Option<(u64, u64, i64, i64)>; 2];

/// Reads a file that may hold a private key, and leaves no copy of it in memory.
fn read(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let file = fs::File::open(path)?;
    let length = file.metadata()?.len();
    if length > FILE_LIMIT {
        return Err(io::Error::other("it is larger than any certificate"));
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(length).unwrap_or(0) + 1));
    file.take(FILE_LIMIT).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What is wrong with the certificate that the configuration names.
#[must_use]
pub fn findings(config: &Config, now: Time) -> Vec<Finding> {
    let root = config.tls.acme_root.as_deref().filter(|_| config.tls.acme.is_some());
    if let Some((root, Err(reason))) = root.map(|root| (root, Authorities::in_file(root))) {
        return vec![Finding {
            level: Severity::Error,
            key: "tls.acme_root".to_owned(),
            message: format!("{}: {reason}", root.display()),
            remedy: "set it to a file of certificates in PEM, or leave it out".to_owned(),
        }];
    }
    let Some(files) = CertificateFiles::of(config) else { return Vec::new() };
    let finding = |level, key: &str, message: String, remedy: &str| Finding {
        level,
        key: key.to_owned(),
        message,
        remedy: remedy.to_owned(),
    };
    let mut found = Vec::new();
    match files.read() {
        Err(problem) => found.push(finding(
            Severity::Error,
            problem.key,
            problem.message,
            "set it to a file that the server can read and that fits the other one",
        )),
        Ok(certificate) => found.extend(certificate.refusal(&files.host, now).map(|reason| {
            let message = format!("{}: {reason}", files.cert.display());
            finding(Severity::Error, "tls.cert", message, "clients refuse it: get a new one")
        })),
    }
    let mode = fs::metadata(&files.key).map_or(0, |facts| facts.permissions().mode());
    if mode & 0o004 != 0 {
        let message = format!("{}: every user of this machine can read it", files.key.display());
        found.push(finding(Severity::Warning, "tls.key", message, "chmod o-r it"));
    }
    found
}

/// Keeps what a server shows as its files have it. Clones share their state.
#[derive(Clone)]
pub struct WatchedFiles(Arc<WatchedInner>);

struct WatchedInner {
    served: ServedCertificate,
    env: Env,
    watched: Mutex<Watched>,
}

struct Watched {
    files: CertificateFiles,
    /// The state of the files when they were read last.
    seen: FileStamp,
}

impl WatchedFiles {
    /// Reads the files for the first time; `None` if the configuration names none.
    ///
    /// # Errors
    /// If the certificate cannot be used. One that clients will refuse is shown with a warning,
    /// because the server would not start at all without it.
    pub fn open(config: &Config, served: &ServedCertificate, env: &Env) -> Result<Option<Self>> {
        let Some(files) = CertificateFiles::of(config) else { return Ok(None) };
        let seen = files.stamp();
        let certificate = files
            .read()
            .map_err(|problem| Error::refused(format!("{}: {}", problem.key, problem.message)))?;
        if let Some(reason) = certificate.refusal(&files.host, env.wall()) {
            tracing::warn!("tls.cert: clients will refuse {}: {reason}", files.cert.display());
        }
        served.show(certificate);
        Ok(Some(Self(Arc::new(WatchedInner {
            served: served.clone(),
            env: env.clone(),
            watched: Mutex::new(Watched { files, seen }),
        }))))
    }

    /// Reads the files again if they were replaced.
    pub fn catch_up(&self) {
        let mut watched = self.lock();
        let now = watched.files.stamp();
        if now != watched.seen {
            watched.seen = now;
            self.0.read(&watched.files);
        }
    }

    /// Reads the files that this configuration names.
    pub fn configure(&self, config: &Config) {
        let mut watched = self.lock();
        if let Some(files) = CertificateFiles::of(config) {
            watched.files = files;
        }
        watched.seen = watched.files.stamp();
        self.0.read(&watched.files);
    }

    fn lock(&self) -> MutexGuard<'_, Watched> {
        self.0.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WatchedInner {
    /// Shows the certificate in the files, unless it is worse than the one in force.
    fn read(&self, files: &CertificateFiles) {
        let kept = "the certificate in force stays";
        let new = match files.read() {
            Ok(new) => new,
            Err(problem) => {
                tracing::error!("{}: {}; {kept}", problem.key, problem.message);
                return;
            }
        };
        let now = self.env.wall();
        let current = self.served.current();
        if current.as_ref().is_some_and(|current| current.is_same(&new)) {
            return;
        }
        let fits = |one: &Certificate| one.refusal(&files.host, now).is_none();
        match new.refusal(&files.host, now) {
            Some(reason) if current.is_some_and(|current| fits(&current)) => {
                tracing::error!("tls.cert: {}: {reason}; {kept}", files.cert.display());
            }
            refusal => {
                if let Some(reason) = refusal {
                    tracing::warn!(
                        "tls.cert: clients will refuse {}: {reason}",
                        files.cert.display()
                    );
                }
                tracing::info!(expires = %new.expires(), "a new certificate is in force");
                self.served.show(new);
            }
        }
    }
}
