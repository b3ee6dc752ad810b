//! What the page after a form says. The word travels in a cookie, so that no link can put words on
//! a page.

use crate::model::Account;
use crate::words::Words;

macro_rules! notices {
    ($($notice:ident = $word:literal;)*) => {
        /// What a page says about the form before it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(in crate::web) enum Notice {
            $($notice,)*
        }

        impl Notice {
            pub(in crate::web) fn as_str(self) -> &'static str {
                match self {
                    $(Notice::$notice => $word,)*
                }
            }

            pub(in crate::web) fn parse(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Notice::$notice),)*
                    _ => None,
                }
            }
        }
    };
}

notices! {
    SignedOut = "signed_out";
    SignInAgain = "sign_in_again";
    LoginOver = "login_over";
    AccountDeleted = "account_deleted";
    CodeSent = "code_sent";
    ProfileSaved = "profile_saved";
    AddressAsked = "address_asked";
    PasswordSaved = "password_saved";
    PasskeyAdded = "passkey_added";
    PasskeyRenamed = "passkey_renamed";
    PasskeyRemoved = "passkey_removed";
    ProviderConnected = "provider_connected";
    ProviderRemoved = "provider_removed";
    SecondStepOn = "factor_on";
    SecondStepOff = "factor_off";
    DeviceEnded = "session_ended";
    DevicesEnded = "sessions_ended";
    DeviceGone = "session_gone";
    FirstAddressAsked = "first_address_asked";
    ProviderConnectedUnmailed = "provider_connected_unmailed";
    AccountDeletedUnmailed = "account_deleted_unmailed";
    // Of the console, whose words are English.
    ChangeSaved = "change_saved";
    SearchRemoved = "search_removed";
    AccountMade = "account_made";
    AccountInvited = "account_invited";
    AccountSuspended = "account_suspended";
    AccountReinstated = "account_reinstated";
    AccountUnlocked = "account_unlocked";
    AccountRestored = "account_restored";
    AccountRemoved = "account_removed";
    AccountErased = "account_erased";
    AddressMarked = "address_marked";
    PasswordLinkSent = "password_link_sent";
    SessionStopped = "session_stopped";
    SessionsStopped = "sessions_stopped";
    FactorsReset = "factors_reset";
    KeyTaken = "key_taken";
    MessageRetried = "message_retried";
    RoleSaved = "role_saved";
    RoleGone = "role_gone";
    AppGone = "app_gone";
    KeysRotated = "keys_rotated";
    ProviderSaved = "provider_saved";
    ProviderGone = "provider_gone";
    BackupBegun = "backup_begun";
    CheckBegun = "check_begun";
}

impl Notice {
    /// After an account at a provider was connected with this account.
    pub(in crate::web) fn connected(account: &Account) -> Self {
        match account.email {
            Some(_) => Self::ProviderConnected,
            None => Self::ProviderConnectedUnmailed,
        }
    }

    pub(in crate::web) fn text(self, words: &Words) -> &str {
        match self {
            Notice::SignedOut => &words.sign_in.signed_out,
            Notice::SignInAgain => &words.sign_in.again,
            Notice::LoginOver => &words.factor.over,
            Notice::AccountDeleted => &words.sign_in.deleted_now,
            Notice::CodeSent => &words.factor.sent,
            Notice::ProfileSaved => &words.account.profile.saved,
            Notice::AddressAsked => &words.account.email.sent,
            Notice::PasswordSaved => &words.account.password.changed,
            Notice::PasskeyAdded => &words.account.passkeys.added,
            Notice::PasskeyRenamed => &words.account.passkeys.renamed,
            Notice::PasskeyRemoved => &words.account.passkeys.removed,
            Notice::ProviderConnected => &words.account.connections.added,
            Notice::ProviderRemoved => &words.account.connections.removed,
            Notice::SecondStepOn => &words.account.factors.done,
            Notice::SecondStepOff => &words.account.factors.removed,
            Notice::DeviceEnded => &words.account.sessions.ended,
            Notice::DevicesEnded => &words.account.sessions.others_ended,
            Notice::DeviceGone => &words.account.sessions.gone,
            Notice::FirstAddressAsked => &words.account.email.sent_first,
            Notice::ProviderConnectedUnmailed => &words.account.connections.added_unmailed,
            Notice::AccountDeletedUnmailed => &words.sign_in.deleted_unmailed,
            Notice::ChangeSaved => "Saved.",
            Notice::SearchRemoved => "The search is removed.",
            Notice::AccountMade => "The account is created.",
            Notice::AccountInvited => {
                "The account is created, and its owner is sent an invitation."
            }
            Notice::AccountSuspended => "The account is suspended, and its sessions have ended.",
            Notice::AccountReinstated => "The suspension is lifted.",
            Notice::AccountUnlocked => "The account is unlocked.",
            Notice::AccountRestored => "The account is restored.",
            Notice::AccountRemoved => "The account is deleted. It can be restored for 30 days.",
            Notice::AccountErased => "The account is erased: its address was never verified.",
            Notice::AddressMarked => "The address counts as verified.",
            Notice::PasswordLinkSent => "The owner is sent a link to choose a password.",
            Notice::SessionStopped => "The session has ended.",
            Notice::SessionsStopped => "All sessions have ended.",
            Notice::FactorsReset => "All second factors and passkeys are removed.",
            Notice::KeyTaken => "The passkey is removed.",
            Notice::MessageRetried => "The message is due now.",
            Notice::RoleSaved => "The role is saved.",
            Notice::RoleGone => "The role is deleted.",
            Notice::AppGone => "The app is deleted, and its key has stopped working.",
            Notice::KeysRotated => "There is a new signing key.",
            Notice::ProviderSaved => "The provider is saved, and is in force now.",
            Notice::ProviderGone => "The provider is removed.",
            Notice::BackupBegun => "The backup is being made.",
            Notice::CheckBegun => "The backup is being checked.",
        }
    }
}
