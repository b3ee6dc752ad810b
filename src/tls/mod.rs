//! The certificate of a server that speaks TLS itself: where it comes from, when it is replaced,
//! and the handshake. What is served over the encrypted connection belongs to `http`.

mod acme;
mod certificate;
mod files;
mod own_server;
mod probe;
mod served;

pub use acme::{AcmeCertificates, AcmeSurroundings, ChallengeAnswers};
pub use certificate::{Certificate, CertificatePart, UnusableCertificate};
pub use files::{WatchedFiles, findings};
pub use own_server::OwnServer;
pub use probe::unverified;
pub use served::{EncryptedStream, HttpVersion, ServedCertificate};
