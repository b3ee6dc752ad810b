//! Users by one call: an account with a verified address, its password, roles, second factor and a
//! session.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::config::LoginOtp;
use crate::error::{Error, Kind, Result};
use crate::identity::account::sign_up::NewAccount;
use crate::identity::admin::accounts::{self, NewEntry};
use crate::identity::login::gate::{self, NewSession, Proof};
use crate::identity::login::remember::Remember;
use crate::identity::{By, Core, factor};
use crate::model::{Account, Email, Password, Secret, Source, Username, secret};

/// The user to create. Everything is optional.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct NewUser {
    email: Option<String>,
    password: Option<String>,
    username: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    phone: Option<String>,
    /// Besides the default one.
    roles: Vec<String>,
    /// True unless given.
    verified: Option<bool>,
    /// `totp`, or none.
    factor: Option<FactorWanted>,
    /// Whether to log in as well.
    tokens: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum FactorWanted {
    Totp,
}

/// The user, with all its secrets.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MadeUser {
    id: String,
    email: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    password: String,
    roles: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    totp: Option<MadeTotp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    backup_codes: Option<Vec<String>>,
    #[serde(flatten)]
    tokens: Option<MadeTokens>,
}

/// An authenticator.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MadeTotp {
    secret: String,
    otpauth_uri: String,
    /// The code that is valid now.
    code: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MadeTokens {
    access_token: String,
    refresh_token: String,
    expires_in: i64,
}

impl MadeUser {
    pub(super) fn email(&self) -> &str {
        &self.email
    }
}

fn invalid(message: &'static str) -> Error {
    Error::with(Kind::Validation, message)
}

/// Creates a user, and logs in if asked to.
///
/// # Errors
/// As [`accounts::create`].
pub(super) async fn create(core: &Core, new: NewUser, source: &Source) -> Result<MadeUser> {
    let (name, word) = (core.env.random::<8>()?, core.env.random::<12>()?);
    let name = u64::from_be_bytes(name);
    let email = new.email.unwrap_or_else(|| format!("user-{name:x}@example.test"));
    let email = Email::parse(&email).ok_or_else(|| invalid("email is not an email address"))?;
    // With all kinds of characters, for every policy.
    let password = new.password.unwrap_or_else(|| format!("Aa1!{}", secret::encode(&word)));
    let username = match new.username {
        Some(name) => Some(Username::parse(&name).ok_or_else(|| invalid("username is invalid"))?),
        None => None,
    };
    let account = NewAccount {
        username,
        first_name: new.first_name,
        last_name: new.last_name,
        phone: new.phone,
        ..NewAccount::new(email, Password::new(password.as_str()))
    };
    let verified = new.verified.unwrap_or(true);
    let entry = NewEntry { account, roles: new.roles, verified };
    let made = accounts::create(core, &By::command_line(), entry).await?;
    let tokens =
        if new.tokens { Some(log_in(core, made.account.clone(), source).await?) } else { None };
    let factor = match new.factor {
        Some(FactorWanted::Totp) => {
            Some(factor::grant_authenticator(core, &By::command_line(), &made.account.id).await?)
        }
        None => None,
    };
    let shown = |secret: &Secret| secret.reveal().to_owned();
    Ok(MadeUser {
        id: made.account.id.to_string(),
        email: made.account.promised_email(),
        username: made.account.username,
        password,
        roles: made.roles,
        backup_codes: factor.as_ref().map(|made| made.backup_codes.iter().map(shown).collect()),
        totp: factor.map(|made| MadeTotp {
            secret: shown(&made.authenticator.secret),
            otpauth_uri: shown(&made.authenticator.uri),
            code: shown(&made.code),
        }),
        tokens,
    })
}

/// A session, as a login with the password would begin it.
async fn log_in(core: &Core, account: Account, source: &Source) -> Result<MadeTokens> {
    // Where each login asks for a mailed code, the password alone is not enough.
    let proof = match core.config.login.otp {
        LoginOtp::Email => Proof::MailedCode,
        LoginOtp::Off => Proof::Password,
    };
    if account.status(core.verification()) != crate::model::Status::Active {
        return Err(invalid("only a verified user can have tokens"));
    }
    let session = NewSession::prepare(core, account, proof, Remember::Long, source).await?;
    let inside = session.clone();
    let granted = core.store.write(move |db| inside.open(db)).await?;
    let issued = session.outcome(core, granted).await?.into_issued()?;
    let access = gate::access_token(core, &issued, vec![("roles", json!(issued.roles))])?;
    Ok(MadeTokens {
        access_token: access.token,
        refresh_token: issued.refresh.reveal().to_owned(),
        expires_in: access.expires_in,
    })
}
