//! `[limits]`: rate limits per client IP. See `http` for the counting.

use crate::config::values::rate::Rate;

use crate::config::reader::{ConfigReader, ReadResult};
use crate::error::Limit;

/// `[limits]`: rate limits per client IP. `None` means no limit.
#[derive(Debug, Clone)]
pub struct Limits {
    /// All calls together.
    pub general: Option<Rate>,
    /// Callers with a valid token get the general limit times this factor.
    pub token_factor: u32,
    /// Logins.
    pub sign_in: Option<Rate>,
    /// Sign-ups.
    pub sign_up: Option<Rate>,
    /// Failed refreshes.
    pub refresh: Option<Rate>,
    /// Requests for another verification mail.
    pub resend: Option<Rate>,
    /// Uses of links from mail, except links that set a password.
    pub verify_email: Option<Rate>,
    /// Requests for a password reset.
    pub forgot: Option<Rate>,
    /// Attempts to complete a password reset.
    pub reset: Option<Rate>,
    /// Submitting or resending a second factor, confirming or changing the password.
    pub factor: Option<Rate>,
    /// Requesting or submitting one-time codes.
    pub code: Option<Rate>,
    /// Second factors submitted for one account, from all clients together.
    pub factor_account: Option<Rate>,
    /// Mails to one address that an anonymous client can trigger.
    pub mail_address: Option<Rate>,
    /// Mails that an anonymous client can trigger from one client IP.
    pub mail_client: Option<Rate>,
}

impl Limits {
    /// The configured rate of a limit. Limits that share a rate are still counted separately.
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
            Limit::Factor | Limit::FactorSent | Limit::Reauthenticate | Limit::ChangePassword => {
                self.factor
            }
            Limit::Code | Limit::CodeRequest | Limit::ResetCode => self.code,
        }
    }
}

/// The four keys of a rate: its own key, which accepts `"off"`, and its three parts.
macro_rules! rate_keys {
    ($key:literal) => {
        [$key, concat!($key, ".count"), concat!($key, ".window"), concat!($key, ".shape")]
    };
}

impl Limits {
    pub(in crate::config) fn read(r: &mut ConfigReader) -> ReadResult<Self> {
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
