//! Plain data, parsed once at the edge: every value of these types is well-formed.
//!
//! Nothing here reads the database, the clock or the configuration.

pub mod account;
pub mod app;
pub mod auth_method;
pub mod barrier;
pub mod color;
pub mod database;
pub mod device;
pub mod email;
pub mod event;
pub mod factor;
pub mod http_url;
pub mod id;
pub mod identity;
pub mod language;
pub mod media;
pub mod page;
pub mod passkey;
pub mod percent;
pub mod permission;
pub mod provider;
pub mod role;
pub mod search_text;
pub mod secret;
pub mod session;
pub mod source;
pub mod text;
pub mod time;
pub mod username;

pub use account::{Account, Status};
pub use app::ApiClient;
pub use auth_method::{AuthMethod, AuthMethods};
pub use barrier::Barrier;
pub use color::Color;
pub use database::Database;
pub use device::Device;
pub use email::Email;
pub use event::{Event, EventOutcome};
pub use factor::{Factor, FactorKind, Method};
pub use http_url::{HttpUrl, UrlHost};
pub use id::{AccountId, SessionId};
pub use language::LanguageTag;
pub use page::Page;
pub use passkey::{Passkey, PasskeyKind};
pub use permission::{Permission, Rights};
pub use provider::{Provider, ProviderSettings};
pub use search_text::SearchText;
pub use secret::{Password, Secret};
pub use source::{ClientIp, RequestSender, Source};
pub use time::Time;
pub use username::Username;
