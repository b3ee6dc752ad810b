//! `authd user sessions`, `revoke`, `mfa-reset` and `restore`: the sessions of an account, and ways
//! to let its owner log in again.

use clap::Args;
use serde_json::{Value, json};

use crate::cli::console::{Console, ListRecord};
use crate::cli::failure::Failure;
use crate::cli::global::Global;
use crate::cli::opened;
use crate::identity::admin::{accounts, changes, search};
use crate::identity::session::list::SessionView;
use crate::identity::{FreshBy, factor};

/// List the live sessions of an account
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd user sessions jane@example.com
      Show where she is logged in")]
pub struct UserSessions {
    /// E-mail address, username or id
    #[arg(value_name = "USER")]
    user: String,
}

/// End one session or all sessions of an account
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd user revoke jane@example.com
      Log her out everywhere
  authd user revoke jane@example.com --session 0192f0c1-7d2e-7a51-8c6f-1b2f3c4d5e6f
      End one session")]
pub struct Revoke {
    /// E-mail address, username or id
    #[arg(value_name = "USER")]
    user: String,

    /// End only this session
    #[arg(long, value_name = "ID")]
    session: Option<String>,
}

/// Remove all second factors and passkeys of an account
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd user mfa-reset jane@example.com
      Let her log in after she lost her phone and backup codes; she gets a mail")]
pub struct MfaReset {
    /// E-mail address, username or id
    #[arg(value_name = "USER")]
    user: String,
}

/// Restore a deleted account
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  authd user restore jane@example.com
      Undo a deletion within 30 days; its sessions stay ended")]
pub struct Restore {
    /// E-mail address, username or id
    #[arg(value_name = "USER")]
    user: String,
}

impl UserSessions {
    pub fn run(self, global: &Global, console: &mut Console) -> Result<(), Failure> {
        opened::with_core(global, console, async |core, console| {
            let sessions = search::sessions(core, &self.user).await?;
            Ok(console.records(&sessions.iter().map(SessionListRow).collect::<Vec<_>>())?)
        })
    }
}

impl Revoke {
    pub fn run(self, global: &Global, console: &mut Console) -> Result<(), Failure> {
        super::change(global, console, "ended sessions of", async |core, by| {
            Ok(match &self.session {
                Some(session) => changes::end_session(core, by, &self.user, session).await?,
                None => changes::end_sessions(core, by, &self.user).await?,
            })
        })
    }
}

impl MfaReset {
    pub fn run(self, global: &Global, console: &mut Console) -> Result<(), Failure> {
        opened::with_core(global, console, async |core, console| {
            let entry = accounts::find(core, &self.user).await?;
            let removed =
                factor::reset_all(core, &FreshBy::command_line(), &entry.account.id).await?;
            console.note(&format!("{removed} second factors and passkeys removed"));
            Ok(super::AccountView::of(core, &entry)
                .await?
                .changed("reset the second factors of", console)?)
        })
    }
}

impl Restore {
    pub fn run(self, global: &Global, console: &mut Console) -> Result<(), Failure> {
        super::change(global, console, "restored", async |core, by| {
            Ok(changes::restore(core, by, &self.user).await?)
        })
    }
}

/// A session in a list.
struct SessionListRow<'a>(&'a SessionView);

impl SessionListRow<'_> {
    fn place(&self) -> Option<String> {
        let place = self.0.place.as_ref()?;
        let parts: Vec<&str> =
            [&place.city, &place.country].into_iter().flatten().map(String::as_str).collect();
        Some(parts.join(", "))
    }
}

impl ListRecord for SessionListRow<'_> {
    const HEADINGS: &'static [&'static str] =
        &["DEVICE", "ADDRESS", "PLACE", "LAST ACTIVE", "CREATED", "ID"];

    fn cells(&self) -> Vec<String> {
        let session = self.0;
        let text = |text: Option<String>| {
            text.filter(|text| !text.is_empty()).unwrap_or_else(|| "-".to_owned())
        };
        vec![
            session.device.label(),
            text(Some(session.address.clone())),
            text(self.place()),
            session.last_active_at.to_string(),
            session.created_at.to_string(),
            session.id.to_string(),
        ]
    }

    fn json(&self) -> Value {
        let session = self.0;
        json!({
            "id": session.id.as_str(),
            "device": session.device.label(),
            "ipAddress": session.address,
            "place": self.place(),
            "lastActiveAt": session.last_active_at.to_millis_text(),
            "createdAt": session.created_at.to_millis_text(),
        })
    }
}
