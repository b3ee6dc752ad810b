//! The rate limits by name: one table, from which their words, their list, their types and their
//! configured rates are made.

/// Hands the table of limits to a macro. A row is `name = "word" at rate`: the word stands in logs
/// and metrics, and the rate is a field of [`Limits`](crate::config::Limits). Limits that share a
/// rate are still counted separately.
macro_rules! limit_table {
    ($macro:ident) => {
        $macro! {
            /// All calls of a client.
            General = "general" at general;
            /// Creating an account.
            SignUp = "sign_up" at sign_up;
            /// Logging in.
            SignIn = "sign_in" at sign_in;
            /// Rotating a refresh token (failures only).
            Refresh = "refresh" at refresh;
            /// Requesting the verification mail again.
            Resend = "resend" at resend;
            /// Using a verification link.
            VerifyEmail = "verify_email" at verify_email;
            /// Confirming a new address.
            ConfirmEmail = "confirm_email" at verify_email;
            /// Undoing a change of address.
            UndoEmail = "undo_email" at verify_email;
            /// Removing an account that someone else created with the owner's address.
            Disown = "disown" at verify_email;
            /// Using a link that makes the client IP a known one.
            OpenLogin = "open_login" at verify_email;
            /// Using a link that ends a login the owner does not recognize.
            NotMe = "not_me" at verify_email;
            /// Requesting a password reset link.
            Forgot = "forgot" at forgot;
            /// Using a password reset link.
            Reset = "reset" at reset;
            /// Requesting a password reset code.
            ForgotByCode = "forgot_by_code" at forgot;
            /// Checking a password reset code without using it.
            ResetCode = "reset_code" at code;
            /// Using a password reset code.
            ResetByCode = "reset_by_code" at reset;
            /// Completing a login with a second factor.
            Factor = "factor" at factor;
            /// Requesting a login's code again.
            FactorSent = "factor_sent" at factor;
            /// Reauthenticating with the password or a second factor.
            Reauthenticate = "reauthenticate" at factor;
            /// Changing the password.
            ChangePassword = "change_password" at factor;
            /// Requesting a login code.
            CodeRequest = "code_request" at code;
            /// Logging in with a code.
            Code = "code" at code;
            /// Requesting the options of a passkey login.
            PasskeyOptions = "passkey_options" at sign_in;
            /// Logging in with a passkey.
            Passkey = "passkey" at sign_in;
            /// Beginning a login at a provider.
            ProviderBegin = "provider_begin" at sign_in;
            /// Completing a login at a provider.
            Provider = "provider" at sign_in;
            /// Requesting a code that completes a login with a provider.
            ProviderCode = "provider_code" at code;
            /// Completing a login with a provider by a mailed code.
            ProviderStep = "provider_step" at code;
        }
    };
}
pub(crate) use limit_table;

/// A limit as a type, for signatures that declare it. The types have the names of the limits.
pub trait NamedLimit: Send + Sync + 'static {
    const LIMIT: Limit;
}

macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident = $word:literal at $rate:ident;)*) => {
        /// The rate limits, named by the operation that they protect.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Limit {
            $($(#[$doc])* $name,)*
        }

        impl Limit {
            /// All limits.
            pub const ALL: [Limit; [$($word),*].len()] = [$(Limit::$name),*];

            /// The name used in logs and metrics.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Limit::$name => $word,)*
                }
            }

            /// The name under which its refusals are counted in the database.
            #[must_use]
            pub const fn series(self) -> &'static str {
                match self {
                    $(Limit::$name => concat!("limit.", $word),)*
                }
            }

            /// The limit with this name.
            #[must_use]
            pub fn parse(word: &str) -> Option<Limit> {
                Limit::ALL.into_iter().find(|limit| limit.as_str() == word)
            }
        }

        $(
            $(#[$doc])*
            #[derive(Debug)]
            pub struct $name;

            impl NamedLimit for $name {
                const LIMIT: Limit = Limit::$name;
            }
        )*
    };
}

limit_table!(limits);
