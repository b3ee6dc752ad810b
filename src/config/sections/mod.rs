//! One file per section of the configuration, each with its own checks.

/// Declares a section. Each key is written once, with its type and the method of `ConfigReader`
/// that reads it; the name of the field is the name of the key. Every key is read before the first
/// error is returned, so that all errors are reported.
macro_rules! section {
    (
        $(#[$meta:meta])*
        pub struct $section:ident = $name:literal {
            $(
                $(#[$doc:meta])*
                $key:ident: $type:ty = $read:ident($($arg:expr),* $(,)?) $(=> $convert:expr)?;
            )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone)]
        pub struct $section {
            $($(#[$doc])* pub $key: $type,)*
        }

        impl $section {
            pub(in crate::config) fn read(
                r: &mut $crate::config::reader::ConfigReader,
            ) -> $crate::config::reader::ReadResult<Self> {
                $(let $key = r.$read(concat!($name, ".", stringify!($key)), $($arg),*);)*
                Ok(Self { $($key: $key$(.map($convert))??,)* })
            }
        }
    };
}

pub mod admin;
pub mod alerts;
pub mod apps;
pub mod audit;
pub mod backup;
pub mod factors;
pub mod files;
pub mod hashing;
pub mod language;
pub mod limits;
pub mod links;
pub mod location;
pub mod lockout;
pub mod log;
pub mod login;
pub mod mail;
pub mod metrics;
pub mod outbound;
pub mod pages;
pub mod password;
pub mod providers;
pub mod server;
pub mod service;
pub mod sessions;
pub mod signup;
pub mod sms;
pub mod throttle;
pub mod tls;
pub mod tokens;
pub mod webauthn;
