//! `[limits]`: calls per client address. Counting them is not done here.

use std::time::Duration;

use super::reader::{Read, Reader};
use crate::error::Limit;

/// A number of calls in a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub count: u32,
    /// In which time.
    pub window: Duration,
    /// How it is counted.
    pub shape: Shape,
}

/// How a rate is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A fixed window from its first call.
    Window,
    /// Evenly, with the whole number as the burst.
    Smooth,
}

/// `[limits]`: calls per client address. A rate of `None` is off.
#[derive(Debug, Clone)]
pub struct Limits {
    /// All calls together.
    pub general: Option<Rate>,
    /// How many times the general limit a valid token has.
    pub token_factor: u32,
    /// Logins.
    pub sign_in: Option<Rate>,
    /// Sign-ups.
    pub sign_up: Option<Rate>,
    /// Failed refreshes.
    pub refresh: Option<Rate>,
    /// Verification mails asked for again.
    pub resend: Option<Rate>,
    /// Uses of links, but for those that set a password.
    pub verify_email: Option<Rate>,
    /// Password resets asked for.
    pub forgot: Option<Rate>,
    /// Password resets used.
    pub reset: Option<Rate>,
    /// Second factors shown or sent again, the password shown again or changed.
    pub factor: Option<Rate>,
    /// One-time codes asked for or shown.
    pub code: Option<Rate>,
    /// Second factors shown for one account, from wherever.
    pub factor_account: Option<Rate>,
    /// Mails to one address that anybody can cause.
    pub mail_address: Option<Rate>,
    /// Mails from one client address that anybody can cause.
    pub mail_client: Option<Rate>,
}

impl Limits {
    /// The rate behind a limit's name; kinds of calls that share a rate are counted apart all the same.
    #[must_use]
    pub fn rate(&self, limit: Limit) -> Option<Rate> {
        match limit {
            Limit::General => self.general,
            Limit::SignUp => self.sign_up,
            Limit::SignIn => self.sign_in,
            Limit::Refresh => self.refresh,
            Limit::Resend => self.resend,
            Limit::VerifyEmail
            | Limit::ConfirmEmail
            | Limit::UndoEmail
            | Limit::Disown
            | Limit::OpenLogin
            | Limit::NotMe => self.verify_email,
            Limit::Forgot | Limit::ForgotByCode => self.forgot,
            Limit::Reset | Limit::ResetByCode => self.reset,
            Limit::Factor | Limit::FactorSent | Limit::Reauthenticate | Limit::ChangePassword => self.factor,
            Limit::Code | Limit::CodeRequest | Limit::ResetCode => self.code,
        }
    }
}

/// The four keys of a rate: its own, which takes `"off"`, and its three parts.
macro_rules! rate_keys {
    ($key:literal) => {
        [$key, concat!($key, ".count"), concat!($key, ".window"), concat!($key, ".shape")]
    };
}

impl Limits {
    pub(super) fn read(r: &mut Reader) -> Read<Self> {
        let general = r.rate(rate_keys!("limits.general"));
        let token_factor = r.whole("limits.token_factor", 1..=1000);
        let sign_in = r.rate(rate_keys!("limits.sign_in"));
        let sign_up = r.rate(rate_keys!("limits.sign_up"));
        let refresh = r.rate(rate_keys!("limits.refresh"));
        let resend = r.rate(rate_keys!("limits.resend"));
        let verify_email = r.rate(rate_keys!("limits.verify_email"));
        let forgot = r.rate(rate_keys!("limits.forgot"));
        let reset = r.rate(rate_keys!("limits.reset"));
        let factor = r.rate(rate_keys!("limits.factor"));
        let code = r.rate(rate_keys!("limits.code"));
        let factor_account = r.rate(rate_keys!("limits.factor_account"));
        let mail_address = r.rate(rate_keys!("limits.mail_address"));
        let mail_client = r.rate(rate_keys!("limits.mail_client"));
        Ok(Self {
            general: general?,
            token_factor: token_factor?,
            sign_in: sign_in?,
            sign_up: sign_up?,
            refresh: refresh?,
            resend: resend?,
            verify_email: verify_email?,
            forgot: forgot?,
            reset: reset?,
            factor: factor?,
            code: code?,
            factor_account: factor_account?,
            mail_address: mail_address?,
            mail_client: mail_client?,
        })
    }
}
