//! Conversion of accounts and sessions to responses of the siteworks wire.

use crate::api::compat::siteworks::types::{
    RegisterAnswer, SiteworksDone, SiteworksLoginAnswer, SiteworksProfile, SiteworksProfileAnswer,
    SiteworksRefreshAnswer, SiteworksRegisteredUser, SiteworksSessionUser, TokenPair,
    UpdateProfileAnswer,
};
use crate::error::Result;
use crate::identity::Core;
use crate::identity::login::gate;
use crate::identity::login::gate::Issued;
use crate::model::account::{Status, Verification};
use crate::model::{Account, Time};

fn is_verified(core: &Core, account: &Account) -> bool {
    account.email_verified_at.is_some() || core.verification() == Verification::Optional
}

fn is_active(core: &Core, account: &Account) -> bool {
    matches!(account.status(core.verification()), Status::Active | Status::Pending)
}

fn tokens(core: &Core, issued: &Issued) -> Result<TokenPair> {
    Ok(TokenPair {
        access_token: gate::access_token(core, issued, Vec::new())?.token,
        refresh_token: issued.refresh.reveal().to_owned(),
        expires_at: issued.refresh_until.to_millis_text(),
    })
}

pub(in crate::api) fn registered(core: &Core, issued: &Issued) -> Result<RegisterAnswer> {
    let account = &issued.account;
    Ok(RegisterAnswer {
        success: true,
        message: "User registered successfully".into(),
        user: SiteworksRegisteredUser {
            id: account.id.to_string(),
            email: account.promised_email(),
            name: account.full_name(),
            is_verified: is_verified(core, account),
            is_active: is_active(core, account),
            created_at: account.created_at.to_millis_text(),
        },
        tokens: tokens(core, issued)?,
    })
}

pub(in crate::api) fn logged_in(core: &Core, issued: &Issued) -> Result<SiteworksLoginAnswer> {
    let account = &issued.account;
    Ok(SiteworksLoginAnswer {
        success: true,
        message: "Login successful".into(),
        user: SiteworksSessionUser {
            id: account.id.to_string(),
            email: account.promised_email(),
            name: account.full_name(),
            is_verified: is_verified(core, account),
            is_active: is_active(core, account),
            last_login_at: account.last_login_at.map(Time::to_millis_text),
        },
        tokens: tokens(core, issued)?,
    })
}

pub(in crate::api) fn refreshed(core: &Core, issued: &Issued) -> Result<SiteworksRefreshAnswer> {
    let message = "Token refreshed successfully".into();
    Ok(SiteworksRefreshAnswer { success: true, message, tokens: tokens(core, issued)? })
}

fn profile(core: &Core, account: &Account) -> SiteworksProfile {
    SiteworksProfile {
        id: account.id.to_string(),
        email: account.promised_email(),
        name: account.full_name(),
        is_verified: is_verified(core, account),
        is_active: is_active(core, account),
        last_login_at: account.last_login_at.map(Time::to_millis_text),
        created_at: account.created_at.to_millis_text(),
        updated_at: account.updated_at.to_millis_text(),
    }
}

pub(in crate::api) fn own_account(core: &Core, account: &Account) -> SiteworksProfileAnswer {
    SiteworksProfileAnswer { success: true, user: profile(core, account) }
}

pub(in crate::api) fn updated(core: &Core, account: &Account) -> UpdateProfileAnswer {
    let message = "Profile updated successfully".into();
    UpdateProfileAnswer { success: true, message, user: profile(core, account) }
}

pub(in crate::api) fn done(message: &str) -> SiteworksDone {
    SiteworksDone { success: true, message: message.to_owned() }
}
