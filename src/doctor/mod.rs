//! The checks of a running deployment: how requests reach the server, its certificate, mail and the
//! DNS records of its sender, the clock, files and disk, keys, backups and the database.
//!
//! The checks of the configuration alone are in `config`; both report [`CheckReport`]. Everything here
//! only reads, and asks no server but those that the configuration names.

mod arrived;
mod machine;
mod outside;
pub mod remembered;
mod sender;
mod state;

use std::path::PathBuf;

use crate::config::Config;
use crate::env::Env;
use crate::identity::Core;
use crate::model::Email;
use crate::model::finding::CheckReport;
use crate::outbound::{Authorities, NameServer};

/// How far the checks go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Connects to the public URL, the mail server and the name server too.
    Network,
    /// Only looks at this machine.
    ThisMachine,
}

/// What to check.
#[derive(Clone)]
pub struct DoctorScope {
    pub reach: Reach,
    /// Sends a test message to this address.
    pub send_to: Option<Email>,
    /// The selector of the sender's DKIM key.
    pub dkim_selector: Option<String>,
    /// Who is asked for DNS records.
    pub name_server: Option<NameServer>,
    /// Who may vouch for the certificate at the public URL, besides the public authorities.
    pub authorities: Option<Authorities>,
    /// The file that environment variables were read from.
    pub env_file: Option<PathBuf>,
}

/// Checks everything but mail.
pub async fn examine(core: &Core, scope: &DoctorScope) -> CheckReport {
    let mut found = CheckReport::default();
    machine::find(core, scope.env_file.as_deref(), &mut found);
    state::find_whole(core, &mut found).await;
    state::find_fast(core, &mut found).await;
    outside::find_here(core, &mut found).await;
    if scope.reach == Reach::Network {
        outside::find(core, scope, &mut found).await;
    }
    found
}

/// Checks what takes no noticeable time: files, disk, clock, keys, backups, mail. It looks neither at
/// every page of the database nor at any network.
pub async fn glance(core: &Core) -> CheckReport {
    let mut found = CheckReport::default();
    machine::find(core, None, &mut found);
    state::find_fast(core, &mut found).await;
    found.sort();
    found
}

/// Checks the mail server and the DNS records that receivers of mail look at. Needs no database.
pub async fn examine_mail(config: &Config, env: &Env, scope: &DoctorScope) -> CheckReport {
    let mut found = CheckReport::default();
    if scope.reach == Reach::Network {
        sender::find(config, env, scope, &mut found).await;
    }
    found
}
