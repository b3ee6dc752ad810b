//! Conversion of accounts, sessions and statistics to responses of the authbackend wire.

use crate::api::compat::authbackend::types::{
    AuthbackendDone, AuthbackendEndpoints, AuthbackendHealth, AuthbackendIndex,
    AuthbackendLoginAnswer, AuthbackendRefreshAnswer, AuthbackendSessionAnswer,
    AuthbackendSessionUser, AuthbackendSessions, AuthbackendSignedUp, AuthbackendUser,
    AuthbackendUsers, Daily, Holder, LoggedIn, Logins, LoginsAnswer, Monthly, NewToken, OneUser,
    Session, SessionsAnswer, SignUpAnswer, Statistics, StatisticsAnswer, TokenAnswer, UserAnswer,
    UsersAnswer, Waiting,
};
use crate::error::Result;
use crate::identity::account::sign_up;
use crate::identity::account::verify_email::Proved;
use crate::identity::admin::accounts::AccountWithRoles;
use crate::identity::admin::stats;
use crate::identity::login::gate;
use crate::identity::login::gate::Issued;
use crate::identity::session::list;
use crate::identity::{Caller, Core};
use crate::model::account::Verification;
use crate::model::{Email, role};

/// The API version that this wire reports.
const VERSION: &str = "1.0.0";

pub(in crate::api) fn done(message: &str) -> AuthbackendDone {
    AuthbackendDone { success: true, message: message.to_owned() }
}

pub(in crate::api) fn signed_up(
    core: &Core,
    made: &sign_up::SignedUp,
    number: i64,
) -> SignUpAnswer {
    let waits = core.verification() == Verification::Required;
    let message = if waits {
        "User registered successfully. Please verify your email."
    } else {
        "User registered successfully"
    };
    let data = AuthbackendSignedUp {
        user_id: number,
        email: made.email.to_string(),
        email_verification_required: waits,
    };
    SignUpAnswer { success: true, message: message.into(), data }
}

pub(in crate::api) fn proved(proved: Proved) -> AuthbackendDone {
    done(match proved {
        Proved::Now => "Email verified successfully",
        Proved::Already => "Email is already verified",
    })
}

pub(in crate::api) fn waiting(email: &Email) -> AuthbackendLoginAnswer {
    let data = Waiting { email: email.to_string(), otp_required: true };
    AuthbackendLoginAnswer {
        success: true,
        message: "Verification code sent to your email".into(),
        data,
    }
}

pub(in crate::api) fn logged_in(core: &Core, issued: &Issued) -> Result<AuthbackendSessionAnswer> {
    let account = &issued.account;
    let data = LoggedIn {
        token: gate::access_token(core, issued, Vec::new())?.token,
        refresh_token: issued.refresh.reveal().to_owned(),
        user: AuthbackendSessionUser {
            id: account.number,
            email: account.promised_email(),
            role: role::highest(&issued.roles).to_owned(),
        },
        session_id: issued.session.to_string(),
    };
    Ok(AuthbackendSessionAnswer { success: true, message: "Login successful".into(), data })
}

pub(in crate::api) fn valid(caller: &Caller) -> TokenAnswer {
    let data = Holder {
        user_id: caller.account.number,
        email: caller.account.promised_email(),
        role: role::highest(&caller.roles).to_owned(),
    };
    TokenAnswer { success: true, message: "Token is valid".into(), data }
}

pub(in crate::api) fn refreshed(core: &Core, issued: &Issued) -> Result<AuthbackendRefreshAnswer> {
    let data = NewToken { token: gate::access_token(core, issued, Vec::new())?.token };
    Ok(AuthbackendRefreshAnswer {
        success: true,
        message: "Token refreshed successfully".into(),
        data,
    })
}

pub(in crate::api) fn sessions(
    sessions: Vec<list::SessionView>,
    caller: &Caller,
) -> SessionsAnswer {
    let shown = |session: list::SessionView| Session {
        device: session.device.label(),
        last_active: session.last_active_at.to_seconds_text(),
        is_current: session.id == *caller.session(),
        session_id: session.id.to_string(),
    };
    SessionsAnswer {
        success: true,
        data: AuthbackendSessions { sessions: sessions.into_iter().map(shown).collect() },
    }
}

fn user(entry: AccountWithRoles) -> AuthbackendUser {
    let account = entry.account;
    AuthbackendUser {
        id: account.number,
        email: account.promised_email(),
        first_name: account.first_name,
        last_name: account.last_name,
        role: role::highest(&entry.roles).to_owned(),
        is_email_verified: account.email_verified_at.is_some(),
        created_at: account.created_at.to_seconds_text(),
    }
}

pub(in crate::api) fn users(entries: Vec<AccountWithRoles>) -> UsersAnswer {
    UsersAnswer {
        success: true,
        data: AuthbackendUsers { users: entries.into_iter().map(user).collect() },
    }
}

pub(in crate::api) fn one_user(entry: AccountWithRoles) -> UserAnswer {
    UserAnswer { success: true, data: OneUser { user: user(entry) } }
}

pub(in crate::api) fn statistics(totals: stats::AccountTotals) -> StatisticsAnswer {
    let data = Statistics {
        total_users: totals.users,
        verified_users: totals.verified,
        total_logins: totals.logins,
        active_sessions: totals.sessions,
    };
    StatisticsAnswer { success: true, data }
}

pub(in crate::api) fn logins(logins: stats::LoginCounts) -> LoginsAnswer {
    let data = Logins {
        daily_logins: logins.daily.into_iter().map(|(date, count)| Daily { date, count }).collect(),
        monthly_logins: logins
            .monthly
            .into_iter()
            .map(|(month, count)| Monthly { month, count })
            .collect(),
    };
    LoginsAnswer { success: true, data }
}

pub(in crate::api) fn health(core: &Core) -> AuthbackendHealth {
    AuthbackendHealth {
        success: true,
        message: "Server is running".into(),
        timestamp: core.env.now().to_seconds_text(),
        environment: core.config.server.environment.as_str().to_owned(),
    }
}

pub(in crate::api) fn index() -> AuthbackendIndex {
    AuthbackendIndex {
        success: true,
        message: "Authentication API Server".into(),
        version: VERSION.into(),
        endpoints: AuthbackendEndpoints {
            auth: "/api/auth".into(),
            admin: "/api/admin".into(),
            health: "/health".into(),
        },
        documentation: "Check README.md for API documentation".into(),
    }
}
